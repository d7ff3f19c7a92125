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
