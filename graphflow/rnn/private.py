"""What libraries with a copy of TensorFlow's `dynamic_rnn` take from its modules, under the names it had there."""
from __future__ import annotations

from typing import Any

from ..array_ops import get_static_value
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.shapes import TensorShape
from ..framework import is_tensor
from .base import batch_size_of, sized
from .steps import state_dtype as _infer_state_dtype
from .steps import swap_batch_time as _transpose_batch_time

__all__ = ["_best_effort_input_batch_size", "_concat", "_infer_state_dtype", "_maybe_tensor_shape_from_tensor",
           "_transpose_batch_time"]


def _concat(prefix: Any, suffix: Any, static: bool = False) -> Any:
    """The shape [*prefix, *suffix] of ints, shapes or integer tensors: a tensor, or with `static` a list of what is
    known (None where even the ranks are not)."""
    if static:
        parts = [_maybe_tensor_shape_from_tensor(p) for p in (prefix, suffix)]
        whole = parts[0].concatenate(parts[1])
        return None if whole.rank is None else whole.as_list()
    many = not is_tensor(prefix) and hasattr(prefix, "__iter__")
    first = list(TensorShape(prefix)) if many else [prefix]
    return convert_to_tensor([*first[:-1], *sized(first[-1], suffix)] if first else sized(0, suffix)[1:])


def _maybe_tensor_shape_from_tensor(shape: Any) -> TensorShape:
    """A shape from a tensor whose value is known, or from ints."""
    if not is_tensor(shape):
        return TensorShape(shape if hasattr(shape, "__iter__") else [shape])
    value = get_static_value(convert_to_tensor(shape))
    if value is not None:
        return TensorShape(value.reshape(-1).tolist())
    rank = shape.shape.rank
    return TensorShape([None] if rank == 0 else [None] * shape.shape[0].value if rank == 1 else None)


def _best_effort_input_batch_size(flat_input: Any) -> Any:
    """The batch size of inputs [time, batch, ...]: an int where one of them knows it, else a scalar tensor."""
    sizes = [batch_size_of(x, 1) for x in flat_input]
    return next((size for size in sizes if isinstance(size, int)), sizes[0])
