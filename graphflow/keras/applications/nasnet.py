"""NASNet-A (Zoph et al., 2017, https://arxiv.org/abs/1707.07012)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from .. import backend
from ..layers import (
    Activation,
    AveragePooling2D,
    Conv2D,
    Cropping2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
    add,
    concatenate,
)
from ..layers.input_spec import shape_of
from ..models import Model
from .application import (
    BASE_URL,
    Given,
    Published,
    chain,
    channels_of,
    check,
    classifier,
    named,
    needs_channels_last,
    network,
    norm,
    same_padding,
)
from .imagenet_utils import decode_predictions, obtain_input_shape, preprocessing


def scale(name: str) -> Any:
    return norm(name, momentum=0.9997, epsilon=1e-3)


def relu() -> Activation:
    return Activation("relu")


def conv(filters: int, name: str) -> Conv2D:
    return Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)


def separable(x: Tensor, filters: int, kernel: int, block: str, stride: int = 1) -> Tensor:
    """Two separable convolutions, the first with the stride."""
    x = relu()(x)
    if stride == 2:
        x = ZeroPadding2D(same_padding(x, kernel), name=f"separable_conv_1_pad_{block}")(x)
    return chain(x, SeparableConv2D(filters, kernel, strides=stride, padding="valid" if stride == 2 else "same",
                                    use_bias=False, name=f"separable_conv_1_{block}"),
                 scale(f"separable_conv_1_bn_{block}"), relu(),
                 SeparableConv2D(filters, kernel, padding="same", use_bias=False, name=f"separable_conv_2_{block}"),
                 scale(f"separable_conv_2_bn_{block}"))


def average(x: Tensor, stride: int, name: str, padding: str = "same", size: int = 3) -> Tensor:
    return AveragePooling2D(size, strides=stride, padding=padding, name=name)(x)


def adjusted(before: Tensor | None, x: Tensor, filters: int, block: str) -> Tensor:
    """The output of the cell before the last, with the size and channels that this cell needs."""
    if before is None:
        return x
    if shape_of(before)[-2] != shape_of(x)[-2]:
        active = Activation("relu", name=f"adjust_relu_1_{block}")(before)
        even = chain(average(active, 2, f"adjust_avg_pool_1_{block}", "valid", 1),
                     conv(filters // 2, f"adjust_conv_1_{block}"))
        shifted = chain(active, ZeroPadding2D(((0, 1), (0, 1))), Cropping2D(((1, 0), (1, 0))))
        odd = chain(average(shifted, 2, f"adjust_avg_pool_2_{block}", "valid", 1),
                    conv(filters // 2, f"adjust_conv_2_{block}"))
        return scale(f"adjust_bn_{block}")(concatenate([even, odd]))
    if channels_of(before) != filters:
        return chain(before, relu(), conv(filters, f"adjust_conv_projection_{block}"), scale(f"adjust_bn_{block}"))
    return before


def normal_cell(x: Tensor, before: Tensor | None, filters: int, block: str) -> Tensor:
    def name(part: str) -> str:
        return f"normal_{part}_{block}"

    p = adjusted(before, x, filters, block)
    h = chain(x, relu(), conv(filters, name("conv_1")), scale(name("bn_1")))
    x1 = add([separable(h, filters, 5, name("left1")), separable(p, filters, 3, name("right1"))], name=name("add_1"))
    x2 = add([separable(p, filters, 5, name("left2")), separable(p, filters, 3, name("right2"))], name=name("add_2"))
    x3 = add([average(h, 1, name("left3")), p], name=name("add_3"))
    x4 = add([average(p, 1, name("left4")), average(p, 1, name("right4"))], name=name("add_4"))
    x5 = add([separable(h, filters, 3, name("left5")), h], name=name("add_5"))
    return concatenate([p, x1, x2, x3, x4, x5], name=name("concat"))


def reduction_cell(x: Tensor, before: Tensor | None, filters: int, block: str) -> Tensor:
    def name(part: str) -> str:
        return f"reduction_{part}_{block}"

    def largest(x: Tensor, part: str) -> Tensor:
        return MaxPooling2D(3, strides=2, name=name(part))(x)

    p = adjusted(before, x, filters, block)
    h = chain(x, relu(), conv(filters, name("conv_1")), scale(name("bn_1")))
    wide = ZeroPadding2D(same_padding(h, 3), name=name("pad_1"))(h)
    x1 = add([separable(h, filters, 5, name("left1"), 2), separable(p, filters, 7, name("right1"), 2)],
             name=name("add_1"))
    x2 = add([largest(wide, "left2"), separable(p, filters, 7, name("right2"), 2)], name=name("add_2"))
    x3 = add([average(wide, 2, name("left3"), "valid"), separable(p, filters, 5, name("right3"), 2)],
             name=name("add3"))
    x4 = add([x2, average(x1, 1, name("left4"))])
    x5 = add([separable(x1, filters, 3, name("left4")), largest(wide, "right5")], name=name("add4"))
    return concatenate([x2, x3, x4, x5], name=name("concat"))


def family(kind: str, penultimate: int, count: int, stem: int, skip_reduction: bool, size: int, *hashes: str
           ) -> Callable[..., Model]:
    filters = penultimate // 24
    files = Published(f"{BASE_URL}nasnet/", (f"nasnet_{kind}.h5", f"nasnet_{kind}_no_top.h5"), (hashes[0], hashes[1]),
                      (f"NASNet-{kind}.h5", f"NASNet-{kind}-no-top.h5"))

    def body(x: Tensor, given: Given) -> Tensor:
        x = chain(x, Conv2D(stem, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1"),
                  scale("stem_bn1"))
        last, x = x, reduction_cell(x, None, filters // 4, "stem_1")
        before, last = last, x
        x = reduction_cell(x, before, filters // 2, "stem_2")
        for stage in range(3):
            if stage:
                reduced = reduction_cell(x, last, filters * 2**stage, f"reduce_{stage * count}")
                last, x = last if skip_reduction else x, reduced
            for i in range(count):
                x, last = normal_cell(x, last, filters * 2**stage, f"{stage * count + i + bool(stage)}"), x
        return relu()(x)

    def make(input_shape: Any = None, include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
             pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
             name: str = f"nasnet_{kind}") -> Model:
        needs_channels_last(f"NASNet{kind.title()}")
        check(weights, include_top, classes)
        if input_shape is None and not include_top and kind == "mobile":
            input_shape = (size, size, 3)
        if weights == "imagenet" and input_shape is not None and None in input_shape:
            raise ValueError("When specifying the input shape of a NASNet and loading `ImageNet` weights, the "
                             "input_shape argument must be static (no None entries). Received: "
                             f"input_shape={input_shape}")
        shape = obtain_input_shape(input_shape, size, 32, backend.image_data_format(), include_top, weights)
        given = Given(include_top, weights, classes, classifier_activation, name, pooling)
        return network(body, given, shape, input_tensor, files.path, lambda x, given: classifier(x, given, None))

    return named(make, f"NASNet{kind.title()}", size, 32,
                 "Learning Transferable Architectures for Scalable Image Recognition, https://arxiv.org/abs/1707.07012")


NASNetMobile = family("mobile", 1056, 4, 32, False, 224,
                      "020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63")
NASNetLarge = family("large", 4032, 6, 96, True, 331,
                     "11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5")
preprocess_input = preprocessing("tf")

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]
