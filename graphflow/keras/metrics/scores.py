"""F scores, the coefficient of determination, and intersections over unions."""
from __future__ import annotations

from typing import Any

import numpy as np

from ...compiler.dtypes import int32
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import gather, one_hot
from ...compiler.ops.matrix_parts import diag_part
from ...compiler.ops.reduction import argmax, reduce_max, reduce_mean, reduce_sum, size_of
from ...compiler.ops.view import broadcast_to, expand_dims, ones_like, reshape, zeros_of
from ..losses.loss import rank_of
from .metric import Metric, divide_no_nan


class FBetaScore(Metric):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), by class or averaged ("micro", "macro",
    "weighted"). Without `threshold` the largest score of a row is the predicted class.
    """

    def __init__(self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
                 name: str | None = "fbeta_score", dtype: Any = None):
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError("Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', 'weighted'}. "
                             f"Received: average={average}")
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"Invalid `beta` argument value. It should be a Python float > 0. Received: beta={beta}")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError("Invalid `threshold` argument value. It should verify 0 < threshold <= 1. Received: "
                             f"threshold={threshold}")
        self.average, self.beta, self.threshold = average, beta, threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        truth, prediction = cast(y_true, self.dtype), cast(y_pred, self.dtype)
        if rank_of(prediction) != 2 or rank_of(truth) != 2:
            raise ValueError(f"FBetaScore expects 2D inputs with shape (batch_size, output_dim). Received input "
                             f"shapes: y_pred.shape={prediction.shape} and y_true.shape={truth.shape}.")
        if not self._variables:
            shape = () if self.average == "micro" else (int(prediction.shape[-1]),)
            for count in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
                setattr(self, count, self.add_variable(shape, name=count))
        if self.threshold is None:
            best = reduce_max(prediction, -1, keepdims=True)
            chosen = ew.logical_and(prediction >= best, ew.abs_(prediction) > 1e-9)
        else:
            chosen = prediction > self.threshold
        predicted = cast(chosen, self.dtype)
        weight = None if sample_weight is None else expand_dims(cast(sample_weight, self.dtype), 1)
        for count, hits in (("true_positives", predicted * truth), ("false_positives", predicted * (1 - truth)),
                            ("false_negatives", (1 - predicted) * truth), ("intermediate_weights", truth)):
            total = hits if weight is None else hits * weight
            getattr(self, count).assign_add(reduce_sum(total, None if self.average == "micro" else 0))

    def result(self) -> Tensor:
        tp, fp, fn, weights = (v.value() for v in self._variables)
        precision, recall = divide_no_nan(tp, tp + fp), divide_no_nan(tp, tp + fn)
        square = self.beta * self.beta
        scores = divide_no_nan(precision * recall, precision * square + recall) * (1 + square)
        if self.average == "weighted":
            return reduce_sum(scores * divide_no_nan(weights, reduce_sum(weights)))
        return scores if self.average is None else reduce_mean(scores)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """The F score with beta 1."""

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score",
                 dtype: Any = None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config


class R2Score(Metric):
    """1 - squared error / variance, by output or averaged; adjusted for `num_regressors`."""

    def __init__(self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0,
                 name: str | None = "r2_score", dtype: Any = None):
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError("Invalid value for argument `class_aggregation`. Expected one of (None, "
                             "'uniform_average', 'variance_weighted_average'). Received: "
                             f"class_aggregation={class_aggregation}")
        if num_regressors < 0:
            raise ValueError("Invalid value for argument `num_regressors`. Expected a value >= 0. Received: "
                             f"num_regressors={num_regressors}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), dtype="int32", name="num_samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        truth, prediction = cast(y_true, self.dtype), cast(y_pred, self.dtype)
        if rank_of(truth) != 2 or rank_of(prediction) != 2:
            raise ValueError("R2Score expects 2D inputs with shape (batch_size, output_dim). Received input shapes: "
                             f"y_pred.shape={prediction.shape} and y_true.shape={truth.shape}.")
        if len(self._variables) == 1:
            for name in ("squared_sum", "sum", "residual", "count"):
                setattr(self, name, self.add_variable((int(prediction.shape[1]),), name=name))
        weight = ones_like(truth[:, :1]) if sample_weight is None else cast(sample_weight, self.dtype)
        weight = expand_dims(weight, 1) if rank_of(weight) == 1 else weight
        weighted = truth * weight
        self.sum.assign_add(reduce_sum(weighted, 0))  # type: ignore[attr-defined]
        self.squared_sum.assign_add(reduce_sum(truth * weighted, 0))  # type: ignore[attr-defined]
        self.residual.assign_add(reduce_sum(ew.square(truth - prediction) * weight, 0))  # type: ignore[attr-defined]
        self.count.assign_add(reduce_sum(broadcast_to(weight, truth.dims), 0))  # type: ignore[attr-defined]
        self.num_samples.assign_add(size_of(truth))  # of all outputs, as Keras counts

    def result(self) -> Tensor:
        mean = self.sum / self.count.value()  # type: ignore[attr-defined]
        total = self.squared_sum - self.sum * mean  # type: ignore[attr-defined]
        raw = 1 - self.residual / total  # type: ignore[attr-defined]
        raw = ew.where(ew.is_inf(raw), zeros_of(raw), raw)
        if self.class_aggregation == "uniform_average":
            raw = reduce_mean(raw)
        elif self.class_aggregation == "variance_weighted_average":
            raw = reduce_sum(total * raw) / reduce_sum(total)
        if not self.num_regressors:
            return raw
        n = cast(self.num_samples.value(), self.dtype)
        left = n - self.num_regressors - 1  # without degrees of freedom left the plain score stands
        safe = ew.where(left > 0.0, left, zeros_of(left) + 1)
        return ew.where(left > 0.0, 1 - (1 - raw) * (n - 1) / safe, raw)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_aggregation": self.class_aggregation,
                "num_regressors": self.num_regressors}


class IoU(Metric):
    """For each of `target_class_ids` the overlap of predicted and true elements over their union; their mean.

    Elements are counted in int64 unless another `dtype` is given, so that weights are cut to integers.
    """

    def __init__(self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
                 axis: int = -1):
        super().__init__(dtype or "int64", name)
        if any(i >= num_classes for i in target_class_ids):
            raise ValueError(f"Target class id {max(target_class_ids)} is out of range, which is [0, {num_classes}).")
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        truth, prediction = convert_to_tensor(y_true), convert_to_tensor(y_pred)
        truth = truth if self.sparse_y_true else argmax(truth, self.axis)
        prediction = prediction if self.sparse_y_pred else argmax(prediction, self.axis)
        truth, prediction = (cast(reshape(t, (-1,)), int32) for t in (truth, prediction))
        weight = ones_like(truth, "float32") if sample_weight is None else reshape(
            cast(cast(sample_weight, self.dtype), "float32"), (-1,))
        if self.ignore_class is not None:
            kept = ew.not_equal(truth, self.ignore_class)
            truth, prediction, weight = (ew.where(kept, t, zeros_of(t)) for t in (truth, prediction, weight))
        hot = [one_hot(t, self.num_classes, dtype="float32") for t in (truth, prediction)]
        counts = matmul(hot[0], hot[1] * expand_dims(weight, 1), transpose_a=True)
        self.total_cm.assign_add(cast(counts, self.dtype))

    def result(self) -> Tensor:
        matrix = cast(self.total_cm.value(), "float32")
        both = diag_part(matrix)
        union = reduce_sum(matrix, 0) + reduce_sum(matrix, 1) - both
        ids = convert_to_tensor(np.array(self.target_class_ids, np.int32))
        both, union = gather(both, ids), gather(union, ids)
        counted = reduce_sum(cast(union > 1e-9, union.dtype))
        return divide_no_nan(reduce_sum(divide_no_nan(both, union)), counted)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes, "target_class_ids": self.target_class_ids,
                "ignore_class": self.ignore_class, "sparse_y_true": self.sparse_y_true,
                "sparse_y_pred": self.sparse_y_pred, "axis": self.axis}


class MeanIoU(IoU):
    """The mean over all classes of their `IoU`."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred,
                         axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["target_class_ids"]
        return config


class BinaryIoU(IoU):
    """For classes 0 and 1, scores of at least `threshold` being 1."""

    def __init__(self, target_class_ids: Any = (0, 1), threshold: float = 0.5, name: str | None = None,
                 dtype: Any = None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        prediction = cast(convert_to_tensor(y_pred) >= self.threshold, self.dtype)
        super().update_state(y_true, prediction, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), "target_class_ids": self.target_class_ids, "threshold": self.threshold}


class OneHotIoU(IoU):
    """`IoU` of one-hot labels, and of predictions that are scores (or classes with `sparse_y_pred`) along `axis`."""

    def __init__(self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels, and of predictions that are scores (or classes with `sparse_y_pred`)."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_pred: bool = False, axis: int = -1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config
