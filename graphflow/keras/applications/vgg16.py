"""VGG with 16 layers of weights (Simonyan & Zisserman, 2014, https://arxiv.org/abs/1409.1556)."""
from __future__ import annotations

from ...compiler.ir import Tensor
from ..layers import Conv2D, Dense, Flatten, MaxPooling2D
from .application import Body, Given, application, chain, kernels
from .imagenet_utils import decode_predictions, preprocessing

FILTERS = (64, 128, 256, 512, 512)
REFERENCE = "Very Deep Convolutional Networks for Large-Scale Image Recognition, https://arxiv.org/abs/1409.1556"


def blocks(*convolutions: int) -> Body:
    """Blocks of so many convolutions, each with half the size of the one before."""
    def body(x: Tensor, given: Given) -> Tensor:
        for block, (filters, count) in enumerate(zip(FILTERS, convolutions, strict=True), 1):
            for i in range(1, count + 1):
                x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
            x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        return x

    return body


def top(x: Tensor, given: Given) -> Tensor:
    return chain(x, Flatten(name="flatten"), Dense(4096, activation="relu", name="fc1"),
                 Dense(4096, activation="relu", name="fc2"),
                 Dense(given.classes, activation=given.classifier_activation, name="predictions"))


VGG16 = application("VGG16", "vgg16", blocks(2, 2, 3, 3, 3), kernels(
    "vgg16", "vgg16", "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
    top=top, reference=REFERENCE)
preprocess_input = preprocessing("caffe")

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]
