"""Loops over time as one op: which loops become one, what leaves their bodies, and that the numbers stay."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.codegen import recurrence
from graphflow.compiler.native.processor import GENERIC
from graphflow.compiler.opdef import CONTROL
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import reduction, slicing, view
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.passes import loop_products

from graphflow.control_flow import TensorArray, while_loop
from graphflow.keras.layers.linear import dense

random = np.random.RandomState(0)


def arrays(*shapes, dtype=np.float32):
    return [random.uniform(-1, 1, shape).astype(dtype) for shape in shapes]


def recurrent(x, w, count=None, backwards=False, cell=lambda x, h, w: ew.tanh(x + matmul(h, w))):
    """(all states [time, batch, units], the last one) of a loop over x [time, batch, units]."""
    x = view.reverse(x, 0) if backwards else x
    steps, units = x.dims[0], w.dims[0]
    first = view.zeros((x.dims[1], units), x.dtype)
    states = TensorArray(x.dtype, size=view.dim_scalar(steps), element_shape=first.shape)
    limit = view.dim_scalar(steps) if count is None else count
    _, states, last = while_loop(
        lambda t, *_: t < limit, lambda t, out, h: (t + 1, out.write(t, h), cell(x[t], h, w)),
        (constant(0), states, first), maximum_iterations=view.dim_scalar(steps))
    return states.stack(), last


def with_gradients(loop):
    def build(*inputs):
        outputs = loop(*inputs)
        loss = sum(reduction.reduce_sum(y * y) for y in outputs)
        return [*outputs, *gradients([loss], list(inputs[:2]))]
    return build


def of_type(graph, *types):
    return [op for op in graph.operations if op.type in types]


@pytest.mark.parametrize("batch, units, unknown, dtype", [
    (7, 17, True, "f4"), (1, 3, False, "f4"), (1, 300, False, "f4"), (9, 65, True, "f4"), (5, 33, True, "f8")])
def test_a_loop_and_its_gradient_are_an_op_each(batch, units, unknown, dtype):
    x, w = arrays((4, batch, units), (units, units), dtype=dtype)
    program = Program(with_gradients(recurrent), x, w, unknown=unknown)
    graph = program.after("recur")
    forward, backward = of_type(graph, "Recurrence")
    assert not [op for op in graph.operations if op.definition.family == CONTROL]
    assert backward.attrs["reverse"] and not forward.attrs["reverse"]
    # the weight's gradient is one product after the loop, whose rows the loops stacked
    product, = of_type(graph, "MatMul")
    assert product.attrs["transpose_a"] and [t.dims[0] == product.inputs[0].dims[0] for t in product.inputs]
    program.check()


@pytest.mark.parametrize("batch", [1, 3])
def test_the_gradient_of_a_bias_leaves_the_loop(batch):
    x, b, w = arrays((4, batch, 5), (5,), (5, 5))
    program = Program(with_gradients(lambda x, b, w: recurrent(
        x, w, cell=lambda x, h, w: ew.tanh(x + matmul(h, w) + b))), x, b, w)
    graph = program.after("recur")
    assert len(of_type(graph, "Recurrence")) == 2
    assert not [op for op in graph.operations if op.definition.family == CONTROL]
    program.check()


def test_a_loop_over_reversed_rows_goes_from_their_end():
    x, w = arrays((4, 3, 5), (5, 5))

    def build(x, w):
        states, last = recurrent(x, w, backwards=True)
        return view.reverse(states, 0), last
    program = Program(with_gradients(build), x, w)
    assert of_type(program.after("order"), "ReverseV2") == []
    assert [op.attrs["reverse"] for op in of_type(program.after("recur"), "Recurrence")] == [True, False]
    program.check()


def test_rows_of_steps_that_are_not_made_are_zero():
    x, w, count = *arrays((6, 3, 4), (4, 4)), np.int32(4)
    program = Program(with_gradients(recurrent), x, w, count)
    assert len(of_type(program.after("recur"), "Recurrence")) == 2
    program.check()
    for short in (0, 6):
        Program(with_gradients(recurrent), x, w, np.int32(short)).check()


def averaged(x, factor):
    """All states [time, n], and the last, of a loop whose state has no batch."""
    states = TensorArray(x.dtype, size=view.dim_scalar(x.dims[0]), element_shape=x.dims[1:])
    _, states, last = while_loop(
        lambda t, *_: t < view.dim_scalar(x.dims[0]),
        lambda t, out, h: (t + 1, out.write(t, new := ew.tanh(h * factor + x[t])), new),
        (constant(0), states, view.zeros(x.dims[1:], x.dtype)), maximum_iterations=view.dim_scalar(x.dims[0]))
    return states.stack(), last


@pytest.mark.parametrize("n", [1, 3, 33])
def test_elements_of_a_state_without_a_batch_are_rows(n):
    program = Program(with_gradients(averaged), *arrays((6, n), (n,)))
    assert len(of_type(program.after("recur"), "Recurrence")) == 2
    program.check()


def test_a_number_is_no_row():
    program = Program(lambda x, factor: averaged(x, factor)[0], *arrays((6,), ()))
    assert of_type(program.after("recur"), "Recurrence") == []
    program.check()


def gated(x, h, w):
    """Products one after the other, a joined operand, masked rows, an operand that is the same in each step."""
    update = ew.sigmoid(matmul(slicing.concat([x, h], 1), slicing.concat([w, w], 0)))
    new = ew.tanh(matmul(update * h, view.transpose(w)) + x)
    return ew.where(x[:, :1] > 0, update * h + (1 - update) * new, h)


def test_stages_of_products():
    program = Program(with_gradients(lambda x, w: recurrent(x, w, cell=gated)), *arrays((3, 5, 6), (6, 6)))
    assert len(of_type(program.after("recur"), "Recurrence")) == 2
    program.check()


def joined(x, h, w):
    return ew.tanh(matmul(slicing.concat([x, h], 1), slicing.concat([w, w * 2], 0)))


def test_a_sequence_meets_a_matrix_for_all_steps_at_once():
    program = Program(with_gradients(lambda x, w: recurrent(x, w, cell=joined)), *arrays((3, 5, 6), (6, 6)))
    graph = program.after("order")
    for loop in of_type(graph, "Recurrence"):  # what is left is the state's part
        product, = of_type(loop.attrs["body"], "MatMul")
        assert product.inputs[1].dims == (6, 6)
    assert sorted(op.inputs[0].dims for op in of_type(graph, "MatMul")) == [(15, 6), (15, 6), (15, 12)]
    program.check()


def projected(x, w, backwards=False):
    """The loop over x w and a bias."""
    states, last = recurrent(dense(x, w, w[0]), w, backwards=backwards)
    return view.reverse(states, 0) if backwards else states, last


@pytest.mark.parametrize("kept", [0, 1 << 21])
@pytest.mark.parametrize("batch, backwards, unknown, dtype", [
    (9, False, True, "f4"), (17, True, False, "f4"), (1, False, False, "f4"), (8, True, True, "f8")])
def test_a_product_for_a_loop_is_part_of_its_step(monkeypatch, kept, batch, backwards, unknown, dtype):
    """Its rows are taken in the step or, where the caches keep them, before the loop."""
    monkeypatch.setattr(loop_products, "isa", lambda: GENERIC)
    monkeypatch.setattr(recurrence, "SEQUENCE_BYTES", kept)
    program = Program(with_gradients(lambda x, w: projected(x, w, backwards)),
                      *arrays((4, batch, 5), (5, 5), dtype=dtype), unknown=unknown)
    forward = of_type(program.after("recur"), "Recurrence")[0]
    assert len(of_type(forward.attrs["body"], "MatMul")) == 2 - (backwards and unknown)  # such a loop is not mirrored
    program.check()


@pytest.mark.parametrize("build", [
    lambda x, w: [*recurrent(z := dense(x, w), w), ew.tanh(z)],  # others use it
    lambda x, w: recurrent(dense(x, constant(np.eye(5, dtype=np.float32))), w),  # kernels take matrices, not constants
])
def test_products_that_stay_outside_a_step(monkeypatch, build):
    monkeypatch.setattr(loop_products, "isa", lambda: GENERIC)
    program = Program(build, *arrays((4, 3, 5), (5, 5)))
    loop, = of_type(program.after("recur"), "Recurrence")
    assert len(of_type(loop.attrs["body"], "MatMul")) == 1
    program.check()


@pytest.mark.parametrize("cell", [
    lambda x, h, w: matmul(h, w) - reduction.reduce_mean(h, 0, keepdims=True) + x,
    lambda x, h, w: matmul(w[:5, :5], h) + x,
    lambda x, h, w: matmul(view.reverse(h, 0), w) + x,
])
def test_loops_in_which_rows_meet_stay(cell):
    program = Program(with_gradients(lambda x, w: recurrent(x, w, cell=cell)), *arrays((3, 5, 6), (6, 6)))
    assert of_type(program.after("recur"), "Recurrence") == []
    program.check()


def test_the_gradient_of_a_gradients_loop_takes_its_rows_from_their_other_end():
    """Rows are popped last first, so that a loop goes the other way than the loop that pushed them."""
    x = np.array([0.5, 1.0, 2.0], np.float32)

    def build(t):
        power = while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * t), (constant(0), t))[1]
        first, = gradients(power, [t])
        second, = gradients(first, [t])
        return [first, second, *gradients(second, [t])]

    program = Program(build, x)
    assert len(of_type(program.after("recur"), "Recurrence")) >= 3
    for value, want in zip(program.run()[0], [4 * x ** 3, 12 * x ** 2, 24 * x], strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5)
