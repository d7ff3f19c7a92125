"""AlexNet in one column (Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks")."""
from __future__ import annotations

from typing import Any

from ....compiler.ops.reduction import reduce_mean
from ....initializers import constant, truncated_normal, zeros
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope
from .vgg import Logits, classified

__all__ = ["alexnet_v2", "alexnet_v2_arg_scope"]


def alexnet_v2_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The arguments of AlexNet's layers."""
    with arg_scope([layers.conv2d, layers.fully_connected], activation_fn=relu, biases_initializer=constant(0.1),
                   weights_regularizer=layers.l2_regularizer(weight_decay)):
        with arg_scope([layers.conv2d], padding="SAME"):
            with arg_scope([layers.max_pool2d], padding="VALID") as scope:
                return scope


def alexnet_v2(inputs: Any, num_classes: int | None = 1000, is_training: bool = True, dropout_keep_prob: float = 0.5,
               spatial_squeeze: bool = True, scope: str | None = "alexnet_v2", global_pool: bool = False) -> Logits:
    """AlexNet for images of 224 pixels: (logits, the layers' outputs by name)."""
    with variable_scope(scope, "alexnet_v2", [inputs]) as outer:
        collection = outer.original_name_scope + "_end_points"
        with arg_scope([layers.conv2d, layers.fully_connected, layers.max_pool2d], outputs_collections=[collection]):
            net = layers.conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = layers.max_pool2d(net, [3, 3], 2, scope="pool1")
            net = layers.conv2d(net, 192, [5, 5], scope="conv2")
            net = layers.max_pool2d(net, [3, 3], 2, scope="pool2")
            net = layers.conv2d(net, 384, [3, 3], scope="conv3")
            net = layers.conv2d(net, 384, [3, 3], scope="conv4")
            net = layers.conv2d(net, 256, [3, 3], scope="conv5")
            net = layers.max_pool2d(net, [3, 3], 2, scope="pool5")
            with arg_scope([layers.conv2d], weights_initializer=truncated_normal(0.0, 0.005),
                           biases_initializer=constant(0.1)):
                net = layers.conv2d(net, 4096, [5, 5], padding="VALID", scope="fc6")
                net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
                net = layers.conv2d(net, 4096, [1, 1], scope="fc7")
                if global_pool:
                    net = reduce_mean(net, [1, 2], True, "global_pool")
                return classified(net, num_classes, is_training, dropout_keep_prob, spatial_squeeze, collection,
                                  outer.name, "fc8", biases_initializer=zeros())


alexnet_v2.default_image_size = 224  # type: ignore[attr-defined]
