"""Eager execution: values at once, variables, gradients, training, and what is not possible there."""
from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib import eager as tfe


@pytest.fixture(autouse=True)
def eagerly():
    with tf.eager():
        yield


def test_values():
    a = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    assert (a @ a).numpy().tolist() == [[7, 10], [15, 22]]
    assert tf.executing_eagerly() and float(a[0, 1]) == 2 and len(a) == 2 and bool(tf.reduce_all(a > 0))
    assert [int(v) for v in tf.range(tf.constant(3))] == [0, 1, 2] == list(range(tf.constant(3)))
    assert str(tf.constant(1.5)) == "tf.Tensor(1.5, shape=(), dtype=float32)"
    assert str(tf.constant([[1], [2]])) == "tf.Tensor(\n[[1]\n [2]], shape=(2, 1), dtype=int32)"
    assert repr(tf.constant([[1], [2]])).splitlines()[1:] == ["array([[1],", "       [2]], dtype=int32)>"]
    assert "numpy=array([1., 2.]" in repr(a[0])
    assert tf.boolean_mask(a, a > 2).numpy().tolist() == [3, 4]
    assert tf.strings.join(["a", tf.as_string(7)]).numpy() == b"a7"
    np.testing.assert_array_equal(np.asarray(a) + 1, (a + 1).numpy())
    assert a.shape.as_list() == [2, 2] and f"{a[0, 0]:.1f}" == "1.0"


def test_control_flow():
    x = tf.constant(2.0)
    assert tf.cond(x > 1, lambda: x + 1, lambda: 1 / tf.constant(0)).numpy() == 3
    assert [v.numpy() for v in tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + i), [0, 0])] == [5, 10]
    assert tf.while_loop(lambda i: i < 5, lambda i: i + 1, [0], maximum_iterations=2).numpy() == 2
    assert tf.map_fn(lambda v: v * 2, tf.constant([1.0, 2.0])).numpy().tolist() == [2, 4]
    assert tf.scan(lambda a, v: a + v, tf.constant([1, 2, 3])).numpy().tolist() == [1, 3, 6]
    array = tf.TensorArray(tf.float32, 2).write(0, [1.0, 2.0]).write(1, [3.0, 4.0])
    assert array.stack().numpy().tolist() == [[1, 2], [3, 4]]


def test_variables_and_gradients():
    w, frozen = tf.Variable(3.0), tf.Variable(2.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        y = w * w * frozen + 2 * w
    assert tape.gradient(y, w).numpy() == 14 and tape.gradient(y, frozen) is None
    assert tape.gradient(y, [w])[0].numpy() == 14 and tape.watched_variables() == (w,)
    w.assign_add(1.0)
    assert w.numpy() == 4 and w.assign(5.0).numpy() == 5 and (w + 1).numpy() == 6
    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3
        slope = inner.gradient(y, x)
    assert slope.numpy() == 12 and outer.gradient(slope, x).numpy() == 12
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None  # not watched
    with pytest.raises(RuntimeError, match="non-persistent"):
        tape.gradient(y, x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.stack([x, x * x])
    assert tape.jacobian(y, x).numpy().tolist() == [1, 4]
    rows = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(rows)
        y = rows * rows
    assert tape.batch_jacobian(y, rows).numpy().tolist() == [[[2, 0], [0, 4]], [[6, 0], [0, 8]]]


@pytest.mark.parametrize("optimizer", [tf.train.GradientDescentOptimizer(0.1), tf.train.AdamOptimizer(0.1),
                                       tf.train.MomentumOptimizer(0.05, 0.9)])
def test_training(optimizer):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 2)).astype(np.float32)
    y = x @ np.array([[2.0], [-1.0]], np.float32)
    w, step = tf.Variable(tf.zeros([2, 1])), tf.train.get_or_create_global_step()
    for rows in np.array_split(np.arange(64 * 100) % 64, 200):
        optimizer.minimize(lambda rows=rows: tf.reduce_mean(tf.square(tf.matmul(x[rows], w) - y[rows])), step)
    np.testing.assert_allclose(w.numpy(), [[2], [-1]], atol=0.05)
    assert step.numpy() == 200


def test_functions_of_contrib():
    w = tf.Variable(2.0)
    value, ((gradient, variable),) = tfe.implicit_value_and_gradients(lambda x: w * x)(3.0)
    assert (value.numpy(), gradient.numpy(), variable) == (6, 3, w)
    assert [g.numpy() for g in tfe.gradients_function(lambda a, b: a * b)(2.0, 5.0)] == [5, 2]
    assert [g.numpy() for g in tfe.gradients_function(lambda a, b: a * b, params=["b"])(2.0, 5.0, dy=2.0)] == [4]
    with pytest.raises(ValueError, match="params"):
        tfe.gradients_function(lambda a: a, params=["b"])
    with pytest.raises(ValueError, match="No trainable variables"):
        tfe.implicit_gradients(lambda: tf.constant(1.0))()


def test_data_random_numbers_and_layers():
    dataset = tf.data.Dataset.range(5).map(lambda x: x * 2).batch(2)
    assert [b.numpy().tolist() for b in dataset] == [[0, 2], [4, 6], [8]]
    assert iter(dataset).get_next().numpy().tolist() == [0, 2]
    assert [[int(x) for x in window] for window in tf.data.Dataset.range(4).window(2)] == [[0, 1], [2, 3]]
    elements = tfe.Iterator(dataset)
    assert elements.next().numpy().tolist() == [0, 2] and elements.get_next().numpy().tolist() == [4, 6]
    assert [b.numpy().tolist() for b in elements] == [[8]]
    with pytest.raises(tf.errors.OutOfRangeError):
        elements.get_next()
    once = dataset.make_one_shot_iterator()
    assert once.get_next().numpy().tolist() == [0, 2] and once.get_next().numpy().tolist() == [4, 6]
    tf.set_random_seed(1)
    first, second = tf.random_normal([3]).numpy(), tf.random_normal([3]).numpy()
    assert not np.array_equal(first, second)
    tf.set_random_seed(1)
    assert np.array_equal(tf.random_normal([3]).numpy(), first)
    layer = tf.layers.Dense(3)
    assert layer(tf.ones([2, 4])).shape.as_list() == [2, 3] and len(layer.variables) == 2


def test_memory_does_not_grow():
    w = tf.Variable(1.0)
    store = w.graph.session.store
    assert store.value(w.op.name) == 1
    name = w.op.name
    del w
    gc.collect()
    assert store.value(name) is None
    x = tf.constant(1.0)
    for _ in range(5):
        x = x + 1
    assert x.op.inputs == ()


def test_graphs_within():
    value = tf.constant(2.0)
    with tf.Graph().as_default():
        assert not tf.executing_eagerly()
        symbolic = tf.placeholder(tf.float32, [])
        with tf.Session() as session:
            assert session.run(symbolic * value, {symbolic: 3.0}) == 6
    with pytest.raises(ValueError, match="has no value"):
        value + symbolic
    with pytest.raises(RuntimeError, match="not compatible with eager execution"):
        tf.placeholder(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices = 5 is not in \[0, 2\)"):
        tf.gather([1, 2], 5)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.check_numerics(tf.constant(np.nan), "bad").numpy()


def test_functions_know_what_is_around_them():
    @tf.function
    def inside(x):
        seen.append((tf.executing_eagerly(), tf.executing_eagerly_outside_functions()))
        return x

    seen = []
    with tf.eager():
        inside(tf.constant(1))
    assert seen == [(False, True)]


def test_infinity_and_nan_are_values_that_nobody_is_warned_of(recwarn):
    with tf.eager():
        assert np.isposinf((tf.constant(1.0) / 0.0).numpy()) and np.isnan(tf.log(-1.0).numpy())
    assert not recwarn.list


def test_enabled_for_a_program():
    code = ("import graphflow as tf\n"
            "tf.enable_eager_execution()\n"
            "print((tf.constant(1) + 1).numpy(), tf.executing_eagerly())\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2 True\n"
    code = ("import graphflow as tf\n"
            "tf.constant(1)\n"
            "try: tf.enable_eager_execution()\n"
            "except ValueError as error: print(error)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "must be called at program startup" in done.stdout


def test_a_new_global_graph_is_eager_too():
    code = ("import graphflow as tf\n"
            "tf.enable_eager_execution()\n"
            "tf.reset_default_graph()\n"
            "print((tf.constant(1) + 1).numpy())\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
