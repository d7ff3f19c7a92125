"""Recurrent layers as they were written before cells."""
from typing import Any

import numpy as np
import pytest

from graphflow.keras import Input, Model, Sequential, layers
from graphflow.keras import backend as K
from graphflow.keras.legacy import layers as legacy_layers


class Elman(legacy_layers.Recurrent):
    """As attention decoders of Keras 2.0 were written."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        input_shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.input_spec = [layers.InputSpec(shape=(input_shape[0] if self.stateful else None, None, input_shape[2]))]
        self.states = [None]
        if self.stateful:
            self.reset_states()
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        self.recurrent = self.add_weight((self.units, self.units), name="recurrent")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def preprocess_input(self, inputs: Any, training: Any = None) -> Any:
        return legacy_layers._time_distributed_dense(inputs, self.kernel, self.bias)

    def step(self, inputs: Any, states: Any) -> Any:
        output = K.tanh(inputs + K.dot(states[0], self.recurrent))
        return output, [output]


@pytest.mark.parametrize("arguments", [{}, {"return_sequences": True}, {"go_backwards": True}, {"unroll": True}])
def test_a_layer_over_the_former_recurrent_base(arguments: dict[str, Any]) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    x[2, 3:] = 0
    entry, state = Input((5, 3)), Input((6,))
    given = layers.Masking()(entry), [state]
    old, new = (Model([entry, state], layer(given[0], initial_state=given[1])) for layer in (
        Elman(6, **arguments), layers.SimpleRNN(6, **arguments)))
    new.set_weights(old.get_weights())
    np.testing.assert_allclose(old.predict([x, x[:, :2].reshape(4, 6)]), new.predict([x, x[:, :2].reshape(4, 6)]),
                               rtol=1e-5, atol=1e-6)
    kept = Sequential([Elman(2, stateful=True, batch_input_shape=(4, 5, 3))])
    first, second = kept.predict(x, batch_size=4), kept.predict(x, batch_size=4)
    kept.reset_states()
    assert np.abs(first - second).max() > 1e-4 and (kept.predict(x, batch_size=4) == first).all()
