"""What `compile` was given, applied to a model's outputs: the total loss and the metrics, as graph."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import cast
from .. import losses as losses_module
from .. import metrics as metrics_module
from ..losses import rank_of
from ..metrics import Mean, MeanMetricWrapper, Metric
from ..naming import object_name, ops_named
from ..nest import flatten
from ..saving.registration import present_scope
from ..variables import Variable

Arrange = Callable[[Any], list[Any]]  # from a nest of targets or weights to one for each output


class Outputs(NamedTuple):
    """A model's outputs: their nest, and for each its name (None in a subclassed model) and other name."""

    structure: Any
    names: Sequence[str | None]
    aliases: Sequence[str | None]

    def arranged(self, value: Any, what: str) -> list[Any]:
        """An argument of `compile`, or targets, as a list with one entry for each output.

        Raises ValueError for a list of another length or a dict with a name that no output has.
        """
        count = len(self.names)
        if isinstance(value, Mapping) and not set(value) - {*self.names, *self.aliases}:
            keys = zip(self.names, self.aliases, strict=True)
            return [value.get(name, value.get(alias)) for name, alias in keys]
        found: list[Any] = []
        if self.structure is not None and _up_to(self.structure, value, found):
            return found
        if isinstance(value, Mapping):
            unknown = sorted(set(value) - {*self.names, *self.aliases})
            raise ValueError(f"`{what}` names outputs {unknown}, but the model's outputs are {list(self.names)}.")
        if count == 1 and (what != "loss" or not isinstance(value, list)):
            return [value]
        if value is None:
            return [None] * count
        if isinstance(value, (list, tuple)):
            if len(value) == count:
                return list(value)
            if len(leaves := flatten(value)) == count:
                return leaves
        raise ValueError(f"`{what}` must have one entry for each of the {count} outputs {list(self.names)}. "
                         f"Received: {what}={value}")

    def paths(self) -> list[tuple[Any, ...]]:
        """Where each output stands in the nest."""
        return [()] if self.structure is None else list(_paths(self.structure))


def _up_to(structure: Any, value: Any, found: list[Any]) -> bool:
    """Whether `value` is a nest like `structure`, or deeper; what stands at its leaves is added to `found`."""
    if isinstance(structure, Mapping):
        return isinstance(value, Mapping) and not set(value) - set(structure) and all(
            _up_to(structure[k], value.get(k), found) for k in sorted(structure))
    if isinstance(structure, (list, tuple)):
        return isinstance(value, (list, tuple)) and len(value) == len(structure) and all(
            _up_to(s, v, found) for s, v in zip(structure, value, strict=True))
    found.append(value)
    return True


def _paths(structure: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from _paths(structure[key], (*prefix, key))
    elif isinstance(structure, (list, tuple)):
        for i, part in enumerate(structure):
            yield from _paths(part, (*prefix, i))
    else:
        yield prefix


def _kind_of_targets(y_true: Tensor, y_pred: Tensor) -> str:
    """Keras's rule for what "accuracy" and "crossentropy" mean."""
    if y_pred.shape[-1] == 1:
        return "binary"
    if rank_of(y_true) < rank_of(y_pred) or y_true.shape[-1] == 1:
        return "sparse_categorical"
    return "categorical"


class CompiledLoss:
    """The weighted sum of the losses of the outputs. `trackers` are the running means of each, where there are
    several (None for an output without a loss)."""

    def __init__(self, losses: Any, weights: Any, outputs: Outputs):
        self.outputs = outputs
        count = len(outputs.names)
        several = losses is not None and not isinstance(losses, (list, tuple, Mapping))
        given = [losses] * count if several else outputs.arranged(losses, "loss")
        if count == 1:
            given, weights = [_alone(given[0])], _alone(weights)
        self.weights = [1.0 if w is None else w if isinstance(w, (Tensor, Variable)) else float(w)
                        for w in outputs.arranged(weights, "loss_weights")]
        # names are resolved at once, so that a misspelt one is an error of `compile`
        self.objects = [None if g is None else g if _is_auto(g, ("crossentropy", "ce")) else self._wrap(g)
                        for g in given]
        used = [o for o in self.objects if o is not None]
        self.trackers = [Mean(f"{self._name(i)}_loss") if o is not None and len(used) > 1 else None
                         for i, o in enumerate(self.objects)]

    def _name(self, index: int) -> str:
        loss: Any = self.objects[index]
        path = self.outputs.paths()[index]
        own = self.outputs.names[index] or (loss if isinstance(loss, str) else loss.name)
        if not path or isinstance(path[-1], int):
            path = (*path[:-1], own)
        return "/".join(map(str, path))

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
                raise ValueError(f"The model was compiled with a loss for output {self.outputs.names[i] or i!r}, but "
                                 "no target was given for it.")
            if isinstance(loss, str):
                loss = self.objects[i] = self._wrap(f"{_kind_of_targets(truth, prediction)}_crossentropy")
            value = loss(truth, prediction, sample_weight[i])
            parts.append(value)
            weight = self.weights[i]
            weighted = value if isinstance(weight, float) and weight == 1 else value * weight
            total = weighted if total is None else total + weighted
        return total, parts


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _is_auto(identifier: Any, words: Sequence[str]) -> bool:
    return isinstance(identifier, str) and identifier.lower() in words


class CompiledMetrics(Metric):
    """The metrics of the outputs, as one. They are made at the first update, when the targets' shapes are known."""

    def __init__(self, metrics: Any, weighted_metrics: Any, outputs: Outputs, targets: Arrange, weights: Arrange):
        super().__init__(name="compile_metrics")
        self.outputs = outputs
        self._targets, self._weights = targets, weights
        self._scope = present_scope()  # by whose names metrics of a file are made
        self.given = [(self._listed(metrics, "metrics"), False),
                      (self._listed(weighted_metrics, "weighted_metrics"), True)]
        for listed, _ in self.given:
            for entry in (e for entries in listed for e in entries):
                if not _is_auto(entry, ("accuracy", "acc", "crossentropy", "ce")):
                    metrics_module.get(entry)
        self.used: list[tuple[int, Metric, bool]] = []  # (output, metric, whether samples are weighted)
        self.names: list[str] = []

    def _listed(self, value: Any, what: str) -> list[list[Any]]:
        if value is not None and not isinstance(value, (list, tuple, Mapping)):
            raise ValueError(f"Expected `{what}` argument to be a list, tuple, or dict. Received instead: "
                             f"{what}={value} of type {type(value)}")
        count = len(self.outputs.names)
        if count == 1:
            if isinstance(value, Mapping):
                value = self.outputs.arranged(value, what)[0] if value else None
            return [[] if value is None else flatten(value)]
        if isinstance(value, (list, tuple)) and not any(isinstance(v, (list, tuple, Mapping)) for v in value) and (
                len(value) != count or len(set(map(repr, value))) == 1):
            value = [value] * count  # Keras 2: metrics for every output
        return [[] if v is None else flatten(v) for v in self.outputs.arranged(value, what)]

    def build(self, y_true: Sequence[Tensor], y_pred: Sequence[Tensor]) -> None:
        """Make the metrics."""
        for listed, weighted in self.given:
            for i, entries in enumerate(listed):
                for entry in entries if y_true[i] is not None else ():
                    with self._scope:
                        metric, output = self._make(entry, y_true[i], y_pred[i]), self.outputs.names[i]
                    prefix = f"{output}_" if output and len(self.outputs.names) > 1 else ""
                    name = prefix + metric.name
                    if weighted and name in self.names:
                        name = f"{prefix}weighted_{metric.name}"
                    self.used.append((i, metric, weighted))
                    self.names.append(_unique(name, self.names))

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

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Update each with its output's part of the nests."""
        truths, predictions = self._targets(y_true), flatten(y_pred)
        weights = self._weights(sample_weight)
        if not self.used:
            self.build(truths, predictions)
        for i, metric, weighted in self.used:
            with ops_named(metric.name):
                metric.update_state(truths[i], predictions[i], sample_weight=weights[i] if weighted else None)

    @property
    def metrics(self) -> list[Metric]:
        return [metric for _, metric, _ in self.used]

    @property
    def variables(self) -> list[Variable]:
        return [v for metric in self.metrics for v in metric.variables]

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def expected_names(self) -> list[str]:
        """The names of the results; before the first update what they will likely be."""
        if self.used:
            return self.names
        several = len(self.outputs.names) > 1
        return [f"{output}_{name}" if several and output else name for listed, _ in self.given
                for output, entries in zip(self.outputs.names, listed, strict=True) for entry in entries
                for name in [entry if isinstance(entry, str) else object_name(entry)]]

    def result(self) -> dict[str, Tensor]:
        found = {}
        for key, metric in zip(self.names, self.metrics, strict=True):
            with ops_named(metric.name):
                found[key] = metric.result()
        return found


def _unique(name: str, taken: Sequence[str]) -> str:
    candidates = (name if not i else f"{name}_{i}" for i in range(len(taken) + 1))
    return next(c for c in candidates if c not in taken)


def track(tracker: Mean, value: Tensor, count: Tensor) -> None:
    """Add a batch's mean to a running one, by the number of its samples."""
    tracker.update_state(value, sample_weight=cast(count, value.dtype))
