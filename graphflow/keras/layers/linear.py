"""Linear maps with weights: of the last axis, or of any axes by an equation."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.einsum import einsum
from ...compiler.ops.view import reshape
from .. import activations
from .arguments import activation_config, take_weight_arguments, weight_config
from .input_spec import InputSpec
from .low_rank import LowRank


def dense(x: Tensor, kernel: Any, bias: Any = None) -> Tensor:
    """x @ kernel + bias over the last axis."""
    assert x.dims is not None
    rows = x.dims[:-1]
    flat = x if len(rows) == 1 else reshape(x, (dm.product(rows), x.dims[-1]))
    y = matmul(flat, kernel)
    if bias is not None:
        y = y + bias
    assert y.dims is not None
    return reshape(y, (*rows, y.dims[-1])) if len(rows) != 1 else y


class Dense(LowRank):
    """activation(x @ kernel + bias) over the last axis."""

    supports_masking = True

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, lora_rank: int | None = None,
                 lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(units, bool) or not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"Received an invalid value for `units`, expected a positive integer. "
                             f"Received: units={units}")
        if quantization_config is not None:
            raise ValueError("Dense: quantization is not supported. "
                             f"Received: quantization_config={quantization_config}")
        self._take_lora(lora_rank, lora_alpha)
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
        self._adapt_if_asked()

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(dense(inputs, self._adapted(), self.bias))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, **activation_config(self), "use_bias": self.use_bias,
                **weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                "bias_regularizer", "kernel_constraint", "bias_constraint"),
                "quantization_config": None, **self._lora_config()}


class EinsumDense(LowRank):
    """activation(einsum(equation, x, kernel) + bias), such as "abc,cd->abd". `output_shape` leaves out the batch axis,
    `bias_axes` names the output's axes that the bias has.
    """

    def __init__(self, equation: str, output_shape: Any, activation: Any = None, bias_axes: str | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, lora_rank: Any = None, lora_alpha: Any = None,
                 gptq_unpacked_column_size: Any = None, quantization_config: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        if quantization_config is not None:
            raise ValueError("EinsumDense: quantization is not supported. "
                             f"Received: quantization_config={quantization_config}")
        self._take_lora(lora_rank, lora_alpha)
        self.equation = equation
        self.partial_output_shape = tuple(output_shape) if hasattr(output_shape, "__iter__") else (output_shape,)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        take_weight_arguments(
            self, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)

    def build(self, input_shape: Any) -> None:
        kernel, bias, self.full_output_shape = einsum_shapes(self.equation, self.bias_axes, input_shape,
                                                             self.partial_output_shape)
        self.kernel = self.add_weight(kernel, self.kernel_initializer, name="kernel",
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        self.bias = None if bias is None else self.add_weight(
            bias, self.bias_initializer, name="bias", regularizer=self.bias_regularizer,
            constraint=self.bias_constraint)
        self._adapt_if_asked()

    def call(self, inputs: Tensor) -> Tensor:
        y = einsum(self.equation, inputs, convert_to_tensor(self._adapted()))
        return self.activation(y if self.bias is None else y + self.bias)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_shape": list(self.partial_output_shape), "equation": self.equation,
                **activation_config(self), "bias_axes": self.bias_axes,
                **weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"),
                **self._lora_config()}


def einsum_shapes(equation: str, bias_axes: str | None, input_shape: Any, output_shape: Any) -> tuple[Any, Any, Any]:
    """(the kernel's shape, the bias's or None, the output's with the batch axis). Raises ValueError."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    if not arrow or len(operands) != 2:
        raise ValueError(f"Invalid einsum equation {equation!r}. Equations must be in the form [X],[Y]->[Z], "
                         "...[X],[Y]->...[Z], or [X]...,[Y]->[Z]....")
    inputs, kernel = operands
    extra = len(input_shape) - len(inputs.replace("...", ""))
    if "..." in inputs:
        names = [f".{i}" for i in range(extra)]
        spelled = [_spelled(part, names) for part in (inputs, kernel, right)]
    else:
        spelled = [list(part) for part in (inputs, kernel, right)]
    sizes = dict(zip(spelled[0], input_shape, strict=True))
    sized = [n for n in spelled[2] if n[0] != "."] if right.endswith("...") else spelled[2]
    leading = len(sized) - len(output_shape)
    given = dict(zip(sized[leading:], output_shape, strict=True)) if leading >= 0 else {}
    for name, size in given.items():
        if size is not None:
            if sizes.get(name) not in (None, size):
                raise ValueError(f"Input shape and output shape do not match at shared dimension {name!r}. Input shape "
                                 f"is {sizes[name]}, and output shape is {size}.")
            sizes[name] = size
    missing = [n for n in spelled[1] if sizes.get(n) is None]
    if missing:
        raise ValueError(
            f"Weight dimension {missing[0]!r} did not have a match in either the input spec "
            f"{inputs!r} or the output spec {right!r}. For this layer, the weight must be fully specified."
        )
    full = tuple(sizes.get(n) for n in spelled[2])
    bias = None
    if bias_axes is not None:
        unknown = [a for a in bias_axes if a not in spelled[2]]
        if unknown:
            raise ValueError(f"Bias dimension {unknown[0]!r} was requested, but is not part of the output spec "
                             f"{right!r}")
        first = min(spelled[2].index(a) for a in bias_axes)
        bias = tuple(sizes[n] if n in bias_axes else 1 for n in spelled[2])[first:]
    return tuple(sizes[n] for n in spelled[1]), bias, full


def _spelled(part: str, names: list[str]) -> list[str]:
    before, dots, after = part.partition("...")
    return [*before, *(names if dots else []), *after]
