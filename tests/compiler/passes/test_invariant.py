"""What a loop need not repeat is computed before it: what that is, and that the numbers stay."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, kinds
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.control import is_loop
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import gather, reduction, slicing, view
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.contraction import matmul

from graphflow.control_flow import while_loop

random = np.random.default_rng(0)
A, X = (random.uniform(-.4, .4, shape).astype("f4") for shape in ((17, 17), (17, 3)))
PLACES = np.array([3, 1, 16], "i4")


def looped(step, steps=5):
    """The last of the steps x = step(x, a); it is a loop to the end, since all of x says whether there is another."""
    def build(a, x):
        return while_loop(lambda i, x: (i < steps) & (reduction.reduce_max(x) < 1e6),
                          lambda i, x: (i + 1, step(x, a)), (constant(0), x))[1]
    return build


def in_loop(program):
    loop, = (op for op in program.after("hoist").operations if is_loop(op))
    return kinds(loop.attrs["body"])


@pytest.mark.parametrize("step, left, stays", [
    (lambda x, a: ew.tanh(x) + reduction.reduce_sum(a, 0, keepdims=True)[:, :3], "Sum", 0),
    (lambda x, a: x + slicing.concat([a, a], 1)[:, 5:8], "ConcatV2", 0),
    # rows of which one is read may be missing; an outer sum is larger than what it is of
    (lambda x, a: x + gather.gather(a, constant(PLACES))[0, 0], "GatherV2", 1),
    (lambda x, a: x + reduction.reduce_sum(a[:, :1] + a[:1, :]) * x, "AddV2", 2),
    (lambda x, a: ew.tanh(x) * reduction.reduce_max(ew.exp(a[:, :1, None] + a[:1, :, None] + x[0])), "Exp", 1),
])
def test_what_leaves(step, left, stays):
    program = Program(looped(step), A, X)
    assert in_loop(program).count(left) == stays
    program.check()


@pytest.mark.parametrize("unknown", [False, True])
def test_of_any_size(unknown):
    program = Program(looped(lambda x, a: matmul(matmul(ew.exp(a), a), x) / 20.0), A, X, unknown=unknown)
    assert in_loop(program).count("MatMul") == 1 and "Exp" not in in_loop(program)
    program.check()


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_variable_that_stays_as_it_is(steps):
    def build(a, x):
        return while_loop(lambda i, w, x: (i < steps) & (reduction.reduce_max(x) < 1e6),
                          lambda i, w, x: (i + 1, w, matmul(ew.exp(w), x)), (constant(0), a, x))[1:]
    program = Program(build, A, X)
    assert "Exp" not in in_loop(program)
    program.check()


def test_what_is_given_on_without_a_change():
    """It is the loop's output as well, which stays where it is."""
    def build(a, x):
        return while_loop(lambda i, y, x: (i < 3) & (reduction.reduce_max(x) < 1e6),
                          lambda i, y, x: (i + 1, ew.exp(a), matmul(ew.exp(a), x) + y[:, :3]),
                          (constant(0), a, x))[1:]
    Program(build, A, X).check()


def test_loops_in_loops_and_gradients():
    def inner(x, a):
        return while_loop(lambda i, x: (i < 3) & (reduction.reduce_max(x) < 1e6),
                          lambda i, x: (i + 1, ew.tanh(matmul(ew.exp(a) * .1, x))), (constant(0), x))[1]

    def build(a, x):
        y = looped(inner)(a, x)
        return [y, *gradients([reduction.reduce_sum(y * y)], [a, x])]

    program = Program(build, A, X)
    assert "Exp" not in str([kinds(op.attrs["body"]) for op in program.after("hoist").operations
                             if is_loop(op) and "condition" in op.attrs])
    program.check()


def test_a_loop_of_no_iteration_does_not_fail():
    def build(a, x):
        whole = view.zeros((3,), constant(PLACES).dtype)
        none = while_loop(lambda i, n: i < reduction.reduce_max(whole),
                          lambda i, n: (i + 1, constant(PLACES) // whole + n), (constant(0), whole))[1]
        return none + ew.cast(a[0, 0] * x[0, 0], whole.dtype)
    Program(build, A, X).check()
