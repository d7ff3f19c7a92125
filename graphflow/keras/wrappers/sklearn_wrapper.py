"""Keras 3's wrappers: compiled models, or functions of (X, y) that make them, as scikit-learn's estimators."""
from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models import Model, clone_model

if TYPE_CHECKING:
    class BaseEstimator:
        """Typed as nothing in particular: scikit-learn is optional."""

        def __sklearn_tags__(self) -> Any: ...

    class ClassifierMixin: ...

    class RegressorMixin: ...

    class TransformerMixin: ...
else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    except ImportError:  # the classes exist, and say what they need when they are used
        BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin = (
            type(name, (), {}) for name in ("BaseEstimator", "ClassifierMixin", "RegressorMixin", "TransformerMixin"))


def _validated(estimator: Any, *data: Any, **options: Any) -> Any:
    from sklearn.utils.validation import validate_data
    return validate_data(estimator, *data, **options)


class SKLBase(BaseEstimator):
    """A compiled `model` (cloned for each fit, unless `warm_start`), or a function of X, y and `model_kwargs` that
    returns one. `fit_kwargs` go to its `fit`. After fitting `model_` is the model and `history_` its History.

    Raises ImportError without scikit-learn, RuntimeError for a model that is not compiled.
    """

    def __init__(self, model: Any, warm_start: bool = False, model_kwargs: dict[str, Any] | None = None,
                 fit_kwargs: dict[str, Any] | None = None):
        try:
            import sklearn  # noqa: F401
        except ImportError:
            raise ImportError(f"{type(self).__name__} requires scikit-learn: pip install graphflow[sklearn]") from None
        self.model, self.warm_start = model, warm_start
        self.model_kwargs, self.fit_kwargs = model_kwargs, fit_kwargs

    def _more_tags(self) -> dict[str, Any]:
        return {"non_deterministic": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Any:
        model = self.model if not isinstance(self.model, Model) else _copied(self.model)
        return type(self)(model, self.warm_start, copy.deepcopy(self.model_kwargs), copy.deepcopy(self.fit_kwargs))

    @property
    def epoch_(self) -> Any:
        """The numbers of the epochs of the last fit."""
        history = getattr(self, "history_", None)
        return 0 if history is None else history.epoch

    def _get_model(self, X: Any, y: Any) -> Any:
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        return self.model if self.warm_start else _copied(self.model)

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Fit to X (samples, features) and y (samples,) or (samples, outputs); `kwargs` go to the model's `fit`."""
        X, y = _validated(self, X, y, multi_output=True) if self._takes_several() else _validated(self, X, y)
        y = self._process_target(y, reset=True)
        model = self._get_model(X, y)
        if not model.compiled or not model.loss or not model.optimizer:
            raise RuntimeError("Given model needs to be compiled, and have a loss and an optimizer.")
        self.history_ = model.fit(X, y, **{"verbose": 0, **(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _takes_several(self) -> bool:
        return False

    def _outputs(self, X: Any) -> Any:
        from sklearn.utils.validation import check_is_fitted
        check_is_fitted(self, "model_")
        return self.model_.predict(_validated(self, X, reset=False), verbose=0)

    def predict(self, X: Any) -> Any:
        """The model's outputs, as targets."""
        return self._reverse_process_target(self._outputs(X))

    def _process_target(self, y: Any, reset: bool = False) -> Any:
        """Targets as the model takes them: in columns."""
        from sklearn.utils.multiclass import type_of_target
        if type_of_target(y) == "unknown":
            raise ValueError(f"Unknown label type for data: {y!r}")
        if reset:
            self._target_rank = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _reverse_process_target(self, y: Any) -> Any:
        return np.squeeze(y, axis=1) if self._target_rank == 1 and y.ndim == 2 else y


def _copied(model: Any) -> Any:
    """The model with the same weights, made and compiled anew."""
    made = clone_model(model)
    if model.built:
        made.set_weights(model.get_weights())
    if model.compiled and not made.compiled:
        made.compile_from_config(model.get_compile_config())
    return made


class SKLearnClassifier(ClassifierMixin, SKLBase):
    """A classifier: the model sees one-hot targets. `classes_` are the labels. Raises ValueError for targets that are
    neither binary nor multiclass, or have one class only."""

    def decision_function(self, X: Any) -> Any:
        """The model's outputs."""
        return self._outputs(X)

    def _process_target(self, y: Any, reset: bool = False) -> Any:
        from sklearn.utils.multiclass import type_of_target
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            if kind == "unknown":
                raise ValueError(f"Unknown label type for data: {y!r}")
            raise ValueError(f"Only binary and multiclass target types are supported. Target type: {kind}")
        if reset:
            self._target_rank, self.classes_ = y.ndim, np.unique(y)
            if len(self.classes_) == 1:
                raise ValueError("Classifier can't train when only one class is present.")
        return (np.reshape(y, (-1, 1)) == self.classes_).astype(np.float64)

    def _reverse_process_target(self, y: Any) -> Any:
        labels = self.classes_[np.argmax(y, axis=-1)]
        return labels if self._target_rank == 1 else labels.reshape(-1, 1)

    def _more_tags(self) -> dict[str, Any]:
        return {**super()._more_tags(), "poor_score": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, SKLBase):
    """A regressor of scikit-learn's kind: `predict` gives one number for each row, or one row of numbers."""

    def _more_tags(self) -> dict[str, Any]:
        return {**super()._more_tags(), "poor_score": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, SKLBase):
    """A transformer: its outputs are features for what follows."""

    def transform(self, X: Any) -> Any:
        """The model's outputs."""
        return self._outputs(X)

    def _more_tags(self) -> dict[str, Any]:
        return {**super()._more_tags(), "preserves_dtype": []}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # floats are the model's, whatever came
        return tags
