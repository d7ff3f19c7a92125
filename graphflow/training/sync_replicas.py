"""Several workers' gradients as one update: on one worker, that worker's."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..compiler.dtypes import int64
from ..compiler.ir import Operation
from ..framework import GraphKeys, control_dependencies, no_op
from ..variable_lists import variables_initializer
from ..variables import Variable, assign
from .optimizer import Optimizer
from .session_run_hook import SessionRunHook


class SyncReplicasOptimizer(Optimizer):
    """Accepted with one worker: applies each gradient at once through `opt`, and then the moving averages.

    Raises ValueError when more than one replica's gradients are to be awaited.
    """

    def __init__(self, opt: Optimizer, replicas_to_aggregate: int, total_num_replicas: int | None = None,
                 variable_averages: Any = None, variables_to_average: Any = None, use_locking: bool = False,
                 name: str = "sync_replicas"):
        super().__init__(use_locking, name)
        if replicas_to_aggregate > 1:
            raise ValueError(f"SyncReplicasOptimizer: there is one worker, so replicas_to_aggregate must be 1, "
                             f"received {replicas_to_aggregate}")
        self._opt = opt
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._applied = False

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None) -> Operation:
        """As `opt.apply_gradients`. Raises ValueError without a `global_step`."""
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._local_step = Variable(0, trainable=False, collections=[GraphKeys.LOCAL_VARIABLES], dtype=int64,
                                    name="sync_rep_local_step")
        self.local_step_init_op = assign(self._local_step, global_step).op
        self.chief_init_op = self.local_step_init_op
        self.ready_for_local_init_op = no_op("ready_for_local_init_op")
        self._applied = True
        train = self._opt.apply_gradients(grads_and_vars, global_step, name)
        if self._variable_averages is None:
            return train
        with control_dependencies([train]):
            return self._variable_averages.apply(self._variables_to_average)

    def variables(self) -> list[Any]:
        return self._opt.variables()

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        return self._opt.get_slot_names(*args, **kwargs)

    def get_chief_queue_runner(self) -> Any:
        """Nothing to run: there is one worker. Raises ValueError before `apply_gradients`."""
        if not self._applied:
            raise ValueError("Should be called after apply_gradients().")
        return None

    def get_init_tokens_op(self, num_tokens: int = -1) -> Operation:
        """An operation that does nothing: there is one worker. Raises ValueError before `apply_gradients`."""
        if not self._applied:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        return no_op("no_op")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """A hook that initializes the local step."""
        return _LocalStepHook(self)


class _LocalStepHook(SessionRunHook):
    def __init__(self, optimizer: SyncReplicasOptimizer):
        self._optimizer = optimizer

    def begin(self) -> None:
        if not self._optimizer._applied:
            raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
        self._init = variables_initializer([self._optimizer._local_step])

    def after_create_session(self, session: Any, coord: Any) -> None:
        session.run(self._init)
