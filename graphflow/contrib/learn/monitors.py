"""`tf.contrib.learn.monitors`: what watches a training run. A monitor is a hook that knows its estimator."""
from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ... import logging, train
from ...framework import get_default_graph

__all__ = ["BaseMonitor", "CheckpointSaver", "EveryN", "NanLoss", "PrintTensor", "StopAtStep", "SummarySaver",
           "ValidationMonitor", "replace_monitors_with_hooks"]


class BaseMonitor(train.SessionRunHook):
    """Override `step_begin(step)`, which gives the tensors to fetch, and `step_end(step, outputs)`, which says whether
    to stop."""

    def __init__(self) -> None:
        self._estimator: Any = None
        self._step: int | None = None

    def set_estimator(self, estimator: Any) -> None:
        """The estimator that is trained."""
        self._estimator = estimator

    def step_begin(self, step: int) -> list[Any]:
        """Tensors, or their names, to fetch in this step."""
        return []

    def step_end(self, step: int, output: dict[Any, Any]) -> bool:
        """Whether to stop after this step; `output` has the values of what `step_begin` gave."""
        return False

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._global_step = train.get_global_step()
        self._step = int(session.run(self._global_step)) + 1

    def before_run(self, run_context: Any) -> train.SessionRunArgs:
        assert self._step is not None
        asked = self.step_begin(self._step)
        return train.SessionRunArgs({"step": self._global_step, "outputs": {t: t for t in asked or ()}})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        assert self._step is not None
        if self.step_end(self._step, run_values.results["outputs"]):
            run_context.request_stop()
        self._step = int(run_values.results["step"]) + 1


class EveryN(BaseMonitor):
    """Calls `every_n_step_begin(step)` and `every_n_step_end(step, outputs)` every `every_n_steps` steps and in the
    first `first_n_steps`."""

    def __init__(self, every_n_steps: int = 100, first_n_steps: int = 1):
        super().__init__()
        self._every_n_steps, self._first_n_steps = every_n_steps, first_n_steps
        self._last_active_step = 0

    def every_n_step_begin(self, step: int) -> list[Any]:
        """As `step_begin`."""
        return []

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        """As `step_end`."""
        return False

    def _is_active(self, step: int) -> bool:
        return step <= self._first_n_steps or step >= self._every_n_steps + self._last_active_step

    def step_begin(self, step: int) -> list[Any]:
        return self.every_n_step_begin(step) if self._is_active(step) else []

    def step_end(self, step: int, output: dict[Any, Any]) -> bool:
        if not self._is_active(step):
            return False
        self._last_active_step = step
        return self.every_n_step_end(step, output)


class ValidationMonitor(EveryN):
    """Evaluates the newest checkpoint that it has not yet seen, at most every `every_n_steps` steps and
    `check_interval_secs` seconds; stops training when `early_stopping_metric` has not improved for
    `early_stopping_rounds` steps. Raises ValueError without an input."""

    def __init__(self, x: Any = None, y: Any = None, input_fn: Any = None, batch_size: int | None = None,
                 eval_steps: int | None = None, every_n_steps: int = 100, metrics: Any = None, hooks: Any = None,
                 early_stopping_rounds: int | None = None, early_stopping_metric: str = "loss",
                 early_stopping_metric_minimize: bool = True, name: str | None = None,
                 check_interval_secs: float | None = 5):
        super().__init__(every_n_steps, first_n_steps=-1)
        if x is None and input_fn is None:
            raise ValueError("Either x or input_fn should be provided.")
        self._input: dict[str, Any] = {"input_fn": input_fn, "steps": eval_steps, "hooks": hooks, "name": name}
        arrays = {"x": x, "y": y, "batch_size": batch_size, "metrics": metrics}
        self._input.update({key: value for key, value in arrays.items() if value is not None})
        self.early_stopping_rounds, self.early_stopping_metric = early_stopping_rounds, early_stopping_metric
        self.early_stopping_metric_minimize = early_stopping_metric_minimize
        self._interval, self._checked, self._seen = check_interval_secs, -float("inf"), None
        self.early_stopped = False
        self.best_step: int | None = None
        self.best_value: Any = None
        self.best_metrics: dict[str, Any] | None = None

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        if self._estimator is None:
            raise ValueError("Missing call to set_estimator.")
        if self._interval is not None and time.time() - self._checked <= self._interval:
            return False
        self._checked = time.time()
        newest = self._estimator.latest_checkpoint()
        if newest is None or newest == self._seen:
            return False
        self._seen = newest
        found = self._estimator.evaluate(**self._input)
        logging.info("Validation (step %d): %s", step, ", ".join(f"{key} = {value}" for key, value in found.items()))
        return self.early_stopping_rounds is not None and self._is_over(step, found, self.early_stopping_rounds)

    def _is_over(self, step: int, found: dict[str, Any], rounds: int) -> bool:
        if self.early_stopping_metric not in found:
            raise ValueError(f"Metric {self.early_stopping_metric} missing from outputs {set(found)}.")
        value = found[self.early_stopping_metric]
        if self.best_step is None or (value < self.best_value if self.early_stopping_metric_minimize
                                      else value > self.best_value):
            self.best_step, self.best_value, self.best_metrics = step, value, dict(found)
        self.early_stopped = step - self.best_step >= rounds
        if self.early_stopped:
            logging.info("Stopping. Best step: %s with %s = %s.", self.best_step, self.early_stopping_metric,
                         self.best_value)
        return self.early_stopped


class PrintTensor(EveryN):
    """Logs tensors: a list of their names, or a dict of them by what to call them."""

    def __init__(self, tensor_names: Any, every_n: int = 100, first_n: int = 1):
        super().__init__(every_n, first_n)
        self._names = tensor_names if isinstance(tensor_names, dict) else {n: n for n in tensor_names}

    def every_n_step_begin(self, step: int) -> list[Any]:
        return [get_default_graph().as_graph_element(name) for name in self._names.values()]

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        logging.info("Step %d: %s", step, ", ".join(
            f"{label} = {value}" for label, value in zip(self._names, outputs.values(), strict=True)))
        return False


class NanLoss(train.NanTensorHook):
    """Stops, or with `fail_on_nan_loss` fails, when the loss is NaN; it looks in every step."""

    def __init__(self, loss_tensor: Any, every_n_steps: int = 100, fail_on_nan_loss: bool = True):
        super().__init__(loss_tensor, fail_on_nan_loss)


class SummarySaver(train.SummarySaverHook):
    """Writes a summary every `save_steps` steps."""

    def __init__(self, summary_op: Any, save_steps: int = 100, output_dir: Any = None, summary_writer: Any = None,
                 scaffold: Any = None):
        super().__init__(save_steps, None, output_dir, summary_writer, scaffold, summary_op)


StopAtStep, CheckpointSaver = train.StopAtStepHook, train.CheckpointSaverHook


def replace_monitors_with_hooks(monitors_or_hooks: Iterable[Any] | None, estimator: Any) -> list[Any]:
    """The hooks of a run of `estimator`, which its monitors come to know."""
    hooks = list(monitors_or_hooks or ())
    for hook in hooks:
        if isinstance(hook, BaseMonitor):
            hook.set_estimator(estimator)
    return hooks
