"""OverFeat, its fast network (Sermanet et al. 2014, "OverFeat: integrated recognition, localization and detection")."""
from __future__ import annotations

from typing import Any

from ....initializers import constant, truncated_normal, zeros
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope
from .vgg import Logits, classified

__all__ = ["overfeat", "overfeat_arg_scope"]


def overfeat_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The arguments of OverFeat's layers."""
    with arg_scope([layers.conv2d, layers.fully_connected], activation_fn=relu, biases_initializer=zeros(),
                   weights_regularizer=layers.l2_regularizer(weight_decay)):
        with arg_scope([layers.conv2d], padding="SAME"):
            with arg_scope([layers.max_pool2d], padding="VALID") as scope:
                return scope


def overfeat(inputs: Any, num_classes: int = 1000, is_training: bool = True, dropout_keep_prob: float = 0.5,
             spatial_squeeze: bool = True, scope: str | None = "overfeat") -> Logits:
    """OverFeat for images of 231 pixels: (logits, the layers' outputs by name)."""
    with variable_scope(scope, "overfeat", [inputs]) as outer:
        collection = outer.name + "_end_points"
        with arg_scope([layers.conv2d, layers.fully_connected, layers.max_pool2d], outputs_collections=collection):
            net = layers.conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = layers.max_pool2d(net, [2, 2], scope="pool1")
            net = layers.conv2d(net, 256, [5, 5], padding="VALID", scope="conv2")
            net = layers.max_pool2d(net, [2, 2], scope="pool2")
            net = layers.conv2d(net, 512, [3, 3], scope="conv3")
            net = layers.conv2d(net, 1024, [3, 3], scope="conv4")
            net = layers.conv2d(net, 1024, [3, 3], scope="conv5")
            net = layers.max_pool2d(net, [2, 2], scope="pool5")
            with arg_scope([layers.conv2d], weights_initializer=truncated_normal(0.0, 0.005),
                           biases_initializer=constant(0.1)):
                net = layers.conv2d(net, 3072, [6, 6], padding="VALID", scope="fc6")
                net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
                net = layers.conv2d(net, 4096, [1, 1], scope="fc7")
                return classified(net, num_classes, is_training, dropout_keep_prob, spatial_squeeze, collection,
                                  outer.name, "fc8", biases_initializer=zeros())


overfeat.default_image_size = 231  # type: ignore[attr-defined]
