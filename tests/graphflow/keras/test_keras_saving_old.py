"""Files as Keras 1, Keras 2 and tf.keras wrote them (the layouts are those of Keras 2.3.1's engine/saving.py), made
here with h5py, and forms of saving that are newer: shards, folders, objects that store themselves.
"""
from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

L = keras.layers
RNG = np.random.default_rng(0)


def draw(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def write_layers(group: Any, layers: dict[str, list[np.ndarray]], version: str | None = "2.3.1",
                 backend: str = "tensorflow") -> None:
    group.attrs["layer_names"] = [n.encode() for n in layers]
    group.attrs["backend"] = backend.encode()
    if version is not None:
        group.attrs["keras_version"] = version.encode()
    for name, arrays in layers.items():
        inner = group.create_group(name)
        names = [f"{name}/w{i}:0" for i in range(len(arrays))]
        inner.attrs["weight_names"] = [n.encode() for n in names]
        for key, array in zip(names, arrays, strict=True):
            inner[key] = array


def dense(name: str, units: int, **config: Any) -> dict[str, Any]:
    initializer = {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg",
                                                               "distribution": "uniform", "seed": None}}
    return {"class_name": "Dense", "config": {
        "name": name, "trainable": True, "dtype": "float32", "units": units, "activation": "tanh", "use_bias": True,
        "kernel_initializer": initializer, "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}}, "bias_regularizer": None,
        "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None, **config}}


ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "decay": 0.0,
                                         "epsilon": 1e-07, "amsgrad": False}}


@pytest.mark.parametrize("bare", [False, True])
def test_a_whole_model_of_keras_2(bare: bool, tmp_path: Path) -> None:
    arrays = {"a": [draw(3, 4), draw(4)], "b": [draw(4, 4), draw(4)]}
    flat = [w for layer in arrays.values() for w in layer]
    first, second = [draw(*w.shape) for w in flat], [np.abs(draw(*w.shape)) for w in flat]
    layers = [dense("a", 4, batch_input_shape=[None, 3]), dense("b", 4)]
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = b"2.3.1", b"tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers if bare else {
            "name": "sequential_1", "layers": layers}}).encode()
        file.attrs["training_config"] = json.dumps({
            "optimizer_config": ADAM, "loss": "mse", "metrics": ["accuracy", "mae"], "weighted_metrics": None,
            "sample_weight_mode": None, "loss_weights": None}).encode()
        write_layers(file.create_group("model_weights"), arrays)
        state = file.create_group("optimizer_weights")
        values = [np.int64(7), *first, *second, *(np.zeros(1, np.float32) for _ in flat)]
        names = ["Adam/iterations:0", *(f"training/Adam/Variable_{i}:0" for i in range(len(values) - 1))]
        state.attrs["weight_names"] = [n.encode() for n in names]
        for name, value in zip(names, values, strict=True):
            state[name] = value
    model = keras.models.load_model(tmp_path / "m.h5")
    x = draw(5, 3)
    want = np.tanh(np.tanh(x @ flat[0] + flat[1]) @ flat[2] + flat[3])
    np.testing.assert_allclose(model.predict(x, verbose=0), want, rtol=1e-5, atol=1e-6)
    assert int(model.optimizer.iterations) == 7
    assert model.optimizer.get_config()["learning_rate"] == pytest.approx(0.01)
    together = [m for pair in zip(first, second, strict=True) for m in pair]
    for got, wanted in zip(model.optimizer.get_weights()[2:], together, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_gates_of_keras_1(tmp_path: Path) -> None:
    """i, c, f, o apart; and three for a GRU."""
    lstm = [draw(*s) for _ in range(4) for s in ((2, 3), (3, 3), (3,))]
    gru = [draw(*s) for _ in range(3) for s in ((3, 2), (2, 2), (2,))]
    kernel = draw(5, 3, 4, 1)  # filters, channels, length, 1
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_layers(file, {"conv": [kernel, np.zeros(5, np.float32)], "lstm": lstm, "gru": gru}, version=None)
    model = keras.Sequential([keras.Input((9, 3)), L.Conv1D(5, 4, name="conv"), L.Dense(2, trainable=False,
                              use_bias=False, name="other"), L.LSTM(3, return_sequences=True, name="lstm"),
                              L.GRU(2, reset_after=False, name="gru")])
    model.load_weights(tmp_path / "w.h5", by_name=True)
    np.testing.assert_array_equal(model.get_layer("conv").kernel.numpy(), kernel.transpose(2, 3, 1, 0)[:, 0])
    i, c, f, o = (lstm[3 * gate:3 * gate + 3] for gate in range(4))
    for part, got in enumerate(model.get_layer("lstm").get_weights()):
        np.testing.assert_array_equal(got, np.concatenate([g[part] for g in (i, f, c, o)], -1))
    for part, got in enumerate(model.get_layer("gru").get_weights()):
        np.testing.assert_array_equal(got, np.concatenate(gru[part::3], -1))


def test_kernels_of_theano_and_cudnn(tmp_path: Path) -> None:
    kernel, bias = draw(3, 3, 1, 2), draw(2)
    units, inputs = 2, 8
    recurrent = [draw(inputs, 4 * units), draw(units, 4 * units), draw(8 * units)]
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_layers(file, {"conv": [kernel, bias], "lstm": recurrent}, backend="theano")
    model = keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(2, 3, name="conv"), L.Reshape((4, 8)),
                              L.LSTM(units, name="lstm")])
    model.load_weights(tmp_path / "w.h5")
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), kernel[::-1, ::-1])
    got = model.layers[2].get_weights()
    np.testing.assert_array_equal(got[0][:, :units], recurrent[0][:, :units].T.reshape((inputs, units), order="F"))
    np.testing.assert_array_equal(got[1][:, :units], recurrent[1][:, :units].T)
    np.testing.assert_array_equal(got[2], recurrent[2].reshape(2, -1).sum(0))


def test_misshapen_weights_name_the_layer(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_layers(file, {"a": [draw(3, 4), draw(4)]})
    model = keras.Sequential([keras.Input((3,)), L.Dense(5, name="a")])
    with pytest.raises(ValueError, match=r"weight 'kernel' of layer 'a' has shape \(3, 5\), but .* shape \(3, 4\)"):
        model.load_weights(tmp_path / "w.h5")
    with pytest.warns(UserWarning, match="Skipping loading of weights for layer 'a' due to mismatch"):
        model.load_weights(tmp_path / "w.h5", skip_mismatch=True)
    with pytest.raises(ValueError, match="Model expected 2 layers, found 1 saved layers"):
        keras.Sequential([keras.Input((3,)), L.Dense(4), L.Dense(1)]).load_weights(tmp_path / "w.h5")


# newer forms


class Counting(keras.Layer):
    """Stores a number of its own beside its weight."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.seen = 0

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        store["seen"] = np.array(self.seen)

    def load_own_variables(self, store: Any) -> None:
        self.scale.assign(store["0"])
        self.seen = int(store["seen"])

    def save_assets(self, dir_path: str) -> None:
        Path(dir_path, "note.txt").write_text("seen by others")

    def load_assets(self, dir_path: str) -> None:
        self.note = Path(dir_path, "note.txt").read_text()


class Own(keras.Model):
    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.body = [L.Dense(2), {"deep": [Counting()]}]
        self.out = L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(self.body[1]["deep"][0](self.body[0](x)))


@pytest.mark.parametrize("form", ["m.keras", "folder", "stream", "pickle"])
def test_objects_that_store_themselves(form: str, tmp_path: Path) -> None:
    model = Own()
    x = draw(4, 3)
    want = model.predict(x, verbose=0)
    counting = model.body[1]["deep"][0]
    counting.seen = 5
    path: Any = tmp_path / form
    with keras.saving.custom_object_scope({"Own": Own, "Counting": Counting}):
        if form == "pickle":
            copy = pickle.loads(pickle.dumps(model))
        elif form == "stream":
            with open(path, "wb") as out:
                model.save(out)
            with open(path, "rb") as source:
                copy = keras.models.load_model(source)
        else:
            model.save(path, zipped=False if form == "folder" else None)
            copy = keras.models.load_model(path)
    np.testing.assert_array_equal(copy.predict(x, verbose=0), want)
    assert [copy.body[1]["deep"][0].seen, copy.body[1]["deep"][0].note] == [5, "seen by others"]


def test_shards(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8,)), L.Dense(16), L.Dense(16), L.Dense(2)])
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=1100 / 2**30)
    assert sorted(os.listdir(tmp_path)) == ["m.weights.json", *(f"m_0000{i}.weights.h5" for i in range(3))]
    other = keras.Sequential.from_config(model.get_config())
    other.load_weights(tmp_path / "m.weights.json")
    for got, want in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(ValueError, match="more than the 100 of `max_shard_size`"):
        model.save_weights(tmp_path / "n.weights.json", max_shard_size=100 / 2**30)


def test_the_file_editor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = keras.Sequential([keras.Input((2,)), L.Dense(3), L.Dense(1)])
    model.save(tmp_path / "m.keras")
    editor = keras.saving.KerasFileEditor(tmp_path / "m.keras")
    editor.summary()
    assert "0: shape=(2, 3), dtype=float32" in capsys.readouterr().out
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": 4}
    editor.rename_object("dense_1", "dense_2")
    editor.delete_weight("dense", "1")
    assert editor.compare(model)["error_count"] == 5
    editor.add_weights("layers/dense", {"1": np.ones(3, np.float32)})
    editor.rename_object("dense_2", "dense_1")
    editor.save(tmp_path / "n.weights.h5")
    model.load_weights(tmp_path / "n.weights.h5")
    np.testing.assert_array_equal(model.layers[0].bias.numpy(), np.ones(3))
    with pytest.raises(ValueError, match="'nothing' not found"):
        editor.delete_object("nothing")


def test_overwriting_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, path = keras.Sequential([keras.Input((2,)), L.Dense(1)]), tmp_path / "m.keras"
    path.write_bytes(b"old")
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    model.save(path, overwrite=False)
    assert path.read_bytes() == b"old"
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    model.save(path, overwrite=False)
    assert path.read_bytes() != b"old"


class Twice(keras.Model):
    """Has one layer under two names."""

    def __init__(self, first: Any, second: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.first, self.second = first, second

    def call(self, x: Any) -> Any:
        return self.second(self.first(x))

    def get_config(self) -> dict[str, Any]:
        return {"first": self.first, "second": self.second, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**keras.saving.deserialize_keras_object(config))


def test_shared_objects_stay_one(tmp_path: Path) -> None:
    layer = L.Dense(2)
    model, x = Twice(layer, layer), draw(3, 2)
    want = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras", {"Twice": Twice})
    assert copy.first is copy.second
    np.testing.assert_array_equal(copy.predict(x, verbose=0), want)


def test_public_forms() -> None:
    values = {"a": np.arange(2), "b": (1, slice(None, 2)), "c": [Ellipsis, b"x", None], "d": keras.activations.relu}
    described = keras.saving.serialize_keras_object(values)
    back = keras.saving.deserialize_keras_object(json.loads(json.dumps(described)))
    np.testing.assert_array_equal(back["a"], values["a"])
    assert [back["b"], back["c"], back["d"]] == [[1, slice(None, 2)], [Ellipsis, b"x", None], keras.activations.relu]
    with pytest.raises(TypeError, match="has no get_config"):
        keras.saving.serialize_keras_object(object())
    with pytest.raises(ValueError, match="does not have a get_config"):
        keras.saving.register_keras_serializable()(type("Bare", (), {}))


def layer(kind: str, name: str, inbound: Any = None, **config: Any) -> dict[str, Any]:
    described = {"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}
    return described if inbound is None else {**described, "name": name, "inbound_nodes": inbound}


def test_tensorflow_functions_of_tf_keras() -> None:
    """tf.keras wrote functions on its tensors as layers."""
    layers = [
        {"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": {
            "batch_input_shape": [None, 4], "dtype": "float32", "sparse": False, "ragged": False, "name": "x"}},
        layer("TFOpLambda", "tf.math.multiply", [["x", 0, 0, {"y": 2.0, "name": None}]], function="math.multiply"),
        layer("TFOpLambda", "tf.__operators__.add", [["_CONSTANT_VALUE", -1, 1.0, {
            "y": ["tf.math.multiply", 0, 0], "name": None}]], function="__operators__.add"),
        layer("SlicingOpLambda", "tf.__operators__.getitem", [["tf.__operators__.add", 0, 0, {
            "slice_spec": [{"start": None, "stop": None, "step": None}, {"start": 1, "stop": 3, "step": None}]}]],
            function="__operators__.getitem"),
        layer("TFOpLambda", "tf.concat", [[["tf.__operators__.getitem", 0, 0, {"axis": -1}], [
            "x", 0, 0, {"axis": -1}]]], function="concat")]
    config = {"name": "model", "trainable": True, "layers": layers, "input_layers": [["x", 0, 0]],
              "output_layers": [["tf.concat", 0, 0]]}
    model = keras.models.model_from_config({"class_name": "Functional", "config": config})
    x = np.arange(4, dtype=np.float32)[None]
    np.testing.assert_allclose(model.predict(x, verbose=0), [[3.0, 5.0, 0.0, 1.0, 2.0, 3.0]])
    layers[1]["config"]["function"] = "io.write_file"
    with pytest.raises(ValueError, match="'io.write_file', which is not one that files may name"):
        keras.models.model_from_config({"class_name": "Functional", "config": config})


@pytest.mark.parametrize("described", [
    layer("BatchNormalization", "b", axis=[3], momentum=0.9, epsilon=0.001, fused=True),
    layer("DepthwiseConv2D", "d", kernel_size=[3, 3], groups=1), layer("SpatialDropout1D", "s", rate=0.2,
                                                                       noise_shape=None),
    layer("Embedding", "e", input_dim=3, output_dim=2, input_length=5, embeddings_initializer={
        "class_name": "RandomUniform", "config": {"minval": -0.05, "maxval": 0.05, "seed": None, "dtype": "float32"}}),
    layer("LSTM", "l", units=2, implementation=2, time_major=False, recurrent_activation="hard_sigmoid"),
    layer("MultiHeadAttention", "m", num_heads=1, key_dim=2, query_shape=[None, 3, 2], key_shape=[None, 3, 2],
          value_shape=[None, 3, 2]),
    layer("CuDNNGRU", "g", units=2), layer("Attention", "a", causal=False, use_scale=False),
], ids=lambda described: described["class_name"])
def test_configs_of_keras_2(described: dict[str, Any]) -> None:
    assert keras.layers.deserialize(described).name == described["config"]["name"]


def test_unknown_config_keys_name_the_class() -> None:
    with pytest.raises(ValueError, match="Unrecognized keyword arguments passed to Dense: {'nonsense': 3}"):
        keras.layers.deserialize(layer("Dense", "d", units=2, nonsense=3))


def test_weights_in_checkpoints(tmp_path: Path) -> None:
    """As the tutorials of tf.keras keep them."""
    def made(units: int = 2) -> keras.Model:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units), keras.layers.BatchNormalization()])
        model.compile("sgd", "mse")
        return model

    model, other, path = made(), made(), str(tmp_path / "deep" / "cp-{epoch:04d}.ckpt")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), epochs=2, verbose=0,
              callbacks=[keras.callbacks.ModelCheckpoint(path, save_weights_only=True)])
    latest = tf.train.latest_checkpoint(str(tmp_path / "deep"))
    assert latest == path.format(epoch=2)
    other.load_weights(latest).expect_partial()
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.save_weights(tmp_path / "my_checkpoint")
    with pytest.raises(ValueError, match="shape"):
        made(4).load_weights(tmp_path / "my_checkpoint")
    with pytest.raises(FileNotFoundError):
        other.load_weights(tmp_path / "another")


def test_a_loaded_model_measures_by_the_programs_own_metric(tmp_path: Path) -> None:
    def product(y_true: Any, y_pred: Any) -> Any:
        return keras.backend.mean(y_true * y_pred)

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", product, metrics=[product])
    x = np.ones((4, 2))
    before = model.evaluate(x, x, verbose=0)
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5", custom_objects={"product": product})
    assert again.evaluate(x, x, verbose=0) == before and again.metrics_names == ["loss", "product"]
