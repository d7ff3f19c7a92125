"""Sessions that run op by op: the same numbers, the first bad value, breakpoints."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def both(fetches, feeds=None, runs=2):
    """What a compiled and a debugged session give for some runs."""
    found = []
    for session in (tf.Session(), tf.Session(debug="nan")):
        session.run(tf.global_variables_initializer())
        found.append([session.run(fetches, feeds) for _ in range(runs)])
    return found


def failure(session, fetches, feeds=None):
    with pytest.raises(tf.debugging.NumericsError) as error:
        session.run(fetches, feeds)
    return error.value


def test_a_debugged_session_computes_the_same():
    tf.set_random_seed(3)
    w = tf.get_variable("w", [2], initializer=tf.random_normal_initializer())
    before, drawn = tf.identity(w), tf.random_normal([2])
    _, looped = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v + tf.random_uniform([2])), [0, tf.zeros([2])])
    taken = tf.cond(drawn[0] > 0, lambda: tf.random_normal([2]), lambda: drawn - 5)
    compiled, debugged = both([w.assign_add([1., 1.]), before, drawn, looped, taken, w.read_value()])
    np.testing.assert_allclose(compiled, debugged, rtol=1e-6)


def test_shapes_that_depend_on_values_strings_and_gradients_of_loops():
    x = tf.placeholder(tf.float32, [None, None])
    kept = tf.boolean_mask(x, tf.reduce_sum(x, -1) > 0)
    any_rank = tf.placeholder_with_default(x, None)
    _, power = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * x), [0, x],
                             shape_invariants=[tf.TensorShape([]), tf.TensorShape(None)])
    total = tf.reduce_sum(any_rank, axis=-1)
    text = tf.string_join([["a"], tf.as_string(tf.size(kept))[None]])
    compiled, debugged = both([kept, tf.gradients(power, x)[0], text, total], {x: [[1., 2.], [-3., 1.], [2., 2.]]}, 1)
    for a, b in zip(compiled[0], debugged[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_bad_value_is_named_with_what_led_to_it():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.Variable([1., 3.], name="w")
    loss = tf.reduce_mean(tf.log(x * w, name="logs"))
    step = tf.train.GradientDescentOptimizer(1.).minimize(loss)
    session = tf.Session(debug=True)
    session.run(w.initializer)
    error = failure(session, [step, loss], {x: [[1., 2.], [3., -4.]]})
    assert isinstance(error, tf.errors.InvalidArgumentError)
    assert error.tensor.name == "logs:0" and error.op.type == "Log" and error.summary.first_bad == (1, 1)
    text = str(error)
    assert "logs:0 : Tensor had NaN values" in text and "test_debugger.py" in text and 'name="logs"' in text
    assert "at [1, 1] -12" in text and "w/read:0 [variable]: float32[2] = [1 3]" in text
    assert "x:0 [fed]: float32[2, 2] = [[1 2][3 -4]]" in text
    assert "what was fed" in str(failure(session, loss, {x: [[1., np.nan]]}))
    assert failure(session, loss, {x: [[1., 0.]]}).summary.negative_infinities == 1
    session.debug = False
    assert np.isnan(session.run(loss, {x: [[1., -2.]]}))


def test_infinities_that_were_meant_pass():
    scores = tf.constant([1., 2.]) + tf.constant([0., -np.inf])
    with tf.Session(debug=True) as session:
        np.testing.assert_array_equal(session.run(tf.nn.softmax(scores)), [1, 0])
        assert "sub" in failure(session, scores - scores).op.name
    with tf.Session(debug="nan") as session:
        assert session.run(tf.log(0.)) == -np.inf
    with pytest.raises(ValueError, match="debug"):
        tf.Session(debug="inf")


def test_the_iteration_and_branch_are_named():
    def body(i, v):
        return i + 1, tf.cond(i < 2, lambda: v, lambda: tf.sqrt(v - 5., name="root"))

    _, v = tf.while_loop(lambda i, v: i < 4, body, [0, tf.constant(4.)])
    text = str(failure(tf.Session(debug=True), v))
    assert "root" in text and "the else branch" in text and "iteration 3, body" in text
    assert "loop variable" in text and "float32[] = 4" in text
    x = tf.zeros([])
    _, v = tf.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, tf.sqrt(v)), [0, x])
    assert "iteration 1" in str(failure(tf.Session(debug=True), tf.gradients(v, x)))


def test_breakpoints():
    x = tf.placeholder(tf.float32, [], name="x")
    _, v = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.multiply(v, 2., name="double")), [0, x])
    session, seen = tf.Session(), []
    stop = session.breakpoint("while/double", condition=lambda op, inputs, outputs: outputs[0] > 3,
                              action=lambda op, inputs, outputs: seen.append((op.name, *map(float, inputs + outputs))))
    assert session.run(v, {x: 1.}) == 8
    assert seen == [("while/double", 2, 2, 4), ("while/double", 4, 2, 8)]
    stop.remove()
    assert session.run(v, {x: 2.}) == 16 and len(seen) == 2
    session.breakpoint(v, action=lambda op, inputs, outputs: seen.append(op))
    session.run(v, {x: 1.})
    assert seen[-1] is v.op
    with pytest.raises(ValueError, match="Did you mean 'while/double'"):
        session.breakpoint("while/doubel")


def test_a_breakpoint_enters_the_debugger(monkeypatch):
    import sys
    entered = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: entered.append(sys._getframe(1).f_locals["outputs"]))
    session = tf.Session()
    session.breakpoint(y := tf.constant(2.) * 3)
    session.run(y)
    assert entered == [[6.0]]


def test_errors_of_a_debugged_run():
    x = tf.placeholder(tf.float32, name="x")
    session = tf.Session(debug=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="feed a value for placeholder tensor 'x'"):
        session.run(x + 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Dimensions must be equal.*test_debugger\.py"):
        session.run(tf.matmul(x, x), {x: np.ones((2, 3))})
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        session.run(tf.Variable(1., name="v") + 1)


def test_a_gradient_names_what_it_is_of():
    x = tf.placeholder(tf.float32, [], name="x")
    norm = tf.sqrt(x * x, name="norm")
    text = str(failure(tf.Session(debug=True), tf.gradients(norm, x), {x: 0.}))
    assert "in the gradient of 'norm' (Sqrt)" in text and 'name="norm"' in text
    assert "norm:0 [Sqrt]: float32[] = 0" in text
