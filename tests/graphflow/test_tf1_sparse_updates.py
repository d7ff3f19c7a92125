"""Gradients of gathered variables, and the updates that optimizers make of them: formulas row by row in NumPy."""
from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as tf

TABLE = np.sin(np.arange(15.0) + 1).reshape(5, 3).astype(np.float32)
STEPS = ([0, 1, 1], [3, 1, 1], [2, 2, 2], [0, 3, 1])


def adam(w, g, touched, s, t):
    m, v = s.setdefault("m", np.zeros_like(w)), s.setdefault("v", np.zeros_like(w))
    m[:], v[:] = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    w -= 0.1 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-8)  # rows without a gradient move too


def sgd(w, g, touched, s, t):
    w -= 0.1 * g


def momentum(w, g, touched, s, t):
    a = s.setdefault("a", np.zeros_like(w))
    a[touched] = 0.9 * a[touched] + g[touched]
    w[touched] -= 0.1 * a[touched]


def adagrad(w, g, touched, s, t):
    a = s.setdefault("a", np.full_like(w, 0.1))
    a += g * g
    w -= 0.3 * g / np.sqrt(a)


def rmsprop(w, g, touched, s, t):
    r, m = s.setdefault("r", np.ones_like(w)), s.setdefault("m", np.zeros_like(w))
    r[touched] = 0.8 * r[touched] + 0.2 * g[touched] ** 2
    m[touched] = 0.5 * m[touched] + 0.02 * g[touched] / np.sqrt(r[touched] + 1e-6)
    w[touched] -= m[touched]


def ftrl(w, g, touched, s, t):
    n, z = s.setdefault("n", np.full_like(w, 0.1)), s.setdefault("z", np.zeros_like(w))
    new = n + g * g
    z += np.where(np.isin(np.arange(5), touched)[:, None], g - (np.sqrt(new) - np.sqrt(n)) / 0.3 * w, 0)
    n[:] = new
    solved = (0.01 * np.sign(z) - z) / (np.sqrt(n) / 0.3 + 2 * 0.02)
    w[touched] = np.where(np.abs(z) > 0.01, solved, 0)[touched]


@pytest.mark.parametrize(("make", "formula"), [
    (lambda: tf.train.GradientDescentOptimizer(0.1), sgd),
    (lambda: tf.train.MomentumOptimizer(0.1, 0.9), momentum),
    (lambda: tf.train.AdamOptimizer(0.1), adam),
    (lambda: tf.train.AdagradOptimizer(0.3), adagrad),
    (lambda: tf.train.RMSPropOptimizer(0.02, 0.8, 0.5, 1e-6), rmsprop),
    (lambda: tf.train.FtrlOptimizer(0.3, l1_regularization_strength=0.01, l2_regularization_strength=0.02), ftrl),
], ids=lambda p: getattr(p, "__name__", ""))
def test_sparse_update(sess, make, formula):
    table, ids = tf.Variable(TABLE, name="table"), tf.placeholder(tf.int32, [None])
    train = make().minimize(tf.reduce_sum(tf.square(tf.gather(table, ids) - 0.5)))
    sess.run(tf.global_variables_initializer())
    w, state = TABLE.astype(np.float64), {}
    for t, rows in enumerate(STEPS, 1):
        sess.run(train, {ids: rows})
        g = np.zeros_like(w)
        np.add.at(g, rows, 2 * (w[rows] - 0.5))
        formula(w, g, sorted(set(rows)), state, t)
        np.testing.assert_allclose(sess.run(table), w, rtol=1e-4, atol=1e-5)


def test_the_gradient_is_indexed_slices(sess):
    v = tf.Variable(np.ones((5, 2), np.float32))
    y = tf.reduce_sum(tf.gather(v, [1, 1, 3]) * 2.0) + tf.reduce_sum(tf.gather(v, [[0, 1]]))
    g, = tf.gradients(y, v)
    assert isinstance(g, tf.IndexedSlices) and g.shape == [5, 2]
    dense, mixed = tf.convert_to_tensor(g), tf.gradients(y + tf.reduce_sum(v * v), v)[0]
    assert isinstance(mixed, tf.Tensor)
    sess.run(tf.global_variables_initializer())
    value, total, both = sess.run([g, dense, mixed])
    assert isinstance(value, tf.IndexedSlicesValue) and list(value.dense_shape) == [5, 2]
    np.testing.assert_array_equal(np.sort(value.indices), [0, 1, 1, 1, 3])
    np.testing.assert_array_equal(total[:, 0], [1, 5, 0, 2, 0])
    np.testing.assert_array_equal(both, total + 2)


def test_a_user_gets_each_index_once(sess):
    class Plain(tf.train.Optimizer):
        def __init__(self):
            super().__init__(False, "Plain")

        def _apply_dense(self, grad, var):
            return tf.assign_sub(var, grad).op

        def _apply_sparse(self, grad, var):
            return tf.scatter_update(var, grad.indices, -grad.values).op

    v, ids = tf.Variable(np.zeros((4, 2), np.float32)), tf.placeholder(tf.int32, [None])
    train = Plain().minimize(tf.reduce_sum(tf.gather(v, ids)))
    sess.run(tf.global_variables_initializer())
    sess.run(train, {ids: [1, 1, 3]})
    np.testing.assert_array_equal(sess.run(v)[:, 0], [0, -2, 0, -1])


def test_rows_and_parts_of_variables(sess):
    v = tf.Variable(tf.zeros([3, 3]))
    swapped = tf.scatter_update(v, [2, 1, 0], v)
    steps = [v[1, :2].assign([5.0, 6.0]), v[:, 2].assign([1.0, 2.0, 3.0]),
             v.scatter_nd_add([[0, 0], [2, 2]], [10.0, 20.0]), tf.scatter_sub(v, [0, 0], [[1.0, 0, 0]] * 2), swapped]
    sess.run(tf.global_variables_initializer())
    for step in steps:
        result = sess.run(step)
    np.testing.assert_array_equal(result, [[0, 0, 23], [5, 6, 2], [8, 0, 1]])
    np.testing.assert_array_equal(sess.run(v), result)
    with pytest.raises(tf.errors.InvalidArgumentError, match="3"):
        sess.run(tf.scatter_add(v, [3], [[1.0, 1.0, 1.0]]))
    with pytest.raises(ValueError, match="ScatterAdd"):
        tf.scatter_add(v, [0], [[1.0, 1.0]])
    with pytest.raises(AttributeError, match="assign"):
        tf.constant([1.0])[0].assign(2.0)


def test_constraint(sess):
    w = tf.Variable([1.0, -1.0], constraint=lambda x: tf.maximum(x, 0.0))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(w))
    sess.run(tf.global_variables_initializer())
    sess.run(train)
    np.testing.assert_array_equal(sess.run(w), [0.5, 0])
    with pytest.raises(RuntimeError, match="sparse variable"):
        tf.train.GradientDescentOptimizer(0.5).minimize(tf.gather(w, [0]))


def test_asking_for_variables(sess):
    a, b, n = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b"), tf.Variable(0, name="n")
    copy = tf.Variable(a.initialized_value() * 3.0, name="copy")
    missing, count = tf.report_uninitialized_variables(), tf.count_up_to(n, 2)
    assert sess.run(missing).tolist() == [b"a", b"b", b"n", b"copy"] and not sess.run(tf.is_variable_initialized(a))
    sess.run([a.initializer, n.initializer])
    assert sess.run(missing).tolist() == [b"b", b"copy"]
    sess.run(tf.assign(a, 5.0))
    sess.run(copy.initializer)
    assert sess.run(copy) == 15  # from what the variable holds, not from its initial value
    assert [sess.run(count), sess.run(count)] == [0, 1]
    with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
        sess.run(count)
    with pytest.raises(tf.errors.FailedPreconditionError, match="b"):
        sess.run(tf.assert_variables_initialized([b]))


def test_partial_run():
    a, b, c = (tf.placeholder(tf.float32, []) for _ in range(3))
    first = a + b + tf.random_uniform([])
    second = first * c
    with tf.Session() as session:
        handle = session.partial_run_setup([first, second], [a, b, c])
        x = session.partial_run(handle, first, {a: 1, b: 2})
        assert session.partial_run(handle, second, {c: 2}) == 2 * x  # the random number is not drawn again
        with pytest.raises(tf.errors.InvalidArgumentError, match="already been fetched"):
            session.partial_run(handle, first)


@pytest.mark.parametrize("clip", [
    lambda g: tf.clip_by_norm(g, 0.5), lambda g: tf.clip_by_value(g, -0.5, 0.5),
    lambda g: tf.clip_by_global_norm([g], 0.5)[0][0]])
def test_clipped_slices_stay_slices(sess, clip):
    w = tf.Variable(TABLE)
    ids = tf.placeholder(tf.int32, [None])
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    [(g, _)] = optimizer.compute_gradients(tf.reduce_sum(tf.square(tf.gather(w, ids))), [w])
    clipped = clip(g)
    step = optimizer.apply_gradients([(clipped, w)])
    sess.run(tf.global_variables_initializer())
    values, result, norm = sess.run([g.values, clipped.values, tf.global_norm([g])], {ids: [1, 2, 1]})
    np.testing.assert_allclose(norm, np.linalg.norm(values), rtol=1e-6)  # an index that is there twice counts twice
    assert result.shape == (3, 3) and np.abs(result).max() <= 0.5
    sess.run(step, {ids: [1, 2, 1]})
    before = sess.run(w)
    sess.run(step, {ids: [3]})
    assert (sess.run(w) != before).any(axis=1).tolist() == [False, False, False, True, False]  # no momentum elsewhere
