"""Inception v3 (Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision")."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....compiler.ir import Tensor
from ....initializers import truncated_normal
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope
from .inception_utils import Outputs, base, classified, inception_arg_scope

__all__ = ["inception_v3", "inception_v3_arg_scope", "inception_v3_base"]


def _large(pool: int, first: str = "Conv2d_0a_1x1", second: str = "Conv2d_0b_5x5") -> tuple[str, ...]:
    return ("Conv2d_0a_1x1:64", f"{first}:48 {second}:64", "Conv2d_0a_1x1:64 Conv2d_0b_3x3:96 Conv2d_0c_3x3:96",
            f"AvgPool_0a_3x3 Conv2d_0b_1x1:{pool}")


def _factored(n: int) -> tuple[str, ...]:
    """7x7 as 1x7 and 7x1, with `n` channels between."""
    return ("Conv2d_0a_1x1:192", f"Conv2d_0a_1x1:{n} Conv2d_0b_1x7:{n} Conv2d_0c_7x1:192",
            f"Conv2d_0a_1x1:{n} Conv2d_0b_7x1:{n} Conv2d_0c_1x7:{n} Conv2d_0d_7x1:{n} Conv2d_0e_1x7:192",
            "AvgPool_0a_3x3 Conv2d_0b_1x1:192")


def _wide(second: str) -> tuple[str, ...]:
    return ("Conv2d_0a_1x1:320", f"Conv2d_0a_1x1:384 Conv2d_0b_1x3:384|{second}:384",
            "Conv2d_0a_1x1:448 Conv2d_0b_3x3:384 Conv2d_0c_1x3:384|Conv2d_0d_3x1:384",
            "AvgPool_0a_3x3 Conv2d_0b_1x1:192")


_STEPS = {
    "Conv2d_1a_3x3": ":32/2v", "Conv2d_2a_3x3": ":32v", "Conv2d_2b_3x3": ":64", "MaxPool_3a_3x3": "/2v",
    "Conv2d_3b_1x1": ":80v", "Conv2d_4a_3x3": ":192v", "MaxPool_5a_3x3": "/2v", "Mixed_5b": _large(32),
    "Mixed_5c": _large(64, "Conv2d_0b_1x1", "Conv_1_0c_5x5"), "Mixed_5d": _large(64),
    "Mixed_6a": ("Conv2d_1a_1x1=3x3:384/2v", "Conv2d_0a_1x1:64 Conv2d_0b_3x3:96 Conv2d_1a_1x1=3x3:96/2v",
                 "MaxPool_1a_3x3/2v"),
    "Mixed_6b": _factored(128), "Mixed_6c": _factored(160), "Mixed_6d": _factored(160), "Mixed_6e": _factored(192),
    "Mixed_7a": ("Conv2d_0a_1x1:192 Conv2d_1a_3x3:320/2v",
                 "Conv2d_0a_1x1:192 Conv2d_0b_1x7:192 Conv2d_0c_7x1:192 Conv2d_1a_3x3:192/2v", "MaxPool_1a_3x3/2v"),
    "Mixed_7b": _wide("Conv2d_0b_3x1"), "Mixed_7c": _wide("Conv2d_0c_3x1"),
}


def _depth(depth_multiplier: float, min_depth: int) -> Callable[[int], int]:
    if depth_multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    return lambda channels: max(int(channels * depth_multiplier), min_depth)


def inception_v3_base(inputs: Any, final_endpoint: str = "Mixed_7c", min_depth: int = 16,
                      depth_multiplier: float = 1.0, scope: Any = None) -> Outputs:
    """The network up to `final_endpoint`: (that output, each step's output by name). Channels are multiplied by
    `depth_multiplier`, down to `min_depth`. Raises ValueError for another name or a multiplier not above 0."""
    with variable_scope(scope, "InceptionV3", [inputs]):
        return base(inputs, _STEPS, final_endpoint, _depth(depth_multiplier, min_depth))


def inception_v3(inputs: Any, num_classes: int = 1000, is_training: bool = True, dropout_keep_prob: float = 0.8,
                 min_depth: int = 16, depth_multiplier: float = 1.0, prediction_fn: Any = layers.softmax,
                 spatial_squeeze: bool = True, reuse: Any = None, scope: Any = "InceptionV3") -> Outputs:
    """Inception v3 for images of 299 pixels: (logits, the steps' outputs by name, with AuxLogits, PreLogits, Logits and
    Predictions)."""
    depth = _depth(depth_multiplier, min_depth)
    with variable_scope(scope, "InceptionV3", [inputs, num_classes], reuse=reuse) as outer:
        with arg_scope([layers.batch_norm, layers.dropout], is_training=is_training):
            net, endpoints = inception_v3_base(inputs, scope=outer, min_depth=min_depth,
                                               depth_multiplier=depth_multiplier)
            with variable_scope("AuxLogits"):
                aux = layers.avg_pool2d(endpoints["Mixed_6e"], [5, 5], stride=3, padding="VALID",
                                        scope="AvgPool_1a_5x5")
                aux = layers.conv2d(aux, depth(128), [1, 1], scope="Conv2d_1b_1x1")
                size = _fitting(aux, 5)
                aux = layers.conv2d(aux, depth(768), size, weights_initializer=truncated_normal(0.0, 0.01),
                                    padding="VALID", scope=f"Conv2d_2a_{size[0]}x{size[1]}")
                endpoints["AuxLogits"] = classified(aux, num_classes, "Conv2d_2b_1x1", spatial_squeeze,
                                                    weights_initializer=truncated_normal(0.0, 0.001))
            with variable_scope("Logits"):
                size = _fitting(net, 8)
                net = layers.avg_pool2d(net, size, padding="VALID", scope=f"AvgPool_1a_{size[0]}x{size[1]}")
                endpoints["PreLogits"] = net = layers.dropout(net, dropout_keep_prob, scope="Dropout_1b")
                logits = classified(net, num_classes, "Conv2d_1c_1x1", spatial_squeeze)
            endpoints["Logits"] = logits
            endpoints["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, endpoints


def _fitting(net: Tensor, size: int) -> list[int]:
    """A window of `size`, or of a known smaller image."""
    known = [k for k in net.shape.as_list()[1:3] if k is not None]
    return [size, size] if len(known) < 2 else [min(size, k) for k in known]


inception_v3.default_image_size = 299  # type: ignore[attr-defined]


def inception_v3_arg_scope(weight_decay: float = 0.00004, batch_norm_var_collection: str = "moving_vars",
                           use_fused_batchnorm: bool = True) -> Any:
    """The arguments of Inception v3's layers."""
    return inception_arg_scope(weight_decay, True, batch_norm_var_collection, use_fused_batchnorm)
