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


_IMAGES = np.random.default_rng(1).normal(size=(1, 4, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("build, value", [
    (lambda x: tf.tile(x, [2, 1, 1, 3]), _IMAGES), (tf.nn.lrn, _IMAGES), (lambda x: tf.space_to_depth(x, 2), _IMAGES),
    (lambda x: tf.depth_to_space(x, 2), np.tile(_IMAGES, 4)), (lambda x: tf.gather_nd(x, [[0, 1], [0, 3]]), _IMAGES),
    (lambda x: tf.concat([x, 2 * x], 1), X), (tf.diag, X[0]), (lambda x: tf.roll(x, 1, 0), X),
    (lambda x: tf.reverse_sequence(x, [1, 2, 3], 1), X), (lambda x: tf.matrix_band_part(x, 0, -1), X)])
def test_same_values_and_gradients_before_the_rank_is_known(build, value):
    results = []
    for x in (tf.placeholder(tf.float32), tf.placeholder(tf.float32, value.shape)):
        y = build(x)
        with tf.Session() as session:
            results.append(session.run([y, tf.gradients(tf.square(y), x)[0]], {x: value}))
    for late, early in zip(*results, strict=True):
        np.testing.assert_allclose(late, early, rtol=1e-5)


def test_indices_of_unknown_rank():
    at, depth = tf.placeholder(tf.int32), tf.placeholder(tf.int32, [None, None])
    built = [tf.one_hot(at, 3, on_value=2, axis=0), tf.gather_nd(X, at), tf.gather_nd(X, depth),
             tf.scatter_nd(at, tf.gather_nd(X, at), X.shape)]
    assert [t.dtype for t in built] == [tf.int32, tf.float32, tf.float32, tf.float32]
    with tf.Session() as session:
        for rows in ([[1, 2], [0, 1]], [[1], [0]]):
            hot, *gathered, scattered = session.run(built, {at: rows, depth: rows})
            np.testing.assert_array_equal(hot, 2 * np.moveaxis(np.eye(3, dtype=np.int32)[np.array(rows)], -1, 0))
            for found in gathered:
                np.testing.assert_array_equal(found, [X[tuple(row)] for row in rows])
            kept = np.zeros_like(X)
            for row in rows:
                kept[tuple(row)] = X[tuple(row)]
            np.testing.assert_array_equal(scattered, kept)


def test_the_order_of_arguments_before_tensorflow_1_is_a_type_error() -> None:
    x = tf.ones((2, 3))
    with pytest.raises(TypeError, match="concat: `axis` must be of integers"):  # which programs catch
        tf.concat(1, [x, x])
