"""What public programs of Keras 2, and of tf.keras, do that Keras 3 does otherwise or not at all."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras
from graphflow.keras import backend as K
from graphflow.keras import layers
from graphflow.keras.legacy.cells import AbstractRNNCell, DropoutRNNCellMixin


class Sums(DropoutRNNCellMixin, AbstractRNNCell):
    """tf.keras's way to write a cell: it adds up what is left of its inputs."""

    state_size = output_size = 3

    def __init__(self) -> None:
        super().__init__()
        self.dropout, self.recurrent_dropout = 0.5, 0.5

    def get_initial_state(self, inputs: Any, batch_size: Any, dtype: Any) -> Any:
        return [tf.zeros((batch_size, 3), dtype)]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        mask = self.get_dropout_mask_for_cell(inputs, training, count=2)
        other = self.get_recurrent_dropout_mask_for_cell(states[0], training)
        total = states[0] + (inputs * mask[1] if training else inputs)
        return (total if other is None else total + 0 * other), [total]


def test_masks_of_a_cell_hold_for_the_whole_sequence() -> None:
    layer = layers.RNN(Sums(), return_sequences=True)
    x = keras.Input((4, 3))
    training = K.function([x], [layer(x, training=True)])
    one, = training([np.ones((2, 4, 3))])
    np.testing.assert_array_equal(one, one[:, :1] * np.arange(1, 5)[:, None])
    assert set(np.unique(one[:, 0])) == {0, 2}
    assert any((training([np.ones((2, 4, 3))])[0] != one).any() for _ in range(5))
    np.testing.assert_array_equal(keras.Model(x, layer(x)).predict(np.ones((1, 4, 3)), verbose=0)[0, 3], [4, 4, 4])
    zeros = AbstractRNNCell.get_initial_state(Sums(), tf.ones((5, 2)))
    assert zeros.shape.as_list() == [5, 3]


class Shared(layers.Embedding):
    """Gives its table beside the rows, as transformers of Keras 2 did."""

    def call(self, inputs: Any) -> Any:
        return [super().call(inputs), self.embeddings]


def test_a_layer_gives_a_variable() -> None:
    ids = keras.Input((2,), dtype="int32")
    rows, table = Shared(5, 3)(ids)
    model = keras.Model(ids, layers.Lambda(lambda xs: K.dot(xs[0], K.transpose(xs[1])))([rows, table]))
    weight, = model.get_weights()
    np.testing.assert_allclose(model.predict(np.array([[1, 4]]), verbose=0)[0], weight[[1, 4]] @ weight.T, rtol=1e-5)


def test_a_tensor_in_the_place_of_a_weight() -> None:
    dense = layers.Dense(2, use_bias=False)
    dense.build((None, 3))
    weight, = dense.get_weights()
    dense.kernel = K.abs(dense.kernel)
    np.testing.assert_allclose(K.eval(dense.call(K.constant(np.eye(3)))), abs(weight), rtol=1e-6)


def test_a_model_of_lists_of_one() -> None:
    x = keras.Input((3,))
    model = keras.Model(inputs=[x], outputs=[layers.Dense(2)(x)])
    top = keras.Model(model.input, layers.Dense(4)(model.output))
    assert (model.output_shape, model.input_shape, top.output_shape) == ((None, 2), (None, 3), (None, 4))
    assert isinstance(model.outputs, list) and K.gradients(model.output[:, 0], model.input)[0].shape[1] == 3


class Decayed(keras.optimizers.SGD):
    """Weight decay as bert4keras adds it to any optimizer."""

    def get_updates(self, loss: Any, params: Any) -> Any:
        kept, K.update = K.update, lambda x, new: kept(x, new - 0.25 * x)
        try:
            return super().get_updates(loss, params)
        finally:
            K.update = kept


class Plain(keras.optimizers.SGD):
    """A subclass that has its base class do everything."""

    def get_updates(self, loss: Any, params: Any) -> Any:
        return super().get_updates(loss, params)


@pytest.mark.parametrize(("kind", "kept"), [(Decayed, 0.75), (Plain, 1.0)])
def test_get_updates_of_a_base_class(kind: Any, kept: float) -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(kind(0.5), lambda y_true, y_pred: K.mean(y_pred))
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], np.full((2, 1), kept - 0.5))
    assert int(model.optimizer.iterations) == 1


def test_names_of_weight_files(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.save_weights(tmp_path / "best_model.weights")
    other = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    other.load_weights(tmp_path / "best_model.weights")
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_indices_in_a_list_and_scalars_in_where() -> None:
    x = K.constant(np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(K.eval(x[[slice(None), None, slice(0, 2)]]), [[[0, 1]], [[3, 4]]])
    np.testing.assert_array_equal(K.eval(tf.where(x > 2, -1.0, x)), [[0, 1, 2], [-1, -1, -1]])


@pytest.mark.parametrize("file", ["m.h5", "m.keras", "m.weights.h5"])
def test_names_with_slashes(tmp_path: Path, file: str) -> None:
    """As SqueezeNet's and VGGFace's layers have."""
    def model() -> Any:
        x = keras.Input((2,))
        return keras.Model(x, layers.Dense(3, name="fire2/relu_1")(layers.Dense(2, name="fire2/squeeze1x1")(x)))

    one, path = model(), tmp_path / file
    if "weights" in file:
        one.save_weights(path)
        two = model()
        two.load_weights(path)
    else:
        one.save(path)
        two = keras.models.load_model(path, compile=False)
    assert two.get_layer("fire2/squeeze1x1").count_params() == 6
    for before, after in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


class _Private(layers.Layer):
    def call(self, x: Any) -> Any:
        return layers.Dense(2, name="two words", kernel_initializer="ones")(x + 1)


def test_names_that_graphs_refuse() -> None:
    x, layer = keras.Input((3,)), _Private()
    model = keras.Model(x, layer(x))
    np.testing.assert_array_equal(model.predict(np.ones((1, 3)), verbose=0), [[6, 6]])
    _Private().build((None, 3))
    assert layer.name.startswith("__private") and model.output.op.name.startswith("._private")
