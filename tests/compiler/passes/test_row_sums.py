"""Sums of rows inside the loop that reads them: a table's gradient meets its optimizer without being in memory."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.errors import InvalidArgumentError
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import state
from graphflow.compiler.ops.gather import gather, scatter_add
from graphflow.compiler.ops.reduction import reduce_mean, reduce_sum

RNG = np.random.default_rng(4)


def adam_step(ids, table, m, v):
    """The loss is the mean of what is gathered, weighted; squares are summed row by row, as Keras does."""
    old = state.read_variable(table)
    weights = RNG.standard_normal(table.dims[-1:]).astype(table.dtype.np)
    grad, = gradients(reduce_sum(reduce_mean(gather(old, ids), 1) * weights), [old])
    values, at, size = grad.op.inputs
    squares = scatter_add(ew.square(values), at, size)
    old_m, old_v = state.read_variable(m), state.read_variable(v)
    new_m, new_v = old_m + (grad - old_m) * 0.1, old_v + (squares - old_v) * 0.01
    return [state.assign(m, new_m), state.assign(v, new_v),
            state.assign(table, old - new_m / (ew.sqrt(new_v) + 1e-3))]


def tables(shape, dtype=np.float32):
    return {name: RNG.random(shape).astype(dtype) for name in ("table", "m", "v")}


@pytest.mark.parametrize("shape, ids, dtype", [
    ((9, 5), (4, 3), np.float32), ((2000, 3), (7, 33), np.float64), ((3, 1), (1, 1), np.float32),
    ((1, 2050), (5, 4), np.float32), ((6, 2, 3), (3, 2), np.float32), ((4, 17), (0, 2), np.float32)])
def test_gradient_of_a_table_is_summed_inside_its_update(shape, ids, dtype):
    indices = RNG.integers(0, shape[0], ids).astype(np.int32)
    program = Program(adam_step, indices, unknown=len(shape) == 2, variables=tables(shape, dtype))
    assert [ops.count("SumRows") for ops in program.fused() if "SumRows" in ops] == [2]
    assert sum(len(ops) > 3 for ops in program.fused()) == 1
    program.check()


@pytest.mark.parametrize("axis", [1, 2])
def test_rows_that_are_alike_along_an_axis(axis):
    def build(ids, x):
        grad, = gradients(ew.square(reduce_sum(gather(x, ids), axis)), [x])
        return x - grad

    program = Program(build, np.array([1, 1, 4, 0], np.int32), RNG.random((5, 2, 3)))
    assert any("SumRows" in ops and len(ops) > 1 for ops in program.fused())
    program.check()


def test_sums_that_others_read_too_or_of_other_indices_stay_apart():
    def build(ids, others, table):
        old = state.read_variable(table)
        shown, mine, theirs = (scatter_add(rows, at, [6, 2]) for rows, at in (
            (old[:3], ids), (gather(old, others), ids), (gather(old, ids), others)))
        return [shown, state.assign(table, old + shown * mine + theirs)]

    program = Program(build, np.array([1, 1, 5], np.int32), np.array([0, 5, 2], np.int32),
                      variables={"table": RNG.random((6, 2)).astype(np.float32)})
    program.check()


def test_an_index_out_of_range_leaves_the_variables_alone():
    variables = tables((5, 3))
    program = Program(lambda ids, rows, table: state.assign(
        table, state.read_variable(table) * 2 - scatter_add(rows, ids, [5, 3])), np.array([1, 5], np.int32),
        np.ones((2, 3), np.float32), variables={"table": variables["table"]})
    assert program.fused() == [["Mul", "SumRows", "Sub", "Assign"]]
    session = program.session()
    with pytest.raises(InvalidArgumentError, match=r"5 is not in \[0, 5\)|5 is outside"):
        session.run(program.fetches, dict(zip(program.inputs, program.arrays, strict=True)))
    with program.graph.as_default():
        table = state.read_variable(program.handles["table"])
    np.testing.assert_array_equal(session.run(table), variables["table"])
