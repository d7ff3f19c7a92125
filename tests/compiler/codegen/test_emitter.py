"""Source of single elements: literals, flat indices over runs of axes, and that common elements are computed once."""
from __future__ import annotations

import numpy as np
import pytest
from compiled import kernels
from graphflow.compiler import dims as dm
from graphflow.compiler.codegen.emitter import INNER, TASK, Emitter, Run, SplitRun, literal, scope
from graphflow.compiler.dtypes import NATIVE, NATIVE_FLOATS, as_dtype
from graphflow.compiler.errors import InvalidArgumentError
from graphflow.compiler.ir import Graph
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import reduction, state


def emitter(domain, *runs, sizes=None):
    return Emitter(domain, runs, lambda d: d if isinstance(d, int) else (sizes or {})[d], lambda op: 1)


@pytest.mark.parametrize("dtype", NATIVE_FLOATS, ids=str)
@pytest.mark.parametrize("value", [0.0, 1.0, -2.5, 1e30, 1e-30, np.inf, -np.inf, np.nan])
def test_literals_of_floats(dtype, value):
    np.testing.assert_array_equal(eval(literal(value, dtype), {dtype.code: dtype.as_numpy_dtype}),
                                  np.asarray(value, dtype.np))


@pytest.mark.parametrize("dtype", [d for d in NATIVE if not d.is_floating], ids=str)
@pytest.mark.parametrize("end", ["min", "max"])
def test_literals_of_integers_and_bools(dtype, end):
    value = getattr(dtype, end)
    assert eval(literal(value, dtype), {dtype.code: dtype.as_numpy_dtype}) == value


def test_axes_of_a_run_are_its_variable():
    emit = emitter((4, 5, 6), Run([1, 2], "j", INNER), Run([0], "i", TASK))
    assert emit.linear((4, 5, 6), emit.identity()) == "(i) * n0 + j"
    assert emit.linear((5, 6), emit.identity()[1:]) == "j"
    assert emit.level("j") == INNER and emit.level("i") == TASK


def test_axes_of_size_one_need_no_index():
    emit = emitter((4, 1, 6), Run([0], "i", TASK), Run([2], "j", INNER))
    assert emit.identity() == ["x0", "0", "x2"]
    assert emit.linear((1, 1, 6), ["0", "0", "x2"]) == "j"
    assert emit.linear((), []) == "0"


def test_sizes_are_arguments_but_for_zero_and_one():
    n = dm.fresh("n")
    emit = emitter((n,), Run([0], "i", INNER), sizes={n: 7})
    assert [emit.dim(d) for d in (0, 1, 5, n, 5)] == ["0", "1", "n0", "n1", "n0"]
    assert emit.dims == [5, 7]


def test_a_single_axis_of_an_inner_run_of_several_needs_another_nest():
    emit = emitter((4, 5), Run([0, 1], "i", INNER))
    with pytest.raises(SplitRun):
        emit.axis_lines(["v1 = x1"])
    assert emit.axis_lines(["v1 = i"]) == [[], [], []]


def test_single_axes_of_an_outer_run_are_divided_out():
    emit = emitter((4, 5, 6), Run([0, 1], "i", TASK), Run([2], "j", INNER))
    assert emit.axis_lines(["x0 + x1 + x2"]) == [[], ["x0 = i // n0", "x1 = (i) % n0"], ["x2 = j"]]


def test_sizes_that_do_not_broadcast_name_the_op():
    n, m = dm.fresh("n"), dm.fresh("m")
    with Graph().as_default():
        x = state.placeholder(as_dtype("float32"), (None,), name="vector")
    x.dims = (n,)
    with pytest.raises(InvalidArgumentError, match="vector.*3.*4"):
        emitter((m,), Run([0], "i", INNER), sizes={n: 3, m: 4}).broadcast_element(x, ["x0"], (m,))


def test_alias_scopes_end_before_the_last():
    assert [scope(s) for s in (0, 62, 63, 200)] == [0, 62, -1, -1]


def test_common_elements_are_computed_once():
    call, = kernels(lambda x: (ew.exp(x) + 1) * ew.exp(x), np.ones((3, 4), "f4"))
    assert call.source.count(" exp(") == 1 and call.source.count("load_f32(p") == 1


def test_what_does_not_vary_in_the_loop_is_outside_it():
    call, = kernels(lambda x, s: x * s, np.ones((3, 4), "f4"), np.ones((3, 1), "f4"))
    lines = call.source.splitlines()
    loop = next(i for i, line in enumerate(lines) if line.lstrip().startswith("for j"))
    assert [sum("load_f32(p" in line for line in part) for part in (lines[:loop], lines[loop:])] == [1, 1]


def test_more_buffers_than_alias_scopes():
    arrays = [np.full(5, i, "f4") for i in range(70)]
    call, = kernels(lambda *xs: sum(xs[1:], xs[0]), *arrays)
    assert len(call.buffers) == 71
    call, = kernels(lambda *xs: reduction.reduce_sum(ew.square(sum(xs[1:], xs[0]))), *arrays)
    assert len(call.buffers) == 71
