"""What programs for Keras 1, 2 and TensorFlow 2 import, by the names of their time."""
import numpy as np
import pytest

import graphflow as tf
from graphflow import aliases, keras


@pytest.mark.parametrize("name", [
    "optimizers.adam_v2.Adam", "optimizers.experimental.AdamW", "optimizer_v2.learning_rate_schedule.ExponentialDecay",
    "layers.experimental.preprocessing.RandomFlip", "mixed_precision.experimental.set_policy", "models.Input",
    "engine.topology.get_source_inputs", "engine.topology.Container", "engine.functional.Functional",
    "engine.saving.load_weights_from_hdf5_group_by_name", "layers.merge._Merge", "layers.core.TimeDistributedDense",
    "layers.MaxoutDense", "backend.tensorflow_backend._to_tensor", "backend.common._EPSILON",
    "callbacks.callbacks.BaseLogger", "applications.mobilenet.relu6", "losses.huber_loss", "regularizers.l1l2",
    "src.layers.Dense", "src.legacy.preprocessing.image.ImageDataGenerator", "api._v2.keras.layers.Dense"])
def test_names_are_found(name: str) -> None:
    place, _, last = name.rpartition(".")
    assert callable(getattr(aliases._resolve("keras", place), last)) or last == "_EPSILON"


def test_packages_that_are_parts_of_keras() -> None:
    assert aliases._resolve("tf_keras", "layers").Dense is keras.layers.Dense
    assert aliases._resolve("keras_preprocessing", "sequence").pad_sequences([[1], [2, 3]]).tolist() == [[0, 1], [2, 3]]
    assert keras.layers.experimental.preprocessing.Rescaling is keras.layers.Rescaling
    with pytest.raises(AttributeError, match="Nothing"):
        _ = keras.layers.experimental.preprocessing.Nothing


@pytest.mark.parametrize(("mode", "units"), [("concat", 5), ("sum", 3)])
def test_sequential_models_are_merged(mode: str, units: int, tmp_path) -> None:
    layers = aliases._resolve("keras", "layers")
    left = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    right = keras.Sequential([keras.Input((4,)), layers.Dense(units - 3 or 3)])
    model = keras.Sequential()
    model.add(layers.Merge([left, right], mode=mode))
    assert model.output_shape == (None, units)
    model.add(layers.Dense(1))
    a, b = np.ones((6, 2)), np.ones((6, 4))
    joined = {"concat": lambda x, y: np.concatenate([x, y], 1), "sum": np.add}[mode](
        left.predict(a, verbose=0), right.predict(b, verbose=0))
    np.testing.assert_allclose(model.predict([a, b], verbose=0), joined @ model.get_weights()[-2], rtol=1e-5, atol=1e-6)
    model.compile("sgd", "mse")
    model.fit([a, b], np.ones(6), nb_epoch=1, verbose=0)
    assert len(model.trainable_weights) == 6


def test_weights_of_layers_from_a_group(tmp_path) -> None:
    saving, (x, y) = aliases._resolve("keras", "engine.saving"), [keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name=last)]) for last in "bc"]
    x.save_weights(tmp_path / "w.h5")
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "w.h5", "r") as file:
        saving.load_weights_from_hdf5_group_by_name(file, y.layers)
        np.testing.assert_array_equal(y.get_weights()[0], x.get_weights()[0])
        assert not np.array_equal(y.get_weights()[2], x.get_weights()[2])
        saving.load_weights_from_hdf5_group(file, y.layers)
    np.testing.assert_array_equal(y.get_weights()[2], x.get_weights()[2])


def test_a_base_logger_gives_means() -> None:
    logger = aliases._resolve("keras", "callbacks").BaseLogger(["seen"])
    logger.set_params({"metrics": ["loss", "seen"]})
    logger.on_epoch_begin(0)
    for size, loss in (3, 1.0), (1, 5.0):
        logger.on_batch_end(0, {"size": size, "loss": loss, "seen": loss})
    logs: dict = {}
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 2.0, "seen": 5.0}


def test_metrics_are_found_by_the_names_they_had(tmp_path) -> None:
    seen = []
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    x, y = np.ones((8, 2)), np.ones((8, 1))
    history = model.fit(x, y, epochs=2, batch_size=4, verbose=0, validation_data=(x, y), callbacks=[
        keras.callbacks.ModelCheckpoint(tmp_path / "{val_acc:.1f}.h5", monitor="val_acc", save_best_only=True),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.25),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["acc"] + logs["lr"]),
                                       on_batch_end=lambda batch, logs: seen.append(logs.get("acc")))])
    assert [p.name for p in tmp_path.iterdir()] == ["1.0.h5"] and seen == [1, 1, 1.25] * 2
    assert history.history["val_acc"] == history.history["val_accuracy"] == [1, 1]
    assert "acc" not in history.history and history.history.get("nothing") is None
    with pytest.raises(KeyError, match="auc"):
        _ = history.history["auc"]


def test_updates_by_the_arguments_of_keras_1() -> None:
    K = keras.backend
    weight, wanted = K.variable([1.0, 2.0]), K.placeholder((2,))
    updates = keras.optimizers.SGD(1.0).get_updates([weight], [], K.sum(weight * wanted))
    K.function([wanted], [], updates=updates)([np.array([0.5, 2.0])])
    np.testing.assert_allclose(K.get_value(weight), [0.5, 0.0])


class Chosen(keras.layers.Layer):
    """Gives rows of which only it knows how many there are, as detection targets of Mask R-CNN."""

    def call(self, inputs):
        return tf.boolean_mask(inputs, tf.constant([True, False, True]), axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2, input_shape[2])


def test_sizes_that_layers_state_are_what_keras_sees() -> None:
    K, layers = keras.backend, keras.layers
    x = keras.Input((3, 4))
    rows = layers.TimeDistributed(layers.Dense(6))(Chosen()(x))
    assert K.int_shape(rows) == (None, 2, 6)
    model = keras.Model(x, layers.Reshape((K.int_shape(rows)[1], 3, 2))(rows))
    assert model.predict(np.ones((5, 3, 4)), verbose=0).shape == (5, 2, 3, 2)


def test_losses_and_metrics_that_are_tensors() -> None:
    """As Mask R-CNN compiles: penalties of weights, no loss of any output, metrics that are appended."""
    x, dense = keras.Input((2,)), keras.layers.Dense(3, use_bias=False)
    model = keras.Model(x, dense(x))
    model.add_loss(tf.add_n([tf.reduce_sum(w * w) for w in model.trainable_weights]))
    model.compile(keras.optimizers.SGD(0.25), loss=[None] * len(model.outputs))
    model.metrics_names.append("mean")
    model.metrics_tensors.append(tf.reduce_mean(model.output, keepdims=True))
    before, = model.get_weights()
    assert model.metrics_names == ["loss", "mean"]
    found = model.train_on_batch(np.ones((4, 2)), [])
    np.testing.assert_allclose(found, [(before ** 2).sum(), before.sum(0).mean()], rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], before / 2, rtol=1e-5)
