"""What both versions of the residual networks share."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ....compiler.ir import Tensor
from ....compiler.names import named
from ....compiler.ops.reduction import reduce_mean
from ....compiler.ops.slicing import pad
from ....compiler.ops.view import squeeze
from ....framework import GraphKeys
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import add_arg_scope, arg_scope
from ...layers.utils import collect_named_outputs, convert_collection_to_dict
from .vgg import Logits

__all__ = ["Block", "conv2d_same", "resnet_arg_scope", "stack_blocks_dense", "subsample"]


class Block(NamedTuple):
    """A block: its scope, the function of a unit, and the arguments of each unit."""

    scope: str
    unit_fn: Callable[..., Tensor]
    args: Sequence[Any]


def subsample(inputs: Tensor, factor: int, scope: str | None = None) -> Tensor:
    """Every `factor`-th pixel."""
    return inputs if factor == 1 else layers.max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(inputs: Tensor, num_outputs: int, kernel_size: int, stride: int, rate: int = 1,
                scope: str | None = None) -> Tensor:
    """A convolution padded alike on both sides, whatever the size of the image."""
    if stride == 1:
        return layers.conv2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope)
    total = (kernel_size - 1) * rate
    before = total // 2
    padded = pad(inputs, [[0, 0], [before, total - before], [before, total - before], [0, 0]])
    return layers.conv2d(padded, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope)


@add_arg_scope
def stack_blocks_dense(net: Tensor, blocks: Sequence[Block], output_stride: int | None = None,
                       store_non_strided_activations: bool = False, outputs_collections: Any = None) -> Tensor:
    """The blocks one after the other. Where `output_stride` is reached, units dilate instead of striding.

    Raises ValueError where it cannot be reached.
    """
    stride, rate = 1, 1
    for block in blocks:
        with variable_scope(block.scope, "block", [net]) as scope:
            for i, unit in enumerate(block.args, 1):
                if output_stride is not None and stride > output_stride:
                    raise ValueError("The target output_stride cannot be reached.")
                with variable_scope(f"unit_{i}", values=[net]):
                    if output_stride is not None and stride == output_stride:
                        net = block.unit_fn(net, rate=rate, **{**unit, "stride": 1})
                        rate *= unit.get("stride", 1)
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        stride *= unit.get("stride", 1)
            net = collect_named_outputs(outputs_collections, scope.name, net)
    if output_stride is not None and stride != output_stride:
        raise ValueError("The target output_stride cannot be reached.")
    return net


def resnet_arg_scope(weight_decay: float = 0.0001, batch_norm_decay: float = 0.997, batch_norm_epsilon: float = 1e-5,
                     batch_norm_scale: bool = True, activation_fn: Any = relu, use_batch_norm: bool = True) -> Any:
    """The arguments of a residual network's layers."""
    norm = {"decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale,
            "updates_collections": GraphKeys.UPDATE_OPS, "fused": None}
    with arg_scope([layers.conv2d], weights_regularizer=layers.l2_regularizer(weight_decay),
                   weights_initializer=layers.variance_scaling_initializer(), activation_fn=activation_fn,
                   normalizer_fn=layers.batch_norm if use_batch_norm else None, normalizer_params=norm):
        with arg_scope([layers.batch_norm], **norm):
            with arg_scope([layers.max_pool2d], padding="SAME") as scope:
                return scope


def resnet(name: str, unit: Callable[..., Tensor], preactivated: bool, inputs: Tensor, blocks: Sequence[Block],
           num_classes: int | None, is_training: bool, global_pool: bool, output_stride: int | None,
           include_root_block: bool, spatial_squeeze: bool, reuse: Any, scope: str | None) -> Logits:
    """A network of blocks of `unit`, which has its activations before (`preactivated`, version 2) or after its weights:
    (logits, or features without `num_classes`; the layers' outputs by name)."""
    with variable_scope(scope, name, [inputs], reuse=reuse) as outer:
        collection = outer.original_name_scope + "_end_points"
        with arg_scope([layers.conv2d, unit, stack_blocks_dense], outputs_collections=collection):
            with arg_scope([layers.batch_norm], is_training=is_training):
                net = inputs
                if include_root_block:
                    if output_stride is not None:
                        if output_stride % 4:
                            raise ValueError("The output_stride needs to be a multiple of 4.")
                        output_stride //= 4
                    bare = {"activation_fn": None, "normalizer_fn": None} if preactivated else {}
                    with arg_scope([layers.conv2d], **bare):
                        net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
                    net = layers.max_pool2d(net, [3, 3], stride=2, scope="pool1")
                net = stack_blocks_dense(net, blocks, output_stride)
                if preactivated:
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


def block(unit: Callable[..., Tensor], scope: str, base_depth: int, num_units: int, stride: int) -> Block:
    """`num_units` of a unit, the last of which strides."""
    arguments = {"depth": base_depth * 4, "depth_bottleneck": base_depth, "stride": 1}
    return Block(scope, unit, [arguments] * (num_units - 1) + [{**arguments, "stride": stride}])


def sized(name: str, version: Callable[..., Logits], unit: Callable[..., Tensor], units: Sequence[int]
          ) -> Callable[..., Logits]:
    """The network whose four blocks have so many units."""
    def network(inputs: Any, num_classes: int | None = None, is_training: bool = True, global_pool: bool = True,
                output_stride: int | None = None, spatial_squeeze: bool = True,
                store_non_strided_activations: bool = False, reuse: Any = None, scope: str | None = name) -> Logits:
        blocks = [block(unit, f"block{i}", 32 << i, count, 2 if i < 4 else 1) for i, count in enumerate(units, 1)]
        return version(inputs, blocks, num_classes, is_training, global_pool, output_stride, True, spatial_squeeze,
                       store_non_strided_activations, reuse, scope)

    network.default_image_size = 224  # type: ignore[attr-defined]
    return named(name, network, f"The network with {3 * sum(units) + 2} layers of weights.")
