"""Keras 2's wrappers: functions that make compiled models, as scikit-learn's estimators."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..models import Sequential
from ..naming import object_name
from ..utils.numerical import to_categorical


class BaseWrapper:
    """`build_fn` makes the model (a subclass may define `__call__` instead). `sk_params` are arguments of it, or of
    the model's `fit`, `predict` and `evaluate`. Raises ValueError for any other."""

    _estimator_type = ""

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any):
        self.build_fn, self.sk_params = build_fn, sk_params
        self.check_params(sk_params)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags
        classifies = self._estimator_type == "classifier"
        return Tags(estimator_type=self._estimator_type, target_tags=TargetTags(required=True),
                    classifier_tags=ClassifierTags() if classifies else None,
                    regressor_tags=None if classifies else RegressorTags())

    def _builder(self) -> Any:
        return self.build_fn if self.build_fn is not None else type(self).__call__

    def check_params(self, params: dict[str, Any]) -> None:
        """Raises ValueError for an argument that nothing takes."""
        takers = [Sequential.fit, Sequential.predict, Sequential.predict_classes, Sequential.evaluate, self._builder()]
        for name in params:
            if name != "nb_epoch" and not any(_takes(function, name) for function in takers):
                raise ValueError(f"{name} is not a legal parameter")

    def get_params(self, **params: Any) -> dict[str, Any]:
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> BaseWrapper:
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn: Any, override: dict[str, Any] | None = None) -> dict[str, Any]:
        """Those of the parameters that a function takes."""
        return {k: v for k, v in self.sk_params.items() if _takes(fn, k)} | (override or {})

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Make the model and fit it. Returns its History."""
        build = self._builder()
        arguments = self.filter_sk_params(build)
        self.model = build(**arguments) if self.build_fn is not None else self(**arguments)  # type: ignore[operator]
        return self.model.fit(x, self._as_targets(y), **{**self.filter_sk_params(Sequential.fit), **kwargs})

    def _outputs(self, x: Any, arguments: dict[str, Any]) -> np.ndarray:
        """What the model predicts, for no samples too."""
        filtered = self.filter_sk_params(Sequential.predict, arguments)
        return self.model.predict(x, **filtered) if len(x) else np.empty((0, *self.model.output_shape[1:]), np.float32)

    def _as_targets(self, y: Any) -> Any:
        loss = self.model.loss
        name = loss if isinstance(loss, str) else object_name(loss)
        return to_categorical(y) if name == "categorical_crossentropy" and np.ndim(y) != 2 else y


def _takes(function: Any, name: str) -> bool:
    return name in inspect.signature(function).parameters


class KerasClassifier(BaseWrapper):
    """A classifier. `classes_` are the labels, `n_classes_` how many there are."""

    _estimator_type = "classifier"

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Fit to labels of shape (samples,) or (samples, 1), or to one-hot rows. Raises ValueError for other shapes."""
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim == 1 or y.ndim == 2 and y.shape[1] == 1:
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError(f"Invalid shape for y: {y.shape}")
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """The label of each sample."""
        classes = self.model.predict_classes(x, **self.filter_sk_params(Sequential.predict_classes, kwargs))
        return self.classes_[classes]

    def predict_proba(self, x: Any, **kwargs: Any) -> Any:
        """The probability of each class: (samples, classes)."""
        found = self._outputs(x, kwargs)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The accuracy. Raises ValueError for a model that was compiled without it."""
        labels = self._as_targets(np.searchsorted(self.classes_, y))
        logs = self.model.evaluate(x, labels, return_dict=True, **self.filter_sk_params(Sequential.evaluate, kwargs))
        for name in ("accuracy", "acc"):
            if name in logs:
                return logs[name]
        raise ValueError("The model is not configured to compute accuracy. You should pass `metrics=[\"accuracy\"]` "
                         "to the `model.compile()` method.")


class KerasRegressor(BaseWrapper):
    """A regressor."""

    _estimator_type = "regressor"

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """The predictions, without a last axis of size 1."""
        return np.squeeze(self._outputs(x, kwargs), axis=-1)

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The negative loss: larger is better."""
        arguments = self.filter_sk_params(Sequential.evaluate, kwargs)
        return -self.model.evaluate(x, y, return_dict=True, **arguments)["loss"]
