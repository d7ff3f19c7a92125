"""Keras 2's helpers of training loops: batches, weights of samples, and checks of arrays."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, not_equal
from ...compiler.ops.reduction import reduce_mean
from .. import backend, losses
from ..utils.generic_utils import to_list


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """(start, end) of each batch of `size` samples."""
    return [(start, min(size, start + batch_size)) for start in range(0, size, batch_size)]


def batch_shuffle(index_array: np.ndarray, batch_size: int) -> np.ndarray:
    """Indices with the batches in random order; what does not fill a batch stays at the end."""
    whole = len(index_array) // batch_size * batch_size
    batches = index_array[:whole].reshape(-1, batch_size)
    np.random.shuffle(batches)
    return np.append(batches.ravel(), index_array[whole:])


def weighted_masked_objective(fn: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """A loss function of (y_true, y_pred, weights, mask) that gives the mean over what the mask leaves."""
    if fn is None:
        return None

    def weighted(y_true: Any, y_pred: Any, weights: Any = None, mask: Any = None) -> Tensor:
        values = convert_to_tensor(fn(y_true, y_pred))
        if mask is not None:
            kept = cast(mask, values.dtype)
            values = values * kept / (reduce_mean(kept) + backend.epsilon())
        if weights is not None:
            factors = convert_to_tensor(weights)
            rank = len(factors.dims or ())
            values = reduce_mean(values, list(range(rank, len(values.dims or ())))) * factors
            values = values / reduce_mean(cast(not_equal(factors, 0.0), values.dtype))
        return reduce_mean(values)
    return weighted


def standardize_weights(y: np.ndarray, sample_weight: Any = None, class_weight: Any = None,
                        sample_weight_mode: str | None = None) -> np.ndarray:
    """One weight for each sample, or with the mode "temporal" for each time step: products of what is given.

    Raises ValueError for weights that do not fit `y` and classes without a weight.
    """
    if sample_weight_mode not in (None, "temporal"):
        raise ValueError(f'"sample_weight_mode" should be None or "temporal". Found: {sample_weight_mode}')
    rank = 2 if sample_weight_mode else 1
    weights = np.ones(y.shape[:rank], backend.floatx()) if sample_weight is None else np.asarray(sample_weight)
    if weights.ndim != rank or weights.shape != y.shape[:rank]:
        raise ValueError(f"Found a sample_weight array with shape {weights.shape} for an input with shape {y.shape}. "
                         "sample_weight cannot be broadcast.")
    if not isinstance(class_weight, dict):
        return weights
    if y.ndim > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    classes = np.argmax(y, 1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y))
    missing = {c.item() for c in classes} - set(class_weight)
    if missing:
        raise ValueError(f"`class_weight` must contain all classes in the data. The classes {missing} exist in the "
                         "data but not in `class_weight`.")
    return weights * np.array([class_weight[c.item()] for c in classes])


def check_array_length_consistency(inputs: Any, targets: Any, weights: Any = None) -> None:
    """Raises ValueError unless all arrays have the same number of samples."""
    def lengths(arrays: Any) -> set[int]:
        given = [] if arrays is None else to_list(arrays, allow_tuple=True)
        return {0 if a is None else int(a.shape[0]) for a in given} or {0}

    x, y, w = (lengths(arrays) for arrays in (inputs, targets, weights))
    for what, found in (("input arrays (x)", x), ("target arrays (y)", y), ("sample_weight arrays", w)):
        if len(found) > 1:
            raise ValueError(f"All {what} should have the same number of samples. Got: {sorted(found)}")
    if x != y:
        raise ValueError("Input arrays should have the same number of samples as target arrays. Found "
                         f"{x.pop()} input samples and {y.pop()} target samples.")
    if y != w:
        raise ValueError("Sample_weight arrays should have the same number of samples as target arrays. Got "
                         f"{y.pop()} input samples and {w.pop()} target samples.")


def check_loss_and_target_compatibility(targets: Sequence[Any], loss_fns: Sequence[Any],
                                        output_shapes: Sequence[Any]) -> None:
    """Raises ValueError for targets whose shapes these losses cannot take."""
    for y, loss, shape in zip(targets, loss_fns, output_shapes, strict=True):
        if y is None or loss is None:
            continue
        name = getattr(loss, "name", None) or getattr(loss, "__name__", "")
        if name == "categorical_crossentropy" and y.shape[-1] == 1:
            raise ValueError(f"You are passing a target array of shape {y.shape} while using as loss "
                             "`categorical_crossentropy`. `categorical_crossentropy` expects targets to be binary "
                             "matrices (1s and 0s) of shape (samples, classes); see keras.utils.to_categorical, or use "
                             "the loss `sparse_categorical_crossentropy`.")
        if isinstance(loss, (losses.MeanSquaredError, losses.BinaryCrossentropy, losses.CategoricalCrossentropy)) and (
                any(b is not None and a != b for a, b in zip(y.shape[1:], shape[1:], strict=False))):
            raise ValueError(f"A target array with shape {y.shape} was passed for an output of shape {shape} while "
                             f"using as loss `{name}`. This loss expects targets to have the same shape as the output.")
