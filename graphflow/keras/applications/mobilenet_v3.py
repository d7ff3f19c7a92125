"""MobileNetV3 (Howard et al., 2019, https://arxiv.org/abs/1905.02244)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.site import warn
from .. import backend
from ..layers import (
    Activation,
    Add,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    ZeroPadding2D,
)
from ..layers.preprocessing.normalization import Rescaling
from ..models import Model
from .application import (
    POOL_NAMES,
    Given,
    chain,
    channels_of,
    check,
    divisible,
    named,
    network,
    norm,
    published,
    same_padding,
)
from .imagenet_utils import decode_predictions, obtain_input_shape, preprocessing
from .mobilenet import rows_and_columns
from .mobilenet_v2 import shape_given

# (expansion, filters, kernel, stride, whether it squeezes and excites, activation); kernels of 5 and hard swishes are
# for those that are not minimalistic
SMALL = ((1, 16, 3, 2, True, "relu"), (72 / 16, 24, 3, 2, False, "relu"), (88 / 24, 24, 3, 1, False, "relu"),
         (4, 40, 5, 2, True, "swish"), (6, 40, 5, 1, True, "swish"), (6, 40, 5, 1, True, "swish"),
         (3, 48, 5, 1, True, "swish"), (3, 48, 5, 1, True, "swish"), (6, 96, 5, 2, True, "swish"),
         (6, 96, 5, 1, True, "swish"), (6, 96, 5, 1, True, "swish"))
LARGE = ((1, 16, 3, 1, False, "relu"), (4, 24, 3, 2, False, "relu"), (3, 24, 3, 1, False, "relu"),
         (3, 40, 5, 2, True, "relu"), (3, 40, 5, 1, True, "relu"), (3, 40, 5, 1, True, "relu"),
         (6, 80, 3, 2, False, "swish"), (2.5, 80, 3, 1, False, "swish"), (2.3, 80, 3, 1, False, "swish"),
         (2.3, 80, 3, 1, False, "swish"), (6, 112, 3, 1, True, "swish"), (6, 112, 3, 1, True, "swish"),
         (6, 160, 5, 2, True, "swish"), (6, 160, 5, 1, True, "swish"), (6, 160, 5, 1, True, "swish"))
HASHES = {"large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
          "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
          "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
          "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
          "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
          "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4")}


def scale(name: str) -> Any:
    return norm(f"{name}_bn", epsilon=1e-3, momentum=0.999)


def activation(kind: str) -> Any:
    return ReLU() if kind == "relu" else Activation("hard_swish")


def hard_sigmoid(x: Tensor) -> Tensor:
    return ReLU(6.0)(x + 3.0) * (1.0 / 6.0)


def excited(x: Tensor, filters: int, prefix: str) -> Tensor:
    """`x` with its channels weighted by what their means tell."""
    prefix = f"{prefix}squeeze_excite_"
    weights = chain(x, GlobalAveragePooling2D(keepdims=True, name=f"{prefix}avg_pool"),
                    Conv2D(divisible(filters * 0.25), 1, padding="same", name=f"{prefix}conv"),
                    ReLU(name=f"{prefix}relu"), Conv2D(filters, 1, padding="same", name=f"{prefix}conv_1"),
                    hard_sigmoid)
    return Multiply(name=f"{prefix}mul")([x, weights])


def block(x: Tensor, expansion: float, filters: int, kernel: int, stride: int, excite: bool, kind: str,
          number: int) -> Tensor:
    inputs, channels = x, channels_of(x)
    wide = divisible(channels * expansion)
    prefix = f"expanded_conv_{number}_" if number else "expanded_conv_"
    if number:
        x = chain(x, Conv2D(wide, 1, padding="same", use_bias=False, name=f"{prefix}expand"),
                  scale(f"{prefix}expand"), activation(kind))
    if stride == 2:
        x = ZeroPadding2D(same_padding(x, kernel), name=f"{prefix}depthwise_pad")(x)
    x = chain(x, DepthwiseConv2D(kernel, strides=stride, padding="same" if stride == 1 else "valid", use_bias=False,
                                 name=f"{prefix}depthwise"), scale(f"{prefix}depthwise"), activation(kind))
    if excite:
        x = excited(x, wide, prefix)
    x = chain(x, Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project"),
              scale(f"{prefix}project"))
    return Add(name=f"{prefix}add")([inputs, x]) if stride == 1 and channels == filters else x


def family(class_name: str, kind: str, blocks: Any, last: int) -> Callable[..., Model]:
    def make(input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
             weights: Any = "imagenet", input_tensor: Any = None, classes: int = 1000, pooling: str | None = None,
             dropout_rate: float = 0.2, classifier_activation: Any = "softmax", include_preprocessing: bool = True,
             name: str = class_name) -> Model:
        check(weights, include_top, classes)
        any_size = (None, None, 3) if backend.image_data_format() == "channels_last" else (3, None, None)
        shape = obtain_input_shape(shape_given(input_shape, input_tensor) or any_size, 224, 32,
                                   backend.image_data_format(), False)
        if weights == "imagenet":
            if alpha not in ((1.0,) if minimalistic else (0.75, 1.0)):
                raise ValueError("If imagenet weights are being loaded, alpha can be one of `0.75`, `1.0` for non "
                                 f"minimalistic or `1.0` for minimalistic only. Received: alpha={alpha}")
            if rows_and_columns(shape) != (224, 224):
                warn("`input_shape` is undefined or non-square, or `rows` is not 224. Weights for input shape "
                     "(224, 224) will be loaded as the default.")
        first = "relu" if minimalistic else "swish"

        def body(x: Tensor, given: Given) -> Tensor:
            if include_preprocessing:
                x = Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
            x = chain(x, Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv"), scale("conv"),
                      activation(first))
            for number, (expansion, filters, kernel, stride, excite, act) in enumerate(blocks):
                if minimalistic:
                    kernel, excite, act = 3, False, "relu"
                x = block(x, expansion, divisible(filters * alpha), kernel, stride, excite, act, number)
            return chain(x, Conv2D(divisible(channels_of(x) * 6), 1, padding="same", use_bias=False, name="conv_1"),
                         scale("conv_1"), activation(first))

        def top(x: Tensor, given: Given) -> Tensor:
            x = chain(x, GlobalAveragePooling2D(keepdims=True),
                      Conv2D(divisible(last * alpha) if alpha > 1 else last, 1, padding="same", name="conv_2"),
                      activation(first))
            if dropout_rate > 0:
                x = Dropout(dropout_rate)(x)
            return chain(x, Conv2D(classes, 1, padding="same", name="logits"), Flatten(),
                         Activation(classifier_activation, name="predictions"))

        stem = f"{kind}{'_minimalistic' if minimalistic else ''}_224_{alpha}_float"
        files = published("mobilenet_v3", f"weights_mobilenet_v3_{stem}", *HASHES.get(stem, ()),
                          no_top="_no_top_v2.h5")
        given = Given(include_top, weights, classes, classifier_activation, name, pooling)
        return network(body, given, shape, input_tensor, files.path, top, POOL_NAMES)

    return named(make, class_name, 224, 32, "Searching for MobileNetV3, https://arxiv.org/abs/1905.02244")


MobileNetV3Small = family("MobileNetV3Small", "small", SMALL, 1024)
MobileNetV3Large = family("MobileNetV3Large", "large", LARGE, 1280)
preprocess_input = preprocessing(None)

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]
