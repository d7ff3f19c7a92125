"""Variables: reads that no assignment precedes see the old value, whatever runs first; assignments happen in place."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, assert_equal
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import slicing, state, view
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.gather import gather
from graphflow.compiler.ops.reduction import reduce_max, reduce_sum

V = np.arange(20, dtype=np.float32).reshape(4, 5) - 7
SQUARE = V.ravel()[:16].reshape(4, 4)


def after(dependency, function):
    """What `function` builds, run after an operation or tensor."""
    with (dependency if hasattr(dependency, "graph") else dependency.op).graph.control_dependencies([dependency]):
        return function()


def check(build, outputs, v, **others):
    """The program's outputs and the variables' last values, as stated."""
    program = Program(build, variables={"v": V, **{name: first for name, (first, _) in others.items()}})
    values, variables = program.run()
    for value, want in zip(values, outputs, strict=True):
        assert_equal(value, np.asarray(want, V.dtype))
    assert_equal(variables["v"], np.asarray(v, V.dtype))
    for name, (_, last) in others.items():
        assert_equal(variables[name], last)
    return program


def copies(program):
    return [op.inputs[0].op.name for op in program.after("order").operations if op.type == "Snapshot"]


def test_a_read_without_dependencies_sees_the_old_value():
    program = check(lambda v: [state.read_variable(v), state.assign(v, state.read_variable(v) + 1).op], [V], V + 1)
    assert len(copies(program)) == 1, "the fetched old value needs a copy"


def test_the_old_value_wins_even_where_the_read_was_made_after_the_assignment():
    def build(v):
        changed = state.assign(v, state.read_variable(v) * 3)
        return [changed, state.read_variable(v) + 1]

    check(build, [V * 3, V + 1], V * 3)


def test_a_read_under_control_of_the_assignment_sees_the_new_value():
    def build(v):
        changed = state.assign(v, state.read_variable(v) + 1)
        return after(changed, lambda: [state.read_variable(v), state.read_variable(v) * 2])

    program = check(build, [V + 1, 2 * V + 2], V + 1)
    assert not copies(program)


def test_the_old_and_the_new_value_of_an_update_in_place():
    def build(v):
        old = state.read_variable(v)
        new = after(state.assign(v, old * 2), lambda: state.read_variable(v))
        return [old + new, new - old, old]

    check(build, [3 * V, V, V], 2 * V)


def test_a_chain_of_assignments():
    def build(v):
        first = state.assign(v, state.read_variable(v) + 1)
        second = state.assign(v, first * 10)
        third = state.assign(v, second - 3)
        return [first, second, third]

    check(build, [V + 1, 10 * (V + 1), 10 * V + 7], 10 * V + 7)


def test_assignments_that_nothing_orders_happen_as_they_were_made():
    def build(v):
        return state.group(state.assign(v, state.read_variable(v) + 1), state.assign(v, state.read_variable(v) * 2))

    check(build, [], V * 2)


def test_an_addition_run_twice_in_one_run_adds_to_what_was_read_once():
    def build(v):
        old = state.read_variable(v)
        return [state.assign(v, old + 1), state.assign(v, old + 1)]

    check(build, [V + 1, V + 1], V + 1)


def test_an_addition_to_what_the_first_addition_left():
    def build(v):
        first = state.assign(v, state.read_variable(v) + 1)
        return [after(first, lambda: state.assign(v, state.read_variable(v) + 1)).op]

    check(build, [], V + 2)


def test_two_variables_swapped():
    def build(v, w):
        a, b = state.read_variable(v), state.read_variable(w)
        return state.group(state.assign(v, b), state.assign(w, a))

    program = check(build, [], V * 5, w=(V * 5, V))
    assert len(copies(program)) == 1


def test_three_variables_rotated():
    def build(v, w, u):
        a, b, c = (state.read_variable(h) for h in (v, w, u))
        return state.group(state.assign(v, b), state.assign(w, c), state.assign(u, a))

    check(build, [], V * 2, w=(V * 2, V * 3), u=(V * 3, V))


def test_two_variables_updated_from_each_other():
    def build(v, w):
        a, b = state.read_variable(v), state.read_variable(w)
        return [state.assign(v, a + b).op, state.assign(w, a - b).op]

    check(build, [], 3 * V, w=(V * 2, -V))


@pytest.mark.parametrize("read", [
    view.transpose, lambda x: view.reverse(x, [0]), lambda x: gather(x, np.array([3, 3, 0, 1])),
    lambda x: slicing.concat([x[1:], x[:1]], 0), lambda x: x + x[0], lambda x: x - reduce_max(x),
    lambda x: x / (1 + reduce_sum(ew.abs_(x), 0)), lambda x: x / (1 + reduce_sum(ew.abs_(x), 1, keepdims=True)),
    lambda x: matmul(x, x), lambda x: view.reshape(view.transpose(view.reshape(x, [2, 8])), [4, 4]),
    lambda x: x + view.reverse(view.reshape(view.reshape(x, [16]), [4, 4]), [0, 1]),
], ids=["transpose", "reverse", "gather", "roll", "own row", "own maximum", "own columns", "own rows", "product",
        "reshape", "reshaped and reversed"])
def test_a_variable_assigned_what_other_elements_of_it_make(read):
    Program(lambda v: state.assign(v, read(state.read_variable(v))), variables={"v": SQUARE}).check()


def test_a_reduction_of_the_old_value_beside_the_assignment():
    def build(v):
        return [reduce_sum(state.read_variable(v)), state.assign(v, state.read_variable(v) * 0.5).op,
                reduce_sum(state.read_variable(v), 1)]

    check(build, [V.sum(), V.sum(1)], V * 0.5)


def test_a_value_passed_on_by_an_assignment_survives_the_next_one():
    def build(v):
        first = state.assign(v, state.read_variable(v) + 1)
        reshaped = view.reshape(first, [20])
        second = after(reshaped, lambda: state.assign(v, state.read_variable(v) * 0))
        return [reshaped, second]

    check(build, [(V + 1).ravel(), V * 0], V * 0)


def test_an_old_value_fetched_under_another_shape():
    def build(v):
        old = view.reshape(state.read_variable(v), [20])
        return [old, state.assign(v, state.read_variable(v) + 1).op]

    check(build, [V.ravel()], V + 1)


def test_an_assignment_that_nothing_fetches_does_not_happen():
    def build(v):
        state.assign(v, state.read_variable(v) + 1)
        return state.read_variable(v) * 2

    program = check(build, [V * 2], V)
    assert "Assign" not in [op.type for op in program.after("prune").operations]


def test_assignments_over_many_runs():
    program = Program(lambda v: [state.read_variable(v), state.assign(v, state.read_variable(v) + 1)],
                      variables={"v": V})
    session = program.session()
    for i in range(5):
        old, new = session.run(program.fetches)
        assert_equal(old, V + i)
        assert_equal(new, V + i + 1)


def test_a_fetched_value_does_not_change_with_the_variable():
    program = Program(lambda v: [state.read_variable(v), state.assign(v, state.read_variable(v) + 1)],
                      variables={"v": V})
    session = program.session()
    first, second = session.run(program.fetches)
    session.run(program.fetches)
    assert_equal(first, V)
    assert_equal(second, V + 1)


def test_a_variable_assigned_twice_in_one_kernel_keeps_the_later_value():
    def build(v):
        old = state.read_variable(v)
        return state.group(state.assign(v, 1 - old), state.assign(v, old))

    check(build, [], V)


def test_what_an_earlier_kernel_left_beside_what_this_one_leaves():
    def build(v):
        first = state.assign(v, state.read_variable(v) + 1)
        second = after(first, lambda: state.assign(v, view.broadcast_to(reduce_sum(first), (4, 5))))
        return first * 2 + second

    check(build, [2 * (V + 1) + (V + 1).sum()], np.full_like(V, (V + 1).sum()))
