"""Values computed again for their gradients: the same numbers with fewer bytes alive."""
from __future__ import annotations

import contextlib

import numpy as np
import pytest
from graphflow.runtime import plan

import graphflow as tf
from graphflow import keras

random = np.random.RandomState(0)
X = random.randn(64, 16).astype("float32")
WEIGHTS = [[random.randn(16, 16).astype("float32") * 0.3 for _ in range(3)] for _ in range(4)]


@pytest.fixture
def peaks(monkeypatch):
    """The peak of live bytes of each plan that is made."""
    from graphflow.compiler.memory import live_peak, plan_memory

    found = []
    monkeypatch.setattr(plan, "plan_memory", lambda lives: (found.append(live_peak(lives)), plan_memory(lives))[1])
    return found


def run(wrap):
    """Loss and gradients of blocks of three layers."""
    def block(weights):
        def f(h, scale):
            x = h
            for w in weights:
                h = tf.tanh(tf.matmul(h, w)) * scale
                h = tf.nn.dropout(h, keep_prob=0.8, seed=3)
            return {"sum": h + x}
        return wrap(f)

    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 16])
        variables = [[tf.Variable(w) for w in weights] for weights in WEIGHTS]
        h = x
        for weights in variables:
            h = block(weights)(h, scale=2.0)["sum"]
        loss = tf.reduce_mean(h * h)
        flat = [x, *sum(variables, [])]
        grads = tf.gradients(loss, flat)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return session.run([loss, *grads], {x: X})


def test_a_function_is_computed_again(peaks):
    plain = run(lambda f: f)
    kept = peaks[-1]
    again = run(tf.recompute_grad)
    assert peaks[-1] < 0.6 * kept
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6)


def test_within_a_loop_and_another_and_twice():
    def plainly(h):
        return tf.sin(tf.exp(h) * w) + h

    def nested(h):
        return tf.recompute_grad(lambda v: tf.sin(tf.exp(v) * w))(h) + h

    x, w = tf.constant(X[:3]), tf.constant(0.5)
    results = []
    for f in (plainly, tf.recompute_grad(nested)):
        y = tf.while_loop(lambda i, h: i < 3, lambda i, h, f=f: (i + 1, f(h)), [0, x])[1]
        first = tf.gradients(f(f(x)), [x, w])
        results.append([*tf.gradients(y, [x, w]), *first, *tf.gradients(tf.reduce_sum(first[0] ** 2), [x])])
    with tf.Session() as session:
        plain, again = session.run(results)
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-4)


class Block(keras.layers.Layer):
    def __init__(self, wrap, **kwargs):
        super().__init__(**kwargs)
        layers = keras.layers
        self.inner = keras.Sequential([
            layers.Dense(64, activation="gelu"), layers.LayerNormalization(), layers.BatchNormalization(),
            layers.Dropout(0.1, seed=1), layers.Dense(16)])
        self.wrap = wrap

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x, training=None):
        return x + self.wrap(self.inner)(x, training=training)


def fit(scope, wrap):
    keras.utils.set_random_seed(1)
    with scope:
        model = keras.Sequential([keras.Input((16,)), *(Block(wrap) for _ in range(3)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    losses = [float(model.train_on_batch(X, X[:, :1])) for _ in range(3)]
    return losses, model.get_weights()


def test_layers_are_computed_again(peaks):
    losses, weights = fit(contextlib.nullcontext(), lambda f: f)
    kept = max(peaks)
    for scope, wrap in ((contextlib.nullcontext(), keras.remat), (keras.RematScope(), lambda f: f)):
        peaks.clear()
        losses_again, weights_again = fit(scope, wrap)
        assert max(peaks) < 0.95 * kept
        np.testing.assert_allclose(losses_again, losses, rtol=1e-4)
        for a, b in zip(weights, weights_again, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-5)


def test_a_scope_names_its_layers():
    with keras.RematScope("list_of_layers", layer_names=["named"]):
        named, other = keras.layers.Dense(2, name="named"), keras.layers.Dense(2, name="other")
    x = tf.constant(X)
    assert named(x).op.type == "IdentityN" and other(x).op.type != "IdentityN"
