"""Tensors of a graph that need no feeds, as Keras gives them for values: they can be looked at."""
from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..compiler.ir import Tensor
from . import backend
from .nest import map_structure
from .scope import in_order, outermost_call


class ComputedTensor(Tensor):
    """What a layer, loss or metric gives for arrays: a tensor of the graph whose value, as variables are now, is
    computed when it is asked for."""

    __slots__ = ()

    def numpy(self) -> Any:
        """The value: an array, for a scalar a NumPy number."""
        return backend.eval(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __format__(self, spec: str) -> str:
        return format(self.numpy() if spec else str(self), spec)

    def __hash__(self) -> int:
        return id(self)


def computed(outputs: Any) -> Any:
    """A nest with its tensors as such, where they are made outside steps and functions."""
    def own(value: Any) -> Any:
        if type(value) is Tensor:
            value.__class__ = ComputedTensor
        return value

    return map_structure(own, outputs) if outermost_call() and not in_order() else outputs


class Computing:
    """A base of classes whose `__call__` gives tensors: those of its results that need no feeds can be looked at."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls):
            call = cls.__call__

            @functools.wraps(call)
            def call_for_values(self: Any, *args: Any, **kwargs: Any) -> Any:
                return computed(call(self, *args, **kwargs))
            cls.__call__ = call_for_values  # type: ignore[method-assign]
