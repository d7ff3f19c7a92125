"""The passes that replace ops by others: what they make of small graphs, and what they must leave alone."""
from __future__ import annotations

import numpy as np
import pytest
from built import Program, assert_equal, kinds, structure
from graphflow.compiler import dims as dm
from graphflow.compiler.errors import InvalidArgumentError, UnimplementedError
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import nn, reduction, slicing, view
from graphflow.compiler.ops import random as rnd
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.sorting import top_k
from graphflow.compiler.passes.specialise import shape_pattern, specialise

X = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
CUBE = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 9


def before_fusion(build, *arrays, unknown=False):
    """The one fetch just before fusion, as nested tuples."""
    return structure(Program(build, *(arrays or (X,)), unknown=unknown).after("order").outputs[0])


# constant folding


def test_constants_are_computed_once_and_for_all():
    assert before_fusion(lambda x: x * (constant(2.0) + ew.sqrt(constant(9.0)))) == ("Mul", "in0", 5.0)
    assert before_fusion(lambda x: reduction.reduce_sum(constant(X), 0)) == X.sum(0).tolist()


def test_large_constants_are_not_made():
    program = Program(lambda x: view.broadcast_to(constant(1.0), [300, 300]) + x[0, 0], X)
    assert all(op.type != "Const" or op.attrs["value"].size == 1 for op in program.after("order").operations)
    program.check()


def test_what_is_random_or_has_effects_is_not_folded():
    program = Program(lambda: rnd.random_uniform([4], seed=1))
    assert kinds(program.after("order")) == ["RandomUniform"]


def test_folding_keeps_types_and_warnings_away():
    with np.errstate(all="raise"):
        value = Program(lambda: constant(np.float32(1)) / constant(np.float32(0))).after("order").outputs[0]
    assert value.op.attrs["value"] == np.inf and value.dtype.name == "float32"


# algebra


@pytest.mark.parametrize("build", [
    lambda x: x + 0, lambda x: 0 + x, lambda x: x - 0, lambda x: x * 1, lambda x: 1 * x, lambda x: x / 1,
    lambda x: ew.power(x, 1), lambda x: ew.negative(ew.negative(x)),
    lambda x: view.identity(x), lambda x: view.stop_gradient(x), lambda x: view.transpose(view.transpose(x)),
    lambda x: view.reshape(view.reshape(x, [12]), [3, 4]),
    lambda x: ew.where(x > 0, x, x), lambda x: x + np.zeros(4, "f4"), lambda x: view.expand_dims(x, 0)[0],
    lambda x: view.transpose(view.transpose(view.transpose(x, [1, 0]), [0, 1])),
])
def test_what_changes_nothing_goes_away(build):
    result = before_fusion(build)
    assert result == "in0" or result[0] in ("Reshape", "StridedSlice") and "expand" not in str(result)
    Program(build, X).check()


@pytest.mark.parametrize("build, count", [
    (lambda x: x * 0, 1), (lambda x: x - x, 1), (lambda x: ew.exp(ew.log(x)), 2), (lambda x: x / x, 1),
    (lambda x: 0 - x, 1), (lambda x: x + np.zeros((2, 3, 4), "f4"), 1), (lambda x: x[:1] * np.ones((3, 4), "f4"), 2),
])
def test_what_changes_nan_infinities_or_shapes_stays(build, count):
    special = X.copy()
    special[0, :3] = np.nan, np.inf, -np.inf
    program = Program(build, special)
    assert len(kinds(program.after("order"))) == count
    program.check()


def test_products_take_transposes_as_flags():
    def build(x):
        return matmul(view.transpose(x), view.transpose(view.transpose(x)))

    assert before_fusion(build) == ("MatMul", {"transpose_a": True, "transpose_b": False}, "in0", "in0")
    Program(build, X).check()


def test_division_by_powers_of_two_is_multiplication():
    assert before_fusion(lambda x: x / 8) == ("Mul", "in0", 0.125)
    powers = np.array([0.25, -2.0, 2.0 ** 13, 2.0 ** -13], "f4")
    assert before_fusion(lambda x: x / powers)[0] == "Mul"
    Program(lambda x: x / powers, X * np.float32(1e-38)).check()
    for others in (3.0, [1.0, 2.0, 0.0, 4.0], 2.0 ** 15, np.inf):
        assert before_fusion(lambda x, others=others: x / constant(others, "float32"))[0] == "RealDiv"


def test_quotients_of_two_types_by_the_same_number_keep_their_types():
    program = Program(lambda x, y: [x / 4.0, y / 4.0], X, X.astype(np.float64))
    assert [t.dtype.name for t in program.after("order").outputs] == ["float32", "float64"]



def test_a_transpose_and_its_inverse_meet_through_what_is_elementwise():
    def build(x, y, z):
        turned = view.transpose(x, (2, 0, 1)) + ew.exp(view.transpose(y, (2, 0, 1))) * 2.0
        return [view.transpose(turned, (1, 2, 0)) + z, turned[0]]

    program = Program(build, CUBE, CUBE / 2, 3 * CUBE)
    assert kinds(program.after("order")).count("Transpose") == 2
    program.check()


@pytest.mark.parametrize("build", [
    lambda x, row: view.transpose(view.transpose(x, (2, 0, 1)) * 2.0, (2, 0, 1)),
    lambda x, row: view.transpose(view.transpose(x, (2, 0, 1)) + row, (1, 2, 0))])
def test_transposes_that_are_not_undone_stay(build):
    program = Program(build, CUBE, CUBE[0, :, 0])
    assert "Transpose" in kinds(program.after("order"))
    program.check()


def test_what_is_reduced_of_a_transpose_is_reduced_first_unless_its_rows_lie_apart():
    for axes, found in ((2, ["Sum"]), ((0, 2), ["Sum"]), ((0, 1), ["Transpose", "Sum"]), (None, ["Sum"]), ((), [])):
        program = Program(lambda x, axes=axes: reduction.reduce_sum(view.transpose(x, (0, 2, 1, 3)), axes),
                          np.stack([CUBE, -CUBE / 3]))
        left = kinds(program.after("order"))
        assert [kind for kind in left if kind == "Sum" or axes and kind == "Transpose"] == found
        program.check()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape, axes, found", [
    ((2, 3, 17), (0, 2), [(2,), (0,)]), ((4, 3, 2), (0, 2), [(0,), (2,)]), ((4, 6, 1), (0, 2), [(0,)]),
    ((4, 1, 3), (0, 1, 2), [(0, 1, 2)]), ((2, 3, 2, 2), (0, 2), [(2,), (0,)]),
    ((1, 2, 3, 4), (0, 1, 3), [(1,), (3,)]), ((2, 2, 300), (0, 2), [(0, 2)])])
def test_axes_that_lie_apart_are_reduced_one_after_another(shape, axes, found, keepdims):
    x = np.linspace(-3, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    program = Program(lambda x: reduction.reduce_max(x, axes, keepdims), x)
    assert [op.attrs["axis"] for op in program.after("order").operations if op.type == "Max"] == found
    program.check()


def test_squares_are_products():
    assert before_fusion(lambda x: ew.power(x, 2))[0] in ("Square", "Mul")


def test_broadcasts_are_read_at_their_source():
    assert before_fusion(lambda x, y: x + view.broadcast_to(y, [3, 4]), X, X[0]) == ("AddV2", "in0", "in1")


def test_sums_that_differ_only_in_kept_axes_are_one():
    def build(x):
        return x / reduction.reduce_sum(x, 1, True) + view.expand_dims(reduction.reduce_sum(x, 1), 1)

    assert kinds(Program(build, X).after("order")).count("Sum") == 1


# stability


def test_what_scales_one_of_an_operations_results_has_several_users():
    def build(x):
        y = top_k(x, 3)[0] * 1.7
        return reduction.reduce_sum(ew.tanh(y) + y * y, 1)

    Program(build, X).check()


def test_logarithms_of_softmax_and_sigmoid_do_not_overflow():
    big = np.array([[1000.0, 0.0, -1000.0]], np.float32)
    value = Program(lambda x: ew.log(nn.softmax(x)), big).run()[0][0]
    assert_equal(value, np.array([[0, -1000, -2000]], np.float32))
    value = Program(lambda x: ew.log(ew.sigmoid(x)), big).run()[0][0]
    assert_equal(value, np.array([[0, -np.log(2), -1000]], np.float32))


def test_small_numbers_keep_their_digits():
    small = np.array([1e-7, -1e-8, 1e-20], np.float64)
    log, exp = Program(lambda x: [ew.log(1 + x), ew.exp(x) - 1], small).run()[0]
    assert_equal(log, np.log1p(small), 1e-14)
    assert_equal(exp, np.expm1(small), 1e-14)


# common subexpressions


def test_equal_expressions_are_computed_once():
    ops = kinds(Program(lambda x: ew.tanh(x) * 2 + ew.tanh(x) * 2, X).after("order"))
    assert ops == ["Tanh", "Mul", "AddV2"]


def test_expressions_that_differ_are_not():
    def build(x):
        return [reduction.reduce_sum(x, 0), reduction.reduce_sum(x, 1), ew.cast(x, "int32"), ew.cast(x, "int64"),
                rnd.random_uniform([4]) + rnd.random_uniform([4]), x + np.zeros((1, 3, 4), "f4")]

    program = Program(build, X)
    assert kinds(program.after("order")).count("RandomUniform") == 2
    assert len({id(t) for t in program.after("order").outputs}) == 6


def test_constants_are_equal_when_their_bits_are():
    def build(x):
        return [x + constant(0.5), x + constant(0.5), x + constant(-0.0), x + constant(np.arange(4, dtype="f4"))]

    outputs = Program(build, X).after("order").outputs
    assert outputs[0] is outputs[1] and len({id(t) for t in outputs}) == 3


# composites, shapes, dead code


def test_no_composite_is_left():
    program = Program(lambda x: nn.log_softmax(nn.softmax(x)) + reduction.reduce_logsumexp(x), X)
    assert not {"Softmax", "LogSoftmax", "LogSumExp"} & set(kinds(program.after("expand")))
    program.check()


def test_shape_operands_end_and_sizes_are_bound_when_fed():
    def build(x):
        size = view.shape(x)
        return [view.reshape(x, [size[1], size[0]]), view.fill(size, 2.0) * x, ew.cast(size[0] * size[1], "float32")]

    program = Program(build, X, unknown=True)
    assert "Shape" in kinds(program.specialised()) and "Shape" not in kinds(program.after("resolve"))
    program.check()


def test_shapes_that_depend_on_data_are_refused_with_the_line():
    with pytest.raises(UnimplementedError, match="test_rewrites.py"):
        Program(lambda x, n: view.reshape(x, n), X, np.array([4, 3], np.int32)).stages()


def test_only_what_is_needed_stays():
    def build(x):
        ew.tanh(x)
        return matmul(x, view.transpose(x))

    assert kinds(Program(build, X).after("prune")) == ["MatMul"]


# specialisation


def specialised(build, shapes, arrays):
    program = Program(build, *arrays, unknown=True)
    return specialise(program.outputs, program.targets, program.inputs, shape_pattern(program.inputs, shapes))[0]


def test_equal_sizes_share_a_symbol_and_zero_and_one_are_themselves():
    program = Program(lambda x, y: [x, y], X, X, unknown=True)
    pattern = shape_pattern(program.inputs, [(5, 1), (0, 5)])
    assert pattern == (("n0", 1), (0, "n0"))
    assert shape_pattern(program.inputs, [(7, 1), (0, 7)]) == pattern != shape_pattern(program.inputs, [(7, 1), (0, 8)])


def test_sizes_flow_through_the_graph():
    graph = specialised(lambda x, y: [x + y, slicing.concat([x, y], 0)], [(3, 4), (3, 4)], [X, X])
    total, joined = (t.dims for t in graph.outputs)
    assert total == graph.inputs[0].dims == graph.inputs[1].dims
    assert joined[0] == 2 * total[0] and isinstance(joined[1], dm.Dim)


def test_an_input_fed_in_the_middle_cuts_off_what_computed_it():
    program = Program(lambda x: ew.tanh(x) * 2, X)
    tanh = program.graph.operations[-3 if program.graph.operations[-2].type == "Const" else -2].output
    graph = specialise(program.outputs, [], [tanh], shape_pattern([tanh], [X.shape])).graph
    assert kinds(graph) == ["Mul"]


def test_unfed_placeholders_are_all_listed():
    program = Program(lambda x, y: x + y, X, X)
    with pytest.raises(InvalidArgumentError) as info:
        specialise(program.outputs, [], [], ())
    assert "'in0'" in str(info.value) and "'in1'" in str(info.value)
