"""`gradients`: which paths it follows, how it adds up, and what it refuses. (Each op's own gradient: compiler/ops.)"""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.dtypes import float32, float64, int32
from graphflow.compiler.errors import ShapeError
from graphflow.compiler.ir import Graph
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.gather import gather
from graphflow.compiler.ops.reduction import argmax, reduce_mean, reduce_sum
from graphflow.compiler.ops.slicing import concat
from graphflow.compiler.ops.state import assign, placeholder, read_variable, variable_handle
from graphflow.compiler.ops.view import broadcast_to, identity, reshape, shape, stop_gradient
from graphflow.compiler.verify import verify
from graphflow.runtime.interpreter import interpret


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def run(tensors, feeds, variables=None):
    graph = tensors[0].graph
    verify(graph)
    graph.outputs = tuple(tensors)
    return interpret(graph, feeds, variables)


def value_of(tensor, feeds):
    return run([tensor], feeds)[0]


def test_contributions_add_up():
    x = placeholder(float32, [2])
    y = x * x + ew.exp(x) * 3.0 + identity(x)
    g, = gradients(y, x)
    at = np.array([0.5, -1], np.float32)
    np.testing.assert_allclose(value_of(g, {x: at}), 2 * at + 3 * np.exp(at) + 1, rtol=1e-5)


def test_several_ys_add_up_and_are_weighted():
    x = placeholder(float32, [2])
    g, = gradients([x * x, 3.0 * x], [x], grad_ys=[np.array([1.0, 10.0]), None])
    np.testing.assert_allclose(value_of(g, {x: np.array([1.0, 2.0])}), [5, 43])


def test_the_same_y_twice_counts_twice():
    x = placeholder(float32, [])
    y = x * x
    assert value_of(gradients([y, y], x)[0], {x: 3.0}) == 12


def test_an_x_that_is_the_y():
    x = placeholder(float32, [2])
    np.testing.assert_array_equal(value_of(gradients(x, x)[0], {x: np.zeros(2)}), [1, 1])


def test_an_x_inside_the_graph():
    x = placeholder(float32, [])
    middle = x * x
    y = middle * middle
    with_middle = gradients(y, [middle, x])
    assert [v.item() for v in run(with_middle, {x: 3.0})] == [18, 108]


@pytest.mark.parametrize("build", [
    lambda x: placeholder(float32, []) * 2.0,
    lambda x: stop_gradient(x) * 2.0,
    lambda x: ew.cast(ew.cast(x, int32), float32),
    lambda x: ew.floor(x),
    lambda x: ew.cast(x > 0.0, float32),
    lambda x: ew.cast(shape(x)[0], float32),
    lambda x: ew.cast(argmax(x), float32),
    lambda x: broadcast_to(1.0, shape(x)),
], ids=["unrelated", "stopped", "integer", "floor", "comparison", "shape", "argmax", "shape operand"])
def test_none_where_nothing_flows(build):
    x = placeholder(float32, [3])
    assert gradients(build(x), [x]) == [None]


def test_stop_gradients():
    x, w = placeholder(float32, []), placeholder(float32, [])
    h = x * w
    y = h * w
    assert [g is None for g in gradients(y, [x, w, h], stop_gradients=[h])] == [True, False, False]
    found = gradients(y, [w, h], stop_gradients=[h])
    assert [v.item() for v in run(found, {x: 2.0, w: 5.0})] == [10, 5]


def test_stop_gradients_may_name_an_x():
    a = placeholder(float32, [])
    b = 2.0 * a
    partial = gradients(a + b, [a, b], stop_gradients=[a, b])
    total = gradients(a + b, [a, b])
    assert [v.item() for v in run([*partial, *total], {a: 1.0})] == [1, 1, 3, 1]


def test_higher_orders():
    x = placeholder(float64, [])
    y = x ** 4.0
    for order, wanted in enumerate([32.0, 48.0, 48.0, 24.0]):
        y, = gradients(y, x)
        assert value_of(y, {x: 2.0}) == wanted, order


def test_a_hessian_vector_product():
    x, v = placeholder(float64, [3]), placeholder(float64, [3])
    y = reduce_sum(ew.sin(x) * x[0])
    g, = gradients(y, x)
    product, = gradients(reduce_sum(g * v), x)
    at, along = np.array([0.3, -0.4, 1.0]), np.array([1.0, 2.0, -1.0])
    h = np.diag(-np.sin(at) * at[0])
    h[0] += np.cos(at)
    h[:, 0] += np.cos(at)
    np.testing.assert_allclose(value_of(product, {x: at, v: along}), h @ along, rtol=1e-12)


@pytest.mark.parametrize(("left", "right"), [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((4, 1, 2), (3, 1))])
@pytest.mark.parametrize("known", [True, False])
def test_broadcasting_is_undone(left, right, known):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=left).astype(np.float32), rng.normal(size=right).astype(np.float32)
    x, y = (placeholder(float32, s if known else [None] * len(s)) for s in (left, right))
    found = gradients(x * y, [x, y])
    assert [g.dims for g in found] == [x.dims, y.dims]
    lead = a + 0 * b
    for g, v, other in zip(run(found, {x: a, y: b}), (a, b), (b, a), strict=True):
        axes = tuple(range(lead.ndim - v.ndim))
        wanted = (np.zeros_like(lead) + other).sum(axes)
        axes = tuple(i for i, d in enumerate(v.shape) if d == 1 and wanted.shape[i] != 1)
        np.testing.assert_allclose(g, wanted.sum(axes, keepdims=True), rtol=1e-5)


def test_an_unknown_rank():
    x, w = placeholder(float32, None), placeholder(float32, None)
    loss = reduce_mean(ew.tanh(x * w))
    a, b = np.array([[1.0, 2.0]], np.float32), np.array([0.5, 0.1], np.float32)
    for g, wanted in zip(run(gradients(loss, [x, w]), {x: a, w: b}),
                         [(1 - np.tanh(a * b) ** 2) * b / 2, ((1 - np.tanh(a * b) ** 2) * a / 2)[0]], strict=True):
        np.testing.assert_allclose(g, wanted, rtol=1e-5)


def test_repeated_rows_accumulate():
    table, rows = placeholder(float32, [4, 2]), placeholder(int32, [None])
    g, = gradients(gather(table, rows), table)
    np.testing.assert_array_equal(value_of(g, {table: np.zeros((4, 2)), rows: [1, 3, 1]}),
                                  [[0, 0], [2, 2], [0, 0], [1, 1]])


def test_variables():
    handle = variable_handle(dtype=float32, dims=(2,), name="v")
    read = read_variable(handle)

    class Variable:
        def _as_graph_element(self):
            return read

    x = placeholder(float32, [2])
    g, = gradients(x * read * read, Variable())
    at, stored = np.array([1.0, 2.0]), np.array([3.0, 4.0], np.float32)
    np.testing.assert_array_equal(run([g], {x: at}, {"v": stored})[0], 2 * at * stored)
    assert gradients(assign(handle, x), x) == [None]


def test_unused_outputs_have_no_gradient():
    x = placeholder(float32, [4])
    first, last = x[:2], x[2:]
    used = concat([first, first], 0)
    g, = gradients(used, x)
    assert gradients(used, last) == [None]
    np.testing.assert_array_equal(value_of(g, {x: np.zeros(4)}), [2, 2, 0, 0])


def test_what_it_adds_is_named_and_ordered(graph):
    x = placeholder(float32, [2])
    y = ew.tanh(x, name="scope/act")
    with graph.control_dependencies([y]):
        gradients(y, x)
    added = graph.operations[2:]
    assert added and all(op.name.startswith("gradients/") for op in added)
    assert any(op.name.startswith("gradients/scope/act_grad/") for op in added)  # K-FAC finds the op by it
    assert y.op.op_def.name == "Tanh"
    gradients(y, x, name="again")
    assert graph.operations[-1].name.startswith("again/")


def test_only_the_path_is_differentiated(graph):
    x, w = placeholder(float32, [2, 2]), placeholder(float32, [2, 2])
    y = matmul(x, w)
    before = len(graph.operations)
    gradients(y, x)
    assert sum(op.type == "MatMul" for op in graph.operations[before:]) == 2  # the rule gives both; none beyond it


def test_no_ys():
    assert gradients([], [placeholder(float32)]) == [None]


def test_ys_must_be_floats():
    x = placeholder(int32, [2])
    with pytest.raises(TypeError, match="ys must be floats"):
        gradients(x, x)
    with pytest.raises(TypeError, match="expected tensors or variables, received float"):
        gradients(1.0, x)


def test_an_op_without_a_gradient():
    x = placeholder(float32, [2])
    index = ew.mod(x, 2.0)
    index.op.definition = type(index.op.definition)(
        "NoGradientOp", "elementwise", index.op.definition.infer, reference=np.mod)
    try:
        with pytest.raises(LookupError, match="No gradient defined for operation 'FloorMod'.*NoGradientOp"):
            gradients(index, x)
    finally:
        from graphflow.compiler.opdef import REGISTRY
        del REGISTRY["NoGradientOp"]


def test_grad_ys_must_fit():
    x = placeholder(float32, [2, 3])
    assert gradients(x, x, grad_ys=np.zeros((1, 2, 3)))[0].shape == (2, 3)  # a list of one gradient
    with pytest.raises(ShapeError, match=r"grad_ys has shape \(3, 2\)"):
        gradients(x, x, grad_ys=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="2 grad_ys for 1 ys"):
        gradients(x, x, grad_ys=[None, None])
    with pytest.raises(TypeError, match="dtype float32"):
        gradients(x, x, grad_ys=placeholder(float64, [2, 3]))


def test_grad_ys_of_unknown_size_take_the_shape_of_y():
    x, weights = placeholder(float32, [None, 2]), placeholder(float32, [None, 2])
    g, = gradients(ew.tanh(reshape(x, [-1, 2])), x, grad_ys=weights)
    assert g.dims == x.dims
    np.testing.assert_array_equal(value_of(g, {x: np.zeros((3, 2)), weights: np.ones((3, 2))}), np.ones((3, 2)))


def test_an_op_takes_the_gradient_of_another_type():
    graph = Graph()
    with graph.as_default():
        x = placeholder(float32, [2])
        with graph.gradient_override_map({"Sign": "Identity", "Mul": "Add"}):
            y = ew.sign(x) * 3.0
        np.testing.assert_array_equal(value_of(gradients(y, x)[0], {x: np.ones(2)}), [1, 1])
        with graph.gradient_override_map({"Sign": "Nothing"}):
            y = ew.sign(x)
        with pytest.raises(LookupError, match="'Nothing'"):
            gradients(y, x)
