"""Assignments that change a few rows of a table touch those rows only."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, assert_equal
from graphflow.compiler.errors import InvalidArgumentError
from graphflow.compiler.ops import state
from graphflow.compiler.ops.gather import gather, scatter_add
from graphflow.compiler.ops.view import broadcast_to, reshape

TABLE = np.arange(20, dtype=np.float32).reshape(5, 4) - 7
INDICES, ROWS = np.array([4, 1, 4]), np.arange(12, dtype=np.float32).reshape(3, 4)
SUMMED = np.zeros_like(TABLE)
np.add.at(SUMMED, INDICES, ROWS)


def kinds(program):
    return {op.type for op in program.after("update_rows").operations}


@pytest.mark.parametrize("sign, kind", [(1, "ScatterAdd"), (-1, "ScatterSub")])
def test_only_rows_change_and_the_old_value_is_still_read(sign, kind):
    def build(indices, rows, v):
        old, total = state.read_variable(v), scatter_add(rows, indices, TABLE.shape)
        return [state.assign(v, old + total if sign > 0 else old - total), gather(old, [4])]

    program = Program(build, INDICES, ROWS, variables={"v": TABLE})
    values, variables = program.run()
    assert kind in kinds(program) and "Assign" not in kinds(program)
    for value, expected in zip((*values, variables["v"]), (TABLE + sign * SUMMED, TABLE[4:], TABLE + sign * SUMMED),
                               strict=True):
        assert_equal(value, expected)


def test_what_needs_the_new_value_reads_the_variable():
    def build(indices, rows, v):
        new = state.read_variable(v) + scatter_add(rows, indices, TABLE.shape)
        return [gather(new, indices), state.assign(v, new), new * 2]

    program = Program(build, INDICES, ROWS, variables={"v": TABLE})
    values, _ = program.run()
    assert "ScatterAdd" in kinds(program) and not {"Assign", "AddV2"} & kinds(program)
    wanted = TABLE + SUMMED
    for value, expected in zip(values, (wanted[INDICES], wanted, wanted * 2), strict=True):
        assert_equal(value, expected)


@pytest.mark.parametrize("batch, count", [(3, 4), (1, 5), (4, 1), (0, 3)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rows_repeated_for_consecutive_indices_are_not_made(batch, count, dtype):
    """As in the gradient of a mean of gathered rows, taken times the rate."""
    table, x = TABLE.astype(dtype), np.random.default_rng(batch).random((batch, 1, 4)).astype(dtype)
    indices = np.random.default_rng(count).integers(0, 5, batch * count)

    def build(indices, x, rate, v):
        rows = reshape(broadcast_to(x, (batch, count, 4)), (batch * count, 4)) * rate
        return [state.assign(v, state.read_variable(v) - scatter_add(rows, indices, TABLE.shape))]

    rate = np.array(0.5, dtype)
    program = Program(build, indices, x, rate, variables={"v": table})
    (value,), _ = program.run()
    update, = (op for op in program.after("update_rows").operations if op.type == "ScatterSub")
    assert update.inputs[2].dims == (batch, 4)
    wanted = table.copy()
    np.subtract.at(wanted, indices, np.repeat(x[:, 0] * rate, count, 0))
    np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_a_variable_is_assigned_what_another_one_became():
    def build(indices, rows, v, w):
        return [state.assign(w, state.assign(v, state.read_variable(v) + scatter_add(rows, indices, TABLE.shape)))]

    program = Program(build, INDICES, ROWS, variables={"v": TABLE, "w": TABLE * 0})
    _, variables = program.run()
    assert "ScatterAdd" in kinds(program) and "Assign" in kinds(program)
    assert_equal(variables["v"], TABLE + SUMMED)
    assert_equal(variables["w"], TABLE + SUMMED)


def test_a_variable_assigned_twice_is_assigned_whole():
    def build(indices, rows, v):
        first = state.assign(v, state.read_variable(v) * 2)
        with first.op.graph.control_dependencies([first]):
            return [state.assign(v, state.read_variable(v) + scatter_add(rows, indices, TABLE.shape))]

    program = Program(build, INDICES, ROWS, variables={"v": TABLE})
    (value,), _ = program.run()
    assert "ScatterAdd" not in kinds(program)
    assert_equal(value, TABLE * 2 + SUMMED)


def test_an_index_out_of_range_leaves_the_table_alone():
    program = Program(lambda indices, rows, v: state.assign(
        v, state.read_variable(v) - scatter_add(rows, indices, TABLE.shape)), np.array([1, 2, 5]), ROWS,
        variables={"v": TABLE})
    assert "ScatterSub" in kinds(program)
    session = program.session()
    with pytest.raises(InvalidArgumentError, match=r"indices\[2\] = 5 is not in \[0, 5\)"):
        session.run(program.fetches, dict(zip(program.inputs, program.arrays, strict=True)))
    assert_equal(session.store.get(program.handles["v"].op), TABLE)
