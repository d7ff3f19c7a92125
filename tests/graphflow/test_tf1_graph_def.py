"""Graphs as data, frozen and cut; variables in pieces."""
from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import graphflow as tf


def test_a_frozen_graph_needs_no_variables():
    x = tf.placeholder(tf.float32, [None, 5], name="x")
    w = tf.get_variable("w", [5, 2], initializer=tf.ones_initializer())
    y = tf.identity(tf.matmul(x, w), name="y")
    tf.train.AdamOptimizer().minimize(tf.reduce_sum(y))
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="w"):
            tf.graph_util.convert_variables_to_constants(sess, y.graph.as_graph_def(), ["y"])
        sess.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(sess, y.graph.as_graph_def(), ["y"])
    assert [(n.name, n.op) for n in frozen.node] == [
        ("x", "Placeholder"), ("w", "Const"), ("w/read", "Identity"), ("MatMul", "MatMul"), ("y", "Identity")]
    serialized = frozen.SerializeToString()
    with tf.Graph().as_default(), tf.Session() as sess:
        graph_def = tf.GraphDef()
        assert graph_def.ParseFromString(serialized) == len(serialized) and graph_def == frozen
        found, op = tf.import_graph_def(graph_def, return_elements=["y:0", "MatMul"])
        mapped, = tf.import_graph_def(graph_def, {"x:0": tf.ones([1, 5])}, ["y:0"], name="")
        assert found.name == "import/y:0" and op.type == "MatMul" and mapped.name == "y:0" and found.shape[1] == 2
        assert sess.run(found, {"import/x:0": np.ones((3, 5))}).tolist() == [[5, 5]] * 3
        assert sess.run(mapped).tolist() == [[5, 5]]
        short = tf.graph_util.remove_training_nodes(frozen, ["y"])
        assert [n.name for n in short.node] == ["x", "w", "MatMul", "y"] and short.node[2].input == ["x", "w"]
    with pytest.raises(tf.errors.DataLossError):
        tf.GraphDef().ParseFromString(b"something else")
    with pytest.raises(TypeError, match="GraphDef"):
        tf.import_graph_def(serialized)
    with pytest.raises(AssertionError, match="none is not in graph"):
        tf.graph_util.extract_sub_graph(frozen, ["none"])


@pytest.mark.parametrize("as_text", [True, False])
def test_graph_and_checkpoint_become_one_file(tmp_path, as_text):
    from graphflow.training import freeze_graph as tool

    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = tf.matmul(x, tf.get_variable("w", [2, 1], initializer=tf.constant_initializer(3.0)), name="y")
    path = str(tmp_path / "frozen.pb")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        checkpoint = tf.train.Saver().save(sess, str(tmp_path / "model.ckpt"))
        tf.train.write_graph(y.graph.as_graph_def(), str(tmp_path), "graph.pb", as_text)
    fixed = ("save/restore_all", "save/Const:0", path, True, "")
    made = tool.freeze_graph(str(tmp_path / "graph.pb"), "", not as_text, checkpoint, "y", *fixed)
    assert made == tool.freeze_graph("", "", True, checkpoint, "y", *fixed, input_meta_graph=f"{checkpoint}.meta")
    ready = tool.optimize_for_inference(made, ["x"], ["y"], tf.float32.as_datatype_enum)
    assert [n.op for n in ready.node] == ["Placeholder", "Const", "MatMul"]
    with tf.Graph().as_default(), tf.Session() as sess, open(path, "rb") as file:
        graph_def = tf.GraphDef()
        graph_def.ParseFromString(file.read())
        found, = tf.import_graph_def(graph_def, return_elements=["y:0"])
        assert sess.run(found, {"import/x:0": [[1, 2]]}).tolist() == [[9]]
    with pytest.raises(ValueError, match="name of a node"):
        tool.freeze_graph(str(tmp_path / "graph.pb"), "", True, checkpoint, "", *fixed)


def test_unknown_sizes_stay_equal():
    a, b = tf.placeholder(tf.float32, [None, 2], name="a"), tf.placeholder(tf.float32, [None, 2], name="b")
    tf.concat([a, b], 0, name="joined"), tf.reshape(a, [-1], name="flat")
    graph_def = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tf.import_graph_def(graph_def, name="")
        joined, flat = graph.get_tensor_by_name("joined:0"), graph.get_tensor_by_name("flat:0")
        assert joined.dims[0] == graph.get_tensor_by_name("a:0").dims[0] + graph.get_tensor_by_name("b:0").dims[0]
        results = sess.run([joined, flat], {"a:0": np.ones((3, 2)), "b:0": np.ones((1, 2))})
        assert [r.shape for r in results] == [(4, 2), (6,)]


def test_variables_in_pieces(tmp_path):
    with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(3)):
        w = tf.get_variable("w", initializer=np.arange(10.0, dtype=np.float32).reshape(5, 2))
        scalar = tf.get_variable("c", [])
    assert [v.name for v in tf.global_variables()] == ["s/w/part_0:0", "s/w/part_1:0", "s/w/part_2:0", "s/c:0"]
    assert [v.shape.as_list() for v in w] == [[2, 2], [2, 2], [1, 2]] and isinstance(scalar, tf.Variable)
    with tf.variable_scope("s", reuse=True, partitioner=tf.fixed_size_partitioner(3)):
        assert list(tf.get_variable("w", [5, 2])) == list(w)
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w * 2.0))
    saver = tf.train.Saver([w, scalar])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        expected = sess.run(tf.convert_to_tensor(w))
        prefix = saver.save(sess, str(tmp_path / "m"))
    np.testing.assert_array_equal(expected, np.arange(10.0).reshape(5, 2) - 2)
    assert tf.train.list_variables(prefix) == [("s/c", []), ("s/w", [5, 2])]
    with tf.Graph().as_default(), tf.Session() as sess:
        whole = tf.get_variable("s/w", [5, 2])
        tf.train.Saver().restore(sess, prefix)
        np.testing.assert_array_equal(sess.run(whole), expected)


@pytest.mark.parametrize(("partitioner", "counts"), [
    (tf.fixed_size_partitioner(4, axis=1), [1, 4]),
    (tf.variable_axis_size_partitioner(80), [5, 1]),
    (tf.variable_axis_size_partitioner(80, max_shards=2), [2, 1]),
    (tf.min_max_variable_partitioner(3, min_slice_size=100), [3, 1]),
    (tf.min_max_variable_partitioner(3), [1, 1]),
])
def test_partitioners(partitioner, counts):
    assert partitioner(shape=tf.TensorShape([10, 10]), dtype=tf.float32) == counts


def test_what_tensorflow_keeps_on_the_cpu():
    known = {tf.constant(1): True, tf.constant("a"): True, tf.constant(1.0): False,
             tf.cast(tf.constant(1), "float32"): True}
    for tensor, expected in known.items():
        assert tf.graph_util.must_run_on_cpu(tensor.op) is expected
    assert [tf.graph_util.must_run_on_cpu(tf.Variable(1.0).op, pin) for pin in (False, True)] == [False, True]
    node = tf.get_default_graph().as_graph_def().node[0]
    assert tf.graph_util.must_run_on_cpu(node) and tf.train.SaverDef().version == tf.train.SaverDef.V2


WRITE = """
import graphflow as tf
queue = tf.FIFOQueue(3, [tf.float32], [[]])
key, _ = tf.TextLineReader().read(queue)
tf.math.sobol_sample(2, 3)
tf.strings.regex_replace(tf.constant("abc"), "b", "x", name="replaced")
tf.identity(tf.data.Dataset.range(3).make_one_shot_iterator().get_next(name="next"), name="batch")
tf.train.export_meta_graph("graph.meta")
"""
READ = """
import graphflow as tf
tf.train.import_meta_graph("graph.meta")
with tf.Session() as session:
    print(session.run("replaced:0").decode(), session.run("batch:0", {"next:0": 7}))
    try:
        session.run("batch:0")
    except tf.errors.UnimplementedError as error:
        print(str(error).partition(" (")[0])
"""


def test_a_process_that_used_none_of_a_graphs_operations_reads_it(tmp_path):
    out = [subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
           for program in (WRITE, READ)]
    assert [run.returncode for run in out] == [0, 0], out
    first, second = out[1].stdout.splitlines()
    assert first == "axc 7"
    assert second.startswith("The imported graph uses ") and second.endswith(", which no file can hold.")
