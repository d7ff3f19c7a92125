"""Inception v3 (Szegedy et al., 2015, https://arxiv.org/abs/1512.00567)."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..layers import Activation, AveragePooling2D, Concatenate, Conv2D, MaxPooling2D
from .application import Given, application, chain, channel_axis, kernels, norm
from .imagenet_utils import decode_predictions, preprocessing

Units = tuple[tuple[Any, ...], ...]  # (filters, rows, columns, stride, padding), the last two may be missing


def unit(x: Tensor, filters: int, rows: int, cols: int, stride: int = 1, padding: str = "same") -> Tensor:
    return chain(x, Conv2D(filters, (rows, cols), strides=stride, padding=padding, use_bias=False), norm(scale=False),
                 Activation("relu"))


def branch(x: Tensor, *units: tuple[Any, ...]) -> Tensor:
    for arguments in units:
        x = unit(x, *arguments)
    return x


def mixed(x: Tensor, name: str | None, *branches: Units, pool: int = 0) -> Tensor:
    """The branches side by side, and a mean with `pool` filters (0: a maximum of half the size)."""
    outputs = [branch(x, *units) for units in branches]
    if pool:
        outputs.append(branch(AveragePooling2D(3, strides=1, padding="same")(x), (pool, 1, 1)))
    else:
        outputs.append(MaxPooling2D(3, strides=2)(x))
    return Concatenate(axis=channel_axis(), name=name)(outputs)


def split(x: Tensor, name: str | None, *units: tuple[Any, ...]) -> Tensor:
    """Units, then a row and a column of 3 side by side."""
    x = branch(x, *units)
    return Concatenate(axis=channel_axis(), name=name)([unit(x, 384, 1, 3), unit(x, 384, 3, 1)])


def body(x: Tensor, given: Given) -> Tensor:
    half = (2, "valid")
    x = branch(x, (32, 3, 3, *half), (32, 3, 3, 1, "valid"), (64, 3, 3))
    x = MaxPooling2D(3, strides=2)(x)
    x = branch(x, (80, 1, 1, 1, "valid"), (192, 3, 3, 1, "valid"))
    x = MaxPooling2D(3, strides=2)(x)
    for i, pool in enumerate((32, 64, 64)):
        x = mixed(x, f"mixed{i}", ((64, 1, 1),), ((48, 1, 1), (64, 5, 5)), ((64, 1, 1), (96, 3, 3), (96, 3, 3)),
                  pool=pool)
    x = mixed(x, "mixed3", ((384, 3, 3, *half),), ((64, 1, 1), (96, 3, 3), (96, 3, 3, *half)))
    for i, n in enumerate((128, 160, 160, 192), 4):
        x = mixed(x, f"mixed{i}", ((192, 1, 1),), ((n, 1, 1), (n, 1, 7), (192, 7, 1)),
                  ((n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)), pool=192)
    x = mixed(x, "mixed8", ((192, 1, 1), (320, 3, 3, *half)),
              ((192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, *half)))
    for i in range(2):
        outputs = [unit(x, 320, 1, 1), split(x, f"mixed9_{i}", (384, 1, 1)), split(x, None, (448, 1, 1), (384, 3, 3)),
                   branch(AveragePooling2D(3, strides=1, padding="same")(x), (192, 1, 1))]
        x = Concatenate(axis=channel_axis(), name=f"mixed{9 + i}")(outputs)
    return x


InceptionV3 = application(
    "InceptionV3", "inception_v3", body,
    kernels("inception_v3", "inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"),
    size=299, min_size=75,
    reference="Rethinking the Inception Architecture for Computer Vision, https://arxiv.org/abs/1512.00567")
preprocess_input = preprocessing("tf")

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]
