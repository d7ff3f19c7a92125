"""Every layer: shapes, dtypes, configs, gradients; and what they say of bad input."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from check_layer import check_layer
from graphflow.compiler.dtypes import float32
from graphflow.compiler.ops.state import placeholder

import graphflow as gf
from graphflow import keras

L = keras.layers
K = keras.backend
IMAGE = (6, 5, 4)

CASES: list[tuple[Any, tuple[int, ...]]] = [
    (lambda: L.Dense(3, activation="tanh"), (4,)),
    (lambda: L.Dense(2, use_bias=False, kernel_initializer="he_normal"), (3, 4)),
    (lambda: L.Conv2D(3, 3, activation="tanh"), IMAGE),
    (lambda: L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", groups=2), IMAGE),
    (lambda: L.Conv2D(2, 2, dilation_rate=2, use_bias=False), IMAGE),
    (lambda: L.Conv2D(3, 2, padding="same", data_format="channels_first"), (2, 5, 6)),
    (lambda: L.DepthwiseConv2D(3, depth_multiplier=2), IMAGE),
    (lambda: L.DepthwiseConv2D((2, 3), strides=2, padding="same"), IMAGE),
    (lambda: L.MaxPooling2D(), IMAGE),
    (lambda: L.MaxPooling2D(3, strides=2, padding="same"), IMAGE),
    (lambda: L.MaxPooling2D(2, data_format="channels_first"), (3, 4, 6)),
    (lambda: L.AveragePooling2D((2, 3)), IMAGE),
    (lambda: L.AveragePooling2D(3, strides=1, padding="same"), IMAGE),
    (lambda: L.GlobalAveragePooling2D(), IMAGE),
    (lambda: L.GlobalAveragePooling2D(data_format="channels_first", keepdims=True), IMAGE),
    (lambda: L.GlobalMaxPooling2D(), IMAGE),
    (lambda: L.Flatten(), IMAGE),
    (lambda: L.Flatten(data_format="channels_first"), IMAGE),
    (lambda: L.Reshape((5, -1)), IMAGE),
    (lambda: L.Permute((3, 1, 2)), IMAGE),
    (lambda: L.Dropout(0.4), (5,)),
    (lambda: L.Activation("softmax"), (5,)),
    (lambda: L.Activation("gelu"), (5,)),
    (lambda: L.ReLU(), (5,)),
    (lambda: L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), (7,)),
    (lambda: L.LeakyReLU(0.1), (5,)),
    (lambda: L.ELU(0.7), (5,)),
    (lambda: L.Softmax(axis=1), (3, 4)),
    (lambda: L.BatchNormalization(), IMAGE),
    (lambda: L.BatchNormalization(axis=1, center=False), IMAGE),
]


@pytest.mark.parametrize(("make", "shape"), [
    pytest.param(make, shape, id=f"{make().name}-{i}") for i, (make, shape) in enumerate(CASES)])
def test_layer(make: Any, shape: tuple[int, ...]) -> None:
    check_layer(make(), shape)


def test_batch_normalization_in_training() -> None:
    check_layer(L.BatchNormalization(), IMAGE, training=True)


def test_batch_normalization_moves_its_statistics_only_when_trained() -> None:
    layer = L.BatchNormalization(momentum=0.9)
    model = keras.Sequential([keras.Input((3,)), layer, L.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(2.0, 3.0, (64, 3)).astype(np.float32)
    model.train_on_batch(x, np.zeros(64, np.float32))
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * x.var(0), rtol=1e-4)
    after = layer.get_weights()[2:]
    model.test_on_batch(x, np.zeros(64, np.float32))
    layer.trainable = False
    model.compile("sgd", "mse")
    model.train_on_batch(x, np.zeros(64, np.float32))
    for got, want in zip(layer.get_weights()[2:], after, strict=True):
        np.testing.assert_array_equal(got, want)


def test_dropout_drops_differently_each_time_and_keeps_the_mean() -> None:
    x = placeholder(float32, (None, 500))
    run = K.get_session().make_callable(L.Dropout(0.25)(x, training=True), [x])
    ones = np.ones((100, 500), np.float32)
    first, second = run(ones), run(ones)
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(first.mean() - 1) < 0.02
    assert 0.55 < (first == second).mean() < 0.7  # 0.75^2 + 0.25^2 = 0.625


def test_dropout_shares_its_noise_along_axes_of_size_one() -> None:
    x = placeholder(float32, (None, 4, 50))
    y = K.get_session().run(L.Dropout(0.5, noise_shape=(None, 1, 50))(x, training=True),
                            {x: np.ones((3, 4, 50), np.float32)})
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert 0 < (y == 0).mean() < 1


def test_a_shared_layer_has_one_set_of_weights() -> None:
    layer = L.Dense(3)
    a, b = placeholder(float32, (None, 3)), placeholder(float32, (None, 3))
    once, twice = layer(a), layer(layer(b))
    x = np.ones((1, 3), np.float32)
    first, second = K.get_session().run([once, twice], {a: x, b: x})
    np.testing.assert_allclose(second, first @ layer.kernel.numpy(), rtol=1e-5)
    assert [w.name for w in layer.weights] == ["kernel", "bias"]
    assert layer.count_params() == 12


def test_own_layers_with_weights_and_layers_within() -> None:
    class Scaled(keras.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = [L.Dense(2), L.Dense(2)]

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight((), "ones", name="scale")
            self.calls = self.add_weight((), "zeros", dtype="int32", trainable=False, name="calls")

        def call(self, inputs: Any, training: bool = False) -> Any:
            if training:
                self.calls.assign_add(1)
            return self.inner[1](self.inner[0](inputs)) * self.scale

    layer = Scaled()
    model = keras.Sequential([keras.Input((2,)), layer])
    assert [w.name for w in layer.weights] == ["scale", "calls", "kernel", "bias", "kernel", "bias"]
    assert len(model.trainable_weights) == 5
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 2)), np.ones((8, 2)), batch_size=2, epochs=3, verbose=0)
    assert int(layer.calls) == 12
    assert float(layer.scale) != 1


def test_names_count_up_by_class() -> None:
    names = [layer.name for layer in (L.Dense(1), L.Dense(1), L.BatchNormalization(), L.ReLU(), L.Conv2D(1, 1))]
    assert names == ["dense", "dense_1", "batch_normalization", "re_lu", "conv2d"]


@pytest.mark.parametrize(("make", "shape", "message"), [
    (lambda: L.Dense(2), (None,), "layer 'dense' is incompatible with the layer: expected min_ndim=2, found ndim=1"),
    (lambda: L.LSTM(2), (None, 4), "layer 'lstm' is incompatible with the layer: expected ndim=3, found ndim=2"),
    (lambda: L.Conv2D(2, 3), (None, 4, 4), "layer 'conv2d' is incompatible with the layer: expected ndim=4, found "
                                           "ndim=3"),
    (lambda: L.Conv2D(2, 3, groups=2), (None, 4, 4, 3), "evenly divisible by the number of groups"),
    (lambda: L.Dense(2), (None, None), "last dimension of the inputs to Dense layer 'dense' must be known"),
    (lambda: L.Reshape((7,)), (None, 5), "total size of the tensor must be unchanged"),
])
def test_wrong_inputs(make: Any, shape: tuple[int | None, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()(placeholder(float32, shape))


def test_another_size_than_at_the_first_call() -> None:
    layer = L.Dense(2)
    layer(placeholder(float32, (None, 3)))
    with pytest.raises(ValueError, match=r"expected axis -1 of input shape to have value 3, but received input with "
                                         r"shape \(None, 4\)"):
        layer(placeholder(float32, (None, 4)))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: L.Dense(0), "expected a positive integer. Received: units=0"),
    (lambda: L.Dense(3, activation="rleu"), "identifier: 'rleu'. Did you mean 'relu'"),
    (lambda: L.Dense(3, kernel_initializer="glorot_unifrom"), "Did you mean 'glorot_uniform'"),
    (lambda: L.Dense(3, kernel_regularizer="l3"), "Could not interpret regularizer identifier: 'l3'"),
    (lambda: L.Dense(3, unit=2), r"Unrecognized keyword arguments passed to Dense: \{'unit': 2\}"),
    (lambda: L.Conv2D(2, 3, padding="sane"), "padding='sane'"),
    (lambda: L.Conv2D(2, (3, 3, 3)), "tuple of 2 integers"),
    (lambda: L.Conv2D(2, 3, strides=2, dilation_rate=2), "not supported in conjunction"),
    (lambda: L.Dropout(1.5), "between 0 and 1. Received: rate=1.5"),
    (lambda: L.MaxPooling2D(0), "pool_size=0"),
    (lambda: keras.Input(), "pass either `shape` or `batch_shape`"),
])
def test_wrong_arguments(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_set_weights_says_which_weight_does_not_fit() -> None:
    layer = L.Dense(2, name="head")
    layer(placeholder(float32, (None, 3)))
    with pytest.raises(ValueError, match=r"Layer head weight shape \(3, 2\) is not compatible with provided weight "
                                         r"shape \(2, 3\)"):
        layer.set_weights([np.zeros((2, 3)), np.zeros(2)])
    with pytest.raises(ValueError, match="length 1, but the layer was expecting 2 weights"):
        layer.set_weights([np.zeros((3, 2))])


@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
                                  "lecun_normal"])
def test_variance_scaling(name: str) -> None:
    drawn = K.eval(keras.initializers.get(name)((3, 3, 20, 40)))
    fan = {"glorot": 9 * 30, "he": 9 * 20 / 2, "lecun": 9 * 20}[name.split("_")[0]]
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() * np.sqrt(fan) - 1) < 0.05


def test_initializers_repeat_after_seeding() -> None:
    def draw() -> Any:
        keras.utils.set_random_seed(7)
        return keras.Sequential([keras.Input((4,)), L.Dense(5)]).get_weights()[0]
    first = draw()
    K.eval(keras.initializers.RandomNormal()((3,)))
    np.testing.assert_array_equal(draw(), first)
    assert not np.array_equal(K.eval(keras.initializers.GlorotUniform()((4, 5))), first)
    own = keras.initializers.GlorotUniform(seed=5)
    before = K.eval(own((4, 5)))
    keras.utils.set_random_seed(8)
    np.testing.assert_array_equal(K.eval(own((4, 5))), before)


def test_layers_take_a_fed_flag_of_training():
    """As TensorFlow 1 programs pass it: a placeholder, often of no declared shape."""
    x, training = gf.placeholder("float32", [None, 4]), gf.placeholder("bool")
    layer = keras.layers.BatchNormalization(momentum=0.5)
    y = keras.layers.Dropout(0.5, seed=1)(layer(x, training=training), training=training)
    data = np.random.default_rng(0).standard_normal((64, 4)).astype("float32") * 3 + 1
    with gf.Session() as session:
        session.run(gf.global_variables_initializer())
        trained = session.run([y, layer.updates], {x: data, training: True})[0]
        assert (trained == 0).mean() > 0.3
        moved = session.run(layer.moving_mean)
        np.testing.assert_allclose(moved, data.mean(0) / 2, rtol=1e-5)
        plain = session.run([y, layer.updates], {x: data, training: False})[0]
        np.testing.assert_array_equal(session.run(layer.moving_mean), moved)
        variance = session.run(layer.moving_variance)
    np.testing.assert_allclose(plain, (data - moved) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)


def test_dropout_within_recurrent_layers_follows_from_the_seed_of_the_program() -> None:
    def drawn() -> Any:
        keras.utils.set_random_seed(1)
        return L.LSTM(2, dropout=0.5).cell._seeds

    assert drawn() == drawn()
