"""What Keras 1 and 2 called things, or had beside them, that programs ask for by name."""
from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from .. import activations, backend, layers, regularizers
from ..callbacks.callback import Callback, Logs
from ..layers import node
from ..layers.core import Input
from ..losses import huber
from ..models.model import Model
from ..preprocessing.image.affine import scipy_module
from ..saving.legacy_weights import read_legacy

Container = Network = Functional = Model
huber_loss = huber
l1l2 = WeightRegularizer = regularizers.L1L2
relu6 = activations.relu6
_EPSILON = 1e-7


class Node(node.Node):
    """A call of a layer, for programs that put a class of their own in its place: layers go on using Keras's."""


class TimeDistributedDense(layers.TimeDistributed):
    """Keras 1: a Dense layer on every step."""

    def __init__(self, *args: Any, name: str | None = None, **kwargs: Any):
        kwargs.setdefault("input_shape", (kwargs.pop("input_length", None), kwargs.pop("input_dim", None)))
        shape = {"input_shape": kwargs.pop("input_shape")}
        super().__init__(layers.Dense(*args, **kwargs), name=name, **shape if shape["input_shape"][-1] else {})


class BaseLogger(Callback):
    """The means over an epoch of what its batches report, which Keras's own loop gives to other callbacks already."""

    def __init__(self, stateful_metrics: Sequence[str] | None = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen, self.totals = 0, dict[str, float]()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.seen, self.totals = 0, {}

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        size = (logs or {}).get("size", 1)
        self.seen += size
        for name, value in (logs or {}).items():
            kept = name in self.stateful_metrics
            self.totals[name] = value if kept else self.totals.get(name, 0) + value * size

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        for name in (self.params or {}).get("metrics", ()):
            if logs is not None and name in self.totals and name not in logs:
                logs[name] = self.totals[name] / (1 if name in self.stateful_metrics else max(self.seen, 1))


def load_weights_from_hdf5_group(f: Any, layers: Sequence[Any], reshape: bool = False) -> None:
    """Set the weights of layers, in order, from a group of an HDF5 file. Raises ValueError where they do not fit."""
    read_legacy(f, _holding(layers), reshape=reshape)


def load_weights_from_hdf5_group_by_name(f: Any, layers: Sequence[Any], skip_mismatch: bool = False,
                                         reshape: bool = False) -> None:
    """Set the weights of the layers whose names the group has. Raises ValueError where they do not fit."""
    read_legacy(f, _holding(layers), skip_mismatch, by_name=True, reshape=reshape)


def _holding(layers: Sequence[Any]) -> Any:
    return SimpleNamespace(layers=list(layers), name="", _own_weights=list)


def _to_tensor(x: Any, dtype: Any) -> Tensor:
    """`x` as a tensor of a dtype."""
    return backend.cast(convert_to_tensor(x), dtype)


def apply_transform(x: Any, transform_matrix: Any, channel_axis: int = 0, fill_mode: str = "nearest", cval: float = 0.0
                    ) -> np.ndarray:
    """An image moved by a matrix [3, 3]. Raises ImportError without SciPy."""
    move = scipy_module("ndimage", "An affine transformation of images").affine_transform
    matrix = np.asarray(transform_matrix)
    channels = [move(channel, matrix[:2, :2], matrix[:2, 2], order=0, mode=fill_mode, cval=cval)
                for channel in np.moveaxis(np.asarray(x), channel_axis, 0)]
    return np.moveaxis(np.stack(channels), 0, channel_axis)


__all__ = ["BaseLogger", "Container", "Functional", "Input", "Network", "Node", "TimeDistributedDense",
           "WeightRegularizer", "apply_transform", "huber_loss", "l1l2", "load_weights_from_hdf5_group",
           "load_weights_from_hdf5_group_by_name", "relu6"]
