"""Means of functions, as classes of their own."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.elementwise import cast
from .. import losses
from ..losses.loss import same_rank
from . import functions as f
from .metric import Mean, MeanMetricWrapper, Metric


class _Named(MeanMetricWrapper):
    """The mean of a function, with a class of its own. `options` are its further arguments and their defaults."""

    function: Callable[..., Tensor]
    default_name: str
    options: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any):
        given = dict(zip(("name", "dtype", *self.options), args, strict=False)) | kwargs
        unknown = set(given) - {"name", "dtype", *self.options}
        if unknown or len(args) > 2 + len(self.options):
            raise TypeError(f"{type(self).__name__}: unexpected arguments {sorted(unknown) or args}")
        options = {key: given.get(key, default) for key, default in self.options.items()}
        super().__init__(type(self).function, given.get("name") or self.default_name, given.get("dtype"), **options)

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)


def _named(name: str, function: Callable[..., Tensor], default_name: str | None = None, **options: Any) -> Any:
    return type(name, (_Named,), {
        "function": staticmethod(function), "default_name": default_name or function.__name__, "options": options,
        "__module__": __name__, "__doc__": function.__doc__})


Accuracy = _named("Accuracy", f.accuracy)
BinaryAccuracy = _named("BinaryAccuracy", f.binary_accuracy, threshold=0.5)
CategoricalAccuracy = _named("CategoricalAccuracy", f.categorical_accuracy)
SparseCategoricalAccuracy = _named("SparseCategoricalAccuracy", f.sparse_categorical_accuracy)
MeanSquaredError = _named("MeanSquaredError", losses.mean_squared_error)
MeanAbsoluteError = _named("MeanAbsoluteError", losses.mean_absolute_error)
MeanAbsolutePercentageError = _named("MeanAbsolutePercentageError", losses.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _named("MeanSquaredLogarithmicError", losses.mean_squared_logarithmic_error)
LogCoshError = _named("LogCoshError", losses.log_cosh, "logcosh")
KLDivergence = _named("KLDivergence", losses.kl_divergence)
Poisson = _named("Poisson", losses.poisson)
BinaryCrossentropy = _named("BinaryCrossentropy", losses.binary_crossentropy, from_logits=False, label_smoothing=0)
CategoricalCrossentropy = _named("CategoricalCrossentropy", losses.categorical_crossentropy, from_logits=False,
                                 label_smoothing=0, axis=-1)
SparseCategoricalCrossentropy = _named("SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy,
                                       from_logits=False, ignore_class=None, axis=-1)
Hinge = _named("Hinge", losses.hinge)
SquaredHinge = _named("SquaredHinge", losses.squared_hinge)
CategoricalHinge = _named("CategoricalHinge", losses.categorical_hinge)
CosineSimilarity = _named("CosineSimilarity", f.cosine_similarity, axis=-1)
PearsonCorrelation = _named("PearsonCorrelation", f.pearson_correlation, axis=-1)
ConcordanceCorrelation = _named("ConcordanceCorrelation", f.concordance_correlation, axis=-1)


class _TopK(_Named):
    """`k` stands before the name."""

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name, dtype, k=k, **kwargs)


TopKCategoricalAccuracy = type("TopKCategoricalAccuracy", (_TopK,), {
    "function": staticmethod(f.top_k_categorical_accuracy), "default_name": "top_k_categorical_accuracy",
    "options": {"k": 5}, "__module__": __name__, "__doc__": f.top_k_categorical_accuracy.__doc__})
SparseTopKCategoricalAccuracy = type("SparseTopKCategoricalAccuracy", (_TopK,), {
    "function": staticmethod(f.sparse_top_k_categorical_accuracy),
    "default_name": "sparse_top_k_categorical_accuracy", "options": {"k": 5, "from_sorted_ids": False},
    "__module__": __name__, "__doc__": f.sparse_top_k_categorical_accuracy.__doc__})


class RootMeanSquaredError(Mean):
    """The root of the mean squared error."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        prediction = cast(y_pred, self.dtype)
        truth, prediction = same_rank(cast(y_true, self.dtype), prediction)
        return super().update_state(ew.squared_difference(truth, prediction), sample_weight)

    def result(self) -> Tensor:
        return ew.sqrt(super().result())
