"""Weights kept in few bits. Layers compute with floats: the bits save memory and files."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...compiler.dtypes import int32
from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import gather
from ...compiler.ops.reduction import reduce_max
from ...compiler.ops.view import identity, reshape, stop_gradient, transpose
from ...custom_gradients import custom_gradient
from .. import backend
from ..quantizers.configs import Int4QuantizationConfig
from ..quantizers.floats import compute_float8_amax_history, compute_float8_scale, quantize_and_dequantize
from ..quantizers.integers import (
    AbsMaxQuantizer,
    abs_max_quantize_grouped_with_zero_point,
    halves,
    pack_int4,
)

Values = dict[str, np.ndarray]  # by what follows the weight's name: "" is the weight itself


class Axes(NamedTuple):
    """Of a weight: the axes that one scale is for, the others in the order in which the scale has them, and the scale's
    shape.
    """

    shared: tuple[int, ...]
    kept: tuple[int, ...]
    scale_shape: tuple[int, ...]


class Int8:
    """A weight as int8 and a scale: weight = bytes / scale."""

    def __init__(self, shape: Sequence[int], axes: Axes, config: Any):
        self.shape, self.axes = tuple(shape), axes
        self.quantizer = getattr(config, "weight_quantizer", None) or AbsMaxQuantizer(axes.shared)
        self.inputs = AbsMaxQuantizer() if config is None else config.activation_quantizer

    def variables(self) -> dict[str, tuple[tuple[int, ...], str | None, Any]]:
        """{suffix: (shape, dtype, initializer)} in the order of files."""
        return {"": (self.shape, "int8", "zeros"), "_scale": (self.axes.scale_shape, None, "ones")}

    def quantized(self, weight: Any) -> Values:
        """What the variables hold for a weight."""
        values, scale = self.quantizer(weight, to_numpy=True)
        scale = transpose(scale, (*self.axes.kept, *self.axes.shared))
        return _evaluated({"": values, "_scale": reshape(scale, self.axes.scale_shape)})

    def weight(self, read: Callable[[str], Tensor], dtype: Any, rows: Any = None) -> Tensor:
        """The weight again, from the variables that `read(suffix)` gives: of a table only so many rows, if told."""
        shape, kept = (self.shape[0] if rows is None else rows, *self.shape[1:]), self.axes.kept
        scale = reshape(read("_scale"), [shape[a] for a in kept])
        scale = transpose(scale, [kept.index(a) for a in sorted(kept)])
        scale = reshape(scale, [1 if a in self.axes.shared else d for a, d in enumerate(shape)])
        return cast(read(""), dtype) / cast(scale, dtype)


class Int4:
    """A weight as a matrix of four-bit integers, two to a byte along the last axis. One scale for all along axis
    `along`, or for each block of them a scale and a zero point.
    """

    def __init__(self, shape: Sequence[int], axes: Axes, along: int, config: Any, block_size: int | None):
        self.shape, self.along = tuple(shape), along
        rows = shape[0] if along else int(np.prod([shape[a] for a in axes.shared]))
        self.matrix = (rows, int(np.prod(shape)) // rows)
        self.block = block_size
        self.quantizer = getattr(config, "weight_quantizer", None) or AbsMaxQuantizer(along, (-8, 7))
        self.inputs = getattr(config, "activation_quantizer", None)

    def variables(self) -> dict[str, tuple[tuple[int, ...], str | None, Any]]:
        size, other = self.matrix[self.along], self.matrix[1 - self.along]
        packed = {"": ((self.matrix[0], -(-self.matrix[1] // 2)), "int8", "zeros")}
        if self.block is None:
            return {**packed, "_scale": ((other,), None, "ones")}
        groups = -(-size // self.block)
        shape = (groups, other) if self.along == 0 else (other, groups)

        numbers = np.arange(size) // self.block
        return {**packed, "_scale": (shape, None, "ones"), "_zero": (shape, "int8", "zeros"),
                "g_idx": ((size,), "float32", lambda shape, dtype: numbers)}

    def quantized(self, weight: Any) -> Values:
        matrix = reshape(weight, self.matrix)
        if self.block is None:
            values, scale = self.quantizer(matrix, to_numpy=True)
            found = {"_scale": reshape(scale, (-1,))}
        else:
            turned = transpose(matrix) if self.along else matrix
            parts = abs_max_quantize_grouped_with_zero_point(turned, self.block, to_numpy=True)
            values, scale, zero = (transpose(part) if self.along else part for part in parts)
            found = {"_scale": scale, "_zero": zero}
        return _evaluated({"": pack_int4(values, -1)[0], **found})

    def weight(self, read: Callable[[str], Tensor], dtype: Any, rows: Any = None) -> Tensor:
        shape = (self.shape[0] if rows is None else rows, *self.shape[1:])
        values = cast(halves(read(""), self.matrix[1], 1, True), dtype)
        if self.block is None:
            scale = reshape(read("_scale"), (1, -1) if self.along == 0 else (-1, 1))
            return reshape(values / cast(scale, dtype), shape)
        groups = cast(read("g_idx"), int32)
        scale, zero = (gather(cast(read(suffix), dtype), groups, self.along) for suffix in ("_scale", "_zero"))
        return reshape((values - zero) * scale, shape)


Form = Int8 | Int4


def _evaluated(tensors: dict[str, Tensor]) -> Values:
    return {suffix: np.asarray(backend.eval(tensor)) for suffix, tensor in tensors.items()}


def form_for(mode: str, shape: Sequence[int], axes: Axes, along: int, policy: Any, config: Any) -> Form:
    """How a weight of that shape is kept, by what `quantize` was given, or else the dtype policy of a file."""
    if mode == "int8":
        return Int8(shape, axes, config)
    size = config.block_size if isinstance(config, Int4QuantizationConfig) else getattr(policy, "block_size", None)
    return Int4(shape, axes, along, config, None if size == -1 else size)


def rounded(inputs: Tensor, quantizer: Any, axis: Any) -> Tensor:
    """Inputs as the quantizer's integers give them back; gradients pass as if they were not rounded."""
    values, scale = quantizer(stop_gradient(inputs), axis=axis)
    return inputs + stop_gradient(cast(values, scale.dtype) / scale - inputs)


@custom_gradient
def in_float8(x: Tensor, scale: Tensor, history: Tensor) -> Any:
    """`x` in float8_e4m3fn. What stands for the gradients of the scale and the history are their next values."""
    def grad(upstream: Tensor) -> list[Tensor]:
        return [upstream, *_next_scale("float8_e4m3fn", x, scale, history)]
    return quantize_and_dequantize(x, scale, "float8_e4m3fn", x.dtype), grad


@custom_gradient
def gradient_in_float8(y: Tensor, scale: Tensor, history: Tensor) -> Any:
    """`y`, whose gradient is in float8_e5m2."""
    def grad(upstream: Tensor) -> list[Tensor]:
        return [quantize_and_dequantize(upstream, scale, "float8_e5m2", y.dtype),
                *_next_scale("float8_e5m2", upstream, scale, history)]
    return identity(y), grad


def _next_scale(dtype: str, x: Tensor, scale: Tensor, history: Tensor) -> list[Tensor]:
    import ml_dtypes
    largest = float(ml_dtypes.finfo(dtype).max)
    return [compute_float8_scale(reduce_max(history), scale, largest), compute_float8_amax_history(x, history)]
