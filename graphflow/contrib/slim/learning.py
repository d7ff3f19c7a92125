"""`slim.learning`: a training loop around a train operation."""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from ... import logging
from ... import train as tf_train
from ...errors import OutOfRangeError
from ...framework import GraphKeys, get_collection, get_default_graph, group
from ...session import Session
from ...summary import FileWriter, merge_all
from ...training.global_step import get_or_create_global_step
from ...variable_lists import global_variables_initializer, local_variables_initializer, tables_initializer
from ..training.training import (
    USE_GLOBAL_STEP,
    add_gradients_summaries,
    clip_gradient_norms,
    multiply_gradients,
)
from ..training.training import create_train_op as _create_train_op

__all__ = ["add_gradients_summaries", "clip_gradient_norms", "create_train_op", "multiply_gradients", "train",
           "train_step"]

USE_DEFAULT = 0


def create_train_op(total_loss: Any, optimizer: Any, global_step: Any = USE_GLOBAL_STEP, update_ops: Any = None,
                    variables_to_train: Sequence[Any] | None = None, clip_gradient_norm: float = 0,
                    summarize_gradients: bool = False, gate_gradients: int = 1, aggregation_method: Any = None,
                    colocate_gradients_with_ops: bool = False, gradient_multipliers: dict[Any, Any] | None = None,
                    check_numerics: bool = True) -> Any:
    """`tf.contrib.training.create_train_op`, with gradients multiplied and clipped."""
    def transform(gradients: Any) -> Any:
        if gradient_multipliers:
            gradients = multiply_gradients(gradients, gradient_multipliers)
        return clip_gradient_norms(gradients, clip_gradient_norm) if clip_gradient_norm > 0 else gradients

    return _create_train_op(
        total_loss, optimizer, global_step, update_ops, variables_to_train, transform, summarize_gradients,
        gate_gradients, aggregation_method, colocate_gradients_with_ops, check_numerics)


def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """(loss, whether to stop) of one step. `train_step_kwargs` may hold "log_every" and "number_of_steps"."""
    start = time.perf_counter()
    loss = sess.run(train_op)
    step = sess.run(global_step)  # by itself, so that it is what the step has made it
    every, limit = train_step_kwargs.get("log_every"), train_step_kwargs.get("number_of_steps")
    if every and step % every == 0:
        logging.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, time.perf_counter() - start)
    return loss, bool(limit and step >= limit)


def train(train_op: Any, logdir: str | None, train_step_fn: Callable[..., tuple[Any, Any]] = train_step,
          train_step_kwargs: Any = USE_DEFAULT, log_every_n_steps: int = 1, graph: Any = None, master: str = "",
          is_chief: bool = True, global_step: Any = None, number_of_steps: int | None = None,
          init_op: Any = USE_DEFAULT, init_feed_dict: Any = None, local_init_op: Any = USE_DEFAULT,
          init_fn: Callable[[Any], Any] | None = None, ready_op: Any = USE_DEFAULT, summary_op: Any = USE_DEFAULT,
          save_summaries_secs: float = 600, summary_writer: Any = USE_DEFAULT, startup_delay_steps: int = 0,
          saver: Any = None, save_interval_secs: float = 600, sync_optimizer: Any = None, session_config: Any = None,
          session_wrapper: Callable[[Any], Any] | None = None, trace_every_n_steps: int | None = None,
          ignore_live_threads: bool = False) -> Any:
    """Run `train_op` until the step counter reaches `number_of_steps` or the input ends; the last loss.

    Training goes on from the latest checkpoint in `logdir`, where checkpoints and summaries are written; with no
    checkpoint, variables are initialized and `init_fn(session)` is called. Raises ValueError without a train op.
    """
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None and (summary_op not in (USE_DEFAULT, None) or saver is not None):
        raise ValueError("Cannot provide summary_op or saver because logdir=None")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError("`number_of_steps` must be either None or a positive number.")
    target = graph or get_default_graph()
    with target.as_default():
        step = get_or_create_global_step() if global_step is None else global_step
        saver = saver or tf_train.Saver()
        init = global_variables_initializer() if init_op is USE_DEFAULT else init_op
        local = group(local_variables_initializer(), tables_initializer()) if local_init_op is USE_DEFAULT else (
            local_init_op)
        summaries = merge_all() if summary_op is USE_DEFAULT else summary_op
        if train_step_kwargs is USE_DEFAULT:
            train_step_kwargs = {"log_every": log_every_n_steps, "number_of_steps": number_of_steps}
    session = Session(graph=target, config=session_config)
    with target.as_default(), session:
        wrapped = session_wrapper(session) if session_wrapper else session
        keeper = _Keeper(wrapped, logdir, saver, summaries, step, save_interval_secs, save_summaries_secs,
                         summary_writer)
        keeper.start(init, init_feed_dict, init_fn)
        if local is not None:
            wrapped.run(local)
        coordinator, threads = _start_queues(wrapped)
        loss = None
        try:
            stop: Any = False
            while not stop and not (coordinator and coordinator.should_stop()):
                loss, stop = train_step_fn(wrapped, train_op, step, train_step_kwargs)
                keeper.after_step()
        except OutOfRangeError as error:
            logging.info("Caught OutOfRangeError. Stopping Training. %s", error)
        finally:
            if coordinator:
                coordinator.request_stop()
                coordinator.join(threads, stop_grace_period_secs=5, ignore_live_threads=True)
        keeper.finish()
    return loss


def _start_queues(session: Any) -> tuple[Any, Any]:
    if not get_collection(GraphKeys.QUEUE_RUNNERS):
        return None, []
    coordinator = tf_train.Coordinator()
    return coordinator, tf_train.start_queue_runners(sess=session, coord=coordinator)


class _Keeper:
    """Writes checkpoints and summaries from time to time."""

    def __init__(self, session: Any, logdir: str | None, saver: Any, summaries: Any, step: Any, save_secs: float,
                 summary_secs: float, writer: Any):
        self.session, self.logdir, self.saver, self.summaries, self.step = session, logdir, saver, summaries, step
        self.save_secs, self.summary_secs = save_secs, summary_secs
        self.saved = self.summarized = time.monotonic()
        self.writer = writer
        if writer is USE_DEFAULT:
            self.writer = FileWriter(logdir, session.graph) if logdir and summaries is not None else None

    def start(self, init: Any, feeds: Any, init_fn: Callable[[Any], Any] | None) -> None:
        latest = tf_train.latest_checkpoint(self.logdir) if self.logdir else None
        if latest:
            self.saver.restore(self.session, latest)
            return
        if init is not None:
            self.session.run(init, feeds)
        if init_fn is not None:
            init_fn(self.session)

    def after_step(self) -> None:
        now = time.monotonic()
        if self.logdir and now - self.saved >= self.save_secs:
            self.save()
        if self.writer and self.summaries is not None and now - self.summarized >= self.summary_secs:
            self.summarized = now
            text, step = self.session.run([self.summaries, self.step])
            self.writer.add_summary(text, step)

    def save(self) -> None:
        self.saved = time.monotonic()
        assert self.logdir is not None
        os.makedirs(self.logdir, exist_ok=True)
        self.saver.save(self.session, os.path.join(self.logdir, "model.ckpt"), global_step=self.step)

    def finish(self) -> None:
        if self.logdir:
            self.save()
        if self.writer:
            self.writer.close()
