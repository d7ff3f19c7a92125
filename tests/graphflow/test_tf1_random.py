"""Random tensors, initializers and dropout: ranges, moments, repeatability."""
from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as tf


def drawn(sess, initializer, shape=(200, 100)):
    variable = tf.get_variable(f"v{len(tf.global_variables())}", list(shape), initializer=initializer)
    sess.run(variable.initializer)
    return sess.run(variable)


def test_distributions(sess):
    u, n, t, i = sess.run([tf.random_uniform([20000], -1.0, 3.0), tf.random_normal([20000], 2.0, 0.5),
                           tf.truncated_normal([20000], 1.0, 2.0), tf.random_uniform([20000], 0, 5, tf.int32)])
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.05
    assert abs(n.mean() - 2) < 0.02 and abs(n.std() - 0.5) < 0.02
    assert np.abs(t - 1).max() <= 4.0001 and abs(t.mean() - 1) < 0.06
    assert sorted(set(i.tolist())) == [0, 1, 2, 3, 4] and i.dtype == np.int32
    assert tf.random.uniform([2]).name == "random_uniform_2:0"


def test_multinomial(sess):
    logits = tf.constant([[math.log(0.1), math.log(0.9)], [0.0, -1e9]])
    samples = sess.run(tf.multinomial(logits, 5000))
    assert samples.shape == (2, 5000) and samples.dtype == np.int64
    assert abs(samples[0].mean() - 0.9) < 0.03 and not samples[1].any()
    assert tf.random.categorical(logits, 2, tf.int32).dtype == tf.int32


def test_seeds_make_graphs_repeatable(sess):
    def values():
        with tf.Graph().as_default():
            tf.set_random_seed(42)
            return sess.run([tf.random_normal([3]), tf.random_normal([3]), tf.random_normal([3], seed=99)])
    first, second = values(), values()
    np.testing.assert_array_equal(first, second)
    assert len({v.tobytes() for v in first}) == 3
    tf.set_random_seed(7)
    assert tf.get_seed(3) == (7, 3)


def test_initializers(sess):
    limit = math.sqrt(6 / 300)
    for initializer in (tf.glorot_uniform_initializer(), tf.glorot_uniform_initializer, None):
        g = drawn(sess, initializer)
        assert g.dtype == np.float32 and 0.95 * limit < np.abs(g).max() <= limit
    u = drawn(sess, tf.random_uniform_initializer(-2.0, 3.0))
    assert u.min() >= -2 and u.max() < 3 and abs(u.mean() - 0.5) < 0.05
    n = drawn(sess, tf.random_normal_initializer(1.0, 0.5))
    assert abs(n.mean() - 1) < 0.02 and abs(n.std() - 0.5) < 0.02
    t = drawn(sess, tf.truncated_normal_initializer(stddev=0.1))
    assert np.abs(t).max() <= 0.2001 and 0.08 < t.std() < 0.095
    for initializer, variance in ((tf.variance_scaling_initializer(2.0), 2 / 200),
                                  (tf.initializers.he_uniform(), 2 / 200), (tf.initializers.lecun_normal(), 1 / 200),
                                  (tf.glorot_normal_initializer(), 2 / 300),
                                  (tf.variance_scaling_initializer(1.0, "fan_out", "untruncated_normal"), 1 / 100),
                                  (tf.uniform_unit_scaling_initializer(), 1 / 200)):
        assert abs(drawn(sess, initializer).std() / math.sqrt(variance) - 1) < 0.03
    kernel = drawn(sess, tf.initializers.he_normal(), (3, 3, 50, 10))
    assert abs(kernel.std() / math.sqrt(2 / 450) - 1) < 0.04


def test_fixed_initializers(sess):
    np.testing.assert_array_equal(drawn(sess, tf.ones_initializer(), (2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(drawn(sess, tf.constant_initializer([1, 2, 3]), (2, 2)), [[1, 2], [3, 3]])
    np.testing.assert_array_equal(drawn(sess, tf.initializers.identity(2.0), (2, 3)), 2 * np.eye(2, 3))
    for rows, columns in ((20, 10), (10, 20)):
        o = drawn(sess, tf.orthogonal_initializer(2.0, seed=1), (2, rows // 2, columns)).reshape(rows, columns)
        product = o.T @ o if rows > columns else o @ o.T
        np.testing.assert_allclose(product, 4 * np.eye(10), atol=1e-5)
    counter = tf.get_variable("n", [], tf.int64)
    sess.run(counter.initializer)
    assert sess.run(counter) == 0 and counter.dtype == tf.int64


@pytest.mark.parametrize(("build", "text"), [
    (lambda: tf.variance_scaling_initializer(0), "scale"),
    (lambda: tf.variance_scaling_initializer(mode="fan"), "mode"),
    (lambda: tf.variance_scaling_initializer(distribution="cauchy"), "distribution"),
    (lambda: tf.random_normal_initializer(dtype=tf.int32), "floating point"),
    (lambda: tf.orthogonal_initializer()([3]), "two-dimensional"),
    (lambda: tf.initializers.identity()([2, 2, 2]), "2D"),
    (lambda: tf.glorot_uniform_initializer()([None, 2]), "fully known"),
])
def test_initializer_errors(build, text):
    with pytest.raises(ValueError, match=text):
        build()


@pytest.mark.parametrize("initializer", [
    tf.constant_initializer(3.0), tf.random_uniform_initializer(-1, 1, seed=2), tf.glorot_normal_initializer(seed=3),
    tf.truncated_normal_initializer(1.0, 2.0, dtype=tf.float64),
    tf.variance_scaling_initializer(2.0, "fan_avg", "uniform"),
], ids=lambda i: type(i).__name__)
def test_initializer_configuration(initializer):
    config = initializer.get_config()
    again = type(initializer).from_config(config)
    assert again.get_config() == config and vars(again) == vars(initializer)


def test_dropout(sess):
    x = tf.ones([20000])
    kept = sess.run(tf.nn.dropout(x, keep_prob=0.8))
    assert set(np.unique(kept)) == {0, np.float32(1.25)} and abs((kept == 0).mean() - 0.2) < 0.02
    assert tf.nn.dropout(x, rate=0) is x and tf.nn.dropout(x, keep_prob=1.0) is x


def test_dropout_with_a_fed_rate(sess):
    keep = tf.placeholder(tf.float32, [])
    y = tf.nn.dropout(tf.ones([1000]), keep)
    assert (sess.run(y, {keep: 1.0}) == 1).all()
    assert abs((sess.run(y, {keep: 0.25}) == 0).mean() - 0.75) < 0.06


def test_dropout_gradient_has_the_same_mask_of_one_byte(sess):
    x = tf.ones([1000])
    y = tf.nn.dropout(x, 0.5)
    np.testing.assert_array_equal(*sess.run([y, tf.gradients(y, x)[0]]))
    assert y.op.type == "SelectV2" and y.op.inputs[0].dtype == tf.bool


@pytest.mark.parametrize("noise_shape", [[30, 1, 20], [None, 1, None]])
def test_dropout_of_whole_axes(sess, noise_shape):
    y = sess.run(tf.nn.dropout(tf.ones([30, 10, 20]), 0.5, noise_shape))
    assert ((y == y[:, :1]).all() and 0 < y.mean() < 2)
