"""Quantizers against numbers of Keras 3.15, and layers whose weights are kept in few bits."""
from __future__ import annotations

import numpy as np
import pytest

from graphflow import keras
from graphflow.keras import quantizers

X = np.array([[0.3, -1.2, 0.7], [2.0, 0.1, -0.4]], np.float32)


def test_largest_magnitudes_become_the_ends_of_the_range():
    values, scale = quantizers.abs_max_quantize(X, axis=-1)
    np.testing.assert_array_equal(values, [[32, -127, 74], [127, 6, -25]])
    np.testing.assert_allclose(scale, [[105.83333], [63.5]], rtol=1e-6)
    assert np.asarray(values).dtype == np.int8
    with pytest.raises(ValueError, match="within the interval"):
        quantizers.AbsMaxQuantizer(value_range=(-200, 127))


@pytest.mark.parametrize("to_numpy, zero, scale", [(True, [[-8, 6, -3]], [[0.13333334, 0.08666667, 0.07333334]]),
                                                   (False, [[-8, 6, -3]], [[0.11333334, 0.08666667, 0.07333334]])])
def test_blocks_have_scales_and_zero_points(to_numpy, zero, scale):
    values, found, point = quantizers.abs_max_quantize_grouped_with_zero_point(X, 4, to_numpy=to_numpy)
    np.testing.assert_array_equal(point, zero)
    np.testing.assert_allclose(found, scale, rtol=1e-5)
    np.testing.assert_array_equal(values, np.clip(np.round(X / np.asarray(found)) + np.asarray(point), -8, 7))


def test_two_values_are_in_a_byte():
    rows = np.array([[-3, 7], [2, -8], [1, 0]], np.int8)
    packed, shape, length = quantizers.pack_int4(rows)
    np.testing.assert_array_equal(packed, [[45, -121], [1, 0]])
    assert shape == (2, 2) and length == 3
    np.testing.assert_array_equal(quantizers.unpack_int4(packed, length), rows)
    packed, _, length = quantizers.pack_int4(rows.view(np.uint8) & 15, 1, "uint8")
    np.testing.assert_array_equal(quantizers.unpack_int4(packed, length, -1, "uint8"), rows.view(np.uint8) & 15)
    with pytest.raises(TypeError, match="Expected int8"):
        quantizers.pack_int4(X)


def test_eight_bit_floats_round_to_even_and_are_cut_off():
    x = np.array([500.0, -464.0, 1.0625, 1.1875, 2.0 ** -10, 3 * 2.0 ** -10, 0.0], np.float32)
    np.testing.assert_array_equal(quantizers.quantize_and_dequantize(x, 1.0, "float8_e4m3fn", "float32"),
                                  np.float32([448, -448, 1.0, 1.25, 0, 2.0 ** -8, 0]))
    np.testing.assert_array_equal(quantizers.quantize_and_dequantize([1.1, 60000.0], 0.5, "float8_e5m2", "float32"),
                                  np.float32([1.0, 28672.0]))
    np.testing.assert_array_equal(quantizers.compute_float8_amax_history(X, np.float32([1, 3, 4])), [2, 4, 1])
    assert float(quantizers.compute_float8_scale(np.float32(0), np.float32(3), np.float32(448))) == 3


def test_configs_are_checked_and_written():
    config = quantizers.Int8QuantizationConfig(quantizers.AbsMaxQuantizer(axis=0), None)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(config))
    assert again.weight_quantizer.axis == (0,) and again.activation_quantizer is None and again.mode == "int8"
    with pytest.raises(ValueError, match="does not support custom"):
        quantizers.Int4QuantizationConfig(quantizers.AbsMaxQuantizer(value_range=(-8, 7)))
    assert quantizers.get("abs_max_quantizer", axis=1).axis == (1,)


def _model():
    inputs = keras.Input((4,), dtype="int32")
    x = keras.layers.Embedding(6, 5)(inputs)
    x = keras.layers.EinsumDense("abc,cde->adbe", output_shape=(2, None, 3), bias_axes="e")(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="last")(x))
    model.set_weights([np.sin(np.arange(w.size)).reshape(w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("config, step", [
    (quantizers.Int8QuantizationConfig(), 0.05), (quantizers.Int4QuantizationConfig(None, None, -1), 0.9),
    (quantizers.Int4QuantizationConfig(block_size=3), 1.6), (quantizers.Float8QuantizationConfig(), 0.4)])
def test_a_quantized_model_is_near_and_saved_with_its_bits(tmp_path, config, step):
    model, x = _model(), np.array([[0, 3, 5, 1], [2, 2, 4, 0]])
    before = model.predict(x, verbose=0)
    with pytest.warns(UserWarning, match="quantiz"):  # the InputLayer
        model.quantize(config=config)
    after = model.predict(x, verbose=0)
    assert 0 < np.abs(after - before).max() < step
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), after)
    assert again.get_layer("last").quantization_mode == config.mode
    with pytest.raises(ValueError, match="already quantized"):
        again.get_layer("last").quantize("int8")


def test_float8_moves_its_scales_as_it_trains():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.quantize("float8")
    model.compile(keras.optimizers.Adam(0.1), "mse")
    history = model.fit(X, np.ones((2, 2), np.float32), epochs=4, verbose=0).history["loss"]
    layer = model.layers[-1]
    assert history[-1] < history[0] and len(model.optimizer.variables) == 2 + 4
    np.testing.assert_allclose(float(layer.inputs_scale), 2.0 / 448, rtol=1e-6)
    assert layer.inputs_amax_history.numpy()[:2].tolist() == [2.0, 0.0]


def test_files_hold_bits_with_the_adaptation_in_them(tmp_path):
    def layer():
        made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")])
        made.quantize("int8")
        return made
    model = layer()
    model.layers[-1].enable_lora(1, b_initializer="ones")
    model.save_weights(tmp_path / "w.weights.h5")
    other = layer()
    other.load_weights(tmp_path / "w.weights.h5")
    assert other.layers[-1].kernel.dtype.name == "int8"
    np.testing.assert_allclose(other.predict(X, verbose=0), model.predict(X, verbose=0), atol=0.05)


def test_layers_without_such_weights_and_subclasses_refuse():
    class Own(keras.layers.Dense):
        pass

    layers = keras.layers
    for layer, mode in ((Own(2), "int8"), (layers.Dropout(0.5), "int8"), (layers.Embedding(3, 2), "float8")):
        layer.build((None, 3))
        with pytest.raises(NotImplementedError):
            layer.quantize(mode)
    with pytest.raises(ValueError, match="must pass a `GPTQConfig`"):
        layer.quantize("gptq")
    with pytest.raises(ValueError, match="filters"):
        _model().quantize("int8", filters=3)
