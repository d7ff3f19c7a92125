"""Networks for images, with weights trained on ImageNet: each family in its module, loaded when first used."""
from __future__ import annotations

from typing import Any

from ...lazy import Names

_names = Names(globals(), {
    "convnext": "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge convnext",
    "densenet": "DenseNet121 DenseNet169 DenseNet201 densenet",
    "efficientnet": "EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 "
                    "EfficientNetB6 EfficientNetB7 efficientnet",
    "efficientnet_v2": "EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L "
                       "EfficientNetV2M EfficientNetV2S efficientnet_v2",
    "imagenet_utils": "imagenet_utils",
    "inception_resnet_v2": "InceptionResNetV2 inception_resnet_v2",
    "inception_v3": "InceptionV3 inception_v3",
    "mobilenet": "MobileNet mobilenet",
    "mobilenet_v2": "MobileNetV2 mobilenet_v2",
    "mobilenet_v3": "MobileNetV3Large MobileNetV3Small mobilenet_v3",
    "nasnet": "NASNetLarge NASNetMobile nasnet",
    "resnet": "ResNet101 ResNet152 ResNet50 resnet",
    "resnet50": "resnet50",
    "resnet_v2": "ResNet101V2 ResNet152V2 ResNet50V2 resnet_v2",
    "vgg16": "VGG16 vgg16",
    "vgg19": "VGG19 vgg19",
    "xception": "Xception xception",
})
__all__ = _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
