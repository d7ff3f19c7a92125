"""VGG networks (Simonyan & Zisserman 2014), with their dense layers as convolutions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....compiler.ir import Tensor
from ....compiler.names import named
from ....compiler.ops.reduction import reduce_mean
from ....compiler.ops.view import squeeze
from ....initializers import zeros
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope
from ...layers.utils import convert_collection_to_dict

__all__ = ["vgg_16", "vgg_19", "vgg_a", "vgg_arg_scope"]

Logits = tuple[Tensor, dict[str, Tensor]]


def vgg_arg_scope(weight_decay: float = 0.0005) -> Any:
    """The arguments of VGG's layers: penalties, initial biases, padding."""
    with arg_scope([layers.conv2d, layers.fully_connected], activation_fn=relu,
                   weights_regularizer=layers.l2_regularizer(weight_decay), biases_initializer=zeros()):
        with arg_scope([layers.conv2d], padding="SAME") as scope:
            return scope


def classified(net: Tensor, num_classes: int | None, is_training: bool, dropout_keep_prob: float,
               spatial_squeeze: bool, collection: str, scope: str, name: str, **options: Any) -> Logits:
    """The last layer (`name`) behind dropout, and every layer's output by its name."""
    endpoints = convert_collection_to_dict(collection)
    if num_classes:
        net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
        net = layers.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope=name, **options)
        if spatial_squeeze:
            net = squeeze(net, [1, 2], name=f"{name}/squeezed")
        endpoints[f"{scope}/{name}"] = net
    return net, endpoints


def _network(default_name: str, convolutions: tuple[int, ...], size: int) -> Callable[..., Logits]:
    """A VGG with so many convolutions in each of its five blocks."""
    def network(inputs: Any, num_classes: int | None = 1000, is_training: bool = True, dropout_keep_prob: float = 0.5,
                spatial_squeeze: bool = True, scope: str | None = default_name, fc_conv_padding: str = "VALID",
                global_pool: bool = False) -> Logits:
        with variable_scope(scope, default_name, [inputs]) as outer:
            collection = outer.original_name_scope + "_end_points"
            with arg_scope([layers.conv2d, layers.fully_connected, layers.max_pool2d],
                           outputs_collections=collection):
                net = inputs
                for i, (count, width) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), 1):
                    net = layers.repeat(net, count, layers.conv2d, width, [3, 3], scope=f"conv{i}")
                    net = layers.max_pool2d(net, [2, 2], scope=f"pool{i}")
                net = layers.conv2d(net, 4096, [7, 7], padding=fc_conv_padding, scope="fc6")
                net = layers.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
                net = layers.conv2d(net, 4096, [1, 1], scope="fc7")
                if global_pool:
                    net = reduce_mean(net, [1, 2], True, "global_pool")
                return classified(net, num_classes, is_training, dropout_keep_prob, spatial_squeeze, collection,
                                  outer.name, "fc8")

    network.default_image_size = size  # type: ignore[attr-defined]
    return named(default_name, network, f"VGG with {sum(convolutions) + 3} layers of weights for images of {size} "
                                        "pixels: (logits, the layers' outputs by name).")


vgg_a = _network("vgg_a", (1, 1, 2, 2, 2), 224)
vgg_16 = _network("vgg_16", (2, 2, 3, 3, 3), 224)
vgg_19 = _network("vgg_19", (2, 2, 4, 4, 4), 224)
