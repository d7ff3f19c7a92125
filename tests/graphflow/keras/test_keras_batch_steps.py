"""Single batches: what is known of earlier ones serves for others of their kinds only."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphflow import keras

L = keras.layers
random = np.random.default_rng(0)
X, Y = random.normal(size=(6, 3)).astype(np.float32), random.normal(size=(6, 1)).astype(np.float32)


def linear(**compiled: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), L.Dense(1, kernel_initializer="ones")])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def test_a_known_batch_is_trained_like_an_unknown_one() -> None:
    known, unknown = linear(metrics=["mae"]), linear(metrics=["mae"])
    batches = [(X, Y), (X[:2], Y[:2]), (X[::-1], Y[::-1]), (np.asfortranarray(X), Y), (X.astype(np.float64), Y), (X, Y)]
    for x, y in batches:
        np.testing.assert_allclose(known.train_on_batch(x, y), unknown.train_on_batch([x], [y], np.ones(len(x))),
                                   rtol=1e-5)
    np.testing.assert_allclose(known.test_on_batch(X, Y), unknown.evaluate(X, Y, verbose=0), rtol=1e-5)


def test_a_known_batch_is_checked() -> None:
    model = linear()
    model.train_on_batch(X, Y)
    for x, y in ((X, Y[:2]), (X[:0], Y[:0]), (X[:, :2], Y), (X, None)):
        with pytest.raises(ValueError):
            model.train_on_batch(x, y)


def test_a_schedule_given_later_is_followed() -> None:
    model = linear()
    model.train_on_batch(X, Y)
    model.optimizer.learning_rate = keras.optimizers.schedules.PiecewiseConstantDecay([100], [0.0, 1.0])
    before = model.get_weights()
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
