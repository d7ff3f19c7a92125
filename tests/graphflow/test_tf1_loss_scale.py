"""Loss scales: numbers worked out by hand from TensorFlow's rules."""
import numpy as np
import pytest

import graphflow as tf

experimental = tf.train.experimental


def test_a_dynamic_scale_skips_steps_that_overflow():
    scale = experimental.DynamicLossScale(initial_loss_scale=4, increment_period=2, multiplier=2)
    v, x = tf.Variable(1.0), tf.placeholder(tf.float32)
    optimizer = experimental.MixedPrecisionLossScaleOptimizer(tf.train.MomentumOptimizer(0.5, 0.9), scale)
    step_count = tf.train.get_or_create_global_step()
    train = optimizer.minimize(v * x, global_step=step_count)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = []
        for value in (1.0, np.inf, 0.0, 0.0):
            session.run(train, {x: value})
            found.append(session.run([scale(), step_count]))
        assert found == [[4, 1], [2, 1], [2, 2], [4, 3]]
        # momentum: 0.5, then 0.45 and 0.405 without gradients
        np.testing.assert_allclose(session.run(v), 1 - 0.5 - 0.45 - 0.405, rtol=1e-6)
    assert scale.get_config() == {"initial_loss_scale": 4, "increment_period": 2, "multiplier": 2}


def test_a_fixed_scale_changes_nothing():
    v = tf.Variable([1.0, 2.0])
    loss = tf.reduce_sum(tf.gather(v, [1, 1]) ** 2)
    train = experimental.MixedPrecisionLossScaleOptimizer(tf.train.GradientDescentOptimizer(0.1), 8.0).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        np.testing.assert_allclose(session.run(v), [1, 1.2], rtol=1e-6)
    assert tf.mixed_precision.FixedLossScale is experimental.FixedLossScale
    assert experimental.FixedLossScale.from_config({"loss_scale_value": 2.0}).get_config() == {"loss_scale_value": 2}


def test_arguments():
    with pytest.raises(ValueError, match="at least 1"):
        experimental.FixedLossScale(0.5)
    with pytest.raises(ValueError, match="instance of Optimizer"):
        experimental.MixedPrecisionLossScaleOptimizer(None, "dynamic")
    with pytest.raises(ValueError, match="received 'static'"):
        experimental.MixedPrecisionLossScaleOptimizer(tf.train.AdamOptimizer(), "static")
