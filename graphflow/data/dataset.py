"""`tf.data.Dataset`: how to make a sequence of elements, as part of a graph."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.errors import InvalidArgumentError
from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.symbolic import static_value
from . import structure as st
from .function import Failure, Function, Scope

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

Iterate = Callable[[Scope], Iterator[Any]]


class Core(st.Structured):
    """What every dataset has: the structure of its elements, and how to iterate over them.

    `iterate(scope)` gives the elements, flat, or Failures. `tensors` and `functions` are what it refers to besides
    the datasets `inputs`; `size` is the number of elements, where it is known.
    """

    def __init__(self, spec: Any, iterate: Iterate, inputs: Sequence[Core] = (), tensors: Sequence[Tensor] = (),
                 functions: Sequence[Function] = (), size: int | None = None):
        self._spec = spec
        self._iterate = iterate
        self._upstream = tuple(inputs)
        self._own_tensors = tuple(tensors)
        self._functions = tuple(functions)
        self._size = UNKNOWN_CARDINALITY if size is None else size
        self._options: Any = None
        self._graph = default_graph()

    def _tensors(self) -> list[Tensor]:
        """The tensors whose values must be known to iterate, those of the inputs included; constants are."""
        found: dict[Tensor, None] = {}
        for dataset in self._upstream:
            found.update(dict.fromkeys(dataset._tensors()))
        found.update(dict.fromkeys(self._own_tensors))
        for function in self._functions:
            found.update(dict.fromkeys(function.tensors))
        return [t for t in found if t.op.type != "Const"]

    def _all_functions(self) -> list[Function]:
        return [*self._functions, *(f for d in self._upstream for f in d._all_functions())]

    def __repr__(self) -> str:
        return f"<DatasetV1Adapter shapes: {_shown(self.output_shapes)}, types: {_shown(self.output_types)}>"

    __str__ = __repr__

    def cardinality(self) -> Tensor:
        """The number of elements, int64: INFINITE_CARDINALITY (-1) and UNKNOWN_CARDINALITY (-2) among others."""
        return convert_to_tensor(np.int64(self._size))

    def options(self) -> Any:
        """The options given by `with_options`."""
        from .options import Options
        return self._options or next((d.options() for d in self._upstream if hasattr(d, "options")), Options())


def _shown(value: Any) -> str:
    parts = st.children(value)
    if parts is None:
        return repr(value) if not hasattr(value, "as_list") else str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_shown(v)}" for k, v in value.items()) + "}"
    return "(" + ", ".join(map(_shown, parts)) + (",)" if len(parts) == 1 else ")")


# arguments


def as_scalar(value: Any, dtype: Any, name: str) -> Tensor:
    """A scalar argument as a tensor of `dtype`. Raises ValueError for another rank, TypeError for another dtype."""
    tensor = convert_to_tensor(value, dtype, name=name)
    if tensor.dims is not None and len(tensor.dims):
        raise ValueError(f"{name} must be a scalar, received {tensor!r}")
    return tensor


def known(tensor: Tensor) -> Any:
    """A scalar's value while the graph is built, None when it depends on data."""
    value = static_value(tensor) if tensor.op.type != "Const" else tensor.op.attrs["value"]
    return None if value is None else value.item()


def positive(scope: Scope, tensor: Tensor, name: str) -> int:
    """The value of a size. Raises InvalidArgumentError unless it is at least 1."""
    value = int(scope.scalar(tensor))
    if value < 1:
        raise InvalidArgumentError(f"{name} must be greater than zero.")
    return value


def counted(size: int, count: Any, combine: Any) -> int | None:
    """A size computed from another and a count, None where one of them is not known."""
    return None if count is None or size == UNKNOWN_CARDINALITY else combine(size, count)


def take_error(element: Any) -> Any:
    """The element itself. Raises the error of a Failure."""
    if isinstance(element, Failure):
        raise element.error
    return element


def placeholder_dataset(token: Any, spec: Any) -> Any:
    """The dataset that a function gets as an argument; `scope[token]` is its value."""
    from . import Dataset
    return Dataset._of(spec, lambda scope: iter(scope[token]))
