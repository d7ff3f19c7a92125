"""Looking into files of weights, and changing what does not fit a model."""
from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import archive
from .hdf5 import array_in, find_group, reading, writing
from .json_text import parsed_json
from .tree import GroupStore, new_vars, walk

Weights = dict[str, Any]  # names to arrays or to such dicts


class KerasFileEditor:
    """The weights of a `.keras` or `.weights.h5` file as nested dicts, in `weights_dict`. Prints what it finds."""

    def __init__(self, filepath: Any):
        self.filepath = os.fspath(filepath)
        self.metadata: Any = None
        self.config: Any = None
        self.model = None
        if self.filepath.endswith(".keras"):
            with archive.opened(self.filepath, self.filepath) as members:
                self.config, self.metadata = (
                    parsed_json(members.read(name, archive.LIMIT), f"{self.filepath} is damaged: its {name}")
                    for name in ("config.json", "metadata.json"))
                source: Any = io.BytesIO(members.read("model.weights.h5", members.size + archive.LIMIT))
        elif self.filepath.endswith(".weights.h5"):
            source = self.filepath
        else:
            raise ValueError("Invalid filename: expected a `.keras` `.weights.h5` extension. Received: "
                             f"filepath={self.filepath}")
        self.object_metadata: dict[str, dict[str, Any]] = {}
        with reading(source, self.filepath) as file:
            self.weights_dict = self._read(file, "")
        print(f"Keras model file '{self.filepath}'")
        if self.metadata is not None:
            print(f"Saved with Keras {self.metadata['keras_version']} - date: {self.metadata['date_saved']}")

    def _read(self, group: Any, path: str) -> Weights:
        found: Weights = {}
        for key in group:
            inner = find_group(group, key)
            if inner is None:
                found[key] = array_in(group, key, f"{path}/{key}")
                continue
            if key == "vars":
                self.object_metadata[path] = dict(inner.attrs)
                found |= self._read(inner, path)
            elif contents := self._read(inner, f"{path}/{key}"):
                found[key] = contents
        return found

    def summary(self) -> None:
        """Print the tree of objects and weights."""
        print("Weights structure")
        self._print(self.weights_dict, "", "  ")

    def _print(self, weights: Weights, path: str, indent: str) -> None:
        for key, value in weights.items():
            if isinstance(value, dict):
                name = self.object_metadata.get(f"{path}/{key}", {}).get("name")
                print(f"{indent}{key}" + (f" ('{name}')" if name else ""))
                self._print(value, f"{path}/{key}", indent + "    ")
            else:
                print(f"{indent}{key}: shape={value.shape}, dtype={value.dtype}")

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Whether the file fits a model: {"status", "error_count", "match_count"}. Prints every difference."""
        print("Running comparison")
        wanted: dict[str, tuple[int, ...]] = {}
        for path, obj in walk(reference_model):
            store: dict[str, Any] = {}
            obj.save_own_variables(store)
            wanted |= {"/".join(filter(None, (path, key))): np.shape(value) for key, value in store.items()}
        held = {path: value.shape for path, value in _leaves(self.weights_dict)}
        problems = [f"Weight {p} present in reference model, missing from saved file" for p in wanted.keys() - held]
        problems += [f"Weight {p} present in saved file, missing from reference model" for p in held.keys() - wanted]
        problems += [f"Weight shape mismatch for {p}: reference model {wanted[p]}, saved file {held[p]}"
                     for p in wanted.keys() & held if wanted[p] != held[p]]
        for problem in sorted(problems):
            print(f"...{problem}")
        matches = sum(wanted[p] == held[p] for p in wanted.keys() & held)
        print("Comparison successful: saved file is compatible with the reference model" if not problems else
              f"Found {len(problems)} error(s): saved file is not compatible with the reference model")
        return {"status": "error" if problems else "success", "error_count": len(problems), "match_count": matches}

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object (its name, or its path) another name in its group."""
        if "/" in new_name:
            raise ValueError("Argument `target_name` should be a leaf name, not a full path name. Received: "
                             f"target_name='{new_name}'")
        holder, key = self._find(object_name)
        holder[new_name] = holder.pop(key)

    def delete_object(self, object_name: str) -> None:
        """Remove an object (its name, or its path)."""
        holder, key = self._find(object_name)
        holder.pop(key)

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """A new object with arrays, in a group that is there."""
        *folders, key = object_path.split("/")
        holder = self.weights_dict
        for part in folders:
            if part not in holder:
                raise ValueError(f"Path '{'/'.join(folders)}' not found in model.")
            holder = holder[part]
        holder[key] = _checked(weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Remove one array of an object."""
        holder, key = self._find(object_name)
        if weight_name not in holder[key]:
            raise ValueError(f"Weight {weight_name} not found in object {object_name}. Weights found: "
                             f"{list(holder[key])}")
        holder[key].pop(weight_name)

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Put arrays into an object."""
        holder, key = self._find(object_name)
        holder[key].update(_checked(weights))

    def save(self, filepath: Any) -> None:
        """Write a `.weights.h5` file."""
        path = os.fspath(filepath)
        if not path.endswith(".weights.h5"):
            raise ValueError("Invalid `filepath` argument: expected a `.weights.h5` extension. Received: "
                             f"filepath={path}")
        with writing(path) as file:
            for inner, arrays in _objects(self.weights_dict):
                store = GroupStore(new_vars(file, inner, None), inner)
                for key, value in arrays.items():
                    store[key] = value

    resave_weights = save

    def _find(self, name: str) -> tuple[Weights, str]:
        """(the dict that holds an object, its key). Raises ValueError if there is none, or more than one."""
        if "/" in name:
            holder, *parts = self.weights_dict, *name.split("/")
            for part in parts[:-1]:
                holder = holder.get(part, {})
            found = [holder] if parts[-1] in holder else []
        else:
            found = [d for d in _dicts(self.weights_dict) if name in d]
        if not found:
            raise ValueError(f"Path '{name}' not found in model.")
        if len(found) > 1:
            raise ValueError(f"Name '{name}' occurs more than once in the model; try passing a complete path")
        return found[0], name.rpartition("/")[2]


def _checked(weights: Any) -> dict[str, np.ndarray]:
    if not isinstance(weights, dict):
        raise ValueError("Argument `weights` should be a dict where keys are weight names (usually '0', '1', etc.) and "
                         f"values are NumPy arrays. Received: type(weights)={type(weights)}")
    return {k: np.asarray(v) for k, v in weights.items()}


def _dicts(weights: Weights) -> Iterator[Weights]:
    yield weights
    for value in weights.values():
        if isinstance(value, dict):
            yield from _dicts(value)


def _objects(weights: Weights, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, arrays) of each object that has some."""
    arrays = {k: v for k, v in weights.items() if not isinstance(v, dict)}
    if arrays:
        yield path, arrays
    for key, value in weights.items():
        if isinstance(value, dict):
            yield from _objects(value, f"{path}/{key}" if path else key)


def _leaves(weights: Weights) -> Iterator[tuple[str, Any]]:
    for path, arrays in _objects(weights):
        yield from (("/".join(filter(None, (path, key))), value) for key, value in arrays.items())
