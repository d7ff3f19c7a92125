"""Dilation of any operation on windows: by rearranging the input so that its neighbours are `dilation_rate` apart."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .blocks import batch_to_space_nd, space_to_batch_nd
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.symbolic import static_ints
from .compiler.ops.view import known_rank


def with_space_to_batch(input: Any, dilation_rate: Any, padding: str, op: Callable[..., Tensor],
                        filter_shape: Any = None, spatial_dims: Sequence[int] | None = None,
                        data_format: str | None = None) -> Tensor:
    """`op(input, num_spatial_dims=n, padding=...)`, on windows whose elements are `dilation_rate` apart.

    `padding` "SAME" needs the `filter_shape`, whose first entries are the window's. Raises ValueError for another
    padding, or for sizes that are not known.
    """
    x = convert_to_tensor(input)
    rates = [int(r) for r in static_ints("with_space_to_batch", "dilation_rate", dilation_rate)]
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"Invalid padding method {padding!r}")
    if all(r == 1 for r in rates):
        return op(x, num_spatial_dims=len(rates), padding=padding)
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    axes = list(range(first, first + len(rates))) if spatial_dims is None else sorted(spatial_dims)
    margins = [(0, 0)] * len(rates)
    if padding == "SAME":
        if filter_shape is None:
            raise ValueError("filter_shape must be specified for SAME padding")
        window = [int(k) for k in static_ints("with_space_to_batch", "filter_shape", filter_shape)]
        reach = [(k - 1) * r for k, r in zip(window, rates, strict=False)]
        margins = [(n // 2, n - n // 2) for n in reach]
    dims = known_rank("with_space_to_batch", x)
    blocks, pads, crops = [1] * axes[-1], [(0, 0)] * axes[-1], [(0, 0)] * axes[-1]
    for axis, rate, (before, after) in zip(axes, rates, margins, strict=True):
        size = dims[axis]
        if not isinstance(size, int):
            raise ValueError(f"with_space_to_batch: the size of axis {axis} of {x!r} must be known")
        rest = -(size + before + after) % rate
        blocks[axis - 1], pads[axis - 1], crops[axis - 1] = rate, (before, after + rest), (0, rest)
    result = op(space_to_batch_nd(x, blocks, pads), num_spatial_dims=len(rates), padding="VALID")
    return batch_to_space_nd(result, blocks, crops)
