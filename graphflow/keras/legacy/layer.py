"""What layers of Keras 2 told of their calls: updates and losses by input."""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...compiler.ir import Operation, Tensor
from ...compiler.ops.constant import convert_to_tensor
from ..nest import flatten
from ..scope import StepScope, current_scope, in_order, outside_steps, recording, training_as
from .phase import layer_uses_phase

_ORDER = ("shape", "dtype", "initializer", "regularizer", "trainable", "constraint")  # after the name


def name_first(add_weight: Callable[..., Any]) -> Callable[..., Any]:
    """`add_weight` that may also be given the name before the shape, as in Keras 2."""
    @functools.wraps(add_weight)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            kwargs = {"name": args[0], **dict(zip(_ORDER, args[1:], strict=False)), **kwargs}
            args = ()
        return add_weight(self, *args, **kwargs)
    return wrapper


class _Parts:
    """The layers that are parts of a layer. One of its own that has an attribute of the name keeps that."""

    def __get__(self, layer: Any, owner: Any = None) -> Any:
        return self if layer is None else list(layer._sublayers())


class Keras2Layer:
    """Members that Keras 2's layers had and later ones have not."""

    _layers = _Parts()
    stateful = False
    trainable: Any
    _inbound_nodes: list[Any]
    _losses: list[Tensor]
    _penalties: Callable[[], list[Tensor]]
    _all_layers: Callable[[], list[Any]]
    _network: Any = None
    _given_updates: tuple[tuple[Any, Any], ...] = ()  # outside calls: (update, the inputs it depends on)
    _given_losses: tuple[tuple[Any, Any], ...] = ()  # likewise, losses that are numbers

    @property
    def uses_learning_phase(self) -> bool:
        """Whether its calls do something else in training."""
        return layer_uses_phase(self)

    @uses_learning_phase.setter
    def uses_learning_phase(self, value: bool) -> None:
        """Layers of Keras 1 and 2 said so themselves: what a call builds tells it here."""

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Run these with each step of training: operations, or pairs of a variable and its new value."""
        scope = current_scope()
        updates = updates if isinstance(updates, list) else [updates]
        if scope is None:  # within a call: a step calls the layer anew
            self._given_updates += tuple((update, inputs) for update in updates) if recording() else ()
            return
        for update in updates:
            if isinstance(update, tuple):
                update[0].assign(update[1])
            elif isinstance(update, (Tensor, Operation)):
                scope.operations.append(update.op if isinstance(update, Tensor) else update)

    def add_metric(self, value: Any, name: str | None = None, aggregation: str | None = "mean", **kwargs: Any) -> None:
        """Show the mean of a tensor that `call` makes as a metric of the model. Raises ValueError where several metrics
        of the layer have that name."""
        from ..metrics import Mean, Metric  # stand above the layers
        tensor = convert_to_tensor(value)
        name = name or metric_name(tensor)
        own = [m for m in vars(self).values() if isinstance(m, Metric) and m.name == name]
        if len(own) > 1:
            raise ValueError("Please provide different names for the metrics you have added. We found "
                             f"{len(own)} metrics with the name: {name!r}")
        if own:
            return  # the result of a metric that is an attribute: it is shown already
        named = self.__dict__.setdefault("_named_metrics", {})
        if name not in named:
            named[name] = Mean(name)
        if current_scope() is not None or in_order():
            named[name].update_state(tensor)

    @property
    def updates(self) -> list[Operation]:
        """What the layer's calls change in training (moving averages, states), as operations of the graph. None when it
        is not trainable."""
        if self._network is not None:
            return self._updates_by(self._network.inputs, (self._network.input_nest,), {})
        given = [update for layer in self._all_layers()
                 for update, _ in layer._given_updates] if self.trainable else []
        return [*given, *(op for node in self._inbound_nodes for op in self._updates_of(node))]

    def get_updates_for(self, inputs: Any) -> list[Operation]:
        """The updates that depend on these inputs; with None those that depend on none."""
        wanted = set(flatten(inputs)) - {None}
        return [*(update for layer in self._all_layers()
                  for update in _given_for(inputs, layer._given_updates)),
                *(op for node in self._inbound_nodes if wanted and wanted & set(node.input_tensors)
                  for op in self._updates_of(node))]

    def _updates_of(self, node: Any) -> list[Operation]:
        return [] if node.is_input else self._updates_by(node.input_tensors, node.arguments, node.keywords)

    def _updates_by(self, tensors: list[Tensor], arguments: Any, keywords: dict[str, Any]) -> list[Operation]:
        """What a call in training changes."""
        if not self.trainable:
            return []
        with tensors[0].graph.as_default(), outside_steps(), training_as(True), StepScope() as scope:
            self(*arguments, **{**self._in_training(), **keywords})  # type: ignore[operator]
            return scope.assignments()

    def _in_training(self) -> dict[str, Any]:
        return {"training": True} if self._signature.takes_training else {}  # type: ignore[attr-defined]

    def get_losses_for(self, inputs: Any) -> list[Tensor]:
        """The losses that depend on these inputs; with None those that depend on none: the penalties on weights."""
        layers = self._all_layers()
        given = [loss for layer in layers for loss in _given_for(inputs, layer._given_losses)]
        if inputs is None:
            return [*given, *self._penalties()]
        wanted = {getattr(t, "handle", t) for t in flatten(inputs)}
        return [*given, *(loss for layer in layers for loss in layer._losses if wanted & set(before(loss)))]


def metric_name(tensor: Tensor) -> str:
    """The name of a metric without one of its own: that of the metric whose result it is, else the tensor's."""
    metric = getattr(tensor, "_metric_obj", None)
    return tensor.op.name.rpartition("/")[2] if metric is None else metric.name


def _given_for(inputs: Any, given: Iterable[tuple[Any, Any]]) -> list[Any]:
    """What was given for any of these inputs, for None what was given for none."""
    wanted = {None if t is None else id(t) for t in flatten(inputs)}
    return [value for value, its in given if wanted & {None if t is None else id(t) for t in flatten(its)}]


def before(tensor: Tensor) -> Iterator[Tensor]:
    """Every tensor that `tensor` is made from."""
    seen, waiting = {tensor}, [tensor]
    while waiting:
        current = waiting.pop()
        yield current
        new = set(current.op.inputs) - seen
        seen |= new
        waiting += new
