"""MobileNet (Howard et al., 2017, https://arxiv.org/abs/1704.04861)."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.site import warn
from .. import backend
from ..layers import (
    Activation,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from ..models import Model
from .application import Given, chain, check, network, norm, published
from .imagenet_utils import decode_predictions, obtain_input_shape, preprocessing

BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
ALPHAS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}  # of published weights, with their names in files
SIZES = (128, 160, 192, 224)


def block(x: Tensor, filters: int, multiplier: int, stride: int, number: int) -> Tensor:
    """A depthwise convolution, then one of 1x1."""
    if stride == 2:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    depthwise = DepthwiseConv2D(3, strides=stride, padding="same" if stride == 1 else "valid", use_bias=False,
                                depth_multiplier=multiplier, name=f"conv_dw_{number}")
    return chain(x, depthwise, norm(f"conv_dw_{number}_bn"), ReLU(6.0, name=f"conv_dw_{number}_relu"),
                 Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{number}"),
                 norm(f"conv_pw_{number}_bn"), ReLU(6.0, name=f"conv_pw_{number}_relu"))


def rows_and_columns(shape: Any) -> tuple[Any, Any]:
    return tuple(shape[1:3] if backend.image_data_format() == "channels_first" else shape[:2])


def square_size(shape: Any, sizes: tuple[int, ...]) -> int:
    """The size of images that weights were published for: that of `shape`, else 224."""
    rows, cols = (None, None) if shape is None else rows_and_columns(shape)
    return rows if rows == cols and rows in sizes else 224


def published_size(shape: Any, sizes: tuple[int, ...]) -> int:
    """As `square_size`; warns where another size is meant."""
    size = square_size(shape, sizes)
    if rows_and_columns(shape) != (size, size):
        warn(f"`input_shape` is undefined or non-square, or `rows` is not in {list(sizes)}. Weights for input "
             "shape (224, 224) will be loaded as the default.")
    return size


def MobileNet(input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, dropout: float = 1e-3,
              include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
              pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
              name: str | None = None) -> Model:
    """A model of images of 224x224 whose numbers of filters are multiplied by `alpha`.

    The other arguments are as for `VGG16`; weights are published for alphas 0.25, 0.5, 0.75 and 1 and sizes 128, 160,
    192 and 224. Raises ValueError for arguments that do not fit, OSError where the weights cannot be had.
    """
    check(weights, include_top, classes)
    shape = obtain_input_shape(input_shape, square_size(input_shape, SIZES), 32, backend.image_data_format(),
                               include_top, weights)
    rows = rows_and_columns(shape)[0]
    if weights == "imagenet":
        if depth_multiplier != 1:
            raise ValueError("If imagenet weights are being loaded, depth multiplier must be 1. "
                             f"Received: depth_multiplier={depth_multiplier}")
        if alpha not in ALPHAS:
            raise ValueError("If imagenet weights are being loaded, alpha can be one of `0.25`, `0.50`, `0.75` or "
                             f"`1.0` only. Received: alpha={alpha}")
        rows = published_size(shape, SIZES)

    def body(x: Tensor, given: Given) -> Tensor:
        x = chain(x, Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1"),
                  norm("conv1_bn"), ReLU(6.0, name="conv1_relu"))
        for number, (filters, stride) in enumerate(BLOCKS, 1):
            x = block(x, int(filters * alpha), depth_multiplier, stride, number)
        return x

    def top(x: Tensor, given: Given) -> Tensor:
        return chain(x, GlobalAveragePooling2D(keepdims=True), Dropout(dropout, name="dropout"),
                     Conv2D(classes, 1, padding="same", name="conv_preds"), Reshape((classes,), name="reshape_2"),
                     Activation(classifier_activation, name="predictions"))

    files = published("mobilenet", f"mobilenet_{ALPHAS.get(alpha)}_{rows}_tf", no_top="_no_top.h5")
    given = Given(include_top, weights, classes, classifier_activation, name or f"mobilenet_{alpha:0.2f}_{rows}",
                  pooling)
    return network(body, given, shape, input_tensor, files.path, top)


preprocess_input = preprocessing("tf")

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
