"""Whole models in HDF5, as Keras 2 wrote them: architecture, weights, compile arguments and optimizer state."""
from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...compiler.site import warn
from .. import backend
from .compiling import compile_model, legacy_training_config
from .hdf5 import KERAS_VERSION, group_in, read_names, text_attribute
from .json_text import parsed_json
from .legacy_weights import read_legacy, read_named, write_legacy, write_named
from .serialization import deserialize_keras_object, serialize_keras_object

_KEPT = ("class_name", "config", "name", "inbound_nodes")


def write_model(file: Any, model: Any, include_optimizer: bool) -> None:
    """Into an open file or group."""
    file.attrs["keras_version"] = KERAS_VERSION
    file.attrs["backend"] = "tensorflow"
    file.attrs["model_config"] = json.dumps(_bare(serialize_keras_object(model), top=True))
    training = model.get_compile_config() if include_optimizer else None
    if training:
        file.attrs["training_config"] = json.dumps(legacy_training_config(training))
    write_legacy(file.create_group("model_weights"), model)
    if training and model.optimizer.variables:
        write_named(file.create_group("optimizer_weights"), model.optimizer.variables, model.optimizer.variable_paths)


def _bare(described: dict[str, Any], top: bool = False) -> dict[str, Any]:
    """The model and its layers without modules; what is within a layer's config stays as it is."""
    config = dict(described["config"])
    if isinstance(config.get("layers"), list):
        config["layers"] = [_bare(layer) for layer in config["layers"]]
    name = described.get("registered_name") or described["class_name"]
    kept = {k: described[k] for k in _KEPT if k in described and not (top and k not in ("class_name", "config"))}
    return {**kept, "class_name": name, "config": config}


def _json_attribute(file: Any, key: str, path: str) -> Any:
    text = text_attribute(file, key)
    return None if text is None else parsed_json(text, f"{path} is damaged: its {key}")


def read_model(file: Any, path: str, compile: bool) -> Any:
    """From an open file or group."""
    config = _json_attribute(file, "model_config", path)
    if not isinstance(config, dict):
        raise ValueError(f"No model config found in the file at {path}: it holds weights only, or is not a Keras file.")
    model = deserialize_keras_object(config)
    read_legacy(group_in(file, "model_weights"), model)
    training = _json_attribute(file, "training_config", path) if compile else None
    if training is None:
        if compile:
            warn(f"No training configuration found in {path}, so the model was *not* compiled. Compile it "
                 "manually.")
        return model
    training["optimizer"] = training.pop("optimizer_config", None) or training.get("optimizer")
    compile_model(model, training)
    if "optimizer_weights" in file and model.built:
        version = text_attribute(file, "keras_version") or "1"
        _read_optimizer(group_in(file, "optimizer_weights"), model.optimizer, path, version)
    return model


def _read_optimizer(group: Any, optimizer: Any, path: str, version: str) -> None:
    names = read_names(group, "weight_names")
    try:
        values = read_named(group, f"optimizer {optimizer.name!r}")
    except ValueError as error:  # Keras itself fails halfway through writing some
        warn(f"The optimizer state in {path} is damaged ({error}); it starts anew.")
        return
    if version.split(".")[0] < "3" and not any("learning_rate" in n for n in names[:2]):
        fits = _read_keras_2(optimizer, names, values)
    else:
        variables = optimizer.variables
        fits = len(values) == len(variables) and all(
            v.shape == tuple(w.shape) for v, w in zip(values, variables, strict=True))
        if fits:
            backend.batch_set_value(list(zip(variables, values, strict=True)))
    if not fits and len(values) > 2:  # two: it had not been used
        warn(f"The optimizer state in {path} does not fit {optimizer.name!r} ({len(values)} variables, not "
             f"{len(optimizer.variables)}); it starts anew.")


def _read_keras_2(optimizer: Any, names: list[str], values: list[np.ndarray]) -> bool:
    """Keras 2 has the step, for Nadam a product, and then all first moments, all second ones and so on: the learning
    rate is not among them. Third ones may be there without use, with the shape (1,).
    """
    shapes = [tuple(v.shape) for v in optimizer._trainable]
    rest = values[1:]
    product = rest.pop(0) if rest and rest[0].shape == () else None
    count = len(shapes)
    slots = [rest[i:i + count] for i in range(0, len(rest), count)]
    if len(names) > 2 and names[1].split("/")[2:] == names[2].split("/")[2:] != []:  # tf.keras 2.11: by weight
        kinds = len(rest) // count
        slots = [rest[k::kinds] for k in range(kinds)]
    slots = [slot for slot in slots if [v.shape for v in slot] == shapes]
    wanted = [kind for together in optimizer.slot_order() for kind in together]
    if len(slots) < len(wanted):
        return False
    pairs = [(optimizer._iterations, values[0])]
    for kind, slot in zip(wanted, slots, strict=False):
        pairs += zip(optimizer._slots[kind].values(), slot, strict=True)
    if product is not None and hasattr(optimizer, "_product"):
        pairs.append((optimizer._product, product))
    backend.batch_set_value(pairs)
    return True
