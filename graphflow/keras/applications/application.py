"""What makes a network of a family's layers: its input, its top, its published weights."""
from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...compiler.ir import Tensor
from .. import backend
from ..layers import BatchNormalization, Dense, Dropout, GlobalAveragePooling2D, GlobalMaxPooling2D, Input
from ..layers.input_spec import shape_of
from ..layers.node import history_of
from ..models import Model
from ..utils.io_utils import get_file
from ..utils.layer_utils import get_source_inputs
from .imagenet_utils import obtain_input_shape, validate_activation

BASE_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"


class Published(NamedTuple):
    """Where weights trained on ImageNet are: for a network with its top, and for one without."""

    url: str  # of the folder
    files: tuple[str, str]
    hashes: tuple[str | None, str | None] = (None, None)
    remote: tuple[str, str] | None = None  # the files' names there, where the cache knows them by others

    def path(self, include_top: bool) -> str:
        """The file in the cache's folder `models`, downloaded if it is not there. Raises OSError."""
        i = 0 if include_top else 1
        return get_file(self.files[i], self.url + (self.remote or self.files)[i], cache_subdir="models",
                        file_hash=self.hashes[i])


def published(family: str, stem: str, *hashes: str, top: str = ".h5", no_top: str = "_notop.h5") -> Published:
    """Files `stem`.h5 and `stem`_notop.h5 in the family's folder."""
    return Published(f"{BASE_URL}{family}/", (stem + top, stem + no_top),
                     hashes if len(hashes) == 2 else (None, None))


def kernels(family: str, stem: str, *hashes: str) -> Published:
    """The names that the oldest families' files have."""
    return published(family, f"{stem}_weights_tf_dim_ordering_tf_kernels", *hashes)


@dataclass(frozen=True)
class Given:
    """The arguments of a constructor that its layers depend on."""

    include_top: bool
    weights: Any
    classes: int
    classifier_activation: Any
    name: str
    pooling: str | None


Body = Callable[[Tensor, Given], Tensor]


def chain(x: Any, *layers: Callable[[Any], Any]) -> Any:
    """Each layer on what the one before it gave."""
    for layer in layers:
        x = layer(x)
    return x


def channel_axis() -> int:
    return 1 if backend.image_data_format() == "channels_first" else -1


def channels_of(x: Tensor) -> int:
    channels = shape_of(x)[channel_axis()]
    if channels is None:
        raise ValueError(f"The number of channels must be known. Received an image of shape {shape_of(x)}")
    return channels


def norm(name: str | None = None, **kwargs: Any) -> BatchNormalization:
    return BatchNormalization(axis=channel_axis(), name=name, **kwargs)


def divisible(value: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, at least it and 0.9 of `value` (Sandler et al., 2018)."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest


def same_padding(x: Tensor, kernel_size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """What a convolution of stride 2 needs around `x` to have the output's size as the published weights expect it."""
    rows, cols = shape_of(x)[2:4] if channel_axis() == 1 else shape_of(x)[1:3]
    half = kernel_size // 2
    less = [1 if size is None else 1 - size % 2 for size in (rows, cols)]
    return (half - less[0], half), (half - less[1], half)


def classifier(x: Tensor, given: Given, pool: str | None = "avg_pool", dropout: float = 0, **kwargs: Any) -> Tensor:
    """The mean over the image, then class probabilities."""
    return chain(x, GlobalAveragePooling2D(name=pool), *((Dropout(dropout, name="top_dropout"),) if dropout else ()),
                 Dense(given.classes, activation=given.classifier_activation, name="predictions", **kwargs))


def pooled(x: Tensor, pooling: str | None, names: tuple[str | None, str | None] = (None, None)) -> Tensor:
    """The output of a network without top."""
    if pooling == "avg":
        return GlobalAveragePooling2D(name=names[0])(x)
    return GlobalMaxPooling2D(name=names[1])(x) if pooling == "max" else x


POOL_NAMES = ("avg_pool", "max_pool")


def check(weights: Any, include_top: bool, classes: int) -> None:
    """Raises ValueError for weights that cannot be meant."""
    if weights not in (None, "imagenet") and not os.path.exists(weights):
        raise ValueError("The `weights` argument should be either `None` (random initialization), 'imagenet' "
                         "(pre-training on ImageNet), or the path to the weights file to be loaded. "
                         f"Received: weights={weights}")
    if weights == "imagenet" and include_top and classes != 1000:
        raise ValueError("If using `weights='imagenet'` with `include_top=True`, `classes` should be 1000. "
                         f"Received: classes={classes}")


def needs_channels_last(name: str) -> None:
    """Raises ValueError."""
    if backend.image_data_format() == "channels_first":
        raise ValueError(f"{name} does not support the `channels_first` image data format. Call "
                         "`keras.backend.set_image_data_format('channels_last')` first.")


def image_input(input_tensor: Any, shape: Any) -> Tensor:
    """The tensor that the layers start from."""
    if input_tensor is None:
        return Input(shape=shape)
    return Input(shape=shape, tensor=input_tensor) if history_of(input_tensor) is None else input_tensor


def network(body: Body, given: Given, shape: Any, input_tensor: Any, weights_file: Callable[[bool], str],
            top: Body = classifier, pool_names: tuple[str | None, str | None] = (None, None),
            end: Callable[[Tensor], Tensor] | None = None) -> Model:
    """The model: `body` from the image on, then the top, or the pooling and an `end`, with its weights."""
    image = image_input(input_tensor, shape)
    x = body(image, given)
    if given.include_top:
        validate_activation(given.classifier_activation, given.weights)
        x = top(x, given)
    else:
        x = pooled(x, given.pooling, pool_names)
        x = x if end is None else end(x)
    model = Model(image if input_tensor is None else get_source_inputs(image), x, name=given.name)
    if given.weights is not None:
        model.load_weights(weights_file(given.include_top) if given.weights == "imagenet" else given.weights)
    return model


def application(class_name: str, name: str, body: Body, files: Published, *, size: int = 224, min_size: int = 32,
                top: Body = classifier, pool_names: tuple[str | None, str | None] = (None, None),
                channels_last: bool = False, reference: str = "") -> Callable[..., Model]:
    """The constructor of a network whose arguments are the usual ones."""
    usual_name = name

    def make(include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
             pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
             name: str = usual_name) -> Model:
        if channels_last:
            needs_channels_last(class_name)
        check(weights, include_top, classes)
        shape = obtain_input_shape(input_shape, size, min_size, backend.image_data_format(), include_top, weights)
        given = Given(include_top, weights, classes, classifier_activation, name, pooling)
        return network(body, given, shape, input_tensor, files.path, top, pool_names)

    return named(make, class_name, size, min_size, reference)


def named(make: Callable[..., Model], class_name: str, size: int, min_size: int, reference: str
          ) -> Callable[..., Model]:
    """`make` with the name and the documentation of a network's constructor."""
    make.__name__ = make.__qualname__ = class_name
    make.__doc__ = f"""{class_name} ({reference}), as a model of images of {size}x{size}.

    `weights`: "imagenet" (Keras's published file, from its cache folder or downloaded), a file, or None (random).
    Without `include_top` images may be of any size from {min_size}x{min_size}, and the output is that of the last
    block, its mean (`pooling="avg"`) or its maximum ("max") over the image. Raises ValueError for arguments that do
    not fit, OSError where the weights cannot be had.
    """
    return make
