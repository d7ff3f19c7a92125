"""keras.random: distributions, what a seed fixes, and generators whose state advances in training."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphflow import keras

random = keras.random
COUNT = 4000


def value_of(x: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("draw, mean, deviation, low, high", [
    (lambda: random.normal((COUNT,), mean=1.0, stddev=2.0, seed=1), 1, 2, -9, 11),
    (lambda: random.uniform((COUNT,), 2, 5, seed=1), 3.5, 0.866, 2, 5),
    (lambda: random.truncated_normal((COUNT,), seed=1), 0, 0.88, -2, 2),
    (lambda: random.randint((COUNT,), 3, 7, seed=1), 4.5, 1.118, 3, 6),
    (lambda: random.gamma((COUNT,), 2.5, seed=1), 2.5, 1.58, 0, 25),
    (lambda: random.binomial((COUNT,), 10, 0.3, seed=1), 3, 1.449, 0, 10),
    (lambda: random.beta((COUNT,), 2.0, 3.0, seed=1), 0.4, 0.2, 0, 1),
    (lambda: random.categorical(np.log([[0.1, 0.6, 0.3]]).astype("float32"), COUNT, seed=1), 1.2, 0.6, 0, 2),
    (lambda: random.dropout(np.ones((COUNT,), "float32"), 0.25, seed=1), 1, 0.577, 0, 4 / 3 + 1e-6),
])
def test_distributions(draw: Any, mean: float, deviation: float, low: float, high: float) -> None:
    values = value_of(draw()).astype(float)
    assert abs(values.mean() - mean) < 5 * deviation / np.sqrt(COUNT)
    assert abs(values.std() - deviation) < 0.07 * deviation
    assert low <= values.min() and values.max() <= high


def test_dtypes_and_noise_shape() -> None:
    assert value_of(random.randint((2,), 0, 10, dtype="uint8", seed=1)).dtype == np.uint8
    assert value_of(random.normal((2,), dtype="float16", seed=1)).dtype == np.float16
    rows = value_of(random.dropout(np.ones((50, 4), "float32"), 0.5, noise_shape=(None, 1), seed=2))
    assert (rows == rows[:, :1]).all() and set(rows[:, 0]) == {0, 2}
    shuffled = value_of(random.shuffle(np.arange(20).reshape(2, 10), axis=1, seed=3))
    assert sorted(shuffled[0]) == list(range(10)) and (shuffled[1] == shuffled[0] + 10).all()


def test_what_a_seed_fixes() -> None:
    def draw(seed: Any) -> list[float]:
        return value_of(random.normal((3,), seed=seed)).tolist()

    assert draw(5) == draw(5) != draw(6)
    assert draw(None) != draw(None)
    once = random.normal((3,))
    assert value_of(once).tolist() == value_of(once).tolist()
    first, second = random.SeedGenerator(7), random.SeedGenerator(7)
    assert draw(first) == draw(second) and draw(first) != draw(random.SeedGenerator(7))
    assert first.state.numpy().tolist() == [7, 2]
    keras.utils.set_random_seed(3)
    drawn = draw(None)
    keras.utils.set_random_seed(3)
    assert draw(None) == drawn
    with pytest.raises(ValueError, match="seed"):
        draw("5")
    with pytest.raises(ValueError, match="seed"):
        random.SeedGenerator("5")


class Noise(keras.layers.Layer):
    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed_generator = random.SeedGenerator(1337)

    def call(self, x: Any) -> Any:
        return x + random.normal(keras.ops.shape(x), seed=self.seed_generator)


def test_the_state_advances_with_each_step() -> None:
    inputs = keras.Input((3,))
    layer = Noise()
    model = keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))
    assert layer.seed_generator.state.numpy().tolist() == [1337, 0]
    data = np.zeros((8, 3))
    assert (model.predict(data, verbose=0) != model.predict(data, verbose=0)).all()
    model.compile("sgd", "mse")
    model.fit(data, np.zeros((8, 1)), batch_size=2, epochs=2, verbose=0)
    assert layer.seed_generator.state.numpy().tolist() == [1337, 2 + 8]
    config = keras.saving.serialize_keras_object(layer.seed_generator)
    assert keras.saving.deserialize_keras_object(config).get_config() == {"seed": 1337}
