"""Files are data: nothing in them runs, reaches other files, or makes us allocate more than they hold."""
from __future__ import annotations

import base64
import json
import marshal
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from graphflow import keras

L = keras.layers


def model_of(*layers: Any) -> Any:
    return keras.Sequential([keras.Input((2,)), *layers])


def archive(path: Path, layer: dict[str, Any]) -> Path:
    """A `.keras` file whose second layer is `layer`."""
    model = model_of(L.Dense(1))
    model.save(path)
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"].append(layer)
    with zipfile.ZipFile(path, "w") as target:
        for name, data in (members | {"config.json": json.dumps(config).encode()}).items():
            target.writestr(name, data)
    return path


def lambda_config(code: str = "lambda x: __import__('os').mkdir(PWNED)") -> dict[str, Any]:
    function = eval(code)  # the attacker's
    return {"class_name": "__lambda__", "config": {
        "code": base64.b64encode(marshal.dumps(function.__code__)).decode(), "defaults": None, "closure": None}}


def layer(function: Any, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": "Lambda", "registered_name": None,
            "config": {"name": "evil", "function": function, "arguments": config, "output_shape": [1]}}


def named(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@pytest.mark.parametrize("function", [
    lambda_config(),  # CVE-2024-3660
    named("os", "system"),  # CVE-2025-1550: any module's function
    named("builtins", "exec"),
    named("keras.utils", "get_file"),  # CVE-2025-8747: Keras's own functions
    named("keras.models", "load_model"),
    named("keras.config", "enable_unsafe_deserialization"),  # CVE-2025-9906
    named("keras.src.backend.common.global_state", "set_global_attribute"),
    named("keras.losses", "deserialize"),
])
def test_lambdas_and_functions_of_archives(function: Any, tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", layer(function))
    with pytest.raises(ValueError, match="Python lambda|Unknown function"):
        keras.models.load_model(path)
    assert keras.saving.serialization.in_safe_mode()


@pytest.mark.parametrize(("module", "name"), [
    ("subprocess", "Popen"), ("keras.utils", "OrderedEnqueuer"), ("keras.config", "enable_unsafe_deserialization"),
    ("keras.saving", "KerasFileEditor"), ("pickle", "Unpickler"), ("keras.src.saving.saving_lib", "H5IOStore")])
def test_classes_of_archives(module: str, name: str, tmp_path: Path) -> None:
    evil = {"module": module, "class_name": name, "config": {"args": ["true"]}, "registered_name": None}
    with pytest.raises(ValueError, match=f"Unknown class '{name}'"):
        keras.models.load_model(archive(tmp_path / "m.keras", evil))


def test_modules_are_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    evil = {"module": "evil_module", "class_name": "Layer", "config": {}, "registered_name": "evil_module>Layer"}
    with pytest.raises(ValueError, match="Unknown class 'Layer' of module 'evil_module'"):
        keras.models.load_model(archive(tmp_path / "m.keras", evil))
    assert "evil_module" not in sys.modules


def test_lambdas_of_hdf5(tmp_path: Path) -> None:  # CVE-2025-9905
    path = tmp_path / "m.h5"
    model_of(L.Lambda(lambda x: x * 2.0)).save(path)
    with pytest.raises(ValueError, match="safe_mode=False"):
        keras.models.load_model(path, compile=False)
    twice = keras.models.load_model(path, compile=False, safe_mode=False)
    np.testing.assert_array_equal(twice.predict(np.ones((1, 2)), verbose=0), [[2.0, 2.0]])


def test_vocabularies_are_not_read_from_paths(tmp_path: Path) -> None:  # CVE-2025-12058
    secret = tmp_path / "secret.txt"
    secret.write_text("password\n")
    evil = {"module": "keras.layers", "class_name": "StringLookup", "registered_name": None,
            "config": {"name": "lookup", "vocabulary": str(secret)}}
    with pytest.raises(ValueError, match="vocabulary"):
        keras.models.load_model(archive(tmp_path / "m.keras", evil))


def test_downloads_stay_in_their_folder(tmp_path: Path) -> None:  # CVE-2025-12060
    inner = tmp_path / "x.txt"
    inner.write_text("hello")
    bundle = tmp_path / "bundle.tar.gz"
    with tarfile.open(bundle, "w:gz") as tar:
        tar.add(inner, "../../escaped.txt")
        tar.add(inner, "fine.txt")
    with pytest.warns(UserWarning, match="invalid path"):
        keras.utils.get_file("bundle.tar.gz", bundle.as_uri(), extract=True, cache_dir=str(tmp_path / "a" / "b"))
    assert [p for p in tmp_path.rglob("*.txt") if p.name == "escaped.txt"] == []
    assert len(list(tmp_path.rglob("fine.txt"))) == 1


def test_assets_are_plain_files_of_their_layer(tmp_path: Path) -> None:
    lookup = L.StringLookup(vocabulary=["a", "b"])
    keras.Sequential([keras.Input((1,), dtype="string"), lookup]).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as target:
        target.writestr("../../escaped.txt", "x")
        target.writestr("assets/layers/string_lookup/../../../escaped.txt", "x")
    loaded = keras.models.load_model(tmp_path / "m.keras", compile=False)
    assert loaded.layers[0].get_vocabulary() == ["[UNK]", "a", "b"]
    assert list(tmp_path.parent.rglob("escaped.txt")) == []


# sizes


def test_shapes_that_the_file_does_not_hold(tmp_path: Path) -> None:
    model = model_of(L.Dense(1 << 27, use_bias=False, name="wide"))
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        file.create_dataset("layers/dense/vars/0", (2, 1 << 27), np.float32, chunks=(1, 1024))
    with pytest.raises(ValueError, match="claim 1073741824 bytes, but the file holds 0"):
        model.load_weights(tmp_path / "w.weights.h5")
    other = model_of(L.Dense(1, use_bias=False))
    with pytest.raises(ValueError, match=r"weight 'kernel' of layer 'dense' has shape \(2, 1\), but .* 134217728"):
        other.load_weights(tmp_path / "w.weights.h5")


def test_what_a_refused_file_asked_for_is_not_allocated_later(tmp_path: Path) -> None:
    asked = {"module": "keras.layers", "class_name": "Dense", "registered_name": None,
             "config": {"name": "wide", "units": 1 << 44}}
    path = archive(tmp_path / "m.keras", asked)
    with pytest.raises((ValueError, MemoryError)):
        keras.models.load_model(path)
    assert [w.shape for w in model_of(L.Dense(1)).get_weights()] == [(2, 1), (1,)]


def test_zip_bombs(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        with bomb.open("config.json", "w") as member:
            for _ in range(65):
                member.write(bytes(1 << 20))
    with pytest.raises(ValueError, match="config.json claims to hold"):
        keras.models.load_model(path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    model_of(L.Dense(1)).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as source, zipfile.ZipFile(tmp_path / "n.keras", "w") as target:
        for name in ("config.json", "metadata.json"):
            target.writestr(name, source.read(name))
        target.writestr("model.weights.npz", b"PK")
    with pytest.raises(ValueError, match="pickled form"):
        keras.models.load_model(tmp_path / "n.keras")


def test_shards_are_beside_their_map(tmp_path: Path) -> None:
    (tmp_path / "w.weights.json").write_text(json.dumps({"metadata": {}, "weight_map": {"/vars": "../../x.h5"}}))
    with pytest.raises(ValueError, match="not a file beside it"):
        model_of(L.Dense(1)).load_weights(tmp_path / "w.weights.json")


# whole files or none

SAVER = """
import sys, time
from graphflow import keras
from graphflow.keras.saving import archive
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
write = archive.write_archive
def slow(target, *args):
    write(target, *args)
    print("written", flush=True)
    time.sleep(60)
archive.write_archive = slow
model.save(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"old")
    process = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(28, "No space left on device")

    model = model_of(L.Dense(1))
    for name in ("m.keras", "m.weights.h5", "m.h5"):
        path = tmp_path / name
        path.write_bytes(b"old")
        with monkeypatch.context() as patch:
            patch.setattr(h5py.Group, "create_dataset", full)
            with pytest.raises(OSError, match="No space"):
                model.save_weights(path) if "weights" in name else model.save(path)
        assert path.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["m.h5", "m.keras", "m.weights.h5"]


@pytest.mark.parametrize("deep", ["[" * 5000 + "]" * 5000, '{"a":' * 400 + "1" + "}" * 400])
def test_nests_too_deep_for_a_model(deep: str, tmp_path: Path) -> None:
    text = f'{{"class_name": "Dense", "config": {{"units": {deep}}}}}'
    with pytest.raises(ValueError, match="levels deep"):
        keras.models.model_from_json(text)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", text)
    with pytest.raises(ValueError, match="levels deep"):
        keras.models.load_model(tmp_path / "m.keras")
