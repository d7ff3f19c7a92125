"""Layers with weights: dense, convolutions, and pooling, with activation and normalizer as arguments."""
from __future__ import annotations

import functools
from typing import Any

from ... import layers as core
from ...compiler.ir import Tensor
from ...compiler.names import named
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import tensordot
from ...compiler.ops.slicing import tile
from ...framework import GraphKeys, name_scope
from ...nn import bias_add as _bias_add
from ...nn import depthwise_conv2d
from ...nn import elu as _elu
from ...nn import pool as _pool
from ...nn import relu as _relu
from ...nn import relu6 as _relu6
from ...variable_scope import get_variable, variable_scope
from ..framework.scopes import add_arg_scope
from ..framework.variables import model_variable
from .common import WEIGHTS_AND_BIASES, ZEROS, collect, finish, layout_of, model_variable_getter
from .initializers import xavier_initializer
from .utils import (
    channel_dimension,
    collect_named_outputs,
    get_variable_collections,
    last_dimension,
    n_positive_integers,
    two_element_tuple,
)

XAVIER = xavier_initializer()


def _layer(kind: type[core.Layer], default_scope: str, inputs: Any, scope: Any, reuse: Any,
           variables_collections: Any, names: dict[str, str], rename: dict[str, str], outputs_collections: Any,
           activation_fn: Any, normalizer_fn: Any, normalizer_params: dict[str, Any] | None, **options: Any) -> Tensor:
    """A `tf.layers` layer in a variable scope, under contrib's names. `names`: attribute -> name of its collections."""
    x = convert_to_tensor(inputs)
    with variable_scope(scope, default_scope, [x], reuse=reuse, custom_getter=model_variable_getter(rename)) as sc:
        layer = kind(**options, name=sc.name, dtype=x.dtype, _scope=sc, _reuse=reuse)
        outputs = layer(x)
        collect(layer, variables_collections, **names)
        return finish(outputs, sc, normalizer_fn, normalizer_params, activation_fn, outputs_collections)


def _weights(normalizer_fn: Any, weights_initializer: Any, weights_regularizer: Any, biases_initializer: Any,
             biases_regularizer: Any, trainable: bool) -> dict[str, Any]:
    return {"use_bias": not normalizer_fn and biases_initializer is not None, "kernel_initializer": weights_initializer,
            "bias_initializer": biases_initializer, "kernel_regularizer": weights_regularizer,
            "bias_regularizer": biases_regularizer, "trainable": trainable}


_KERNEL = {"kernel": "weights", "bias": "biases"}


@add_arg_scope
def fully_connected(inputs: Any, num_outputs: int, activation_fn: Any = _relu, normalizer_fn: Any = None,
                    normalizer_params: dict[str, Any] | None = None, weights_initializer: Any = XAVIER,
                    weights_regularizer: Any = None, biases_initializer: Any = ZEROS, biases_regularizer: Any = None,
                    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
                    trainable: bool = True, scope: Any = None) -> Tensor:
    """activation(inputs @ weights + biases); a normalizer stands in for the biases."""
    if not hasattr(num_outputs, "__index__"):
        raise ValueError(f"num_outputs type should be one of [<class 'int'>], got {type(num_outputs)}.")
    return _layer(core.Dense, "fully_connected", inputs, scope, reuse, variables_collections, _KERNEL,
                  WEIGHTS_AND_BIASES, outputs_collections, activation_fn, normalizer_fn, normalizer_params,
                  units=num_outputs, **_weights(normalizer_fn, weights_initializer, weights_regularizer,
                                                biases_initializer, biases_regularizer, trainable))


relu = functools.partial(fully_connected, activation_fn=_relu)
relu6 = functools.partial(fully_connected, activation_fn=_relu6)
elu = functools.partial(fully_connected, activation_fn=_elu)
linear = functools.partial(fully_connected, activation_fn=None)


def legacy_fully_connected(x: Any, num_output_units: int, activation_fn: Any = None, weight_init: Any = XAVIER,
                           bias_init: Any = ZEROS, name: str | None = None,
                           weight_collections: Any = (GraphKeys.WEIGHTS,), bias_collections: Any = (GraphKeys.BIASES,),
                           output_collections: Any = (GraphKeys.ACTIVATIONS,), trainable: bool = True,
                           weight_regularizer: Any = None, bias_regularizer: Any = None) -> Tensor:
    """activation(x @ weights + bias) over the last axis; `bias_init` None: no bias. Raises ValueError where the length
    of that axis is not known."""
    x = convert_to_tensor(x)
    with variable_scope(name, "fully_connected", [x]):
        if x.shape.ndims is None or x.shape[-1].value is None:
            raise ValueError(f"legacy_fully_connected: the last dimension of the input must be known, got {x.shape}")
        weights = get_variable("weights", [x.shape[-1].value, num_output_units], x.dtype, weight_init,
                               weight_regularizer, trainable, [*weight_collections, GraphKeys.GLOBAL_VARIABLES])
        y = tensordot(x, weights, 1)
        if bias_init is not None:
            y = _bias_add(y, get_variable("bias", [num_output_units], x.dtype, bias_init, bias_regularizer, trainable,
                                          [*bias_collections, GraphKeys.GLOBAL_VARIABLES]))
        if activation_fn is not None:
            y = activation_fn(y)
        for key in output_collections:
            y.graph.add_to_collection(key, y)
        return y


legacy_linear = functools.partial(legacy_fully_connected, activation_fn=None)
legacy_relu = functools.partial(legacy_fully_connected, activation_fn=_relu)


@add_arg_scope
def convolution(inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
                data_format: str | None = None, rate: Any = 1, activation_fn: Any = _relu, normalizer_fn: Any = None,
                normalizer_params: dict[str, Any] | None = None, weights_initializer: Any = XAVIER,
                weights_regularizer: Any = None, biases_initializer: Any = ZEROS, biases_regularizer: Any = None,
                reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
                trainable: bool = True, scope: Any = None, conv_dims: int | None = None) -> Tensor:
    """Convolution over one to three axes, as many as the inputs have."""
    rank = convert_to_tensor(inputs).shape.ndims
    if conv_dims is not None and conv_dims + 2 != rank:
        raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}")
    kinds = {3: core.Conv1D, 4: core.Conv2D, 5: core.Conv3D}
    if rank not in kinds:
        raise ValueError(f"Convolution not supported for input with rank {rank}")
    formats = ("NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW")
    if data_format not in (None, *formats):
        raise ValueError(f"Invalid data_format: {data_format!r}")
    return _layer(kinds[rank], "Conv", inputs, scope, reuse, variables_collections, _KERNEL, WEIGHTS_AND_BIASES,
                  outputs_collections, activation_fn, normalizer_fn, normalizer_params, filters=num_outputs,
                  kernel_size=kernel_size, strides=stride, padding=padding,
                  data_format=layout_of(data_format, formats), dilation_rate=rate,
                  **_weights(normalizer_fn, weights_initializer, weights_regularizer, biases_initializer,
                             biases_regularizer, trainable))


def _of_rank(dims: int, name: str) -> Any:
    def convolve(inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
                 data_format: str | None = None, rate: Any = 1, activation_fn: Any = _relu, normalizer_fn: Any = None,
                 normalizer_params: dict[str, Any] | None = None, weights_initializer: Any = XAVIER,
                 weights_regularizer: Any = None, biases_initializer: Any = ZEROS, biases_regularizer: Any = None,
                 reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
                 trainable: bool = True, scope: Any = None) -> Tensor:
        return convolution(
            inputs, num_outputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn,
            normalizer_params, weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
            variables_collections, outputs_collections, trainable, scope, conv_dims=dims)
    return add_arg_scope(named(name, convolve, f"`convolution` over {dims} axes."))


conv1d = convolution1d = _of_rank(1, "convolution1d")
conv2d = convolution2d = _of_rank(2, "convolution2d")
conv3d = convolution3d = _of_rank(3, "convolution3d")


def _transposed(kind: type[core.Layer], default_scope: str, formats: tuple[str, str], name: str) -> Any:
    def transpose(inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
                  data_format: str = formats[0], activation_fn: Any = _relu, normalizer_fn: Any = None,
                  normalizer_params: dict[str, Any] | None = None, weights_initializer: Any = XAVIER,
                  weights_regularizer: Any = None, biases_initializer: Any = ZEROS, biases_regularizer: Any = None,
                  reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
                  trainable: bool = True, scope: Any = None) -> Tensor:
        return _layer(kind, default_scope, inputs, scope, reuse, variables_collections, _KERNEL, WEIGHTS_AND_BIASES,
                      outputs_collections, activation_fn, normalizer_fn, normalizer_params, filters=num_outputs,
                      kernel_size=kernel_size, strides=stride, padding=padding,
                      data_format=layout_of(data_format, formats),
                      **_weights(normalizer_fn, weights_initializer, weights_regularizer, biases_initializer,
                                 biases_regularizer, trainable))
    return add_arg_scope(named(
        name, transpose, "The transpose of a convolution: the outputs are `stride` times as large as the inputs."))


conv2d_transpose = convolution2d_transpose = _transposed(
    core.Conv2DTranspose, "Conv2d_transpose", ("NHWC", "NCHW"), "convolution2d_transpose")
conv3d_transpose = convolution3d_transpose = _transposed(
    core.Conv3DTranspose, "Conv3d_transpose", ("NDHWC", "NCDHW"), "convolution3d_transpose")


def _bias(outputs: Tensor, size: int, initializer: Any, regularizer: Any, trainable: bool, collections: Any,
          data_format: str = "NHWC") -> Tensor:
    biases = model_variable("biases", [size], outputs.dtype, initializer, regularizer, trainable,
                            get_variable_collections(collections, "biases"))
    return _bias_add(outputs, biases, data_format)


@add_arg_scope
def separable_convolution2d(inputs: Any, num_outputs: int | None, kernel_size: Any, depth_multiplier: int = 1,
                            stride: Any = 1, padding: str = "SAME", data_format: str = "NHWC", rate: Any = 1,
                            activation_fn: Any = _relu, normalizer_fn: Any = None,
                            normalizer_params: dict[str, Any] | None = None, weights_initializer: Any = XAVIER,
                            pointwise_initializer: Any = None, weights_regularizer: Any = None,
                            biases_initializer: Any = ZEROS, biases_regularizer: Any = None, reuse: Any = None,
                            variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
                            scope: Any = None) -> Tensor:
    """Each channel filtered by itself, then a product over the channels; without that when `num_outputs` is None."""
    layout = layout_of(data_format)
    if num_outputs is not None:
        options = _weights(normalizer_fn, weights_initializer, weights_regularizer, biases_initializer,
                           biases_regularizer, trainable)
        del options["kernel_initializer"], options["kernel_regularizer"]
        return _layer(
            core.SeparableConv2D, "SeparableConv2d", inputs, scope, reuse, variables_collections,
            {"depthwise_kernel": "weights", "pointwise_kernel": "weights", "bias": "biases"},
            {"bias": "biases", "depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"},
            outputs_collections, activation_fn, normalizer_fn, normalizer_params, filters=num_outputs,
            kernel_size=kernel_size, strides=stride, padding=padding, data_format=layout,
            dilation_rate=two_element_tuple(rate), depth_multiplier=depth_multiplier,
            depthwise_initializer=weights_initializer,
            pointwise_initializer=pointwise_initializer or weights_initializer,
            depthwise_regularizer=weights_regularizer, pointwise_regularizer=weights_regularizer, **options)
    x = convert_to_tensor(inputs)
    with variable_scope(scope, "SeparableConv2d", [x], reuse=reuse) as sc:
        depth = channel_dimension(x.shape, layout, 4)
        weights = model_variable("depthwise_weights", [*two_element_tuple(kernel_size), depth, depth_multiplier],
                                 x.dtype, weights_initializer, weights_regularizer, trainable,
                                 get_variable_collections(variables_collections, "weights"))
        outputs = depthwise_conv2d(x, weights, two_element_tuple(stride), padding, two_element_tuple(rate),
                                   data_format=data_format)
        if normalizer_fn is None and biases_initializer is not None:
            outputs = _bias(outputs, depth * depth_multiplier, biases_initializer, biases_regularizer, trainable,
                            variables_collections, data_format)
        return finish(outputs, sc, normalizer_fn, normalizer_params, activation_fn, outputs_collections)


separable_conv2d = separable_convolution2d


@add_arg_scope
def convolution2d_in_plane(inputs: Any, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
                           activation_fn: Any = _relu, normalizer_fn: Any = None,
                           normalizer_params: dict[str, Any] | None = None, weights_initializer: Any = XAVIER,
                           weights_regularizer: Any = None, biases_initializer: Any = ZEROS,
                           biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
                           outputs_collections: Any = None, trainable: bool = True, scope: Any = None) -> Tensor:
    """The same filter [height, width] for each channel by itself."""
    x = convert_to_tensor(inputs)
    with variable_scope(scope, "ConvInPlane", [x], reuse=reuse) as sc:
        depth = last_dimension(x.shape, 4)
        weights = model_variable("weights", [*two_element_tuple(kernel_size), 1, 1], x.dtype, weights_initializer,
                                 weights_regularizer, trainable,
                                 get_variable_collections(variables_collections, "weights"))
        outputs = depthwise_conv2d(x, tile(weights, [1, 1, depth, 1]), two_element_tuple(stride), padding)
        if normalizer_fn is None and biases_initializer is not None:
            outputs = _bias(outputs, depth, biases_initializer, biases_regularizer, trainable, variables_collections)
        return finish(outputs, sc, normalizer_fn, normalizer_params, activation_fn, outputs_collections)


conv2d_in_plane = convolution2d_in_plane


@add_arg_scope
def bias_add(inputs: Any, activation_fn: Any = None, initializer: Any = ZEROS, regularizer: Any = None,
             reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
             trainable: bool = True, data_format: str = "NHWC", scope: Any = None) -> Tensor:
    """The inputs plus a vector along the channels."""
    layout = layout_of(data_format)
    x = convert_to_tensor(inputs)
    with variable_scope(scope, "BiasAdd", [x], reuse=reuse) as sc:
        outputs = _bias(x, channel_dimension(x.shape, layout), initializer, regularizer, trainable,
                        variables_collections, data_format)
        return finish(outputs, sc, None, None, activation_fn, outputs_collections)


# pooling


def _pooling(kind: type[core.Layer], default_scope: str, formats: tuple[str, str], name: str, doc: str) -> Any:
    def pooled(inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = formats[0],
               outputs_collections: Any = None, scope: str | None = None) -> Tensor:
        layout = layout_of(data_format, formats)
        with name_scope(scope, default_scope, [inputs]) as sc:
            outputs = kind(pool_size=kernel_size, strides=stride, padding=padding, data_format=layout,
                           _scope=sc)(convert_to_tensor(inputs))
            return collect_named_outputs(outputs_collections, sc, outputs)
    return add_arg_scope(named(name, pooled, doc))


avg_pool2d = _pooling(core.AveragePooling2D, "AvgPool2D", ("NHWC", "NCHW"), "avg_pool2d", "The mean of each window.")
max_pool2d = _pooling(core.MaxPooling2D, "MaxPool2D", ("NHWC", "NCHW"), "max_pool2d", "The largest of each window.")
avg_pool3d = _pooling(core.AveragePooling3D, "AvgPool3D", ("NDHWC", "NCDHW"), "avg_pool3d", "The mean of each window.")
max_pool3d = _pooling(core.MaxPooling3D, "MaxPool3D", ("NDHWC", "NCDHW"), "max_pool3d", "The largest of each window.")


@add_arg_scope
def pool(inputs: Any, kernel_size: Any, pooling_type: str, padding: str = "VALID", data_format: str | None = None,
         dilation_rate: Any = 1, stride: Any = 1, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """`tf.nn.pool` over as many axes as the inputs have."""
    x = convert_to_tensor(inputs)
    if x.shape.ndims is None or x.shape.ndims < 3:
        raise ValueError(f"Rank of inputs must be known and >= 3, received {x.shape}")
    axes = x.shape.ndims - 2
    with name_scope(scope, f"{pooling_type.lower()}_pool", [x]) as sc:
        outputs = _pool(x, n_positive_integers(axes, kernel_size), pooling_type, padding,
                        n_positive_integers(axes, dilation_rate), n_positive_integers(axes, stride),
                        data_format=data_format)
        return collect_named_outputs(outputs_collections, sc, outputs)
