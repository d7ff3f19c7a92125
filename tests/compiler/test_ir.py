"""The graph: names, scopes, lookup, control edges, creation sites, and what a symbolic tensor refuses."""
from __future__ import annotations

import inspect
import threading

import numpy as np
import pytest
from graphflow.compiler import opdef, verify
from graphflow.compiler.dtypes import float32, int32
from graphflow.compiler.errors import DTypeError, InternalError, ShapeError
from graphflow.compiler.ir import Graph, as_operation, default_graph, reset_default_graph
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops.constant import constant
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.reduction import reduce_sum
from graphflow.compiler.ops.state import assign, group, placeholder, read_variable, variable_handle
from graphflow.compiler.ops.view import expand_dims, identity, reshape


@pytest.fixture
def graph():
    with Graph().as_default() as graph:
        yield graph


def line() -> int:
    """The line of the caller."""
    return inspect.currentframe().f_back.f_lineno


# names


def test_names_are_unique_as_tensorflows(graph):
    x, y = placeholder(float32), placeholder(float32)
    tensors = (x, y, x + y, x + y, ew.add(x, y, name="Add"), x * 2, x * 2, constant(1.0), -x, x ** 2, reduce_sum(x),
               placeholder(float32, [2])[0])
    assert [t.op.name for t in tensors] == [
        "Placeholder", "Placeholder_1", "add", "add_1", "Add_2", "mul", "mul_1", "Const", "Neg", "pow", "Sum",
        "strided_slice"]


def test_a_taken_suffix_is_skipped(graph):
    assert [constant(0.0, name=n).op.name for n in ("x", "x", "x_1", "x")] == ["x", "x_1", "x_1_1", "x_2"]
    assert graph.unique_name("x", mark_as_used=False) == graph.unique_name("x", mark_as_used=False) == "x_3"


def test_constants_made_by_ops_leave_the_users_names_alone(graph):
    x = placeholder(float32, [None, 6])
    assert (x + 1.0).op.name == "add" and reshape(x, [-1, 3]).op.name == "Reshape"
    assert constant(1.0).op.name == "Const"


def test_scopes(graph):
    with graph.name_scope("a") as scope:
        assert scope == "a/" and constant(0.0, name="b").op.name == "a/b" and graph.get_name_scope() == "a"
        with graph.name_scope("c"):
            assert constant(0.0, name="b").op.name == "a/c/b"
    with graph.name_scope("a"):
        assert constant(0.0, name="b").op.name == "a_1/b"
    with graph.name_scope("a/"):  # the first one again
        assert constant(0.0, name="b").op.name == "a/b_1"
        with graph.name_scope(""):
            assert constant(0.0, name="b").op.name == "b"
    with graph.name_scope("f") as scope:
        assert identity(constant(0.0), name=scope).op.name == "f"
    assert graph.get_name_scope() == ""


@pytest.mark.parametrize("name", ["_x", "a b", "é", "-"])
def test_names_that_are_not_valid(graph, name):
    with pytest.raises(ValueError, match="not a valid scope or op name"):
        constant(0.0, name=name)
    with pytest.raises(ValueError, match="not a valid scope name"), graph.name_scope(name):
        pass


def test_a_scope_ends_with_an_error(graph):
    with pytest.raises(KeyError), graph.name_scope("a"):
        raise KeyError
    assert constant(0.0).op.name == "Const"


def test_the_name_of_a_scope_is_taken_once(graph):
    identity(constant(0.0), name="f/")
    with pytest.raises(ValueError, match="Duplicate node name in graph: 'f'"):
        identity(constant(0.0), name="f/")


# lookup


def test_lookup(graph):
    x = placeholder(float32, name="x")
    assert graph.get_tensor_by_name("x:0") is x and graph.get_operation_by_name("x") is x.op
    assert graph.as_graph_element("x:0") is x and graph.as_graph_element("x") is x.op and graph.as_graph_element(x) is x
    assert graph.get_operations() == [x.op] and x.op.values() == (x,) and x.value_index == 0


@pytest.mark.parametrize(("name", "error", "message"), [
    ("x", ValueError, "invalid.*<op_name>:<index>"), ("y:0", KeyError, "'y', does not exist in the graph"),
    ("x:1", KeyError, "only has 1 outputs"), (3, TypeError, "names are strings"), ("x:a", ValueError, "invalid")])
def test_tensors_that_are_not_there(graph, name, error, message):
    placeholder(float32, name="x")
    with pytest.raises(error, match=message):
        graph.get_tensor_by_name(name)


def test_elements_that_are_not_there(graph):
    with pytest.raises(KeyError, match="not in the graph"):
        graph.get_operation_by_name("x")
    with pytest.raises(TypeError, match="names are strings"):
        graph.get_operation_by_name(3)
    with pytest.raises(TypeError, match="Can not convert a float"):
        graph.as_graph_element(1.0)
    with Graph().as_default():
        other = constant(0.0)
    with pytest.raises(ValueError, match="not an element of this graph"):
        graph.as_graph_element(other)
    with pytest.raises(TypeError, match="into a Tensor or Operation"):
        as_operation("x")


def test_consumers(graph):
    a, b = constant(1.0, name="a"), constant(2.0, name="b")
    c = a + b
    assert a.consumers() == [c.op] == b.consumers() and c.consumers() == []


def test_collections(graph):
    x = constant(0.0, name="scope/x")
    graph.add_to_collection("c", 1)
    graph.add_to_collection("c", x)
    graph.get_collection("c").append("a copy")
    graph.get_collection_ref("d").append("itself")
    assert graph.get_collection("c") == [1, x] and graph.get_collection("d") == ["itself"]
    assert graph.get_collection("c", scope="scope") == [x] and graph.get_collection("none") == []
    assert graph.get_all_collection_keys() == ["c", "d"]
    graph.clear_collection("c")
    assert graph.get_collection("c") == []


# which graph


def test_graphs_nest():
    outer = default_graph()
    with Graph().as_default() as graph:
        assert default_graph() is graph and constant(0.0).graph is graph
        with pytest.raises(AssertionError, match="nested"):
            reset_default_graph()
    assert default_graph() is outer


def test_each_thread_has_its_own_default_graph():
    start, found = threading.Barrier(2), {}

    def work(name):
        with Graph().as_default() as graph:
            start.wait()
            found[name] = graph, [constant(0.0) for _ in range(20)]
            start.wait()

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for graph, tensors in found.values():
        assert all(t.graph is graph for t in tensors) and len(graph.operations) == 20


def test_many_threads_may_build_one_graph():
    graph = Graph()

    def work():
        with graph.as_default():
            for _ in range(50):
                constant(0.0, name="x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({op.name for op in graph.operations}) == len(graph.operations) == 200


def test_operators_build_in_the_graph_of_their_tensors():
    with Graph().as_default() as graph:
        x = placeholder(float32, [2])
    assert (x * 2.0 + np.ones(2)).graph is graph and (3.0 - x).graph is graph


def test_tensors_of_two_graphs_do_not_mix(graph):
    x = constant(0.0)
    with Graph().as_default():
        y = constant(0.0)
    with pytest.raises(ValueError, match="must be from the same graph"):
        x + y


def test_a_finalized_graph_does_not_grow(graph):
    x = constant(0.0)
    graph.finalize()
    with pytest.raises(RuntimeError, match="finalized"):
        x + x


# control edges


def test_control_dependencies(graph):
    a, b = constant(0.0, name="a"), constant(0.0, name="b")
    with graph.control_dependencies([a]):
        with graph.control_dependencies([b.op, a]):
            inner = constant(0.0)
        with graph.control_dependencies(None):
            free = constant(0.0)
        outer = constant(0.0)
        together = group(b)
    assert inner.op.control_inputs == (a.op, b.op) and outer.op.control_inputs == (a.op,)
    assert free.op.control_inputs == () and together.control_inputs == (a.op, b.op)
    with pytest.raises(TypeError, match="into a Tensor or Operation"), graph.control_dependencies([1]):
        pass


def test_group(graph):
    a, b = constant(0.0), constant(0.0)
    assert group(a, [b.op, a]).control_inputs == (a.op, b.op) and group(name="nothing").control_inputs == ()
    with pytest.raises(TypeError, match="expects operations or tensors"):
        group(1)


# creation sites and errors


def test_ops_know_the_line_that_made_them(graph):
    x = placeholder(float32, [2, 3])
    here = line() - 1
    assert x.op.site.line == here and x.op.site.filename == __file__
    y = reduce_sum(ew.tanh(x) * 2.0)
    assert all(op.site.line == line() - 1 for op in graph.operations if op is not x.op)
    assert y.op.site.function == "test_ops_know_the_line_that_made_them"
    assert str(y.op.site) == f'File "{__file__}", line {line() - 3}, in {y.op.site.function}'


def test_errors_name_the_op_the_shapes_and_the_users_line(graph):
    x, y = placeholder(float32, [None, 3], "x"), placeholder(float32, [2, 4], "y")
    with pytest.raises(ShapeError) as caught:
        matmul(x, y)
    assert caught.value.message == ("MatMul: Dimensions must be equal, but are 3 and 2, the inner sizes of (?, 3) and "
                                    "(2, 4) (Matrix size-incompatible: In[0]: [None,3], In[1]: [2,4])")
    assert str(caught.value).endswith(f'\n  (at File "{__file__}", line {line() - 3}, in '
                                      "test_errors_name_the_op_the_shapes_and_the_users_line)")
    with pytest.raises(ShapeError, match=r"Mul: .* 3 and 4.*\(\?, 3\) and \(2, 4\) cannot be broadcast"):
        x * y
    with pytest.raises(ShapeError, match=rf"ExpandDims: axis 4 .*\n.*line {line() + 1}"):
        expand_dims(x, 4)
    with pytest.raises(DTypeError, match=r"(?s)int32 that does not match type float32.*\(at File"):
        ew.add(x, placeholder(int32))
    with pytest.raises(DTypeError, match=r"(?s)Add.*int32.*1.5.*\(at File"):
        placeholder(int32) + 1.5
    with pytest.raises(DTypeError, match="DataType bool not in list of allowed values"):
        ew.exp(constant(True))


def test_build_errors_are_the_natural_python_ones():
    assert issubclass(ShapeError, ValueError) and issubclass(DTypeError, TypeError)


def test_assignment_checks(graph):
    handle = variable_handle(dtype=float32, dims=(2, 3), name="v")
    assert read_variable(handle).dims == (2, 3)
    with pytest.raises(ShapeError, match=r"'v' has shape \(2, 3\), the value .* has \(3,\)"):
        assign(handle, constant([1.0, 2.0, 3.0]))
    with pytest.raises(DTypeError, match="'v' has dtype float32"):
        assign(handle, constant([[1, 2, 3]]))


# what a symbolic tensor is not


def test_a_tensor_has_no_truth_length_or_items(graph):
    x = placeholder(float32, [None, 2], "x")
    with pytest.raises(TypeError, match="as a Python bool is not allowed"):
        bool(x > 0)
    with pytest.raises(TypeError, match="not iterable"):
        iter(x)
    with pytest.raises(TypeError, match=r"has no len\(\)"):
        len(x)
    with pytest.raises(TypeError, match="item assignment"):
        x[0] = 1.0
    assert [t.dims for t in placeholder(float32, [3, 2])] == [(2,)] * 3


def test_a_tensor_is_itself_alone(graph):
    a, b = constant(1.0), constant(1.0)
    assert a == a and a != b and len({a, b, a}) == 2 and a in [b, a]


def test_reprs(graph):
    x = placeholder(float32, [None, 3], "x")
    assert str(x) == 'Tensor("x:0", shape=(?, 3), dtype=float32)'
    assert repr(x) == "<tf.Tensor 'x:0' shape=(?, 3) dtype=float32>"
    assert str(placeholder(int32, name="y")) == 'Tensor("y:0", dtype=int32)'
    assert repr(x.op) == "<tf.Operation 'x' type=Placeholder>" and x.op.type == "Placeholder"


def test_set_shape(graph):
    x = placeholder(float32)
    x.set_shape([None, 4])
    x.set_shape([3, None])
    assert x.shape == [3, 4] and x.get_shape() == [3, 4]
    with pytest.raises(ValueError, match="3 and 2"):
        x.set_shape([2, 4])


def test_attributes(graph):
    x = placeholder(float32, [2])
    assert reduce_sum(x).op.get_attr("axis") == (0,)
    with pytest.raises(ValueError, match="no attr named 'nothing'"):
        x.op.get_attr("nothing")


def test_names_that_libraries_ask_tensors_for(graph):
    x = placeholder(float32, [None, 2])
    assert x._keras_shape == (None, 2) and x.value_index == 0
    x._keras_shape = (3, 2)
    assert x.shape.as_list() == [3, 2]
    with pytest.raises(TypeError, match="as a Python bool"):
        x.__nonzero__()


def test_an_op_is_declared_once():
    with pytest.raises(ValueError, match="AddV2 is declared twice"):
        opdef.OpDef("AddV2", opdef.ELEMENTWISE, lambda inputs, attrs: [])


# verify


def sound():
    with Graph().as_default() as graph:
        x = placeholder(float32, [2, 3])
        with graph.control_dependencies([x]):
            y = ew.tanh(x) + 1.0
    graph.inputs, graph.outputs, graph.targets = (x,), (y,), (y.op,)
    return graph


def test_a_sound_graph_passes():
    verify.verify(sound())


def _reorder(graph):
    graph.operations.reverse()


def _drop(graph):
    del graph.operations[1]


def _rename(graph):
    graph.operations[1].name = graph.operations[0].name


def _retype(graph):
    graph.operations[1].outputs[0].dtype = int32


def _reshape(graph):
    graph.operations[1].outputs[0].dims = (3, 2)


def _forget(graph):
    graph.operations[1].outputs[0].dims = None


def _foreign_output(graph):
    graph.outputs = sound().outputs


def _foreign_target(graph):
    graph.targets = sound().targets


def _foreign_input(graph):
    graph.operations[1].inputs = (sound().operations[0].output,)


def _foreign_control(graph):
    graph.operations[1].control_inputs = (sound().operations[0],)


def _mistake(graph):
    graph.operations[0].outputs[0].dtype = int32


@pytest.mark.parametrize("spoil", [
    _reorder, _drop, _rename, _retype, _reshape, _forget, _foreign_output, _foreign_target, _foreign_input,
    _foreign_control, _mistake])
def test_an_unsound_graph_does_not_pass(spoil):
    graph = sound()
    spoil(graph)
    with pytest.raises(InternalError):
        verify.verify(graph)
