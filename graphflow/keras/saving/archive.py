"""The `.keras` archive: metadata.json, config.json, model.weights.h5 and assets, stored in a zip, or in a folder."""
from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from .compiling import compile_model
from .hdf5 import KERAS_VERSION, reading
from .json_text import parsed_json
from .serialization import deserialize_keras_object, serialize_keras_object, sharing
from .tree import read_tree, walk, write_tree

LIMIT = 1 << 26  # bytes of JSON that a model's description, or one asset, may have


def write_archive(target: Any, model: Any, include_optimizer: bool) -> None:
    """Into a path or a file object."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in _members(model, include_optimizer):
            archive.writestr(name, data)


def write_folder(path: str, model: Any, include_optimizer: bool) -> None:
    """The same members as files in a new folder."""
    for name, data in _members(model, include_optimizer):
        member = os.path.join(path, name)
        os.makedirs(os.path.dirname(member), exist_ok=True)
        with open(member, "wb") as out:
            out.write(data)


def _members(model: Any, include_optimizer: bool) -> Iterator[tuple[str, bytes]]:
    import h5py
    with sharing():
        config = serialize_keras_object(model)
    if not include_optimizer:
        config["compile_config"] = {}
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    yield "metadata.json", json.dumps({"keras_version": KERAS_VERSION, "date_saved": now}).encode()
    yield "config.json", json.dumps(config).encode()
    skip = [] if include_optimizer else [model.optimizer]
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        write_tree(file, model, skip)
    yield "model.weights.h5", stored.getvalue()
    for path, obj in walk(model, skip):
        if hasattr(obj, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                obj.save_assets(folder)
                for name in sorted(os.listdir(folder)):
                    with open(os.path.join(folder, name), "rb") as asset:
                        yield "/".join(filter(None, ("assets", path, name))), asset.read()


# reading: from a zip or a folder, nothing is ever extracted by the names that it gives


class _Zip:
    def __init__(self, archive: zipfile.ZipFile, path: str):
        self._archive, self.path = archive, path
        self.names = archive.namelist()

    def read(self, name: str, limit: int) -> bytes:
        """A member's bytes. Raises ValueError if there is none, or one larger than `limit`."""
        try:
            size = self._archive.getinfo(name).file_size
            if size > limit:
                raise ValueError(f"{self.path}: its {name} claims to hold {size} bytes, more than the {limit} that it "
                                 "may.")
            with self._archive.open(name) as member:
                return member.read(limit)
        except KeyError:
            raise ValueError(f"{self.path} is not a Keras archive: it has no {name}.") from None
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            raise OSError(f"{self.path} is damaged: {name}: {error}") from None

    @property
    def size(self) -> int:
        """The bytes of the whole archive."""
        return sum(info.compress_size for info in self._archive.infolist())


class _Folder:
    def __init__(self, path: str):
        self.path = path
        self.names = [os.path.relpath(os.path.join(folder, name), path).replace(os.sep, "/")
                      for folder, _, names in os.walk(path) for name in names]

    def read(self, name: str, limit: int) -> bytes:
        """A file's bytes. Raises ValueError if there is none, or one larger than `limit`."""
        member = os.path.join(self.path, name)
        if not os.path.isfile(member):
            raise ValueError(f"{self.path} is not a Keras model's folder: it has no {name}.")
        if os.path.getsize(member) > limit:
            raise ValueError(f"{member} is larger than the {limit} bytes that it may have.")
        with open(member, "rb") as source:
            return source.read()

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(os.path.getsize(os.path.join(self.path, name)) for name in self.names)


@contextlib.contextmanager
def opened(source: Any, path: str) -> Iterator[Any]:
    """A zip (a path or a file object), or a folder. Raises OSError for a damaged one."""
    if isinstance(source, str) and os.path.isdir(source):
        yield _Folder(source)
        return
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError) as error:
        raise OSError(f"{path} is damaged: {error}") from None
    with archive:
        yield _Zip(archive, path)


def read_archive(source: Any, path: str, compile: bool) -> Any:
    """The model in a zip or a folder."""
    with opened(source, path) as members, sharing():
        config = parsed_json(members.read("config.json", LIMIT), f"{path} is damaged: its config.json")
        model = deserialize_keras_object(config)
        compiled = config.get("compile_config") if compile else None
        if compiled:
            compile_model(model, compiled)
        read_weights(members, model)
        _read_assets(members, model)
    return model


def read_weights(members: Any, model: Any, skip_mismatch: bool = False) -> None:
    """The weights in an archive, for a model that is there."""
    if "model.weights.h5" not in members.names and "model.weights.npz" in members.names:
        raise ValueError(f"{members.path} holds its weights in NumPy's pickled form, which is not read: it can run "
                         "code. Save the model again with Keras's default, HDF5.")
    # a stored member cannot hold more than the archive; a deflated one little more than its weights need
    held = sum(int(np.prod(w.shape, dtype=object)) * w.dtype.size for w in model.weights)
    data = members.read("model.weights.h5", members.size + 8 * held + LIMIT)
    with reading(io.BytesIO(data), members.path) as file:
        read_tree(file, model, skip_mismatch)


def _read_assets(members: Any, model: Any) -> None:
    for path, obj in walk(model):
        prefix = "/".join(filter(None, ("assets", path))) + "/"
        own = [n for n in members.names if n.startswith(prefix) and "/" not in n[len(prefix):] and n != prefix]
        if not own or not hasattr(obj, "load_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name in own:
                base = os.path.basename(name)
                if base != name[len(prefix):] or base in ("", ".", "..") or "\\" in base:
                    raise ValueError(f"{members.path}: the asset {name!r} is not a plain file name.")
                with open(os.path.join(folder, base), "wb") as out:
                    out.write(members.read(name, members.size * 100 + LIMIT))
            obj.load_assets(folder)
