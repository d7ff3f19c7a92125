"""tf.contrib.gan: losses worked out with NumPy, and a few steps of training."""
import numpy as np
import pytest

import graphflow as tf

tfgan = tf.contrib.gan
REAL, GENERATED = np.float32([[1.0], [-2.0]]), np.float32([[0.5], [3.0]])


def run(fetches):
    with tf.Session() as session:
        return session.run(fetches)


def cross_entropy(labels, logits):
    return np.mean(np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits))))


WANTED = {
    "wasserstein": (-1.75, 1.75 + 0.5),
    "least_squares": (np.mean(0.5 * (GENERATED - 1)**2), np.mean(0.5 * (REAL - 1)**2) + np.mean(0.5 * GENERATED**2)),
    # labels smoothed by 0.25 are 1 * 0.75 + 0.125
    "modified": (cross_entropy(1, GENERATED), cross_entropy(0.875, REAL) + cross_entropy(0, GENERATED)),
    "minimax": (-cross_entropy(1, np.ones_like(REAL)) - cross_entropy(0, GENERATED),
                cross_entropy(0.875, REAL) + cross_entropy(0, GENERATED)),
}


@pytest.mark.parametrize("name", WANTED)
def test_losses(name):
    wargs = tfgan.losses.wargs
    found = run([getattr(wargs, f"{name}_generator_loss")(tf.constant(GENERATED)),
                 getattr(wargs, f"{name}_discriminator_loss")(tf.constant(REAL), tf.constant(GENERATED))])
    np.testing.assert_allclose(found, WANTED[name], rtol=1e-5)
    assert len(tf.get_collection(tf.GraphKeys.LOSSES)) == 2


def generator(noise):
    return tf.layers.dense(noise, 2)


def discriminator(data, _):
    return tf.layers.dense(data, 1, kernel_initializer=tf.constant_initializer([[3.0], [4.0]]))


def test_a_model_trains_in_turn():
    model = tfgan.gan_model(generator, discriminator, tf.ones([4, 2]), tf.random_normal([4, 3], seed=1))
    assert [v.name for v in model.generator_variables] == ["Generator/dense/kernel:0", "Generator/dense/bias:0"]
    assert len(model.discriminator_variables) == 2
    # D is linear: its gradient is (3, 4), of length 5
    penalty = tfgan.losses.wasserstein_gradient_penalty(model)
    loss = tfgan.gan_loss(model, gradient_penalty_weight=0.1)
    ops = tfgan.gan_train_ops(model, loss, tf.train.GradientDescentOptimizer(0.01),
                              tf.train.GradientDescentOptimizer(0.0))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(penalty), 16, rtol=1e-4)
        assert all(np.isfinite(session.run(list(loss))))
    bias = model.generator_variables[1]
    seen = []

    class Look(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            seen.append(run_context.session.run(bias))

    steps = tfgan.gan_train(ops, None, tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(2, 1)), hooks=[
        tf.train.StopAtStepHook(num_steps=2), Look()], save_checkpoint_secs=None, save_summaries_steps=None)
    assert steps == 2
    np.testing.assert_allclose(seen[-1], np.array([3, 4]) * 0.01 * 4, rtol=1e-4)  # 2 steps, twice each


def test_other_models():
    x, y = tf.ones([2, 2]), tf.zeros([2, 2])
    cycle = tfgan.cyclegan_model(generator, discriminator, x, y)
    losses = tfgan.cyclegan_loss(cycle)
    assert {v.name.split("/")[0] for v in tf.trainable_variables()} == {"ModelX2Y", "ModelY2X"}
    labels = tf.one_hot([0, 1], 3)
    ac = tfgan.acgan_model(generator, lambda data, _: (tf.layers.dense(data, 1), tf.layers.dense(data, 3)), x,
                           tf.ones([2, 3]), labels, "G", "D")
    ac_loss = tfgan.gan_loss(ac, aux_cond_generator_weight=1.0, aux_cond_discriminator_weight=1.0)
    info = tfgan.infogan_model(
        lambda inputs: tf.layers.dense(tf.concat(inputs, 1), 2),
        lambda data, _: (tf.layers.dense(data, 1), [tf.distributions.Normal(tf.layers.dense(data, 1), 1.0)]), x,
        [tf.ones([2, 3])], [tf.zeros([2, 1])], "IG", "ID")
    info_loss = tfgan.gan_loss(info, mutual_information_penalty_weight=1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([*losses.loss_x2y, *losses.loss_y2x, *ac_loss, *info_loss])
    assert np.isfinite(found).all()
    with pytest.raises(ValueError, match="predicted_distributions"):
        tfgan.gan_loss(ac, mutual_information_penalty_weight=1.0)
    with pytest.raises(ValueError, match="same shape as real data"):
        tfgan.gan_model(generator, lambda data, _: tf.reduce_sum(data, 1), tf.ones([2, 5]), x, "G2")
