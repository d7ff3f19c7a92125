"""Input, Dense and Activation."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.state import placeholder
from ...compiler.ops.view import reshape
from .. import activations
from .arguments import activation_config, take_weight_arguments, weight_config
from .input_spec import InputSpec
from .layer import Layer
from .node import Node


BATCH = dm.fresh("batch")  # the batch size of every model's inputs: they agree on it


class InputLayer(Layer):
    """The entry of a model: a placeholder. `shape` is without the batch axis, `batch_shape` with it."""

    def __init__(self, shape: Any = None, batch_size: int | None = None, dtype: Any = None, batch_shape: Any = None,
                 input_tensor: Tensor | None = None, name: str | None = None, sparse: bool = False,
                 ragged: bool = False, optional: bool = False, input_shape: Any = None,
                 batch_input_shape: Any = None):
        if dtype is None and input_tensor is not None:
            dtype = input_tensor.dtype.name
        super().__init__(dtype=dtype, name=name)
        if sparse or ragged:
            raise ValueError("Sparse and ragged inputs are not supported; convert them to dense arrays.")
        shape = input_shape if shape is None else shape
        batch_shape = batch_input_shape if batch_shape is None else batch_shape
        if (shape is None) == (batch_shape is None) and input_tensor is None:
            raise ValueError("You must pass either `shape` or `batch_shape` to `Input`.")
        if input_tensor is not None:
            batch_shape = input_tensor.shape.as_list()
        elif batch_shape is None:
            batch_shape = (batch_size, *(shape if hasattr(shape, "__iter__") else (shape,)))
        self.batch_shape = tuple(None if d is None else int(d) for d in batch_shape)
        self._batch_input_shape = self.batch_shape
        self.optional = optional
        self.built = True
        if input_tensor is None:
            sizes = (BATCH if i == 0 and d is None else d for i, d in enumerate(self.batch_shape))
            input_tensor = placeholder(as_dtype(self.dtype), tuple(sizes), self.name)
        Node(self, (), {}, input_tensor)

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "sparse": False, "ragged": False,
                "name": self.name, "optional": self.optional}


def Input(shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool = False,
          batch_shape: Any = None, name: str | None = None, tensor: Tensor | None = None, optional: bool = False,
          ragged: bool = False, batch_input_shape: Any = None) -> Tensor:
    """A symbolic tensor from which a model starts. `shape` does not include the batch axis."""
    layer = InputLayer(shape, batch_size, dtype, batch_shape, tensor, name, sparse, ragged, optional,
                       batch_input_shape=batch_input_shape)
    return layer.output


class Dense(Layer):
    """activation(x @ kernel + bias) over the last axis."""

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, quantization_config: Any = None,
                 **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(units, bool) or not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"Received an invalid value for `units`, expected a positive integer. "
                             f"Received: units={units}")
        if quantization_config is not None:
            raise ValueError("Dense: quantization is not supported. "
                             f"Received: quantization_config={quantization_config}")
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        take_weight_arguments(
            self, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise ValueError(f"The last dimension of the inputs to Dense layer {self.name!r} must be known. "
                             f"Received: input_shape={input_shape}")
        self.kernel = self.add_weight((input_shape[-1], self.units), self.kernel_initializer, name="kernel",
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias",
                                    regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs: Tensor) -> Tensor:
        assert inputs.dims is not None
        rows = inputs.dims[:-1]
        flat = inputs if len(rows) == 1 else reshape(inputs, (dm.product(rows), inputs.dims[-1]))
        y = matmul(flat, self.kernel)
        if self.bias is not None:
            y = y + self.bias
        if len(rows) > 1:
            y = reshape(y, (*rows, self.units))
        return self.activation(y)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, **activation_config(self), "use_bias": self.use_bias,
                **weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                "bias_regularizer", "kernel_constraint", "bias_constraint"),
                "quantization_config": None}


class Activation(Layer):
    """A function applied to its input, by name or as a callable."""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **activation_config(self)}
