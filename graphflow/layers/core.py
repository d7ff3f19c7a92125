"""Dense, dropout and flatten layers."""
from __future__ import annotations

import math
from typing import Any

from ..compiler.dims import Dim
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.contraction import matmul, tensordot
from ..compiler.ops.elementwise import where
from ..compiler.ops.view import identity, known_rank, reshape, transpose
from ..compiler.shapes import TensorShape
from ..framework import name_scope
from ..nn import bias_add
from ..nn import dropout as _dropout
from .base import (
    ZEROS,
    InputSpec,
    Layer,
    activation_function,
    constant_bool,
    constraint,
    functional,
    initializer,
    regularizer,
)


class Dense(Layer):
    """activation(inputs @ kernel + bias) over the last axis; kernel [inputs, units], bias [units]."""

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None,
                 bias_initializer: Any = ZEROS, kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any):
        super().__init__(trainable, name, activity_regularizer=regularizer(activity_regularizer), **kwargs)
        if not hasattr(units, "__index__") or units < 1:
            raise ValueError(f"{type(self).__name__}: `units` must be a positive integer, received {units!r}")
        self.units = int(units)
        self.activation = activation_function(activation) if activation is not None else None
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = initializer(kernel_initializer), initializer(bias_initializer)
        self.kernel_regularizer, self.bias_regularizer = regularizer(kernel_regularizer), regularizer(bias_regularizer)
        self.kernel_constraint, self.bias_constraint = constraint(kernel_constraint), constraint(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.kernel: Any = None
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        depth = TensorShape(input_shape).as_list()[-1]
        if depth is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: depth})
        self.kernel = self.add_weight("kernel", [depth, self.units], self.dtype, self.kernel_initializer,
                                      self.kernel_regularizer, True, self.kernel_constraint)
        if self.use_bias:
            self.bias = self.add_weight("bias", [self.units], self.dtype, self.bias_initializer,
                                        self.bias_regularizer, True, self.bias_constraint)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        x = convert_to_tensor(inputs)
        rank = len(known_rank("Dense", x))
        if rank > 2:
            with name_scope("Tensordot"):
                y = tensordot(x, self.kernel, [[rank - 1], [0]])
        else:
            y = matmul(x, self.kernel)
        if self.use_bias:
            y = bias_add(y, self.bias)
        return y if self.activation is None else self.activation(y)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)[:-1].concatenate([self.units])


class Dropout(Layer):
    """Each input set to 0 with probability `rate` in training, the others divided by 1 - rate; else the inputs."""

    def __init__(self, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        known = constant_bool(training)
        if known is False:
            return identity(inputs)
        rate = self.rate
        if known is None:  # of rate 0 it is the identity
            rate = where(training, convert_to_tensor(rate, convert_to_tensor(inputs).dtype), 0.0)
        return _dropout(inputs, noise_shape=self.noise_shape, seed=self.seed, rate=rate)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)


class Flatten(Layer):
    """[batch, ...] as [batch, elements]; channels-first data is put channels last before that."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Tensor:
        x = convert_to_tensor(inputs)
        rank = len(known_rank("Flatten", x))
        if self.data_format == "channels_first" and rank > 2:
            x = transpose(x, (0, *range(2, rank), 1))
        dims = known_rank("Flatten", x)
        size: Any = -1 if any(isinstance(d, Dim) for d in dims[1:]) else math.prod(dims[1:])
        return reshape(x, (dims[0], size))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        batch, *sizes = TensorShape(input_shape).as_list()
        return TensorShape([batch, None if None in sizes else math.prod(sizes)])


dense = functional(Dense, "activation(inputs @ kernel + bias) over the last axis, with variables `kernel` and `bias`.")
dropout = functional(Dropout, "`nn.dropout` where `training` is true, else the inputs.", {"training": False}, False,
                     ["inputs", "rate", "noise_shape", "seed", "training", "name"])


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """[batch, ...] as [batch, elements]."""
    return Flatten(data_format, name=name)(inputs)
