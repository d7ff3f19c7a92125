"""GradientTape on graphs."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras


def test_gradients_keep_the_nest_and_say_what_is_unconnected() -> None:
    x, z = tf.constant([1.0, 2.0]), tf.constant(3.0)
    w = tf.Variable([3.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        y = x * x * w
        with tape.stop_recording():
            fixed = x * 5.0
        total = y + fixed
    found = tape.gradient(total, {"x": x, "w": [w], "z": z})
    assert found["z"] is None
    zero = tape.gradient(y, z, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    weighted = tape.gradient(y, w, output_gradients=[1.0, 10.0])
    assert tape.watched_variables() == (w,)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        by_x, by_w, none, heavy = session.run([found["x"], found["w"][0], zero, weighted])
    np.testing.assert_allclose(by_x, [6, 16])
    np.testing.assert_allclose(by_w, [1, 4])
    np.testing.assert_allclose(heavy, [1, 40])
    assert none == 0


def test_higher_derivatives_and_jacobians() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x ** 3
        first = inner.gradient(y, x)
    second = outer.gradient(first, x)
    with tf.GradientTape(persistent=True) as tape:
        square = x * x
    whole, rows = tape.jacobian(square, x), tape.batch_jacobian(square, x)
    with tf.Session() as session:
        s, j, b = session.run([second, whole, rows])
    np.testing.assert_allclose(s, 6 * np.array([[1, 2], [3, 4]]))
    np.testing.assert_allclose(j.reshape(4, 4), np.diag([2, 4, 6, 8]))
    np.testing.assert_allclose(b, [np.diag([2, 4]), np.diag([6, 8])])


def test_errors() -> None:
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        y = x * x
        with pytest.raises(ValueError, match="still recording"):
            tape.__enter__()
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="only be used to compute one set"):
        tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="not recording"), tape.stop_recording():
        pass
    with pytest.raises(ValueError, match="Passed in object 3"):
        tape.watch(3)


class Adversaries(keras.Model):
    """Two players that train in turns, as in the published examples."""

    def __init__(self) -> None:
        super().__init__()
        self.critic, self.maker = keras.layers.Dense(1, name="critic"), keras.layers.Dense(2, name="maker")
        self.seen = keras.metrics.Mean(name="critic_loss")

    def compile(self, critic_optimizer: Any, maker_optimizer: Any) -> None:  # type: ignore[override]
        super().compile()
        self.critic_optimizer, self.maker_optimizer = critic_optimizer, maker_optimizer

    @property
    def metrics(self) -> list[Any]:
        return [self.seen]

    def train_step(self, real: Any) -> dict[str, Any]:
        noise = keras.ops.ones_like(real)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.critic(self.maker(noise)) - self.critic(real))
        weights = self.critic.trainable_weights
        self.critic_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        with tf.GradientTape() as tape:
            score = -tf.reduce_mean(self.critic(self.maker(noise)))
        weights = self.maker.trainable_weights
        self.maker_optimizer.apply_gradients(zip(tape.gradient(score, weights), weights, strict=True))
        self.seen.update_state(loss)
        return {"critic_loss": self.seen.result()}


def test_a_training_step_with_tapes() -> None:
    model = Adversaries()
    model.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    x = np.full((4, 2), 2.0, np.float32)
    model.critic.build((None, 2))
    model.maker.build((None, 2))
    c, m = np.array([[1.0], [-1.0]], np.float32), np.eye(2, dtype=np.float32)
    model.critic.set_weights([c, np.zeros(1)])
    model.maker.set_weights([m, np.zeros(2)])
    logs = model.fit(x, batch_size=4, verbose=0).history
    assert logs["critic_loss"] == [pytest.approx(0.0)]
    new_critic = c - 0.5 * np.array([[1.0 - 2.0], [1.0 - 2.0]])  # d loss / d critic = mean(maker(1) - real)
    np.testing.assert_allclose(model.critic.get_weights()[0], new_critic)
    step = 0.5 * np.outer(np.ones(2), new_critic[:, 0])  # the maker meets the critic as it is now
    np.testing.assert_allclose(model.maker.get_weights()[0], m + step)
