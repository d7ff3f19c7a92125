"""Elements around a tensor that mirror those inside, where sizes are known."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import int64
from ..ir import Operation, Tensor, TensorType
from ..opdef import INDEX, OpDef
from .slices import place, slice_axis
from .view import known_rank, reverse


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims = known_rank("MirrorPad", inputs[0])
    return [TensorType(inputs[0].dtype, tuple(
        before + d + after for d, (before, after) in zip(dims, attrs["paddings"], strict=True)))]


def _index(emit: Any, op: Operation, index: Sequence[str]) -> str:
    """Where an element is in the input: from before its begin or from behind its end back inside."""
    x, skip, own = op.inputs[0], op.attrs["skip"], []
    for axis, (i, (before, after)) in enumerate(zip(index, op.attrs["paddings"], strict=True)):
        if before:
            i = emit.let(f"({i}) - {emit.dim(before)}", int64)
            i = emit.let(f"select({i} < 0, {skip - 1} - {i}, {i})", int64)
        if after:
            size = emit.size(x, axis)
            i = emit.let(f"select(({i}) < {size}, {i}, 2 * {size} - {1 + skip} - ({i}))", int64)
        own.append(i)
    return emit.element(x, own)


def _grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    skip = op.attrs["skip"]
    for axis, ((before, after), size) in enumerate(zip(op.attrs["paddings"], op.inputs[0].dims or (), strict=True)):
        total = slice_axis(g, axis, before, size) if before or after else g
        assert total.dims is not None
        for count, begin, to in ((before, 0, skip), (after, before + size, size - skip - after)):
            if count:
                mirrored = reverse(slice_axis(g, axis, begin, count), axis)
                total += place(mirrored, total.dims, tuple(to if k == axis else 0 for k in range(len(total.dims))))
        g = total
    return [g]


# paddings are pairs of numbers, the first and last `skip` elements are not repeated
mirror_pad = OpDef("MirrorPad", INDEX, _types, _grad, lambda x, paddings, skip: np.pad(
    x, paddings, "reflect" if skip else "symmetric"), lower=_index)
