"""Sorting, searching, counting and reductions over segments, under TensorFlow 1's names."""
from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from .arguments import before_name
from .compiler.dtypes import as_dtype, int32, int64
from .compiler.ir import Tensor
from .compiler.ops import segment, selection, sorting
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, greater, maximum, minimum
from .compiler.ops.gather import gather
from .compiler.ops.positions import scatter_nd
from .compiler.ops.reduction import reduce_max, size_of
from .compiler.ops.slicing import stack
from .compiler.ops.view import known_rank, ones_like, reshape, transpose, zeros
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .late import of_rank, ranked

segment_sum, segment_prod = segment.segment_sum, segment.segment_prod
segment_max, segment_min = segment.segment_max, segment.segment_min
unsorted_segment_sum, unsorted_segment_prod, unsorted_segment_max, unsorted_segment_min = (
    partial(ranked, count=2)(f) for f in (segment.unsorted_segment_sum, segment.unsorted_segment_prod,
                                          segment.unsorted_segment_max, segment.unsorted_segment_min))
sort, argsort = ranked(sorting.sort, 1), ranked(sorting.argsort, 1, lambda *_, **__: int32)
searchsorted = sorting.searchsorted


class TopKV2(NamedTuple):
    """The k largest elements along the last axis, and where they are."""

    values: Tensor
    indices: Tensor


def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = int32, name: str | None = None) -> TopKV2:
    """The k largest elements along the last axis, largest first, with their positions."""
    index_type, name = before_name(index_type, name, int32)
    x = convert_to_tensor(input)
    values, indices = sorting.top_k(x, k, sorted, name)
    if x.dims is None:  # whose gradient needs the rank
        values = largest(x, k, sorted)
    return TopKV2(values, cast(indices, index_type))


@partial(ranked, count=1)
def largest(x: Any, k: Any, sorted: bool) -> Tensor:
    return sorting.top_k(x, k, sorted)[0]


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The mean of each segment's rows; the ids are sorted."""
    return segment.segment_mean(data, segment_ids, name)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The mean of the rows of each id."""
    return segment.unsorted_segment_mean(data, segment_ids, num_segments, name)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sum of the rows of each id over the root of their number."""
    return segment.unsorted_segment_mean(data, segment_ids, num_segments, name or "UnsortedSegmentSqrtN", 0.5)


def _sparse(kind: str, data: Any, indices: Any, segment_ids: Any, name: str | None, num_segments: Any) -> Tensor:
    x = convert_to_tensor(data)
    with name_scope(name, f"SparseSegment{kind}", [x]):
        rows = gather(x, indices)
        power = 0.5 if kind == "SqrtN" else 1.0
        if num_segments is not None:
            if kind == "Sum":
                return segment.unsorted_segment_sum(rows, segment_ids, num_segments)
            return segment.unsorted_segment_mean(rows, segment_ids, num_segments, power=power)
        if kind == "Sum":
            return segment.segment_sum(rows, segment_ids)
        return segment.segment_mean(rows, segment_ids, power=power)


def sparse_segment_sum(data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None,
                       sparse_gradient: bool = False) -> Tensor:
    """`segment_sum` of the rows at `indices`."""
    return _sparse("Sum", data, indices, segment_ids, name, num_segments)


def sparse_segment_mean(data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None,
                        sparse_gradient: bool = False) -> Tensor:
    """`segment_mean` of the rows at `indices`."""
    return _sparse("Mean", data, indices, segment_ids, name, num_segments)


def sparse_segment_sqrt_n(data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None,
                          sparse_gradient: bool = False) -> Tensor:
    """The sum of each segment's rows at `indices` over the root of their number."""
    return _sparse("SqrtN", data, indices, segment_ids, name, num_segments)


# counting


def bincount(arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = int32,
             name: str | None = None) -> Tensor:
    """How often each of 0, 1, ... comes in `arr`, or the total of its `weights`.

    There are as many counts as the largest value says, at least `minlength` and at most `maxlength`. Raises
    InvalidArgumentError at run time for a negative value.
    """
    values = convert_to_tensor(arr, name="arr")
    values = values if values.dtype == int32 else cast(values, int32)
    with name_scope(name, "bincount", [values]):
        held = cast(greater(size_of(values), 0), int32)
        size = held * (maximum(reduce_max(values), -1) + 1)
        if minlength is not None:
            size = maximum(cast(minlength, int32), size)
        if maxlength is not None:
            size = minimum(cast(maxlength, int32), size)
        # the element type counts, an empty vector stands for weights of one
        amounts = zeros([0], dtype) if weights is None else convert_to_tensor(weights)
        return selection.count_values(values, size, amounts)


def histogram_fixed_width(values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32,
                          name: str | None = None) -> Tensor:
    """The number of values in each of `nbins` equal bins over `value_range`; what lies outside counts to the ends."""
    return selection.histogram_fixed_width(values, value_range, nbins, dtype, name)


def histogram_fixed_width_bins(values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32,
                               name: str | None = None) -> Tensor:
    """The bin of each value: see `histogram_fixed_width`."""
    return selection.histogram_fixed_width(values, value_range, nbins, dtype, name, bins_only=True)


def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = int32,
                     name: str | None = None, weights: Any = None) -> Tensor:
    """A matrix of how often label i (row) was predicted as j (column), or of the total weights of these cases.

    Without `num_classes` there are as many classes as the largest label or prediction says.
    """
    truth, guess = convert_to_tensor(labels), convert_to_tensor(predictions)
    with name_scope(name, "confusion_matrix", [truth]):
        if truth.dims is not None and guess.dims is not None and len(truth.dims) != len(guess.dims):
            truth, guess = (reshape(t, [-1]) for t in (truth, guess))
        truth, guess = of_rank(cast(truth, int64), 1), of_rank(cast(guess, int64), 1)
        if num_classes is None:
            classes = maximum(reduce_max(guess), reduce_max(truth)) + 1
        else:
            classes = cast(num_classes, int64) if isinstance(num_classes, Tensor) else num_classes
        amounts = ones_like(guess, as_dtype(dtype)) if weights is None else cast(weights, dtype)
        return scatter_nd(stack([truth, guess], axis=1), amounts, [classes, classes])


class ApproxTopK(NamedTuple):
    """The k largest or smallest elements along an axis, and where they are."""

    values: Tensor
    indices: Tensor


def approx_top_k(input: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 is_max_k: bool = True, reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
                 name: str | None = None) -> ApproxTopK:
    """The `k` largest (`is_max_k`) or smallest elements along an axis, best first: all of them, whatever
    `recall_target` allows to miss."""
    with name_scope(name, "ApproxTopK", [input]):
        x = convert_to_tensor(input)
        rank = len(known_rank("ApproxTopK", x))
        axis = normalize_axis("ApproxTopK", reduction_dimension, rank)
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
        values, indices = sorting.top_k(transpose(x if is_max_k else -x, order), k)
        return ApproxTopK(transpose(values if is_max_k else -values, order), transpose(indices, order))


def approx_max_k(operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
                 name: str | None = None) -> ApproxTopK:
    """The `k` largest elements along an axis, largest first, and where they are (see `approx_top_k`)."""
    return approx_top_k(operand, k, reduction_dimension, recall_target, True, name=name)


def approx_min_k(operand: Any, k: int, reduction_dimension: int = -1, recall_target: float = 0.95,
                 reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
                 name: str | None = None) -> ApproxTopK:
    """The `k` smallest elements along an axis, smallest first, and where they are (see `approx_top_k`)."""
    return approx_top_k(operand, k, reduction_dimension, recall_target, False, name=name)
