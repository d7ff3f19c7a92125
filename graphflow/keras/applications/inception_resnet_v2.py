"""Inception-ResNet v2 (Szegedy et al., 2016, https://arxiv.org/abs/1602.07261)."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ..layers import Activation, AveragePooling2D, Concatenate, Conv2D, Layer, MaxPooling2D
from .application import Given, application, chain, channel_axis, channels_of, kernels, norm
from .imagenet_utils import decode_predictions, preprocessing

# residual branches: (filters, kernel) of their units
BLOCKS: dict[str, tuple[tuple[tuple[int, Any], ...], ...]] = {
    "block35": (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
    "block17": (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))),
    "block8": (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1)))),
}


class CustomScaleLayer(Layer):
    """The first of two inputs plus `scale` times the second."""

    def __init__(self, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Tensor:
        return inputs[0] + inputs[1] * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def unit(x: Tensor, filters: int, kernel: Any, stride: int = 1, padding: str = "same", name: str | None = None
         ) -> Tensor:
    return chain(x, Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name),
                 norm(name and f"{name}_bn", scale=False), Activation("relu", name=name and f"{name}_ac"))


def branch(x: Tensor, *units: tuple[Any, ...]) -> Tensor:
    for arguments in units:
        x = unit(x, *arguments)
    return x


def joined(name: str, *outputs: Tensor) -> Tensor:
    return Concatenate(axis=channel_axis(), name=name)(list(outputs))


def residual(x: Tensor, kind: str, number: int, scale: float, activated: bool = True) -> Tensor:
    name = f"{kind}_{number}"
    added = chain(joined(f"{name}_mixed", *(branch(x, *units) for units in BLOCKS[kind])),
                  Conv2D(channels_of(x), 1, padding="same", name=f"{name}_conv"))
    x = CustomScaleLayer(scale)([x, added])
    return Activation("relu", name=f"{name}_ac")(x) if activated else x


def body(x: Tensor, given: Given) -> Tensor:
    half = (2, "valid")
    x = branch(x, (32, 3, *half), (32, 3, 1, "valid"), (64, 3))
    x = MaxPooling2D(3, strides=2)(x)
    x = branch(x, (80, 1, 1, "valid"), (192, 3, 1, "valid"))
    x = MaxPooling2D(3, strides=2)(x)
    x = joined("mixed_5b", branch(x, (96, 1)), branch(x, (48, 1), (64, 5)), branch(x, (64, 1), (96, 3), (96, 3)),
               branch(AveragePooling2D(3, strides=1, padding="same")(x), (64, 1)))
    for i in range(1, 11):
        x = residual(x, "block35", i, 0.17)
    x = joined("mixed_6a", branch(x, (384, 3, *half)), branch(x, (256, 1), (256, 3), (384, 3, *half)),
               MaxPooling2D(3, strides=2)(x))
    for i in range(1, 21):
        x = residual(x, "block17", i, 0.1)
    x = joined("mixed_7a", branch(x, (256, 1), (384, 3, *half)), branch(x, (256, 1), (288, 3, *half)),
               branch(x, (256, 1), (288, 3), (320, 3, *half)), MaxPooling2D(3, strides=2)(x))
    for i in range(1, 10):
        x = residual(x, "block8", i, 0.2)
    x = residual(x, "block8", 10, 1.0, activated=False)
    return unit(x, 1536, 1, name="conv_7b")


InceptionResNetV2 = application(
    "InceptionResNetV2", "inception_resnet_v2", body,
    kernels("inception_resnet_v2", "inception_resnet_v2", "e693bd0210a403b3192acc6073ad2e96",
            "d19885ff4a710c122648d3b5c3b684e4"), size=299, min_size=75,
    reference="Inception-v4, Inception-ResNet and the Impact of Residual Connections, https://arxiv.org/abs/1602.07261")
preprocess_input = preprocessing("tf")

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]
