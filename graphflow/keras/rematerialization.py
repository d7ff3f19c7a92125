"""Rematerialization: what layers compute is computed again for its gradients rather than kept until then."""
from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from typing import Any

from ..compiler.ir import Tensor, default_graph
from ..custom_gradients import computed_again
from .layers.node import KerasTensor
from .masks import mask_of, set_mask
from .nest import flatten


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.open: list[RematScope] = []


_scopes = _Scopes()


class RematScope:
    """Layers made within the block compute again for their gradients what they would otherwise keep until then.

    `mode` says which: "full" all; "activations" those with an `activation`, and that alone; "larger_than" those with
    outputs of more than `output_size_threshold` elements (unknown sizes count as one); "list_of_layers" those with one
    of `layer_names`; None none. Raises ValueError for another mode.
    """

    MODES = (None, "full", "activations", "larger_than", "list_of_layers")

    def __init__(self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Any = None):
        if mode not in self.MODES:
            raise ValueError(f"Invalid mode '{mode}'. Supported modes are: 'full', 'activations', 'larger_than', "
                             "'list_of_layers', or None.")
        self.mode, self.output_size_threshold, self.layer_names = mode, output_size_threshold, layer_names or []

    def __enter__(self) -> RematScope:
        _scopes.open.append(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        _scopes.open.pop()


def current_scope() -> RematScope | None:
    """The innermost scope around."""
    return _scopes.open[-1] if _scopes.open else None


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function (a layer, say), computed again where its gradients need what is in it: memory for time."""
    return _again(f, lambda outputs: True)


def _again(f: Callable[..., Any], when: Callable[[Any], bool]) -> Callable[..., Any]:
    def decorated(*args: Any, **kwargs: Any) -> Any:
        graph = default_graph()
        before = len(graph.operations)
        outputs = f(*args, **kwargs)
        if graph.eager or not when(outputs) or any(isinstance(t, KerasTensor) for t in flatten(outputs)):
            return outputs  # a model made of symbolic tensors has no gradients: its layers are called again for them
        again = computed_again(outputs, (args, kwargs), graph.operations[before:])
        for old, new in zip(flatten(outputs), flatten(again), strict=True):
            if old is not new and mask_of(old) is not None:
                set_mask(new, mask_of(old))
        return again
    return functools.update_wrapper(decorated, f, updated=())


def rematerialized(layer: Any) -> Callable[..., Any]:
    """The `call` of a layer as the scope in which it was made wants it."""
    scope, call = layer._remat_scope, layer.call
    mode = None if scope is None else scope.mode
    if mode == "full" or mode == "list_of_layers" and layer.name in scope.layer_names:
        return remat(call)
    if mode == "larger_than":
        return _again(call, lambda outputs: _size(outputs) > scope.output_size_threshold)
    if mode == "activations" and getattr(layer, "activation", None) is not None:
        def with_activation(*args: Any, **kwargs: Any) -> Any:
            activation, layer.activation = layer.activation, remat(layer.activation)
            try:
                return call(*args, **kwargs)
            finally:
                layer.activation = activation
        return with_activation
    return call


def _size(outputs: Any) -> int:
    """How many elements the tensors have."""
    return sum(math.prod(d or 1 for d in t.shape.as_list()) for t in flatten(outputs)
               if isinstance(t, Tensor) and t.dims is not None)
