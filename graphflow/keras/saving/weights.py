"""Weights in HDF5: the older layout (`model_weights` groups named by layer) and Keras 3's (`layers/dense/vars/0`).

Values are read by shape: a dataset must have the shape of the weight it is for, so a file cannot make us allocate more.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import backend
from ..naming import to_snake_case
from ..utils.io_utils import atomic_file

KERAS_VERSION = "3.15.1"  # whose file formats these are
HEADER_LIMIT = 64512  # bytes of attributes that an HDF5 object header can hold


@contextlib.contextmanager
def reading(path: Any, what: str = "") -> Iterator[Any]:
    """An HDF5 file (a path, or a file object holding `what`), open for reading.

    Raises OSError for one that is not HDF5 or is damaged, also when that is found only while reading.
    """
    import h5py
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise FileNotFoundError(f"File not found: {what or path}") from None
    except OSError as error:
        raise OSError(f"{what or path} is not an HDF5 file, or it is damaged or truncated: {error}") from None
    with file:
        try:
            yield file
        except (RuntimeError, UnicodeDecodeError) as error:
            raise OSError(f"{what or path} is damaged: {error}") from error


@contextlib.contextmanager
def writing(path: str) -> Iterator[Any]:
    """A new HDF5 file that takes its name when it is complete."""
    import h5py
    with atomic_file(path) as temporary, h5py.File(temporary, "w") as file:
        yield file


def group_in(group: Any, name: str) -> Any:
    """A group of this file (not one that a link takes from another). Raises ValueError if there is none."""
    import h5py
    found = group.get(name) if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Group):
        raise ValueError(f"{group.file.filename!r} has no group {name!r} in {group.name!r}: it was not written by "
                         "Keras, or it is damaged.")
    return found


def value_in(group: Any, name: str, shape: Sequence[int], what: str) -> np.ndarray:
    """A dataset of this file, which must have `shape`. Raises ValueError."""
    import h5py
    holder, *inner = [p for p in name.split("/") if p]
    while inner:
        group = group_in(group, holder)
        holder, *inner = inner
    found = group.get(holder) if isinstance(group.get(holder, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.external is not None or found.is_virtual:
        raise ValueError(f"{group.file.filename!r} has no values for {what} (looked for {name!r} in {group.name!r}).")
    if found.dtype.kind not in "fiub":
        raise ValueError(f"The values for {what} in {group.file.filename!r} are of type {found.dtype}, not numeric.")
    if tuple(found.shape) != tuple(shape):
        raise ValueError(f"Shape mismatch: {what} has shape {tuple(shape)}, but {found.name!r} in "
                         f"{group.file.filename!r} has {tuple(found.shape)}.")
    return found[()]


def put(group: Any, name: str, value: np.ndarray) -> None:
    group.create_dataset(name, data=value)


# the older layout


def write_names(group: Any, key: str, names: Sequence[str]) -> None:
    """A list of names as an attribute, or as several (key0, key1, ...) when one would be too large."""
    encoded = [n.encode() for n in names]
    pieces = 1
    while encoded and max(a.nbytes for a in np.array_split(np.array(encoded), pieces)) > HEADER_LIMIT:
        pieces += 1
    if pieces == 1:
        group.attrs[key] = encoded
    else:
        for i, chunk in enumerate(np.array_split(np.array(encoded), pieces)):
            group.attrs[f"{key}{i}"] = chunk


def read_names(group: Any, key: str) -> list[str]:
    """Raises ValueError if there are none."""
    if key in group.attrs:
        values = list(group.attrs[key])
    else:
        values, i = [], 0
        while f"{key}{i}" in group.attrs:
            values += list(group.attrs[f"{key}{i}"])
            i += 1
        if not i:
            raise ValueError(f"{group.file.filename!r}: {group.name!r} has no attribute {key!r}: it was not written by "
                             "Keras, or it is damaged.")
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def write_legacy(group: Any, model: Any) -> None:
    """The weights of each layer under its name."""
    layers = model.layers
    write_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = "tensorflow"
    group.attrs["keras_version"] = KERAS_VERSION
    for layer in sorted(layers, key=lambda layer: layer.name):
        write_named(group.create_group(layer.name), _legacy_weights(layer), [
            f"{model.name}/{path}" for path in weight_paths(layer)])
    own = model._own_weights()
    write_named(group.create_group("top_level_model_weights"), own, [w.name for w in own])


def _legacy_weights(layer: Any) -> list[Any]:
    """The older layout has all trainable weights before the others."""
    weights = layer.weights
    return [w for w in weights if w.trainable] + [w for w in weights if not w.trainable]


def weight_paths(layer: Any) -> list[str]:
    """layer/weight, through the layers within, in the order of `_legacy_weights`."""
    paths: dict[Any, str] = {}

    def visit(inner: Any, prefix: str) -> None:
        for weight in inner._own_weights():
            paths.setdefault(weight, f"{prefix}/{weight.name}")
        for sub in inner._sublayers():
            visit(sub, f"{prefix}/{sub.name}")

    visit(layer, layer.name)
    return [paths[w] for w in _legacy_weights(layer)]


def write_named(group: Any, variables: Sequence[Any], names: Sequence[str]) -> None:
    write_names(group, "weight_names", names)
    for name, value in zip(names, backend.batch_get_value(variables), strict=True):
        put(group, name, value)


def read_legacy(group: Any, model: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Set the model's weights, layer by layer in order (`by_name`: where the names agree).

    Raises ValueError when layers, weights or shapes do not fit. Nothing is set then.
    """
    stored = [(name, group_in(group, name)) for name in read_names(group, "layer_names")]
    if by_name:
        layers = {layer.name: layer for layer in model.layers}
        pairs = [(layers[name], g) for name, g in stored if name in layers]
    else:
        holding = [g for _, g in stored if read_names(g, "weight_names")]
        layers_with = [layer for layer in model.layers if layer.weights]
        if len(holding) != len(layers_with):
            raise ValueError(f"Layer count mismatch when loading weights from {group.file.filename!r}. Model expected "
                             f"{len(layers_with)} layers, found {len(holding)} saved layers.")
        pairs = list(zip(layers_with, holding, strict=True))
    values: list[tuple[Any, np.ndarray]] = []
    for layer, stored_group in pairs:
        names, weights = read_names(stored_group, "weight_names"), _legacy_weights(layer)
        if len(names) != len(weights):
            if skip_mismatch:
                continue
            raise ValueError(f"Weight count mismatch for layer {layer.name!r}. Layer expects {len(weights)} weight(s). "
                             f"Received {len(names)} saved weight(s) from {group.file.filename!r}.")
        values += _fitting(stored_group, names, weights, layer.name, skip_mismatch)
    if "top_level_model_weights" in group and model._own_weights():
        top = group_in(group, "top_level_model_weights")
        values += _fitting(top, read_names(top, "weight_names"), model._own_weights(), model.name, skip_mismatch)
    backend.batch_set_value(values)


def _fitting(group: Any, names: Sequence[str], weights: Sequence[Any], owner: str,
             skip_mismatch: bool) -> list[tuple[Any, np.ndarray]]:
    values = []
    for name, weight in zip(names, weights, strict=True):
        try:
            values.append((weight, value_in(group, name, weight.shape, f"weight {weight.name!r} of layer {owner!r}")))
        except ValueError:
            if not skip_mismatch:
                raise
    return values


# Keras 3's layout


def layer_keys(layers: Sequence[Any]) -> list[str]:
    """dense, dense_1, ...: names of groups, by class."""
    counts: dict[str, int] = {}
    keys = []
    for layer in layers:
        functional = type(layer).__name__ == "Model" and getattr(layer, "is_functional", False)
        stem = "functional" if functional else to_snake_case(type(layer).__name__)
        counts[stem] = counts.get(stem, -1) + 1
        keys.append(f"{stem}_{counts[stem]}" if counts[stem] else stem)
    return keys


def write_vars(group: Any, layer: Any, variables: Sequence[Any]) -> None:
    holder = group.create_group("vars")
    holder.attrs["name"] = layer.name
    for i, value in enumerate(backend.batch_get_value(variables)):
        put(holder, str(i), value)


def own_weights(layer: Any) -> list[Any]:
    """Its own variables as Keras orders them: trainable ones first."""
    return layer._own_weights()


def write_tree(group: Any, layer: Any, done: set[Any] | None = None) -> None:
    """A layer and the layers within it."""
    done = set() if done is None else done
    done.add(layer)
    write_vars(group, layer, own_weights(layer))
    for key, sub in tree_children(layer):
        if sub not in done:
            write_tree(group.create_group(key), sub, done)


def tree_children(layer: Any) -> list[tuple[str, Any]]:
    """(path of the group, layer) for the layers within: those of a model made from tensors or of a stack are in
    "layers", others under their attributes, private ones last.
    """
    children: list[tuple[str, Any]] = []
    if getattr(layer, "_network", None) is not None or hasattr(layer, "_stack"):
        children = [(f"layers/{key}", sub) for key, sub in zip(layer_keys(layer.layers), layer.layers, strict=True)]
    names = {n for n in vars(layer) if n not in ("_stack", "_inbound_nodes", "_outbound_nodes")}
    names |= {n for c in type(layer).__mro__ for n, v in vars(c).items()
              if isinstance(v, property) and n.endswith("_dense")}  # how attention shows its projections
    for name in sorted(names, key=lambda n: f"~{n}" if n.startswith("_") else n):
        value = getattr(layer, name, None)
        if hasattr(value, "_sublayers"):
            children.append((name, value))
        elif isinstance(value, (list, tuple, dict)):
            found = [s for s in (value.values() if isinstance(value, dict) else value) if hasattr(s, "_sublayers")]
            children += [(f"{name}/{key}", s) for key, s in zip(layer_keys(found), found, strict=True)]
    return list({sub: (key, sub) for key, sub in reversed(children)}.values())[::-1]


def read_tree(group: Any, layer: Any, skip_mismatch: bool = False,
              done: set[Any] | None = None) -> list[tuple[Any, np.ndarray]]:
    """(variable, value) for a layer and the layers within it. Raises ValueError where the file does not fit."""
    done = set() if done is None else done
    done.add(layer)
    values: list[tuple[Any, np.ndarray]] = []
    weights = own_weights(layer)
    if weights:
        values += read_vars(group, weights, layer.name, skip_mismatch)
    for key, sub in tree_children(layer):
        if sub not in done and sub.weights:
            holder = group
            for part in key.split("/"):
                holder = group_in(holder, part)
            values += read_tree(holder, sub, skip_mismatch, done)
    return values


def read_vars(group: Any, variables: Sequence[Any], owner: str,
              skip_mismatch: bool = False) -> list[tuple[Any, np.ndarray]]:
    holder = group_in(group, "vars")
    if len(holder) != len(variables) and not skip_mismatch:
        raise ValueError(f"Layer {owner!r} expected {len(variables)} variables, but received {len(holder)} variables "
                         f"during loading from {group.file.filename!r}. Expected: {[v.name for v in variables]}")
    return _fitting(holder, [str(i) for i in range(len(variables))], variables, owner, skip_mismatch)
