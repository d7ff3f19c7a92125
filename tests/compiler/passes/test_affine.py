"""What vectors of parameters add to a contraction, and multiply it by, becomes one product and one sum."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import view
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.reduction import reduce_mean
from graphflow.compiler.ops.window import conv2d
from graphflow.compiler.passes import affine

RNG = np.random.default_rng(0)
X, W = (RNG.standard_normal(shape).astype(np.float32) for shape in ((2, 6, 5, 3), (3, 3, 3, 4)))
A, B = (RNG.standard_normal(shape).astype(np.float32) for shape in ((5, 3), (3, 4)))
BIAS, MEAN, GAMMA, BETA = RNG.standard_normal((4, 4)).astype(np.float32)
VARIANCE = np.abs(RNG.standard_normal(4)).astype(np.float32)


def normalised(y, mean, variance, gamma, beta):
    return (y - mean) * (ew.rsqrt(variance + 1e-3) * gamma) + beta


@pytest.mark.parametrize("shape", [(4,), (1, 1, 1, 4)])
def test_a_bias_and_a_batch_normalisation(shape):
    def build(x, w, bias, *statistics):
        bias, *statistics = (view.reshape(t, shape) for t in (bias, *statistics))
        return ew.relu(normalised(conv2d(x, w, 1, "SAME") + bias, *statistics))

    program = Program(build, X, W, BIAS, MEAN, VARIANCE, GAMMA, BETA)
    assert ["Conv2D", "Mul", "AddV2", "Relu"] in program.fused()
    program.check()


def test_what_else_reads_a_part_still_has_it():
    def build(a, b, bias, *statistics):
        y = bias + matmul(a, b)
        return [y, normalised(y, *statistics), (y - statistics[0]) * 2.0]

    program = Program(build, A, B, BIAS, MEAN, VARIANCE, GAMMA, BETA)
    program.check()


@pytest.mark.parametrize("build", [
    lambda a, b, bias, beta: matmul(a, b) + bias + beta,  # no product: each its own rounding
    lambda a, b, bias, beta: matmul(a, b) * bias + beta,
    lambda a, b, bias, beta: (a @ b - reduce_mean(a @ b, 0)) * bias + beta,  # vectors that the matrix itself makes
    lambda a, b, bias, beta: (ew.exp(a @ b) + bias) * beta + bias,  # more exact than what it might become
    lambda a, b, bias, beta: bias - (a @ b) * beta,
], ids=["sums", "done", "of itself", "no contraction", "turned round"])
def test_all_else_stays(build):
    program = Program(build, A, B, BIAS, BETA)
    counts = [sorted(op.type for op in program.after(stage).operations) for stage in ("simplify", "affine")]
    assert counts[0] == counts[1]
    program.check()


def test_a_long_sum_takes_time_in_proportion(monkeypatch):
    looked = []
    monkeypatch.setattr(affine, "_is_vector", lambda *a, find=affine._is_vector: looked.append(a) or find(*a))

    def looks(terms):
        looked.clear()
        Program(lambda a, b: sum((b * float(i) for i in range(terms)), a), BIAS, BETA).after("affine")
        return len(looked)

    assert looks(100) < 2.5 * looks(50)
