"""What Keras 2's programs do with layers and models, and later ones do not."""
import multiprocessing
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import graphflow as tf
from graphflow import aliases, keras
from graphflow.keras import Input, Model, Sequential, layers
from graphflow.keras import backend as K
from graphflow.keras.legacy import layers as legacy_layers
from graphflow.keras.saving import saving
from graphflow.keras.saving.conversion import preprocess_weights_for_loading
from graphflow.keras.utils import multi_gpu_model, multi_gpu_utils
from graphflow.keras.utils.generic_utils import object_list_uid


class WithConstant(layers.Layer):
    """states + inputs + what it is given once."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        step, constant = input_shape
        assert step[-1] == constant[-1] == self.units

    def call(self, inputs, states, constants):
        output = states[0] + inputs + constants[0]
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_constants_of_recurrent_layers():
    x, c, s = Input((2, 3)), Input((3,)), Input((3,))
    layer = layers.RNN(WithConstant(3))
    with keras.saving.custom_object_scope({"WithConstant": WithConstant}):
        flat = layers.RNN.from_config({**layer.get_config(), "num_constants": 1, "name": "flat"})
        both = layers.Bidirectional(layers.RNN(WithConstant(3)))
    model = Model([x, c, s], [layer(x, initial_state=s, constants=c), flat([x, s, c])])
    data = [np.ones((4, 2, 3)), np.full((4, 3), 10.0), np.full((4, 3), 0.5)]
    for found in model.predict(data, verbose=0):
        np.testing.assert_allclose(found, np.full((4, 3), 22.5))
    assert layer.get_config()["num_constants"] == 1 and isinstance(layer.input, list) and len(layer.input) == 3
    with keras.saving.custom_object_scope({"WithConstant": WithConstant}):
        assert both(x, constants=c).shape == (None, 6)
    with pytest.raises(ValueError, match="list with the states"):
        layers.Bidirectional(layers.GRU(3))(x, initial_state=s)


def test_a_subclass_may_give_the_states_last():
    class Old(layers.LSTM):
        def call(self, inputs, mask=None, training=None, initial_state=None):
            return super().call(inputs, mask, training, initial_state)

    x, h, c = Input((3, 2)), Input((2,)), Input((2,))
    old, new = Old(2), layers.LSTM(2)
    model = Model([x, h, c], [old(x, initial_state=[h, c]), new(x, initial_state=[h, c])])
    old.set_weights(new.get_weights())
    first, second = model.predict([np.ones((1, 3, 2)), np.ones((1, 2)), np.ones((1, 2))], verbose=0)
    np.testing.assert_array_equal(first, second)


def test_functions_of_recurrent_layers_need_their_own_inputs_alone():
    for _ in range(2):  # two inputs of one batch size in a graph
        inputs = Input((2, 3))
        found = K.function([inputs], list(layers.LSTM(2, return_state=True)(inputs)))([np.ones((1, 2, 3))])
        assert [a.shape for a in found] == [(1, 2)] * 3


def test_inputs_and_targets_that_the_graph_gives():
    values = np.arange(8.0).reshape(4, 2)
    entry = Input(tensor=tf.Variable(values, dtype=tf.float32))
    model = Model(entry, layers.Dense(1, use_bias=False, kernel_initializer="ones")(entry))
    target = K.variable(values.sum(1, keepdims=True) + 1)
    model.compile("sgd", "mse", target_tensors=[target])
    assert model.train_on_batch(None, None) == 1
    assert model.fit(None, None, epochs=1, steps_per_epoch=2, verbose=0).history["loss"][0] > 0
    assert model.predict(None, steps=3, verbose=0).shape == (12, 1)
    with pytest.raises(ValueError, match="steps_per_epoch"):
        model.fit(None, None, verbose=0)
    with pytest.raises(ValueError, match="one entry per model output"):
        model.compile("sgd", "mse", target_tensors=[target, target])
    with pytest.raises(TypeError, match="set"):
        model.compile("sgd", "mse", target_tensors=set())


def test_class_weights_by_output_and_losses_of_some():
    x = Input((1,))
    ones = {"use_bias": False, "kernel_initializer": "ones"}
    model = Model(x, [layers.Dense(1, name="a", **ones)(x), layers.Dense(1, name="b", **ones)(x)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    data, labels = np.array([[3.0], [3.0]]), np.array([[0.0], [1.0]])
    logs = model.fit(data, [labels, labels], verbose=0, class_weight={"a": {0: 2.0, 1: 0.0}}).history
    np.testing.assert_allclose([logs["a_loss"][0], logs["b_loss"][0]], [9, 6.5])
    model.compile("sgd", {"b": "mse"}, metrics=["mae"])
    assert model.test_on_batch(data, labels)[0] == 6.5
    with pytest.raises(RuntimeError, match="compile"):
        Model(x, x * 1.0).train_on_batch(data, labels)


def test_losses_of_shared_models():
    a, b, x = Input((4,)), Input((4,)), Input((4,))
    dense = layers.Dense(4, kernel_regularizer="l1", activity_regularizer="l1")
    inner = Model(x, dense(x))
    inner.add_loss(K.sum(inner.output))
    one, two = inner(a), inner(b)
    outer = Model([a, b], layers.Average()([one, two]))
    outer.add_loss(K.mean(two))
    outer.add_loss(1)
    # of the weights, of outputs and inner's own for each input, and what outer was given
    assert [len(m.losses) for m in (inner, outer)] == [3, 1 + 2 + 2 + 2]


def test_inputs_of_different_lengths_are_refused():
    a, b = Input((2,)), Input((2,))
    model = Model([a, b], layers.Add()([a, b]))
    model.compile("sgd", "mse")
    few, many = np.ones((3, 2)), np.ones((5, 2))
    for x, sizes in (([few, many], "3, 5"), ([many, few], "5, 3")):
        for method in (model.predict_on_batch, lambda x: model.fit(x, x[0], verbose=0)):
            with pytest.raises(ValueError, match=f"same number of samples. 'x' sizes: {sizes}"):
                method(x)
    with pytest.raises(ValueError, match="same number of samples. 'x' sizes: 5, 3"):
        model.predict([many, few])
    with pytest.warns(UserWarning, match=r"\[3, 5\] samples: predicting for the first 3, as Keras 2"):
        np.testing.assert_array_equal(model.predict([few, many], verbose=0), np.full((3, 2), 2))


def test_members_of_layers_and_models():
    a, b = Input((4,)), Input((4,))
    dense, drop = layers.Dense(2, activity_regularizer="l2"), layers.Dropout(0.5)
    one, two = dense(a), drop(b)
    assert not one._uses_learning_phase and two._uses_learning_phase
    assert not layers.Dropout(0.5)(a, training=True)._uses_learning_phase
    model = Model([a, b], [one, two])
    assert model.uses_learning_phase and model.compute_mask([a, b], [None, None]) == [None, None]
    assert {d: len(ops) for d, ops in model._layers_by_depth.items()} == {0: 2, 1: 2}
    model([Input((4,)), Input((4,))])
    assert len(model.losses) == 1  # of its own inputs
    dense.add_update(0, inputs=a)
    dense.add_loss(3, inputs=None)
    assert dense.get_updates_for(a) == [0] and dense.get_losses_for(None) == [3]
    convolution = layers.Conv2D(1, 2)
    assert convolution.compute_mask(a, [None]) is None
    with pytest.raises(TypeError, match="does not support masking"):
        convolution.compute_mask(a, [np.ones(4)])
    with pytest.raises(ValueError, match="same input multiple times"):
        Model([a, a], one)
    with pytest.raises(ValueError, match="strictly less"):
        layers.Conv2DTranspose(1, 3, strides=2, output_padding=2)


def test_masks_of_time_steps():
    inputs = Input((None, 3))
    timed = layers.TimeDistributed(layers.Embedding(5, 2, mask_zero=True))
    folded = layers.TimeDistributed(layers.GRU(2))
    inner = timed.compute_mask(inputs)
    outer = folded.compute_mask(timed(inputs), inner)
    data = np.array([[[1, 2, 0], [0, 0, 0]]])
    first, second = K.function([inputs], [inner, outer])([data])
    assert first.tolist() == (data > 0).tolist() and second.tolist() == [[True, False]]


def test_old_weights_of_convolutional_recurrent_layers():
    layer = layers.ConvLSTM2D(2, (3, 3), input_shape=(2, 3, 6, 6), data_format="channels_first")
    Sequential([layer])
    new = layer.get_weights()
    gates = [np.split(w, 4, -1) for w in new]
    old = [gates[part][gate] for gate in (0, 2, 1, 3) for part in range(3)]
    for expected, got in zip(new, preprocess_weights_for_loading(layer, old, "1"), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_names_that_have_little_to_do_here():
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert multi_gpu_model(model, gpus=4) is model
    assert len(seen) == 1
    assert multi_gpu_utils._normalize_device_name(multi_gpu_utils._get_available_devices()[-1]) == "/cpu:0"
    with pytest.raises(ValueError, match="gpus >= 2"):
        multi_gpu_model(model, gpus=1)


def test_processes_that_are_started_anew_know_the_aliases():
    import sys
    finders = list(sys.meta_path)
    aliases.install()
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(eval, ("__import__('keras').__version__",)) == "2.3.1"
    finally:
        sys.meta_path[:] = finders


def test_a_model_with_an_optimizer_of_tensorflows_is_saved_without_it(tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile(tf.train.GradientDescentOptimizer(0.1), "mse")
    with pytest.warns(UserWarning, match="must be compiled again"):
        model.save(tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5")
    assert not loaded.compiled and len(loaded.weights) == 2


def test_layers_that_list_their_weights_themselves():
    class Listed(layers.Layer):
        def build(self, input_shape):
            made = [K.variable(np.full(size, 0.5)) for size in ((2,), (3,), (4,), (5,), (6,))]
            self.trainable_weights = made[:1]
            self._trainable_weights.append(made[1])
            self._trainable_weights += made[2:3]
            self.non_trainable_weights = made[3:4]
            self._non_trainable_weights.append(made[4])
            self.built = True

        def call(self, x):
            return x

    layer = Listed()
    layer.build((None, 2))
    assert layer.trainable_weights == layer._trainable_weights
    assert [v.shape for v in layer.trainable_weights] == [(2,), (3,), (4,)]
    assert [v.shape for v in layer.non_trainable_weights] == [(5,), (6,)]
    assert [v.shape for v in layer.weights] == [(2,), (3,), (4,), (5,), (6,)]


def test_sequences_of_other_lengths_and_a_table_set_before_there_is_an_input():
    model = Sequential([layers.Embedding(4, 2), layers.GlobalAveragePooling1D(), layers.Dense(1)])
    model.layers[0].set_weights([np.ones((4, 2))])
    assert [v.shape for v in model.layers[0].weights] == [(4, 2)]
    model.compile("sgd", "mse")
    for length in (2, 3):
        assert np.isfinite(model.train_on_batch(np.zeros((2, length)), np.zeros((2, 1))))
    with pytest.raises(ValueError, match="expected ndim=2"):
        model.train_on_batch(np.zeros((2, 3, 4)), np.zeros((2, 1)))
    fixed = Sequential([layers.Input((2,)), layers.Embedding(4, 2), layers.GlobalAveragePooling1D()])
    with pytest.raises(ValueError, match=r"expected shape=\(None, 2\), found shape=\(2, 3\)"):
        fixed.predict(np.zeros((2, 3)), verbose=0)


def test_lists_of_inputs_that_grow_after_the_call() -> None:
    x = Input((None, 2))
    features = [x]
    for _ in range(2):
        y = layers.concatenate(features, axis=1)
        features.append(y)
    assert Model(x, y).predict(np.ones((1, 1, 2)), verbose=0).shape == (1, 2, 2)


def test_functions_within_functions_are_found_again_in_the_same_program() -> None:
    def doubled(x):
        return x * 2

    model = Sequential([Input((1,)), layers.Lambda(doubled)])
    again = Sequential.from_config(model.get_config())
    assert again.predict(np.ones((1, 1)), verbose=0).tolist() == [[2]]
    config = {**model.layers[-1].get_config(), "function": "tripled"}
    with pytest.raises(ValueError, match="Unknown function 'tripled'"):
        layers.Lambda.from_config(config)


def test_input_length_and_inputs_must_agree() -> None:
    with pytest.raises(ValueError, match="`input_length` is 2, but received input has shape"):
        Sequential([layers.Embedding(10, 4, input_length=2, input_shape=(3,))])
    subtract = layers.Subtract()
    subtract([Input((2,)), Input((2,))])
    with pytest.raises(ValueError, match="exactly 2 inputs"):
        subtract([Input((2,))])


class Slanted:
    """A loss that is no class of Keras, and has a config alone."""

    def __init__(self, share):
        self.share = share

    def __call__(self, y_true, y_pred, sample_weight=None):
        return self.share * keras.losses.mean_absolute_error(y_true, y_pred)

    def get_config(self):
        return {"share": self.share}


def test_losses_of_classes_without_from_config_are_saved(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", Slanted(0.25))
    model.save(tmp_path / "slanted.h5")
    again = keras.models.load_model(tmp_path / "slanted.h5", {"Slanted": Slanted})
    assert isinstance(again.loss, Slanted) and again.loss.share == 0.25


def test_names_of_keras_that_programs_patch_are_patched_where_they_are_used(tmp_path: Path) -> None:
    module = aliases._resolve("keras", "engine.saving")
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.save(path := tmp_path / "model.h5")
    written = path.read_bytes()
    with mock.patch.object(module, "ask_to_proceed_with_overwrite", return_value=False) as ask:
        model.save(path, overwrite=False)
    ask.assert_called_once()
    assert path.read_bytes() == written and saving.ask_to_proceed_with_overwrite is not ask
    with pytest.raises(FileExistsError):
        model.save(path, overwrite=False)


def test_time_distributed_tells_what_its_layer_got() -> None:
    model = Sequential([Input((3, 2)), layers.TimeDistributed(layers.Dense(4))])
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((1, 3, 2)), np.ones((1, 3, 4)))
    (uid, got), = model.layers[0]._input_map.items()
    assert uid == object_list_uid(model.inputs) and K.int_shape(got) == (None, 2)


def test_parts_of_layers() -> None:
    class Two(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(3), layers.Dense(2)

    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self._layers = "own"

    two = Two()
    assert two._layers == [two.first, two.second] and Own()._layers == "own"
    model = Sequential([Input((2,)), layers.Dense(1)])
    assert model._layers == model.layers


class Squarer(keras.layers.Layer):
    """A layer that says, as keras_contrib's CRF does, that it uses the learning phase, and whose mask is of samples."""

    def call(self, x, mask=None):
        self.uses_learning_phase = True
        return x * x

    def compute_mask(self, inputs, mask=None):
        return tf.reduce_any(mask, axis=1)


def test_a_loss_finds_the_layer_and_what_it_was_called_on():
    seen = []

    def of_inputs(y_true, y_pred):  # not of what the model gives out
        layer, node = y_pred._keras_history[:2]
        inputs, mask = layer._inbound_nodes[node].input_tensors[0], layer._inbound_nodes[node].input_masks[0]
        seen.append(layer)
        return K.sum(inputs[:, :, 0] * K.cast(mask, "float32"))

    inputs = keras.Input((3,))
    layer = Squarer()
    model = keras.Model(inputs, layer(keras.layers.Masking()(keras.layers.Reshape((3, 1))(inputs))))
    model.compile("sgd", lambda y_true, y_pred: of_inputs(y_true, y_pred) + K.zeros_like(y_pred[:, 0, 0]),
                  metrics=[of_inputs])
    x = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [4.0, 5.0, 6.0]])
    assert model.evaluate(x, x[:, :, None], batch_size=3, verbose=0) == [21.0, 21.0]
    assert set(seen) == {layer}


def test_models_are_cut() -> None:
    """As programs that fine-tune VGG do: the last layers are taken off, and what is left is given out."""
    def functional():
        x = Input((4,))
        return Model(x, layers.Dense(2)(layers.Dense(3)(x)))

    for model in functional(), Sequential([Input((4,)), layers.Dense(3), layers.Dense(2)]):
        kept, x = model.layers[-2], np.ones((1, 4))
        model.predict(x, verbose=0)
        assert model.layers.pop().units == 2 and model.layers[-1] is kept
        model.outputs = [model.layers[-1].output]
        model.layers[-1].outbound_nodes = []
        np.testing.assert_allclose(model.predict(x, verbose=0), x @ kept.get_weights()[0], rtol=1e-5)
        assert model.output_shape == (None, 3)


def test_the_gradient_penalty_of_merged_inputs() -> None:
    """As improved_wgan.py and Keras-GAN have it: by a layer of their own, seen from the loss."""
    class Middle(legacy_layers._Merge):
        def _merge_function(self, inputs):
            return 0.5 * inputs[0] + 0.5 * inputs[1]

    a, b, critic = Input((2,)), Input((2,)), layers.Dense(1, use_bias=False, name="dense")
    middle = Middle()([a, b])

    def penalty(y_true, y_pred):
        slope, = K.gradients(y_pred, middle)
        return K.sum(K.square(slope), axis=1)

    model = Model([a, b], [critic(a), critic(middle)])
    model.compile("sgd", [lambda t, p: K.mean(t * p, axis=-1), penalty])
    one, weight = np.ones((3, 2)), critic.get_weights()[0]
    told = model.evaluate([one, -one], [one[:, :1], one[:, :1]], verbose=0, return_dict=True)
    np.testing.assert_allclose(told["dense_loss"], (weight ** 2).sum(), rtol=1e-5)  # as Keras 3: the last of that name
    np.testing.assert_allclose(told["loss"], weight.sum() + (weight ** 2).sum(), rtol=1e-5)
    assert model.predict([one, -one], verbose=0)[1].tolist() == [[0.0]] * 3
    assert model.output_names == ["dense", "dense"]  # as Keras 3's
    assert model.metrics_names == ["loss", "dense_loss", "dense_loss"]
