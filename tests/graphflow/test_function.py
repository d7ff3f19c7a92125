"""tf.function: traces and when they are made, effects in order, gradients, training, methods, errors."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


@pytest.fixture(autouse=True)
def eagerly():
    with tf.eager():
        yield


def test_one_trace_serves_all_batches():
    traced = []

    @tf.function
    def rows(x, factor=2):
        traced.append(x.shape.as_list())
        return tf.reduce_sum(x * factor, -1)

    assert [rows(np.ones((n, 4), np.float32)).numpy().tolist() for n in (3, 5, 1)] == [[8] * 3, [8] * 5, [8]]
    assert traced == [[None, 4]] and rows.experimental_get_tracing_count() == 1
    assert rows(tf.ones([2, 4]), factor=3).numpy().tolist() == [12, 12] and len(traced) == 2

    @tf.function
    def parts(x):
        return [p * 2 for p in tf.unstack(x)]

    assert [p.numpy() for p in parts(tf.constant([1.0, 2.0]))] == [2, 4]
    assert len(parts(tf.constant([1.0, 2.0, 3.0]))) == 3


def test_effects_happen_in_order():
    v = tf.Variable(1.0)

    @tf.function
    def change():
        before = v + 0.0
        v.assign_add(1.0)
        between = v + 0.0
        v.assign(between * 10.0)
        return before, between, v.read_value()

    assert [t.numpy() for t in change()] == [1, 2, 20] and v.numpy() == 20
    assert [t.numpy() for t in change()] == [20, 21, 210]


def test_gradients_through_it():
    w, x = tf.Variable([[1.0], [2.0]]), np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)

    def loss(x):
        return tf.reduce_mean(tf.square(tf.matmul(x, w)))

    found = []
    for f in (loss, tf.function(loss)):
        t = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(t)
            value = f(t) * 2
        found.append([value.numpy(), *(g.numpy() for g in tape.gradient(value, [w, t]))])
    for direct, compiled in zip(*found, strict=True):
        np.testing.assert_allclose(direct, compiled, rtol=1e-6)


def test_a_training_step():
    w, optimizer = tf.Variable([[1.0], [2.0]]), tf.train.AdamOptimizer(0.1)
    x = np.random.default_rng(0).standard_normal((16, 2)).astype(np.float32)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - y))
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    for _ in range(300):
        loss = step(x, x @ np.array([[3.0], [4.0]], np.float32))
    assert loss.numpy() < 1e-6 and step.experimental_get_tracing_count() == 1
    np.testing.assert_allclose(w.numpy(), [[3], [4]], atol=1e-3)


def test_control_flow_and_methods():
    class Counter:
        def __init__(self):
            self.total = tf.Variable(0.0)

        @tf.function
        def add(self, x):
            self.total.assign_add(tf.cond(x > 0, lambda: x, lambda: -x))
            return self.total.value()

    first, second = Counter(), Counter()
    assert [first.add(tf.constant(v)).numpy() for v in (2.0, -3.0)] == [2, 5]
    assert second.add(tf.constant(1.0)).numpy() == 1

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def total(x):
        return tf.while_loop(lambda i, s: i < tf.size(x), lambda i, s: (i + 1, s + x[i]), [0, 0.0])[1]

    assert total([1.0, 2.0]).numpy() == 3 and total([4.0]).numpy() == 4
    with pytest.raises(ValueError, match="input_signature"):
        total(tf.ones([2, 2]))


def test_mistakes():
    @tf.function
    def branches(x):
        return x if x > 0 else -x

    with pytest.raises(TypeError, match="cond"):
        branches(tf.constant(1.0))

    @tf.function
    def squared(x, n):
        return x * n

    with pytest.warns(UserWarning, match="traced 5 times"):
        for n in range(5):
            squared(tf.constant(1.0), n)


def test_in_a_graph_it_adds_to_that():
    double = tf.function(lambda x: x * 2)
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(double(tf.constant(2.0))) == 4
