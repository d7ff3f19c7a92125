"""Inception v1, GoogLeNet (Szegedy et al. 2014, "Going deeper with convolutions")."""
from __future__ import annotations

from typing import Any

from ....initializers import truncated_normal
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope
from .inception_utils import Outputs, base, classified, inception_arg_scope

__all__ = ["inception_v1", "inception_v1_arg_scope", "inception_v1_base"]


def _block(one: int, three: tuple[int, int], five: tuple[int, int], pool: int, last: str = "0b") -> tuple[str, ...]:
    """1x1 | 1x1, 3x3 | 1x1, 3x3 (5x5 in the paper) | pooling, 1x1; `last` is in a scope: TensorFlow slipped."""
    return (f"Conv2d_0a_1x1:{one}", f"Conv2d_0a_1x1:{three[0]} Conv2d_0b_3x3:{three[1]}",
            f"Conv2d_0a_1x1:{five[0]} Conv2d_{last}_3x3:{five[1]}", f"MaxPool_0a_3x3 Conv2d_0b_1x1:{pool}")


_STEPS = {
    "Conv2d_1a_7x7": ":64/2", "MaxPool_2a_3x3": "/2", "Conv2d_2b_1x1": ":64", "Conv2d_2c_3x3": ":192",
    "MaxPool_3a_3x3": "/2", "Mixed_3b": _block(64, (96, 128), (16, 32), 32),
    "Mixed_3c": _block(128, (128, 192), (32, 96), 64), "MaxPool_4a_3x3": "/2",
    "Mixed_4b": _block(192, (96, 208), (16, 48), 64), "Mixed_4c": _block(160, (112, 224), (24, 64), 64),
    "Mixed_4d": _block(128, (128, 256), (24, 64), 64), "Mixed_4e": _block(112, (144, 288), (32, 64), 64),
    "Mixed_4f": _block(256, (160, 320), (32, 128), 128), "MaxPool_5a_2x2": "/2",
    "Mixed_5b": _block(256, (160, 320), (32, 128), 128, "0a"), "Mixed_5c": _block(384, (192, 384), (48, 128), 128),
}


def inception_v1_base(inputs: Any, final_endpoint: str = "Mixed_5c", scope: Any = "InceptionV1") -> Outputs:
    """The network up to `final_endpoint`: (that output, each step's output by name). Raises ValueError for another
    name."""
    with variable_scope(scope, "InceptionV1", [inputs]):
        with arg_scope([layers.conv2d, layers.fully_connected], weights_initializer=truncated_normal(0.0, 0.01)):
            return base(inputs, _STEPS, final_endpoint, int)


def inception_v1(inputs: Any, num_classes: int = 1000, is_training: bool = True, dropout_keep_prob: float = 0.8,
                 prediction_fn: Any = layers.softmax, spatial_squeeze: bool = True, reuse: Any = None,
                 scope: Any = "InceptionV1") -> Outputs:
    """Inception v1 for images of 224 pixels: (logits, the steps' outputs by name, with Logits and Predictions)."""
    with variable_scope(scope, "InceptionV1", [inputs, num_classes], reuse=reuse) as outer:
        with arg_scope([layers.batch_norm, layers.dropout], is_training=is_training):
            net, endpoints = inception_v1_base(inputs, scope=outer)
            with variable_scope("Logits"):
                net = layers.avg_pool2d(net, [7, 7], stride=1, scope="MaxPool_0a_7x7")
                net = layers.dropout(net, dropout_keep_prob, scope="Dropout_0b")
                endpoints["Logits"] = logits = classified(net, num_classes, "Conv2d_0c_1x1", spatial_squeeze)
                endpoints["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, endpoints


inception_v1.default_image_size = 224  # type: ignore[attr-defined]
inception_v1_arg_scope = inception_arg_scope
