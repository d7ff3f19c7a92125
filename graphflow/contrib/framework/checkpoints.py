"""Setting variables from checkpoints."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import logging
from ...training.checkpoint_file import CheckpointReader
from ...training.saver import Saver
from .variables import assignments


def _by_name(var_list: Any) -> dict[str, list[Any]]:
    """{name in the checkpoint: variables} of a list of variables, or a dict of variables or lists of them."""
    if not isinstance(var_list, dict):
        var_list = {v.op.name: v for v in var_list}
    return {name: list(v) if isinstance(v, (list, tuple)) else [v] for name, v in var_list.items()}


def assign_from_checkpoint(model_path: str, var_list: Any,
                           ignore_missing_vars: bool = False) -> tuple[Any, dict[Any, Any]]:
    """(an operation that sets variables to what the checkpoint holds, the feeds that it needs).

    Raises ValueError for a variable that the checkpoint lacks (unless ignored) or holds in another shape.
    """
    reader = CheckpointReader(model_path)
    found, values = {}, {}
    for name, variables in _by_name(var_list).items():
        if not reader.has_tensor(name):
            if not ignore_missing_vars:
                raise ValueError(f"Checkpoint is missing variable [{name}]")
            logging.warning("Checkpoint is missing variable [%s]", name)
            continue
        found[name], values[name] = variables, reader.get_tensor(name)
        for v in variables:
            if v.shape.as_list() != list(values[name].shape):
                raise ValueError(f"Total size of new array must be unchanged for {name} lh_shape: "
                                 f"[{values[name].shape}], rh_shape: [{v.shape}]")
    return assignments(found, values)


def assign_from_checkpoint_fn(model_path: str, var_list: Any, ignore_missing_vars: bool = False,
                              reshape_variables: bool = False) -> Callable[[Any], None] | None:
    """A function of a session that restores variables from a checkpoint; None when there is nothing to restore."""
    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        reader = CheckpointReader(model_path)
        named = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
        for name in named:
            if not reader.has_tensor(name):
                logging.warning("Variable %s missing in checkpoint %s", name, model_path)
        var_list = {name: v for name, v in named.items() if reader.has_tensor(name)}
        if not var_list:
            logging.warning("No Variables to restore")
            return None
    saver = Saver(var_list, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)
