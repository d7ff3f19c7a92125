"""What a program computes does not depend on how many threads run its kernels, but for the order of floats' sums."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def trained(threads):
    """(a mask of dropout, the losses of three steps, the weights after them), from the same seeds."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        state = np.random.RandomState(0)
        images, labels = state.rand(33, 17, 17, 3).astype("f4"), state.randint(0, 5, 33)
        x = tf.layers.conv2d(tf.constant(images), 20, 3, activation=tf.nn.relu)
        x = tf.layers.batch_normalization(tf.layers.max_pooling2d(x, 2, 2), training=True)
        mask = tf.nn.dropout(tf.ones([40_000]), rate=0.5, seed=4)
        x = tf.nn.dropout(tf.layers.dense(tf.layers.flatten(x), 129, tf.nn.tanh), rate=0.3)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, tf.layers.dense(x, 5))
        step = tf.train.AdamOptimizer(0.01).minimize(loss)
        with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, step])[0] for _ in range(3)]
            return session.run(mask), losses, session.run(tf.trainable_variables())


@pytest.fixture(scope="module")
def alone():
    return trained(1)


@pytest.mark.parametrize("threads", [2, 0], ids=["two", "all"])
def test_a_training_step_is_the_same_on_any_number_of_threads(alone, threads):
    mask, losses, weights = trained(threads)
    np.testing.assert_array_equal(mask, alone[0])
    np.testing.assert_allclose(losses, alone[1], rtol=1e-5)
    for one, other in zip(weights, alone[2], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4)


def test_a_run_is_the_same_each_time():
    """Bit by bit: which thread takes which piece of the work does not matter."""
    (_, losses, weights), (_, *again) = trained(2), trained(2)
    np.testing.assert_array_equal(losses, again[0])
    for one, other in zip(weights, again[1], strict=True):
        np.testing.assert_array_equal(one, other)
