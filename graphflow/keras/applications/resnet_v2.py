"""Residual networks that normalize before they convolve (He et al., 2016, https://arxiv.org/abs/1603.05027)."""
from __future__ import annotations

from ...compiler.ir import Tensor
from ..layers import Add, Conv2D, MaxPooling2D, ZeroPadding2D
from .application import Body, Given, chain
from .imagenet_utils import decode_predictions, preprocessing
from .resnet import FILTERS, family, relu, scale, stem


def block(x: Tensor, filters: int, stride: int, projected: bool, name: str) -> Tensor:
    """A bottleneck beside the identity, a projection, or a subsampling."""
    active = chain(x, scale(f"{name}_preact"), relu(f"{name}_preact"))
    if projected:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(active)
    else:
        shortcut = MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = chain(active, Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv"), scale(f"{name}_1"), relu(f"{name}_1"),
              ZeroPadding2D(1, name=f"{name}_2_pad"),
              Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv"),
              scale(f"{name}_2"), relu(f"{name}_2"), Conv2D(4 * filters, 1, name=f"{name}_3_conv"))
    return Add(name=f"{name}_out")([shortcut, x])


def stacks(*counts: int) -> Body:
    def body(x: Tensor, given: Given) -> Tensor:
        x = stem(x, activated=False)
        for stage, (filters, count) in enumerate(zip(FILTERS, counts, strict=True), 2):
            for i in range(1, count + 1):
                x = block(x, filters, 2 if i == count and stage < 5 else 1, i == 1, f"conv{stage}_block{i}")
        return chain(x, scale("post"), relu("post"))

    return body


REFERENCE = "Identity Mappings in Deep Residual Networks, https://arxiv.org/abs/1603.05027"
ResNet50V2 = family("ResNet50V2", stacks(3, 4, 6, 3), REFERENCE,
                    "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917")
ResNet101V2 = family("ResNet101V2", stacks(3, 4, 23, 3), REFERENCE,
                     "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5")
ResNet152V2 = family("ResNet152V2", stacks(3, 8, 36, 3), REFERENCE,
                     "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33")
preprocess_input = preprocessing("tf")

__all__ = ["ResNet101V2", "ResNet152V2", "ResNet50V2", "decode_predictions", "preprocess_input"]
