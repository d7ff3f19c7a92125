"""Models with their channels in front come to the kernels of those with them last, and transposes at the ends."""
from __future__ import annotations

import numpy as np
from built import Program, kinds
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import view
from graphflow.compiler.ops.reduction import reduce_max, reduce_sum
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
