"""Cases of the ops that move elements, and of sources and effects."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from example import F32, bools, case, floats, ints
from graphflow.compiler.ops import constant as c
from graphflow.compiler.ops import (
    cumulative,
    gather,
    positions,
    random,
    scatter,
    slices,
    slicing,
    state,
    symbolic,
    view,
)

# shapes, order, parts


def _moves(name: str, shape: Any, build: Callable[..., Any], expect: Callable[..., Any], **options: Any) -> None:
    """The same move of floats (with gradients), integers and booleans."""
    case(name, build, floats(shape), expect=expect, **options)
    case(name, build, ints(shape, dtype=np.int64), expect=expect, **options)
    case(name, build, bools(shape), expect=expect, **options)


case("Shape", view.shape, floats((2, 3)), expect=lambda x: np.array([2, 3], np.int32))
case("Shape", partial(view.shape, out_type="int64"), floats(()), expect=lambda x: np.zeros(0, np.int64))
case("Dims", lambda x: symbolic.dims_vector(dims=view.known_rank("Dims", x)), floats((2, 3)), known_rank=True,
     expect=lambda x: np.array([2, 3], np.int32))
_moves("Reshape", (2, 6), lambda x: view.reshape(x, [3, -1]), lambda x: x.reshape(3, 4))
_moves("Reshape", (2, 0, 3), lambda x: view.reshape(x, [0, 4]), lambda x: x.reshape(0, 4))
_moves("Reshape", (), lambda x: view.reshape(x, [1, 1]), lambda x: x.reshape(1, 1))
_moves("Reshape", (4, 3), lambda x: view.reshape(x, slicing.concat([view.shape(x)[:1], [3, 1]], 0)),
       lambda x: x.reshape(4, 3, 1))
_moves("Reshape", (2, 3), lambda x: view.reshape(x, [-1]), lambda x: x.reshape(-1))
_moves("Identity", (2, 3), view.identity, lambda x: x)
case("StopGradient", view.stop_gradient, floats((2, 3)), expect=lambda x: x, grad=False)
_moves("BroadcastTo", (3, 1), lambda x: view.broadcast_to(x, [2, 3, 4]), lambda x: np.broadcast_to(x, (2, 3, 4)))
_moves("BroadcastTo", (), lambda x: view.broadcast_to(x, [0, 2]), lambda x: np.broadcast_to(x, (0, 2)))
_moves("BroadcastTo", (2, 3), lambda x: view.broadcast_to(x, [2, 3], name="b"), lambda x: x)
_moves("Fill", (), lambda x: view.fill([2, 0], x), lambda x: np.full((2, 0), x), known_rank=True)
_moves("Fill", (), lambda x: view.fill([2, 3], x), lambda x: np.full((2, 3), x), known_rank=True)
_moves("Transpose", (2, 3, 4), view.transpose, lambda x: x.transpose())
_moves("Transpose", (2, 3, 4), lambda x: view.transpose(x, [1, 2, 0]), lambda x: x.transpose(1, 2, 0))
_moves("Transpose", (0, 2), lambda x: view.transpose(x, [1, 0]), lambda x: x.transpose())
_moves("Transpose", (), lambda x: view.transpose(x, []), lambda x: x)
_moves("ReverseV2", (2, 3), lambda x: view.reverse(x, [0, -1]), lambda x: x[::-1, ::-1])
_moves("ReverseV2", (0, 3), lambda x: view.reverse(x, 1), lambda x: x[:, ::-1])
_moves("StridedSlice", (5, 4), lambda x: x[1:4, ::2], lambda x: x[1:4, ::2])
_moves("StridedSlice", (5, 4), lambda x: x[::-2, -1], lambda x: x[::-2, -1])
_moves("StridedSlice", (5, 4), lambda x: x[3:0:-1, None, 1:], lambda x: x[3:0:-1, None, 1:])
_moves("StridedSlice", (2, 3), lambda x: x[5:, :2], lambda x: x[5:, :2])
_moves("StridedSlice", (3, 2), lambda x: slicing.slice_(x, [1, 0], [2, 1]), lambda x: x[1:, :1])
_moves("Unpack", (4, 3), lambda x: slicing.unstack(x, axis=0, num=4)[1::2], lambda x: [x[1], x[3]])
_moves("SplitV", (6, 2), lambda x: slicing.split(x, [1, -1, 2]), lambda x: [x[:1], x[1:4], x[4:]])
_moves("Split", (6, 2), lambda x: slicing.split(x, 3), lambda x: np.split(x, 3))
_moves("Roll", (4, 5), lambda x: slices.roll(x, (1, -7)), lambda x: np.roll(x, (1, -7), (0, 1)))
_moves("Roll", (4, 5), lambda x: slices.roll(x, (0, 2)), lambda x: np.roll(x, 2, 1))
_moves("Place", (2, 3), lambda x: slicing.pad(x, [[1, 2], [0, 1]]), lambda x: np.pad(x, [[1, 2], [0, 1]]))
case("Place", lambda x: slicing.pad(x, [[0, 1]], constant_values=-1.5), floats((4,)),
     expect=lambda x: np.append(x, F32(-1.5)))
case("Place", lambda x: slicing.place(x, (7, 5), (1, 4), (3, -2)), floats((2, 3)),
     expect=lambda x: np.stack([np.zeros(5), [x[0, 2], 0, x[0, 1], 0, x[0, 0]], *np.zeros((2, 5)),
                                [x[1, 2], 0, x[1, 1], 0, x[1, 0]], *np.zeros((2, 5))]), static=(0,))
for _mode in ("reflect", "symmetric"):
    _moves("ConcatV2", (3, 4), lambda x, m=_mode: slicing.pad(x, [[2, 1], [0, 3]], m),
           lambda x, m=_mode: np.pad(x, [[2, 1], [0, 3]], m))
    _moves("MirrorPad", (3, 4, 2), lambda x, m=_mode: slicing.pad(x, [[2, 1], [0, 3], [0, 0]], m),
           lambda x, m=_mode: np.pad(x, [[2, 1], [0, 3], [0, 0]], m), static=(0,))
for _axis in (0, -1):
    case("ConcatV2", lambda a, b, z=_axis: slicing.concat([a, b, a], z), floats((2, 3)), floats((2, 3), seed=1),
         expect=lambda a, b, z=_axis: np.concatenate([a, b, a], z))
case("ConcatV2", lambda a, b: slicing.concat([a, b], 1), ints((2, 0)), ints((2, 3)),
     expect=lambda a, b: np.concatenate([a, b], 1))
case("Pack", lambda a, b: slicing.stack([a, b, a], 1), floats((2, 3)), floats((2, 3), seed=1),
     expect=lambda a, b: np.stack([a, b, a], 1))
_moves("Tile", (2, 3), lambda x: slicing.tile(x, [2, 3]), lambda x: np.tile(x, (2, 3)), known_rank=True)
_moves("Tile", (2, 3), lambda x: slicing.tile(x, [0, 1]), lambda x: np.tile(x, (0, 1)), known_rank=True)
_moves("Tile", (3,), lambda x: slicing.tile(x, [view.shape(x)[0]]), lambda x: np.tile(x, 3), known_rank=True)

# addressed by value

for _axis, _shape, _index in ((0, (4, 3), (2,)), (1, (2, 4, 3), (2, 3)), (-1, (2, 4), ()), (0, (4,), (0,))):
    case("GatherV2", partial(gather.gather, axis=_axis), floats(_shape), ints(_index, 0, 4),
         expect=lambda x, i, a=_axis: np.take(x, i, a), known_rank=_axis < 0)
case("GatherV2", gather.gather, ints((5, 2), dtype=np.int64), ints((3,), 0, 5, np.int64),
     expect=lambda x, i: np.take(x, i, 0))


def _scatter(g: np.ndarray, i: np.ndarray, axis: int, size: int) -> np.ndarray:
    out = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1:]), g.dtype)
    for n, k in enumerate(i):
        out[(slice(None),) * axis + (k,)] += g[(slice(None),) * axis + (n,)]
    return out


case("SumRows", lambda g, i: gather.scatter_add(g, i, [5, 2], 0), floats((3, 2)), np.array([1, 4, 1], np.int32),
     expect=lambda g, i: _scatter(g, i, 0, 5))
case("SumRows", lambda g, i: gather.scatter_add(g, i, [2, 4], 1), floats((2, 3)), np.array([3, 3, 0], np.int64),
     expect=lambda g, i: _scatter(g, i, 1, 4))
case("GatherV2", positions.gather_nd, floats((3, 4, 2)), np.array([[0, 1], [2, 3], [0, 1]], np.int32), known_rank=True,
     static=(1,),
     expect=lambda x, i: x[i[:, 0], i[:, 1]])
case("GatherV2", positions.gather_nd, floats((3, 4)), ints((2, 1, 2), 0, 3, np.int64), known_rank=True, static=(1,),
     expect=lambda x, i: x[i[..., 0], i[..., 1]])
case("SumRows", lambda i, g: positions.scatter_nd(i, g, [2, 3, 2]), np.array([[0, 1], [1, 2], [0, 1]], np.int32),
     floats((3, 2)), static=(0,),
     expect=lambda i, g: np.array([[[0, 0], g[0] + g[2], [0, 0]], [[0, 0], [0, 0], g[1]]]))
for _name, _build, _add in (("Cumsum", cumulative.cumsum, np.cumsum), ("Cumprod", cumulative.cumprod, np.cumprod)):
    for _shape, _axis in (((4,), 0), ((2, 3, 2), 1), ((18, 2), -1), ((2, 2, 17), 1), ((0, 2), 0)):
        case(_name, partial(_build, axis=_axis), floats(_shape, 0.5, 2), second=_shape == (4,),
             expect=lambda x, a=_axis, f=_add: f(x, a))
    case(_name, partial(_build, exclusive=True), floats((4,), 0.5, 2),
         expect=lambda x, f=_add: np.append(F32(f is np.cumprod), f(x)[:-1]))
    case(_name, partial(_build, reverse=True, exclusive=True), ints((4,), 1, 4),
         expect=lambda x, f=_add: np.append(f(x[::-1])[:-1][::-1], f is np.cumprod))
    case(_name, partial(_build, axis=1, reverse=True, exclusive=True), floats((5, 4), 0.5, 2), expect=lambda x, f=_add:
         np.append(f(x[:, ::-1], 1)[:, :-1][:, ::-1], np.full((5, 1), F32(f is np.cumprod)), 1))
for _turn in (1, -1):  # sums of more than one vector, the last one not full, of all numbers that have vectors
    for _x in (floats((3, 37), 0.5, 2), floats((2, 19), dtype=np.float64), ints((3, 35), 0, 9),
               ints((17,), 0, 9, np.int64)):
        for _exclusive in (False, True):
            case("Cumsum", partial(cumulative.cumsum, axis=-1, exclusive=_exclusive, reverse=_turn < 0), _x,
                 grad=False, expect=lambda x, turn=_turn, exclusive=_exclusive:
                 (np.cumsum(x[..., ::turn], -1, dtype=x.dtype) - exclusive * x[..., ::turn])[..., ::turn])
for _axis in (0, 1, -1):
    case("OneHot", partial(gather.one_hot, depth=4, axis=_axis), ints((2, 3), -1, 5), known_rank=True,
         expect=lambda i, a=_axis: np.moveaxis((i[..., None] == np.arange(4)).astype(F32), -1, a))
case("OneHot", lambda i, on, off: gather.one_hot(i, 3, on, off), ints((4,), 0, 3), F32(2.5), F32(-1),
     known_rank=True, grad=False,
     expect=lambda i, on, off: np.where(i[:, None] == np.arange(3), on, off))
case("OneHot", partial(gather.one_hot, depth=3, dtype="int32"), ints((), 0, 3), known_rank=True,
     expect=lambda i: (i == np.arange(3)).astype(np.int32))
case("Range", lambda x: gather.range_(view.shape(x)[0]) + 0 * x, ints((5,)),
     expect=lambda x: np.arange(5, dtype=np.int32))
case("Range", lambda x: gather.range_(8, 1, -3) + x, ints(()), expect=lambda x: x + np.arange(8, 1, -3, np.int32))
case("Range", lambda x: gather.range_(0.0, 1.0, 0.25) + x, floats(()), expect=lambda x: x + np.arange(0, 1, 0.25, F32),
     grad=False)

# sources and effects


def _assigned(x: Any) -> Any:
    """The input, by way of a variable."""
    handle = state.variable_handle(dtype=x.dtype, dims=x.dims, name="v")
    stored = state.assign(handle, x)
    with x.graph.control_dependencies([stored]):
        return state.read_variable(handle) * 2


def _updated(update: Any) -> Any:
    """The input in a variable, twice changed by itself."""
    def build(x: Any) -> Any:
        handle = state.variable_handle(dtype=x.dtype, dims=x.dims, name="v")
        with x.graph.control_dependencies([state.assign(handle, x)]):
            first = update(handle, x * 3)
        with x.graph.control_dependencies([first]):
            return [first, update(handle, x)]
    return build


def _after_group(x: Any) -> Any:
    with x.graph.control_dependencies([state.group(x)]):
        return view.identity(x)


case("Const", lambda x: x + c.constant([[1.0], [2.0]]), floats((3,)), expect=lambda x: x + np.array([[1], [2]], F32),
     grad=False)
case("Placeholder", lambda x: x, floats((2, 3)), expect=lambda x: x)
case("PlaceholderWithDefault", lambda x: state.placeholder_with_default(x, x.shape), floats((2, 3)), expect=lambda x: x)
for _name in ("VariableV2", "ReadVariableOp", "Assign"):
    case(_name, _assigned, floats((2, 3)), expect=lambda x: x * 2, grad=False)
case("AssignAdd", _updated(state.assign_add), floats((2, 3)), expect=lambda x: [x * 4, x * 5], grad=False)
case("AssignSub", _updated(state.assign_sub), floats((2, 3)), expect=lambda x: [x * -2, x * -3], grad=False)


def _scattered(update: Any) -> Any:
    """The first input in a variable, rows of which the others change."""
    def build(x: Any, indices: Any, updates: Any) -> Any:
        handle = state.variable_handle(dtype=x.dtype, dims=x.dims, name="v")
        with x.graph.control_dependencies([state.assign(handle, x)]):
            return update(handle, indices, updates, depth=1)
    return build


_ROWS = np.array([3, 0, 3], np.int32)
for _name, _update, _at in (
        ("ScatterUpdate", scatter.scatter_update, np.ndarray.__setitem__),
        ("ScatterAdd", scatter.scatter_add, np.add.at), ("ScatterSub", scatter.scatter_sub, np.subtract.at),
        ("ScatterMul", scatter.scatter_mul, np.multiply.at), ("ScatterDiv", scatter.scatter_div, np.divide.at),
        ("ScatterMin", scatter.scatter_min, np.minimum.at), ("ScatterMax", scatter.scatter_max, np.maximum.at)):
    def _expected_rows(x: Any, i: Any, u: Any, at: Any = _at) -> Any:
        x = x.copy()
        at(x, i, u)
        return x

    case(_name, _scattered(_update), floats((5, 2)), _ROWS, floats((3, 2)), expect=_expected_rows, grad=False)
    if _name != "ScatterDiv":
        case(_name, _scattered(_update), ints((4,)), _ROWS.astype(np.int64), ints((3,)), expect=_expected_rows)
case("SumEqualRows", lambda x, i: scatter.sum_equal_rows(x, i, 4), floats((3, 2)), _ROWS,
     expect=lambda x, i: np.stack([x[0] + x[2], x[1], x[0] + x[2]]))
case("SumEqualRows", lambda x, i: scatter.sum_equal_rows(x, i, 9), ints((4,)), np.array([1, 1, 8, 1]),
     expect=lambda x, i: np.array([x[0] + x[1] + x[3]] * 2 + [x[2], x[0] + x[1] + x[3]]))
case("NoOp", _after_group, floats((2,)), expect=lambda x: x)
for _name, _build in (("RandomUniform", random.random_uniform), ("RandomStandardNormal", random.random_normal),
                      ("TruncatedNormal", random.truncated_normal)):
    for _dtype in ("float32", "float64"):
        case(_name, lambda x, b=_build, d=_dtype: b(view.shape(x), dtype=d, seed=3), floats((3, 5)), grad=False)
    case(_name, lambda x, b=_build: b([0, 2], seed=3) + x, floats(()), grad=False)
for _dtype in ("int32", "int64"):
    case("RandomUniformInt", lambda x, d=_dtype: random.random_uniform(view.shape(x), -3, 40, d, seed=3),
         floats((4, 2)), grad=False)
