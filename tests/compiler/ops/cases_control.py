"""Conds, loops and TensorArrays: what their graphs compute natively, interpreted and differentiated must agree."""
from __future__ import annotations

import numpy as np
from example import F32, case, floats
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import tensor_array as ta
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.elementwise import cast, sin, tanh
from graphflow.compiler.ops.gather import gather
from graphflow.compiler.ops.reduction import reduce_sum
from graphflow.compiler.ops.slicing import concat
from graphflow.compiler.ops.view import expand_dims

from graphflow.control_flow import TensorArray, cond, foldl, map_fn, scan, while_loop

X, Y, W = floats(3), floats(3, seed=1), floats((3, 3), seed=2)


def repeat(count, step, *start):
    """The variables after `count` steps."""
    found = while_loop(lambda i, *_: i < count, lambda i, *vs: (i + 1, *step(*vs)), (constant(0), *start))
    return list(found[1:])


# conds: the branch taken alone counts

for flag in (True, False):
    case("StatelessIf", lambda p, x, y: cond(p, lambda: x * x * y, lambda: sin(x)), np.array(flag), X, Y,
         expect=lambda p, x, y: x * x * y if p else np.sin(x), second=True)
case("StatelessIf", lambda p, x: cond(p, lambda: (x, x * 2), lambda: (x * 3, x)), np.array(False), X,
     expect=lambda p, x: (x * 3, x))
case("StatelessIf", lambda p, x: cond(p > 0, lambda: cond(p > 5, lambda: x, lambda: x * x), lambda: -x),
     np.array(3, np.int32), X, expect=lambda p, x: x * x, second=True)
case("StatelessIf", lambda p, x: cond(p, lambda: repeat(3, lambda a: (a * x,), x)[0], lambda: x), np.array(True), X,
     expect=lambda p, x: x ** 4, second=True)
case("StatelessIf", lambda p, x: cond(p, lambda: expand_dims(reduce_sum(x), 0), lambda: x), np.array(True), X,
     expect=lambda p, x: x.sum(keepdims=True), sized=False, grad=False)

# loops

case("StatelessWhile", lambda x: repeat(4, lambda a: (a * x,), x), X, expect=lambda x: x ** 5, second=True)
case("StatelessWhile", lambda x: repeat(0, lambda a: (a * x,), x), X, expect=lambda x: x)
case("StatelessWhile", lambda x, y: repeat(3, lambda a, b: (b, a), x, y * 1), X, Y, expect=lambda x, y: (y, x))
case("StatelessWhile", lambda x, y: repeat(5, lambda a, b: (b * x, a + y), x, y), X, Y, second=True)
case("StatelessWhile", lambda x, w: repeat(3, lambda a: (tanh(matmul(a, w)),), x), floats((2, 3)), W, second=True)
case("StatelessWhile", lambda n, x: while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a + sin(a)), (constant(0), x)),
     np.array(40, np.int32), X)  # more rows on the stack than it has at first
case("StatelessWhile", lambda x: while_loop(lambda a: reduce_sum(a) < 50., lambda a: a * 2., [x]), np.abs(X) + 1)
case("StatelessWhile", lambda x: while_loop(lambda a: constant(True), lambda a: a + x, [x], maximum_iterations=4), X,
     expect=lambda x: 5 * x)
case("StatelessWhile", lambda x: repeat(2, lambda a: (repeat(2, lambda c: (c * x,), a)[0],), x), X,
     expect=lambda x: x ** 5, second=True)
case("StatelessWhile", lambda x: while_loop(
    lambda i, a: i < 4, lambda i, a: (i + 1, cond(i < 2, lambda: a * x, lambda: a + x)), (constant(0), x))[1], X,
    expect=lambda x: x ** 3 + 2 * x, second=True)
case("StatelessWhile", lambda x: while_loop(
    lambda i, a: i < 3, lambda i, a: (i + 1, concat([a, x], 0)), (constant(0), x), shape_invariants=[(), (None,)])[1],
    X, expect=lambda x: np.tile(x, 4), sized=False, static=(0,), grad=False)
case("StatelessWhile", lambda x: reduce_sum(while_loop(
    lambda i, a: i < 3, lambda i, a: (i + 1, concat([a, x * a[:1]], 0)), (constant(0), x),
    shape_invariants=[(), (None,)])[1]), X, static=(0,))
case("StatelessWhile", lambda x: while_loop(
    lambda i, a: i < 3, lambda i, a: (i + 1, a - 0.1 * gradients(reduce_sum(a * a * x), a)[0]), (constant(0), x))[1],
    X, expect=lambda x: x * (1 - F32(0.2) * x) ** 3, eager=False)
case("StatelessRepeat", lambda x: gradients(repeat(3, lambda a: (a * x,), x), x), X, expect=lambda x: 4 * x ** 3,
     second=True, eager=False)

# arrays, in loops above all

case("TensorArrayV3", lambda x: ta.new_array(x.dtype, constant(2), (3,), "array", "array") + x, X,
     expect=lambda x: np.stack([x, x]))
case("TensorArrayGatherV3", lambda x: reduce_sum(TensorArray(x.dtype, 3).write(1, x).write(2, x * x).stack(), 0), X,
     expect=lambda x: x + x * x)
case("TensorArrayGatherV3", lambda x: reduce_sum(TensorArray(x.dtype, 3).unstack(x).gather([2, 0]), 0), W,
     expect=lambda x: x[2] + x[0])
case("TensorArrayReadV3", lambda x, i: TensorArray(x.dtype, 3).unstack(x).read(i), W, np.array(2, np.int32),
     expect=lambda x, i: x[i], second=True)
case("StatelessWhile", lambda x: repeat(3, lambda i, a: (i + 1, a * TensorArray(x.dtype, 3).unstack(x).read(i)),
                                        constant(0), x[0])[1:], W)
case("SetRows", lambda x, v: ta.set_rows(x * 1, constant([2, 0]), v), W, floats((2, 3), seed=3), grad=False,
     expect=lambda x, v: np.stack([v[1], x[1], v[0]]))
case("AddRows", lambda x, v: ta.add_rows(x * 1, constant([2, 2]), v), W, floats((2, 3), seed=3), second=True,
     expect=lambda x, v: np.stack([x[0], x[1], x[2] + v[0] + v[1]]))
case("StatelessWhile", lambda x, y: scan(lambda a, t: a * y + t, x, initializer=y * 1), W, Y, second=True)
case("StatelessWhile", lambda x: scan(lambda a, t: a * t, x, reverse=True), W,
     expect=lambda x: np.cumprod(x[::-1], 0)[::-1], second=True)
case(
    "StatelessWhile",
    lambda x: map_fn(lambda r: map_fn(lambda t: t * t, r), x),
    floats((2, 3)),
    expect=lambda x: x * x,
    second=True,
)
case("StatelessWhile", lambda x, i: foldl(lambda a, k: a * gather(x, k), i, initializer=x[0] * 1), W,
     np.array([1, 2, 1], np.int32), expect=lambda x, i: x[0] * x[1] * x[2] * x[1], second=True)
case(
    "StatelessWhile",
    lambda x: scan(lambda a, t: (a[0] + t, a[1] * t), x, initializer=(x[0] * 1, x[1] * 1)),
    W,
    second=True,
)
case("TensorArrayGrow", lambda x: reduce_sum(
    TensorArray(x.dtype, 0, dynamic_size=True).write(1, x).write(0, x * x).stack(), 0), X, expect=lambda x: x * x + x)
case("StatelessWhile", lambda x: reduce_sum(while_loop(
    lambda i, a: i < 3, lambda i, a: (i + 1, a.write(i, x * cast(i, x.dtype))),
    (constant(0), TensorArray(x.dtype, 1, dynamic_size=True)))[1].stack(), 0), X, expect=lambda x: 3 * x)
case("TensorArrayCut", lambda x, y: ta.cut_to(x, y) * 1, W, floats((2, 3)), expect=lambda x, y: x[:2], grad=False)
