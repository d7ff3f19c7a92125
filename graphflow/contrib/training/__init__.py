# ruff: noqa: F401 (this module is the list of names)
"""`tf.contrib.training`: hyperparameters, train operations, loops of training and evaluation."""
from __future__ import annotations

from .bucketing import bucket, bucket_by_sequence_length
from .evaluation import (
    StopAfterNEvalsHook,
    SummaryAtEndHook,
    checkpoints_iterator,
    evaluate_once,
    evaluate_repeatedly,
    get_or_create_eval_step,
    train,
    wait_for_new_checkpoint,
)
from .hparam import HParams, parse_values
from .training import (
    add_gradients_summaries,
    clip_gradient_norms,
    clip_gradient_norms_fn,
    create_train_op,
    multiply_gradients,
)
