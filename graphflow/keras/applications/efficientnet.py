"""EfficientNet (Tan & Le, 2019, https://arxiv.org/abs/1905.11946)."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ..layers import (
    Activation,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Reshape,
    ZeroPadding2D,
    add,
    multiply,
)
from ..layers.preprocessing.normalization import Normalization, Rescaling
from ..models import Model
from .application import (
    POOL_NAMES,
    Given,
    Published,
    application,
    chain,
    channel_axis,
    classifier,
    divisible,
    norm,
    same_padding,
)
from .imagenet_utils import DEVIATIONS, decode_predictions, preprocessing

CONV_INITIALIZER = {"class_name": "VarianceScaling",
                    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"}}
DENSE_INITIALIZER = {"class_name": "VarianceScaling",
                     "config": {"scale": 1.0 / 3.0, "mode": "fan_out", "distribution": "uniform"}}
# (kernel, blocks, filters in, filters out, expansion, stride of the first block)
STAGES = ((3, 1, 32, 16, 1, 1), (3, 2, 16, 24, 6, 2), (5, 2, 24, 40, 6, 2), (3, 3, 40, 80, 6, 2), (5, 3, 80, 112, 6, 1),
          (5, 4, 112, 192, 6, 2), (3, 1, 192, 320, 6, 1))
DROP_RATE = 0.2  # of the last block that has a shortcut


def conv(filters: int, kernel: int, name: str, stride: int = 1, padding: str = "same", **kwargs: Any) -> Conv2D:
    return Conv2D(filters, kernel, strides=stride, padding=padding, kernel_initializer=CONV_INITIALIZER, name=name,
                  **{"use_bias": False, **kwargs})


def swish(name: str) -> Activation:
    return Activation("swish", name=name)


def excited(x: Tensor, filters: int, squeezed: float, prefix: str) -> Tensor:
    """`x` with its channels weighted by what their means tell."""
    shape = (filters, 1, 1) if channel_axis() == 1 else (1, 1, filters)
    weights = chain(x, GlobalAveragePooling2D(name=f"{prefix}se_squeeze"), Reshape(shape, name=f"{prefix}se_reshape"),
                    conv(max(1, int(squeezed)), 1, f"{prefix}se_reduce", use_bias=True, activation="swish"),
                    conv(filters, 1, f"{prefix}se_expand", use_bias=True, activation="sigmoid"))
    return multiply([x, weights], name=f"{prefix}se_excite")


def with_shortcut(x: Tensor, inputs: Tensor, rate: float, prefix: str) -> Tensor:
    """Whole images of the residual are dropped at `rate`."""
    if rate > 0:
        x = Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{prefix}drop")(x)
    return add([x, inputs], name=f"{prefix}add")


def block(x: Tensor, kernel: int, filters_in: int, filters_out: int, expansion: int, stride: int, rate: float,
          prefix: str) -> Tensor:
    inputs, wide = x, filters_in * expansion
    if expansion != 1:
        x = chain(x, conv(wide, 1, f"{prefix}expand_conv"), norm(f"{prefix}expand_bn"),
                  swish(f"{prefix}expand_activation"))
    if stride == 2:
        x = ZeroPadding2D(same_padding(x, kernel), name=f"{prefix}dwconv_pad")(x)
    x = chain(x, DepthwiseConv2D(kernel, strides=stride, padding="valid" if stride == 2 else "same", use_bias=False,
                                 depthwise_initializer=CONV_INITIALIZER, name=f"{prefix}dwconv"),
              norm(f"{prefix}bn"), swish(f"{prefix}activation"))
    x = excited(x, wide, filters_in * 0.25, prefix)
    x = chain(x, conv(filters_out, 1, f"{prefix}project_conv"), norm(f"{prefix}project_bn"))
    return with_shortcut(x, inputs, rate, prefix) if stride == 1 and filters_in == filters_out else x


def family(number: int, width: float, depth: float, size: int, dropout: float, *hashes: str
                 ) -> Callable[..., Model]:
    def rounded(filters: int) -> int:
        return divisible(filters * width)

    def body(x: Tensor, given: Given) -> Tensor:
        x = chain(x, Rescaling(1.0 / 255.0), Normalization(axis=channel_axis()))
        if given.weights == "imagenet":  # those were trained on pixels divided by the variance
            x = Rescaling([1.0 / math.sqrt(d) for d in DEVIATIONS])(x)
        x = chain(x, ZeroPadding2D(same_padding(x, 3), name="stem_conv_pad"),
                  conv(rounded(32), 3, "stem_conv", 2, "valid"), norm("stem_bn"), swish("stem_activation"))
        repeats = [math.ceil(depth * count) for _, count, *_ in STAGES]
        done = 0
        for i, (kernel, _, filters_in, filters_out, expansion, stride) in enumerate(STAGES):
            for j in range(repeats[i]):
                x = block(x, kernel, rounded(filters_out if j else filters_in), rounded(filters_out), expansion,
                          1 if j else stride, DROP_RATE * done / sum(repeats), f"block{i + 1}{chr(97 + j)}_")
                done += 1
        return chain(x, conv(rounded(1280), 1, "top_conv"), norm("top_bn"), swish("top_activation"))

    name = f"efficientnetb{number}"
    files = Published("https://storage.googleapis.com/keras-applications/", (f"{name}.h5", f"{name}_notop.h5"),
                      (hashes[0], hashes[1]))
    return application(f"EfficientNetB{number}", name, body, files, size=size, top=top(dropout),
                       pool_names=POOL_NAMES, reference="EfficientNet: Rethinking Model Scaling for Convolutional "
                       "Neural Networks, https://arxiv.org/abs/1905.11946")


def top(dropout: float) -> Callable[[Tensor, Given], Tensor]:
    """The classifier behind a dropout."""
    def made(x: Tensor, given: Given) -> Tensor:
        return classifier(x, given, dropout=dropout, kernel_initializer=DENSE_INITIALIZER)

    return made


EfficientNetB0 = family(0, 1.0, 1.0, 224, 0.2,
                        "902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")
EfficientNetB1 = family(1, 1.0, 1.1, 240, 0.2,
                        "1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")
EfficientNetB2 = family(2, 1.1, 1.2, 260, 0.3,
                        "b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")
EfficientNetB3 = family(3, 1.2, 1.4, 300, 0.3,
                        "ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")
EfficientNetB4 = family(4, 1.4, 1.8, 380, 0.4,
                        "18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")
EfficientNetB5 = family(5, 1.6, 2.2, 456, 0.4,
                        "ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")
EfficientNetB6 = family(6, 1.8, 2.6, 528, 0.5,
                        "165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743")
EfficientNetB7 = family(7, 2.0, 3.1, 600, 0.5,
                        "8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a")
preprocess_input = preprocessing(None)

__all__ = ["EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
           "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input"]
