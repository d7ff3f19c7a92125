"""Iterators: what hands a dataset's elements to a graph, one for each run, or to Python.

An iterator is a string in the graph, the name under which the session keeps its state; so one may be chosen by feeding
its name.
"""
from __future__ import annotations

import itertools
import threading
import weakref
from collections import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import string
from ..compiler.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    OutOfRangeError,
    UnknownError,
)
from ..compiler.ir import Operation, Tensor, TensorType
from ..compiler.opdef import HOST, OpDef
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.passes.specialise import needed_operations
from ..runtime.runner import Runner
from ..runtime.session import Session, default_session
from ..script_ops import EagerArray
from ..session import OWN, session_of
from . import structure as st
from .dataset import Core, take_error
from .function import Element, Runs, Scope
from .functional import reduced, reducer

_numbers = itertools.count()


class _State:
    """An iterator in a session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._elements: abc.Iterator[Any] | None = None

    def start(self, elements: abc.Iterator[Any]) -> None:
        """Begin (anew) with these elements."""
        with self._lock:
            self._elements = elements

    @property
    def started(self) -> bool:
        return self._elements is not None

    def next(self) -> Element:
        """The next element. Raises OutOfRangeError at the end, or what went wrong in making the element."""
        with self._lock:
            if self._elements is None:
                raise FailedPreconditionError(
                    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                    "initializer operation for this iterator before getting the next element.")
            element = _next(self._elements)
        if element is None:
            raise OutOfRangeError("End of sequence")
        return element

    def close(self) -> None:
        """Forget the elements, which ends the threads that make them."""
        self._elements = None


def _next(elements: abc.Iterator[Any]) -> Element | None:
    """The next element, None at the end. Raises the error in its place, or of the iterator, as an OpError."""
    try:
        return take_error(next(elements, None))
    except Exception as error:
        raise as_op_error(error) from error.__cause__


def as_op_error(error: Exception) -> OpError:
    """An error of a session's run for one of the user's Python code."""
    if isinstance(error, OpError):
        return error
    kind = InvalidArgumentError if isinstance(error, (TypeError, ValueError)) else UnknownError
    converted = kind(f"{type(error).__name__}: {error}")
    converted.__cause__ = error
    return converted


def _state(session: Any, key: str) -> _State:
    return session.resources.setdefault(("iterator", key), _State())


def _name(key: str) -> np.ndarray:
    out = np.empty((), object)
    out[()] = key.encode()
    return out


def _scalar_string(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(string, ())]


def _handle_reference(key: str, session: Any) -> np.ndarray:
    _state(session, key)
    return _name(key)


def _one_shot_reference(key: str, dataset: Core, session: Any) -> np.ndarray:
    state = _state(session, key)
    if not state.started:
        state.start(dataset._iterate(scope_of(dataset, session)))
    return _name(key)


def scope_of(dataset: Core, session: Any) -> Scope:
    """A scope with the present values of the tensors that a dataset refers to."""
    tensors = dataset._tensors()
    values = Runner(session, tensors, [], [])([]) if tensors else []
    return Scope(weakref.ref(session), dict(zip(tensors, values, strict=True)))


def _make_reference(handle: np.ndarray, *values: np.ndarray, dataset: Core, session: Any) -> tuple[()]:
    scope = Scope(weakref.ref(session), dict(zip(dataset._tensors(), values, strict=True)))
    _state(session, handle.item().decode()).start(dataset._iterate(scope))
    return ()


def next_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [t for leaf in attrs["spec"] for t in st.types_of(leaf)]


def next_reference(handle: np.ndarray, spec: Sequence[Any], session: Any) -> tuple[Any, ...]:
    key = ("iterator", handle.item().decode())
    if key not in session.resources:
        raise NotFoundError(f"Iterator {handle.item()!r} does not exist in this session.")
    element = session.resources[key].next()
    if len(element) != len(spec):
        raise InvalidArgumentError(f"Number of components does not match: expected {len(spec)} types but got "
                                   f"{len(element)}.")
    arrays = tuple(a for leaf, value in zip(spec, element, strict=True) for a in st.arrays_of(leaf, value))
    for type_, array in zip((t for leaf in spec for t in st.types_of(leaf)), arrays, strict=True):
        if type_.dtype.np != np.asarray(array).dtype and not type_.dtype.is_string:
            raise InvalidArgumentError(f"Data type mismatch: expected {type_.dtype.name} but got "
                                       f"{np.asarray(array).dtype}.")
    return arrays


_RESOURCE = {"resource": True}
_handle = OpDef("IteratorV2", HOST, _scalar_string, None, _handle_reference, stateful=True, fields=_RESOURCE)
_one_shot = OpDef("OneShotIterator", HOST, _scalar_string, None, _one_shot_reference, stateful=True, fields=_RESOURCE)
# starts an iterator: its name, then the tensors that the dataset refers to
_make = OpDef("MakeIterator", HOST, lambda inputs, attrs: [], None, _make_reference, stateful=True, fields=_RESOURCE)
_get_next = OpDef("IteratorGetNext", HOST, next_types, None, next_reference, stateful=True, fields=_RESOURCE)


class Iterator(st.Structured):
    """Hands out the elements of a dataset, see `Dataset.make_one_shot_iterator` and the like."""

    def __init__(self, iterator_resource: Tensor, initializer: Operation | None, output_types: Any,
                 output_shapes: Any = None, output_classes: Any = None, spec: Any = None):
        self._iterator_resource = iterator_resource
        self._initializer = initializer
        self._spec = spec if spec is not None else st.specs_from(output_types, output_shapes, output_classes)

    @staticmethod
    def from_structure(output_types: Any, output_shapes: Any = None, shared_name: str | None = None,
                       output_classes: Any = None) -> Iterator:
        """An iterator for datasets of that structure, to be started by `make_initializer` of one of them."""
        return Iterator(_new_handle(shared_name), None, output_types, output_shapes, output_classes)

    @staticmethod
    def from_string_handle(string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
                           ) -> Iterator:
        """The iterator whose `string_handle` is fed, or computed otherwise. Its elements must have that structure."""
        handle = convert_to_tensor(string_handle, string, name="string_handle")
        return Iterator(handle, None, output_types, output_shapes, output_classes)

    @property
    def initializer(self) -> Operation:
        """The operation that starts the iterator. Raises ValueError for one without."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Core, name: str | None = None) -> Operation:
        """An operation that starts the iterator with a dataset. Raises TypeError where the structures differ."""
        for what, mine, theirs in (("types", self.output_types, dataset.output_types),
                                   ("classes", self.output_classes, dataset.output_classes)):
            if mine != theirs:
                raise TypeError(f"Expected output {what} {mine!r} but got dataset with output {what} {theirs!r}.")
        mine, theirs = st.flatten(self._spec), st.flatten(dataset.element_spec)
        if any(not a.shape.is_compatible_with(b.shape) for a, b in zip(mine, theirs, strict=True)):
            raise TypeError(f"Expected output shapes compatible with {self.output_shapes!r} but got dataset with "
                            f"output shapes {dataset.output_shapes!r}.")
        return _make.operation(self._iterator_resource, *dataset._tensors(), dataset=dataset,
                               name=name or "MakeIterator")

    def get_next(self, name: str | None = None) -> Any:
        """The next element, as tensors: another one in each run.

        Raises, when the graph runs, OutOfRangeError after the last, and FailedPreconditionError before the start.
        """
        leaves = st.flatten(self._spec)
        if any(isinstance(leaf, st.DatasetSpec) for leaf in leaves):
            raise TypeError("An iterator cannot hand datasets to a graph; use flat_map on the dataset of datasets "
                            f"first. Its elements are {self._spec}")
        op = _get_next.operation(self._iterator_resource, spec=tuple(leaves), name=name or "IteratorGetNext")
        rest = iter(op.outputs)
        return st.pack(self._spec, [st.from_tensors(leaf, [next(rest) for _ in st.types_of(leaf)]) for leaf in leaves])

    def string_handle(self, name: str | None = None) -> Tensor:
        """A string scalar to feed to an iterator made by `from_string_handle`."""
        from ..compiler.ops.view import identity
        return identity(self._iterator_resource, name=name or "IteratorToStringHandle")


def _new_handle(shared_name: str | None) -> Tensor:
    return _handle(key=shared_name or f"iterator_{next(_numbers)}", name="IteratorV2")


def make_initializable_iterator(dataset: Core, shared_name: str | None = None) -> Iterator:
    """See `Dataset.make_initializable_iterator`."""
    handle = _new_handle(shared_name)
    initializer = _make.operation(handle, *dataset._tensors(), dataset=dataset, name="MakeIterator")
    return Iterator(handle, initializer, None, spec=dataset.element_spec)


def make_one_shot_iterator(dataset: Core) -> Iterator:
    """See `Dataset.make_one_shot_iterator`."""
    tensors = dataset._tensors()
    inner = [op for f in dataset._all_functions() for op in f.graph.operations]
    for op in [*needed_operations(tensors, [], ()), *inner]:
        if op.type == "Placeholder":
            raise ValueError(f"Cannot capture a placeholder (name:{op.name}, type:{op.type}) by value.")
        if op.type == "VariableV2" or "resource" in op.definition.fields:
            raise ValueError(
                "Failed to create a one-shot iterator for a dataset. `Dataset.make_one_shot_iterator()` does not "
                "support datasets that capture stateful objects, such as a `Variable` or `LookupTable`. In these "
                "cases, use `Dataset.make_initializable_iterator()`. (Original error: Cannot capture a stateful node "
                f"(name:{op.name}, type:{op.type}) by value.)"
            )
    handle = _one_shot(key=f"one_shot_{next(_numbers)}", dataset=dataset, name="OneShotIterator")
    return Iterator(handle, None, None, spec=dataset.element_spec)


def iterate_in_python(dataset: Core, state: dict[Any, Any] | None = None) -> abc.Iterator[Any]:
    """The elements as NumPy values (arrays with TensorFlow 2's method `numpy()`), computed in the default session, in
    that of Keras's variables or one of their own; where ops run at once, with what there is. Iterations that share a
    `state` go on from each other: shuffles have other orders, caches are filled once."""
    graph: Any = dataset._graph
    kept = session_of(graph) if graph.get_collection_ref(OWN) else None
    session = graph.session if graph.eager else default_session() or kept or Session(graph=graph)
    scope = scope_of(dataset, session)
    scope.state = scope.state if state is None else state
    yield from _structured(dataset.element_spec, dataset._iterate(scope))


class NumpyIterator:
    """A dataset's elements as NumPy values."""

    def __init__(self, dataset: Core):
        self._elements = iterate_in_python(dataset)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return next(self._elements)


class EagerIterator(Iterator):
    """A dataset's elements as tensors, where ops run at once: `next(iterator)`, or `get_next()`."""

    def __init__(self, dataset: Core):
        self._spec = dataset.element_spec
        self._elements = iterate_in_python(dataset)

    def __iter__(self) -> EagerIterator:
        return self

    def __next__(self) -> Any:
        return _as_tensors(next(self._elements))

    next = __next__

    def get_next(self, name: str | None = None) -> Any:
        """The next element. Raises OutOfRangeError after the last."""
        try:
            return next(self)
        except StopIteration:
            raise OutOfRangeError("End of sequence") from None


def _as_tensors(element: Any) -> Any:
    return st.map_structure(lambda value: Runs(lambda: map(_as_tensors, value)) if isinstance(value, Runs) else
                            st.to_graph(value), element)


def _structured(spec: Any, elements: abc.Iterator[Any]) -> abc.Iterator[Any]:
    leaves = st.flatten(spec)
    while (element := _next(elements)) is not None:
        yield st.pack(spec, [_python(leaf, value) for leaf, value in zip(leaves, element, strict=True)])


def _python(spec: Any, value: Any) -> Any:
    if isinstance(spec, st.DatasetSpec):
        return Runs(lambda: _structured(spec.element_spec, iter(value)))
    if not isinstance(value, np.ndarray):
        return value
    return value.view(EagerArray) if value.ndim else value[()]


# ops that run through a dataset at once


def _whole_reference(
    *values: np.ndarray,
    dataset: Core,
    tensors: tuple[Tensor, ...],
    finish: Callable[[Scope], Element],
    spec: Sequence[Any],
    session: Any,
) -> tuple[Any, ...]:
    scope = Scope(weakref.ref(session), dict(zip(tensors, values, strict=True)))
    try:
        element = finish(scope)
    except Exception as error:
        raise as_op_error(error) from error
    return tuple(a for leaf, value in zip(spec, element, strict=True) for a in st.arrays_of(leaf, value))


_whole = OpDef("ReduceDataset", HOST, next_types, None, _whole_reference, stateful=True, fields=_RESOURCE)


def whole(dataset: Core, spec: Any, tensors: Sequence[Tensor], finish: Callable[[Scope], Element], name: str,
          operation: bool = False) -> Any:
    """Tensors of the structure `spec` that `finish` computes, when the graph runs, from all of a dataset; or the
    operation that does."""
    given = tuple(t for t in dict.fromkeys([*dataset._tensors(), *tensors]) if t.op.type != "Const")
    leaves = tuple(st.flatten(spec))
    op = _whole.operation(*given, dataset=dataset, tensors=given, finish=finish, spec=leaves, name=name)
    if operation:
        return op
    rest = iter(op.outputs)
    return st.pack(spec, [st.from_tensors(leaf, [next(rest) for _ in st.types_of(leaf)]) for leaf in leaves])


def reduce_op(dataset: Core, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
    """See `Dataset.reduce`."""
    function, leaves, spec = reducer(dataset, initial_state, reduce_func)
    tensors = [*function.tensors, *(t for leaf in leaves for t in st.tensors_of(leaf))]
    return whole(dataset, spec, tensors, lambda scope: reduced(function, leaves, dataset, scope), "ReduceDataset")
