"""Copies of models, with layers and weights of their own."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..layers.core import InputLayer
from ..layers.input_spec import shape_of
from ..layers.node import history_of
from ..metrics import Metric
from ..nest import as_list, flatten, map_structure, pack
from ..scope import outside_steps
from .model import Model
from .sequential import Sequential


def clone_model(model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None,
                call_function: Callable[..., Any] | None = None, recursive: bool = False, **kwargs: Any) -> Any:
    """A model with the same layers, made anew from their configs (by `clone_function`), with fresh weights.

    Raises ValueError for a subclassed model whose class does not define `from_config`.
    """
    copy = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))

    def cloned(layer: Any) -> Any:
        if isinstance(layer, Model) and (recursive or clone_function is None) and layer._network is not None:
            return clone_model(layer, None, clone_function, call_function, recursive)
        return copy(layer)

    if isinstance(model, Sequential):
        return _compiled_as(model, _sequential(model, input_tensors, cloned))
    if getattr(model, "is_functional", False):
        return _compiled_as(model, _functional(model, input_tensors, cloned, call_function))
    if clone_function is not None or input_tensors is not None:
        raise ValueError("Arguments `clone_function` and `input_tensors` are only supported for Sequential models or "
                         f"Functional models. Received model of type {type(model).__name__}")
    return type(model).from_config(model.get_config())


def _compiled_as(model: Any, copy: Any) -> Any:
    """`copy`, compiled as the model is, with an optimizer and metrics of its own."""
    if model.compiled:
        def own(value: Any) -> Any:
            return type(value).from_config(value.get_config()) if isinstance(value, Metric) else value

        optimizer = model.optimizer
        copy.compile(None if optimizer is None else type(optimizer).from_config(optimizer.get_config()),
                     **{key: map_structure(own, value) for key, value in model._compile_arguments.items()},
                     steps_per_execution=model.steps_per_execution)
    return copy


def _sequential(model: Sequential, input_tensors: Any, cloned: Callable[[Any], Any]) -> Sequential:
    with outside_steps():
        entry = model._stack[:1] if model._stack and isinstance(model._stack[0], InputLayer) else []
        if input_tensors is not None:
            tensor = flatten(input_tensors)[0]
            history = history_of(tensor)
            start = [tensor if history is not None else InputLayer(input_tensor=tensor)]
        else:
            start = [InputLayer.from_config(layer.get_config()) for layer in entry]
        copies = [cloned(layer) for layer in model.layers]
        copy = Sequential([*start, *copies], name=model.name)
        if not copy.built and model._network is not None:
            copy.build(model.input_shape)
    copy.trainable = model.trainable
    return copy


def _functional(model: Any, input_tensors: Any, cloned: Callable[[Any], Any],
                call_function: Callable[..., Any] | None) -> Any:
    network = model._network
    copies: dict[Any, Any] = {}
    with outside_steps():
        if input_tensors is None:
            new = [InputLayer(batch_shape=shape_of(t), dtype=t.dtype.name, name=name).output
                   for t, name in zip(network.inputs, network.input_names, strict=True)]
        else:
            new = [t if history_of(t) is not None else InputLayer(input_tensor=t).output
                   for t in flatten(as_list(input_tensors))]
        values = dict(zip(network.inputs, new, strict=True))
        for node in network.nodes:
            if node.is_input:
                continue
            layer = node.operation
            if layer not in copies:
                copies[layer] = layer if getattr(layer, "is_operation", False) else cloned(layer)
            arguments, keywords = node.replay(values)
            call = copies[layer] if call_function is None else (
                lambda *a, layer=copies[layer], **k: call_function(layer, *a, **k))
            values.update(zip(node.output_tensors, flatten(call(*arguments, **keywords)), strict=True))
        outputs = map_structure(lambda t: values[t], network.output_nest)
        return type(model)(inputs=pack(network.input_nest, new), outputs=outputs, name=model.name)
