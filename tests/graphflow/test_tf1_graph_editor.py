"""tf.contrib.graph_editor: parts of graphs selected, copied and connected anew."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib import graph_editor as ge


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_targets_from_other_tensors(session):
    a, eps = tf.constant(1.0, name="a"), tf.constant(0.001, name="eps")
    b = tf.Variable(1.0, name="b")
    c = tf.identity(a + b + eps, name="c")
    new = ge.graph_replace({"c": c, "a": a}, {a: tf.constant(2.0)})
    session.run(tf.global_variables_initializer())
    np.testing.assert_allclose(session.run([c, new["c"]]), [2.001, 3.001], rtol=1e-6)
    assert new["a"] is not a and new["c"].name == "c_1:0"
    np.testing.assert_allclose(session.run(tf.gradients(new["c"], [b])), [1])
    with pytest.raises(ValueError, match="not connected"):
        ge.graph_replace(a, {c: a})


def test_walks_and_boundaries(session):
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.name_scope("in"):
        y = tf.square(x, name="y")
    z = tf.add(y, tf.constant([1.0, 2.0], name="k"), name="z")
    out = tf.negative(z, name="out")
    def named(ops):
        return [op.name for op in ops]

    assert set(named(ge.get_backward_walk_ops(out))) == {"out", "z", "in/y", "k", "x"}
    assert set(named(ge.get_backward_walk_ops([out.op], inclusive=False, stop_at_ts=[y]))) == {"z", "k"}
    assert named(ge.get_forward_walk_ops(x.op, within_ops=[x.op, y.op, z.op])) == ["x", "in/y", "z"]
    assert named(ge.get_walks_intersection_ops(y, out)) == ["z", "out"]
    assert named(ge.get_name_scope_ops(session.graph, "in")) == named(ge.select_ops("^in/", graph=session.graph)) == [
        "in/y"]
    assert ge.filter_ts_from_regex(session.graph, "^z|k$") == [z.op.inputs[1], z]
    assert ge.select_ts("^x:0", graph=session.graph) == [x] and x in ge.get_tensors(session.graph)
    view = ge.sgv([y.op, z.op])
    assert view.inputs == [x, z.op.inputs[1]] and view.outputs == [z]
    assert ge.sgv_scope("in", session.graph).ops == [y.op] and view.remap_inputs([0]).inputs == [x]
    with pytest.raises(ValueError, match="graph"):
        ge.select_ops("x")


def test_copies_and_other_ends(session):
    x, other = tf.constant([1.0, 2.0], name="x"), tf.constant([5.0, 5.0])
    y = tf.square(x, name="y")
    z = tf.negative(y, name="z")
    copied, info = ge.copy_with_input_replacements(ge.make_view(y.op, z.op), {x: other}, dst_scope="again")
    assert info.transformed(z).name == "again/z:0" and info._transformed_ops[y.op].name == "again/y"
    assert info.original(info.transformed(y.op)) is y.op and copied.outputs == [info.transformed(z)]
    np.testing.assert_array_equal(session.run([z, info.transformed(z)]), [[-1, -4], [-25, -25]])
    assert ge.reroute_ts([other], [x], can_modify=[y.op]) == 1
    np.testing.assert_array_equal(session.run(z), [-25, -25])
    assert ge.swap_ts(x, other) == 2
    np.testing.assert_array_equal(session.run([info.transformed(z), z]), [[-1, -4], [-1, -4]])
    with pytest.raises(TypeError, match="dtypes"):
        ge.reroute_ts([tf.constant(1)], [x])
    _, (fed,) = ge.detach_inputs(y.op)
    np.testing.assert_array_equal(session.run(z, {fed: [3, 3]}), [-9, -9])
    ge.connect(ge.sgv(other.op), ge.sgv(y.op))
    np.testing.assert_array_equal(session.run(z + 0), [-25, -25])
    v = tf.Variable([0.0, 0.0])
    session.run(v.initializer)
    ge.add_control_inputs(z.op, tf.assign_add(v, [1.0, 1.0]).op)
    session.run(z + 1)
    assert session.run(v).tolist() == [1, 1]
    ge.remove_control_inputs(z.op, z.op.control_inputs)
    session.run(z + 2)
    assert session.run(v).tolist() == [1, 1]


def test_gradients_from_recomputed_tensors(session):
    """What memory_saving_gradients does: the backward pass takes copies of what lies between two checkpoints."""
    x = tf.Variable([0.5, 1.0])
    y = tf.tanh(tf.sin(x, name="inner"), name="outer")
    loss = tf.reduce_sum(y * y)
    plain, = tf.gradients(loss, x)
    kept = tf.stop_gradient(x + 0.0)
    _, info = ge.copy_with_input_replacements(ge.sgv(ge.get_backward_walk_ops(y, stop_at_ts=[x.value()])), {})
    ge.reroute_ts([kept], [x.value()], can_modify=list(info._transformed_ops.values()))
    again, = tf.gradients(tf.reduce_sum(info.transformed(y) ** 2), kept)
    session.run(tf.global_variables_initializer())
    np.testing.assert_allclose(*session.run([plain, again]), rtol=1e-6)
