"""`tf.types.experimental`: types to write in signatures."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Union

import numpy as np

from .compiler.ir import Tensor
from .indexed_slices import IndexedSlices
from .sparse_tensor import SparseTensor
from .variables import Variable

__all__ = ["experimental"]


class FunctionType(inspect.Signature):
    """A function's signature."""

    @classmethod
    def from_callable(cls, obj: Callable[..., Any], **options: Any) -> FunctionType:
        """The signature of a function."""
        return super().from_callable(obj, **options)

    def bind_with_defaults(self, args: Any, kwargs: Any, default_values: Any = None) -> inspect.BoundArguments:
        """The arguments by name, with defaults for those that are missing. Raises TypeError where they do not fit."""
        known = self.bind_partial(*args, **kwargs).arguments
        bound = self.bind(*args, **{k: v for k, v in (default_values or {}).items() if k not in known}, **kwargs)
        bound.apply_defaults()
        return bound


# what can be made a tensor
TensorLike = Union[Tensor, SparseTensor, IndexedSlices, Variable, int, float, bool, str, bytes, complex, tuple,  # noqa: UP007
                   list, np.ndarray, np.generic]

experimental = SimpleNamespace(FunctionType=FunctionType, TensorLike=TensorLike)
