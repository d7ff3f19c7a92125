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


def test_effects_in_branches_and_loops():
    v, u = tf.Variable(1.0), tf.Variable(2.0)

    @tf.function
    def change(x):
        def doubled():
            u.assign(10.0)
            u.assign_add(u + 1.0)
            return u * 2.0

        def counted(i):
            v.assign_add(1.0)
            return i + 1

        tf.cond(x > 0, lambda: v.assign_add(5.0), lambda: v.assign(0.0))  # whose results nobody uses
        between = v.read_value()
        tf.while_loop(lambda i: i < 3, counted, [0])
        return between, v + 0.0, tf.cond(x > 0, doubled, lambda: u + 0.0), u + 0.0

    assert [t.numpy() for t in change(tf.constant(1.0))] == [6, 9, 42, 21] and v.numpy() == 9
    assert [t.numpy() for t in change(tf.constant(-1.0))] == [0, 3, 21, 21] and u.numpy() == 21


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


def test_the_gradient_uses_what_the_function_computed():
    runs = []

    def noted(x):
        runs.append(1)
        return x

    @tf.function
    def f(x):
        noisy = tf.nn.dropout(x, rate=0.5)
        return tf.py_func(noted, [noisy], tf.float32) * 0.0 + noisy

    x = tf.ones([100])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())
    assert len(runs) == 1


def test_gradients_of_gradients_and_of_captured_values():
    v, x = tf.Variable(3.0), tf.constant(2.0)

    def plain():
        y = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a * tf.sin(x)), [0, v * x])[1]
        return tf.cond(y > 100, lambda: y, lambda: y * x)

    found = []
    for f in (plain, tf.function(plain)):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f()
            slope = inner.gradient(y, x)
        found.append([y.numpy(), slope.numpy(), *(g.numpy() for g in outer.gradient(slope, [x, v]))])
    np.testing.assert_allclose(*found, rtol=1e-5)

    @tf.function
    def inside():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x * v
        assert tape.watched_variables() == (v,)
        return tape.gradient(y, [x, v])

    assert [g.numpy() for g in inside()] == [12, 4]


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

    with pytest.raises(TypeError, match=r"cond\(\).*while_loop\(\).*test_function.py.*in branches"):
        branches(tf.constant(1.0))

    @tf.function
    def squared(x, n):
        return x * n

    with pytest.warns(UserWarning, match="traced 5 times, the last time because n is 4, and was 3"):
        for n in range(5):
            squared(tf.constant(1.0), n)


def test_concrete_functions():
    both = tf.function(lambda x, y: {"sum": x + y, "rest": [x * y, None]})
    concrete = both.get_concrete_function(tf.TensorSpec([None, 2]), tf.TensorSpec([]))
    result = concrete(tf.ones([3, 2]), tf.constant(2.0))
    assert result["sum"].numpy().shape == (3, 2) and result["rest"][1] is None
    assert both(tf.zeros([1, 2]), tf.constant(1.0))["sum"].numpy().tolist() == [[1, 1]]
    assert both.experimental_get_tracing_count() == 1
    tf.config.run_functions_eagerly(True)
    try:
        seen = []
        tf.function(seen.append)(tf.constant(1.0))
        assert seen[0].numpy() == 1
    finally:
        tf.config.run_functions_eagerly(False)


def test_in_a_graph_it_adds_to_that():
    double = tf.function(lambda x: x * 2)
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(double(tf.constant(2.0))) == 4
