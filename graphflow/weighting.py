"""What losses and metrics share: ranks that differ by an axis of size 1, and weights that broadcast against values."""
from __future__ import annotations

from typing import Any

from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.view import broadcast_to, shape_of, squeeze


def remove_squeezable(labels: Any, predictions: Any, rank_difference: int = 0) -> tuple[Tensor, Tensor]:
    """Labels and predictions with the last axis of either removed where it has size 1 and one axis is too many.

    `rank_difference` is the number of axes that predictions should have more than labels.
    """
    y, p = convert_to_tensor(labels), convert_to_tensor(predictions)
    if y.dims is None or p.dims is None:
        return y, p
    extra = len(p.dims) - len(y.dims) - rank_difference
    if extra == 1 and p.shape[-1:].is_compatible_with([1]):
        return y, squeeze(p, [-1])
    if extra == -1 and y.shape[-1:].is_compatible_with([1]):
        return squeeze(y, [-1]), p
    return y, p


def squeeze_weights(weights: Any, values: Tensor) -> Any:
    """Weights without a last axis that `values` do not have; None and scalars stay."""
    if weights is None:
        return None
    w = convert_to_tensor(weights)
    if w.dims and values.dims is not None and len(w.dims) == len(values.dims) + 1:
        return squeeze(w, [-1])
    return w


def check_broadcastable(weights: Any, values: Tensor) -> Tensor:
    """The weights as a tensor: a scalar, or of the rank of `values` with each size 1 or that of `values`.

    Raises ValueError where that is known to be otherwise.
    """
    w = convert_to_tensor(weights)
    if w.dims is None or values.dims is None or not w.dims:
        return w
    aligned = len(w.dims) == len(values.dims) and all(
        a == 1 or not (isinstance(a, int) and isinstance(b, int)) or a == b
        for a, b in zip(w.dims, values.dims, strict=True))
    if not aligned:
        raise ShapeError(f"weights can not be broadcast to values. values.rank={len(values.dims)}. "
                         f"weights.rank={len(w.dims)}. values.shape={values.shape}. weights.shape={w.shape}.")
    return w


def broadcast_weights(weights: Any, values: Any) -> Tensor:
    """The weights repeated to the shape of `values`. Raises ValueError when they do not broadcast."""
    x = convert_to_tensor(values)
    w = check_broadcastable(weights, x)
    if w.dims is not None and w.dims == x.dims:
        return w
    return broadcast_to(w, shape_of(x))
