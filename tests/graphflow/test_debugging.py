"""Finding out what goes wrong: checks inside graphs, missing gradients, growing graphs, tracebacks, tfdbg, Keras."""
from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from graphflow.compiler.growth import RUNS

import graphflow as tf


def test_checks_and_printing_in_loops_and_their_gradients(capfd):
    x = tf.placeholder(tf.float32, [None])

    def body(i, v):
        with tf.control_dependencies([tf.print("i", i), tf.Assert(tf.reduce_all(v < 9.), [v])]):
            v = tf.check_numerics(tf.Print(v, [v], "v "), "checked")
            return i + 1, tf.py_func(lambda a: a + 1, [i], tf.int32), v * 2.

    def loop(i, j, v):
        return body(i, v)

    _, j, v = tf.while_loop(lambda i, j, v: i < 2, loop, [0, 0, x],
                            shape_invariants=[tf.TensorShape([]), tf.TensorShape(None), x.shape])
    with tf.Session() as session:
        found = session.run([j, v, tf.gradients(v, x)[0]], {x: [1., 3.]})
        np.testing.assert_array_equal(found[1:], [[4, 12], [4, 4]])
        assert found[0] == 2
        assert capfd.readouterr().err.splitlines() == ["i 0", "v [1 3]", "i 1", "v [2 6]"]
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[10\].*test_debugging\.py"):
            session.run(v, {x: [5.]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="checked : Tensor had Inf"):
            session.run(v, {x: [-np.inf]})


def test_add_check_numerics_ops():
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.log(x, name="logarithm")
    check = tf.add_check_numerics_ops()
    with tf.Session() as session:
        session.run([check, y], {x: 1.})
        with pytest.raises(tf.errors.InvalidArgumentError, match="logarithm:0 : Tensor had Inf"):
            session.run([check, y], {x: 0.})


# gradients

def reasons(y, x):
    """What breaks the way from y to x; `gradients` and the graph agree."""
    count = len(tf.get_default_graph().operations)
    found = tf.why_no_gradient(y, x)
    assert len(tf.get_default_graph().operations) == count
    assert found.has_gradient is (tf.gradients(y, x)[0] is not None)
    return [(b.op.type, b.reason) for b in found.breaks], str(found)


def test_where_a_gradient_breaks():
    w = tf.get_variable("w", [2, 2])
    h = tf.matmul(tf.ones([3, 2]), w)
    broken, text = reasons(tf.to_float(tf.argmax(h, 1)) + tf.reduce_sum(tf.stop_gradient(h)), w)
    assert [kind for kind, _ in broken] == ["StopGradient", "ArgMax"] and "'MatMul:0'" in broken[1][1]
    assert "test_debugging.py" in text
    assert reasons(tf.round(h), w)[0][0][0] == "Round"
    assert "runs Python" in reasons(tf.py_func(np.sin, [h], tf.float32), w)[1]
    taken = tf.cond(h[0, 0] > 0, lambda: tf.floor(h), lambda: tf.stop_gradient(h))
    assert {kind for kind, _ in reasons(taken, w)[0]} == {"Floor", "StopGradient"}
    _, looped = tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, v + tf.stop_gradient(h)), [0, tf.ones([3, 2])])
    assert reasons(looped, w)[0][0][0] == "StopGradient"
    _, swapped, last = tf.while_loop(lambda i, u, v: i < 2, lambda i, u, v: (i + 1, v, u), [0, h, tf.ones([3, 2])])
    assert "There is a gradient" in reasons(last, w)[1]


def test_why_there_is_no_path():
    w, v = tf.Variable(1., name="w"), tf.Variable(1., name="v")
    assert "does not depend on 'w:0'" in reasons(v * 2, w)[1]
    double = w * 2
    assert "the other way round" in reasons(w, double)[1]
    assert "'w/read:0'" in reasons(w * 3, tf.identity(w))[1]
    assert "only floats" in str(tf.why_no_gradient(double, tf.constant(1)))
    assert "has no derivative" in str(tf.why_no_gradient(tf.to_int32(double), w))
    assert tf.why_no_gradient([v * 2, double], w).has_gradient
    with pytest.raises(ValueError, match="No gradients provided(.|\n)*does not depend"):
        tf.train.GradientDescentOptimizer(1.).minimize(v * 2, var_list=[w])
    with pytest.raises(TypeError, match="tensor or a variable"):
        tf.why_no_gradient(w, 3)


# graphs that grow

def test_a_loop_that_adds_operations_is_warned_of_once():
    x = tf.placeholder(tf.float32, [])
    y = x * 2
    for _ in range(2 * RUNS):  # a large model
        tf.square(x)
    with tf.Session() as session, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(2 * RUNS):
            session.run(y, {x: i})
        assert not caught
        for _ in range(2 * RUNS):
            session.run(y, {x: 1.})
            tf.square(y)
    warning, = caught
    assert warning.filename == __file__ and "has added operations" in str(warning.message)


def test_a_finalized_graph_names_the_lines(graph):
    graph.finalize()
    with pytest.raises(RuntimeError, match=r"Graph is finalized(.*test_debugging\.py){2}"):
        tf.constant(1.)


# tracebacks

SCRIPT = """
import sys
import graphflow as tf

def model(x):
    return tf.matmul(x, tf.zeros([5, 2]))

def fails(a):
    raise KeyError("mine")

def in_python():
    tf.Session().run(tf.py_func(fails, [1.0], tf.float32))

if sys.argv[1] == "full":
    tf.debugging.disable_traceback_filtering()
{"shape": lambda: model(tf.zeros([2, 3])), "full": lambda: model(tf.zeros([2, 3])), "python": in_python}[sys.argv[1]]()
"""


@pytest.mark.parametrize(("what", "frames"), [("shape", ["<module>", "<lambda>", "model"]),
                                              ("python", ["fails", "<module>", "in_python"])])
def test_uncaught_errors_show_the_users_frames(tmp_path, what, frames):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    shown = subprocess.run([sys.executable, str(script), what], capture_output=True, text=True).stderr
    lines = [line for line in shown.splitlines() if line.startswith("  File ")]
    assert [line.rpartition(" in ")[2] for line in lines] == frames and all(str(script) in line for line in lines)
    assert "frames inside graphflow are not shown" in shown


def test_scripts_can_be_run_with_checks(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import tensorflow as tf\nprint(tf.Session().run(tf.log(tf.zeros([2]))))\n")
    command = [sys.executable, "-m", "graphflow", "run", "--debug", str(script)]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 1 and "Log:0 : Tensor had Inf values" in shown.stderr


def test_tracebacks_are_shortened_only_while_they_are_printed():
    from graphflow import tracebacks
    with pytest.raises(ValueError) as info:
        tf.matmul(tf.zeros([2, 3]), tf.zeros([5, 2]))
    error, whole = info.value, info.value.__traceback__
    with tracebacks.shortened(error):
        assert error.__traceback__.tb_next is None and "frames inside" in error.__notes__[0]
    assert error.__traceback__ is whole and not hasattr(error, "__notes__")
    tf.keras.config.disable_traceback_filtering()
    try:
        assert not tf.debugging.is_traceback_filtering_enabled()
        with tracebacks.shortened(error):
            assert error.__traceback__ is whole
    finally:
        tf.debugging.enable_traceback_filtering()


# other ways in

def test_tfdbg(capsys, monkeypatch):
    from graphflow import tfdbg
    monkeypatch.setattr("sys.stdin", open("/dev/null"))
    x = tf.placeholder(tf.float32, [2])
    y = tf.log(x)
    session = tfdbg.LocalCLIDebugWrapperSession(tf.Session())
    session.add_tensor_filter("has_inf_or_nan", tfdbg.has_inf_or_nan)
    with session:
        np.testing.assert_array_equal(session.run(y, {x: [1., 0.]}), [0, -np.inf])
        shown = capsys.readouterr().out
        assert "Log:0 (Log) passes has_inf_or_nan: float32[2] = [0 -inf]" in shown and "from Placeholder:0" in shown
        session.run(y, {x: [1., 1.]})
        assert not capsys.readouterr().out


def test_numerics_of_keras_models_can_be_checked():
    keras = tf.keras

    class Root(keras.layers.Layer):
        def call(self, x):
            return tf.sqrt(x)

    model = keras.Sequential([keras.Input((2,)), Root(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.array([[1., 4.], [4., -9.]]), np.zeros((2, 1))
    model.fit(x[:1], y[:1], verbose=0)
    tf.debugging.enable_check_numerics()
    try:
        model.fit(x[:1], y[:1], verbose=0)
        with pytest.raises(tf.debugging.NumericsError, match=r"root/Sqrt:0 : Tensor had NaN(.|\n)*return tf.sqrt"):
            model.predict(x, verbose=0)
    finally:
        tf.debugging.disable_check_numerics()
    assert np.isnan(model.predict(x, verbose=0)[1])


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_values_made_at_once_are_checked():
    tf.debugging.enable_check_numerics()
    try:
        with tf.eager():
            x = tf.constant([1., 0.])
            with pytest.raises(tf.debugging.NumericsError, match=r"Log:0 : Tensor had Inf(.|\n)*\[2\] = \[1 0\]"):
                tf.log(x)
    finally:
        tf.debugging.disable_check_numerics()
