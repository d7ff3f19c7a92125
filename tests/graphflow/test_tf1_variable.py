"""Variables: names, what they begin with, reading and assigning."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def names(items):
    return [item.name for item in items]


def test_names():
    v, w, again = tf.Variable(1.0), tf.Variable(1.0, name="w"), tf.Variable(1.0, name="w")
    assert names([v, w, again]) == ["Variable:0", "w:0", "w_1:0"]
    assert names([v.initializer, again.initializer, w.value()]) == ["Variable/Assign", "w_1/Assign", "w/read:0"]
    assert w.op.type == "VariableV2" and w.initializer.type == "Assign"
    assert str(w) == "<tf.Variable 'w:0' shape=() dtype=float32_ref>"


def test_types():
    v, w, s = tf.Variable(np.zeros((2, 3))), tf.Variable([1, 2]), tf.Variable(True)
    assert [t.dtype.name for t in (v, w, s)] == ["float64", "int32", "bool"]
    assert [t.get_shape().as_list() for t in (v, w, s)] == [[2, 3], [2], []]
    assert tf.Variable([1, 2], dtype=tf.float64).dtype == tf.float64


def test_collections():
    tf.Variable(1.0, name="a")
    tf.Variable(2.0, trainable=False, name="b")
    tf.get_variable("c", [], collections=["mine", tf.GraphKeys.GLOBAL_VARIABLES])
    tf.get_local_variable("d", [])
    tf.Variable(0.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], name="e")
    assert names(tf.global_variables()) == names(tf.all_variables()) == ["a:0", "b:0", "c:0"]
    assert names(tf.trainable_variables()) == ["a:0", "c:0", "e:0"]
    assert names(tf.local_variables()) == ["d:0", "e:0"]
    assert names(tf.get_collection("mine")) == ["c:0"]
    assert names(tf.global_variables("[ab]")) == ["a:0", "b:0"]


def test_initial_value_from_a_function_is_made_in_its_scope(sess):
    v = tf.Variable(lambda: tf.ones([2], name="begin"), name="v")
    assert v.initial_value.name == "v/Initializer/begin:0"
    sess.run(v.initializer)
    np.testing.assert_array_equal(sess.run(v), [1, 1])


def test_creation_ignores_control_dependencies():
    with tf.control_dependencies([tf.no_op()]):
        v = tf.Variable(1.0)
    assert v.initializer.control_inputs == () and v.value().op.control_inputs == ()


@pytest.mark.parametrize(("make", "error", "text"), [
    (lambda: tf.Variable(), ValueError, "initial_value must be specified"),
    (lambda: tf.Variable(tf.placeholder(tf.float32)), ValueError, "must have a shape specified"),
    (lambda: tf.Variable(tf.placeholder(tf.float32, [None])), ValueError, "must have a shape specified"),
    (lambda: tf.Variable(1.0, collections="variables"), ValueError, "must be a list, tuple, or set"),
    (lambda: tf.Variable(1.0, constraint=3), ValueError, "must be a callable"),
    (lambda: tf.Variable(1.5, dtype=tf.int32), TypeError, "1.5"),
    (lambda: iter(tf.Variable([1.0])), TypeError, "not iterable"),
    (lambda: bool(tf.Variable(1.0) > 0), TypeError, "bool"),
    (lambda: tf.assign(tf.constant(1.0), 2.0), AttributeError, "Only a variable can be assigned to"),
    (lambda: tf.assign(tf.Variable([1.0, 2.0]), [1.0]), ValueError, "Assign"),
    (lambda: tf.assign(tf.Variable(1.0), tf.constant(2)), TypeError, "int32"),
    (lambda: tf.assign_add(tf.Variable([1.0, 2.0]), 1.0), ValueError, "AssignAdd"),
])
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_assignments(sess):
    v = tf.Variable([1.0, 2.0])
    set_, add, sub = v.assign([5.0, 6.0]), v.assign_add([1.0, 1.0]), tf.assign_sub(v, [2.0, 0.0])
    sess.run(tf.global_variables_initializer())
    for op, expected in ((set_, [5, 6]), (add, [6, 7]), (sub, [4, 7])):
        np.testing.assert_array_equal(sess.run(op), expected)
        np.testing.assert_array_equal(sess.run(v), expected)
    assert isinstance(v.assign([0.0, 0.0], read_value=False), tf.Operation)
    assert add.name == "AssignAdd:0" and set_.name == "Assign:0"


def test_reads_under_control_dependencies_see_the_assignments(sess):
    v = tf.Variable(1.0)
    with tf.control_dependencies([tf.assign(v, 10.0)]), tf.control_dependencies([tf.assign_add(v, 5.0)]):
        after = v.read_value() * 2.0
    sess.run(tf.global_variables_initializer())
    assert sess.run(after) == 30


def test_chain_of_assignments(sess):
    v = tf.Variable(0)
    first = tf.assign_add(v, 1)
    with tf.control_dependencies([first]):
        second = tf.assign(v, v.read_value() * 10)
    with tf.control_dependencies([second]):
        third = tf.assign_sub(v, 3)
    sess.run(tf.global_variables_initializer())
    assert [int(sess.run(third)) for _ in range(3)] == [7, 77, 777]


def test_a_variable_initialized_from_others(sess):
    a = tf.Variable([1.0, 2.0], name="a")
    b = tf.Variable(a.initialized_value() * 3.0, name="b")
    c = tf.Variable(tf.reduce_sum(b + a), name="c")
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(b), [3, 6])
    assert sess.run(c) == 12


def test_shape_not_validated(sess):
    x = tf.placeholder(tf.float32)
    v = tf.Variable(x, validate_shape=False)
    assert v.get_shape().ndims is None
    sess.run(v.initializer, {x: [1.0, 2.0]})
    sess.run(tf.assign(v, [[1.0], [2.0], [3.0]], validate_shape=False))
    assert sess.run(v).shape == (3, 1)


def test_operators(sess):
    v, x = tf.Variable([3.0, 4.0]), tf.constant([1.0, 2.0])
    sess.run(tf.global_variables_initializer())
    results = [v + x, x + v, v - 1, 1 - v, v * v, x / v, 2.0 / v, v // 2, v % 2, v ** 2.0, 2.0 ** v, -v, abs(-v),
               np.ones(2, np.float32) * v, v[1], v[tf.newaxis, :]]
    expected = [[4, 6], [4, 6], [2, 3], [-2, -3], [9, 16], [1 / 3, 0.5], [2 / 3, 0.5], [1, 2], [1, 0], [9, 16], [8, 16],
                [-3, -4], [3, 4], [3, 4], 4, [[3, 4]]]
    for value, wanted in zip(sess.run(results), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_array_equal(sess.run([v > 3, v >= 3, v < 4, v <= 4]),
                                  [[False, True], [True, True], [True, False], [True, True]])
    assert v == v and v != x and len({v, v}) == 1  # by identity, as in TensorFlow 1


def test_gradients_go_through_every_read(sess):
    v = tf.Variable([1.0, 2.0])
    with tf.control_dependencies([tf.no_op()]):
        again = v.read_value()
    g, = tf.gradients(tf.reduce_sum(v * v) + tf.reduce_sum(3.0 * again), v)
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(g), [5, 7])


def test_initializer_of_nothing(sess):
    assert tf.variables_initializer([]).type == "NoOp"
    assert tf.global_variables_initializer().name == "init_1"
    assert tf.local_variables_initializer().type == "NoOp"


def test_a_variable_is_fetched_as_the_run_leaves_it(sess):
    """As TensorFlow's reference variables: `_, step = run([train, global_step])` is 1 after the first step."""
    step = tf.train.create_global_step()
    w = tf.Variable([1.0, 2.0])
    loss = tf.reduce_sum(w * w)
    train = tf.train.GradientDescentOptimizer(0.25).minimize(loss, global_step=step)
    twice, text = step + step, tf.as_string(step)
    sess.run(tf.global_variables_initializer())
    for n in (1, 2):
        before = np.float32([1.0, 2.0]) * 0.5 ** (n - 1)
        found = sess.run([train, step, "global_step:0", step.value(), twice, text, w, loss])
        np.testing.assert_allclose(found.pop(6), before / 2)
        assert found == [None, n, n, n - 1, 2 * n - 2, b"%d" % (n - 1), np.sum(before * before)]
    branch = tf.cond(w[0] > 0, lambda: step.assign_add(10), lambda: step.value())
    assert sess.run([branch, step]) == [12, 12]
    assert sess.run([step, train], {step: 5}) == [5, None]


def test_a_variable_that_grows_by_its_own_value():
    x = tf.placeholder(tf.int32, [None, 2])
    v = tf.Variable(tf.zeros([0, 2], tf.int32), validate_shape=False)
    grown = tf.assign(v, tf.concat([v, x], 0), validate_shape=False)
    with tf.Session() as session:
        session.run(v.initializer)
        for k in range(3):
            result = session.run(grown, {x: [[k, k]]})
        assert result.tolist() == session.run(v).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_an_eager_variable_is_a_number():
    with tf.eager():
        v = tf.Variable(2.5)
        assert (float(v), int(v), complex(v)) == (2.5, 2, 2.5)
    with pytest.raises(TypeError, match="float"):
        float(tf.Variable(2.5))


def after_loop(session, variable, cond, body, *first):
    found = tf.while_loop(cond, body, [0, *first])
    session.run(tf.global_variables_initializer())
    return session.run([found, variable])


def test_a_loop_reads_the_variables_that_it_changes_in_each_iteration(sess):
    """TensorFlow's numbers, but for the nested loop's, whose reads and writes it does not order."""
    v = tf.Variable(1.0)

    def doubled(i, *more):
        with tf.control_dependencies([v.assign(v * 2)]):
            return i + 1, *more
    assert after_loop(sess, v, lambda i: i < 3, doubled) == [3, 8]
    assert after_loop(sess, v, lambda i: v < 5.0, doubled) == [3, 8]
    before = tf.identity(v)
    assert after_loop(sess, v, lambda i, t: i < 3, lambda i, t: doubled(i, t + before), 0.0) == [(3, 3), 8]

    def twice(i, t):
        return i + 1, tf.while_loop(lambda j, t: j < 2, lambda j, t: doubled(j, t + v), [0, t])[1]
    assert after_loop(sess, v, lambda i, t: i < 2, twice, 0.0) == [(2, 1 + 2 + 4 + 8), 16]
    branches = tf.map_fn(lambda x: tf.cond(x > 1, lambda: doubled(x)[0], lambda: x * v), tf.constant([1.0, 2.0, 1.0]))
    sess.run(v.initializer)
    assert sess.run([branches, v])[0].tolist() == [1, 3, 2]


def test_a_loop_trains(sess):
    w, x = tf.Variable([[1.0], [1.0]]), np.float32([[0, 1], [2, 3], [4, 5]])

    def body(i, _):
        loss = tf.reduce_mean((tf.matmul(tf.constant(x), w) - 1) ** 2)
        with tf.control_dependencies([tf.train.GradientDescentOptimizer(0.01).minimize(loss)]):
            return i + 1, tf.identity(loss)
    (_, loss), found = after_loop(sess, w, lambda i, _: i < 4, body, 0.0)
    expected = np.ones((2, 1), "f4")
    for _ in range(4):
        error = x @ expected - 1
        expected = expected - 0.01 * 2 / 3 * x.T @ error
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(loss, np.mean(error ** 2), rtol=1e-5)


def test_gradients_go_through_a_loop_that_reads_what_it_changes(sess):
    v, w = tf.Variable(2.0), tf.Variable(3.0)

    def body(i, t):
        with tf.control_dependencies([v.assign(v + 1)]):
            return i + 1, t * v * w
    _, y = tf.while_loop(lambda i, t: i < 3, body, [0, tf.constant(1.0)])
    slope, = tf.gradients(y, w)
    sess.run(tf.global_variables_initializer())
    assert sess.run([y, slope]) == [2 * 3 * 4 * 27, 3 * 2 * 3 * 4 * 9]
