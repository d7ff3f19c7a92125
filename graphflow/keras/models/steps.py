"""The graphs that a model runs: one for a training step, one for a test step, one for a prediction.

Each is built for a signature (the dtypes and shapes of the arrays without the batch axis) and holds for any batch size.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler import dims as dm
from ...compiler.autodiff import gradients
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import size_of
from ...compiler.ops.state import group, placeholder
from .. import backend
from ..layers.layer import flatten
from ..scope import StepScope, training_as
from .compiled import track

if TYPE_CHECKING:
    from .model import Model

Signature = tuple[tuple[str, tuple[int, ...]], ...]


def signature_of(arrays: Sequence[np.ndarray]) -> Signature:
    return tuple((a.dtype.str, a.shape[1:]) for a in arrays)


class Inputs:
    """Placeholders for a batch: all share one symbol for the batch size. Inputs are cast inside the graph."""

    def __init__(self, x: Sequence[np.ndarray], y: Sequence[np.ndarray], weights: Sequence[np.ndarray],
                 input_shapes: Sequence[Any]):
        self.batch = dm.fresh("batch")
        self.x = [self._feed(a, f"x{i or ''}", shape) for i, (a, shape) in enumerate(
            zip(x, input_shapes, strict=True))]
        self.y = [self._feed(a, f"y{i or ''}") for i, a in enumerate(y)]
        self.weights = [self._feed(a, f"sample_weight{i or ''}") for i, a in enumerate(weights)]

    def _feed(self, array: np.ndarray, name: str, shape: Any = None) -> Tensor:
        sizes = array.shape[1:]
        if shape is not None:  # sizes that the model leaves open stay open
            sizes = tuple(None if s is None else d for s, d in zip(shape[1:], sizes, strict=True))
        return placeholder(as_dtype(array.dtype), (self.batch, *sizes), name)

    @property
    def all(self) -> list[Tensor]:
        return self.x + self.y + self.weights


def predictions(model: Model, inputs: Inputs, training: bool) -> list[Tensor]:
    tensors = [cast(t, d) if as_dtype(d).is_floating or t.dtype.is_floating else t
               for t, d in zip(inputs.x, model.input_dtypes, strict=True)]
    outputs = model(tensors[0] if len(tensors) == 1 else tensors, training=training)
    return flatten(outputs)


def predict_step(model: Model, inputs: Inputs) -> Callable[..., Any]:
    """(x...) -> outputs."""
    with model.graph.as_default(), model.graph.name_scope("predict_step"), StepScope():
        outputs = predictions(model, inputs, False)
    return backend.get_session(model.graph).make_callable(outputs[0] if len(outputs) == 1 else outputs, inputs.x)


def loss_and_metrics(model: Model, inputs: Inputs, outputs: list[Tensor], scope: StepScope) -> Tensor:
    """The loss to minimize. Updates the metrics, the loss's own among them, on the way."""
    if len(outputs) != len(inputs.y):
        raise ValueError(f"The model has {len(outputs)} outputs, but {len(inputs.y)} target arrays were given.")
    total, parts = model.compiled_loss(inputs.y, outputs, inputs.weights)
    penalties = [*model.losses, *scope.losses]
    for penalty in penalties:
        total = penalty if total is None else total + penalty
    if total is None:
        raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
    count = size_of(inputs.x[0], (0,))
    for tracker, value in zip(model.loss_trackers, [total, *parts], strict=False):
        if value is not None:
            track(tracker, value, count)
    model.compiled_metrics.update(inputs.y, outputs, inputs.weights)
    return total


def test_step(model: Model, inputs: Inputs) -> Callable[..., Any]:
    """(x..., y..., weights...): adds a batch to the metrics."""
    graph = model.graph
    with graph.as_default(), graph.name_scope("test_step"), training_as(False), StepScope() as scope:
        loss_and_metrics(model, inputs, predictions(model, inputs, False), scope)
        step = group(*scope.assignments())
    return backend.get_session(graph).make_callable(step, inputs.all)


def train_step(model: Model, inputs: Inputs) -> Callable[..., Any]:
    """(x..., y..., weights...): forward, loss, gradients, updates of weights and metrics, in one run."""
    graph = model.graph
    with graph.as_default(), graph.name_scope("train_step"), training_as(True), StepScope() as scope:
        outputs = predictions(model, inputs, True)
        loss = loss_and_metrics(model, inputs, outputs, scope)
        variables = model.trainable_variables
        if variables:
            model.optimizer.apply(gradients(loss, variables), variables)
        step = group(*scope.assignments())
    return backend.get_session(graph).make_callable(step, inputs.all)


def results(model: Model, tensors: dict[str, Tensor]) -> Callable[[], dict[str, float]]:
    """() -> the metrics by name."""
    names = list(tensors)
    fetch = backend.get_session(model.graph).make_callable(list(tensors.values()), [])

    def read() -> dict[str, float]:
        return {name: value.item() if value.ndim == 0 else value for name, value in zip(names, fetch(), strict=True)}
    return read
