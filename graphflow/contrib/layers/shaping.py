"""Layers without weights, and repetition of layers."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import layers as core
from ...array_ops import meshgrid, one_hot
from ...compiler.dtypes import float32, int32, int64
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_max, reduce_sum
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import known_rank, reshape, stop_gradient, transpose
from ...compiler.shapes import normalize_axis
from ...framework import name_scope
from ...initializers import constant as constant_initializer
from ...initializers import ones
from ...math_ops import linspace
from ...nn import softmax as _softmax
from ...variable_scope import variable_scope
from ..framework.scopes import add_arg_scope
from ..framework.variables import model_variable
from .common import layout_of, model_variable_getter
from .utils import collect_named_outputs, get_variable_collections, last_dimension


@add_arg_scope
def dropout(inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True,
            outputs_collections: Any = None, scope: Any = None, seed: int | None = None) -> Tensor:
    """Each input kept with probability `keep_prob` and divided by it, in training."""
    x = convert_to_tensor(inputs)
    with variable_scope(scope, "Dropout", [x], custom_getter=model_variable_getter()) as sc:
        layer = core.Dropout(rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=sc.name, _scope=sc)
        return collect_named_outputs(outputs_collections, sc.name, layer(x, training=is_training))


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """[batch, ...] as [batch, elements]."""
    x = convert_to_tensor(inputs)
    with name_scope(scope, "Flatten", [x]) as sc:
        return collect_named_outputs(outputs_collections, sc, core.flatten(x))


@add_arg_scope
def one_hot_encoding(labels: Any, num_classes: int, on_value: Any = 1.0, off_value: Any = 0.0,
                     outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """`on_value` at each label's class, `off_value` elsewhere."""
    with name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        y = convert_to_tensor(labels)
        y = cast(y, int64) if y.dtype == int32 else y
        return collect_named_outputs(outputs_collections, sc, one_hot(y, num_classes, on_value, off_value))


def _label(layer: Callable[..., Any], default: str) -> str:
    return getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", default)  # type: ignore[return-value]


@add_arg_scope
def repeat(inputs: Any, repetitions: int, layer: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A layer applied several times, in scopes numbered from 1."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs: Any = convert_to_tensor(inputs)
        for i in range(repetitions):
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{scope or _label(layer, 'repeat')}_{i + 1}"})
        return outputs


def stack(inputs: Any, layer: Callable[..., Any], stack_args: Sequence[Any], **kwargs: Any) -> Any:
    """A layer applied once for each of `stack_args` (an argument or several), in scopes numbered from 1."""
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Stack", [inputs]):
        outputs: Any = convert_to_tensor(inputs)
        for i, args in enumerate(stack_args):
            given = args if isinstance(args, (list, tuple)) else [args]
            outputs = layer(outputs, *given, **{**kwargs, "scope": f"{scope or _label(layer, 'stack')}_{i + 1}"})
        return outputs


def softmax(logits: Any, scope: Any = None) -> Tensor:
    """softmax over the last axis, which must be known."""
    x = convert_to_tensor(logits)
    with variable_scope(scope, "softmax", [x]):
        last_dimension(x.shape, 2)
        return _softmax(x)


@add_arg_scope
def maxout(inputs: Any, num_units: int, axis: int = -1, scope: Any = None) -> Tensor:
    """The largest of each group of channels, of which `num_units` remain (Goodfellow et al. 2013)."""
    x = convert_to_tensor(inputs)
    with variable_scope(scope, "MaxOut", [x]):
        dims = known_rank("maxout", x)
        at = normalize_axis("maxout", axis, len(dims))
        channels = x.shape.as_list()[at]
        if channels is None or channels % num_units:
            raise ValueError(f"number of features({channels}) is not a multiple of num_units({num_units})")
        parts = (*(num_units if i == at else d for i, d in enumerate(dims)), channels // num_units)
        return reduce_max(reshape(x, parts), -1)


@add_arg_scope
def spatial_softmax(features: Any, temperature: Any = None, name: str | None = None, variables_collections: Any = None,
                    trainable: bool = True, data_format: str = "NHWC") -> Tensor:
    """For each channel the expected (x, y) in [-1, 1] under its softmax over the image: [batch, 2 * channels]."""
    first = layout_of(data_format) == "channels_first"
    x = convert_to_tensor(features)
    with variable_scope(name, "spatial_softmax"):
        images = x if first else transpose(x, [0, 3, 1, 2])
        n, channels, height, width = images.shape.with_rank(4).as_list()
        if None in (channels, height, width):
            raise ValueError("The num_channels dimension of the inputs to `spatial_softmax` should be defined. Found "
                             f"{x.shape}")
        with name_scope("spatial_softmax_op", None, [x]):
            across = meshgrid(linspace(-1.0, 1.0, height), linspace(-1.0, 1.0, width), indexing="ij")
            place_x, place_y = (reshape(p, [height * width]) for p in across)  # type: ignore[operator]
            start = ones() if temperature is None else constant_initializer(temperature)
            heat = model_variable("temperature", (), float32, start, trainable=trainable,
                                  collections=get_variable_collections(variables_collections, "temperature")
                                  if trainable else None)
            attention = _softmax(reshape(images, [-1, height * width]) / heat)  # type: ignore[operator]
            expected = [reduce_sum(p * attention, [1], True) for p in (place_x, place_y)]
            return reshape(concat(expected, 1), [-1, channels * 2])  # type: ignore[operator]


def scale_gradient(inputs: Any, gradient_multiplier: Any) -> Tensor:
    """The inputs, whose gradient is multiplied."""
    x = convert_to_tensor(inputs)
    return stop_gradient(x - x * gradient_multiplier) + x * gradient_multiplier


def images_to_sequence(inputs: Any, data_format: str = "NHWC", outputs_collections: Any = None,
                       scope: str | None = None) -> Tensor:
    """Images as series of their columns: [width, batch * height, channels]."""
    x = convert_to_tensor(inputs)
    with name_scope(scope, "ImagesToSequence", [x]) as sc:
        images = transpose(x, [0, 2, 3, 1]) if layout_of(data_format) == "channels_first" else x
        n, height, width, channels = known_rank("images_to_sequence", images)
        outputs = reshape(transpose(images, [2, 0, 1, 3]), [width, n * height, channels])
        return collect_named_outputs(outputs_collections, sc, outputs)


def sequence_to_images(inputs: Any, height: int, output_data_format: str = "channels_last",
                       outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """The inverse of `images_to_sequence`."""
    x = convert_to_tensor(inputs)
    with name_scope(scope, "SequenceToImages", [x]) as sc:
        width, rows, channels = known_rank("sequence_to_images", x)
        parts = reshape(x, [width, rows // height, height, channels])
        order = [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3]
        return collect_named_outputs(outputs_collections, sc, transpose(parts, order))


def inner_flatten(inputs: Any, new_rank: int, output_collections: Any = None, scope: str | None = None) -> Tensor:
    """The inputs with their last axes made one, so that `new_rank` are left."""
    x = convert_to_tensor(inputs)
    with name_scope(scope, "InnerFlatten", [x]) as sc:
        dims = known_rank("inner_flatten", x)
        if len(dims) < new_rank:
            raise ValueError(f"Inputs has rank less than new_rank. {x} must have rank at least {new_rank}")
        outputs = reshape(x, [*dims[:new_rank - 1], -1])
        return collect_named_outputs(output_collections, sc, outputs)
