"""The base class of losses, and how their values are reduced."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_sum, size_of
from ...compiler.ops.view import expand_dims, squeeze, zeros_of
from .. import backend
from ..computed import computed
from ..masks import mask_of
from ..naming import auto_name, object_name, ops_named
from ..nest import flatten, map_structure
from ..saving.serialization import deserialize_keras_object, serialize_keras_object

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def rank_of(x: Tensor) -> int:
    return len(x.dims or ())


def same_rank(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Add or drop a last axis of size 1 where the ranks differ by one: labels (n,) for predictions (n, 1)."""
    if rank_of(a) == rank_of(b) + 1 and a.shape[-1] == 1:
        return (a, expand_dims(b, -1)) if rank_of(b) == 1 else (squeeze(a, -1), b)
    if rank_of(b) == rank_of(a) + 1 and b.shape[-1] == 1:
        return (expand_dims(a, -1), b) if rank_of(a) == 1 else (a, squeeze(b, -1))
    return a, b


class Loss:
    """Base class. Subclasses define `call(y_true, y_pred)`; `reduction` says what becomes of its values."""

    integer_targets = False  # whether targets are class indices, not to be cast to floats

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            raise ValueError(f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. "
                             f"Received: reduction={reduction}")
        self.name = name or auto_name(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtype or backend.floatx()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        def number(value: Any) -> Tensor:
            tensor = convert_to_tensor(value)
            return tensor if tensor.dtype.name == self.dtype else cast(tensor, self.dtype)

        with ops_named(self.name):
            masks = [mask_of(y) for y in flatten(y_pred)]
            prediction = map_structure(number, y_pred)
            truth = map_structure(convert_to_tensor if self.integer_targets else number, y_true)
            values = self.call(truth, prediction)
            masks = [m for m in (masks[0] if len(masks) == 1 else None, mask_of(values)) if m is not None]
            mask = ew.logical_and(*masks) if len(masks) == 2 else masks[0] if masks else None
            loss = reduce_weighted(values, sample_weight, self.reduction, mask)
        return loss if any(isinstance(y, Tensor) for y in flatten([y_true, y_pred])) else computed(loss)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        raise NotImplementedError(f"Loss {type(self).__name__} does not have a `call()` method implemented.")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


def reduce_weighted(values: Any, sample_weight: Any, reduction: str | None, mask: Any = None) -> Tensor:
    """The reduction of per-sample values times their weights; masked ones count as if they were not there."""
    values = convert_to_tensor(values)
    weight = None if sample_weight is None else cast(sample_weight, values.dtype)
    weight = apply_mask(weight, mask, values.dtype, reduction)
    if weight is not None:
        values, weight = same_rank(values, weight)
        while rank_of(weight) < rank_of(values):  # one weight for all steps of a sample
            weight = expand_dims(weight, -1)
        values = values * weight
    if reduction in ("none", None) or values.dims == ():
        return values
    total = reduce_sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        divisor = reduce_sum(weight)
        return ew.where(ew.equal(divisor, 0), zeros_of(total), total / divisor)
    return total / cast(size_of(values), values.dtype)


def apply_mask(weight: Any, mask: Any, dtype: Any, reduction: str | None) -> Any:
    """Weights with masked entries 0; for means the others are raised so that they make up for those."""
    if mask is None:
        return weight
    kept = cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        valid = reduce_sum(kept)
        total = cast(size_of(kept), dtype)
        kept = kept * ew.where(ew.equal(valid, 0), zeros_of(valid), total / valid)
    if weight is None:
        return kept
    kept, weight = same_rank(kept, cast(weight, dtype))
    while rank_of(weight) < rank_of(kept):
        weight = expand_dims(weight, -1)
    return weight * kept


class LossFunctionWrapper(Loss):
    """A loss from a function of (y_true, y_pred) and fixed further arguments."""

    def __init__(self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(name or object_name(fn), reduction, dtype)
        self.fn, self._fn_kwargs = fn, kwargs
        self.integer_targets = getattr(fn, "integer_targets", False)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if not self.integer_targets and isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
            y_true, y_pred = same_rank(y_true, y_pred)
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        if values is None:
            raise ValueError(f"The loss function {self.fn!r} returned None for y_true={y_true}, y_pred={y_pred}.")
        return convert_to_tensor(values)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": serialize_keras_object(self.fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**deserialize_keras_object(config))
