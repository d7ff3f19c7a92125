"""Optimizers against their formulas in NumPy, their slots and names, and learning rates that fall."""
from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as tf
from graphflow.training import training_ops

STEPS = 6
START = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
TARGET = np.array([[0.0, 1.0], [2.0, -1.0]], np.float32)


def gradient(w):
    return w - TARGET


def sgd(w, g, state, t):
    return w - 0.3 * g


def momentum(w, g, state, t):
    state["a"] = 0.9 * state.get("a", 0) + g
    return w - 0.1 * state["a"]


def nesterov(w, g, state, t):
    state["a"] = 0.9 * state.get("a", 0) + g
    return w - 0.1 * (g + 0.9 * state["a"])


def adam(w, g, state, t):
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
    return w - 0.05 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * state["m"] / (np.sqrt(state["v"]) + 1e-8)


def adagrad(w, g, state, t):
    state["a"] = state.get("a", 0.1) + g * g
    return w - 0.3 * g / np.sqrt(state["a"])


def rmsprop(w, g, state, t):
    state["r"] = 0.8 * state.get("r", 1.0) + 0.2 * g * g
    state["m"] = 0.9 * state.get("m", 0) + 0.02 * g / np.sqrt(state["r"] + 1e-6)
    return w - state["m"]


def rmsprop_centered(w, g, state, t):
    state["r"] = 0.9 * state.get("r", 1.0) + 0.1 * g * g
    state["g"] = 0.9 * state.get("g", 0) + 0.1 * g
    return w - 0.02 * g / np.sqrt(state["r"] - state["g"] ** 2 + 1e-10)


def adadelta(w, g, state, t):
    state["a"] = 0.9 * state.get("a", 0) + 0.1 * g * g
    step = np.sqrt(state.get("s", 0) + 1e-4) / np.sqrt(state["a"] + 1e-4) * g
    state["s"] = 0.9 * state.get("s", 0) + 0.1 * step * step
    return w - 0.5 * step


OPTIMIZERS = [
    (lambda: tf.train.GradientDescentOptimizer(0.3), sgd, []),
    (lambda: tf.train.MomentumOptimizer(0.1, 0.9), momentum, ["w/Momentum:0"]),
    (lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True), nesterov, ["w/Momentum:0"]),
    (lambda: tf.train.AdamOptimizer(0.05), adam, ["beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0"]),
    (lambda: tf.train.AdagradOptimizer(0.3), adagrad, ["w/Adagrad:0"]),
    (lambda: tf.train.RMSPropOptimizer(0.02, 0.8, 0.9, 1e-6), rmsprop, ["w/RMSProp:0", "w/RMSProp_1:0"]),
    (lambda: tf.train.RMSPropOptimizer(0.02, centered=True), rmsprop_centered,
     ["w/RMSProp:0", "w/RMSProp_1:0", "w/RMSProp_2:0"]),
    (lambda: tf.train.AdadeltaOptimizer(0.5, 0.9, 1e-4), adadelta, ["w/Adadelta:0", "w/Adadelta_1:0"]),
]


def quadratic(w):
    return tf.reduce_sum(tf.square(w - TARGET)) * 0.5


@pytest.mark.parametrize(("make", "formula", "slots"), OPTIMIZERS, ids=lambda p: getattr(p, "__name__", ""))
def test_formula(sess, make, formula, slots):
    w = tf.Variable(START, name="w")
    train = make().minimize(quadratic(w))
    assert [v.name for v in tf.global_variables()] == ["w:0", *slots]
    assert tf.trainable_variables() == [w]
    sess.run(tf.global_variables_initializer())
    expected, state = START.astype(np.float64), {}
    for t in range(1, STEPS + 1):
        sess.run(train)
        expected = formula(expected, gradient(expected), state, t)
        np.testing.assert_allclose(sess.run(w), expected, rtol=2e-5, atol=1e-6)


def test_learning_rate_may_be_fed_or_called(sess):
    rate, w, v = tf.placeholder(tf.float32, []), tf.Variable(1.0), tf.Variable(1.0)
    fed = tf.train.GradientDescentOptimizer(rate).minimize(0.5 * w * w)
    called = tf.train.MomentumOptimizer(lambda: 0.5, tf.constant(0.0)).minimize(0.5 * v * v)
    sess.run(tf.global_variables_initializer())
    sess.run(fed, {rate: 0.25})
    sess.run(called)
    assert sess.run([w, v]) == [0.75, 0.5]


def test_float64_variables_keep_their_type(sess):
    w = tf.Variable(np.array([1.0]))
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w))
    sess.run(tf.global_variables_initializer())
    sess.run(train)
    assert sess.run(w).dtype == np.float64
    np.testing.assert_allclose(sess.run(w), [0.9], rtol=1e-6)


def test_names_and_collections():
    w = tf.Variable(1.0, name="w")
    optimizer = tf.train.AdamOptimizer()
    train = optimizer.minimize(w * w)
    again = tf.train.GradientDescentOptimizer(0.1).minimize(w * w, name="descend")
    assert (train.name, again.name, optimizer.get_name()) == ("Adam", "descend", "Adam")
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP) == [train, again]


def test_slots():
    w, v = tf.Variable([1.0], name="w"), tf.Variable([1.0], name="v")
    optimizer = tf.train.AdamOptimizer()
    with tf.variable_scope("model", initializer=tf.ones_initializer(), regularizer=tf.reduce_sum):
        optimizer.minimize(tf.reduce_sum(w), var_list=[w])
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "m").name == "model/w/Adam:0" and optimizer.get_slot(v, "m") is None
    assert optimizer.get_slot(w, "momentum") is None
    assert [s.name for s in optimizer.variables()] == [
        "model/beta1_power:0", "model/beta2_power:0", "model/w/Adam:0", "model/w/Adam_1:0"]
    assert tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES) == []


def test_one_optimizer_updates_twice(sess):
    w, v = tf.Variable(1.0), tf.Variable(1.0)
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    first, second = optimizer.minimize(w), optimizer.minimize(w + v)
    assert len(optimizer.variables()) == 2
    sess.run(tf.global_variables_initializer())
    sess.run(first)
    sess.run(second)
    np.testing.assert_allclose(sess.run([w, v]), [1 - 0.1 - 0.19, 0.9], rtol=1e-6)


def test_an_update_after_another_sees_its_result(sess):
    w = tf.Variable(1.0)
    loss = 1.0 * w
    with tf.control_dependencies([tf.train.GradientDescentOptimizer(0.25).minimize(loss)]):
        second = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    sess.run(tf.global_variables_initializer())
    sess.run(second)
    assert sess.run(w) == 0.25


def test_gradients_may_be_changed_between(sess):
    w, unused = tf.Variable([3.0, 4.0]), tf.Variable(1.0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(0.5 * tf.reduce_sum(w * w))
    assert [g is None for g, _ in pairs] == [False, True] and [v for _, v in pairs] == [w, unused]
    clipped, norm = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
    train = optimizer.apply_gradients(zip(clipped, [w, unused], strict=True))
    sess.run(tf.global_variables_initializer())
    assert sess.run([norm, train])[0] == 5
    np.testing.assert_allclose(sess.run(w), [2.4, 3.2], rtol=1e-6)


def test_global_step(sess):
    assert tf.train.get_global_step() is None
    step = tf.train.get_or_create_global_step()
    assert tf.train.get_or_create_global_step() is step is tf.train.get_global_step()
    assert (step.name, step.dtype) == ("global_step:0", tf.int64) and step not in tf.trainable_variables()
    w = tf.Variable(1.0)
    train = tf.train.AdamOptimizer().minimize(w * w, global_step=step)
    assert train.name == "Adam" and train.type == "AssignAdd"
    sess.run(tf.global_variables_initializer())
    for _ in range(3):
        sess.run(train)
    assert tf.train.global_step(sess, step) == 3
    with pytest.raises(ValueError, match="already exists"):
        tf.train.create_global_step()
    with pytest.raises(TypeError, match="integer"):
        tf.train.assert_global_step(w)


def minimize(loss, **options):
    return tf.train.GradientDescentOptimizer(0.1).minimize(loss, **options)


@pytest.mark.parametrize(("build", "error", "text"), [
    (lambda w: minimize(tf.constant(1.0)), ValueError, "No gradients provided for any variable"),
    (lambda w: minimize(w, var_list=[]), ValueError, "No variables to optimize"),
    (lambda w: minimize(w, var_list=[tf.constant(1.0)]), TypeError, "not a variable"),
    (lambda w: minimize(tf.cast(w, tf.int32)), ValueError, "Invalid type int32"),
    (lambda w: minimize(w, gate_gradients=7), ValueError, "gate_gradients"),
    (lambda w: minimize(w, learning_rate=1), TypeError, "learning_rate"),
    (lambda w: tf.train.GradientDescentOptimizer(0.1, name=""), ValueError, "Must specify the optimizer name"),
    (lambda w: tf.train.AdamOptimizer(lr=0.1), TypeError, "lr"),
    (lambda w: tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.0), ValueError, "must be positive"),
    (lambda w: tf.train.AdamOptimizer().apply_gradients([]), ValueError, "No variables provided"),
    (lambda w: tf.train.AdamOptimizer().apply_gradients([(None, w)]), ValueError, "No gradients provided"),
    (lambda w: tf.train.AdamOptimizer().apply_gradients([([1.0, 2.0], w)]), ValueError, "type of its variable"),
])
def test_errors(build, error, text):
    with pytest.raises(error, match=text):
        build(tf.Variable(1.0))


@pytest.mark.parametrize(("make", "formula"), [
    (lambda s: tf.train.exponential_decay(0.1, s, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10)),
    (lambda s: tf.train.exponential_decay(0.1, s, 10, 0.5, staircase=True), lambda t: 0.1 * 0.5 ** (t // 10)),
    (lambda s: tf.train.natural_exp_decay(0.1, s, 10, 0.5), lambda t: 0.1 * math.exp(-0.5 * t / 10)),
    (lambda s: tf.train.inverse_time_decay(0.1, s, 10, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 10)),
    (lambda s: tf.train.polynomial_decay(0.1, s, 20, 0.01, power=2.0),
     lambda t: 0.09 * (1 - min(t, 20) / 20) ** 2 + 0.01),
    (lambda s: tf.train.polynomial_decay(0.1, s, 20, 0.01, cycle=True),
     lambda t: 0.09 * (1 - t / (20 * max(math.ceil(t / 20), 1))) + 0.01),
    (lambda s: tf.train.cosine_decay(0.1, s, 20, 0.1),
     lambda t: 0.1 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(t, 20) / 20)) + 0.1)),
    (lambda s: tf.train.piecewise_constant(s, [5, 20], [1.0, 0.5, 0.1]),
     lambda t: 1.0 if t <= 5 else 0.5 if t <= 20 else 0.1),
])
def test_learning_rate_decay(sess, make, formula):
    step = tf.placeholder(tf.int64, [])
    rate = make(step)
    for t in (0, 5, 6, 10, 15, 20, 33):
        np.testing.assert_allclose(sess.run(rate, {step: t}), formula(t), rtol=1e-5)


def test_adam_takes_a_learning_rate_of_another_dtype(sess):
    """A schedule over a float64 step, as detection programs have, with float32 weights."""
    w = tf.Variable([1.0, 2.0])
    train = tf.train.AdamOptimizer(tf.constant(0.1, tf.float64)).minimize(tf.reduce_sum(w * w))
    sess.run(tf.global_variables_initializer())
    sess.run(train)
    np.testing.assert_allclose(sess.run(w), [0.9, 1.9], rtol=1e-5)


def test_minimize_names_the_arguments_of_methods_that_a_subclass_overrides(sess):
    class Doubled(tf.train.GradientDescentOptimizer):
        def compute_gradients(self, loss, var_list=None, **kwargs):
            return ((2 * g, v) for g, v in super().compute_gradients(loss, var_list, **kwargs))

        def apply_gradients(self, grads_and_vars, name=None, global_step=None):
            return super().apply_gradients(grads_and_vars, global_step, name)

    x = tf.Variable(1.0)
    step = Doubled(0.25).minimize(x * x)
    sess.run(tf.global_variables_initializer())
    sess.run(step)
    assert sess.run(x) == 0.0


@pytest.mark.parametrize("optimizer, update", [
    (tf.train.GradientDescentOptimizer(0.1), lambda w, s, g: training_ops.apply_gradient_descent(w, 0.1, g)),
    (tf.train.MomentumOptimizer(0.1, 0.9), lambda w, s, g: training_ops.apply_momentum(w, s(0.0), 0.1, g, 0.9)),
    (tf.train.AdagradOptimizer(0.1), lambda w, s, g: training_ops.apply_adagrad(w, s(0.1), 0.1, g)),
    (tf.train.RMSPropOptimizer(0.1, 0.8, 0.5),
     lambda w, s, g: training_ops.apply_rms_prop(w, s(1.0), s(0.0), 0.1, 0.8, 0.5, 1e-10, g)),
    (tf.train.AdadeltaOptimizer(0.1),
     lambda w, s, g: training_ops.apply_adadelta(w, s(0.0), s(0.0), 0.1, 0.95, 1e-8, g)),
    (tf.train.AdamOptimizer(0.1),
     lambda w, s, g: training_ops.apply_adam(w, s(0.0), s(0.0), 0.9, 0.999, 0.1, 0.9, 0.999, 1e-8, g))])
def test_the_updates_that_optimizers_are_made_of(optimizer, update):
    with tf.Graph().as_default(), tf.Session() as session:
        grad = tf.constant([0.3, -0.2])
        wanted, found = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0])
        step = optimizer.apply_gradients([(grad, wanted)])
        new = update(found, lambda v: tf.Variable([v, v]), grad)
        session.run(tf.global_variables_initializer())
        session.run([step, new.op])
        np.testing.assert_allclose(*session.run([found, wanted]), rtol=1e-5)


def test_averages_count_the_update_that_they_wait_for():
    v, step = tf.Variable(1.0), tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(1.0).minimize(-v, step)
    averages = tf.train.ExponentialMovingAverage(0.9, step)
    with tf.control_dependencies([train]):
        update = averages.apply([v])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        expected = 1.0
        for n in (1, 2, 3):
            session.run(update)
            decay = (1 + n) / (10 + n)
            expected = decay * expected + (1 - decay) * (1 + n)
            assert session.run(averages.average(v)) == pytest.approx(expected, rel=1e-6)
