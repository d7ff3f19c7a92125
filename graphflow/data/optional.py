"""`tf.data.experimental.Optional`: an element that may be missing, such as the one after the last of a dataset."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..check_ops import Assert
from ..compiler.dtypes import bool_
from ..compiler.errors import OutOfRangeError
from ..compiler.ir import Tensor, TensorType
from ..compiler.opdef import HOST, OpDef
from ..compiler.ops.constant import constant
from ..compiler.ops.view import identity
from ..framework import control_dependencies
from ..tensor_spec import TypeSpec
from . import structure as st
from .iterator import EagerIterator, Iterator, next_reference, next_types


class Optional:
    """A value of a known structure, or none."""

    def __init__(self, present: Tensor, tensors: Sequence[Tensor], spec: Any):
        self._present = present
        self._tensors = list(tensors)
        self._spec = spec

    @staticmethod
    def from_value(value: Any) -> Optional:
        """One that has this value."""
        value = st.map_structure(st.to_graph, value)
        tensors = [t for leaf in st.flatten(value) for t in st.tensors_of(leaf)]
        return Optional(constant(True), tensors, st.map_structure(st.spec_of, value))

    @staticmethod
    def none_from_structure(value_structure: Any) -> Optional:
        """One without a value; `value_structure` is the spec of what it could have."""
        types = [t for leaf in st.flatten(value_structure) for t in st.types_of(leaf)]
        return Optional(constant(False), [constant(_nothing(t), t.dtype) for t in types], value_structure)

    empty = none_from_structure

    def has_value(self, name: str | None = None) -> Tensor:
        """Whether there is a value, a bool scalar."""
        return identity(self._present, name=name)

    def get_value(self, name: str | None = None) -> Any:
        """The value. Raises InvalidArgumentError when the graph runs and there is none."""
        with control_dependencies([Assert(self._present, ["The given optional does not have a value."])]):
            rest = iter([identity(t, name=name) for t in self._tensors])
        leaves = st.flatten(self._spec)
        return st.pack(self._spec, [st.from_tensors(leaf, [next(rest) for _ in st.types_of(leaf)]) for leaf in leaves])

    @property
    def value_structure(self) -> Any:
        """The spec of the value."""
        return self._spec

    element_spec = value_structure


class OptionalSpec(TypeSpec):
    """The spec of what an Optional may hold."""

    __slots__ = ("element_spec",)

    def __init__(self, element_spec: Any):
        self.element_spec = element_spec

    @property
    def value_type(self) -> Any:
        return Optional

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OptionalSpec) and self.element_spec == other.element_spec

    def __hash__(self) -> int:
        return hash(OptionalSpec)

    def __repr__(self) -> str:
        return f"OptionalSpec({self.element_spec})"


def _nothing(kind: TensorType) -> np.ndarray:
    """An array of that type with as few elements as there may be."""
    dims = [d if isinstance(d, int) else 0 for d in kind.dims or ()]
    return np.full(dims, b"", object) if kind.dtype.is_string else np.zeros(dims, kind.dtype.np)


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(bool_, ()), *next_types(inputs, attrs)]


def _reference(handle: np.ndarray, spec: Sequence[Any], session: Any) -> tuple[Any, ...]:
    try:
        return (np.array(True), *next_reference(handle, spec, session))
    except OutOfRangeError:
        return (np.array(False), *(_nothing(t) for leaf in spec for t in st.types_of(leaf)))


_get_next = OpDef("IteratorGetNextAsOptional", HOST, _types, None, _reference, stateful=True,
                  fields={"resource": True})


def get_next_as_optional(iterator: Iterator) -> Optional:
    """The next element of an iterator, nothing after the last."""
    spec = iterator.element_spec
    if isinstance(iterator, EagerIterator):
        try:
            return Optional.from_value(next(iterator))
        except StopIteration:
            return Optional.none_from_structure(spec)
    op = _get_next.operation(iterator._iterator_resource, spec=tuple(st.flatten(spec)))
    return Optional(op.outputs[0], op.outputs[1:], spec)
