"""Fusion: which kernels known programs come to, and programs in which a careless merge makes a cycle or a wrong row."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, kinds
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import nn, state, view
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.reduction import argmax, argmin, reduce_max, reduce_mean, reduce_sum
from graphflow.compiler.ops.standardize import standardize

RNG = np.random.default_rng(1)
X = RNG.standard_normal((12, 10)).astype(np.float32)
SQUARE = RNG.standard_normal((10, 10)).astype(np.float32)
LABELS = RNG.integers(0, 10, 12).astype(np.int32)


def variable(handle):
    return state.read_variable(handle)


# what must be one kernel


def losses(x, y):
    loss = nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x)
    return [loss, *gradients(reduce_mean(loss), [x])]


def test_cross_entropy_and_its_gradient_are_one_kernel_over_the_logits():
    x, labels = np.repeat(X, 16, 0), np.repeat(LABELS, 16)
    program = Program(losses, x, labels, unknown=True)
    assert sum("Exp" in ops for ops in program.fused()) == 1
    frame = program.session().runner(program.fetches, program.inputs).frame((x.shape, labels.shape))
    large = [t for t, location in frame.binding.locations.items() if location.nbytes >= x.nbytes]
    assert large == [frame.plan.graph.outputs[1]], "only the gradient has the size of the logits"
    program.check()


def test_dense_cross_entropy_and_its_gradient_are_one_kernel():
    def build(x, y):
        loss = nn.softmax_cross_entropy_with_logits(labels=y, logits=x)
        return [loss, *gradients(reduce_mean(loss), [x])]

    program = Program(build, X, np.abs(X), unknown=True)
    assert sum("Exp" in ops for ops in program.fused()) == 1
    program.check()


def test_bias_and_activation_join_the_product():
    program = Program(lambda x, b, w: ew.relu(matmul(x, w) + b), X, X[0], SQUARE)
    assert program.fused() == [["MatMul", "AddV2", "Relu"]]
    program.check()


def test_an_activation_that_reads_the_product_twice_joins_it():
    def build(x, b, w):
        h = matmul(x, w) + b
        return h * ew.sigmoid(h)

    program = Program(build, X, X[0], SQUARE)
    assert program.fused() == [["MatMul", "AddV2", "Sigmoid", "Mul"]]
    program.check()


def test_what_else_needs_the_product_leaves_its_activation_to_a_loop():
    def build(x, b, w):
        product = matmul(x, w) + b
        return [product, product * ew.sigmoid(product)]

    program = Program(build, X, X[0], SQUARE)
    assert [members[0] == "MatMul" for members in program.fused()] == [True, False]
    program.check()


@pytest.mark.parametrize("bias", [SQUARE[:2, :5], SQUARE[:1, :5], SQUARE[0, :5]])
def test_bias_and_activation_of_a_product_split_into_heads(bias):
    def build(x, w, b):
        return ew.relu(view.reshape(matmul(x, w), (3, 4, 2, 5)) + b) * 2.0

    program = Program(build, X, SQUARE, bias)
    joined = [["MatMul", "AddV2", "Relu", "Mul"]] if bias.shape == (2, 5) else [["AddV2", "Relu", "Mul"]]
    assert program.fused() == joined
    program.check()


def test_what_an_optimizer_makes_of_a_gradient_has_the_shape_of_the_weight():
    def build(x, g, v):
        gradient = view.reshape(matmul(x, g, transpose_a=True), (2, 5, 10))
        return [gradient * 0.1 + v, ew.square(gradient) * 0.1 + v]

    program = Program(build, X, X, SQUARE.reshape(2, 5, 10))
    assert sorted(program.fused()) == [["Mul", "AddV2"], ["Square", "Mul", "AddV2"]]
    program.check()


@pytest.mark.parametrize("rows", [12, 1])
@pytest.mark.parametrize("columns", [10, 1])
def test_epilogues_of_products_with_single_rows_and_columns(rows, columns):
    Program(lambda x, w: ew.relu(matmul(x, w)) * 2 + x[:, :1], X[:rows], SQUARE[:, :columns]).check()


def test_a_sum_of_many_products_waits_for_few_of_them():
    program = Program(lambda x, w: sum((matmul(x * float(i), w) for i in range(2, 12)), matmul(x, w)), X, SQUARE)
    sums = [ops.count("AddV2") for ops in program.fused() if "MatMul" in ops]
    assert sum(sums) == 10 and max(sums) <= 3
    program.check()


def test_the_gradient_of_relu_joins_the_product_that_feeds_it():
    def build(x, w1, w2):
        y = ew.relu(matmul(x, w1))
        return gradients(reduce_sum(matmul(y, w2)), [x])

    program = Program(build, X, SQUARE, SQUARE)
    assert ["MatMul", "Greater", "SelectV2"] in program.fused()
    program.check()


def adam(through_assignments):
    """One step; later parts use the new moments, or the values that their assignments pass on."""
    def build(g, w, m, v):
        m_new, v_new = variable(m) * 0.9 + g * 0.1, variable(v) * 0.999 + g * g * 0.001
        m_set, v_set = state.assign(m, m_new), state.assign(v, v_new)
        if through_assignments:
            m_new, v_new = m_set, v_set
        return state.group(m_set, v_set, state.assign(w, variable(w) - m_new * 0.01 / (ew.sqrt(v_new) + 1e-7)))
    return build


@pytest.mark.parametrize("through_assignments", [False, True])
def test_an_update_of_adam_is_one_kernel_with_three_assignments_in_place(through_assignments):
    program = Program(adam(through_assignments), X, variables={"w": X, "m": X * 0, "v": X * 0})
    fused, = program.fused()
    assert fused.count("Assign") == 3
    frame = program.session().runner(program.fetches, program.inputs).frame((X.shape,))
    assert len(frame.binding.steps) == 1 and frame.binding.arena_bytes == 0
    program.check()


def momentum(through_assignments):
    """One step, in which the gradient is used once."""
    def build(g, w, m, v):
        m_new = variable(m) * 0.9 - g * 0.1
        m_set = state.assign(m, m_new)
        return state.group(m_set, state.assign(w, variable(w) + (m_set if through_assignments else m_new)))
    return build


@pytest.mark.parametrize("m, n", [(10, 8), (300, 600)])  # the matrix unit, if there is one, takes the larger
@pytest.mark.parametrize("update, count", [(adam(False), 3), (momentum(False), 2), (momentum(True), 2)])
def test_an_update_joins_the_product_that_is_its_gradient(m, n, update, count):
    x, dy, w = (RNG.standard_normal(shape).astype(np.float32) for shape in ((64, m), (64, n), (m, n)))

    def build(x, dy, w, m, v):
        return update(matmul(x, dy, transpose_a=True), w, m, v)

    program = Program(build, x, dy, variables={"w": w, "m": w * 0, "v": w * 0})
    fused, = program.fused()
    assert fused[0] == "MatMul" and fused.count("Assign") == count
    program.check()


@pytest.mark.parametrize("read", [lambda v: v, lambda v: v * 0 + v[-1], lambda v: view.reverse(v, [0])])
def test_an_update_of_what_the_product_or_another_row_needs(read):
    def build(x, v, w):
        product = matmul(x, variable(w)) - read(variable(v))
        return state.group(state.assign(v, product * 2), state.assign(w, variable(w) + product))

    Program(build, SQUARE, variables={"v": SQUARE, "w": SQUARE}).check()


def test_layer_norm_gelu_softmax_is_at_most_two_kernels():
    def build(x, scale, offset):
        mean = reduce_mean(x, 1, keepdims=True)
        variance = reduce_mean(ew.square(x - mean), 1, keepdims=True)
        h = (x - mean) * ew.rsqrt(variance + 1e-5) * scale + offset
        h = 0.5 * h * (1 + ew.tanh(0.7978845608 * (h + 0.044715 * h * h * h)))
        return nn.softmax(h)

    program = Program(build, X, X[0], X[1], unknown=True)
    assert len(program.fused()) <= 2
    program.check()


def test_statistics_of_batch_normalization():
    def build(x, mean, variance):
        m = reduce_mean(x, 0)
        v = reduce_mean(ew.square(x - m), 0)
        updates = [state.assign(mean, variable(mean) * 0.9 + m * 0.1).op,
                   state.assign(variance, variable(variance) * 0.9 + v * 0.1).op]
        return [(x - m) * ew.rsqrt(v + 1e-3), *updates]

    program = Program(build, X, variables={"mean": X[0], "variance": np.abs(X[1])})
    assert len(program.fused()) <= 5
    program.check()


def test_training_with_batch_normalization_keeps_no_copy_of_the_batch():
    """Two passes for the statistics, one for y, two for the gradient; only y and the gradient are written."""
    def build(x, scale, dy):
        y = standardize(x, scale, axis=(0,), epsilon=0.1)
        return [y, *gradients(y, [x, scale], dy)]

    program = Program(build, X, X[0], X)
    passes = [op for op in program.after("fuse").operations if op.type == "Fused" and op.attrs["domain"] == X.shape]
    assert len(passes) == 5
    assert sum(t.dims == X.shape for op in passes for t in op.outputs) == 2
    program.check()


# where naive fusion is wrong: what a group's members read of each other


def test_columns_normalised_by_their_own_sum():
    def build(x):
        e = ew.exp(x)
        return e / reduce_sum(e, 0, keepdims=True)

    Program(build, X).check()


def test_everything_normalised_by_its_own_sum():
    def build(x):
        e = ew.exp(x)
        return e / reduce_sum(e)

    Program(build, X).check()


@pytest.mark.parametrize("position", [argmax, argmin])
def test_rows_of_a_square_that_broadcast_along_columns(position):
    """A result per row without the reduced axis has the shape of a column's operand."""
    def build(x):
        at = ew.cast(position(x, 1), "float32")
        return x + at - reduce_max(x, 1, keepdims=True)

    Program(build, SQUARE).check()
    Program(build, SQUARE, unknown=True).check()


def test_what_is_transposed_is_transposed_by_itself():
    program = Program(lambda x, y: ew.tanh(view.transpose(ew.exp(x) * 2.0)) + y, X, X.T.copy())
    assert program.fused() == [["Exp", "Mul"], ["Transpose"], ["Tanh", "AddV2"]]
    program.check()


def test_the_gradient_of_a_matrix_that_a_batch_meets_is_one_product():
    def build(x, w, g, transposed):
        y = matmul(x, w, transpose_b=transposed)
        return gradients(y, [x, w], g)

    x, g = (RNG.standard_normal((2, 3, 4, n)).astype(np.float32) for n in (5, 6))
    for transposed in (False, True):
        w = RNG.standard_normal((6, 5) if transposed else (5, 6)).astype(np.float32)
        program = Program(lambda *inputs, t=transposed: build(*inputs, t), x, w, g, unknown=True)
        assert sorted(kinds(program.after("prune"))) == ["MatMul", "MatMul", "Reshape", "Reshape"]
        program.check()


def test_rows_of_a_square_through_elementwise_ops():
    def build(x, b):
        row = ew.tanh(reduce_sum(x, 1)) * b
        return [x * row - reduce_max(x, 1, keepdims=True), row]

    Program(build, SQUARE, SQUARE[0]).check()


def test_a_kept_row_read_backwards():
    def build(x):
        e = ew.exp(x)
        return [(e + view.reverse(e, [1])) / reduce_sum(e, 1, keepdims=True), e]

    Program(build, X).check()


def test_a_column_sum_and_a_row_sum_of_one_value():
    def build(x):
        e = ew.exp(x)
        rows, columns = reduce_sum(e, 1, keepdims=True), reduce_sum(e, 0, keepdims=True)
        return [e / rows, e / columns, e / reduce_sum(e)]

    Program(build, X).check()
    Program(build, SQUARE).check()


# where naive fusion makes a cycle


def test_a_diamond_through_a_product():
    def build(x, w):
        a = ew.tanh(x)
        return a + ew.sigmoid(matmul(a, w)) * a

    program = Program(build, X, SQUARE)
    assert len(program.fused()) == 2
    program.check()


def test_two_groups_that_need_parts_of_each_other():
    def build(x, y, w):
        a, b = ew.exp(x), ew.exp(y)
        left, right = matmul(a, w), matmul(b, w)
        return [a * right + b, b * left + a]

    Program(build, X, X * 0.5, SQUARE).check()


def test_an_old_value_beside_the_new_one():
    def build(v):
        old = variable(v) * 2
        return old + state.assign(v, variable(v) + 1)

    Program(build, variables={"v": X}).check()


def test_a_product_with_the_old_value_beside_the_new_one():
    def build(x, v):
        product = matmul(x, variable(v))
        return product + state.assign(v, variable(v) * 2)

    Program(build, SQUARE, variables={"v": SQUARE}).check()


def test_an_assigned_value_that_was_read_at_other_indices():
    def build(v):
        backwards = view.reverse(variable(v), [0])
        return state.assign(v, backwards) + backwards * 3

    Program(build, variables={"v": X}).check()


def test_a_product_before_an_assignment_before_its_bias():
    def build(x, v):
        product = matmul(x, x)
        graph = x.graph
        with graph.control_dependencies([product]):
            changed = state.assign(v, variable(v) * 3)
        with graph.control_dependencies([changed]):
            after = state.read_variable(v)
        return product + after

    Program(build, SQUARE, variables={"v": SQUARE}).check()


def test_a_bias_assigned_from_the_product_it_is_added_to():
    def build(x, v):
        product = matmul(x, x)
        return ew.relu(product + state.assign(v, variable(v) + reduce_sum(product, 0)))

    Program(build, SQUARE, variables={"v": SQUARE[0]}).check()


def test_control_edges_between_members():
    def build(x):
        first = ew.exp(x)
        with x.graph.control_dependencies([first]):
            second = ew.log(ew.abs_(x) + 1)
        with x.graph.control_dependencies([reduce_sum(second, 0)]):
            third = ew.tanh(x)
        return [first + third, second]

    Program(build, X).check()


def test_column_reductions_of_which_two_may_merge_and_a_third_may_not():
    def build(x):
        y = ew.tanh(x)
        e = ew.exp(y - reduce_max(y, 0, keepdims=True))
        return [reduce_mean(y, 0), e / reduce_sum(e, 0, keepdims=True)]

    Program(build, X).check()


def test_a_chain_of_a_thousand_ops_is_cut_into_kernels():
    def build(x):
        y = x
        for _ in range(500):
            y = ew.sin(y) + x
        return y

    program = Program(build, X[0])
    assert max(map(len, program.fused())) <= 100
    program.check()
