"""tf.contrib.opt: formulas in NumPy, and what wraps other optimizers."""
from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib import opt

START = np.array([[1.0, -2.0], [0.5, 3.0]])


def adamw(w, g, s, t):
    s["m"], s["v"] = 0.9 * s.get("m", 0) + 0.1 * g, 0.999 * s.get("v", 0) + 0.001 * g * g
    rate = 0.05 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
    return w * 0.99 - rate * s["m"] / (np.sqrt(s["v"]) + 1e-8)


def nadam(w, g, s, t):
    s["m"], s["v"] = 0.9 * s.get("m", 0) + 0.1 * g, 0.999 * s.get("v", 0) + 0.001 * g * g
    rate = 0.05 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
    return w - rate * (0.9 * s["m"] + 0.1 * g) / (np.sqrt(s["v"]) + 1e-8)


def adamax(w, g, s, t):
    s["m"], s["v"] = 0.9 * s.get("m", 0) + 0.1 * g, np.maximum(0.999 * s.get("v", 0), np.abs(g))
    return w - 0.05 / (1 - 0.9 ** t) * s["m"] / (s["v"] + 1e-8)


def addsign(w, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    return w - 0.05 * (1 + np.sign(g) * np.sign(s["m"])) * g


def powersign(w, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    return w - 0.05 * np.exp(np.sign(g) * np.sign(s["m"])) * g


def lars(w, g, s, t):
    norms = np.linalg.norm(w), np.linalg.norm(g)
    rate = 0.5 * 0.001 * norms[0] / (norms[1] + 0.0001 * norms[0])
    s["a"] = 0.9 * s.get("a", 0) + g + 0.0001 * w
    return w - rate * s["a"]


@pytest.mark.parametrize(("make", "formula"), [
    (lambda: opt.AdamWOptimizer(0.01, 0.05), adamw), (lambda: opt.NadamOptimizer(0.05), nadam),
    (lambda: opt.AdaMaxOptimizer(0.05), adamax), (lambda: opt.AddSignOptimizer(0.05), addsign),
    (lambda: opt.PowerSignOptimizer(0.05), powersign), (lambda: opt.LARSOptimizer(0.5), lars),
], ids=lambda p: getattr(p, "__name__", ""))
def test_formula(sess, make, formula):
    w = tf.Variable(START.astype(np.float32), name="w")
    train = make().minimize(0.5 * tf.reduce_sum(tf.square(w - 1.0)))
    sess.run(tf.global_variables_initializer())
    expected, state = START, {}
    for t in range(1, 5):
        sess.run(train)
        expected = formula(expected, expected - 1, state, t)
        np.testing.assert_allclose(sess.run(w), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: opt.LazyAdamOptimizer(0.1), lambda: opt.NadamOptimizer(0.1),
                                  lambda: opt.AdaMaxOptimizer(0.1), lambda: opt.AdamWOptimizer(0.01, 0.1)])
def test_a_sparse_gradient_of_all_rows_is_the_dense_one(sess, make):
    a, b = tf.Variable(START.astype(np.float32)), tf.Variable(START.astype(np.float32))
    dense = make().minimize(tf.reduce_sum(tf.square(a)))
    sparse = make().minimize(tf.reduce_sum(tf.square(tf.gather(b, [1, 0]))))
    sess.run(tf.global_variables_initializer())
    for _ in range(3):
        sess.run([dense, sparse])
    np.testing.assert_allclose(*sess.run([a, b]), rtol=1e-5)


def test_decay_of_some(sess):
    w, v = tf.Variable(1.0), tf.Variable(1.0)
    made = opt.extend_with_decoupled_weight_decay(tf.train.GradientDescentOptimizer)(0.5, learning_rate=0.0)
    train = made.minimize(w + v, decay_var_list=[w])
    sess.run(tf.global_variables_initializer())
    sess.run(train)
    assert sess.run([w, v]) == [0.5, 1]


def test_averages_change_names(tmp_path):
    v = tf.Variable(2.0, name="v")
    optimizer = opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(1.0), average_decay=0.5)
    train = optimizer.minimize(v)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        prefix = optimizer.swapping_saver().save(session, str(tmp_path / "m"))
    assert tf.train.load_variable(prefix, "v") == 1.5
    assert tf.train.load_variable(prefix, "v/ExponentialMovingAverage") == 1


def test_clipped_variables_and_idle_tasks(sess):
    v, w = tf.Variable([[3.0, 4.0], [0.3, 0.4]]), tf.Variable(1.0)
    clipped = opt.VariableClippingOptimizer(tf.train.GradientDescentOptimizer(0.0), {v: [1]}, 1.0)
    train = clipped.minimize(tf.reduce_sum(v))
    on = tf.placeholder(tf.float32, [])
    task = opt.MultitaskOptimizerWrapper(tf.train.MomentumOptimizer(1.0, 0.5)).minimize(on * w, var_list=[w])
    sess.run(tf.global_variables_initializer())
    sess.run(train)
    np.testing.assert_allclose(sess.run(v), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    for value in (1.0, 0.0, 1.0):
        sess.run(task, {on: value})
    assert sess.run(w) == 1 - 1 - 1.5


def test_scipy():
    pytest.importorskip("scipy")
    v = tf.Variable([7.0, 7.0])
    losses = []
    free = opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(v - [1.0, 2.0])), options={"maxiter": 50})
    bound = opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(v)), var_to_bounds={v: ([1.0, 2.0], np.inf)})
    tied = opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(v)), equalities=[v[0] + v[1] - 2.0])
    with tf.Session() as session:
        session.run(v.initializer)
        free.minimize(session, fetches=[v], loss_callback=losses.append)
        np.testing.assert_allclose(session.run(v), [1, 2], atol=1e-4)
        assert len(losses) > 1 and losses[0].tolist() == [7, 7]
        bound.minimize(session)
        np.testing.assert_allclose(session.run(v), [1, 2], atol=1e-4)
        tied.minimize(session)
        np.testing.assert_allclose(session.run(v), [1, 1], atol=1e-4)
