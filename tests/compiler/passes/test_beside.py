"""Reductions along short rows of what is broadcast: of many rows side by side."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, kinds
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import reduction
from graphflow.compiler.ops.view import expand_dims

RNG = np.random.default_rng(9)


def points(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def distances(x, y):
    return reduction.reduce_sum(ew.square(expand_dims(x, -2) - expand_dims(y, -3)), -1)


def axes(program):
    """Of the reductions, which axes of how many they reduce."""
    return [(op.attrs["axis"], len(op.inputs[0].dims)) for op in program.after("order").operations
            if op.type in ("Sum", "Max", "Prod")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n, m, d, beside", [
    (9, 7, 8, True), (9, 7, 5, True), (9, 7, 4, False), (9, 7, 14, True), (9, 7, 15, False), (3, 60, 100, True),
    (3, 60, 101, False), (9, 1, 7, False)])
def test_distances_are_summed_side_by_side(n, m, d, beside, dtype):
    program = Program(distances, points(n, d, dtype=dtype), points(m, d, dtype=dtype))
    assert (axes(program) == [((1,), 3)]) == beside
    program.check()


def test_what_is_as_large_as_what_is_reduced_stays_as_it_lies():
    for build, *arrays in (
            (lambda x, y: reduction.reduce_sum(x * y, -1), points(9, 7, 6), points(6)),
            (lambda x, y: reduction.reduce_sum(ew.exp(x) * expand_dims(y, 0), 2), points(9, 7, 6), points(7, 6)),
            (lambda x, y: reduction.reduce_sum(x * y, -1), points(9, 6), points(6))):
        program = Program(build, *arrays)
        (axis,), rank = axes(program)[0]
        assert axis == rank - 1
        program.check()


@pytest.mark.parametrize("reduce", [reduction.reduce_max, reduction.reduce_prod, reduction.reduce_mean])
def test_other_reductions_of_batches_masks_and_numbers(reduce):
    def build(x, y, mask, scale):
        each = (expand_dims(x, 2) * scale + expand_dims(y, 1)) * expand_dims(mask, 3)
        return [reduce(each, -1, keepdims=True), each]

    program = Program(build, points(2, 9, 6), points(2, 7, 6), points(2, 9, 7), np.float32(3))
    assert axes(program) == [((2,), 4)]
    program.check()


def test_their_gradients_are_what_they_were():
    def build(x, y):
        near = ew.exp(-distances(x, y))
        return [near, *gradients(reduction.reduce_sum(near * near), [x, y])]

    program = Program(build, points(9, 6), points(7, 6))
    program.check(1e-4)
    assert "Transpose" in kinds(program.after("order"))
