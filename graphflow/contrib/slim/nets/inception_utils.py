"""What the Inception networks share: their blocks written as text, their arguments and their last layers."""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....compiler.ir import Tensor
from ....compiler.ops.slicing import concat
from ....compiler.ops.view import squeeze
from ....framework import GraphKeys
from ....initializers import truncated_normal
from ....nn import relu
from ....variable_scope import variable_scope
from ... import layers
from ...framework import arg_scope

Outputs = tuple[Tensor, dict[str, Tensor]]

# scope, the kernel's size where the scope does not end with it, channels (none: a pooling), standard deviation of the
# initial weights, stride, "v" without padding
_LAYER = re.compile(r"(?P<scope>\w+?_(?P<named>\dx\d))(=(?P<kernel>\dx\d))?(:(?P<width>\d+))?(~(?P<spread>[\d.]+))?"
                    r"(/(?P<stride>\d))?(?P<valid>v)?")


def base(inputs: Tensor, steps: Mapping[str, str | Sequence[str]], final_endpoint: str,
         depth: Callable[[int], int]) -> Outputs:
    """The steps one after another up to `final_endpoint`: a layer, or branches whose results are joined by channel.
    Also each step's output by name. Raises ValueError for an endpoint that is no step."""
    if final_endpoint not in steps:
        raise ValueError(f"Unknown final endpoint {final_endpoint}")
    net, outputs = inputs, {}
    for name, step in steps.items():
        if isinstance(step, str):
            net = _layer(net, name + step, depth)
        else:
            with variable_scope(name):
                net = concat([_branch(net, k, branch, depth) for k, branch in enumerate(step)], 3)
        outputs[name] = net
        if name == final_endpoint:
            break
    return net, outputs


def _branch(net: Tensor, number: int, text: str, depth: Callable[[int], int]) -> Tensor:
    with variable_scope(f"Branch_{number}"):
        for part in text.split():
            side_by_side = [_layer(net, layer, depth) for layer in part.split("|")]
            net = concat(side_by_side, 3) if len(side_by_side) > 1 else side_by_side[0]
    return net


def _layer(net: Tensor, text: str, depth: Callable[[int], int]) -> Tensor:
    found = _LAYER.fullmatch(text)
    assert found is not None, text
    scope, kernel = found["scope"], [int(size) for size in (found["kernel"] or found["named"]).split("x")]
    options: dict[str, Any] = {"stride": int(found["stride"] or 1), "padding": "VALID" if found["valid"] else "SAME",
                               "scope": scope}
    if found["spread"]:
        options["weights_initializer"] = truncated_normal(0.0, float(found["spread"]))
    if found["width"]:
        return layers.conv2d(net, depth(int(found["width"])), kernel, **options)
    return (layers.max_pool2d if scope.startswith("Max") else layers.avg_pool2d)(net, kernel, **options)


def classified(net: Tensor, num_classes: int, scope: str, spatial_squeeze: bool, **options: Any) -> Tensor:
    """The logits: a convolution without activation and, with `spatial_squeeze`, without its axes of size 1."""
    logits = layers.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope=scope, **options)
    return squeeze(logits, [1, 2], name="SpatialSqueeze") if spatial_squeeze else logits


def inception_arg_scope(weight_decay: float = 0.00004, use_batch_norm: bool = True,
                        batch_norm_var_collection: str = "moving_vars", use_fused_batchnorm: bool = True) -> Any:
    """The arguments of an Inception network's layers: penalties, initial weights, batch normalization."""
    moving = [batch_norm_var_collection]
    normalization = {"decay": 0.9997, "epsilon": 0.001, "updates_collections": GraphKeys.UPDATE_OPS,
                     "fused": use_fused_batchnorm, "variables_collections": {
                         "beta": None, "gamma": None, "moving_mean": moving, "moving_variance": moving}}
    with arg_scope([layers.conv2d, layers.fully_connected], weights_regularizer=layers.l2_regularizer(weight_decay)):
        with arg_scope([layers.conv2d], weights_initializer=layers.variance_scaling_initializer(), activation_fn=relu,
                       normalizer_fn=layers.batch_norm if use_batch_norm else None,
                       normalizer_params=normalization if use_batch_norm else {}) as scope:
            return scope
