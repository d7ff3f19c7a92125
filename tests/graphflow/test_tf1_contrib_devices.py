"""tf.contrib's devices, loss scales, old summaries and stochastic tensors, where there is one device."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_a_loss_scale_that_follows_the_gradients(session):
    mixed = tf.contrib.mixed_precision
    x, w = tf.placeholder(tf.float32, []), tf.Variable(1.0)
    manager = mixed.ExponentialUpdateLossScaleManager(8, 2, decr_every_n_nan_or_inf=2, decr_ratio=0.5)
    optimizer = mixed.LossScaleOptimizer(tf.train.GradientDescentOptimizer(0.5), manager)
    train = optimizer.minimize(w * x)
    session.run(tf.global_variables_initializer())
    scales = []
    for fed in (1, 1, np.inf, np.inf, 1, np.inf, np.inf):
        session.run(train, {x: fed})
        scales.append(float(session.run(manager.get_loss_scale())))
    assert scales == [8, 16, 16, 8, 8, 8, 4]
    assert session.run(w) == 1 - 3 * 0.5
    with pytest.raises(ValueError, match="at least 1"):
        mixed.FixedLossScaleManager(0.5)
    fixed = mixed.LossScaleOptimizer(tf.train.GradientDescentOptimizer(0.5), mixed.FixedLossScaleManager(128.0))
    (gradient, _), = fixed.compute_gradients(w * x, [w])
    assert session.run(gradient, {x: 3}) == 3


def test_strategies_of_one_device(session, tmp_path):
    strategy = tf.contrib.distribute.MirroredStrategy(num_gpus=2)
    with strategy.scope():
        assert strategy.num_replicas_in_sync == 1 and strategy.call_for_each_replica(lambda a: a + 1, 1) == 2

    def model(features, labels, mode):
        loss = tf.reduce_mean((tf.layers.dense(features["x"], 1) - labels) ** 2)
        step = tf.contrib.optimizer_v2.AdamOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step)

    config = tf.estimator.RunConfig(str(tmp_path), train_distribute=strategy)
    data = tf.estimator.inputs.numpy_input_fn({"x": np.ones((4, 1), "f")}, np.ones((4, 1), "f"), 4, None, False)
    assert tf.estimator.Estimator(model, config=config).train(data, steps=2).get_variable_value("global_step") == 2
    sums = tf.contrib.nccl.all_sum([tf.constant(1.0), tf.constant(2.0)])
    assert session.run(sums) == [3, 3]
    now, most = session.run([tf.contrib.memory_stats.BytesInUse(), tf.contrib.memory_stats.MaxBytesInUse()])
    assert 10**6 < now <= most * 1.5


def test_summaries_by_their_old_names(session):
    pytest.importorskip("tensorboard")
    old = tf.contrib.deprecated
    old.scalar_summary("loss", tf.constant(2.0))
    old.histogram_summary("weights", tf.constant([1.0, 2.0]))
    found = tf.Summary.FromString(session.run(old.merge_all_summaries()))
    assert [value.tag for value in found.value] == ["loss", "weights"]


def test_stochastic_tensors(session):
    st, graph = tf.contrib.bayesflow.stochastic_tensor, tf.contrib.bayesflow.stochastic_graph
    mean = tf.Variable(2.0)
    with st.value_type(st.MeanValue()):
        fixed = st.StochasticTensor(tf.distributions.Normal(mean, 1.0))
    drawn = st.StochasticTensor(tf.distributions.Normal(mean, 1.0))
    coin = st.StochasticTensor(tf.distributions.Bernoulli(logits=mean))
    session.run(tf.global_variables_initializer())
    assert session.run(fixed + 1.0) == 3 and session.run(tf.gradients(drawn.value(), mean)) == [1]
    assert coin.dtype == tf.int32 and drawn.loss(tf.constant([1.0])) is None
    loss = tf.constant([5.0])
    value, slope, chance = session.run([coin.value(), tf.gradients(graph.surrogate_loss([loss], [coin]), mean)[0],
                                        tf.sigmoid(mean)])
    np.testing.assert_allclose(slope, 5 * (value - chance), rtol=1e-5)
    samples = tf.constant([1.0, 2.0])
    estimate = tf.contrib.bayesflow.monte_carlo.expectation(
        lambda z: z ** 2, samples, lambda z: z * mean, use_reparametrization=False)
    np.testing.assert_allclose(session.run([estimate, tf.gradients(estimate, mean)[0]]), [2.5, (1 + 8) / 2])
