"""EfficientNetV2 (Tan & Le, 2021, https://arxiv.org/abs/2104.00298)."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from .. import backend
from ..layers import DepthwiseConv2D
from ..layers.preprocessing.normalization import Normalization, Rescaling
from ..models import Model
from .application import (
    POOL_NAMES,
    Given,
    chain,
    channel_axis,
    channels_of,
    check,
    named,
    network,
    norm,
    published,
)
from .efficientnet import CONV_INITIALIZER, DROP_RATE, conv, excited, swish, top, with_shortcut
from .imagenet_utils import DEVIATIONS, MEANS, decode_predictions, obtain_input_shape, preprocessing

# (blocks, filters in, filters out, expansion, squeezed to, stride of the first block, whether one convolution stands
# for expansion and depthwise convolution)
STAGES = {
    "b": ((1, 32, 16, 1, 0, 1, True), (2, 16, 32, 4, 0, 2, True), (2, 32, 48, 4, 0, 2, True),
          (3, 48, 96, 4, 0.25, 2, False), (5, 96, 112, 6, 0.25, 1, False), (8, 112, 192, 6, 0.25, 2, False)),
    "s": ((2, 24, 24, 1, 0, 1, True), (4, 24, 48, 4, 0, 2, True), (4, 48, 64, 4, 0, 2, True),
          (6, 64, 128, 4, 0.25, 2, False), (9, 128, 160, 6, 0.25, 1, False), (15, 160, 256, 6, 0.25, 2, False)),
    "m": ((3, 24, 24, 1, 0, 1, True), (5, 24, 48, 4, 0, 2, True), (5, 48, 80, 4, 0, 2, True),
          (7, 80, 160, 4, 0.25, 2, False), (14, 160, 176, 6, 0.25, 1, False), (18, 176, 304, 6, 0.25, 2, False),
          (5, 304, 512, 6, 0.25, 1, False)),
    "l": ((4, 32, 32, 1, 0, 1, True), (7, 32, 64, 4, 0, 2, True), (7, 64, 96, 4, 0, 2, True),
          (10, 96, 192, 4, 0.25, 2, False), (19, 192, 224, 6, 0.25, 1, False), (25, 224, 384, 6, 0.25, 2, False),
          (7, 384, 640, 6, 0.25, 1, False)),
}


def scale(name: str) -> Any:
    return norm(name, momentum=0.9)


def block(x: Tensor, filters_in: int, filters_out: int, expansion: int, squeeze: float, stride: int, fused: bool,
          rate: float, prefix: str) -> Tensor:
    inputs, wide = x, filters_in * expansion
    if expansion != 1:
        kernel, step = (3, stride) if fused else (1, 1)
        x = chain(x, conv(wide, kernel, f"{prefix}expand_conv", step), scale(f"{prefix}expand_bn"),
                  swish(f"{prefix}expand_activation"))
    if not fused:
        x = chain(x, DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False,
                                     depthwise_initializer=CONV_INITIALIZER, name=f"{prefix}dwconv2"),
                  scale(f"{prefix}bn"), swish(f"{prefix}activation"))
    if squeeze:
        x = excited(x, wide, filters_in * squeeze, prefix)
    alone = fused and expansion == 1
    kernel, step = (3, stride) if alone else (1, 1)
    x = chain(x, conv(filters_out, kernel, f"{prefix}project_conv", step), scale(f"{prefix}project_bn"))
    if alone:
        x = swish(f"{prefix}project_activation")(x)
    return with_shortcut(x, inputs, rate, prefix) if stride == 1 and filters_in == filters_out else x


def family(kind: str, width: float, depth: float, size: int, *hashes: str) -> Callable[..., Model]:
    usual_name = f"efficientnetv2-{kind}"
    stages = STAGES[kind[0]]

    def rounded(filters: int) -> int:
        return max(8, int(filters * width + 4) // 8 * 8)

    def scaled(x: Tensor) -> Tensor:
        """Pixels from 0 to 255 as the network was trained to see them."""
        if kind.startswith("b") and channels_of(x) == 3:
            return chain(x, Rescaling(1.0 / 255), Normalization(mean=list(MEANS["torch"]), axis=channel_axis(),
                                                                variance=[d * d for d in DEVIATIONS]))
        return Rescaling(1.0 / 128.0, offset=-1)(x)

    def body(x: Tensor, given: Given) -> Tensor:
        x = chain(x, conv(rounded(stages[0][1]), 3, "stem_conv", 2), scale("stem_bn"), swish("stem_activation"))
        done, count = 0, sum(repeats for repeats, *_ in stages)  # Keras counts them as they are before scaling
        for i, (repeats, filters_in, filters_out, expansion, squeeze, stride, fused) in enumerate(stages):
            for j in range(math.ceil(depth * repeats)):
                x = block(x, rounded(filters_out if j else filters_in), rounded(filters_out), expansion, squeeze,
                          1 if j else stride, fused, DROP_RATE * done / count, f"block{i + 1}{chr(97 + j)}_")
                done += 1
        return chain(x, conv(rounded(1280), 1, "top_conv"), scale("top_bn"), swish("top_activation"))

    def make(include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
             pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
             include_preprocessing: bool = True, name: str = usual_name) -> Model:
        check(weights, include_top, classes)
        shape = obtain_input_shape(input_shape, size, 32, backend.image_data_format(), include_top, weights)
        given = Given(include_top, weights, classes, classifier_activation, name, pooling)
        files = published("efficientnet_v2", usual_name, *hashes)
        return network(lambda x, given: body(scaled(x) if include_preprocessing else x, given), given, shape,
                       input_tensor, files.path, top(0.2), POOL_NAMES)

    return named(make, f"EfficientNetV2{kind.upper()}", size, 32,
                 "EfficientNetV2: Smaller Models and Faster Training, https://arxiv.org/abs/2104.00298")


EfficientNetV2B0 = family("b0", 1.0, 1.0, 224,
                          "21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff")
EfficientNetV2B1 = family("b1", 1.0, 1.1, 240,
                          "069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37")
EfficientNetV2B2 = family("b2", 1.1, 1.2, 260,
                          "424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb")
EfficientNetV2B3 = family("b3", 1.2, 1.4, 300,
                          "1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856")
EfficientNetV2S = family("s", 1.0, 1.0, 384,
                         "e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070")
EfficientNetV2M = family("m", 1.0, 1.0, 480,
                         "a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342")
EfficientNetV2L = family("l", 1.0, 1.0, 480,
                         "27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615")
preprocess_input = preprocessing(None)

__all__ = ["EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
           "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input"]
