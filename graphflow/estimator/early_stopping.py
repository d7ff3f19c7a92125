"""`tf.estimator.experimental`: hooks that end an estimator's training early.

What an evaluation found is read from the event files of its folder, as TensorFlow 1.15 does.
"""
from __future__ import annotations

import glob
import operator
import os
from collections.abc import Callable
from typing import Any

from .. import logging, summary, train
from .runs import Estimator


class _StopOnPredicateHook(train.SessionRunHook):
    """Asks `should_stop()` every so many seconds or steps."""

    def __init__(self, should_stop: Callable[[], bool], run_every_secs: float | None, run_every_steps: int | None):
        if not callable(should_stop):
            raise TypeError(f"`should_stop_fn` must be callable, got {should_stop!r}")
        self._should_stop = should_stop
        self._timer = train.SecondOrStepTimer(every_secs=run_every_secs, every_steps=run_every_steps)

    def begin(self) -> None:
        self._global_step = train.get_global_step()

    def before_run(self, run_context: Any) -> Any:
        return train.SessionRunArgs(self._global_step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step = int(run_values.results)
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._should_stop():
                logging.info("Requesting early stopping at global step %d", step)
                run_context.request_stop()


def make_early_stopping_hook(estimator: Estimator, should_stop_fn: Callable[[], bool],
                             run_every_secs: float | None = 60, run_every_steps: int | None = None) -> Any:
    """A hook that ends training when `should_stop_fn()` is true, asked every `run_every_secs` seconds or every
    `run_every_steps` steps. Raises TypeError for what is no Estimator or no function, ValueError for both intervals."""
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError("Only one of `run_every_secs` and `run_every_steps` must be set.")
    return _StopOnPredicateHook(should_stop_fn, run_every_secs, run_every_steps)


def read_eval_metrics(eval_dir: str) -> dict[int, dict[str, float]]:
    """The metrics that evaluations wrote to `eval_dir`, by global step, in the order of the steps."""
    found: dict[int, dict[str, float]] = {}
    for path in sorted(glob.glob(os.path.join(eval_dir, "*.tfevents.*"))):
        for event in summary.summary_iterator(path):
            values = {v.tag: v.simple_value for v in event.summary.value if v.HasField("simple_value")}
            if values:
                found[event.step] = values
    return dict(sorted(found.items()))


def _stop_at_threshold(better: Callable[[Any, Any], bool], estimator: Estimator, metric: str, threshold: float,
                       eval_dir: str | None, min_steps: int, *every: Any) -> Any:
    folder = eval_dir or estimator.eval_dir()

    def should_stop() -> bool:
        return any(step >= min_steps and better(measured[metric], threshold)
                   for step, measured in read_eval_metrics(folder).items())

    return make_early_stopping_hook(estimator, should_stop, *every)


def _stop_without_improvement(better: Callable[[Any, Any], bool], estimator: Estimator, metric: str, max_steps: int,
                              eval_dir: str | None, min_steps: int, *every: Any) -> Any:
    folder = eval_dir or estimator.eval_dir()

    def should_stop() -> bool:
        best = best_step = None
        for step, measured in read_eval_metrics(folder).items():
            if step < min_steps:
                continue
            if best_step is None or better(measured[metric], best):
                best, best_step = measured[metric], step
            if step - best_step >= max_steps:
                logging.info("No improvement of %s for %d steps (the limit: %d)", metric, step - best_step, max_steps)
                return True
        return False

    return make_early_stopping_hook(estimator, should_stop, *every)


def stop_if_higher_hook(estimator: Estimator, metric_name: str, threshold: float, eval_dir: str | None = None,
                        min_steps: int = 0, run_every_secs: float | None = 60, run_every_steps: int | None = None
                        ) -> Any:
    """A hook that ends training once an evaluation, at step `min_steps` or later, found the metric above `threshold`.

    Evaluations are those in `eval_dir`, by default the estimator's."""
    return _stop_at_threshold(operator.gt, estimator, metric_name, threshold, eval_dir, min_steps, run_every_secs,
                              run_every_steps)


def stop_if_lower_hook(estimator: Estimator, metric_name: str, threshold: float, eval_dir: str | None = None,
                       min_steps: int = 0, run_every_secs: float | None = 60, run_every_steps: int | None = None
                       ) -> Any:
    """As `stop_if_higher_hook`, below `threshold`."""
    return _stop_at_threshold(operator.lt, estimator, metric_name, threshold, eval_dir, min_steps, run_every_secs,
                              run_every_steps)


def stop_if_no_increase_hook(estimator: Estimator, metric_name: str, max_steps_without_increase: int,
                             eval_dir: str | None = None, min_steps: int = 0, run_every_secs: float | None = 60,
                             run_every_steps: int | None = None) -> Any:
    """A hook that ends training when the metric has not risen above its best for so many steps."""
    return _stop_without_improvement(operator.gt, estimator, metric_name, max_steps_without_increase,
                                     eval_dir, min_steps, run_every_secs, run_every_steps)


def stop_if_no_decrease_hook(estimator: Estimator, metric_name: str, max_steps_without_decrease: int,
                             eval_dir: str | None = None, min_steps: int = 0, run_every_secs: float | None = 60,
                             run_every_steps: int | None = None) -> Any:
    """A hook that ends training when the metric has not fallen below its best for so many steps."""
    return _stop_without_improvement(operator.lt, estimator, metric_name, max_steps_without_decrease,
                                     eval_dir, min_steps, run_every_secs, run_every_steps)
