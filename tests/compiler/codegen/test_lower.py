"""Lowering: which kernel calls ops become, for the sizes at hand."""
from __future__ import annotations

import re

import numpy as np
import pytest
from compiled import Function, compiled, kernels
from graphflow.compiler.codegen.kernel import KernelCall
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import reduction, state, view
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.window import conv2d
from graphflow.runtime.plan import HostCall

X = np.ones((6, 5), "f4")


def test_a_kernel_serves_every_size():
    sources = {kernels(lambda x: ew.tanh(x) * 2, np.ones(s, "f4"))[0].source for s in [(3, 4), (50, 70), (2, 9)]}
    assert len(sources) == 1


def test_a_kernel_serves_every_number_in_its_constants():
    sources = {kernels(lambda x, c=c: x * np.float32(c), X)[0].source for c in (0.125, 0.3, 17.5)}
    assert len(sources) == 1


def test_kernels_are_titled_by_their_ops_and_named_by_the_users():
    call, = kernels(lambda x: view.identity(ew.tanh(x) * 2, name="activation"), X)
    assert call.source.startswith('"""Tanh Mul"""')
    assert isinstance(call, KernelCall) and call.name


@pytest.mark.parametrize("dtype", ["i4", "i8", "f4", "f8"])
def test_products_are_native(dtype):
    a, b = np.arange(12).reshape(3, 4).astype(dtype), np.arange(20).reshape(4, 5).astype(dtype)
    assert not any(isinstance(call, HostCall) for call in kernels(matmul, a, b))
    np.testing.assert_array_equal(compiled(matmul, a, b), a @ b)


@pytest.mark.parametrize("shape_a, shape_b", [((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)), ((1, 3, 4), (2, 4, 5)),
                                              ((2, 1, 3, 4), (3, 4, 5)), ((0, 3, 4), (4, 5)), ((2, 3, 0), (2, 0, 5))])
def test_batches_of_products_broadcast(shape_a, shape_b):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(shape_a), rng.standard_normal(shape_b)
    np.testing.assert_allclose(compiled(lambda x, y: ew.relu(matmul(x, y) + 1), a, b), np.maximum(a @ b + 1, 0),
                               atol=1e-12)


@pytest.mark.parametrize("rows, inner, columns", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1)])
def test_products_with_empty_sides_and_an_epilogue(rows, inner, columns):
    a, b, bias = np.ones((rows, inner), "f4"), np.ones((inner, columns), "f4"), np.arange(columns, dtype="f4")
    np.testing.assert_array_equal(compiled(lambda x, y, z: ew.relu(matmul(x, y) + z), a, b, bias),
                                  np.maximum(a @ b + bias, 0))


def test_the_raw_product_can_be_fetched_beside_its_activation():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((7, 5)), rng.standard_normal((5, 6))

    def build(x, y):
        product = matmul(x, y)
        return [product, ew.relu(product), product * product]

    for value, want in zip(compiled(build, a, b), [a @ b, np.maximum(a @ b, 0), (a @ b) ** 2], strict=True):
        np.testing.assert_allclose(value, want, atol=1e-12)


def test_a_convolution_fetches_the_residual_that_is_added_to_it():
    x, w, bias = np.ones((1, 40, 40, 16), "f4"), np.ones((1, 1, 16, 32), "f4"), np.ones(32, "f4")
    residual = np.ones((1, 40, 40, 32), "f4")
    *_, call = kernels(lambda *t: ew.relu(conv2d(t[0], t[1]) + t[2] + t[3]), x, w, bias, residual, known=True)
    shapes = {slot: t.shape for slot, t in enumerate(call.buffers) if hasattr(t, "shape")}
    fetched = {int(slot) for name, slot in re.findall(r"(e_p\d+) = word\(buffers, (\d+)\)", call.source)
               if f"fetch_lines({name} + " in call.source}
    assert [tuple(shapes[slot]) for slot in fetched] == [residual.shape]


def test_nothing_runs_for_what_is_empty():
    assert kernels(lambda x: ew.tanh(x) * 2, np.ones((0, 5), "f4")) == []


def test_calls_say_what_they_move():
    call, = kernels(lambda x: ew.tanh(x) * 2, X)
    assert call.nbytes == 2 * X.nbytes and call.flops > X.size and call.tasks > 0
    assert [call.buffers[i].dims is not None for i in call.writes] == [True]


def test_reshapes_and_reads_cost_nothing():
    assert kernels(lambda x: view.reshape(view.identity(x), [-1]), X) == []


def test_an_assignment_in_place_writes_the_variable_alone():
    def build(x):
        handle = state.variable_handle(dtype=x.dtype, dims=X.shape, name="v")
        return state.assign(handle, state.read_variable(handle) + x)

    function = Function(build, "f4", shapes=[X.shape])
    function.session.store.set(function.graph.get_operation_by_name("v"), X)
    runner = function.session.runner(function.fetches, function.inputs)
    binding = runner.frame((X.shape,)).binding
    assert [len(step.call.buffers) for step in binding.steps] == [2] and binding.arena_bytes == 0
    np.testing.assert_array_equal(function(X), 2 * X)


def test_a_reduction_of_one_axis_of_one_needs_no_kernel():
    assert kernels(lambda x: reduction.reduce_sum(x, 1), np.ones((5, 1), "f4"), known=True) == []
