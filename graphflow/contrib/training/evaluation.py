"""Training and evaluation loops over monitored sessions, and waiting for the checkpoints of a training elsewhere."""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ... import logging, summary
from ...framework import GraphKeys, get_collection
from ...initializers import zeros
from ...training.checkpoint_state import checkpoints_iterator, latest_checkpoint
from ...training.global_step import get_global_step
from ...training.monitored_session import ChiefSessionCreator, MonitoredSession, MonitoredTrainingSession, Scaffold
from ...training.session_run_hook import SessionRunArgs, SessionRunHook
from ...variable_scope import get_variable
from ...variables import assign_add

__all__ = ["StopAfterNEvalsHook", "SummaryAtEndHook", "checkpoints_iterator", "evaluate_once", "evaluate_repeatedly",
           "get_or_create_eval_step", "train", "wait_for_new_checkpoint"]


def get_or_create_eval_step() -> Any:
    """The local variable (int64, []) that counts the batches evaluated."""
    found = get_collection(GraphKeys.EVAL_STEP)
    if found:
        return found[0]
    return get_variable("eval_step", shape=[], dtype="int64", initializer=zeros(), trainable=False,
                        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP])


class StopAfterNEvalsHook(SessionRunHook):
    """Asks to stop after `num_evals` runs (None: never), as the evaluation step counts them."""

    def __init__(self, num_evals: int | None, log_progress: bool = True):
        self._num_evals, self._log_progress = num_evals, log_progress
        self._evals_completed: Any = None

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        done = run_values.results["evals_completed"]
        if self._log_progress:
            logging.info("Evaluation [%d]" if self._num_evals is None else f"Evaluation [%d/{self._num_evals}]", done)
        if self._num_evals is not None and done >= self._num_evals:
            run_context.request_stop()


class SummaryAtEndHook(SessionRunHook):
    """Writes a summary when the session ends, at the global step. Raises ValueError without a folder or a writer."""

    def __init__(self, log_dir: str | None = None, summary_writer: Any = None, summary_op: Any = None,
                 feed_dict: Any = None):
        if log_dir is None and summary_writer is None:
            raise ValueError("SummaryAtEndHook needs log_dir or summary_writer, received neither.")
        self._log_dir, self._writer, self._op, self._feed = log_dir, summary_writer, summary_op, feed_dict

    def begin(self) -> None:
        self._op = self._op if self._op is not None else summary.merge_all()
        self._step = get_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._writer is None and self._log_dir:
            self._writer = summary.FileWriterCache.get(self._log_dir)

    def end(self, session: Any) -> None:
        if self._op is not None and self._writer is not None:
            step = session.run(self._step) if self._step is not None else 0
            self._writer.add_summary(session.run(self._op, self._feed), step)
            self._writer.flush()


def evaluate_once(checkpoint_path: str | None, master: str = "", scaffold: Any = None, eval_ops: Any = None,
                  feed_dict: Any = None, final_ops: Any = None, final_ops_feed_dict: Any = None,
                  hooks: Sequence[Any] | None = None, config: Any = None) -> Any:
    """Run `eval_ops` (a tensor, operation, list or dict) in a session with the variables of a checkpoint until a hook
    asks to stop, then `final_ops`, whose value is returned."""
    step = get_or_create_eval_step()
    hooks = list(hooks or [])
    counted = assign_add(step, 1)
    ops = dict(eval_ops) if isinstance(eval_ops, dict) else [] if eval_ops is None else (
        list(eval_ops) if isinstance(eval_ops, (list, tuple)) else [eval_ops])
    for hook in hooks:
        if hasattr(hook, "_set_evals_completed_tensor"):
            hook._set_evals_completed_tensor(counted)
    logging.info("Starting evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    final = _FinalOps(final_ops, final_ops_feed_dict)
    creator = ChiefSessionCreator(scaffold=scaffold or Scaffold(), checkpoint_filename_with_path=checkpoint_path,
                                  master=master, config=config)
    with MonitoredSession(creator, [*hooks, final]) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run([ops, counted], feed_dict)
    logging.info("Finished evaluation at %s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    return final.values


class _FinalOps(SessionRunHook):
    """Runs ops as the session ends."""

    def __init__(self, ops: Any, feed: Any):
        self.ops, self.feed, self.values = ops, feed, None

    def end(self, session: Any) -> None:
        if self.ops is not None:
            self.values = session.run(self.ops, self.feed)


def evaluate_repeatedly(checkpoint_dir: str, master: str = "", scaffold: Any = None, eval_ops: Any = None,
                        feed_dict: Any = None, final_ops: Any = None, final_ops_feed_dict: Any = None,
                        eval_interval_secs: float = 60, hooks: Sequence[Any] | None = None, config: Any = None,
                        max_number_of_evaluations: int | None = None, timeout: float | None = None,
                        timeout_fn: Callable[[], bool] | None = None) -> Any:
    """`evaluate_once` for each new checkpoint of a folder; the last value of `final_ops`."""
    values = None
    for number, path in enumerate(checkpoints_iterator(checkpoint_dir, eval_interval_secs, timeout, timeout_fn), 1):
        values = evaluate_once(path, master, scaffold, eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks,
                               config)
        if max_number_of_evaluations is not None and number >= max_number_of_evaluations:
            break
    return values


def wait_for_new_checkpoint(checkpoint_dir: str, last_checkpoint: str | None = None, seconds_to_sleep: float = 1,
                            timeout: float | None = None) -> str | None:
    """The newest checkpoint of a folder once it is another than `last_checkpoint`; None after `timeout` seconds."""
    stop = None if timeout is None else time.time() + timeout
    while True:
        path = latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            return path
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)


def train(train_op: Any, logdir: str | None, master: str = "", is_chief: bool = True, scaffold: Any = None,
          hooks: Sequence[Any] | None = None, chief_only_hooks: Sequence[Any] | None = None,
          save_checkpoint_secs: float | None = 600, save_summaries_steps: int | None = 100, config: Any = None,
          max_wait_secs: int = 7200, run_metadata: Any = None) -> Any:
    """Run `train_op` until a hook asks to stop; its last value. Raises ValueError without a folder where checkpoints
    or summaries are to be written."""
    if logdir is None and is_chief and (save_summaries_steps or save_checkpoint_secs):
        raise ValueError("logdir cannot be None when saving summaries or checkpoints is set.")
    loss = None
    with MonitoredTrainingSession(master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold,
                                  hooks=hooks, chief_only_hooks=chief_only_hooks,
                                  save_checkpoint_secs=save_checkpoint_secs,
                                  save_summaries_steps=save_summaries_steps, config=config) as session:
        while not session.should_stop():
            loss = session.run(train_op)
    return loss


# what TensorFlow's own module calls them, for libraries that import it
_StopAfterNEvalsHook, _evaluate_once, _get_or_create_eval_step = (
    StopAfterNEvalsHook, evaluate_once, get_or_create_eval_step)
