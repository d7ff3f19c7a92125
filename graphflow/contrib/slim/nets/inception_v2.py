"""Inception v2 (Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training")."""
from __future__ import annotations

from typing import Any

from ....initializers import truncated_normal
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope
from .inception_utils import Outputs, base, classified, inception_arg_scope

__all__ = ["inception_v2", "inception_v2_arg_scope", "inception_v2_base"]

_FIRST = "Conv2d_1a_7x7"


def _block(one: int, three: tuple[int, int], double: tuple[int, int], pool: int, kind: str = "Avg") -> tuple[str, ...]:
    """1x1 | 1x1, 3x3 | 1x1, 3x3, 3x3 | pooling, 1x1."""
    return (f"Conv2d_0a_1x1:{one}", f"Conv2d_0a_1x1:{three[0]}~0.09 Conv2d_0b_3x3:{three[1]}",
            f"Conv2d_0a_1x1:{double[0]}~0.09 Conv2d_0b_3x3:{double[1]} Conv2d_0c_3x3:{double[1]}",
            f"{kind}Pool_0a_3x3 Conv2d_0b_1x1:{pool}~0.1")


def _halving(three: tuple[int, int], double: tuple[int, int]) -> tuple[str, ...]:
    """As a block, at half the resolution."""
    return (f"Conv2d_0a_1x1:{three[0]}~0.09 Conv2d_1a_3x3:{three[1]}/2",
            f"Conv2d_0a_1x1:{double[0]}~0.09 Conv2d_0b_3x3:{double[1]} Conv2d_1a_3x3:{double[1]}/2", "MaxPool_1a_3x3/2")


_STEPS = {
    "MaxPool_2a_3x3": "/2", "Conv2d_2b_1x1": ":64~0.1", "Conv2d_2c_3x3": ":192", "MaxPool_3a_3x3": "/2",
    "Mixed_3b": _block(64, (64, 64), (64, 96), 32), "Mixed_3c": _block(64, (64, 96), (64, 96), 64),
    "Mixed_4a": _halving((128, 160), (64, 96)), "Mixed_4b": _block(224, (64, 96), (96, 128), 128),
    "Mixed_4c": _block(192, (96, 128), (96, 128), 128), "Mixed_4d": _block(160, (128, 160), (128, 160), 96),
    "Mixed_4e": _block(96, (128, 192), (160, 192), 96), "Mixed_5a": _halving((128, 192), (192, 256)),
    "Mixed_5b": _block(352, (192, 320), (160, 224), 128), "Mixed_5c": _block(352, (192, 320), (192, 224), 128, "Max"),
}


def inception_v2_base(inputs: Any, final_endpoint: str = "Mixed_5c", min_depth: int = 16, depth_multiplier: float = 1.0,
                      scope: Any = None) -> Outputs:
    """The network up to `final_endpoint`: (that output, each step's output by name). The first convolution is
    separable. Raises ValueError for another name, and unless depth_multiplier > 0."""
    if depth_multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")

    def depth(d: int) -> int:
        return max(int(d * depth_multiplier), min_depth)

    with variable_scope(scope, "InceptionV2", [inputs]):
        with arg_scope([layers.conv2d, layers.max_pool2d, layers.avg_pool2d, layers.separable_conv2d], stride=1,
                       padding="SAME"):
            net = layers.separable_conv2d(inputs, depth(64), [7, 7], depth_multiplier=min(depth(64) // 3, 8), stride=2,
                                          weights_initializer=truncated_normal(0.0, 1.0), scope=_FIRST)
            if final_endpoint == _FIRST:
                return net, {_FIRST: net}
            last, outputs = base(net, _STEPS, final_endpoint, depth)
            return last, {_FIRST: net, **outputs}


def inception_v2(inputs: Any, num_classes: int = 1000, is_training: bool = True, dropout_keep_prob: float = 0.8,
                 min_depth: int = 16, depth_multiplier: float = 1.0, prediction_fn: Any = layers.softmax,
                 spatial_squeeze: bool = True, reuse: Any = None, scope: Any = "InceptionV2") -> Outputs:
    """Inception v2 for images of 224 pixels: (logits, the steps' outputs by name, with Logits and Predictions)."""
    if depth_multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    with variable_scope(scope, "InceptionV2", [inputs, num_classes], reuse=reuse) as outer:
        with arg_scope([layers.batch_norm, layers.dropout], is_training=is_training):
            net, endpoints = inception_v2_base(inputs, min_depth=min_depth, depth_multiplier=depth_multiplier,
                                               scope=outer)
            with variable_scope("Logits"):
                size = [min(n or 7, 7) for n in net.shape.as_list()[1:3]]
                net = layers.avg_pool2d(net, size, padding="VALID", scope=f"AvgPool_1a_{size[0]}x{size[1]}")
                net = layers.dropout(net, dropout_keep_prob, scope="Dropout_1b")
                endpoints["Logits"] = logits = classified(net, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
                endpoints["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, endpoints


inception_v2.default_image_size = 224  # type: ignore[attr-defined]


def inception_v2_arg_scope(weight_decay: float = 0.00004, batch_norm_var_collection: str = "moving_vars") -> Any:
    """The arguments of Inception v2's layers."""
    return inception_arg_scope(weight_decay, batch_norm_var_collection=batch_norm_var_collection)
