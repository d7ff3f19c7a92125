"""`tfe.Saver` and checkpoints of networks."""
from __future__ import annotations

import os
from typing import Any

from ...training.checkpoint_state import latest_checkpoint
from ...training.saver import Saver as _Saver
from ...variables import Variable


class Saver:
    """A `tf.train.Saver` of these variables (objects with `variables` among them) that needs no session."""

    def __init__(self, var_list: Any):
        values = var_list if isinstance(var_list, (list, tuple)) else list(getattr(var_list, "values", lambda: [
            var_list])())
        found = [v for value in values for v in ([value] if isinstance(value, Variable) else value.variables)]
        if isinstance(var_list, dict):
            self._saver = _Saver(var_list)
        else:
            self._saver = _Saver(list(dict.fromkeys(found)))

    def save(self, file_prefix: Any, global_step: Any = None) -> Any:
        """Write a checkpoint; returns its prefix."""
        return self._saver.save(None, file_prefix, global_step=global_step, write_meta_graph=False)

    def restore(self, file_prefix: Any) -> None:
        """Give the variables their values in the checkpoint. Raises as `tf.train.Saver.restore` does."""
        self._saver.restore(None, file_prefix)


def save_network_checkpoint(network: Any, save_path: Any, global_step: Any = None, map_func: Any = None) -> Any:
    """Save a network's variables, under `map_func`(name) each; a folder gets the network's name as prefix. Returns the
    checkpoint's prefix."""
    prefix = os.path.join(save_path, network.name) if os.path.isdir(save_path) else save_path
    return _named(network, map_func).save(None, prefix, global_step=global_step, write_meta_graph=False)


def restore_network_checkpoint(network: Any, save_path: Any, map_func: Any = None) -> None:
    """Restore what `save_network_checkpoint` saved; of a folder the latest. The variables must have been made. Raises
    ValueError where there is no checkpoint."""
    prefix = latest_checkpoint(save_path) if os.path.isdir(save_path) else save_path
    _named(network, map_func).restore(None, prefix)


def _named(network: Any, map_func: Any) -> _Saver:
    names = {v.name.partition(":")[0]: v for v in network.variables}
    return _Saver({map_func(name) if map_func else name: v for name, v in names.items()})


def get_optimizer_variables(optimizer: Any) -> list[Any]:
    """The optimizer's variables."""
    return list(optimizer.variables())
