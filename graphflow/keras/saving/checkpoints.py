"""Weights in checkpoints, which tf.keras writes where the name is no HDF5 file's: the Saver's files, in the order of
the model's weights."""
from __future__ import annotations

import os
from typing import Any

from ...training.checkpoint_file import CheckpointReader, write_checkpoint
from ...training.checkpoint_state import checkpoint_exists, update_checkpoint_state
from .. import backend

_NAMES = ("", ".ckpt", ".tf")


def is_checkpoint(path: str, save_format: str | None = None) -> bool:
    """Whether weights of that name belong in a checkpoint: `training/cp.ckpt`, `my_checkpoint`."""
    return save_format == "tf" or save_format is None and os.path.splitext(path)[1] in _NAMES


def is_there(path: str) -> bool:
    """Whether `path` is the prefix of a checkpoint."""
    return bool(checkpoint_exists(path))


def write(path: str, model: Any) -> None:
    """The weights, as the latest checkpoint of its folder."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    values = backend.batch_get_value(model.weights)
    write_checkpoint(path, {_key(i): value for i, value in enumerate(values)})
    update_checkpoint_state(os.path.dirname(path) or ".", path, [path])


def read(path: str, model: Any) -> Loaded:
    """Set the weights. Raises ValueError where their number or shapes differ."""
    reader = CheckpointReader(path)
    keys = [_key(i) for i in range(len(reader.get_variable_to_shape_map()))]
    missing = [key for key in keys if not reader.has_tensor(key)]
    if missing:
        raise ValueError(f"Checkpoint {path!r} does not hold the weights of a Keras model: it has no {missing[0]!r}.")
    values = reader.get_tensors(keys)
    model.set_weights([values[key] for key in keys])
    return Loaded()


def _key(index: int) -> str:
    return f"variables/{index}/.ATTRIBUTES/VARIABLE_VALUE"


class Loaded:
    """What tf.keras gives for a checkpoint that was loaded: every weight has its value."""

    def assert_consumed(self) -> Loaded:
        """Itself: what does not fit was an error before."""
        return self

    assert_existing_objects_matched = assert_nontrivial_match = expect_partial = assert_consumed
