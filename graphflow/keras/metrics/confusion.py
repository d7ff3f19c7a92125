"""Metrics from counts of true and false positives and negatives at thresholds."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.dtypes import int32
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import one_hot
from ...compiler.ops.reduction import reduce_max, reduce_sum
from ...compiler.ops.sorting import top_k
from ...compiler.ops.view import broadcast_to, expand_dims, reshape, squeeze, zeros_of
from ..losses.loss import rank_of, same_rank
from ..nest import as_list
from .metric import Metric, divide_no_nan

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class Confusion(Metric):
    """Base class: keeps those of the four counts that `counted` names, one for each threshold."""

    counted: tuple[str, ...] = COUNTS

    def __init__(self, thresholds: Sequence[float], name: str | None, dtype: Any, top_k: int | None = None,
                 class_id: int | None = None):
        super().__init__(dtype, name)
        bad = [t for t in thresholds if t is None or t != float("-inf") and not 0 <= t <= 1]
        if bad and not isinstance(self, _FreeThresholds):
            raise ValueError(f"Threshold values must be in [0, 1]. Received: {bad}")
        self._levels = np.array(thresholds, np.float64)
        self.top_k, self.class_id = top_k, class_id
        self._make_counts((len(thresholds),))

    def _make_counts(self, shape: tuple[int, ...]) -> None:
        for count in self.counted:
            name = "accumulator" if len(self.counted) == 1 else count
            setattr(self, count, self.add_variable(shape, name=name))

    @property
    def thresholds(self) -> list[float]:
        """The scores from which on a sample counts as positive."""
        return self._levels.tolist()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        prediction = cast(y_pred, self.dtype)
        truth, prediction = same_rank(cast(y_true, self.dtype), prediction)
        if self.top_k is not None:
            prediction = _best_only(prediction, self.top_k)
        if self.class_id is not None:
            truth, prediction = truth[..., self.class_id], prediction[..., self.class_id]
        weight = None if sample_weight is None else _weights_like(cast(sample_weight, self.dtype), prediction)
        flat = [None if t is None else expand_dims(reshape(t, (-1,)), 0) for t in (truth, prediction, weight)]
        self._count(flat, convert_to_tensor(self._levels[:, None].astype(prediction.dtype.np)))

    def _count(self, parts: Sequence[Any], levels: Tensor) -> None:
        """Add up over the samples; `levels` are the thresholds as a column."""
        truth, prediction, weight = parts
        actual, predicted = cast(truth > 0.5, self.dtype), cast(prediction > levels, self.dtype)
        products = {"true_positives": lambda: actual * predicted, "true_negatives": lambda: (1 - actual) * (
            1 - predicted), "false_positives": lambda: (1 - actual) * predicted,
            "false_negatives": lambda: actual * (1 - predicted)}
        for count in self.counted:
            hits = products[count]()
            getattr(self, count).assign_add(reduce_sum(hits if weight is None else hits * weight, 1))

    def reset_states(self) -> None:
        self.reset_state()


class _FreeThresholds:
    """Thresholds just outside [0, 1] are meant."""


def _best_only(prediction: Tensor, k: int) -> Tensor:
    """Scores but for the k largest of a row at minus infinity."""
    _, indices = top_k(prediction, k)
    hot = reduce_max(one_hot(indices, prediction.shape[-1], dtype=int32), -2)
    return ew.where(hot > 0, prediction, zeros_of(prediction) - float("inf"))


def _weights_like(weight: Tensor, like: Tensor) -> Tensor:
    _, weight = same_rank(like, weight)
    while rank_of(weight) < rank_of(like):
        weight = expand_dims(weight, -1)
    return broadcast_to(weight, like.dims)


class _OneCount(Confusion):
    """One of the counts itself."""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        self.init_thresholds = thresholds
        super().__init__(as_list(0.5 if thresholds is None else thresholds), name, dtype)

    def result(self) -> Tensor:
        count = getattr(self, self.counted[0]).value()
        return count if len(self._levels) > 1 else squeeze(count, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_OneCount):
    """The number of true positives."""

    counted = ("true_positives",)


class TrueNegatives(_OneCount):
    """The number of true negatives."""

    counted = ("true_negatives",)


class FalsePositives(_OneCount):
    """The number of false positives."""

    counted = ("false_positives",)


class FalseNegatives(_OneCount):
    """The number of false negatives."""

    counted = ("false_negatives",)


class _Ratio(Confusion):
    """The share of true positives among something."""

    def __init__(self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        self.init_thresholds = thresholds
        levels = as_list((0.5 if top_k is None else float("-inf")) if thresholds is None else thresholds)
        super().__init__(levels, name, dtype, top_k, class_id)

    def result(self) -> Tensor:
        hits, others = (getattr(self, c).value() for c in self.counted)
        share = divide_no_nan(hits, hits + others)
        return share if len(self._levels) > 1 else squeeze(share, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds, "top_k": self.top_k,
                "class_id": self.class_id}


class Precision(_Ratio):
    """The share of the predicted positives that are."""

    counted = ("true_positives", "false_positives")


class Recall(_Ratio):
    """The share of the positives that are predicted."""

    counted = ("true_positives", "false_negatives")


class _Tradeoff(Confusion):
    """The best of one share where another is at least `value`."""

    limited: str
    wanted: str
    argument: str

    def __init__(self, value: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
                 dtype: Any = None):
        if not 0 <= value <= 1 or num_thresholds <= 0:
            raise ValueError(f"Argument `{self.argument}` must be in the range [0, 1] and `num_thresholds` > 0. "
                             f"Received: {self.argument}={value}, num_thresholds={num_thresholds}")
        self.value, self.num_thresholds = value, num_thresholds
        setattr(self, self.argument, value)
        inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        super().__init__([0.5] if num_thresholds == 1 else [0.0, *inner, 1.0], name, dtype, None, class_id)

    def _share(self, what: str) -> Tensor:
        tp, fp, tn, fn = (getattr(self, c).value() for c in COUNTS)
        hits, others = {"recall": (tp, fn), "precision": (tp, fp), "specificity": (tn, fp)}[what]
        return divide_no_nan(hits, hits + others)

    def result(self) -> Tensor:
        wanted = self._share(self.wanted)
        feasible = self._share(self.limited) >= self.value
        return ew.maximum(reduce_max(ew.where(feasible, wanted, zeros_of(wanted))), 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), self.argument: self.value, "num_thresholds": self.num_thresholds,
                "class_id": self.class_id}


class SensitivityAtSpecificity(_Tradeoff):
    """The best sensitivity where the specificity is at least the given one."""

    limited, wanted, argument = "specificity", "recall", "specificity"

    def __init__(self, specificity: float, *args: Any, **kwargs: Any):
        super().__init__(specificity, *args, **kwargs)


class SpecificityAtSensitivity(_Tradeoff):
    """The best specificity where the sensitivity is at least the given one."""

    limited, wanted, argument = "recall", "specificity", "sensitivity"

    def __init__(self, sensitivity: float, *args: Any, **kwargs: Any):
        super().__init__(sensitivity, *args, **kwargs)


class PrecisionAtRecall(_Tradeoff):
    """The best precision where the recall is at least the given one."""

    limited, wanted, argument = "recall", "precision", "recall"

    def __init__(self, recall: float, *args: Any, **kwargs: Any):
        super().__init__(recall, *args, **kwargs)


class RecallAtPrecision(_Tradeoff):
    """The best recall where the precision is at least the given one."""

    limited, wanted, argument = "precision", "recall", "precision"

    def __init__(self, precision: float, *args: Any, **kwargs: Any):
        super().__init__(precision, *args, **kwargs)


class AUC(Confusion, _FreeThresholds):
    """The area under the ROC or precision-recall curve, from `num_thresholds` points of it.

    `summation_method`: "interpolation" (for PR by Davis & Goadrich 2006), "minoring" or "majoring". `multi_label`: an
    area for each label, averaged with `label_weights`.
    """

    def __init__(self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
                 name: str | None = None, dtype: Any = None, thresholds: Any = None, multi_label: bool = False,
                 num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False):
        if str(curve).upper() not in ("ROC", "PR", "PRGAIN"):
            raise ValueError(f'Invalid `curve` argument value "{curve}". Expected one of: "ROC", "PR", "PRGAIN"')
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(f'Invalid `summation_method` argument value "{summation_method}". Expected one of: '
                             '"interpolation", "minoring", "majoring"')
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"Argument `num_thresholds` must be an integer > 1. Received: "
                             f"num_thresholds={num_thresholds}")
        self.curve, self.summation_method = str(curve).upper(), summation_method
        self._given = thresholds is not None
        inner = sorted(thresholds) if thresholds is not None else [
            (i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self.num_thresholds = len(inner) + 2
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self.from_logits = label_weights, from_logits
        super().__init__([-1e-7, *inner, 1 + 1e-7], name, dtype)

    def _make_counts(self, shape: tuple[int, ...]) -> None:
        if not self.multi_label:
            super()._make_counts(shape)
        elif self.num_labels:
            super()._make_counts((*shape, self.num_labels))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        prediction = cast(y_pred, self.dtype)
        if self.from_logits:
            prediction = ew.sigmoid(prediction)
        if not self.multi_label:
            super().update_state(y_true, prediction, sample_weight)
            return
        if not self._variables:
            super()._make_counts((len(self._levels), int(prediction.shape[-1])))
        weight = None if sample_weight is None else _weights_like(cast(sample_weight, self.dtype), prediction)
        parts = [None if t is None else expand_dims(t, 0) for t in (cast(y_true, self.dtype), prediction, weight)]
        self._count(parts, convert_to_tensor(self._levels[:, None, None].astype(prediction.dtype.np)))

    def result(self) -> Tensor:
        tp, fp, tn, fn = (getattr(self, c).value() for c in COUNTS)
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated(tp, fp, fn)
        else:
            x, y = self._points(tp, fp, tn, fn)
            high, low = y[:-1], y[1:]
            heights = {"interpolation": lambda: (high + low) / 2.0, "minoring": lambda: ew.minimum(high, low),
                       "majoring": lambda: ew.maximum(high, low)}[self.summation_method]()
            areas = (x[:-1] - x[1:]) * heights
        if not self.multi_label:
            return reduce_sum(areas)
        by_label = reduce_sum(areas, 0)
        weights = np.ones(int(by_label.shape[0])) if self.label_weights is None else np.asarray(self.label_weights)
        weighting = convert_to_tensor(weights.astype(by_label.dtype.np))
        return divide_no_nan(reduce_sum(by_label * weighting), reduce_sum(weighting))

    def _points(self, tp: Tensor, fp: Tensor, tn: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        """The curve's points: (x, y) at each threshold. Gains are those of Flach & Kull (2015)."""
        recall = divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, divide_no_nan(tp, tp + fp)
        share, none = divide_no_nan(tp + fn, tn + fp), ew.equal(tp, 0.0)
        recall_gain, precision_gain = (1.0 - share * divide_no_nan(wrong, tp) for wrong in (fn, fp))
        return (ew.maximum(ew.where(none, zeros_of(tp), recall_gain), 0.0),
                ew.where(none, zeros_of(tp) + 1.0, precision_gain))

    @staticmethod
    def _interpolated(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
        gained, p = tp[:-1] - tp[1:], tp + fp
        slope = divide_no_nan(gained, ew.maximum(p[:-1] - p[1:], 0.0))
        start = tp[1:] - slope * p[1:]
        both = ew.logical_and(p[:-1] > 0.0, p[1:] > 0.0)
        ratio = ew.where(both, divide_no_nan(p[:-1], ew.maximum(p[1:], 0.0)), zeros_of(p) + 1)
        return divide_no_nan(slope * (gained + start * ew.log(ratio)), ew.maximum(tp[1:] + fn[1:], 0.0))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve,
                  "summation_method": self.summation_method, "multi_label": self.multi_label,
                  "num_labels": self.num_labels, "label_weights": self.label_weights, "from_logits": self.from_logits}
        return {**config, "thresholds": self.thresholds[1:-1]} if self._given else config
