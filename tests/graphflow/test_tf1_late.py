"""Axes, permutations, paddings and strides that are fed."""
import numpy as np
import pytest

import graphflow as tf

X = np.arange(12.0, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def fed():
    """(x [?, ?], a fed int32 scalar or vector)"""
    return tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.int32)


def test_arguments_may_be_fed(fed):
    x, axis = fed
    built = [tf.reduce_sum(x, axis), tf.argmax(x, axis), tf.concat([x, 2 * x], axis), tf.cumsum(x, axis),
             tf.gather(x, [1], axis=axis), tf.expand_dims(x, axis)]
    assert [t.shape.rank for t in built] == [None, 1, 2, 2, None, 3]
    with tf.Session() as session:
        found = session.run(built, {x: X, axis: 1})
    expected = [X.sum(1), X.argmax(1), np.concatenate([X, 2 * X], 1), X.cumsum(1), X[:, 1:2], X[:, None]]
    for value, array in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, array)


def test_gradients_and_errors(fed):
    x, axis = fed
    total = tf.reduce_sum(tf.square(x), axis)
    first = tf.gradients(total, x)[0]
    second = tf.gradients(tf.reduce_sum(tf.square(first)), x)[0]
    with tf.Session() as session:
        for a in (0, [0, 1]):
            value, g, h = session.run([total, first, second], {x: X, axis: a})
            np.testing.assert_allclose(value, np.square(X).sum(tuple(np.atleast_1d(a))))
            np.testing.assert_allclose(g, 2 * X)
            np.testing.assert_allclose(h, 8 * X)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid reduction dimension 7"):
            session.run(total, {x: X, axis: 7})


def test_stride_may_be_fed():
    step, x = tf.placeholder(tf.int32, []), tf.range(10)
    slices = [x[::step], x[8:1:step], x[-2::step]]
    with tf.Session() as session:
        for k in (3, -2):
            for value, array in zip(session.run(slices, {step: k}), (
                    np.arange(10)[::k], np.arange(10)[8:1:k], np.arange(10)[-2::k]), strict=True):
                np.testing.assert_array_equal(value, array)


def test_rank_may_be_known_later():
    x = tf.placeholder(tf.float32)
    y = tf.matrix_transpose(x)
    g = tf.gradients(tf.reduce_sum(y * y), x)[0]
    with tf.Session() as session:
        for shape in ((2, 3), (2, 2, 1)):
            value = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
            transposed, gradient = session.run([y, g], {x: value})
            np.testing.assert_array_equal(transposed, np.swapaxes(value, -1, -2))
            np.testing.assert_array_equal(gradient, 2 * value)
