"""What a model function returns, and the modes it is called in."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import convert_to_tensor


class ModeKeys:
    """The modes of a model function."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


class _Fields(NamedTuple):
    mode: str
    predictions: Any
    loss: Tensor | None
    train_op: Operation | None
    eval_metric_ops: dict[str, Any]
    export_outputs: Any
    training_chief_hooks: tuple[Any, ...]
    training_hooks: tuple[Any, ...]
    scaffold: Any
    evaluation_hooks: tuple[Any, ...]
    prediction_hooks: tuple[Any, ...]


class EstimatorSpec(_Fields):
    """The tensors and operations of a model in one mode.

    Training needs `loss` (scalar) and `train_op`, evaluation `loss`, prediction `predictions` (a tensor or a dict).
    `eval_metric_ops` maps names to pairs (value, update op). Raises ValueError for what is missing, TypeError for what
    is of another kind.
    """

    def __new__(cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None,
                eval_metric_ops: Mapping[str, Any] | None = None, export_outputs: Any = None,
                training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None,
                evaluation_hooks: Any = None, prediction_hooks: Any = None) -> EstimatorSpec:
        if mode not in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
            raise ValueError(f"Mode not recognized: {mode!r}")
        if mode == ModeKeys.TRAIN and train_op is None:
            raise ValueError("Missing train_op.")
        if mode != ModeKeys.PREDICT:
            if loss is None:
                raise ValueError("Missing loss.")
            loss = convert_to_tensor(loss)
            if not loss.shape.is_compatible_with(()) and loss.shape.num_elements() != 1:
                raise ValueError(f"Loss must be scalar, given: {loss!r}")
        elif predictions is None:
            raise ValueError("Missing predictions.")
        metrics = dict(eval_metric_ops or {})
        for name, value in metrics.items():
            if not isinstance(value, tuple) or len(value) != 2:
                raise TypeError(f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {value} "
                                f"for key: {name}")
        hooks = [tuple(h or ()) for h in (training_chief_hooks, training_hooks, evaluation_hooks, prediction_hooks)]
        return super().__new__(cls, mode, predictions, loss, train_op, metrics, export_outputs, hooks[0], hooks[1],
                               scaffold, hooks[2], hooks[3])
