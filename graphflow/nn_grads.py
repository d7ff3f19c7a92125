"""Gradient ops by themselves, which programs call as `tensorflow.python.ops.gen_nn_ops.relu_grad` and the like to
propagate something else backwards (guided backpropagation, layer-wise relevance)."""
from __future__ import annotations

from typing import Any

from .compiler.autodiff import gradients
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import where
from .compiler.ops.view import fill, zeros_of
from .pooling import avg_pool, max_pool

__all__ = ["avg_pool_grad", "max_pool_grad", "relu6_grad", "relu_grad"]


def relu_grad(gradients: Any, features: Any, name: str | None = None) -> Tensor:
    """`gradients` where `features` (what went into a relu, or came out) is positive, else 0."""
    g = convert_to_tensor(gradients)
    return where(convert_to_tensor(features) > 0, g, zeros_of(g), name=name)


def relu6_grad(gradients: Any, features: Any, name: str | None = None) -> Tensor:
    """`gradients` where `features` is between 0 and 6, else 0."""
    g, x = convert_to_tensor(gradients), convert_to_tensor(features)
    return where((x > 0) & (x < 6), g, zeros_of(g), name=name)


def max_pool_grad(orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, padding: Any,
                  data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """`grad`, of the shape of the pooled input, brought back to where each window of `orig_input` is largest."""
    x = convert_to_tensor(orig_input)
    return _pulled_back(max_pool(x, ksize, strides, padding, data_format=data_format), x, grad)


def avg_pool_grad(orig_input_shape: Any, grad: Any, ksize: Any, strides: Any, padding: Any,
                  data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """`grad`, of the shape of the pooled input, spread evenly over the windows of an input of `orig_input_shape`."""
    g = convert_to_tensor(grad)
    x = fill(orig_input_shape, convert_to_tensor(0, g.dtype))
    return _pulled_back(avg_pool(x, ksize, strides, padding, data_format=data_format), x, g)


def _pulled_back(y: Tensor, x: Tensor, grad: Any) -> Tensor:
    found, = gradients([y], [x], [convert_to_tensor(grad, y.dtype)])
    assert found is not None
    return found


_relu_grad, _max_pool_grad, _avg_pool_grad = relu_grad, max_pool_grad, avg_pool_grad  # their names up to TensorFlow 1.4
