"""Files: what is written is what Keras writes, comes back as it was, and bad files are one clear error."""
from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from golden import DATA

from graphflow import keras

L = keras.layers
ENDINGS = ["h5", "keras"]


def trained() -> Any:
    model = keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(3, 3, activation="relu"), L.BatchNormalization(),
                              L.MaxPooling2D(), L.Flatten(), L.Dropout(0.2), L.Dense(4, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01, clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(20, 6, 6, 1)), rng.integers(0, 4, 20), batch_size=5, verbose=0)
    return model


def quiet_load(path: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No training configuration")
        return keras.models.load_model(path, **kwargs)


def structure(path: Any) -> dict[str, Any]:
    """Everything in an HDF5 file but the values: names, shapes, types, attributes."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        attributes = {k: (v.tolist() if hasattr(v, "tolist") else v, str(item.attrs.get_id(k).dtype))
                      for k, v in item.attrs.items()}
        if "model_config" in attributes:
            attributes["model_config"] = json.loads(attributes["model_config"][0])
        found[name] = (attributes, getattr(item, "shape", None), str(getattr(item, "dtype", "")))

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_model_comes_back_with_its_optimizer(ending: str, tmp_path: Path) -> None:
    model = trained()
    path = tmp_path / f"model.{ending}"
    model.save(path)
    loaded = keras.models.load_model(path)
    x, y = np.random.default_rng(1).normal(size=(5, 6, 6, 1)), np.arange(5) % 4
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert loaded.get_config() == model.get_config()
    assert type(loaded.optimizer) is keras.optimizers.Adam
    assert loaded.optimizer.clipnorm == 1.0
    assert int(loaded.optimizer.iterations) == 4
    for got, want in zip(loaded.optimizer.get_weights(), model.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert list(loaded.evaluate(x, y, verbose=0, return_dict=True)) == ["accuracy", "loss"]
    assert os.listdir(tmp_path) == [path.name]


def test_weights_files_in_both_layouts(tmp_path: Path) -> None:
    model = trained()
    for name in ("a.weights.h5", "a.h5"):
        model.save_weights(tmp_path / name)
        other = keras.Sequential.from_config(model.get_config())
        other.load_weights(tmp_path / name)
        for got, want in zip(other.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(got, want)


def test_weights_by_name(tmp_path: Path) -> None:
    one = keras.Sequential([keras.Input((3,)), L.Dense(4, name="body"), L.Dense(2, name="head")])
    one.save_weights(tmp_path / "w.h5")
    two = keras.Sequential([keras.Input((3,)), L.Dense(4, name="body"), L.Dense(5, name="other")])
    two.load_weights(tmp_path / "w.h5", by_name=True)
    np.testing.assert_array_equal(two.get_weights()[0], one.get_weights()[0])


@pytest.mark.parametrize("name", ["seq_mlp", "seq_cnn_bn"])
def test_files_have_the_structure_of_keras_own(name: str, tmp_path: Path) -> None:
    model = quiet_load(DATA / f"{name}.h5")
    model.save(tmp_path / "m.h5")
    assert structure(tmp_path / "m.h5") == structure(DATA / f"{name}.h5")
    model.save_weights(tmp_path / "m.weights.h5")
    assert structure(tmp_path / "m.weights.h5") == structure(DATA / f"{name}.weights.h5")
    model.save(tmp_path / "m.keras")
    ours, theirs = zipfile.ZipFile(tmp_path / "m.keras"), zipfile.ZipFile(DATA / f"{name}.keras")
    assert ours.namelist() == theirs.namelist()
    assert json.loads(ours.read("config.json")) == without_ids(json.loads(theirs.read("config.json")))
    members = [io.BytesIO(a.read("model.weights.h5")) for a in (ours, theirs)]
    assert structure(members[0]) == structure(members[1])


def without_ids(value: Any) -> Any:
    """Without the addresses of objects that Keras writes."""
    if isinstance(value, dict):
        return {k: without_ids(v) for k, v in value.items() if k != "shared_object_id"}
    return [without_ids(v) for v in value] if isinstance(value, list) else value


def test_json() -> None:
    model = trained()
    copy = keras.models.model_from_json(model.to_json())
    assert copy.get_config() == model.get_config()
    assert copy.compiled
    with pytest.raises(ValueError, match="not JSON"):
        keras.models.model_from_json("{")


def test_custom_objects_must_be_named() -> None:
    class Twice(keras.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 2.0

    model = keras.Sequential([keras.Input((2,)), Twice()])
    for error in (TypeError, ValueError):  # Keras 3's and Keras 2's
        with pytest.raises(error, match="Unknown class 'Twice'.*custom_objects"):
            keras.models.model_from_json(model.to_json())
        with pytest.raises(error, match="Error when deserializing class 'Dense'"):
            keras.layers.Dense.from_config({"units": 2, "depth": 3})
    copy = keras.models.model_from_json(model.to_json(), {"Twice": Twice})
    np.testing.assert_array_equal(copy.predict(np.ones((1, 2)), verbose=0), [[2.0, 2.0]])


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "eval"), ("keras.utils", "get_file"),
                                              ("graphflow.keras.saving", "reading"), ("numpy", "ndarray")])
def test_configs_cannot_name_arbitrary_code(module: str, name: str) -> None:
    config = {"module": module, "class_name": name, "config": {"name": "x"}, "registered_name": None}
    with pytest.raises(ValueError, match="Unknown class"):
        keras.models.model_from_json(json.dumps(config))


# bad files


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("keep", [0, 10, 600, 0.5, 0.97])
def test_truncated_files(ending: str, keep: float, tmp_path: Path) -> None:
    data = (DATA / f"seq_cnn_bn.{ending}").read_bytes()
    path = tmp_path / f"m.{ending}"
    path.write_bytes(data[:int(keep if keep > 1 else keep * len(data))])
    with pytest.raises((OSError, ValueError), match="m.(h5|keras)"):
        quiet_load(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_damaged_files_are_an_error_or_the_right_model(ending: str, tmp_path: Path) -> None:
    """A run of zeros anywhere may hit weights, which no check can see; it must never be another kind of failure."""
    data = (DATA / f"seq_mlp.{ending}").read_bytes()
    path = tmp_path / f"m.{ending}"
    failed = 0
    for at in range(0, len(data), 997):
        path.write_bytes(data[:at] + bytes(64) + data[at + 64:])
        try:
            assert quiet_load(path).count_params() == 50
        except (OSError, ValueError, TypeError):
            failed += 1
    assert failed


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)])
    with pytest.raises(ValueError, match=r"No model config found in the file at .*m\.h5"):
        keras.models.load_model(path)
    with pytest.raises(ValueError, match=r"m\.h5' has no group 'layers/dense'"):
        model.load_weights(path)
    path.write_text("not a model")
    with pytest.raises(OSError, match="is not an HDF5 file"):
        keras.models.load_model(path)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(ValueError, match=r"m\.keras is not a Keras archive: it has no config\.json"):
        keras.models.load_model(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="File not found"):
        keras.models.load_model(tmp_path / "none.keras")


def test_weights_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((2,)), L.Dense(3), L.Dense(1)]).save_weights(tmp_path / "w.weights.h5")
    model = keras.Sequential([keras.Input((2,)), L.Dense(3), L.Dense(2)])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"weight 'kernel' of layer 'dense_3' has shape \(3, 2\), but .* has \(3, 1\)"):
        model.load_weights(tmp_path / "w.weights.h5")
    for got, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, want)
    model.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    assert not np.array_equal(model.get_weights()[0], before[0])
    np.testing.assert_array_equal(model.get_weights()[2], before[2])


def test_links_and_external_data_are_not_followed(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), L.Dense(1, use_bias=False)])
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.full(2, 7, np.float32).tobytes())
    path = tmp_path / "w.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", (2, 1), np.float32, external=[(str(secret), 0, 8)])
    with pytest.raises(ValueError, match="has no values for weight 'kernel'"):
        model.load_weights(path)
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    with pytest.raises(ValueError, match="has no values for weight 'kernel'"):
        model.load_weights(path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained()
    for ending in ENDINGS:
        path = tmp_path / f"m.{ending}"
        path.write_bytes(b"old")
        monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError("no space left on device")))
        with pytest.raises(OSError, match="no space"):
            model.save(path)
        assert path.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["m.h5", "m.keras"]


def test_names_of_files(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)])
    with pytest.raises(ValueError, match="extension for saving"):
        model.save(tmp_path / "model.bin")
    with pytest.raises(ValueError, match=r"must end in `.weights.h5`"):
        model.save_weights(tmp_path / "model.bin")
    model.save(tmp_path / "lenet.model", save_format="h5")
    assert keras.models.load_model(tmp_path / "lenet.model").count_params() == 3
    model.save_weights(tmp_path / "weights.hdf")
    model.load_weights(tmp_path / "weights.hdf")
    model.save(tmp_path / "deep" / "er" / "m.keras")
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "deep" / "er" / "m.keras", overwrite=False)
    with pytest.raises(ValueError, match="no weights yet"):
        keras.Sequential([L.Dense(1)]).save_weights(tmp_path / "w.weights.h5")
