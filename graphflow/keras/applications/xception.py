"""Xception (Chollet, 2016, https://arxiv.org/abs/1610.02357)."""
from __future__ import annotations

from ...compiler.ir import Tensor
from ..layers import Activation, Conv2D, MaxPooling2D, SeparableConv2D, add
from .application import Given, application, chain, kernels, norm
from .imagenet_utils import decode_predictions, preprocessing


def conv(x: Tensor, filters: int, stride: int, name: str) -> Tensor:
    return chain(x, Conv2D(filters, 3, strides=stride, use_bias=False, name=name), norm(f"{name}_bn"),
                 Activation("relu", name=f"{name}_act"))


def separable(x: Tensor, filters: int, name: str, activated: bool = True) -> Tensor:
    if activated:
        x = Activation("relu", name=f"{name}_act")(x)
    return chain(x, SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name), norm(f"{name}_bn"))


def halved(x: Tensor, first: int, second: int, name: str, activated: bool = True) -> Tensor:
    """Two separable convolutions to half the size, beside a projection."""
    shortcut = chain(x, Conv2D(second, 1, strides=2, padding="same", use_bias=False), norm())
    x = separable(x, first, f"{name}_sepconv1", activated)
    x = chain(separable(x, second, f"{name}_sepconv2"),
              MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool"))
    return add([x, shortcut])


def body(x: Tensor, given: Given) -> Tensor:
    x = conv(x, 32, 2, "block1_conv1")
    x = conv(x, 64, 1, "block1_conv2")
    x = halved(x, 128, 128, "block2", activated=False)
    x = halved(x, 256, 256, "block3")
    x = halved(x, 728, 728, "block4")
    for block in range(5, 13):
        shortcut = x
        for i in range(1, 4):
            x = separable(x, 728, f"block{block}_sepconv{i}")
        x = add([x, shortcut])
    x = halved(x, 728, 1024, "block13")
    for i, filters in enumerate((1536, 2048), 1):
        x = chain(separable(x, filters, f"block14_sepconv{i}", activated=False),
                  Activation("relu", name=f"block14_sepconv{i}_act"))
    return x


Xception = application(
    "Xception", "xception", body,
    kernels("xception", "xception", "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"),
    size=299, min_size=71,
    reference="Xception: Deep Learning with Depthwise Separable Convolutions, https://arxiv.org/abs/1610.02357")
preprocess_input = preprocessing("tf")

__all__ = ["Xception", "decode_predictions", "preprocess_input"]
