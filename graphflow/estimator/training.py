"""`train_and_evaluate`: training with an evaluation after each checkpoint interval."""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import train
from .runs import Estimator


class TrainSpec(NamedTuple):
    """What to train on, and until which global step."""

    input_fn: Callable[[], Any]
    max_steps: int | None = None
    hooks: Sequence[Any] = ()
    saving_listeners: Sequence[Any] = ()


class EvalSpec(NamedTuple):
    """What to evaluate on, and how often (`throttle_secs`: at least so many seconds apart)."""

    input_fn: Callable[[], Any]
    steps: int | None = 100
    name: str | None = None
    hooks: Sequence[Any] = ()
    exporters: Any = None
    start_delay_secs: float = 120
    throttle_secs: float = 600


class _Evaluate(train.CheckpointSaverListener):
    """Evaluates when a checkpoint has been written."""

    def __init__(self, estimator: Estimator, spec: EvalSpec):
        self.estimator, self.spec = estimator, spec
        self.last = time.monotonic()
        self.result: dict[str, Any] | None = None
        self.at: Any = None

    def after_save(self, session: Any, global_step_value: Any) -> None:
        if time.monotonic() - self.last >= self.spec.throttle_secs:
            self.evaluate(global_step_value)

    def end(self, session: Any, global_step_value: Any) -> None:
        if self.at != global_step_value:
            self.evaluate(global_step_value)

    def evaluate(self, global_step: Any) -> None:
        spec = self.spec
        self.result = self.estimator.evaluate(spec.input_fn, spec.steps, spec.hooks or None, name=spec.name)
        self.last, self.at = time.monotonic(), global_step
        given = spec.exporters or ()
        for exporter in given if isinstance(given, (list, tuple)) else [given]:
            folder = os.path.join(self.estimator.model_dir, "export", exporter.name)
            exporter.export(self.estimator, folder, self.estimator.latest_checkpoint(), self.result, False)


def train_and_evaluate(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec
                       ) -> tuple[dict[str, Any] | None, Any]:
    """Train to `train_spec.max_steps`, evaluating on the way and at the end; (the last metrics, None)."""
    if not isinstance(train_spec, TrainSpec) or not isinstance(eval_spec, EvalSpec):
        raise TypeError("`train_spec` and `eval_spec` must be a TrainSpec and an EvalSpec, given "
                        f"{type(train_spec)} and {type(eval_spec)}")
    listener = _Evaluate(estimator, eval_spec)
    estimator.train(train_spec.input_fn, hooks=list(train_spec.hooks) or None, max_steps=train_spec.max_steps,
                    saving_listeners=[*train_spec.saving_listeners, listener])
    return listener.result, None
