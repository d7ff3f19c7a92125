"""What `compile` was given, applied to a model's outputs: the total loss and the metrics, as graph."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import cast
from .. import losses as losses_module
from .. import metrics as metrics_module
from ..losses import rank_of
from ..metrics import Mean, MeanMetricWrapper, Metric
from ..naming import object_name
from ..variables import Variable


def per_output(value: Any, names: Sequence[str], what: str, aliases: Sequence[str] = ()) -> list[Any]:
    """An argument of `compile`, or targets, as a list with one entry for each output.

    `aliases` are other names of the outputs. Raises ValueError for a list of another length or a dict with a name that
    no output has.
    """
    if isinstance(value, Mapping):
        unknown = set(value) - set(names) - set(aliases)
        if unknown:
            raise ValueError(f"`{what}` names outputs {sorted(unknown)}, but the model's outputs are {list(names)}.")
        keys = zip(names, aliases or names, strict=True)
        return [value.get(name, value.get(alias)) for name, alias in keys]
    if len(names) == 1:
        return [value]
    if value is None:
        return [None] * len(names)
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        raise ValueError(f"`{what}` must have one entry for each of the {len(names)} outputs {list(names)}. "
                         f"Received: {what}={value}")
    return list(value)


def _kind_of_targets(y_true: Tensor, y_pred: Tensor) -> str:
    """Keras's rule for what "accuracy" and "crossentropy" mean."""
    if y_pred.shape[-1] == 1:
        return "binary"
    if rank_of(y_true) < rank_of(y_pred) or y_true.shape[-1] == 1:
        return "sparse_categorical"
    return "categorical"


class CompiledLoss:
    """The weighted sum of the losses of the outputs."""

    def __init__(self, losses: Any, weights: Any, names: Sequence[str], aliases: Sequence[str] = ()):
        several = not isinstance(losses, (list, tuple, Mapping)) and losses is not None and len(names) > 1
        given = [losses] * len(names) if several else per_output(losses, names, "loss", aliases)
        if len(names) == 1 and isinstance(given[0], (list, tuple)) and len(given[0]) == 1:
            given = [given[0][0]]
        self.names = list(names)
        self.weights = [1.0 if w is None else w if isinstance(w, (Tensor, Variable)) else float(w) for w in per_output(
            weights[0] if len(names) == 1 and isinstance(weights, (list, tuple)) and len(weights) == 1 else weights,
            names, "loss_weights", aliases)]
        self.given = given
        # names are resolved at once, so that a misspelt one is an error of `compile`
        self.objects = [None if g is None else g if _is_auto(g, ("crossentropy", "ce")) else self._wrap(g)
                        for g in given]

    @staticmethod
    def _wrap(identifier: Any) -> Any:
        found = losses_module.get(identifier)
        if isinstance(found, losses_module.Loss):
            return found
        name = identifier if isinstance(identifier, str) else object_name(found)
        return losses_module.LossFunctionWrapper(found, name=name)

    def __call__(self, y_true: Sequence[Tensor], y_pred: Sequence[Tensor],
                 sample_weight: Sequence[Any]) -> tuple[Tensor | None, list[Tensor | None]]:
        """(the total, the loss of each output before weighting)."""
        total: Tensor | None = None
        parts: list[Tensor | None] = []
        for i, (truth, prediction) in enumerate(zip(y_true, y_pred, strict=True)):
            loss = self.objects[i]
            if loss is None:
                parts.append(None)
                continue
            if truth is None:
                raise ValueError(f"The model was compiled with a loss for output {self.names[i]!r}, but no target was "
                                 "given for it.")
            if isinstance(loss, str):
                loss = self.objects[i] = self._wrap(f"{_kind_of_targets(truth, prediction)}_crossentropy")
            value = loss(truth, prediction, sample_weight[i])
            parts.append(value)
            weight = self.weights[i]
            weighted = value if isinstance(weight, float) and weight == 1 else value * weight
            total = weighted if total is None else total + weighted
        return total, parts


def _is_auto(identifier: Any, words: Sequence[str]) -> bool:
    return isinstance(identifier, str) and identifier.lower() in words


class CompiledMetrics:
    """The metrics of the outputs. They are made at the first use, when the targets' shapes are known."""

    def __init__(self, metrics: Any, weighted_metrics: Any, names: Sequence[str], aliases: Sequence[str] = ()):
        self.names, self.aliases = names, aliases
        self.given = [(self._listed(metrics, "metrics"), False),
                      (self._listed(weighted_metrics, "weighted_metrics"), True)]
        for listed, _ in self.given:
            for entries in listed:
                for entry in entries:
                    if not _is_auto(entry, ("accuracy", "acc", "crossentropy", "ce")):
                        metrics_module.get(entry)
        self.built: list[tuple[int, Metric, bool]] = []  # (output, metric, whether samples are weighted)
        self.names_in_order: list[str] = []

    def _listed(self, value: Any, what: str) -> list[list[Any]]:
        if value is not None and not isinstance(value, (list, tuple, Mapping)):
            raise ValueError(f"Expected `{what}` argument to be a list, tuple, or dict. Received instead: "
                             f"{what}={value} of type {type(value)}")
        if len(self.names) == 1 and isinstance(value, (list, tuple)):
            flat = [m for v in value for m in (v if isinstance(v, (list, tuple)) else [v])]
            return [flat]
        if isinstance(value, (list, tuple)) and value and not any(isinstance(v, (list, tuple)) for v in value) and (
                len(value) != len(self.names) or len(set(map(repr, value))) == 1):
            value = [value] * len(self.names)  # Keras 2: metrics for every output
        return [list(v) if isinstance(v, (list, tuple)) else [] if v is None else [v]
                for v in per_output(value, self.names, what, self.aliases)]

    def build(self, y_true: Sequence[Tensor], y_pred: Sequence[Tensor]) -> None:
        if self.built:
            return
        for listed, weighted in self.given:
            for i, entries in enumerate(listed):
                for entry in entries if y_true[i] is not None else ():
                    metric = self._make(entry, y_true[i], y_pred[i])
                    self.built.append((i, metric, weighted))
                    name = metric.name if len(self.names) == 1 else f"{self.names[i]}_{metric.name}"
                    self.names_in_order.append(_unique(name, self.names_in_order))

    @staticmethod
    def _make(entry: Any, y_true: Tensor, y_pred: Tensor) -> Metric:
        if _is_auto(entry, ("accuracy", "acc")):
            found = metrics_module.get(f"{_kind_of_targets(y_true, y_pred)}_accuracy")
        elif _is_auto(entry, ("crossentropy", "ce")):
            found = metrics_module.get(f"{_kind_of_targets(y_true, y_pred)}_crossentropy")
        else:
            found = metrics_module.get(entry)
        if isinstance(found, Metric):
            if isinstance(entry, str):
                found.name = entry
            return found
        return MeanMetricWrapper(found, entry if isinstance(entry, str) else object_name(found))

    def update(self, y_true: Sequence[Tensor], y_pred: Sequence[Tensor], sample_weight: Sequence[Any]) -> None:
        self.build(y_true, y_pred)
        for i, metric, weighted in self.built:
            weight = sample_weight[i] if weighted else None
            metric.update_state(y_true[i], y_pred[i], sample_weight=weight)

    @property
    def metrics(self) -> list[Metric]:
        return [metric for _, metric, _ in self.built]

    def results(self) -> dict[str, Tensor]:
        return {key: metric.result() for key, metric in zip(self.names_in_order, self.metrics, strict=True)}


def _unique(name: str, taken: Sequence[str]) -> str:
    candidates = (name if not i else f"{name}_{i}" for i in range(len(taken) + 1))
    return next(c for c in candidates if c not in taken)


def track(tracker: Mean, value: Tensor, count: Tensor) -> None:
    """Add a batch's mean to a running one, by the number of its samples."""
    tracker.update_state(value, sample_weight=cast(count, value.dtype))
