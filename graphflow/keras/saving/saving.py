"""Whole models in files: Keras's `.keras` archive and its HDF5 format. Written beside, then renamed: never half a file.

Reading runs no code from a file: no pickle, no marshalled functions, only classes that Keras or the user names.
"""
from __future__ import annotations

import datetime
import io
import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import backend
from ..utils.io_utils import atomic_file
from . import weights as h5
from .registration import custom_object_scope
from .serialization import deserialize_keras_object, in_safe_mode, serialize_keras_object
from .serialization import safe_mode as safe_scope

LIMIT = 1 << 26  # bytes of JSON that a model's description may have


def _path(filepath: Any, overwrite: bool = True) -> str:
    path = os.fspath(filepath)
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path} exists, and overwrite=False was given.")
    return path


def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
               save_format: str | None = None, **kwargs: Any) -> None:
    """Write architecture, weights, compile arguments and optimizer state. The name's ending says the format."""
    path = _path(filepath, overwrite)
    if path.endswith((".h5", ".hdf5")) or save_format in ("h5", "hdf5"):
        with h5.writing(path) as file:
            _write_h5(file, model, include_optimizer)
    elif path.endswith(".keras") or save_format == "keras":
        _write_archive(path, model, include_optimizer)
    else:
        raise ValueError("Invalid filepath extension for saving. Please add either a `.keras` extension for the native "
                         f"Keras format (recommended) or a `.h5` extension. Received: filepath={path}.")


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True,
               safe_mode: bool = True) -> Any:
    """Read a model that `save` or Keras wrote. Raises OSError or ValueError for what is not one, or is damaged."""
    path = os.fspath(filepath)
    if not os.path.isfile(path):
        raise ValueError(f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file "
                         "or HDF5 file.")
    with custom_object_scope(custom_objects), safe_scope(safe_mode and in_safe_mode()):
        if zipfile.is_zipfile(path):
            return _read_archive(path, compile)
        with h5.reading(path) as file:
            return _read_h5(file, path, compile)


# HDF5


def _legacy_config(model: Any) -> dict[str, Any]:
    """The model and its layers as class name and config alone; what is within a layer's config stays as it is."""
    def bare(described: dict[str, Any]) -> dict[str, Any]:
        config = dict(described["config"])
        if isinstance(config.get("layers"), list):
            config["layers"] = [bare(layer) for layer in config["layers"]]
        return {"class_name": described["class_name"], "config": config}
    return bare(serialize_keras_object(model))


def _write_h5(file: Any, model: Any, include_optimizer: bool) -> None:
    file.attrs["keras_version"] = h5.KERAS_VERSION
    file.attrs["backend"] = "tensorflow"
    file.attrs["model_config"] = json.dumps(_legacy_config(model))
    if model.compiled and include_optimizer:
        config = model.get_compile_config()
        optimizer = config.pop("optimizer")
        for key in ("loss", "metrics", "weighted_metrics"):
            config[key] = _without_modules(config[key])
        config["optimizer_config"] = {"class_name": optimizer["class_name"], "config": optimizer["config"]}
        file.attrs["training_config"] = json.dumps(config)
    h5.write_legacy(file.create_group("model_weights"), model)
    if model.compiled and include_optimizer and model.optimizer.built:
        h5.write_named(file.create_group("optimizer_weights"), model.optimizer.variables,
                       model.optimizer.variable_paths)


def _without_modules(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        if value["class_name"] == "function":
            return value["config"]
        return {"class_name": value["class_name"], "config": value["config"]}
    if isinstance(value, dict):
        return {k: _without_modules(v) for k, v in value.items()}
    return [_without_modules(v) for v in value] if isinstance(value, list) else value


def _json_attribute(file: Any, key: str, path: str) -> Any:
    text = file.attrs.get(key)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: its {key} is not JSON ({error}).") from None


def _read_h5(file: Any, path: str, compile: bool) -> Any:
    config = _json_attribute(file, "model_config", path)
    if not isinstance(config, dict):
        raise ValueError(f"No model config found in the file at {path}: it holds weights only, or is not a Keras file.")
    model = deserialize_keras_object(config)
    h5.read_legacy(h5.group_in(file, "model_weights"), model)
    training = _json_attribute(file, "training_config", path) if compile else None
    if training is None:
        if compile:
            warnings.warn(f"No training configuration found in {path}, so the model was *not* compiled. Compile it "
                          "manually.", stacklevel=3)
        return model
    training["optimizer"] = training.pop("optimizer_config", None) or training.get("optimizer")
    compile_model(model, training)
    if "optimizer_weights" in file and model.built:
        group = h5.group_in(file, "optimizer_weights")
        names = h5.read_names(group, "weight_names")
        model.optimizer.build(model.trainable_variables)
        variables = model.optimizer.variables
        if len(names) == len(variables) - 1:  # before Keras 3 the learning rate was not among them
            variables = [variables[0], *variables[2:]]
        if len(names) != len(variables):
            warnings.warn(f"The optimizer state in {path} does not fit {model.optimizer.name!r} "
                          f"({len(names)} variables, not {len(variables)}); it starts anew.", stacklevel=3)
        else:
            backend.batch_set_value(h5._fitting(group, names, variables, model.optimizer.name, False))
    return model


def compile_model(model: Any, config: Any) -> None:
    """Compile from a config, in which old files name losses and metrics by bare class names."""
    from .. import losses, metrics, optimizers
    arguments = {"optimizer": optimizers.get(config["optimizer"])} if config.get("optimizer") else {}
    for key, module in (("loss", losses), ("metrics", metrics), ("weighted_metrics", metrics)):
        value = config.get(key)
        if value is not None:
            arguments[key] = _resolve(value, module)
    if config.get("loss_weights") is not None:
        arguments["loss_weights"] = config["loss_weights"]
    model.compile(**arguments)


def _resolve(value: Any, module: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return module.deserialize(value)
    if isinstance(value, dict):
        return {k: _resolve(v, module) for k, v in value.items()}
    return [_resolve(v, module) for v in value] if isinstance(value, list) else value


# the .keras archive: metadata.json, config.json and model.weights.h5, stored in a zip


def _write_archive(path: str, model: Any, include_optimizer: bool) -> None:
    import h5py
    config = serialize_keras_object(model)
    if not include_optimizer:
        config["compile_config"] = {}
    metadata = {"keras_version": h5.KERAS_VERSION, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        h5.write_tree(file, model)
        if include_optimizer and model.compiled and model.optimizer.built:
            h5.write_vars(file.create_group("optimizer"), model.optimizer, model.optimizer.variables)
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", stored.getvalue())


def _member(archive: zipfile.ZipFile, name: str, path: str, limit: int) -> bytes:
    """A member's bytes, refused when it is larger than `limit`. Nothing is ever extracted to disk."""
    try:
        size = archive.getinfo(name).file_size
        if size > limit:
            raise ValueError(f"{path}: its {name} claims to hold {size} bytes, more than the {limit} that it may.")
        with archive.open(name) as member:
            return member.read(limit)
    except KeyError:
        raise ValueError(f"{path} is not a Keras archive: it has no {name}.") from None
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise OSError(f"{path} is damaged: {name}: {error}") from None


def _read_archive(path: str, compile: bool) -> Any:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise OSError(f"{path} is damaged: {error}") from None
    with archive:
        try:
            config = json.loads(_member(archive, "config.json", path, LIMIT))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: its config.json is not JSON ({error}).") from None
        model = deserialize_keras_object(config)
        # a stored member cannot hold more than the archive; a deflated one little more than its weights need
        limit = os.path.getsize(path) + 2 * sum(int(np.prod(w.shape)) * w.dtype.size for w in model.weights) * 4 + LIMIT
        stored = _member(archive, "model.weights.h5", path, limit)
        compiled = config.get("compile_config") or {}
        if compile and compiled:
            compile_model(model, compiled)
        with h5.reading(io.BytesIO(stored), path) as file:
            values = h5.read_tree(file, model)
            if model.compiled and "optimizer" in file and model.built:
                model.optimizer.build(model.trainable_variables)
                values += h5.read_vars(h5.group_in(file, "optimizer"), model.optimizer.variables, model.optimizer.name)
            backend.batch_set_value(values)
    return model


# weights alone


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """`.weights.h5`: Keras 3's layout; another name ending in .h5 or .hdf5: the older one."""
    path = _path(filepath, overwrite)
    if not path.endswith((".h5", ".hdf5")):
        raise ValueError(f"The filename must end in `.weights.h5` (or `.h5`). Received: filepath={path}")
    if not model.built:
        raise ValueError(f"Model {model.name!r} has no weights yet: build it, or call it on data, before saving them.")
    with h5.writing(path) as file:
        if path.endswith(".weights.h5"):
            h5.write_tree(file, model)
            if model.compiled and model.optimizer.built:
                h5.write_vars(file.create_group("optimizer"), model.optimizer, model.optimizer.variables)
        else:
            h5.write_legacy(file, model)


def load_weights(model: Any, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """From any of the HDF5 layouts, or a `.keras` archive. Raises OSError or ValueError."""
    path = os.fspath(filepath)
    if not model.built:
        raise ValueError(f"Unable to load weights into model {model.name!r}, which was not built yet: its weights do "
                         "not exist before it knows its input's shape.")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            source: Any = io.BytesIO(_member(archive, "model.weights.h5", path, os.path.getsize(path) + LIMIT))
    else:
        source = path
    with h5.reading(source, path) as file:
        if "layer_names" in file.attrs or "layer_names0" in file.attrs:
            h5.read_legacy(file, model, skip_mismatch, by_name)
        elif "model_weights" in file:
            h5.read_legacy(h5.group_in(file, "model_weights"), model, skip_mismatch, by_name)
        else:
            values = h5.read_tree(file, model, skip_mismatch)
            optimizer = model.optimizer if model.compiled else None
            if optimizer is not None and optimizer.built and "optimizer" in file:
                values += h5.read_vars(h5.group_in(file, "optimizer"), optimizer.variables, optimizer.name, True)
            backend.batch_set_value(values)
