"""Sums over the last axis of what is computed for pairs: which are written out."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops.reduction import reduce_sum
from graphflow.compiler.ops.view import expand_dims

RANDOM = np.random.default_rng(0)


def points(count, size):
    return RANDOM.normal(size=(count, size)).astype(np.float32)


def distances(x, y):
    return reduce_sum(ew.square(expand_dims(x, 1) - expand_dims(y, 0)) * 0.5, 2)


def sums(program):
    return [op for op in program.after("order").operations if op.type == "Sum"]


@pytest.mark.parametrize("size, written", [(2, True), (3, True), (9, False)])
def test_distances(size, written):
    program = Program(lambda x, y: ew.exp(-distances(x, y)), points(7, size), points(5, size))
    assert bool(sums(program)) is not written
    program.check()


def test_their_gradient():
    Program(lambda x, y: gradients([distances(x, y)], [x, y]), points(7, 2), points(5, 2)).check()


def test_what_is_of_one_element_per_sum_stays():
    """Softmax over few classes is one loop over rows."""
    program = Program(lambda x: ew.exp(x) / reduce_sum(ew.exp(x), 1, keepdims=True), points(7, 3))
    assert len(sums(program)) == 1
    program.check()


def test_a_term_that_grows_by_being_used_twice():
    def build(x, y):
        term = expand_dims(x, 1) * expand_dims(y, 0)
        for _ in range(40):
            term = term * term
        return reduce_sum(term, 2)

    program = Program(build, points(3, 2), points(4, 2))
    assert len(sums(program)) == 1
    program.check()
