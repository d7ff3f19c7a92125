"""Residual networks, version 1 (He et al. 2015)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....compiler.ir import Tensor
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import add_arg_scope
from ...layers.utils import collect_named_outputs
from . import resnet_utils
from .resnet_utils import Block, resnet_arg_scope
from .vgg import Logits

__all__ = ["bottleneck", "resnet_arg_scope", "resnet_v1", "resnet_v1_101", "resnet_v1_152", "resnet_v1_200",
           "resnet_v1_50", "resnet_v1_block"]


@add_arg_scope
def bottleneck(inputs: Tensor, depth: int, depth_bottleneck: int, stride: int, rate: int = 1,
               outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """A unit of three convolutions, 1x1, 3x3 and 1x1, beside a shortcut."""
    with variable_scope(scope, "bottleneck_v1", [inputs]) as outer:
        if depth == inputs.shape.as_list()[-1]:
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = layers.conv2d(inputs, depth, [1, 1], stride=stride, activation_fn=None, scope="shortcut")
        residual = layers.conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = resnet_utils.conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = layers.conv2d(residual, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        return collect_named_outputs(outputs_collections, outer.name, relu(shortcut + residual))


def resnet_v1(inputs: Tensor, blocks: Sequence[Block], num_classes: int | None = None, is_training: bool = True,
              global_pool: bool = True, output_stride: int | None = None, include_root_block: bool = True,
              spatial_squeeze: bool = True, store_non_strided_activations: bool = False, reuse: Any = None,
              scope: str | None = None) -> Logits:
    """A network of blocks: (logits, or features without `num_classes`; the layers' outputs by name).

    `output_stride` is the size of the image over that of the features (None: 32).
    """
    return resnet_utils.resnet("resnet_v1", bottleneck, False, inputs, blocks, num_classes, is_training, global_pool,
                               output_stride, include_root_block, spatial_squeeze, reuse, scope)


def resnet_v1_block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """`num_units` bottlenecks, the last of which strides."""
    return resnet_utils.block(bottleneck, scope, base_depth, num_units, stride)


resnet_v1_50 = resnet_utils.sized("resnet_v1_50", resnet_v1, bottleneck, (3, 4, 6, 3))
resnet_v1_101 = resnet_utils.sized("resnet_v1_101", resnet_v1, bottleneck, (3, 4, 23, 3))
resnet_v1_152 = resnet_utils.sized("resnet_v1_152", resnet_v1, bottleneck, (3, 8, 36, 3))
resnet_v1_200 = resnet_utils.sized("resnet_v1_200", resnet_v1, bottleneck, (3, 24, 36, 3))
