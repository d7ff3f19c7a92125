"""Datasets whose elements are batches of another's: stacked, padded, taken apart, windows."""
from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.dtypes import bool_, int64
from ..compiler.errors import DataLossError, InvalidArgumentError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import as_array, convert_to_tensor
from ..compiler.shapes import TensorShape
from ..tensor_spec import SparseTensorSpec, TensorSpec
from . import structure as st
from .dataset import as_scalar, counted, known, positive
from .function import Element, Failure, Runs, Scope, attempt
from .sources import slices


def stacked(specs: Sequence[Any], elements: Sequence[Element]) -> Element:
    """Elements as one, their leaves stacked. Raises InvalidArgumentError when shapes differ."""
    return tuple(_stack(spec, values, i) for i, (spec, values) in enumerate(
        zip(specs, zip(*elements, strict=True), strict=True)))


def _stack(spec: Any, values: Sequence[Any], position: int) -> Any:
    if isinstance(spec, st.DatasetSpec):
        raise InvalidArgumentError("Batching of datasets within datasets is not supported.")
    if isinstance(spec, SparseTensorSpec):
        return _stack_sparse(values)
    if spec.dtype.is_string:
        out = np.empty((len(values), *np.shape(values[0])), object)
        for i, value in enumerate(values):
            _check_alike(values[0], value, position)
            out[i] = value if np.ndim(value) else np.asarray(value, object).item()
        return out
    first = values[0]
    for value in values:
        if value.shape != first.shape:
            _check_alike(first, value, position)
    return np.stack(values)


def _check_alike(first: Any, value: Any, position: int) -> None:
    if np.shape(value) != np.shape(first):
        raise InvalidArgumentError(f"Cannot batch tensors with different shapes in component {position}. First element "
                                   f"had shape {list(np.shape(first))} and a later element had shape "
                                   f"{list(np.shape(value))}.")


def _stack_sparse(values: Sequence[Any]) -> Any:
    parts = [np.concatenate([np.full((len(v.indices), 1), i), v.indices], 1) for i, v in enumerate(values)]
    dense = np.max([v.dense_shape for v in values], axis=0) if len(values) else np.zeros(0, np.int64)
    return type(values[0])(np.concatenate(parts).astype(np.int64), np.concatenate([v.values for v in values]),
                           np.array([len(values), *dense], np.int64))


def grouped(elements: Iterator[Any], number: int, drop_remainder: bool) -> Iterator[Any]:
    """Lists of `number` elements. A Failure goes by in its own place."""
    rows: list[Element] = []
    for element in elements:
        if isinstance(element, Failure):
            yield element
            continue
        rows.append(element)
        if len(rows) == number:
            yield rows
            rows = []
    if rows and not drop_remainder:
        yield rows


def batch_spec(spec: Any, count: Tensor, drop_remainder: Any) -> Any:
    """The spec of a batch of elements of `spec`."""
    size = known(count) if drop_remainder is True else None

    def batched(leaf: Any) -> Any:
        if isinstance(leaf, st.DatasetSpec):
            raise TypeError("Batching of nested datasets is not supported.")
        return type(leaf)(None if leaf.shape.dims is None else [size, *leaf.shape.as_list()], leaf.dtype)
    return st.map_structure(batched, spec)


def _remainder(drop_remainder: Any) -> tuple[Any, Tensor]:
    """drop_remainder as a bool where it is known, and as a tensor."""
    tensor = convert_to_tensor(drop_remainder, bool_, name="drop_remainder")
    value = known(tensor)
    return (bool(value) if value is not None else None), tensor


def batch(dataset: Any, batch_size: Any, drop_remainder: Any) -> Any:
    count = as_scalar(batch_size, int64, "batch_size")
    drops, remainder = _remainder(drop_remainder)
    specs = st.flatten(dataset._spec)
    size = counted(dataset._size, known(count), lambda n, k: n if n < 0 or not k else n // k if drops else -(-n // k))

    def iterate(scope: Scope) -> Iterator[Any]:
        number = positive(scope, count, "Batch size")
        for rows in grouped(dataset._iterate(scope), number, bool(scope.scalar(remainder))):
            yield rows if isinstance(rows, Failure) else attempt(lambda r: stacked(specs, r), rows)

    return dataset._derive(batch_spec(dataset._spec, count, drops), iterate, tensors=[count, remainder], size=size)


def padded_batch(dataset: Any, batch_size: Any, padded_shapes: Any, padding_values: Any, drop_remainder: Any,
                 limits: Callable[[Scope, list[TensorShape]], list[Any]] | None = None, tensors: Sequence[Tensor] = ()
                 ) -> Any:
    """See `Dataset.padded_batch`. `limits` gives the shapes when the graph runs, from the values of `tensors`."""
    count = as_scalar(batch_size, int64, "batch_size")
    drops, remainder = _remainder(drop_remainder)
    specs = st.flatten(dataset._spec)
    if padded_shapes is None:
        padded_shapes = dataset.output_shapes
    shapes = st.flatten_shapes(dataset._spec, padded_shapes)
    for spec, shape in zip(specs, shapes, strict=True):
        if shape.dims is None or spec.shape.dims is not None and len(spec.shape.dims) != len(shape.dims):
            raise ValueError(f"The padded shape {shape} is not compatible with the corresponding input component shape "
                             f"{spec.shape}.")
    paddings = _paddings(dataset._spec, specs, padding_values)
    size = counted(dataset._size, known(count), lambda n, k: n if n < 0 or not k else n // k if drops else -(-n // k))
    static = known(count) if drops else None
    padded = st.pack(dataset._spec, [TensorSpec([static, *s.as_list()], spec.dtype)
                                     for s, spec in zip(shapes, specs, strict=True)])

    def iterate(scope: Scope) -> Iterator[Any]:
        number = positive(scope, count, "Batch size")

        def combine(rows: Sequence[Element]) -> Element:
            sizes = [s.as_list() for s in shapes] if limits is None else limits(scope, shapes)
            return tuple(_pad(values, list(size), padding) for values, size, padding in zip(
                zip(*rows, strict=True), sizes, (scope[p] for p in paddings), strict=True))

        for rows in grouped(dataset._iterate(scope), number, bool(scope.scalar(remainder))):
            yield rows if isinstance(rows, Failure) else attempt(combine, rows)

    return dataset._derive(padded, iterate, tensors=[count, remainder, *paddings, *tensors], size=size)


def _paddings(structure: Any, specs: Sequence[Any], values: Any) -> list[Tensor]:
    """The padding of each leaf: as given, where None 0 or the empty string."""
    if values is None or st.children(values) is None:
        given = [values] * len(specs)
    else:
        given = [leaf[0] for leaf in st.flatten(st.map_structure(lambda s, v: _Whole([v]), structure, values))]
    found = []
    for spec, value in zip(specs, given, strict=True):
        tensor = convert_to_tensor(
            ("" if spec.dtype.is_string else as_array(0, spec.dtype)) if value is None else value,
            None if isinstance(value, Tensor) else spec.dtype,
        )
        if tensor.dims is None or len(tensor.dims):
            raise ValueError(f"Padding value should be a scalar, but is {value!r}")
        if tensor.dtype != spec.dtype:
            raise TypeError(f"Padding value tensor ({tensor!r}) does not match output type: {spec.dtype}")
        found.append(tensor)
    return found


class _Whole(list):
    """A leaf that stays whole."""


def _pad(values: Sequence[Any], sizes: list[int | None], padding: Any) -> np.ndarray:
    arrays = [np.asarray(v, object if isinstance(v, bytes) else None) for v in values]
    for axis, size in enumerate(sizes):
        longest = max(a.shape[axis] for a in arrays)
        if size is None:
            sizes[axis] = longest
        elif longest > size:
            raise DataLossError(f"Attempted to pad to a smaller size than the input element: axis {axis} is padded to "
                                f"{size}, but an element has size {longest} there.")
    out = np.full((len(arrays), *sizes), padding, arrays[0].dtype)  # type: ignore[type-var]
    for i, array in enumerate(arrays):
        place: tuple[Any, ...] = (i, *(slice(n) for n in array.shape), ...)  # of one string the string, not its array
        out[place] = array
    return out


def unbatch(dataset: Any) -> Any:
    specs = st.flatten(dataset._spec)
    rows = []
    for spec in specs:
        if spec.shape.dims is not None and not spec.shape.dims:
            raise ValueError(f"unbatch: Cannot unbatch an input with scalar components: {dataset.element_spec}")
        rows.append(type(spec)(spec.shape[1:] if spec.shape.dims is not None else None, spec.dtype))

    def iterate(scope: Scope) -> Iterator[Any]:
        for element in dataset._iterate(scope):
            if isinstance(element, Failure):
                yield element
                continue
            try:
                yield from zip(*(slices(s, v) for s, v in zip(specs, element, strict=True)), strict=True)
            except ValueError:
                yield Failure(InvalidArgumentError("unbatch: the parts of an element differ in their first dimension: "
                                                   f"{[np.shape(v) for v in element]}"))

    return dataset._derive(st.pack(dataset._spec, rows), iterate)


def window(dataset: Any, size: Any, shift: Any, stride: Any, drop_remainder: Any) -> Any:
    length = as_scalar(size, int64, "size")
    step = length if shift is None else as_scalar(shift, int64, "shift")
    apart, (_, remainder) = as_scalar(stride, int64, "stride"), _remainder(drop_remainder)

    def iterate(scope: Scope) -> Iterator[Any]:
        count, forward, every = (positive(scope, t, f"Window {n}") for t, n in (
            (length, "size"), (step, "shift"), (apart, "stride")))
        drops, reach = bool(scope.scalar(remainder)), (count - 1) * every + 1
        kept: collections.deque[Any] = collections.deque()
        elements, gap, done = dataset._iterate(scope), 0, False
        while True:
            while not done and len(kept) < reach:
                element = next(elements, None)
                if element is None:
                    done = True
                elif gap:
                    gap -= 1
                else:
                    kept.append(element)
            if not kept or drops and len(kept) < reach:
                return
            chosen = list(itertools.islice(kept, 0, reach, every))
            # each part of the structure is a dataset of its own
            yield tuple(
                Runs(lambda c=chosen, i=i: iter([e if isinstance(e, Failure) else (e[i],) for e in c]))  # type: ignore[misc]
                for i in range(width)
            )
            gap = max(forward - len(kept), 0)
            for _ in range(min(forward, len(kept))):
                kept.popleft()

    width = len(st.flatten(dataset._spec))
    spec = st.map_structure(st.DatasetSpec, dataset._spec)
    return dataset._derive(spec, iterate, tensors=[length, step, apart, remainder])
