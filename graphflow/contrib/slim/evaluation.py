"""`slim.evaluation`: metrics computed over batches, from a checkpoint."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import train as tf_train
from ...framework import GraphKeys, get_collection, group
from ...session import Session
from ...summary import FileWriter
from ...training.global_step import get_or_create_global_step
from ...variable_lists import local_variables_initializer, tables_initializer


def evaluate_once(master: str, checkpoint_path: str, logdir: str | None, num_evals: int = 1, initial_op: Any = None,
                  initial_op_feed_dict: Any = None, eval_op: Any = None, eval_op_feed_dict: Any = None,
                  final_op: Any = None, final_op_feed_dict: Any = None, summary_op: Any = None,
                  summary_op_feed_dict: Any = None, variables_to_restore: Sequence[Any] | None = None,
                  session_config: Any = None, hooks: Any = None) -> Any:
    """Run `eval_op` `num_evals` times with the variables of a checkpoint; the value of `final_op` after that."""
    saver = tf_train.Saver(variables_to_restore)
    start = initial_op if initial_op is not None else group(local_variables_initializer(), tables_initializer())
    step = get_or_create_global_step()
    with Session(config=session_config) as session:
        session.run(start, initial_op_feed_dict)
        session.run(step.initializer)
        saver.restore(session, checkpoint_path)
        coordinator = tf_train.Coordinator() if get_collection(GraphKeys.QUEUE_RUNNERS) else None
        threads = tf_train.start_queue_runners(sess=session, coord=coordinator) if coordinator else []
        try:
            for _ in range(num_evals if eval_op is not None else 0):
                session.run(eval_op, eval_op_feed_dict)
            if summary_op is not None and logdir:
                writer = FileWriter(logdir)
                writer.add_summary(session.run(summary_op, summary_op_feed_dict), session.run(step))
                writer.close()
            return None if final_op is None else session.run(final_op, final_op_feed_dict)
        finally:
            if coordinator:
                coordinator.request_stop()
                coordinator.join(threads, stop_grace_period_secs=5, ignore_live_threads=True)
