"""Residual networks, version 2 (He et al. 2016: activations before the weights)."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....compiler.ir import Tensor
from ....compiler.ops.reduction import reduce_mean
from ....compiler.ops.view import squeeze
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import add_arg_scope, arg_scope
from ...layers.utils import collect_named_outputs, convert_collection_to_dict
from . import resnet_utils
from .resnet_utils import Block, resnet_arg_scope
from .vgg import Logits

__all__ = ["bottleneck", "resnet_arg_scope", "resnet_v2", "resnet_v2_101", "resnet_v2_152", "resnet_v2_200",
           "resnet_v2_50", "resnet_v2_block"]


@add_arg_scope
def bottleneck(inputs: Tensor, depth: int, depth_bottleneck: int, stride: int, rate: int = 1,
               outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """A unit of three convolutions, 1x1, 3x3 and 1x1, beside a shortcut."""
    with variable_scope(scope, "bottleneck_v2", [inputs]) as outer:
        preact = layers.batch_norm(inputs, activation_fn=relu, scope="preact")
        if depth == inputs.shape.as_list()[-1]:
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = layers.conv2d(preact, depth, [1, 1], stride=stride, normalizer_fn=None, activation_fn=None,
                                     scope="shortcut")
        residual = layers.conv2d(preact, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = resnet_utils.conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = layers.conv2d(residual, depth, [1, 1], stride=1, normalizer_fn=None, activation_fn=None,
                                 scope="conv3")
        return collect_named_outputs(outputs_collections, outer.name, shortcut + residual)


def resnet_v2(inputs: Tensor, blocks: Sequence[Block], num_classes: int | None = None, is_training: bool = True,
              global_pool: bool = True, output_stride: int | None = None, include_root_block: bool = True,
              spatial_squeeze: bool = True, store_non_strided_activations: bool = False, reuse: Any = None,
              scope: str | None = None) -> Logits:
    """A network of blocks: (logits, or features without `num_classes`; the layers' outputs by name).

    `output_stride` is the size of the image over that of the features (None: 32).
    """
    with variable_scope(scope, "resnet_v2", [inputs], reuse=reuse) as outer:
        collection = outer.original_name_scope + "_end_points"
        with arg_scope([layers.conv2d, bottleneck, resnet_utils.stack_blocks_dense], outputs_collections=collection):
            with arg_scope([layers.batch_norm], is_training=is_training):
                net = inputs
                if include_root_block:
                    if output_stride is not None:
                        if output_stride % 4:
                            raise ValueError("The output_stride needs to be a multiple of 4.")
                        output_stride //= 4
                    with arg_scope([layers.conv2d], activation_fn=None, normalizer_fn=None):
                        net = resnet_utils.conv2d_same(net, 64, 7, stride=2, scope="conv1")
                    net = layers.max_pool2d(net, [3, 3], stride=2, scope="pool1")
                net = resnet_utils.stack_blocks_dense(net, blocks, output_stride)
                net = layers.batch_norm(net, activation_fn=relu, scope="postnorm")
                if global_pool:
                    net = reduce_mean(net, [1, 2], True, "pool5")
                if num_classes:
                    net = layers.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                                        scope="logits")
                endpoints = convert_collection_to_dict(collection)
                if num_classes:
                    if spatial_squeeze:
                        net = squeeze(net, [1, 2], name="SpatialSqueeze")
                    endpoints["predictions"] = layers.softmax(net, scope="predictions")
                return net, endpoints


def resnet_v2_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """`num_units` bottlenecks, the last of which strides."""
    unit = {"depth": base_depth * 4, "depth_bottleneck": base_depth, "stride": 1}
    return Block(scope, bottleneck, [unit] * (num_units - 1) + [{**unit, "stride": stride}])


def _network(default_name: str, units: Sequence[int]) -> Callable[..., Logits]:
    def network(inputs: Any, num_classes: int | None = None, is_training: bool = True, global_pool: bool = True,
                output_stride: int | None = None, spatial_squeeze: bool = True,
                store_non_strided_activations: bool = False, reuse: Any = None, scope: str | None = default_name
                ) -> Logits:
        blocks = [resnet_v2_block(f"block{i}", 32 << i, count, 2 if i < 4 else 1) for i, count in enumerate(units, 1)]
        return resnet_v2(inputs, blocks, num_classes, is_training, global_pool, output_stride, True, spatial_squeeze,
                         store_non_strided_activations, reuse, scope)

    network.__name__ = default_name
    network.__doc__ = f"The network with {3 * sum(units) + 2} layers of weights."
    network.default_image_size = 224  # type: ignore[attr-defined]
    return network


resnet_v2_50 = _network("resnet_v2_50", (3, 4, 6, 3))
resnet_v2_101 = _network("resnet_v2_101", (3, 4, 23, 3))
resnet_v2_152 = _network("resnet_v2_152", (3, 8, 36, 3))
resnet_v2_200 = _network("resnet_v2_200", (3, 24, 36, 3))
