"""Floats as integers of few bits, by the largest magnitude along some axes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import abs_, cast, equal, floor, maximum, minimum, round_half_even, where
from ...compiler.ops.reduction import reduce_max, reduce_min
from ...compiler.ops.slicing import pad, stack
from ...compiler.ops.view import known_rank, reshape
from .. import backend
from ..computed import computed


class Quantizer:
    """A function from a tensor to (integers, scale). Subclasses define `__call__` and `get_config`."""

    def __init__(self, output_dtype: str = "int8"):
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        return x

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{self} does not implement get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class AbsMaxQuantizer(Quantizer):
    """`abs_max_quantize` along `axis`, by default the last. Raises ValueError for a range that int8 does not hold."""

    def __init__(self, axis: Any = None, value_range: Sequence[int] = (-127, 127), epsilon: float = 1e-7,
                 output_dtype: str = "int8"):
        super().__init__(output_dtype)
        if output_dtype == "int8" and not -128 <= value_range[0] <= value_range[1] <= 127:
            raise ValueError("Quantizer with output_dtype='int8' requires value_range to be within the interval "
                             f"[-128, 127]. Received: value_range={value_range}")
        self.axis = (axis,) if isinstance(axis, int) else None if axis is None else tuple(axis)
        self.value_range, self.epsilon = tuple(value_range), epsilon

    def __call__(self, x: Any, axis: Any = None, to_numpy: bool = False) -> tuple[Tensor, Tensor]:
        axis = self.axis if axis is None else axis
        return abs_max_quantize(x, -1 if axis is None else axis, self.value_range, self.output_dtype, self.epsilon,
                                to_numpy)

    def get_config(self) -> dict[str, Any]:
        config = {"value_range": self.value_range, "epsilon": self.epsilon, "output_dtype": self.output_dtype}
        return config if self.axis is None else {**config, "axis": self.axis}


def _within(x: Tensor, value_range: Sequence[int]) -> Tensor:
    return minimum(maximum(x, float(value_range[0])), float(value_range[1]))


def abs_max_quantize(inputs: Any, axis: Any, value_range: Sequence[int] = (-127, 127), dtype: str = "int8",
                     epsilon: float = 1e-7, to_numpy: bool = False) -> tuple[Tensor, Tensor]:
    """(round(inputs * scale), scale): the scale makes the largest magnitude along `axis` the end of the range, and
    keeps these axes with size 1. `to_numpy` is accepted.
    """
    x = convert_to_tensor(inputs)
    axes = list(axis) if isinstance(axis, (list, tuple)) else axis
    scale = float(value_range[1]) / (reduce_max(abs_(x), axes, keepdims=True) + epsilon)
    found: tuple[Tensor, Tensor] = computed((cast(_within(round_half_even(x * scale), value_range), as_dtype(dtype)),
                                             scale))
    return found


def abs_max_quantize_grouped_with_zero_point(
        inputs: Any, block_size: int, value_range: Sequence[int] = (-8, 7), dtype: str = "int8",
        epsilon: float = 1e-7, to_numpy: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """(integers [rows, columns], scale [groups, columns], zero point, int8 [groups, columns]) of a matrix, by groups
    of `block_size` rows: inputs are about (integers - zero point) * scale.

    With `to_numpy`, as layers have it, a last group that is not full is filled with zeros, even if it is the only one;
    without, groups of one value get a range of 2 around it.
    """
    x = convert_to_tensor(inputs)
    rows, columns = (d or 0 for d in x.shape.as_list())
    groups, (low, high) = -(-rows // block_size), value_range
    size = rows if groups == 1 and not to_numpy else block_size
    grouped = reshape(pad(x, [(0, groups * size - rows), (0, 0)]), (groups, size, columns))
    least, most = reduce_min(grouped, 1, keepdims=True), reduce_max(grouped, 1, keepdims=True)
    if not to_numpy:
        flat = equal(least, most)
        least, most = where(flat, least - 1, least), where(flat, most + 1, most)
    scale = (most - least + epsilon) / float(high - low)
    zero = _within(round_half_even(-least / scale) + float(low), value_range)
    values = cast(_within(round_half_even(grouped / scale) + zero, value_range), as_dtype(dtype))
    values = reshape(values, (groups * size, columns))[:rows]
    found: tuple[Tensor, Tensor, Tensor] = computed(
        (values, reshape(scale, (groups, columns)), cast(reshape(zero, (groups, columns)), as_dtype("int8"))))
    return found


def pack_int4(arr: Any, axis: int = 0, dtype: str = "int8") -> tuple[Tensor, tuple[int, ...], int]:
    """(bytes that hold two of the values along `axis` each, the first in the low half; their shape; the axis' length).

    Raises ValueError for a dtype other than int8 and uint8, TypeError for an array of another.
    """
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"Expected dtype to be 'int8' or 'uint8', but got '{dtype}'.")
    values = np.asarray(backend.eval(convert_to_tensor(arr)))
    if values.dtype != dtype:
        raise TypeError(f"Expected {dtype} tensor for packing, got {values.dtype}.")
    values = np.moveaxis(values, axis, 0)
    length = len(values)
    values = np.concatenate([values, np.zeros((length % 2, *values.shape[1:]), dtype)]).view(np.uint8)
    packed = np.moveaxis((values[::2] & 15 | values[1::2] << 4).view(dtype), 0, axis)
    return computed(convert_to_tensor(packed)), packed.shape, length


def unpack_int4(packed: Any, orig_len: int, axis: int = 0, dtype: str = "int8") -> Tensor:
    """The values that `pack_int4` packed: `orig_len` along `axis`, signed in int8, from 0 to 15 in uint8. Raises as
    that does.
    """
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"Expected dtype to be 'int8' or 'uint8', but got '{dtype}'.")
    x = convert_to_tensor(packed)
    if x.dtype.name not in ("int8", "uint8"):
        raise TypeError(f"Expected int8 or uint8 tensor for unpacking, got {x.dtype.name}")
    found: Tensor = computed(cast(halves(x, orig_len, axis, dtype == "int8"), as_dtype(dtype)))
    return found


def halves(packed: Tensor, length: int, axis: int, signed: bool) -> Tensor:
    """The two halves of each byte along `axis`, as floats: `length` values."""
    dims = known_rank("unpack_int4", packed)
    axis %= len(dims)
    x = cast(packed, as_dtype("float32"))
    x = where(x < 0, x + 256.0, x)
    high = floor(x / 16.0)
    both = stack([x - 16.0 * high, high], axis + 1)
    both = reshape(both, (*dims[:axis], dims[axis] * 2, *dims[axis + 1:]))
    kept = both[(slice(None),) * axis + (slice(length),)]
    return where(kept > 7, kept - 16.0, kept) if signed else kept


__all__ = ["AbsMaxQuantizer", "Quantizer", "abs_max_quantize", "abs_max_quantize_grouped_with_zero_point", "halves",
           "pack_int4", "unpack_int4"]
