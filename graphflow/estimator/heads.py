"""Heads of ready-made estimators: loss, predictions and metrics of a network's logits."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import losses, metrics
from ..array_ops import gather
from ..check_ops import assert_less, assert_non_negative
from ..compiler.dtypes import float32, int64, string
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, maximum, sigmoid
from ..compiler.ops.reduction import argmax
from ..compiler.ops.slicing import concat
from ..compiler.ops.view import expand_dims, identity, zeros_like
from ..contrib.lookup import index_table_from_tensor
from ..framework import control_dependencies
from ..nn import (
    sigmoid_cross_entropy_with_logits,
    softmax,
    sparse_softmax_cross_entropy_with_logits,
)
from ..strings import as_string
from .specification import EstimatorSpec, ModeKeys


def _column(x: Any) -> Tensor:
    """[batch] as [batch, 1]."""
    tensor = convert_to_tensor(x)
    return expand_dims(tensor, -1) if len(tensor.shape) == 1 else tensor


class Head:
    """What logits mean. `size` is how many there are for each example."""

    size: int

    def __init__(self, weight_column: Any = None, loss_reduction: str = losses.Reduction.SUM):
        self.weight_column, self.reduction = weight_column, loss_reduction

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} does not say what it predicts")

    def example_loss(self, labels: Tensor, logits: Tensor) -> Tensor:
        """[batch, 1]."""
        raise NotImplementedError(f"{type(self).__name__} has no loss")

    def measured(self, labels: Tensor, predictions: dict[str, Tensor], weights: Any) -> dict[str, Any]:
        """The metrics beside the average loss."""
        raise NotImplementedError(f"{type(self).__name__} has no metrics")

    def labels(self, labels: Any) -> Tensor:
        """The labels as the loss takes them."""
        return _column(labels)

    def spec(self, features: Any, mode: str, logits: Tensor, labels: Any, train_op: Callable[[Tensor], Any]
             ) -> EstimatorSpec:
        """The EstimatorSpec of a mode; `train_op(loss)` makes the training operation. Raises ValueError for missing
        labels."""
        found = self.predictions(logits)
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, found)
        if labels is None:
            raise ValueError("You must provide a labels Tensor. Given: None.")
        truth = self.labels(labels)
        key = self.weight_column
        weights = 1.0 if key is None else cast(_column(features[getattr(key, "key", key)]), float32)
        each = self.example_loss(truth, logits)
        loss = losses.compute_weighted_loss(each, weights, reduction=self.reduction)
        if mode == ModeKeys.TRAIN:
            return EstimatorSpec(mode, found, loss, train_op(loss))
        given = None if key is None else weights
        return EstimatorSpec(mode, found, loss, eval_metric_ops={
            "average_loss": metrics.mean(each, given), **self.measured(truth, found, given)})


class RegressionHead(Head):
    """Mean squared error of `label_dimension` numbers."""

    def __init__(self, label_dimension: int = 1, **options: Any):
        super().__init__(**options)
        self.size = label_dimension

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        return {"predictions": identity(logits)}

    def example_loss(self, labels: Tensor, logits: Tensor) -> Tensor:
        return losses.mean_squared_error(cast(labels, float32), logits, reduction=losses.Reduction.NONE)

    def measured(self, labels: Tensor, predictions: dict[str, Tensor], weights: Any) -> dict[str, Any]:
        return {"label/mean": metrics.mean(labels, weights),
                "prediction/mean": metrics.mean(predictions["predictions"], weights)}


class _Classes(Head):
    """Labels are ids, or words of a vocabulary."""

    def __init__(self, n_classes: int, label_vocabulary: Any = None, **options: Any):
        super().__init__(**options)
        self.classes, self.vocabulary = n_classes, None if label_vocabulary is None else list(label_vocabulary)

    def labels(self, labels: Any) -> Tensor:
        given = _column(labels)
        if self.vocabulary is not None:
            if not given.dtype.is_string:
                raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {given.dtype}.")
            return index_table_from_tensor(convert_to_tensor(self.vocabulary)).lookup(given)
        if given.dtype == string:
            raise ValueError("Labels dtype should be integer. Instead got string.")
        ids = cast(given, int64)
        with control_dependencies([assert_less(ids, int64_of(self.classes), message="Labels must be < n_classes"),
                                   assert_non_negative(ids, message="Labels must be >= 0")]):
            return identity(ids)

    def words(self, ids: Tensor) -> Tensor:
        """The classes as strings."""
        if self.vocabulary is None:
            return as_string(ids)
        return gather(convert_to_tensor(self.vocabulary), ids)


def int64_of(value: int) -> Tensor:
    return convert_to_tensor(value, int64)


class BinaryHead(_Classes):
    """Sigmoid cross entropy of one logit."""

    size = 1

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        logistic = sigmoid(logits)
        both = concat([zeros_like(logits), logits], -1)
        ids = expand_dims(argmax(both, -1), -1)
        return {"logits": logits, "logistic": logistic, "probabilities": softmax(both), "class_ids": ids,
                "classes": self.words(ids)}

    def example_loss(self, labels: Tensor, logits: Tensor) -> Tensor:
        return sigmoid_cross_entropy_with_logits(labels=cast(labels, float32), logits=logits)

    def measured(self, labels: Tensor, predictions: dict[str, Tensor], weights: Any) -> dict[str, Any]:
        ids, logistic = predictions["class_ids"], predictions["logistic"]
        label_mean = metrics.mean(labels, weights)
        return {
            "accuracy": metrics.accuracy(labels, ids, weights), "precision": metrics.precision(labels, ids, weights),
            "recall": metrics.recall(labels, ids, weights), "prediction/mean": metrics.mean(logistic, weights),
            "label/mean": label_mean,
            "accuracy_baseline": tuple(_larger_share(m) for m in label_mean),
            "auc": metrics.auc(labels, logistic, weights),
            "auc_precision_recall": metrics.auc(labels, logistic, weights, curve="PR",
                                                summation_method="careful_interpolation")}


def _larger_share(mean: Tensor) -> Tensor:
    """The accuracy of always saying the more frequent class."""
    return maximum(mean, 1 - mean)


class MultiClassHead(_Classes):
    """Softmax cross entropy."""

    def __init__(self, n_classes: int, label_vocabulary: Any = None, **options: Any):
        super().__init__(n_classes, label_vocabulary, **options)
        self.size = n_classes

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        ids = expand_dims(argmax(logits, -1), -1)
        return {"logits": logits, "probabilities": softmax(logits), "class_ids": ids, "classes": self.words(ids)}

    def example_loss(self, labels: Tensor, logits: Tensor) -> Tensor:
        return expand_dims(sparse_softmax_cross_entropy_with_logits(labels=labels[:, 0], logits=logits), -1)

    def measured(self, labels: Tensor, predictions: dict[str, Tensor], weights: Any) -> dict[str, Any]:
        return {"accuracy": metrics.accuracy(labels, predictions["class_ids"], weights)}


def class_head(n_classes: int, **options: Any) -> Head:
    """The head for a number of classes. Raises ValueError for less than two."""
    if n_classes < 2:
        raise ValueError(f"n_classes must be > 1 for classification: {n_classes}.")
    return (BinaryHead if n_classes == 2 else MultiClassHead)(n_classes, **options)

