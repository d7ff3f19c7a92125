"""Weights as older versions of Keras, and other backends, laid them out, for the layers of today."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")


def converted(layer: Any, weights: Sequence[np.ndarray], version: str, backend: str | None) -> Arrays:
    """The weights that Keras `version` on `backend` wrote for a layer, in the order and shapes of that layer now.

    What needs no conversion, or is of unknown form, stays as it is. Facts: Keras 2.3.1, engine/saving.py.
    """
    arrays, kind = list(weights), type(layer).__name__
    if kind == "Bidirectional":
        half = len(arrays) // 2
        return (converted(layer.forward_layer, arrays[:half], version, backend)
                + converted(layer.backward_layer, arrays[half:], version, backend))
    if kind == "TimeDistributed":
        return converted(layer.layer, arrays, version, backend)
    if hasattr(layer, "layers"):
        return _of_model(layer, arrays, version, backend)
    if version.split(".")[0] == "1" and arrays:
        arrays = _FROM_KERAS_1.get(kind, lambda layer, arrays: arrays)(layer, arrays)
    if kind in _CONVOLUTIONS and arrays and backend == "theano":
        kernels = 2 if kind == "ConvLSTM2D" else 1
        arrays[:kernels] = [_flipped(k) for k in arrays[:kernels]]
    if kind in _CONVOLUTIONS and arrays and arrays[0].ndim == 4 and layer.built and (
            arrays[0].shape != tuple(layer.weights[0].shape)):  # the axes of Theano's files
        turned = [a.transpose(3, 2, 0, 1) if a.ndim == 4 else a for a in arrays]
        arrays = turned if turned[0].shape == tuple(layer.weights[0].shape) else arrays
    return _from_cudnn(layer, arrays) if kind in ("LSTM", "GRU") and len(arrays) == 3 else arrays


def preprocess_weights_for_loading(layer: Any, weights: Sequence[np.ndarray], original_keras_version: str | None = None,
                                   original_backend: str | None = None, reshape: bool = False) -> Arrays:
    """Keras 2's name of `converted`. `reshape` gives arrays the shapes of the layer's weights."""
    arrays = converted(layer, weights, original_keras_version or "2", original_backend)
    return [a.reshape(w.shape) for a, w in zip(arrays, layer.weights, strict=True)] if reshape else arrays


def _of_model(model: Any, arrays: Arrays, version: str, backend: str | None) -> Arrays:
    """Of a model within: all trainable weights first, layer by layer, then the others."""
    found: dict[Any, np.ndarray] = {}
    order = [*model.trainable_weights, *model.non_trainable_weights]
    if len(order) != len(arrays):
        return arrays
    stored: dict[Any, np.ndarray] = dict(zip(order, arrays, strict=True))
    for layer in model.layers:
        own = [w for w in [*layer.trainable_weights, *layer.non_trainable_weights] if w in stored]
        found |= zip(own, converted(layer, [stored[w] for w in own], version, backend), strict=True)
    return [found[w] if w in found else stored[w] for w in order]


def _flipped(kernel: np.ndarray) -> np.ndarray:
    """Theano convolves where the others correlate."""
    return kernel[tuple(slice(None, None, -1) for _ in kernel.shape[:-2])]


def _conv1d(layer: Any, arrays: Arrays) -> Arrays:
    kernel = arrays[0]
    if kernel.ndim == 4:
        if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)
        arrays[0] = kernel[:, 0]
    return arrays


def _transposed(**axes: Sequence[int]) -> Callable[[Any, Arrays], Arrays]:
    """With the axes of the kernel in another order, by the layer's data format."""
    def convert(layer: Any, arrays: Arrays) -> Arrays:
        order = axes.get(layer.data_format)
        return arrays if order is None else [arrays[0].transpose(order), *arrays[1:]]
    return convert


def _gates(order: Sequence[int]) -> Callable[[Any, Arrays], Arrays]:
    """One kernel, recurrent kernel and bias of the gates' own ones, which stood in `order`."""
    def convert(layer: Any, arrays: Arrays) -> Arrays:
        if len(arrays) != 3 * len(order):
            return arrays
        joined = [np.concatenate([arrays[3 * gate + part] for gate in order], axis=-1) for part in range(3)]
        if joined[0].ndim == 4 and layer.data_format == "channels_first":
            joined[:2] = [np.transpose(k, (2, 3, 1, 0)) for k in joined[:2]]
        return joined
    return convert


_FROM_KERAS_1: dict[str, Callable[[Any, Arrays], Arrays]] = {
    "Conv1D": _conv1d,
    "Conv2D": _transposed(channels_first=(2, 3, 1, 0)),
    "Conv2DTranspose": _transposed(channels_last=(0, 1, 3, 2), channels_first=(2, 3, 0, 1)),
    "Conv3D": _transposed(channels_first=(2, 3, 4, 1, 0)),
    "GRU": _gates((0, 1, 2)),
    "LSTM": _gates((0, 2, 1, 3)),  # i, c, f, o were the gates
    "ConvLSTM2D": _gates((0, 2, 1, 3)),
}


def _from_cudnn(layer: Any, arrays: Arrays) -> Arrays:
    """CuDNN's layers keep each gate's kernel transposed, and two biases."""
    kernel, recurrent, bias = arrays
    gates = 4 if type(layer).__name__ == "LSTM" else 3
    units = recurrent.shape[0]
    if bias.shape != (2 * units * gates,):
        return arrays
    if gates == 3 and not layer.reset_after:
        raise ValueError(f"The weights for layer {layer.name!r} are a CuDNNGRU's, which is not compatible with "
                         "GRU(reset_after=False).")

    def by_gate(matrix: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return np.hstack([change(part) for part in np.hsplit(matrix, gates)])

    return [by_gate(kernel, lambda k: k.T.reshape(k.shape, order="F")), by_gate(recurrent, np.transpose),
            bias.reshape(2, -1) if gates == 3 else bias.reshape(2, -1).sum(0)]
