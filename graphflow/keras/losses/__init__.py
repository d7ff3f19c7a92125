"""Keras's losses."""
from __future__ import annotations

from typing import Any

from ..legacy.constants import Reduction
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..utils.lookup import lookup
from .classes import (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
from .functions import (
    binary_crossentropy,
    categorical_crossentropy,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
)
from .loss import REDUCTIONS, Loss, LossFunctionWrapper, apply_mask, rank_of, reduce_weighted, same_rank
from .margins import (
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    squared_hinge,
    tversky,
)

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence
logcosh = log_cosh
kullback_leibler_divergence = kl_divergence
bce = BCE = binary_crossentropy
cosine = cosine_similarity

_FUNCTIONS = (
    mean_squared_error,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_logarithmic_error,
    huber,
    log_cosh,
    kl_divergence,
    poisson,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
    cosine_similarity,
    hinge,
    squared_hinge,
    categorical_hinge,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    dice,
    tversky,
    circle,
    ctc,
)
kullback_leibler_divergence, cosine_proximity, logcosh = kld, cosine, log_cosh  # Keras 2's names
FUNCTIONS: dict[str, Any] = {f.__name__: f for f in _FUNCTIONS}
FUNCTIONS |= {"mse": mse, "MSE": mse, "mae": mae, "MAE": mae, "mape": mape, "MAPE": mape, "msle": msle, "MSLE": msle,
              "kld": kld, "KLD": kld, "logcosh": log_cosh, "bce": bce, "BCE": bce, "cosine": cosine,
              "kullback_leibler_divergence": kld, "cosine_proximity": cosine}
_OBJECTS: dict[str, Any] = FUNCTIONS | {c.__name__: c for c in (
    BinaryCrossentropy, BinaryFocalCrossentropy, CTC, CategoricalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy, CategoricalHinge, Circle, CosineSimilarity, Dice, Hinge, Huber,
    KLDivergence, LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy, SquaredHinge, Tversky)}


def get(identifier: Any) -> Any:
    """The loss for a name, config, instance or function."""
    return lookup("loss function", identifier, _OBJECTS)


def serialize(loss: Any) -> Any:
    """The config of a loss, from which `deserialize` makes it again."""
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """The loss of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    return deserialize_keras_object(name, custom_objects, module_objects=_OBJECTS)


__all__ = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CTC", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "FUNCTIONS",
    "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "LossFunctionWrapper", "MeanAbsoluteError",
    "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "REDUCTIONS",
    "Reduction", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky", "apply_mask", "binary_crossentropy",
    "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy", "categorical_hinge", "circle", "cosine_similarity", "ctc", "deserialize",
    "dice", "get", "hinge", "huber", "kl_divergence", "log_cosh", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "poisson", "rank_of",
    "reduce_weighted", "same_rank", "serialize", "sparse_categorical_crossentropy", "squared_hinge", "tversky",
]
