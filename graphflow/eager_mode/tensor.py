"""A tensor that has a value: what ops give where they run at once."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..compiler.ir import Graph, Tensor
from ..compiler.ops.constant import const


class EagerTensor(Tensor):
    """A value, with TensorFlow's operators; `numpy()` is the array."""

    __slots__ = ()
    eager_value: np.ndarray

    def numpy(self) -> Any:
        """The value: an array (of its own), for a scalar a NumPy number or bytes."""
        return self.eager_value.copy() if self.eager_value.ndim else self.eager_value[()]

    def copied_to(self, graph: Graph) -> Tensor:
        """A constant of this value in a graph that is being built."""
        with graph.as_default():
            return const(value=self.eager_value)

    def cpu(self) -> EagerTensor:
        """Itself."""
        return self

    gpu = _copy = cpu

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Not here, as in TensorFlow: there is no session."""
        raise NotImplementedError("eval is not supported when eager execution is enabled, is .numpy() what you're "
                                  "looking for?")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.eager_value, dtype)

    def __bool__(self) -> bool:
        return bool(self.eager_value)

    __nonzero__ = __bool__

    def __int__(self) -> int:
        return int(self.eager_value)

    def __index__(self) -> int:
        return self.eager_value.__index__()

    def __float__(self) -> float:
        return float(self.eager_value)

    def __complex__(self) -> complex:
        return complex(self.eager_value)

    def __len__(self) -> int:
        if not self.eager_value.ndim:
            raise TypeError("Scalar tensor has no `len()`")
        return len(self.eager_value)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.eager_value.ndim:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[i] for i in range(len(self.eager_value)))

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec) if not self.eager_value.ndim else format(str(self), spec)

    def __hash__(self) -> int:
        return id(self)

    def _shown(self) -> str:
        return f"shape={tuple(self.eager_value.shape)}, dtype={self.dtype.name}"

    def __str__(self) -> str:
        return f"tf.Tensor({_block(str(self.eager_value))}, {self._shown()})"

    def __repr__(self) -> str:
        return f"<tf.Tensor: {self._shown()}, numpy={_block(repr(self.eager_value))}>"


def _block(text: str) -> str:
    """Text of several lines starts on one of its own."""
    return "\n" + text if "\n" in text else text
