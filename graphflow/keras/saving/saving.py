"""Whole models and weights in files. Written beside, then renamed: never half a file.

Reading runs no code from a file: no pickle, no marshalled functions (unless `safe_mode=False`), only classes that
Keras or the user names.
"""
from __future__ import annotations

import contextlib
import errno
import io
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...compiler.site import warn
from ..backend.session import forgotten_if_failed
from ..utils.io_utils import atomic_file
from . import archive, checkpoints, legacy_model
from .hdf5 import find_group, reading, writing
from .legacy_weights import read_legacy, write_legacy
from .registration import CustomObjectScope
from .serialization import in_safe_mode
from .serialization import safe_mode as safe_scope
from .shards import reading_shards, write_shards
from .tree import read_tree, write_tree

HDF5 = (".h5", ".hdf5", ".hdf", ".hd5", ".model", ".weights")  # the last ones are names of Keras 2 programs


def ask_to_proceed_with_overwrite(filepath: Any) -> bool:
    """Ask on the terminal. Raises FileExistsError where there is none to ask."""
    try:
        answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]")
        while answer.strip().lower() not in ("y", "n"):
            answer = input('Enter "y" (overwrite) or "n" (cancel).')
    except (EOFError, OSError):
        raise FileExistsError(f"{filepath} exists, and overwrite=False was given.") from None
    return answer.strip().lower() == "y"


def _may_write(path: str, overwrite: bool) -> bool:
    return overwrite or not os.path.exists(path) or ask_to_proceed_with_overwrite(path)


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Write architecture, weights, compile arguments and optimizer state. The name's ending says the format: `.keras`,
    or HDF5 for `.h5` and `.hdf5`; `zipped=False` writes a folder. `filepath` may be an open file or HDF5 group.

    Keras 2's `include_optimizer` and `save_format` ("keras", "h5") are taken. An existing file is replaced, with
    `overwrite=False` after asking. Raises ValueError for another ending.
    """
    include_optimizer, form = kwargs.pop("include_optimizer", True), kwargs.pop("save_format", None)
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {sorted(kwargs)}")
    if not model.built:
        warn("You are saving a model that has not yet been built. It might not contain any weights yet. "
             "Consider building the model first by calling it on some data.")
    if hasattr(filepath, "create_group"):
        legacy_model.write_model(filepath, model, include_optimizer)
        return
    if isinstance(filepath, io.IOBase):
        if str(getattr(filepath, "name", "")).endswith(("h5", "hdf5")):
            _into_stream(filepath, model, include_optimizer)
        else:
            archive.write_archive(filepath, model, include_optimizer)
        return
    path = os.fspath(filepath)
    if not _may_write(path, overwrite):
        return
    if zipped is False:
        if path.endswith(".keras"):
            raise ValueError("When using `zipped=False`, the `filepath` argument should not end in `.keras`. "
                             f"Received: filepath={path}")
        archive.write_folder(path, model, include_optimizer)
    elif path.endswith(HDF5) or form in ("h5", "hdf5"):
        with writing(path) as file:
            legacy_model.write_model(file, model, include_optimizer)
    elif path.endswith(".keras") or form == "keras":
        with atomic_file(path) as temporary:
            archive.write_archive(temporary, model, include_optimizer)
    else:
        raise ValueError("Invalid filepath extension for saving. Please add either a `.keras` extension for the native "
                         f"Keras format (recommended) or a `.h5` extension. Received: filepath={path}.")


def _into_stream(stream: Any, model: Any, include_optimizer: bool) -> None:
    """Keras 2 writes HDF5 into open files."""
    import h5py
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        legacy_model.write_model(file, model, include_optimizer)
    stream.write(stored.getvalue())


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True,
               safe_mode: bool = True) -> Any:
    """Read a model that `save` or Keras wrote, from a path, an open file or an HDF5 group.

    Raises OSError or ValueError for what is not one, or is damaged.
    """
    with forgotten_if_failed(), CustomObjectScope(custom_objects), safe_scope(safe_mode and in_safe_mode()):
        if hasattr(filepath, "create_group"):
            return legacy_model.read_model(filepath, str(filepath.file.filename), compile)
        if isinstance(filepath, io.IOBase):
            return _from_stream(filepath, compile)
        path = os.fspath(filepath)
        if os.path.isdir(path) and os.path.exists(os.path.join(path, "config.json")):
            return archive.read_archive(path, path, compile)
        if os.path.isdir(path):
            raise ValueError(f"File format not supported: filepath={path}. Keras 3 only supports V3 `.keras` files and "
                             "legacy H5 format files (`.h5` extension). A TensorFlow SavedModel is read by "
                             "`tf.saved_model.load`.")
        if not os.path.exists(path) and path.endswith((".h5", ".hdf5")):
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        if not os.path.isfile(path):
            raise ValueError(f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip "
                             "file or HDF5 file.")
        if zipfile.is_zipfile(path):
            return archive.read_archive(path, path, compile)
        with reading(path) as file:
            return legacy_model.read_model(file, path, compile)


def _from_stream(stream: Any, compile: bool) -> Any:
    name = str(getattr(stream, "name", "the stream"))
    if zipfile.is_zipfile(stream):
        return archive.read_archive(stream, name, compile)
    stream.seek(0)
    with reading(stream, name) as file:
        return legacy_model.read_model(file, name, compile)


def to_bytes(model: Any) -> bytes:
    """A `.keras` archive in memory: how models are copied and pickled."""
    target = io.BytesIO()
    archive.write_archive(target, model, True)
    return target.getvalue()


def from_bytes(data: bytes) -> Any:
    """The model in a `.keras` archive in memory."""
    return load_model(io.BytesIO(data))


# weights alone


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None,
                 save_format: str | None = None, objects_to_skip: Sequence[Any] = ()) -> None:
    """`.weights.h5`: Keras 3's layout; another name ending in .h5 or .hdf5: the older one. With `max_shard_size` (GB)
    several files, and a `.weights.json` that says which holds what. A name without an ending, or in .ckpt, is a
    checkpoint's, as in tf.keras.
    """
    path = os.fspath(filepath)
    if max_shard_size is None and model.built and checkpoints.is_checkpoint(path, save_format):
        checkpoints.write(path, model)
        return
    if max_shard_size is not None and not path.endswith(("weights.h5", "weights.json")):
        raise ValueError("The filename must end in `.weights.json` when `max_shard_size` is specified. "
                         f"Received: filepath={path}")
    if max_shard_size is None and not path.endswith(HDF5) and save_format not in ("h5", "hdf5"):
        raise ValueError(f"The filename must end in `.weights.h5` (or `.h5`). Received: filepath={path}")
    if not model.built:
        raise ValueError(f"Model {model.name!r} has no weights yet: build it, or call it on data, before saving them.")
    if not _may_write(path, overwrite):
        return
    if max_shard_size is not None:
        write_shards(path, model, max_shard_size, objects_to_skip)
        return
    with writing(path) as file:
        if path.endswith(".weights.h5"):
            write_tree(file, model, objects_to_skip)
        else:
            write_legacy(file, model)


def load_weights(model: Any, filepath: Any, by_name: bool = False, skip_mismatch: bool = False,
                 objects_to_skip: Sequence[Any] = (), reshape: bool = False) -> checkpoints.Loaded | None:
    """From any of the HDF5 layouts, shards, a `.keras` archive or a checkpoint. Raises OSError or ValueError."""
    path = os.fspath(filepath)
    if not model.built:
        raise ValueError(f"Unable to load weights into model {model.name!r}, which was not built yet: its weights do "
                         "not exist before it knows its input's shape.")
    if not os.path.exists(path):
        if checkpoints.is_there(path):
            return checkpoints.read(path, model)
        raise FileNotFoundError(f"File not found: {path}")
    if zipfile.is_zipfile(path) or os.path.isdir(path):
        with archive.opened(path, path) as members:
            archive.read_weights(members, model, skip_mismatch)
        return None
    with _weights_file(path) as file:
        group = find_group(file, "model_weights") or file
        if "layer_names" in group.attrs or "layer_names0" in group.attrs:
            read_legacy(group, model, skip_mismatch, by_name, reshape)
        elif by_name:
            raise ValueError("`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: "
                             f"{path}")
        else:
            read_tree(file, model, skip_mismatch, objects_to_skip)
    return None


@contextlib.contextmanager
def _weights_file(path: str) -> Iterator[Any]:
    with reading_shards(path) if path.endswith(".json") else reading(path) as file:
        yield file
