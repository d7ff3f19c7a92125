"""Cases of the ops that select, count and order by value, and of slices at bounds that are data."""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from example import F32, bools, case, distinct, floats, ints
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.dtypes import float32, int32
from graphflow.compiler.ir import default_graph
from graphflow.compiler.ops import (
    bits,
    checks,
    cumulative,
    custom,
    dynamic_slice,
    positions,
    segment,
    selection,
    slicing,
    sorting,
    view,
)
from graphflow.compiler.ops.reduction import reduce_all

ROWS = np.array([[2, 0], [0, 3], [2, 1]], np.int32)

# slices


case("Slice", lambda x, i: slicing.slice_(x, [i, 1], [2, -1]), floats((5, 3)), np.int32(2), static=(0,),
     second=True, expect=lambda x, i: x[i:i + 2, 1:])
case("Slice", lambda x, i: x[i], floats((5, 3)), np.int32(-2), static=(0,), expect=lambda x, i: x[i])
case("Slice", lambda x, i: view.reshape(slicing.strided_slice(x[4::-1], (0,), (2,), (1,)) + dynamic_slice.dynamic_slice(
    x, [i], [2], [-2]), [2]), floats((5,)), np.int32(4), known_rank=True, expect=lambda x, i: x[4:2:-1] + x[4:0:-2])
for _strides, _begin in (((1, 1), (1, 0)), ((2, -1), (0, 2)), ((-3, 1), (4, 1))):
    case("StridedSliceUpdate", partial(dynamic_slice.overwrite, strides=_strides), floats((5, 3)),
         np.array(_begin, np.int32), floats((2, 2), seed=1), static=(0, 2),
         expect=lambda x, b, v, s=_strides: _overwritten(x, b, v, s))


def _overwritten(x: np.ndarray, begin: np.ndarray, value: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    out = x.copy()
    for i, j in np.ndindex(*value.shape):
        out[begin[0] + i * strides[0], begin[1] + j * strides[1]] = value[i, j]
    return out


for _name, _axis in (("Pack", 0), ("Pack", -1)):
    case(_name, lambda a, b, z=_axis: slicing.stack([a, b], z), floats((2, 3)), floats((2, 3), seed=1),
         expect=lambda a, b, z=_axis: np.stack([a, b], z))
case("Unpack", lambda x: slicing.unstack(x, 3, 1)[1:], floats((2, 3)), expect=lambda x: [x[:, 1], x[:, 2]])
case("Split", lambda x: slicing.split(x, 3, -1)[::2], floats((2, 6)), expect=lambda x: [x[:, :2], x[:, 4:]])
case("SplitV", lambda x: slicing.split(x, [1, -1, 2]), floats((6, 2)), expect=lambda x: [x[:1], x[1:4], x[4:]])
case("ExpandDims", lambda x: view.expand_dims(x, -2), floats((2, 3)), expect=lambda x: x[:, None])
case("Squeeze", lambda x: view.squeeze(x, [1, -1]), floats((2, 1, 3, 1)), expect=lambda x: x[:, 0, :, 0])

# positions

case("FlatPosition", lambda x, i: positions.gather_nd(x, i), floats((3, 4)), ROWS, known_rank=True, static=(1,),
     expect=lambda x, i: x[i[:, 0], i[:, 1]])
case("FlatPosition", lambda x, i: positions.gather_nd(x, i, 1), floats((3, 4, 2)), ROWS[:, 1:], known_rank=True,
     static=(1,), expect=lambda x, i: x[np.arange(3), i[:, 0]])
for _name, _build, _combine in (("UpdateRows", positions.tensor_scatter_update, lambda a, b: b),
                                ("MaxRows", positions.tensor_scatter_max, np.maximum),
                                ("MinRows", positions.tensor_scatter_min, np.minimum)):
    case(_name, _build, distinct((4, 2)), np.array([[3], [1]], np.int32), distinct((2, 2), seed=3) + F32(0.05),
         static=(0, 1, 2), expect=lambda x, i, u, f=_combine: np.stack(
             [x[0], f(x[1], u[1]), x[2], f(x[3], u[0])]))

# segments

for _kind, _function in (("Sum", np.add), ("Prod", np.multiply), ("Max", np.maximum), ("Min", np.minimum)):
    case(f"Segment{_kind}", lambda x, i, k=_kind: segment._of_sorted(f"Segment{k}")(x, i), distinct((4, 2)),
         np.array([0, 0, 1, 1], np.int32), static=(0, 1), sized=False, grad=False,
         expect=lambda x, i, f=_function: np.stack([f(x[0], x[1]), f(x[2], x[3])]))
    case(f"UnsortedSegment{_kind}", lambda x, i, k=_kind: segment._of_unsorted(f"UnsortedSegment{k}")(x, i, 2),
         distinct((2, 2, 2)), np.array([[1, 0], [-1, 1]], np.int32), static=(0, 1),
         expect=lambda x, i, f=_function: np.stack([x[0, 1], f(x[0, 0], x[1, 1])]))
case("MultiplyRows", lambda x, i: positions.combine_rows(positions.ROW_OPS["prod"], 1, i, x, 2), ints((3,), 1, 4),
     np.array([1, 0, 1], np.int32), static=(0, 1), expect=lambda x, i: np.array([x[1], x[0] * x[2]]))
case("SegmentCount", segment._segment_count, np.array([0, 1, 1, 3], np.int64), expect=lambda i: np.array([4], np.int32))

# selections

case("Where", selection.where_true, bools((3, 4)), sized=False, expect=np.argwhere)
case("Unique", selection.unique, np.array([3, 1, 3, 2], np.int32), sized=False,
     expect=lambda x: [[3, 1, 2], [0, 1, 0, 2]])
case("UniqueWithCounts", selection.unique_with_counts, np.array([3, 1, 3, 2], np.int32), sized=False,
     expect=lambda x: [[3, 1, 2], [0, 1, 0, 2], [2, 1, 1]])
case("UniqueAlong", partial(selection.unique_along, ordered=False), np.array([[3, 1], [3, 2]], np.int32), sized=False,
     expect=lambda x: [[3, 1, 2], [0, 1, 3], [[0, 1], [0, 2]], [2, 1, 1]])
case("UniqueAlong", partial(selection.unique_along, axis=0, size=3, fill=-1),
     np.array([[2, 1], [0, 5], [2, 1]], np.int32),
     expect=lambda x: [[[0, 5], [2, 1], [-1, -1]], [1, 0, 1], [1, 0, 1], [1, 2, 0]])
case("ListDiff", selection.setdiff1d, np.array([1, 2, 3, 2], np.int32), np.array([2], np.int32), sized=False,
     expect=lambda x, y: [[1, 3], [0, 2]])
case("DynamicPartition", lambda x, p: selection.dynamic_partition(x, p, 2), floats((4, 2)),
     np.array([1, 0, 0, 1], np.int32), sized=False, static=(0, 1), grad=False,
     expect=lambda x, p: [x[p == 0], x[p == 1]])
case("DynamicStitch", lambda a, b: selection.dynamic_stitch([[2, 0], [1]], [a, b]), floats((2, 3)),
     floats((1, 3), seed=1), static=(0, 1), expect=lambda a, b: np.stack([a[1], b[0], a[0]]))
case("InvertPermutation", selection.invert_permutation, np.array([2, 0, 1], np.int32), expect=np.argsort)
case("Bincount", lambda x: selection.count_values(x, 4, view.zeros([0], "int32")), ints((7,), 0, 6),
     expect=lambda x: np.bincount(x, minlength=6)[:4])
case("HistogramFixedWidth", lambda x: selection.histogram_fixed_width(x, [0.0, 1.0], 4),
     np.array([-1, 0.1, 0.3, 0.9, 2], F32), expect=lambda x: np.array([2, 1, 0, 2]))
case("HistogramFixedWidthBins", lambda x: selection.histogram_fixed_width(x, [0.0, 1.0], 4, bins_only=True),
     np.array([-1, 0.1, 0.3, 0.9, 2], F32), expect=lambda x: np.array([0, 0, 1, 3, 3]))
case("TopKV2", lambda x: sorting.top_k(x, 2), distinct((3, 5)), known_rank=False, static=(0,),
     expect=lambda x: [np.sort(x)[:, :2:-1], np.argsort(x)[:, :2:-1]])
case("Sort", lambda x: sorting.sort(x, 0), distinct((3, 5)), known_rank=True, expect=lambda x: np.sort(x, 0))
case("Sort", lambda x: sorting.sort(x, direction="DESCENDING"), np.array([1, np.nan, 3, -np.inf, 3], F32), grad=False,
     known_rank=True, expect=lambda x: np.array([3, 3, 1, -np.inf, np.nan]))
case("Sort", lambda x: sorting.sort(x, direction="DESCENDING"), np.array([-128, 127, 0], np.int8), known_rank=True,
     expect=lambda x: np.array([127, 0, -128]))
case("Argsort", lambda x: sorting.argsort(x, direction="DESCENDING"), np.array([1, 3, 1, 0], np.uint8),
     known_rank=True, expect=lambda x: np.array([1, 0, 2, 3]))
for _name, _side in (("LowerBound", "left"), ("UpperBound", "right")):
    for _row, _wanted in ((np.array([1, 2, 2, 4], np.int32), ints((5,), 0, 6)),
                          (np.array([-np.inf, -1, -1, 0.5, np.inf, np.nan, np.nan], F32),
                           np.array([np.nan, -np.inf, -0.0, -1, 3, np.inf, 0.5], F32))):
        case(_name, partial(sorting.searchsorted, side=_side), _row, _wanted, grad=False,
             expect=lambda s, v, d=_side: np.searchsorted(s, v, d))
    case(_name, partial(sorting.searchsorted, side=_side), np.sort(floats((2, 33)), axis=-1), floats((2, 5)),
         grad=False)
    case(_name, partial(sorting.searchsorted, side=_side), np.zeros((1, 0), np.uint8), ints((1, 4), 0, 6, np.uint8))
for _reverse in (False, True):
    case("CumulativeLogsumexp", partial(cumulative.cumulative_logsumexp, axis=1, reverse=_reverse), floats((2, 3)),
         expect=lambda x, r=_reverse: np.flip(np.logaddexp.accumulate(np.flip(x, 1), 1), 1) if r else
         np.logaddexp.accumulate(x, 1))

# bytes, checks, Python

case("Bitcast", lambda x: bits.bitcast(x, dtype=int32), floats((2, 3)), expect=lambda x: x.view(np.int32),
     grad=False)
case("CheckNumerics", lambda x: checks.check_numerics(x, message="x"), floats((2, 3)), expect=lambda x: x)


def _asserted(x: Any) -> Any:
    check = checks.assert_.operation(reduce_all(x > -9), x, texts=("x", None), summarize=3)
    with x.graph.control_dependencies([check]):
        return view.identity(x)


case("Assert", _asserted, floats((2, 3)), expect=lambda x: x)


def _ranked_late(x: Any, every: Any) -> Any:
    """The first input, whose rank is known only when the second one is fed."""
    return view.reshape(x, selection.boolean_mask(view.shape(x), every))


TRUE = np.array([True, True])
case("StridedSliceOfUnknownRank", lambda x, t: _ranked_late(x, t)[0, ::-1], floats((2, 3)), TRUE, static=(0, 1),
     sized=False, grad=False, expect=lambda x, t: x[0, ::-1])
case("StridedSliceOfUnknownRankGrad", lambda x, t: gradients(_ranked_late(x, t)[0, ::-1] * 2.0, [x])[0], floats((2, 3)),
     TRUE, static=(0, 1), grad=False, eager=False, expect=lambda x, t: np.array([[2, 2, 2], [0, 0, 0]], F32))


def _printed(x: Any) -> Any:
    line = default_graph().add(checks.print_v2, [x], {
        "template": f"x {checks.MARK}", "output_stream": "stderr", "end": "", "summarize": 3}, "PrintV2")
    with x.graph.control_dependencies([line]):
        return view.identity(x)


case("Print", lambda x: checks.print_(x, x, message="x ", first_n=0, summarize=3, counter=iter(range(9))), floats((2,)),
     expect=lambda x: x)
case("PrintV2", _printed, floats((2,)), expect=lambda x: x)
for _op in (checks.py_func, checks.py_func_stateless):
    case(_op.name, lambda x, op=_op: op(x, function=lambda a: a.sum(0), Tout=(float32,), token="f"), floats((3, 2)),
         sized=False, grad=False, expect=lambda x: x.sum(0))
case("IdentityN", lambda a, b: custom.identity_n.operation(a, b, grad=None).outputs, floats((2,)), floats((3,), seed=1),
     expect=lambda a, b: [a, b])
