"""Small modules of tf.contrib; numbers by hand and by NumPy."""
import numpy as np
import pytest

import graphflow as tf


def run(fetches):
    with tf.Session() as session:
        return session.run(fetches)


def test_sparsemax():
    z = tf.constant([[0.5, 0.3, -1.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    p = tf.contrib.sparsemax.sparsemax(z)
    labels = tf.constant([[1.0, 0.0, 0.0]] * 3)
    loss = tf.contrib.sparsemax.sparsemax_loss(z, p, labels)
    found, losses, slope = run([p, loss, tf.gradients(loss, z)[0]])
    wanted = np.array([[0.6, 0.4, 0], [1, 0, 0], [1 / 3] * 3])
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    # (z_S^2 - tau^2) / 2 + 1/2 - z_1
    np.testing.assert_allclose(losses, [(0.25 + 0.09 - 2 * 0.01) / 2 + 0.5 - 0.5, 0, 1 / 3], atol=1e-6)
    assert slope.shape == (3, 3)


def test_resampler():
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    points = tf.constant([[[0.0, 0.0], [1.5, 0.5], [2.5, 1.0], [-1.0, 0.0]]])
    found = tf.contrib.resampler.resampler(image, points)
    value, slope = run([found, tf.gradients(found, points)[0]])
    np.testing.assert_allclose(value[0, :, 0], [0, 3, 2.5, 0])  # half of the third lies outside
    np.testing.assert_allclose(slope[0, 1], [1, 3])
    with pytest.raises(ValueError, match="resampler"):
        tf.contrib.resampler.resampler(image, [[1.0, 2.0, 3.0]])


def test_compiled_computations():
    v = tf.Variable(1.0)
    with tf.contrib.compiler.jit.experimental_jit_scope():
        total, = tf.contrib.compiler.xla.compile(lambda x: (x + 1.0, v.assign_add(1.0).op), [2.0])
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(total) == 3
        assert session.run(v) == 2


def test_tpu_computations_run_where_they_stand():
    from graphflow.contrib import tpu

    seen = []
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.Variable(0)

        def computation(x):
            tpu.outside_compilation(seen.append, x)
            return x * 2, tf.assign_add(step, 1).op

        session.run([tpu.initialize_system(), step.initializer])
        doubled, = tpu.rewrite(computation, [np.float32([1, 2])])
        np.testing.assert_array_equal(session.run(doubled), [2, 4])
        assert session.run(step) == 1 and len(seen) == 1
        assert isinstance(tpu.rewrite(lambda: tf.no_op()), tf.Operation)
        session.run(tpu.shutdown_system())
