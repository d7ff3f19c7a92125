"""Filters that a run only reads stay packed between runs, until a variable changes by whatever way."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

RNG = np.random.default_rng(0)


@pytest.fixture
def model():
    """(session, image, filter, a deep narrow convolution of the image) with a batch of unknown size."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 5, 5, 40])
        w = tf.Variable(RNG.standard_normal((3, 3, 40, 33)).astype(np.float32))
        y = tf.nn.conv2d(x, w, 1, "SAME")
        session = tf.Session()
        session.run(tf.global_variables_initializer())
        yield session, x, w, y


def test_what_is_packed_follows_the_variable(model):
    session, x, w, y = model
    feed = {x: RNG.standard_normal((1, 5, 5, 40)).astype(np.float32)}
    y0 = session.run(y, feed)
    np.testing.assert_array_equal(session.run(y, feed), y0)
    session.run(w.assign(w * 2.0))
    np.testing.assert_allclose(session.run(y, feed), 2 * y0, rtol=1e-5, atol=1e-4)
    w.load(np.zeros(w.shape.as_list(), np.float32), session)
    np.testing.assert_array_equal(session.run(y, feed), 0 * y0)
    session.run(tf.train.GradientDescentOptimizer(1.0).minimize(-tf.reduce_sum(y)), feed)
    assert np.abs(session.run(y, feed)).max() > 1


def test_only_what_is_read_and_costs_is_kept(model):
    session, x, w, y = model

    def prepared(fetch, batch):
        return session.runner(fetch, [x]).bind(((batch, 5, 5, 40),))[1].prepared

    assert prepared(y, 1) > 0
    assert prepared(y, 5000) == 0
    with tf.control_dependencies([y]):
        assert prepared([y, w.assign(w * 2.0)], 1) == 0
