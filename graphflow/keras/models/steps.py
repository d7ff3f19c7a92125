"""The graphs that a model runs: one for a training step, one for a test step, one for a prediction.

Each is built for a signature (the dtypes and shapes of the arrays without the batch axis and without the sizes that the
model leaves open) and holds for any batch size.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler import dims as dm
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.state import group, placeholder
from .. import backend
from ..legacy.target_tensors import with_targets
from ..nest import flatten, map_structure, pack
from ..scope import StepScope, training_as
from .data import Batch

if TYPE_CHECKING:
    from .model import Model


class Inputs:
    """Placeholders for a batch (`all`), which share one symbol for the batch size (its values, where ops run at once),
    and what steps see of them: `x`, `y` and `weights`, floats in Keras's float type (a model's input of another one in
    that)."""

    def __init__(self, model: Model, batch: Batch):
        self.all: list[Tensor] = []
        self.batch = dm.fresh("batch")
        network = model._network
        wanted: Sequence[Any] = network.fed if network is not None else [None] * len(batch.x)
        fed = [self._feed(a, f"x{i or ''}", like) for i, (a, like) in enumerate(zip(batch.x, wanted, strict=True))]
        given = dict(zip(wanted, fed, strict=True)) if network is not None else {}
        self.x = [given.get(t, t) for t in network.inputs] if network is not None else fed
        self.y = [None if a is None else self._feed(a, f"y{i or ''}") for i, a in enumerate(batch.y)]
        self.weights = [None if a is None else self._feed(a, f"sample_weight{i or ''}")
                        for i, a in enumerate(batch.weights)]
        self.y = with_targets(self.y, model._target_tensors)
        self.structure = network.input_nest if network is not None else batch.structure
        self.target_structure = batch.target_structure if len(self.y) == len(batch.y) or len(self.y) == 1 else (
            [None] * len(self.y))

    def _feed(self, array: np.ndarray, name: str, like: Tensor | None = None) -> Tensor:
        if default_graph().eager:
            fed = convert_to_tensor(array)
        else:
            fed = placeholder(as_dtype(array.dtype), (self.batch, *fed_sizes(array, like)), name)
        self.all.append(fed)
        wanted = like.dtype if like is not None and like.dtype.is_floating else as_dtype(backend.floatx())
        return cast(fed, wanted) if fed.dtype.is_floating and fed.dtype != wanted else fed

    @property
    def data(self) -> Any:
        """(x, y, sample_weight) as `train_step` takes them: in their structures; x alone as it is, unless it is a list
        or tuple."""
        x = pack(self.structure, self.x)
        y = None if not self.y else pack(self.target_structure, self.y)
        weights = None if not self.weights else self.weights[0] if len(self.weights) == 1 else list(self.weights)
        if y is None and weights is None:
            return (x,) if isinstance(x, (list, tuple)) else x
        return (x, y) if weights is None else (x, y, weights)


def fed_sizes(array: np.ndarray, like: Tensor | None) -> tuple[int | None, ...]:
    """The sizes after the batch's of what is fed for `like`, None for those that the model leaves open."""
    if like is None or like.dims is None or len(like.dims) != array.ndim:
        return array.shape[1:]
    return tuple(n if isinstance(w, int) else None for n, w in zip(array.shape[1:], like.dims[1:], strict=True))


def predict_step(model: Model, inputs: Inputs) -> Callable[..., Any]:
    """(x...) -> the outputs, flat."""
    with model.graph.as_default(), model.graph.name_scope("predict_step"), training_as(False), StepScope() as scope:
        outputs = model.predict_step(inputs.data)
        states = scope.assignments()  # of recurrent layers that go on where the last batch ended
    model._output_structure = map_structure(lambda _: None, outputs)
    tensors = scope.current([convert_to_tensor(t) for t in flatten(outputs)])
    wanted = tensors[0] if len(tensors) == 1 else tensors
    session = backend.get_session(model.graph)
    if not states:
        return session.make_callable(wanted, inputs.all)
    run = session.make_callable([wanted, group(*states)], inputs.all)
    return _as(run, lambda *arrays: run(*arrays)[0])


def update_step(model: Model, inputs: Inputs, training: bool) -> Callable[..., Any]:
    """(x..., y..., weights...): a training step (forward, loss, gradients, updates of weights and metrics) or a test
    step (metrics alone), in one run. A step of the user's own gives the logs it returns, by name.
    """
    graph, kind = model.graph, "train_step" if training else "test_step"
    with graph.as_default(), graph.name_scope(kind), training_as(training), StepScope() as scope:
        logs = getattr(model, kind)(inputs.data)
        own = model._has_own(kind, "compute_metrics", "get_metrics_result") and isinstance(logs, dict)
        if own:  # whether the metrics tell at least as much as the logs do
            model._updates_all = all(any(v in scope.values for v in m.variables) for m in model.metrics)
        values = {name: convert_to_tensor(v) for name, v in flat_logs(logs).items()} if own else {}
        step = group(*scope.assignments())
    session = backend.get_session(graph)
    if not values:
        return session.make_callable(step, inputs.all)
    run = session.make_callable([step, *values.values()], inputs.all)
    names = list(values)

    def with_logs(*arrays: np.ndarray) -> dict[str, Any]:
        return {n: v.item() if np.ndim(v) == 0 else v for n, v in zip(names, run(*arrays)[1:], strict=True)}
    return _as(run, with_logs)


def _as(run: Any, function: Any) -> Any:
    """A function around a session's callable, whose runner it tells too (for explain)."""
    function.runner = run.runner
    return function


def flat_logs(logs: dict[str, Any]) -> dict[str, Any]:
    """Logs by name in alphabetical order, with those of a metric that gives several in its place."""
    return {k: v for name in sorted(logs) for k, v in (
        flat_logs(logs[name]) if isinstance(logs[name], dict) else {name: logs[name]}).items()}


def results(model: Model, tensors: dict[str, Tensor]) -> Callable[[], dict[str, float]]:
    """() -> the metrics by name."""
    names = list(tensors)
    fetch = backend.get_session(model.graph).make_callable(list(tensors.values()), [])

    def read() -> dict[str, float]:
        return {name: value.item() if value.ndim == 0 else value for name, value in zip(names, fetch(), strict=True)}
    return read
