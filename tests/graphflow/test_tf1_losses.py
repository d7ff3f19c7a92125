"""tf.losses' reductions, weights and collections; tf.nn's pooling and normalization over other axes."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

RNG = np.random.default_rng(6)
Y, P = RNG.normal(size=(2, 3, 4)).astype(np.float32)
W = np.array([[1.0], [0.0], [2.0]], np.float32)
E = (Y - P) ** 2 * W


def run(fetches, feeds=None):
    return tf.Session().run(fetches, feeds)


@pytest.mark.parametrize(("reduction", "wanted"), [
    ("NONE", E), ("SUM", E.sum()), ("MEAN", E.sum() / (4 * W.sum())), ("SUM_OVER_BATCH_SIZE", E.mean()),
    ("SUM_BY_NONZERO_WEIGHTS", E.sum() / 8), ("SUM_OVER_NONZERO_WEIGHTS", E.sum() / 8)])
def test_reductions(reduction, wanted):
    loss = tf.losses.mean_squared_error(Y, P, W, reduction=getattr(tf.losses.Reduction, reduction))
    np.testing.assert_allclose(run(loss), wanted, rtol=1e-5)


def test_all_weights_zero_give_zero_and_no_gradient():
    p = tf.constant(P)
    loss = tf.losses.absolute_difference(Y, p, weights=0.0)
    assert run(loss) == 0 and not np.any(run(tf.gradients(loss, p)[0]))


def test_losses_are_collected_and_added_up():
    with tf.name_scope("head"):
        one = tf.losses.mean_squared_error(Y, P)
    two = tf.losses.huber_loss(Y, P, delta=0.5)
    tf.losses.absolute_difference(Y, P, loss_collection=None)
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(3.0))
    assert tf.losses.get_losses() == [one, two] and tf.losses.get_losses("head") == [one]
    assert (one.name, two.name) == ("head/mean_squared_error/value:0", "huber_loss/value:0")
    total, parts = run([tf.losses.get_total_loss(), [one, two]])
    assert total == pytest.approx(sum(parts) + 3)
    assert run(tf.losses.get_regularization_loss()) == 3


def test_sparse_labels_may_have_a_last_axis_and_weights_count():
    logits, labels = RNG.normal(size=(4, 3)).astype(np.float32), np.array([[0], [2], [1], [1]])
    weights = np.array([1.0, 0.0, 2.0, 1.0], np.float32)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits, weights)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    wanted = -(log_p[np.arange(4), labels[:, 0]] * weights).sum() / 3
    assert run(loss) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("weights", [np.ones(3), np.ones((4, 1)), np.ones((3, 4, 1))])
def test_weights_that_do_not_broadcast(weights):
    with pytest.raises(ValueError, match="weights can not be broadcast"):
        tf.losses.mean_squared_error(Y, P, weights)


def test_none_and_unlike_shapes_are_refused():
    with pytest.raises(ValueError, match="labels must not be None"):
        tf.losses.log_loss(None, P)
    with pytest.raises(ValueError, match=r"Shapes \(3,\) and \(3, 4\)"):
        tf.losses.mean_squared_error(Y, P[:, 0])
    with pytest.raises(ValueError, match="Invalid Reduction"):
        tf.losses.mean_squared_error(Y, P, reduction="sum")


# tf.nn beyond the cases of its ops

X = RNG.normal(size=(2, 4, 5, 6, 3)).astype(np.float32)


def test_pooling_of_volumes():
    blocks = X[:, :, :4].reshape(2, 2, 2, 2, 2, 3, 2, 3).transpose(0, 1, 3, 5, 7, 2, 4, 6).reshape(2, 2, 2, 3, 3, 8)
    largest, mean = run([tf.nn.max_pool3d(X, 2, 2, "VALID"), tf.nn.avg_pool3d(X, 2, 2, "VALID")])
    np.testing.assert_allclose(largest, blocks.max(-1))
    np.testing.assert_allclose(mean, blocks.mean(-1), rtol=1e-5, atol=1e-6)


def test_dilated_pools_take_every_other_element():
    row = np.arange(6.0, dtype=np.float32).reshape(1, 6, 1)
    got = run(tf.nn.pool(row, [2], "MAX", "VALID", dilation_rate=[2]))
    np.testing.assert_array_equal(got.ravel(), [2, 3, 4, 5])
    with pytest.raises(ValueError, match="strides > 1"):
        tf.nn.pool(row, [2], "MAX", "VALID", dilation_rate=[2], strides=[2])


def test_morphology():
    image = X[:, 0, :, :, :]
    dilated, eroded = run([tf.nn.dilation2d(image, np.zeros((2, 2, 3), np.float32), [1] * 4, [1] * 4, "VALID"),
                           tf.nn.erosion2d(image, np.zeros((2, 2, 3), np.float32), [1] * 4, [1] * 4, "VALID")])
    parts = np.stack([image[:, i:4 + i, j:5 + j] for i in (0, 1) for j in (0, 1)])
    np.testing.assert_allclose(dilated, parts.max(0))
    np.testing.assert_allclose(eroded, parts.min(0))


def test_fractional_pools_are_smaller_by_the_ratio():
    pooled = tf.nn.fractional_max_pool(X[:, 0], [1, 1.25, 1.5, 1], seed=3, deterministic=True)
    sess = tf.Session()
    (values, rows, columns), again = sess.run(pooled), sess.run(pooled.output)
    assert values.shape == (2, 4, 4, 3) and rows[-1] == 5 and columns[-1] == 6
    np.testing.assert_array_equal(values, again)
    np.testing.assert_array_equal(values[:, 0, 0], X[:, 0, :rows[1], :columns[1]].max((1, 2)))


def test_channels_first_convolutions():
    x, w = X[:, 0].transpose(0, 3, 1, 2), RNG.normal(size=(2, 2, 3, 4)).astype(np.float32)
    first = tf.nn.conv2d(x, w, [1, 1, 2, 2], "SAME", data_format="NCHW")
    last = tf.nn.conv2d(X[:, 0], w, [1, 2, 2, 1], "SAME")
    back = tf.nn.conv2d_transpose(first, w, [2, 3, 5, 6], [1, 1, 2, 2], data_format="NCHW")
    a, b, c = run([first, last, back])
    np.testing.assert_allclose(a, b.transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-5)
    assert c.shape == x.shape
