"""The paths of a beam search, from the parents that each step kept."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import INTEGERS
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .arguments import check_dtype
from .constant import convert_to_tensor
from .elementwise import cast


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    steps, parents = inputs[:2]
    check_dtype("GatherTree", steps, INTEGERS)
    for tensor in (steps, parents):
        if tensor.dims is not None and len(tensor.dims) != 3:
            raise ShapeError(f"GatherTree: step_ids and parent_ids must be [time, batch, beam], received {tensor!r}")
    return [TensorType(steps.dtype, steps.dims)]


def _reference(steps: np.ndarray, parents: np.ndarray, lengths: np.ndarray, end: np.ndarray) -> np.ndarray:
    time, batch, beam = steps.shape
    out = np.full(steps.shape, end, steps.dtype)
    rows = np.arange(batch)[:, None]
    at = np.broadcast_to(np.arange(beam), (batch, beam))
    lengths = np.minimum(lengths, time)[:, None]
    for t in range(time - 1, -1, -1):
        inside = t < lengths
        if np.any(inside & ((at < 0) | (at >= beam))):
            raise InvalidArgumentError(f"GatherTree: Saw invalid parent id {at[inside & ((at < 0) | (at >= beam))][0]} "
                                       f"at time {t + 1}, of a beam of {beam}")
        out[t] = np.where(inside, steps[t, rows, np.where(inside, at, 0)], end)
        at = np.where(inside, parents[t, rows, np.where(inside, at, 0)], at)
    ended = np.cumsum(out == end, 0) - (out == end) > 0  # after the first end
    return np.where(ended, end, out)


_gather_tree = OpDef("GatherTree", HOST, _types, lambda op, g: [None] * 4, _reference)


def gather_tree(step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any,
                name: str | None = None) -> Tensor:
    """The ids along each path of a beam search, from its end back through `parent_ids`, all int [time, batch, beam].

    Beyond `max_sequence_lengths` [batch] and after the first `end_token` of a path there is `end_token`. Raises
    InvalidArgumentError for a parent outside the beam.
    """
    steps, parents = convert_to_tensor(step_ids), convert_to_tensor(parent_ids)
    lengths, end = convert_to_tensor(max_sequence_lengths), convert_to_tensor(end_token)
    return _gather_tree(steps, cast(parents, steps.dtype), cast(lengths, steps.dtype), cast(end, steps.dtype),
                        name=name)
