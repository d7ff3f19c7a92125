"""Models with their channels in front come to the kernels of those with them last, and transposes at the ends."""
from __future__ import annotations

import numpy as np
from built import Program, kinds
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import view
from graphflow.compiler.ops.reduction import reduce_max, reduce_sum
from graphflow.compiler.ops.slicing import concat
from graphflow.compiler.ops.window import conv2d

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 3, 6, 5)).astype(np.float32)
W, V = (RNG.standard_normal(shape).astype(np.float32) for shape in ((3, 3, 3, 4), (3, 3, 4, 2)))
BIAS = RNG.standard_normal(4).astype(np.float32)


def convolution(x, w):
    return view.transpose(conv2d(view.transpose(x, (0, 2, 3, 1)), w, 1, "SAME"), (0, 3, 1, 2))


def test_between_convolutions_nothing_is_transposed():
    def build(x, w, v, bias):
        return convolution(ew.relu(convolution(x, w) + view.reshape(bias, (4, 1, 1))) * 2.0, v)

    program = Program(build, X, W, V, BIAS)
    assert kinds(program.after("order")).count("Transpose") == 2
    assert ["Conv2D", "AddV2", "Relu", "Mul"] in program.fused()
    program.check()


def test_between_loops_over_time_nothing_is_transposed():
    def build(x, y, w):
        joined = concat([view.transpose(x, (1, 0, 2)), view.transpose(y, (1, 0, 2))], -1)
        peak = reduce_max(joined, 1, keepdims=True)
        moved = view.transpose(ew.tanh(joined * peak), (1, 0, 2))
        return [moved, reduce_max(joined, 1), *gradients(ew.square(peak) * w, [x, y])]

    x, y = RNG.standard_normal((2, 7, 3, 5)).astype(np.float32)
    program = Program(build, x, y[..., :2], RNG.standard_normal(7).astype(np.float32))
    assert all(1 in op.output.dims for op in program.after("order").operations if op.type == "Transpose")
    program.check()


def test_parts_and_what_is_not_moved_alike():
    def build(x, y, bias):
        moved = view.transpose(x, (1, 0, 2))
        return [view.transpose(moved[1:6:2, :2, -3:], (1, 0, 2)), moved + y, moved * bias, concat([moved, y], 0),
                moved - view.reshape(bias, (3, 1)), concat([moved, moved], 1)]

    x, y = RNG.standard_normal((3, 7, 5)), RNG.standard_normal((7, 3, 5))
    Program(build, x, y, RNG.standard_normal((3, 1))).check()


def test_sums_over_all_but_the_channels():
    def build(x, w, bias):
        y = convolution(x, w) - view.reshape(bias, (1, 4, 1, 1))
        return [reduce_sum(y, (0, 2, 3)), reduce_sum(y), reduce_sum(y, (2, 3)), *gradients(ew.square(y), [w, bias])]

    program = Program(build, X, W, BIAS)
    program.check()


def test_what_is_reduced_is_not_moved_before():
    def build(x):
        moved = view.transpose(x, (2, 0, 3, 1))
        return [reduce_sum(moved, (1, 3)), reduce_sum(moved, (0, -1), keepdims=True), reduce_max(moved),
                reduce_sum(moved, (0,))]

    program = Program(build, X)
    transposes = [op for op in program.after("order").operations if op.type == "Transpose"]
    assert [op.output.dims for op in transposes] == [(1, 2, 5, 3)]  # of the last one's sums
    program.check()
