"""Datasets of tensors, ranges and Python generators."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import DType, int64
from ..compiler.errors import InvalidArgumentError
from ..compiler.ops.constant import as_strings, convert_to_tensor
from ..tensor_spec import SparseTensorSpec, TensorSpec
from . import structure as st
from .dataset import INFINITE_CARDINALITY, as_scalar, known
from .function import Failure, Scope


def from_tensors(make: Callable[..., Any], tensors: Any) -> Any:
    """One element."""
    value = st.map_structure(st.to_graph, tensors)
    leaves = st.flatten(value)
    specs = [st.spec_of(leaf) for leaf in leaves]
    inputs = [t for leaf in leaves for t in st.tensors_of(leaf)]

    def iterate(scope: Scope) -> Iterator[Any]:
        yield tuple(st.from_arrays(s, [scope[t] for t in st.tensors_of(leaf)])
                    for s, leaf in zip(specs, leaves, strict=True))

    return make(st.pack(value, specs), iterate, tensors=inputs, size=1)


def from_tensor_slices(make: Callable[..., Any], tensors: Any) -> Any:
    """One element for each slice along the first axis, which all parts share. Raises ValueError for a scalar."""
    value = st.map_structure(st.to_graph, tensors)
    leaves = st.flatten(value)
    specs, length = [], None
    for leaf in leaves:
        whole = st.spec_of(leaf)
        if whole.shape.dims is not None and not whole.shape.dims:
            raise ValueError(f"Unbatching a tensor is only supported for rank >= 1: {leaf!r}")
        if whole.shape.dims is not None and isinstance(whole.shape.dims[0], int):
            if length is not None and length != whole.shape.dims[0]:
                raise ValueError(f"Dimensions {length} and {whole.shape.dims[0]} are not compatible: all parts of "
                                 "from_tensor_slices must have the same first dimension")
            length = whole.shape.dims[0]
        specs.append(type(whole)(whole.shape[1:] if whole.shape.dims is not None else None, whole.dtype))
    inputs = [t for leaf in leaves for t in st.tensors_of(leaf)]

    def iterate(scope: Scope) -> Iterator[Any]:
        parts = [slices(s, st.from_arrays(s, [scope[t] for t in st.tensors_of(leaf)]))
                 for s, leaf in zip(specs, leaves, strict=True)]
        return zip(*parts, strict=True)

    return make(st.pack(value, specs), iterate, tensors=inputs, size=length)


def slices(spec: Any, value: Any) -> Any:
    """The slices along the first axis of a leaf's value."""
    return sparse_rows(value) if isinstance(spec, SparseTensorSpec) else _Rows(np.asarray(value))


class _Rows:
    """Iterates over the rows of an array, as arrays (scalars too)."""

    def __init__(self, array: np.ndarray):
        self.array = array

    def __iter__(self) -> Iterator[np.ndarray]:
        array = self.array
        return (array[i, ...] for i in range(len(array)))


def sparse_rows(value: Any) -> Iterator[Any]:
    """The rows of a sparse tensor's value, whose indices are in row-major order."""
    indices, dense = np.asarray(value.indices), np.asarray(value.dense_shape)
    bounds = np.searchsorted(indices[:, 0], np.arange(int(dense[0]) + 1)) if len(indices) else [0] * (int(dense[0]) + 1)
    for i in range(int(dense[0])):
        part = slice(bounds[i], bounds[i + 1])
        yield type(value)(indices[part, 1:], np.asarray(value.values)[part], dense[1:])


def range_(make: Callable[..., Any], *args: Any) -> Any:
    """int64 scalars, counted as Python's `range` does."""
    if not 1 <= len(args) <= 3:
        raise ValueError(f"Invalid `args`. The length of `args` should be between 1 and 3 but was {len(args)}.")
    start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
    tensors = [as_scalar(v, int64, n) for v, n in ((start, "start"), (stop, "stop"), (step, "step"))]
    values = [known(t) for t in tensors]
    size = None if None in values or values[2] == 0 else len(range(*values))

    def iterate(scope: Scope) -> Iterator[Any]:
        first, last, by = (int(scope.scalar(t)) for t in tensors)
        if by == 0:
            raise InvalidArgumentError("step must be a non-zero integer.")
        return ((np.array(i, np.int64),) for i in range(first, last, by))

    return make(TensorSpec([], int64), iterate, tensors=tensors, size=size)


def from_generator(
    make: Callable[..., Any],
    generator: Callable[..., Any],
    output_types: Any,
    output_shapes: Any = None,
    args: Sequence[Any] | None = None,
    output_signature: Any = None,
) -> Any:
    """The elements that `generator(*args)` yields, checked against the types and shapes."""
    if not callable(generator):
        raise TypeError("`generator` must be callable.")
    spec = output_signature if output_types is None else st.specs_from(output_types, output_shapes)
    leaves = st.flatten(spec)
    inputs = [convert_to_tensor(a) for a in args or ()]

    def iterate(scope: Scope) -> Iterator[Any]:
        source: Iterator[Any] | None = None
        while True:
            try:
                if source is None:
                    source = iter(generator(*(np.asarray(scope[t])[()] for t in inputs)))
                value = next(source)
            except StopIteration:
                return
            except Exception as error:
                yield Failure(error)
                return
            try:
                yield _checked(spec, leaves, value)
            except (TypeError, ValueError) as error:
                yield Failure(error if isinstance(error, InvalidArgumentError) else InvalidArgumentError(
                    f"{type(error).__name__}: {error}"))

    return make(spec, iterate, tensors=inputs)


def _checked(spec: Any, leaves: list[Any], value: Any) -> tuple[Any, ...]:
    if isinstance(value, list) and st.children(spec) is not None and not isinstance(spec, dict):
        value = tuple(value)
    try:
        parts = st.flatten(st.map_structure(lambda _, part: _Leaf(part), spec, value))
    except ValueError:
        types = st.map_structure(lambda s: s.dtype, spec)
        raise TypeError("`generator` yielded an element that did not match the expected structure. The expected "
                        f"structure was {types!r}, but the yielded element was {value!r}.") from None
    return tuple(_array(leaf, part.value, value) for leaf, part in zip(leaves, parts, strict=True))


class _Leaf:
    """Keeps a part of a generator's element whole."""

    def __init__(self, value: Any):
        self.value = value


def _array(spec: Any, part: Any, element: Any) -> Any:
    if isinstance(spec, SparseTensorSpec):
        return part
    dtype: DType = spec.dtype
    try:
        array = as_strings(part) if dtype.is_string else np.asarray(part)
        if not dtype.is_string and array.dtype != dtype.np:
            array = array.astype(dtype.np, casting="unsafe" if array.dtype.kind in "biufc" else "safe")
    except (TypeError, ValueError):
        raise TypeError(f"`generator` yielded an element that could not be converted to the expected type. The "
                        f"expected type was {dtype.name}, but the yielded element was {element!r}.") from None
    if not spec.shape.is_compatible_with(array.shape):
        raise ValueError(f"`generator` yielded an element of shape {array.shape} where an element of shape "
                         f"{spec.shape} was expected.")
    return array


def counter(make: Callable[..., Any], start: Any, step: Any, dtype: DType) -> Any:
    """start, start + step, ... without end."""
    first, by = as_scalar(start, dtype, "start"), as_scalar(step, dtype, "step")

    def iterate(scope: Scope) -> Iterator[Any]:
        value, increment = np.array(scope[first]), np.asarray(scope[by])
        while True:
            yield (value,)
            value = value + increment

    return make(TensorSpec([], dtype), iterate, tensors=[first, by], size=INFINITE_CARDINALITY)
