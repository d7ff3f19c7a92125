"""MobileNetV2 (Sandler et al., 2018, https://arxiv.org/abs/1801.04381)."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from .. import backend
from ..layers import Add, Conv2D, DepthwiseConv2D, ReLU, ZeroPadding2D
from ..layers.input_spec import shape_of
from ..layers.node import history_of
from ..models import Model
from .application import Given, chain, channels_of, check, classifier, divisible, network, norm, published, same_padding
from .imagenet_utils import decode_predictions, obtain_input_shape, preprocessing
from .mobilenet import published_size, rows_and_columns, square_size

# (filters, stride of the first block, blocks)
STAGES = ((16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1))
ALPHAS = (0.35, 0.50, 0.75, 1.0, 1.3, 1.4)
SIZES = (96, 128, 160, 192, 224)


def scale(name: str) -> Any:
    return norm(name, epsilon=1e-3, momentum=0.999)


def block(x: Tensor, filters: int, stride: int, number: int) -> Tensor:
    """An inverted residual: wider, depthwise, and narrow again."""
    inputs, channels = x, channels_of(x)
    prefix = f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = chain(x, Conv2D(6 * channels, 1, padding="same", use_bias=False, name=f"{prefix}expand"),
                  scale(f"{prefix}expand_BN"), ReLU(6.0, name=f"{prefix}expand_relu"))
    if stride == 2:
        x = ZeroPadding2D(same_padding(x, 3), name=f"{prefix}pad")(x)
    x = chain(x, DepthwiseConv2D(3, strides=stride, use_bias=False, padding="same" if stride == 1 else "valid",
                                 name=f"{prefix}depthwise"),
              scale(f"{prefix}depthwise_BN"), ReLU(6.0, name=f"{prefix}depthwise_relu"),
              Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project"),
              scale(f"{prefix}project_BN"))
    return Add(name=f"{prefix}add")([inputs, x]) if stride == 1 and channels == filters else x


def shape_given(input_shape: Any, input_tensor: Any) -> Any:
    """The shape of one image by either argument, None without. Raises ValueError where they disagree."""
    if input_tensor is None or history_of(input_tensor) is None:
        return input_shape
    actual = shape_of(input_tensor)[1:]
    if input_shape is not None and rows_and_columns(actual) != rows_and_columns(input_shape):
        raise ValueError("`input_shape` must be that of `input_tensor`. Received: "
                         f"input_tensor.shape={input_tensor.shape}, input_shape={input_shape}")
    return actual


def MobileNetV2(input_shape: Any = None, alpha: float = 1.0, include_top: bool = True, weights: Any = "imagenet",
                input_tensor: Any = None, pooling: str | None = None, classes: int = 1000,
                classifier_activation: Any = "softmax", name: str | None = None) -> Model:
    """A model of images of 224x224 whose numbers of filters are multiplied by `alpha`.

    The other arguments are as for `VGG16`; weights are published for alphas 0.35, 0.5, 0.75, 1, 1.3 and 1.4 and sizes
    96, 128, 160, 192 and 224. Raises ValueError for arguments that do not fit, OSError where the weights cannot be had.
    """
    check(weights, include_top, classes)
    default = square_size(shape_given(input_shape, input_tensor), SIZES)
    shape = obtain_input_shape(input_shape, default, 32, backend.image_data_format(), include_top, weights)
    rows = rows_and_columns(shape)[0]
    if weights == "imagenet":
        if alpha not in ALPHAS:
            raise ValueError("If imagenet weights are being loaded, alpha must be one of `0.35`, `0.50`, `0.75`, "
                             f"`1.0`, `1.3` or `1.4` only; Received: alpha={alpha}")
        rows = published_size(shape, SIZES)

    def body(x: Tensor, given: Given) -> Tensor:
        x = chain(x, Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1"),
                  scale("bn_Conv1"), ReLU(6.0, name="Conv1_relu"))
        number = 0
        for filters, stride, count in STAGES:
            for i in range(count):
                x = block(x, divisible(int(filters * alpha)), stride if i == 0 else 1, number)
                number += 1
        last = divisible(1280 * alpha) if alpha > 1 else 1280
        return chain(x, Conv2D(last, 1, use_bias=False, name="Conv_1"), scale("Conv_1_bn"),
                     ReLU(6.0, name="out_relu"))

    files = published("mobilenet_v2", f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}",
                      no_top="_no_top.h5")
    given = Given(include_top, weights, classes, classifier_activation, name or f"mobilenetv2_{alpha:0.2f}_{rows}",
                  pooling)
    return network(body, given, shape, input_tensor, files.path, lambda x, given: classifier(x, given, None))


preprocess_input = preprocessing("tf")

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
