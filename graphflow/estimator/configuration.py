"""How an estimator runs."""
from __future__ import annotations

import copy
from typing import Any

_UNSET: Any = object()


class RunConfig:
    """Where an estimator keeps its checkpoints, how often it writes them, and the seed of its graphs.

    Raises ValueError when both `save_checkpoints_steps` and `save_checkpoints_secs` are given.
    """

    def __init__(self, model_dir: Any = None, tf_random_seed: int | None = None, save_summary_steps: int | None = 100,
                 save_checkpoints_steps: Any = _UNSET, save_checkpoints_secs: Any = _UNSET,
                 session_config: Any = None, keep_checkpoint_max: int = 5,
                 keep_checkpoint_every_n_hours: float = 10000, log_step_count_steps: int | None = 100,
                 train_distribute: Any = None, device_fn: Any = None, protocol: str | None = None,
                 eval_distribute: Any = None, experimental_distribute: Any = None,
                 experimental_max_worker_delay_secs: int | None = None, session_creation_timeout_secs: int = 7200,
                 checkpoint_save_graph_def: bool = True):
        if save_checkpoints_steps is not _UNSET and save_checkpoints_secs is not _UNSET and (
                save_checkpoints_steps is not None and save_checkpoints_secs is not None):
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        if save_checkpoints_secs is _UNSET:
            save_checkpoints_secs = 600 if save_checkpoints_steps is _UNSET else None
        self.model_dir = None if model_dir is None else str(model_dir)
        self.tf_random_seed = tf_random_seed
        self.save_summary_steps = save_summary_steps
        self.save_checkpoints_steps = None if save_checkpoints_steps is _UNSET else save_checkpoints_steps
        self.save_checkpoints_secs = save_checkpoints_secs
        self.session_config = session_config
        self.keep_checkpoint_max = keep_checkpoint_max
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.log_step_count_steps = log_step_count_steps
        self.train_distribute, self.eval_distribute, self.device_fn = train_distribute, eval_distribute, device_fn

    # one worker, which is the chief
    is_chief = True
    task_type, task_id, master, evaluation_master = "worker", 0, "", ""
    num_ps_replicas, num_worker_replicas, global_id_in_cluster = 0, 1, 0

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with other values. Raises ValueError for names that are not those of the constructor."""
        changed = copy.copy(self)
        for name, value in kwargs.items():
            if name not in vars(self):
                raise ValueError(f"Replacing {name} is not supported.")
            setattr(changed, name, value)
        if kwargs.get("save_checkpoints_steps") is not None and kwargs.get("save_checkpoints_secs") is not None:
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        if kwargs.get("save_checkpoints_steps") is not None:
            changed.save_checkpoints_secs = None
        elif kwargs.get("save_checkpoints_secs") is not None:
            changed.save_checkpoints_steps = None
        return changed
