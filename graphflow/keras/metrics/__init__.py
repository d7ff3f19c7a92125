"""Keras's metrics."""
from __future__ import annotations

from typing import Any

from .. import losses
from ..naming import to_snake_case
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..utils.lookup import lookup
from .classes import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredHinge,
    TopKCategoricalAccuracy,
)
from .confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from .functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    concordance_correlation,
    cosine_similarity,
    pearson_correlation,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .metric import (
    Mean,
    MeanMetricWrapper,
    Metric,
    Sum,
    divide_no_nan,
    per_sample,
)
from .scores import (
    BinaryIoU,
    F1Score,
    FBetaScore,
    IoU,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
    R2Score,
)

_FUNCTIONS = (
    accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy, cosine_similarity, pearson_correlation, concordance_correlation,
)
_CLASSES: tuple[Any, ...] = (
    RootMeanSquaredError, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy,
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCoshError,
    KLDivergence, Poisson, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, Hinge,
    SquaredHinge, CategoricalHinge, CosineSimilarity, PearsonCorrelation, ConcordanceCorrelation,
    TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, TruePositives, TrueNegatives, FalsePositives,
    FalseNegatives, Precision, Recall, SensitivityAtSpecificity, SpecificityAtSensitivity, PrecisionAtRecall,
    RecallAtPrecision, AUC, FBetaScore, F1Score, R2Score, IoU, MeanIoU, BinaryIoU, OneHotIoU, OneHotMeanIoU, Mean,
    Sum, MeanMetricWrapper,
)
_OBJECTS: dict[str, Any] = losses.FUNCTIONS | {f.__name__: f for f in _FUNCTIONS} | {c.__name__: c for c in _CLASSES}
_OBJECTS |= {"acc": accuracy, "ACC": accuracy, "cosine": cosine_similarity, "cosine_proximity": cosine_similarity}
globals().update({n: f for n, f in losses.FUNCTIONS.items() if n not in globals()})  # mse, MAE, ... stand here too


_OBJECTS = {to_snake_case(c.__name__): c for c in _CLASSES} | _OBJECTS


def get(identifier: Any) -> Any:
    """The metric for a name, config, instance or function."""
    return lookup("metric", identifier, _OBJECTS)


def serialize(metric: Any) -> Any:
    """The config of a metric, from which `deserialize` makes it again."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The metric of a config or a name. Raises ValueError for unknown ones; `custom_objects` adds names."""
    return deserialize_keras_object(config, custom_objects, module_objects=_OBJECTS)


__all__ = [
    "AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "ConcordanceCorrelation", "CosineSimilarity", "F1Score",
    "FBetaScore", "FalseNegatives", "FalsePositives", "Hinge", "IoU", "KLDivergence", "LogCoshError", "Mean",
    "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU", "MeanMetricWrapper", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Metric", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson",
    "Precision", "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError",
    "SensitivityAtSpecificity", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy",
    "TrueNegatives", "TruePositives", "accuracy", "binary_accuracy", "categorical_accuracy",
    "concordance_correlation", "cosine_similarity", "deserialize", "divide_no_nan", "get", "pearson_correlation",
    "per_sample", "serialize", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]
