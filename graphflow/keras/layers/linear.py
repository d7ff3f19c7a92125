"""Linear maps with weights: of the last axis, or of any axes by an equation."""
from __future__ import annotations

from typing import Any

from ...compiler import dims as dm
from ...compiler.ir import Tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.einsum import einsum
from ...compiler.ops.view import reshape
from .. import activations
from .arguments import activation_config, take_weight_arguments, weight_config
from .input_spec import InputSpec
from .low_rank import LowRank
from .quantized import Axes


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
    modes = ("int8", "int4", "float8")

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, lora_rank: int | None = None,
                 lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(units, bool) or not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"Received an invalid value for `units`, expected a positive integer. "
                             f"Received: units={units}")
        self._take_quantization(quantization_config)
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
        self._add_adapted((input_shape[-1], self.units))
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias",
                                    regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        self._adapt_if_asked()

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(self._mapped(inputs, -1))

    def _linear(self, inputs: Tensor, weight: Any, bias: Any) -> Tensor:
        return dense(inputs, weight, bias)

    def _weight_axes(self, shape: Any) -> Axes:
        return Axes((0,), (1,), (self.units,))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, **activation_config(self), "use_bias": self.use_bias,
                **weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                "bias_regularizer", "kernel_constraint", "bias_constraint"),
                **self._quantization_config(), **self._lora_config()}


class EinsumDense(LowRank):
    """activation(einsum(equation, x, kernel) + bias), such as "abc,cd->abd". `output_shape` leaves out the batch axis,
    `bias_axes` names the output's axes that the bias has.
    """

    modes = ("int8", "int4", "float8")

    def __init__(self, equation: str, output_shape: Any, activation: Any = None, bias_axes: str | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, lora_rank: Any = None, lora_alpha: Any = None,
                 gptq_unpacked_column_size: Any = None, quantization_config: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._take_quantization(quantization_config)
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
        self._labels = labels_of(self.equation, len(input_shape))
        self._add_adapted(kernel)
        self.bias = None if bias is None else self.add_weight(
            bias, self.bias_initializer, name="bias", regularizer=self.bias_regularizer,
            constraint=self.bias_constraint)
        self._adapt_if_asked()

    def call(self, inputs: Tensor) -> Tensor:
        names, _, outputs = self._labels
        return self.activation(self._mapped(inputs, [i for i, name in enumerate(names) if name not in outputs]))

    def _linear(self, inputs: Tensor, weight: Any, bias: Any) -> Tensor:
        y = einsum(self.equation, inputs, weight)
        return y if bias is None else y + bias

    def _weight_axes(self, shape: Any) -> Axes:
        _, names, outputs = self._labels
        sizes = dict(zip(names, shape, strict=True))
        return Axes(tuple(i for i, name in enumerate(names) if name not in outputs),
                    tuple(names.index(name) for name in outputs if name in names),
                    tuple(sizes.get(name, 1) for name in outputs))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_shape": list(self.partial_output_shape), "equation": self.equation,
                **activation_config(self), "bias_axes": self.bias_axes,
                **weight_config(self, "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"),
                **self._quantization_config(), **self._lora_config()}


def einsum_shapes(equation: str, bias_axes: str | None, input_shape: Any, output_shape: Any) -> tuple[Any, Any, Any]:
    """(the kernel's shape, the bias's or None, the output's with the batch axis). Raises ValueError."""
    left, _, right = equation.replace(" ", "").partition("->")
    inputs = left.partition(",")[0]
    spelled = labels_of(equation, len(input_shape))
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


def labels_of(equation: str, rank: int) -> list[list[str]]:
    """The labels of the axes of the inputs, the kernel and the output, for inputs of that rank. Raises ValueError."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    if not arrow or len(operands) != 2:
        raise ValueError(f"Invalid einsum equation {equation!r}. Equations must be in the form [X],[Y]->[Z], "
                         "...[X],[Y]->...[Z], or [X]...,[Y]->[Z]....")
    names = [f".{i}" for i in range(rank - len(operands[0].replace("...", "")))] if "..." in operands[0] else []
    return [_spelled(part, names) for part in (*operands, right)]


def _spelled(part: str, names: list[str]) -> list[str]:
    before, dots, after = part.partition("...")
    return [*before, *(names if dots else []), *after]
