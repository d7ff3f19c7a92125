"""Penalties of weights: functions from weights to a scalar loss."""
from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

from ...compiler.ops import elementwise
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_sum
from ...framework import GraphKeys, add_to_collection, constant, get_collection, name_scope
from ...math_ops import add_n
from ...nn import l2_loss

Regularizer = Callable[[Any], Any]


def _scaled(kind: str, scale: Any, scope: str | None, penalty: Callable[[Any], Any]) -> Regularizer:
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real):
        if scale < 0:
            raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale}")
        if scale == 0:
            return lambda _: None

    def regularizer(weights: Any) -> Any:
        w = convert_to_tensor(weights)
        with name_scope(scope, kind, [w]) as name:
            return elementwise.multiply(convert_to_tensor(scale, w.dtype, name="scale"), penalty(w), name)

    return regularizer


def l1_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """scale * sum(abs(weights)). Raises ValueError for a negative scale or an integer."""
    return _scaled("l1_regularizer", scale, scope, lambda w: reduce_sum(abs(w)))


def l2_regularizer(scale: Any, scope: str | None = None) -> Regularizer:
    """scale * sum(weights ** 2) / 2. Raises ValueError for a negative scale or an integer."""
    return _scaled("l2_regularizer", scale, scope, l2_loss)


def l1_l2_regularizer(scale_l1: Any = 1.0, scale_l2: Any = 1.0, scope: str | None = None) -> Regularizer | None:
    """The sum of an L1 and an L2 penalty."""
    for what, scale in (("scale_l1", scale_l1), ("scale_l2", scale_l2)):
        if isinstance(scale, numbers.Integral):
            raise ValueError(f"{what} cannot be an integer: {scale}")
    label = scope or "l1_l2_regularizer"
    if isinstance(scale_l1, float) and scale_l1 == 0:
        return l2_regularizer(scale_l2, label)
    if isinstance(scale_l2, float) and scale_l2 == 0:
        return l1_regularizer(scale_l1, label)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], label)


def sum_regularizer(regularizer_list: Sequence[Regularizer | None], scope: str | None = None) -> Regularizer | None:
    """The sum of penalties; None when there is none."""
    parts = [r for r in regularizer_list if r is not None]
    if not parts:
        return None

    def regularizer(weights: Any) -> Any:
        with name_scope(scope, "sum_regularizer", [weights]) as name:
            penalties = [p for p in (part(weights) for part in parts) if p is not None]
            return add_n(penalties, name=name) if penalties else None

    return regularizer


def apply_regularization(regularizer: Regularizer, weights_list: Sequence[Any] | None = None) -> Any:
    """The sum of the penalties of weights (default: the collection WEIGHTS), in REGULARIZATION_LOSSES.

    Raises ValueError for no weights, and for a penalty that is no scalar.
    """
    weights = list(weights_list or get_collection(GraphKeys.WEIGHTS))
    if not weights:
        raise ValueError("No weights to regularize.")
    with name_scope("get_regularization_penalty", None, weights) as scope:
        penalties = [constant(0.0) if p is None else p for p in (regularizer(w) for w in weights)]
        for p in penalties:
            if p.shape.ndims != 0:
                raise ValueError(f"regularizer must return a scalar Tensor instead of a Tensor with rank "
                                 f"{p.shape.ndims}.")
        total = add_n(penalties, name=scope)
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
        return total
