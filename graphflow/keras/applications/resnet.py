"""Residual networks (He et al., 2015, https://arxiv.org/abs/1512.03385)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ..layers import Activation, Add, Conv2D, MaxPooling2D, ZeroPadding2D
from ..models import Model
from .application import POOL_NAMES, Body, Given, application, chain, kernels, norm
from .imagenet_utils import decode_predictions, preprocessing

EPSILON = 1.001e-5
FILTERS = (64, 128, 256, 512)


def scale(name: str) -> Any:
    return norm(f"{name}_bn", epsilon=EPSILON)


def relu(name: str) -> Activation:
    return Activation("relu", name=f"{name}_relu")


def stem(x: Tensor, activated: bool) -> Tensor:
    x = chain(x, ZeroPadding2D(3, name="conv1_pad"), Conv2D(64, 7, strides=2, name="conv1_conv"))
    if activated:
        x = chain(x, scale("conv1"), relu("conv1"))
    return chain(x, ZeroPadding2D(1, name="pool1_pad"), MaxPooling2D(3, strides=2, name="pool1_pool"))


def block(x: Tensor, filters: int, stride: int, projected: bool, name: str) -> Tensor:
    """A bottleneck of three convolutions beside the identity, or beside a projection."""
    shortcut = chain(x, Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv"),
                     scale(f"{name}_0")) if projected else x
    x = chain(x, Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv"), scale(f"{name}_1"), relu(f"{name}_1"),
              Conv2D(filters, 3, padding="same", name=f"{name}_2_conv"), scale(f"{name}_2"), relu(f"{name}_2"),
              Conv2D(4 * filters, 1, name=f"{name}_3_conv"), scale(f"{name}_3"))
    return chain([shortcut, x], Add(name=f"{name}_add"), Activation("relu", name=f"{name}_out"))


def stacks(*counts: int) -> Body:
    def body(x: Tensor, given: Given) -> Tensor:
        x = stem(x, activated=True)
        for stage, (filters, count) in enumerate(zip(FILTERS, counts, strict=True), 2):
            for i in range(1, count + 1):
                x = block(x, filters, 2 if i == 1 and stage > 2 else 1, i == 1, f"conv{stage}_block{i}")
        return x

    return body


def family(class_name: str, body: Body, reference: str, *hashes: str) -> Callable[..., Model]:
    name = class_name.lower()
    return application(class_name, name, body, kernels("resnet", name, *hashes), pool_names=POOL_NAMES,
                       reference=reference)


REFERENCE = "Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385"
ResNet50 = family("ResNet50", stacks(3, 4, 6, 3), REFERENCE,
                  "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626")
ResNet101 = family("ResNet101", stacks(3, 4, 23, 3), REFERENCE,
                   "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21")
ResNet152 = family("ResNet152", stacks(3, 8, 36, 3), REFERENCE,
                   "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c")
preprocess_input = preprocessing("caffe")

__all__ = ["ResNet101", "ResNet152", "ResNet50", "decode_predictions", "preprocess_input"]
