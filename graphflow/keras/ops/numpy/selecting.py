"""Elements chosen by condition, position or order."""
from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import indexing, ordering
from ....compiler import dims as dm
from ....compiler.ir import Tensor
from ....compiler.ops import elementwise as ew
from ....compiler.ops import reduction as red
from ....compiler.ops import segment, selection, slicing, sorting, view
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.gather import gather, range_
from ....compiler.ops.matrix_parts import size_tensor
from ..axes import moveaxis, rank_of
from ..dtypes import as_tensor, floating, result_type, strong, weak
from .creation import linspace
from .elementwise import scalar
from .shaping import alike


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition is nonzero, else x2; without both, the positions where it is (see `nonzero`).

    Raises ValueError if only one of the two is given.
    """
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("`x1` and `x2` either both should be `None` or both should have non-None value.")
    first, second = weak(x1, x2)
    return ew.where(as_tensor(condition, "bool"), first, second)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """The choice of the first condition that holds, else `default`, elementwise."""
    *choices, result = weak(*choicelist, default)
    for condition, choice in reversed(list(zip(condlist, choices, strict=True))):
        result = ew.where(as_tensor(condition, "bool"), choice, result)
    return result


def nonzero(x: Any) -> list[Tensor]:
    """The positions of nonzero elements: one int32 vector for each axis."""
    tensor = convert_to_tensor(x)
    places = as_tensor(selection.where_true(as_tensor(tensor, "bool")), "int32")
    return slicing.unstack(places, rank_of("nonzero", tensor), 1)


def _counted_from_start(indices: Tensor, size: Any) -> Tensor:
    """Negative indices counted from the end."""
    return ew.where(indices < view.zeros_of(indices), indices + as_tensor(size_tensor(size), indices.dtype), indices)


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The slices along `axis` (None: elements, flat) at `indices`; negative ones count from the end."""
    tensor, wanted = convert_to_tensor(x), convert_to_tensor(indices)
    if axis is None:
        tensor, axis = view.reshape(tensor, (-1,)), 0
    if not wanted.dtype.is_integer:
        wanted = as_tensor(wanted, "int32")
    return gather(tensor, _counted_from_start(wanted, view.known_rank("take", tensor)[axis]), axis)


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Along `axis` the elements at `indices`, which has the shape of `x` but for that axis (or broadcasts to it).

    Raises ValueError without an axis unless `indices` is a vector, which then stands for positions in the flat `x`.
    """
    tensor, wanted = convert_to_tensor(x), as_tensor(indices, "int64")
    if axis is None:
        if rank_of("take_along_axis", wanted) != 1:
            raise ValueError(f"`indices` must be 1D if axis=None. Received: indices.shape={wanted.shape}")
        return take_along_axis(view.reshape(tensor, (-1,)), wanted, 0)
    values, places = moveaxis(tensor, axis, -1), moveaxis(wanted, axis, -1)
    *lead, size = view.known_rank("take_along_axis", values)
    *own, count = view.known_rank("take_along_axis", places)
    if len(lead) != len(own) or any(dm.broadcast(a, b) is None for a, b in zip(lead, own, strict=False)):
        raise ValueError("`x` and `indices` must have the same rank and broadcast but for `axis`. Received: "
                         f"x.shape={tensor.shape}, indices.shape={wanted.shape}, axis={axis}")
    both = [dm.broadcast(a, b) for a, b in zip(lead, own, strict=True)]
    values, places = view.broadcast_to(values, [*both, size]), view.broadcast_to(places, [*both, count])
    found = indexing.gather(values, _counted_from_start(places, size), axis=len(both), batch_dims=len(both))
    return moveaxis(found, -1, axis)


def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The positions in an array of that shape that flat indices mean: one tensor for each axis.

    Raises ValueError for an unknown size.
    """
    if None in shape:
        raise ValueError(f"`shape` argument cannot contain `None`. Received: shape={shape}")
    rest, found = convert_to_tensor(indices), []
    for size in reversed(shape):
        found.append(ew.mod(rest, scalar(size, rest)))
        rest = ew.floordiv(rest, scalar(size, rest))
    return tuple(reversed(found))


# in order

def sort(x: Any, axis: int | None = -1) -> Tensor:
    """In ascending order along `axis` (None: flat)."""
    tensor = convert_to_tensor(x)
    if tensor.dtype.is_bool:
        return as_tensor(sort(as_tensor(tensor, "int32"), axis), "bool")
    return sorting.sort(view.reshape(tensor, (-1,)), 0) if axis is None else sorting.sort(tensor, axis)


def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The positions along `axis` (None: in the flat `x`) that sort it: int32."""
    tensor = convert_to_tensor(x)
    tensor = as_tensor(tensor, "int32") if tensor.dtype.is_bool else tensor
    flat = axis is None or not rank_of("argsort", tensor)
    return sorting.argsort(view.reshape(tensor, (-1,)), 0) if flat else sorting.argsort(tensor, int(axis or 0))


def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Positions along `axis` with those of the kth + 1 smallest first. As in Keras, `x` is cut to integers: int32."""
    tensor = as_tensor(x, "int32")
    tensor, axis = (view.reshape(tensor, (-1,)), -1) if axis is None else (tensor, axis)
    order = moveaxis(sorting.argsort(tensor, axis), axis, -1)
    small, large = order[..., :kth + 1], order[..., kth + 1:]
    large = view.reverse(large, [rank_of("argpartition", large) - 1])
    return moveaxis(slicing.concat([small, large], -1), -1, axis)


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where each value would be put in a sorted vector, before ("left") or after ("right") equals: int32.

    Raises ValueError for a sequence with several axes.
    """
    row, wanted = alike([sorted_sequence, values])
    if rank_of("searchsorted", row) != 1:
        raise ValueError("`searchsorted` only supports 1-D sorted sequences. You can use `keras.ops.vectorized_map` to "
                         f"extend it to N-D sequences. Received: sorted_sequence.shape={row.shape}")
    return view.reshape(sorting.searchsorted(row, view.reshape(wanted, (-1,)), side), view.shape_of(wanted))


def digitize(x: Any, bins: Any) -> Tensor:
    """The number of `bins`, in ascending order, that are at most each element: int32."""
    tensor = convert_to_tensor(x)
    tensor = as_tensor(tensor, "float32") if tensor.dtype.is_bool or tensor.dtype.is_floating and (
        tensor.dtype.size == 2) else as_tensor(tensor, tensor.dtype if tensor.dtype.is_floating else "float64")
    return searchsorted(as_tensor(bins, tensor.dtype), tensor, "right")


# sets and counts

def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 is (with `invert`: is not) among those of x2: bool, in the shape of x1."""
    tensor, others = strong(x1, x2)
    found = red.reduce_any(ew.equal(view.expand_dims(tensor, -1), view.reshape(others, (-1,))), -1)
    return ew.logical_not(found) if invert else found


def unique(x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
           return_counts: bool = False, axis: int | None = None, size: int | None = None, fill_value: Any = None
           ) -> Any:
    """The different elements, or slices along `axis`; `size` of them, filled up with `fill_value` (0), if it is given.

    With the other flags a tuple: also where each comes first, which of them each element is, how often each comes.
    """
    tensor = convert_to_tensor(x)
    at = None if axis is None else axis % rank_of("unique", tensor)
    found = selection.unique_along(tensor, at, sorted, size, 0 if fill_value is None else fill_value)
    wanted = [f for f, w in zip(found, (True, return_index, return_inverse, return_counts), strict=True) if w]
    return tuple(wanted) if len(wanted) > 1 else wanted[0]


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each of 0, 1, ... comes in a vector, or in each row of a matrix; with `weights` their total.

    `sparse` is accepted; the result is dense: int32, or the type of `x` and the weights.
    """
    tensor = convert_to_tensor(x)
    values = as_tensor(tensor, "int32")
    amounts = None if weights is None else convert_to_tensor(weights)
    wanted = "int32" if amounts is None else result_type(tensor.dtype, amounts.dtype)
    if amounts is not None and amounts.dtype.name not in ("int32", "int64", "float32", "float64"):
        amounts = as_tensor(amounts, "int32" if amounts.dtype.is_integer else "float32")
    dims = view.known_rank("bincount", values)
    if len(dims) == 1:
        return as_tensor(ordering.bincount(values, amounts, minlength), wanted)
    length = ew.maximum(red.reduce_max(values) + 1, minlength)
    rows = as_tensor(size_tensor(dims[0]), "int32")
    spread = values + view.expand_dims(range_(rows) * length, -1)
    counts = ordering.bincount(view.reshape(spread, (-1,)), None if amounts is None else view.reshape(amounts, (-1,)),
                               rows * length)
    return as_tensor(view.reshape(counts, slicing.stack([rows, length])), wanted)


def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """(how many elements lie in each of `bins` equal intervals of `range`, their bounds), in the dtype of `x`.

    Without a range it goes from the least element to the largest; elements outside are not counted.
    """
    tensor = convert_to_tensor(x)
    flat = view.reshape(tensor, (-1,))
    low, high = (red.reduce_min(flat), red.reduce_max(flat)) if range is None else (
        as_tensor(v, flat.dtype) for v in range)
    edges = as_tensor(linspace(low, high, bins + 1), flat.dtype)
    inside = as_tensor(ew.logical_and(flat >= low, flat <= high), flat.dtype)
    return segment.unsorted_segment_sum(inside, searchsorted(edges[1:-1], flat, "right"), bins), edges


# quantiles

_ROUNDINGS = {"lower": (ew.floor,), "higher": (ew.ceil,), "nearest": (ew.round_half_even,),
              "midpoint": (ew.floor, ew.ceil), "linear": (ew.floor, ew.ceil)}


def _quantile(x: Any, q: Any, axis: Any, method: str, keepdims: bool, ignore_nan: bool) -> Tensor:
    if method not in _ROUNDINGS:
        raise ValueError(f"Invalid method: {method}. Expected one of {builtins.sorted(_ROUNDINGS)}.")
    tensor, shares = floating(x), as_tensor(q, "float64")
    dims, many = view.known_rank("quantile", tensor), view.known_rank("quantile", shares)
    rank = len(dims)
    axes = [*np.arange(rank)] if axis is None else [a % rank for a in (axis if hasattr(axis, "__iter__") else [axis])]
    rest = [i for i in np.arange(rank) if i not in axes]
    flat = view.reshape(view.transpose(tensor, [*rest, *axes]), [*(dims[i] for i in rest), dm.product(
        dims[i] for i in axes)])
    missing = ew.is_nan(flat)
    ordered = sorting.sort(ew.where(missing, scalar(math.inf, flat), flat), -1)
    count = red.reduce_sum(as_tensor(ew.logical_not(missing) if ignore_nan else view.ones_like(missing), "float64"),
                           -1, keepdims=True)
    exact = (count - 1.0) * view.reshape(shares, (-1,))

    def at(rounded: Any) -> Tensor:
        return take_along_axis(ordered, ew.maximum(as_tensor(ew.minimum(rounded(exact), count - 1.0), "int32"), 0), -1)

    low, *high = (at(rounded) for rounded in _ROUNDINGS[method])
    if high:
        share = scalar(0.5, low) if method == "midpoint" else as_tensor(exact - ew.floor(exact), low.dtype)
        even = ew.equal(low, high[0])  # infinities too
        low = ew.where(even, low, low * (1.0 - share) + high[0] * share)
    nowhere = (red.reduce_all if ignore_nan else red.reduce_any)(missing, -1, keepdims=True)
    found = moveaxis(ew.where(nowhere, scalar(math.nan, low), low), -1, 0)
    kept = [1 if i in axes else dims[i] for i in np.arange(rank)] if keepdims else [dims[i] for i in rest]
    return view.reshape(found, [*many, *kept])


def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """The q-quantiles (0 to 1) over `axis` (None: all): the axes of `q`, then what is left of `x`.

    `method` says what is taken between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
    """
    return _quantile(x, q, axis, method, keepdims, False)


def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`quantile` of q / 100, for `q` from 0 to 100."""
    return _quantile(x, as_tensor(q, "float32") / 100.0, axis, method, keepdims, False)


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The middle element over `axis` (None: all), the mean of two if their number is even."""
    return _quantile(x, 0.5, axis, "linear", keepdims, False)


def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`quantile` of what is not NaN."""
    return _quantile(x, q, axis, method, keepdims, True)


def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """`percentile` of what is not NaN."""
    return _quantile(x, as_tensor(q, "float32") / 100.0, axis, method, keepdims, True)


def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The median of what is not NaN."""
    return convert_to_tensor(x) if axis in ((), []) else _quantile(x, 0.5, axis, "linear", keepdims, True)


__all__ = [
    "argpartition", "argsort", "bincount", "digitize", "histogram", "isin", "median", "nanmedian", "nanpercentile",
    "nanquantile", "nonzero", "percentile", "quantile", "searchsorted", "select", "sort", "take", "take_along_axis",
    "unique", "unravel_index", "where",
]
