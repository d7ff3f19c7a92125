"""Checkpoints: what is kept and restored, what is said of those that do not fit, and what a crash leaves."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import graphflow as tf


def saved(folder, **options):
    """A checkpoint of a = [1, 2], b = 3, text; (saver, prefix)."""
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.get_variable("scope/b", initializer=tf.constant(3))
    text, flag = tf.Variable(["x", "\0y\u00e9"], name="text"), tf.Variable(True, name="flag")
    saver = tf.train.Saver(**options)
    with tf.Session() as sess:
        sess.run(tf.variables_initializer([a, b, text, flag]))
        return saver, saver.save(sess, str(folder / "m.ckpt"), global_step=7)


def test_round_trip(tmp_path):
    saver, prefix = saved(tmp_path)
    assert prefix == str(tmp_path / "m.ckpt-7") == tf.train.latest_checkpoint(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m.ckpt-7.data-00000-of-00001", "m.ckpt-7.index",
                                            "m.ckpt-7.meta"]
    with tf.Session() as sess:
        saver.restore(sess, prefix)
        values = sess.run(["a:0", "scope/b:0", "text:0", "flag:0"])
    assert values[0].tolist() == [1, 2] and values[1] == 3 and values[3]
    assert values[2].tolist() == [b"x", "\0y\u00e9".encode()]
    reader = tf.train.NewCheckpointReader(prefix)
    assert reader.get_variable_to_shape_map() == {"a": [2], "scope/b": [], "text": [2], "flag": []}
    assert reader.get_variable_to_dtype_map()["scope/b"] == tf.int32 and reader.has_tensor("a")
    assert tf.train.list_variables(tmp_path)[0] == ("a", [2])
    assert tf.train.load_variable(tmp_path, "scope/b") == 3


def test_partial_restore_under_other_names(tmp_path):
    _, prefix = saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        other, rest = tf.Variable([0.0, 0.0], name="other"), tf.Variable(9.0, name="rest")
        sess.run(tf.global_variables_initializer())
        tf.train.Saver({"a": other}).restore(sess, prefix)
        assert sess.run(other).tolist() == [1, 2] and sess.run(rest) == 9
    with tf.Graph().as_default(), tf.Session() as sess:
        b = tf.get_variable("new/b", [], tf.int32)
        tf.train.init_from_checkpoint(str(tmp_path), {"scope/": "new/"})
        sess.run(tf.global_variables_initializer())
        assert sess.run(b) == 3


def test_what_does_not_fit_is_named(tmp_path):
    _, prefix = saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.Variable([0.0, 0.0], name="a"), tf.Variable(1.0, name="p"), tf.Variable(1.0, name="q")
        with pytest.raises(tf.errors.NotFoundError, match="Key p not found in checkpoint.*Key q not found"):
            tf.train.Saver().restore(sess, prefix)
    with tf.Graph().as_default(), tf.Session() as sess:
        a, _ = tf.Variable([[0.0, 0.0]], name="a"), tf.get_variable("scope/b", [], tf.float32)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"'a'.*\n.*'scope/b'"):
            tf.train.Saver().restore(sess, prefix)
        tf.train.Saver([a], reshape=True).restore(sess, prefix)
        assert sess.run(a).tolist() == [[1, 2]]
        for path, error in ((None, ValueError), (str(tmp_path / "none"), ValueError)):
            with pytest.raises(error, match="save_path"):
                tf.train.Saver([a]).restore(sess, path)


def test_damaged_and_foreign_files(tmp_path):
    saver, prefix = saved(tmp_path)
    path = prefix + ".data-00000-of-00001"
    whole = open(path, "rb").read()
    at = whole.index(np.array([1.0, 2.0], np.float32).tobytes())
    for damaged in (whole[:len(whole) // 2], b"something else", whole[:at] + b"\1" + whole[at + 1:], b""):
        with open(path, "wb") as file:
            file.write(damaged)
        with tf.Session() as sess, pytest.raises(tf.errors.DataLossError):
            saver.restore(sess, prefix)


def test_the_last_ones_are_kept(tmp_path):
    v = tf.Variable(1.0)
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as sess:
        sess.run(v.initializer)
        for step in range(4):
            saver.save(sess, str(tmp_path / "m"), step, write_meta_graph=False)
    state = tf.train.get_checkpoint_state(tmp_path)
    names = [os.path.basename(p) for p in state.all_model_checkpoint_paths]
    assert names == ["m-2", "m-3"] and os.path.basename(state.model_checkpoint_path) == "m-3"
    assert not tf.train.checkpoint_exists(str(tmp_path / "m-1"))
    again = tf.train.Saver(max_to_keep=2)
    again.recover_last_checkpoints(state.all_model_checkpoint_paths)
    with tf.Session() as sess:
        again.restore(sess, state.model_checkpoint_path)
        again.save(sess, str(tmp_path / "m"), 4, write_meta_graph=False)
    assert [os.path.basename(p) for p in again.last_checkpoints] == ["m-3", "m-4"]
    assert not os.path.exists(tmp_path / "m-2.index")


def test_the_state_file_is_tensorflows(tmp_path):
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model-\\303\\244-9"\n'
                                         'all_model_checkpoint_paths: "/else/model-1"\n'
                                         'all_model_checkpoint_timestamps: 1.5e9\nlast_preserved_timestamp: 3.0\n')
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == str(tmp_path / "model-\u00e4-9")
    assert state.all_model_checkpoint_paths == ["/else/model-1"] and state.all_model_checkpoint_timestamps == [1.5e9]
    (tmp_path / "checkpoint").write_text("not a state file")
    assert tf.train.get_checkpoint_state(tmp_path) is None


@pytest.mark.parametrize(("build", "error", "text"), [
    (lambda d: tf.train.Saver(), ValueError, "No variables to save"),
    (lambda d: tf.train.Saver([tf.constant(1.0)]), TypeError, "not a Variable"),
    (lambda d: tf.train.Saver([tf.Variable(1.0)]).save(3, d + "/m"), TypeError, "must be a Session"),
    (lambda d: tf.train.Saver([tf.Variable(1.0)]).save(tf.Session(), d + "/no/m"), ValueError, "Parent directory"),
    (lambda d: tf.train.Saver([tf.Variable(1.0)]).save(tf.Session(), d + "/m"), tf.errors.FailedPreconditionError,
     "uninitialized"),
])
def test_errors(tmp_path, build, error, text):
    with pytest.raises(error, match=text):
        build(str(tmp_path))


PROGRAM = """
    import os, resource, signal, sys
    import numpy as np
    import graphflow as tf
    prefix, how = sys.argv[1:]
    v = tf.Variable(np.zeros(200_000, np.float32), name="v")
    saver, sess = tf.train.Saver(), tf.Session()
    sess.run(v.initializer)
    saver.save(sess, prefix)
    sess.run(tf.assign(v, np.ones(200_000, np.float32)))
    if how == "kill":  # in the middle: the new file is written, but not in its place
        os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
    else:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        saver.save(sess, prefix)
    except tf.errors.OpError as error:
        print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
@pytest.mark.parametrize(("how", "code"), [("kill", -signal.SIGKILL), ("full disk", 0)])
def test_a_crash_leaves_the_old_checkpoint(tmp_path, how, code):
    prefix = str(tmp_path / "m")
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(PROGRAM), prefix, how], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    if how != "kill":
        assert done.stdout.split() in (["ResourceExhaustedError"], ["UnknownError"])
        assert not [f for f in os.listdir(tmp_path) if f.endswith(".tmp")]
    v = tf.Variable(np.full(200_000, 7, np.float32), name="v")
    with tf.Session() as sess:
        tf.train.Saver().restore(sess, tf.train.latest_checkpoint(tmp_path))
        assert not sess.run(v).any()


def test_meta_graph(tmp_path):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", [3, 2])
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)), name="loss")
    branch = tf.cond(tf.reduce_sum(x) > 0, lambda: loss * 2.0, lambda: -loss)
    step = tf.train.get_or_create_global_step()
    tf.train.AdamOptimizer(0.1).minimize(loss, step, name="train")
    tf.add_to_collection("mine", loss)
    tf.add_to_collection("mine", "text")
    tf.add_to_collection("branch", branch)
    batch = np.ones((5, 3), np.float32)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run("train", {x: batch})
        prefix = tf.train.Saver().save(sess, str(tmp_path / "model"), global_step=step)
        expected = sess.run([w, loss, branch], {x: batch})
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        saver = tf.train.import_meta_graph(prefix + ".meta")
        saver.restore(sess, tf.train.latest_checkpoint(tmp_path))
        found, text = tf.get_collection("mine")
        assert found is graph.get_tensor_by_name("loss:0") and text == "text"
        assert tf.train.get_global_step() is tf.global_variables()[1] and tf.trainable_variables()[0].name == "w:0"
        again = sess.run(["w:0", found, tf.get_collection("branch")[0]], {"x:0": batch})
        for value, want in zip(again, expected, strict=True):
            np.testing.assert_array_equal(value, want)
        sess.run("train", {"x:0": batch})
        assert sess.run("global_step:0") == 2
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(prefix + ".meta", import_scope="old")
        assert graph.get_tensor_by_name("old/loss:0").shape == [] and tf.trainable_variables()[0].name == "old/w:0"
    (tmp_path / "bad.meta").write_text('{"format": "other"}')
    with pytest.raises(tf.errors.DataLossError):
        tf.train.import_meta_graph(str(tmp_path / "bad.meta"))
    with pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph(str(tmp_path / "none.meta"))


def test_a_checkpoint_printed(tmp_path, capsys):
    from graphflow import aliases
    show = aliases._resolve("tensorflow", "python.tools.inspect_checkpoint").print_tensors_in_checkpoint_file
    tf.Variable([[1.0, 2.0]], name="w")
    tf.Variable(3, name="n")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
    show(path, None, False)
    assert capsys.readouterr().out == ("tensor: n (int32) []\ntensor: w (float32) [1, 2]\n"
                                       "# Total number of params: 3\n")
    show(path, "w", False, count_exclude_pattern="n")
    assert capsys.readouterr().out == "tensor_name:  w\n[[1. 2.]]\n# Total number of params: 2\n"
    show(path, "x", False)
    assert capsys.readouterr().out == "Tensor x not found in checkpoint\n"


def test_meta_graph_of_a_loops_gradient(tmp_path):
    """The stacks between a loop and its gradient come back: programs train in one script and sample in another."""
    path = str(tmp_path / "model")
    with tf.Graph().as_default():
        steps = tf.placeholder(tf.int32, [], name="steps")
        w = tf.Variable(3.0)
        _, power = tf.while_loop(lambda i, _: i < steps, lambda i, p: (i + 1, p * w), [0, 1.0])
        tf.identity(tf.gradients(power, w)[0], name="slope_of_power")
        with tf.Session() as session:
            session.run(w.initializer)
            tf.train.Saver().save(session, path)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(path + ".meta").restore(session, path)
        assert session.run("slope_of_power:0", {"steps:0": 4}) == 4 * 3.0**3
