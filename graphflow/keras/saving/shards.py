"""Weights in several files: `name.weights.json` says which of `name_00000.weights.h5`, ... holds what."""
from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import backend
from ..utils.io_utils import atomic_file
from .hdf5 import group_in, put, reading
from .json_text import parsed_json
from .tree import GroupStore, new_vars, write_tree

LIMIT = 1 << 26  # bytes of JSON that the map may have


class _Shards:
    """Files that are filled one after the other. Each takes its name when all are written."""

    def __init__(self, path: str, limit: float):
        folder, name = os.path.split(path)
        self.folder, self.stem = folder, name.removesuffix(".json").removesuffix(".h5").removesuffix(".weights")
        self.limit = limit
        self.files: list[Any] = []
        self.size, self.total = 0, 0
        self.map: dict[str, Any] = {}
        self.open_files = contextlib.ExitStack()

    def begin(self) -> None:
        """Start another file."""
        import h5py
        name = os.path.join(self.folder, f"{self.stem}_{len(self.files):05}.weights.h5")
        temporary = self.open_files.enter_context(atomic_file(name))
        self.files.append(self.open_files.enter_context(h5py.File(temporary, "w")))
        self.size = 0

    def note(self, path: str) -> None:
        """The file of now holds something of the group `path`."""
        name = f"{self.stem}_{len(self.files) - 1:05}.weights.h5"
        known = self.map.get(path)
        names = [] if known is None else known if isinstance(known, list) else [known]
        if name not in names:
            names.append(name)
        self.map[path] = names[0] if len(names) == 1 else names


class _ShardStore(GroupStore):
    """The variables of one object, in the file that has room for them."""

    def __init__(self, shards: _Shards, path: str, name: Any):
        self._shards, self._path, self._name = shards, path, name
        self._group = new_vars(shards.files[-1], path, name)

    def __setitem__(self, key: str, value: Any) -> None:
        shards = self._shards
        array = np.asarray(backend.get_value(value) if hasattr(value, "handle") else value)
        if array.nbytes > shards.limit:
            raise ValueError(f"The size of {key!r} of {self._path!r} is {array.nbytes} bytes, more than the "
                             f"{int(shards.limit)} of `max_shard_size`. Give a larger one.")
        if shards.size + array.nbytes > shards.limit:
            shards.begin()
            self._group = new_vars(shards.files[-1], self._path, self._name)
        shards.size += array.nbytes
        shards.total += array.nbytes
        put(self._group, key, array)
        shards.note(f"/{self._path}/vars" if self._path else "/vars")


def write_shards(path: str, model: Any, max_shard_size: float, skip: Sequence[Any] = ()) -> None:
    """The weights in files of at most `max_shard_size` GB each. Raises ValueError for a variable larger than that."""
    shards = _Shards(path, max_shard_size * 1024 ** 3)
    with shards.open_files:
        shards.begin()
        write_tree(shards, model, skip, _ShardStore)
        config = {"metadata": {"total_size": shards.total}, "weight_map": shards.map}
        with atomic_file(os.path.join(shards.folder, f"{shards.stem}.weights.json")) as temporary:
            with open(temporary, "w") as out:
                json.dump(config, out, indent=4)


@contextlib.contextmanager
def reading_shards(path: str) -> Iterator[Any]:
    """The files that a map names, as one in memory. Raises ValueError for a map that names files elsewhere."""
    import h5py
    with open(path, "rb") as source:
        text = source.read(LIMIT)
    try:
        weight_map = dict(parsed_json(text, "the text")["weight_map"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a map of sharded weights: {error}") from None
    places: dict[str, list[str]] = {}
    for group, names in weight_map.items():
        for name in names if isinstance(names, list) else [names]:
            places.setdefault(str(name), []).append(group)
    with h5py.File(path, "w", driver="core", backing_store=False) as merged:
        for name, groups in places.items():
            if os.path.basename(name) != name or name in ("", ".", ".."):
                raise ValueError(f"{path} names {name!r}, which is not a file beside it.")
            with reading(os.path.join(os.path.dirname(path), name)) as file:
                for group in groups:
                    target = merged.require_group(group)
                    source_group = group_in(file, group)
                    for key in source_group:
                        target.create_dataset(key, data=GroupStore(source_group, group)[key])
        yield merged
