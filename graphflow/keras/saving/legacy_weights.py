"""Weights in HDF5's older layout: a group for each layer, by its name."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.site import warn
from .. import backend
from .conversion import converted
from .hdf5 import KERAS_VERSION, array_in, group_in, put, read_names, text_attribute, write_names

Values = list[tuple[Any, np.ndarray]]  # (variable, what it is to be)


def write_legacy(group: Any, model: Any) -> None:
    """The weights of each layer under its name."""
    layers = model.layers
    write_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = "tensorflow"
    group.attrs["keras_version"] = KERAS_VERSION
    for layer in sorted(layers, key=lambda layer: layer.name):
        write_named(group.create_group(layer.name), _weights(layer), [
            f"{model.name}/{path}" for path in _paths(layer)])
    own = model._own_weights()
    write_named(group.create_group("top_level_model_weights"), own, [w.name for w in own])


def _weights(layer: Any) -> list[Any]:
    """The older layout has all trainable weights before the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _paths(layer: Any) -> list[str]:
    """layer/weight, through the layers within, in the order of `_weights`. Each once."""
    paths: dict[Any, str] = {}

    def visit(inner: Any, prefix: str) -> None:
        for weight in inner._own_weights():
            paths.setdefault(weight, f"{prefix}/{weight.name}")
        for sub in inner._sublayers():
            visit(sub, f"{prefix}/{sub.name}")

    visit(layer, layer.name)
    return unique([paths[w] for w in _weights(layer)])


def unique(names: Sequence[str]) -> list[str]:
    """The names with numbers after those that come again."""
    counts: dict[str, int] = {}
    made = []
    for name in names:
        count = counts[name] = counts.get(name, -1) + 1
        made.append(f"{name}_{count}" if count else name)
    return made


def write_named(group: Any, variables: Sequence[Any], names: Sequence[str]) -> None:
    """Variables under names that the attribute `weight_names` lists."""
    write_names(group, "weight_names", names)
    for name, value in zip(names, backend.batch_get_value(variables), strict=True):
        put(group, name, value)


def read_named(group: Any, what: str) -> list[np.ndarray]:
    """The arrays that `weight_names` lists."""
    return [array_in(group, name, f"{name!r} of {what}") for name in read_names(group, "weight_names")]


def read_legacy(group: Any, model: Any, skip_mismatch: bool = False, by_name: bool = False,
                reshape: bool = False) -> None:
    """Set the model's weights, layer by layer in order (`by_name`: where the names agree). `reshape` takes arrays of
    another shape that have as many elements.

    Raises ValueError when layers, weights or shapes do not fit (`skip_mismatch`: warns). Nothing is set then.
    """
    version, origin = text_attribute(group, "keras_version") or "1", text_attribute(group, "backend")
    stored = [(name, group_in(group, name)) for name in read_names(group, "layer_names")]
    if by_name:
        pairs = [(layer, g) for name, g in stored for layer in model.layers if layer.name == name]
    else:
        holding = [g for _, g in stored if read_names(g, "weight_names")]
        layers = [layer for layer in model.layers if layer.weights]
        if len(holding) != len(layers):
            raise ValueError(f"Layer count mismatch when loading weights from {group.file.filename!r}. Model expected "
                             f"{len(layers)} layers, found {len(holding)} saved layers: cannot load a file of "
                             f"{len(holding)} layers into a model of {len(layers)} layers.")
        pairs = list(zip(layers, holding, strict=True))
    values: Values = []
    for layer, holder in pairs:
        arrays = converted(layer, read_named(holder, f"layer {layer.name!r}"), version, origin)
        if reshape:
            arrays = [a.reshape(w.shape) if a.size == np.prod(w.shape) else a
                      for a, w in zip(arrays, _weights(layer), strict=False)]
        values += _fitting(_weights(layer), arrays, layer.name, group.file.filename, skip_mismatch)
    if "top_level_model_weights" in group and model._own_weights():
        arrays = read_named(group_in(group, "top_level_model_weights"), f"model {model.name!r}")
        values += _fitting(model._own_weights(), arrays, model.name, group.file.filename, skip_mismatch)
    backend.batch_set_value(values)
    for layer, _ in pairs:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _fitting(weights: Sequence[Any], arrays: Sequence[np.ndarray], owner: str, file: str,
             skip_mismatch: bool) -> Values:
    problems = []
    if len(arrays) != len(weights):
        problems = [f"Weight count mismatch for layer {owner!r}. Layer expects {len(weights)} weight(s), but the saved "
                    f"ones in {file!r} are {len(arrays)} array(s)."]
        weights, arrays = [], []
    values = []
    for weight, array in zip(weights, arrays, strict=True):
        if tuple(array.shape) == tuple(weight.shape):
            values.append((weight, array))
        else:
            problems.append(f"Shape mismatch: weight {weight.name!r} of layer {owner!r} has shape "
                            f"{tuple(weight.shape)}, but the saved one in {file!r} has shape {array.shape}.")
    if problems and not skip_mismatch:
        raise ValueError(problems[0])
    for problem in problems:
        warn(f"Skipping loading of weights for layer {owner!r} due to mismatch in number or shape: {problem}")
    return values
