"""What models of ImageNet share: pixels made fit for them, their classes' names, the shapes they take."""
from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.names import named
from ...compiler.ops.constant import constant
from ...compiler.ops.elementwise import cast
from ...compiler.ops.view import reverse
from ...compiler.site import warn
from .. import activations, backend
from ..layers.arguments import data_format_word
from ..utils.io_utils import get_file

CLASS_INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
CLASS_INDEX_MD5 = "c2c37ea517e94d9795004a39431a14cb"
MEANS = {"caffe": (103.939, 116.779, 123.68), "torch": (0.485, 0.456, 0.406)}  # of ImageNet: BGR of 255, RGB of 1
DEVIATIONS = (0.229, 0.224, 0.225)


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Images (an array or tensor of rank 3 or 4, RGB from 0 to 255) as a network was trained to see them.

    `mode` "tf": from -1 to 1; "torch": from 0 to 1, then each channel normalized by ImageNet's mean and deviation;
    "caffe": BGR, each channel less ImageNet's mean. Float arrays are changed in place. Raises ValueError.
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}")
    first = data_format_word(data_format) == "channels_first"
    if not isinstance(x, Tensor):
        x = np.asarray(x)
        return _preprocessed(x if x.dtype.kind == "f" else x.astype(backend.floatx()), first, mode, _array_constant)
    return _preprocessed(x if x.dtype.is_floating else cast(x, backend.floatx()), first, mode, constant)


def _array_constant(value: np.ndarray, dtype: Any) -> np.ndarray:
    return value.astype(dtype)


def _preprocessed(x: Any, channels_first: bool, mode: str, as_constant: Callable[..., Any]) -> Any:
    axis = len(x.shape) - 3 if channels_first else len(x.shape) - 1

    def by_channel(values: Sequence[float]) -> Any:
        return as_constant(np.reshape(values, (3, *(1,) * (len(x.shape) - 1 - axis))), x.dtype)

    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    if mode == "torch":
        x /= 255.0
    else:
        x = np.flip(x, axis) if isinstance(x, np.ndarray) else reverse(x, [axis])
    x -= by_channel(MEANS[mode])
    if mode == "torch":
        x /= by_channel(DEVIATIONS)
    return x


def preprocessing(mode: str | None) -> Callable[..., Any]:
    """The `preprocess_input(x, data_format=None)` of a family. None: its networks take pixels as they are."""
    def family_preprocess_input(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else preprocess_input(x, data_format, mode)

    return named("preprocess_input", family_preprocess_input,
                 preprocess_input.__doc__ if mode else "`x`: the models scale pixels themselves.")


@functools.cache
def _class_index() -> dict[str, list[str]]:
    path = get_file("imagenet_class_index.json", CLASS_INDEX, cache_subdir="models", file_hash=CLASS_INDEX_MD5)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The `top` likeliest classes of each row of (n, 1000) probabilities: (WordNet id, name, probability).

    Raises ValueError for another shape, OSError where the list of names cannot be had.
    """
    preds = backend.eval(preds)
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise ValueError("`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, "
                         f"1000)). Received array with shape: {preds.shape}")
    names = _class_index()
    return [[(*names[str(i)], row[i]) for i in row.argsort()[-top:][::-1]] for row in preds]


def obtain_input_shape(input_shape: Any, default_size: int, min_size: int, data_format: str, require_flatten: bool,
                       weights: Any = None) -> tuple[int | None, ...]:
    """The shape of a model's input without batch: `input_shape`, checked, or the default one. Raises ValueError."""
    first = data_format == "channels_first"

    def shaped(channels: int | None, size: int | None) -> tuple[int | None, ...]:
        return (channels, size, size) if first else (size, size, channels)

    if input_shape is not None and len(input_shape) != 3:
        raise ValueError(f"`input_shape` must be a tuple of three integers. Received: input_shape={input_shape}")
    channels = 3 if input_shape is None else input_shape[0 if first else -1]
    if weights == "imagenet":
        if input_shape is not None and require_flatten and tuple(input_shape) != shaped(3, default_size):
            raise ValueError("When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be "
                             f"{shaped(3, default_size)}. Received: input_shape={input_shape}")
        if channels != 3:
            raise ValueError(f"The input must have 3 channels; Received `input_shape={input_shape}`")
    elif channels not in (1, 3):
        warn("This model usually expects 1 or 3 input channels. However, it was passed an input_shape with "
             f"{channels} input channels.")
    if input_shape is None:
        return shaped(3, default_size if require_flatten else None)
    sizes = input_shape[1:] if first else input_shape[:2]
    if any(size is not None and size < min_size for size in sizes):
        raise ValueError(f"Input size must be at least {min_size}x{min_size}; Received: input_shape={input_shape}")
    if require_flatten and None in input_shape:
        raise ValueError("If `include_top` is True, you should specify a static `input_shape`. "
                         f"Received: input_shape={input_shape}")
    return tuple(input_shape)


_obtain_input_shape = obtain_input_shape  # Keras 2's name


def validate_activation(classifier_activation: Any, weights: Any) -> None:
    """Raises ValueError for an activation that given weights were not trained with."""
    allowed = (activations.get("softmax"), activations.get(None))
    if weights is not None and activations.get(classifier_activation) not in allowed:
        raise ValueError("Only `None` and `softmax` activations are allowed for the `classifier_activation` argument "
                         "when using pretrained weights, with `include_top=True`; Received: "
                         f"classifier_activation={classifier_activation}")
