"""DenseNet (Huang et al., 2016, https://arxiv.org/abs/1608.06993)."""
from __future__ import annotations

from collections.abc import Callable

from ...compiler.ir import Tensor
from ..layers import Activation, AveragePooling2D, Concatenate, Conv2D, MaxPooling2D, ZeroPadding2D
from ..models import Model
from .application import POOL_NAMES, Given, application, chain, channel_axis, channels_of, kernels, norm
from .imagenet_utils import decode_predictions, preprocessing
from .resnet import EPSILON, relu, scale

GROWTH = 32  # filters that each block adds


def block(x: Tensor, name: str) -> Tensor:
    more = chain(x, scale(f"{name}_0"), relu(f"{name}_0"), Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv"),
                 scale(f"{name}_1"), relu(f"{name}_1"),
                 Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv"))
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, more])


def family(layers: int, counts: tuple[int, ...], *hashes: str) -> Callable[..., Model]:
    def body(x: Tensor, given: Given) -> Tensor:
        x = chain(x, ZeroPadding2D(3), Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv"), scale("conv1"),
                  relu("conv1"), ZeroPadding2D(1), MaxPooling2D(3, strides=2, name="pool1"))
        for stage, count in enumerate(counts, 2):
            for i in range(1, count + 1):
                x = block(x, f"conv{stage}_block{i}")
            if stage < len(counts) + 1:
                name = f"pool{stage}"
                x = chain(x, scale(name), relu(name),
                          Conv2D(channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv"),
                          AveragePooling2D(2, strides=2, name=f"{name}_pool"))
        return chain(x, norm("bn", epsilon=EPSILON), Activation("relu", name="relu"))

    name = f"densenet{layers}"
    return application(f"DenseNet{layers}", name, body, kernels("densenet", name, *hashes), pool_names=POOL_NAMES,
                       channels_last=True,
                       reference="Densely Connected Convolutional Networks, https://arxiv.org/abs/1608.06993")


DenseNet121 = family(121, (6, 12, 24, 16), "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738")
DenseNet169 = family(169, (6, 12, 32, 32), "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b")
DenseNet201 = family(201, (6, 12, 48, 32), "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1")
preprocess_input = preprocessing("torch")

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
