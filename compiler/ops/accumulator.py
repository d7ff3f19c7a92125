"""Accumulators of gradients: values that a session keeps, averaged over as many as a run asks for.

Like a queue's, an accumulator's handle is its name in the session.
"""
from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import int32, string
from ..errors import CancelledError, InvalidArgumentError
from ..ir import Tensor, TensorType
from . import resources
from .resources import resource_op
from .texts import text


class Accumulator:
    """The sum (or mean) of gradients of one shape; `taken` waits until there are enough.

    Gradients of a step before `global_step` are stale and dropped.
    """

    def __init__(self, dtype: Any, dims: Sequence[int | None] | None, mean: bool):
        self.global_step = 0
        self.count = 0
        self._dtype, self._dims, self._mean = dtype, dims, mean
        self._total: Any = None
        self._changed = threading.Condition()
        self._closed = False

    def apply(self, step: int, gradient: np.ndarray) -> None:
        """Add a gradient. Raises InvalidArgumentError for one of another shape."""
        if self._dims is not None and (len(self._dims) != gradient.ndim or any(
                d is not None and d != n for d, n in zip(self._dims, gradient.shape, strict=True))):
            raise InvalidArgumentError(f"Attempt to add a tensor with incompatible shape: the accumulator's is "
                                       f"{list(self._dims)}, the gradient's {list(gradient.shape)}")
        with self._changed:
            if step >= self.global_step:
                self._total = gradient.copy() if self._total is None else self._total + gradient
                self.count += 1
                self._changed.notify_all()

    def taken(self, required: int) -> np.ndarray:
        """The mean or sum once `required` gradients have come, after which it begins anew with the next step."""
        if required < 1:
            raise InvalidArgumentError(f"Argument num_required must be a positive integer, received {required}")
        with self._changed:
            while self.count < required:
                if self._closed:
                    raise CancelledError("The accumulator's session is closed.")
                self._changed.wait(0.1)
            result = (self._total / self.count).astype(self._dtype) if self._mean else self._total
            self._total, self.count = None, 0
            self.global_step += 1
            return np.asarray(result)

    def close(self) -> None:
        """The session closes: what waits fails."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _found(handle: np.ndarray, session: Any) -> Accumulator:
    return resources.found(session, "accumulator", handle)


def _make(session: Any, key: str, dtype: Any, dims: Any, mean: bool) -> np.ndarray:
    return resources.kept(session, "accumulator", key, lambda: Accumulator(dtype.np, dims, mean))


def _apply(handle: np.ndarray, step: np.ndarray, gradient: np.ndarray, session: Any) -> tuple[()]:
    _found(handle, session).apply(int(step), gradient)
    return ()


def _set_step(handle: np.ndarray, step: np.ndarray, session: Any) -> tuple[()]:
    _found(handle, session).global_step = int(step)
    return ()


def _taken_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims = attrs["dims"]
    return [TensorType(attrs["dtype"], None if dims is None else tuple(dm.fresh() if d is None else d for d in dims))]


accumulator = resource_op("ConditionalAccumulator", lambda inputs, attrs: [TensorType(string, ())], _make)
apply_gradient = resource_op("AccumulatorApplyGradient", lambda inputs, attrs: [], _apply)
take_gradient = resource_op("AccumulatorTakeGradient", _taken_types,
                    lambda handle, required, dtype, dims, session: _found(handle, session).taken(int(required)))
num_accumulated = resource_op("AccumulatorNumAccumulated", lambda inputs, attrs: [TensorType(int32, ())],
                      lambda handle, session: np.int32(_found(handle, session).count))
set_global_step = resource_op("AccumulatorSetGlobalStep", lambda inputs, attrs: [], _set_step)

# tensors that a session keeps from run to run


def _keep(value: np.ndarray, session: Any) -> np.ndarray:
    key = f"handle;{len(session.resources)};{id(value)}"
    session.resources["handle", key] = value.copy()
    return text(key.encode())


def _kept(handle: np.ndarray, dtype: Any, session: Any) -> np.ndarray:
    key = np.asarray(handle).item().decode()
    if ("handle", key) not in session.resources:
        raise InvalidArgumentError(f"The tensor with handle '{key}' is not in the session store.")
    return session.resources["handle", key]


def _drop(handle: np.ndarray, session: Any) -> tuple[()]:
    session.resources.pop(("handle", np.asarray(handle).item().decode()), None)
    return ()


get_session_handle = resource_op("GetSessionHandleV2", lambda inputs, attrs: [TensorType(string, ())], _keep)
get_session_tensor = resource_op("GetSessionTensor", lambda inputs, attrs: [TensorType(attrs["dtype"], None)], _kept)
delete_session_tensor = resource_op("DeleteSessionTensor", lambda inputs, attrs: [], _drop)
