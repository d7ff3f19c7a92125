"""Which positions attention may look at."""
from __future__ import annotations

from typing import Any

from ...compiler.dtypes import bool_
from ...compiler.ir import Tensor
from ...compiler.ops.elementwise import abs_, cast, greater_equal, less, logical_and
from ...compiler.ops.gather import range_
from ...compiler.ops.view import dim_scalar, expand_dims, known_rank


def _positions(query: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Time steps of the queries as a column, of the values as a row."""
    rows, columns = (range_(dim_scalar(known_rank("attention", t)[1])) for t in (query, value))
    return expand_dims(rows, 1), expand_dims(columns, 0)


def causal_mask(query: Tensor, value: Tensor) -> Tensor:
    """[1, time of queries, time of values]: each query sees its own step and those before."""
    return expand_dims(greater_equal(*_positions(query, value)), 0)


def window_mask(query: Tensor, value: Tensor, window: int) -> Tensor:
    """[1, time of queries, time of values]: each query sees less than `window` steps to either side."""
    rows, columns = _positions(query, value)
    return expand_dims(less(abs_(rows - columns), window), 0)


def combined_mask(query: Tensor, value: Tensor, query_mask: Any, value_mask: Any, key_mask: Any, attention_mask: Any,
                  causal: bool, window: int | None) -> Any:
    """What all masks allow, [batch, time of queries, time of values]; None when there is none."""
    masks = [] if query_mask is None else [expand_dims(cast(query_mask, bool_), -1)]
    masks += [expand_dims(cast(m, bool_), -2) for m in (value_mask, key_mask) if m is not None]
    if causal:
        masks.append(causal_mask(query, value))
    if window is not None:
        masks.append(window_mask(query, value, window))
    if attention_mask is not None:
        masks.append(cast(attention_mask, bool_))
    allowed = None
    for mask in masks:
        allowed = mask if allowed is None else logical_and(allowed, mask)
    return allowed
