"""tf.contrib.nn, and contrib's older layers and choices."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def test_losses_and_activations(sess):
    nn = tf.contrib.nn
    logits, labels = np.float32([[1.0, 2.0], [0.5, -1.0]]), np.float32([[0.0, 1.0], [1.0, 0.0]])
    found = sess.run([
        nn.scaled_softplus([0.0, 2.0], 2.0), nn.scaled_softplus([0.0, 2.0], 2.0, clip=2.0),
        nn.deprecated_flipped_softmax_cross_entropy_with_logits(logits, labels),
        nn.deprecated_flipped_sparse_softmax_cross_entropy_with_logits(logits, [1, 0]),
        nn.deprecated_flipped_sigmoid_cross_entropy_with_logits(logits[:1], labels[:1]),
        nn.sampled_sparse_softmax_loss(np.eye(3, 2, dtype=np.float32), np.zeros(3, np.float32), [0, 2], logits, 2, 3,
                                       sampled_values=([0, 1], [[1.0], [1.0]], [1.0, 1.0]))])
    soft = 2 * np.log1p(np.exp([0.0, 1.0]))
    entropy = np.log1p(np.exp([-1.0, -1.5]))
    expected = [soft, np.minimum(soft, 2), entropy, entropy, [np.log1p(np.exp([1.0, -2.0]))],
                np.log([1 + np.e, 1 + np.exp(0.5) + np.exp(-1.0)])]
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_alpha_dropout_keeps_mean_and_variance(sess):
    x = tf.random_normal([20000], seed=1)
    y = sess.run(tf.contrib.nn.alpha_dropout(x, 0.7, seed=2))
    np.testing.assert_allclose([y.mean(), y.var()], [0, 1], atol=0.05)
    dropped = np.unique(y, return_counts=True)[1].max()
    assert abs(dropped / y.size - 0.3) < 0.02


def test_legacy_fully_connected(sess):
    y = tf.contrib.layers.legacy_relu(tf.ones([2, 3]), 4, weight_init=tf.ones_initializer(), weight_regularizer=abs)
    assert [v.name for v in tf.global_variables()] == ["fully_connected/weights:0", "fully_connected/bias:0"]
    assert tf.get_collection("activations") == [y] and len(tf.get_collection("weights")) == 1
    sess.run(tf.global_variables_initializer())
    assert sess.run(y).tolist() == [[3] * 4] * 2
    with pytest.raises(ValueError, match="last dimension"):
        tf.contrib.layers.legacy_linear(tf.placeholder(tf.float32, [2, None]), 4)


def test_smart_case_chooses_while_building(sess):
    fed = tf.placeholder(tf.bool, [])
    choose = tf.contrib.framework.smart_case
    one, two, three = (lambda n=n: tf.constant(n) for n in (1, 2, 3))
    known = choose([(False, one), (True, two), (fed, three)], default=one)
    assert known.op.type == "Const"
    late = choose({fed: two, tf.constant(True): one}, default=three)
    assert sess.run([known, choose([(False, one)], three)]) == [2, 3]
    assert [sess.run(late, {fed: flag}) for flag in (True, False)] == [2, 1]


def test_divisive_normalization(sess):
    x = np.random.default_rng(0).standard_normal((2, 3, 4), np.float32)
    y = tf.contrib.layers.gdn(tf.constant(x), name="g")
    back = tf.contrib.layers.gdn(tf.constant(x.transpose(0, 2, 1)), inverse=True, data_format="channels_first")
    beta, gamma = tf.trainable_variables()[:2]
    sess.run(tf.global_variables_initializer())
    found, product = sess.run([y, back])
    np.testing.assert_allclose(found, x / np.sqrt(1 + 0.1 * x**2), rtol=1e-5)
    np.testing.assert_allclose(product, (x * np.sqrt(1 + 0.1 * x**2)).transpose(0, 2, 1), rtol=1e-5)
    weights = np.random.default_rng(1).random((4, 4), np.float32)
    gamma.load(np.sqrt(weights), sess)
    np.testing.assert_allclose(sess.run(y), x / np.sqrt(1 + x**2 @ weights), rtol=1e-4)
    beta.load([0.0] * 4, sess)  # below the bound: only what leads back above it passes
    energy = tf.reduce_sum(y * y)  # less with more beta
    away, back = sess.run([tf.gradients(energy, beta)[0], tf.gradients(-energy, beta)[0]])
    assert (away < 0).all() and (back == 0).all()
    assert (beta.op.name, gamma.op.name) == ("g/reparam_beta", "g/reparam_gamma")
