"""Models as scikit-learn's estimators, of Keras 3 and of Keras 2."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphflow import keras

pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils import estimator_checks  # noqa: E402

L, W = keras.layers, keras.wrappers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = np.array(["low", "mid", "high"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
Y = X @ np.array([1.0, -2, 0.5, 0], np.float32)


def network(X: Any, y: Any, loss: str, activation: str | None = None, units: int = 8) -> Any:
    model = keras.Sequential([keras.Input((X.shape[1],)), L.Dense(units, activation="tanh"),
                              L.Dense(y.shape[1], activation=activation)])
    model.compile(keras.optimizers.Adam(0.05), loss)
    return model


def classifier(**kwargs: Any) -> Any:
    return W.SKLearnClassifier(network, model_kwargs={"loss": "categorical_crossentropy", "activation": "softmax"},
                               fit_kwargs={"epochs": 30, **kwargs})


def test_classes_come_back_as_they_went_in() -> None:
    estimator = make_pipeline(StandardScaler(), classifier()).fit(X, LABELS)
    assert estimator.score(X, LABELS) > 0.85
    assert estimator.predict(X[:5]).dtype == LABELS.dtype
    last = estimator[-1]
    assert list(last.classes_) == ["high", "low", "mid"] and len(last.history_.epoch) == 30
    assert last.decision_function(X).shape == (60, 3)
    again = clone(last)
    assert again.get_params()["fit_kwargs"] == {"epochs": 30} and not hasattr(again, "model_")


def test_models_are_cloned_or_trained_on() -> None:
    model = network(X, Y[:, None], "mse")
    before = model.get_weights()
    fresh = W.SKLearnRegressor(model).fit(X, Y, epochs=3)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert fresh.predict(X).shape == (60,)
    warm = W.SKLearnRegressor(model, warm_start=True).fit(X, Y, epochs=3)
    assert warm.model_ is model
    np.testing.assert_allclose(warm.predict(X), fresh.predict(X), rtol=0.5, atol=0.5)
    features = W.SKLearnTransformer(model, warm_start=True).fit(X, Y).transform(X)
    assert features.shape == (60, 1)


def test_errors() -> None:
    with pytest.raises(RuntimeError, match="needs to be compiled"):
        W.SKLearnRegressor(keras.Sequential([L.Dense(1)])).fit(X, Y)
    with pytest.raises(ValueError, match="only one class is present"):
        classifier().fit(X, np.zeros(60, int))


@pytest.mark.parametrize("check", ["check_estimators_nan_inf", "check_n_features_in", "check_fit2d_1sample",
                                   "check_estimators_fit_returns_self", "check_dict_unchanged",
                                   "check_methods_subset_invariance", "check_estimators_unfitted"])
def test_scikit_learn_s_own_checks(check: str) -> None:
    estimator = W.SKLearnRegressor(network, model_kwargs={"loss": "mse"})
    getattr(estimator_checks, check)("SKLearnRegressor", estimator)


def test_scikit_learn_s_checks_of_methods() -> None:
    network_of = {"loss": "categorical_crossentropy", "activation": "softmax"}
    estimator_checks.check_decision_proba_consistency("C", W.SKLearnClassifier(network, model_kwargs=network_of))
    features = W.SKLearnTransformer(network, model_kwargs={"loss": "mse"})
    estimator_checks.check_transformer_preserve_dtypes("T", features)
    assert not hasattr(classifier(), "predict_proba") and features.fit(X, Y).transform(X).dtype == np.float32


def old(units: int = 4) -> Any:
    model = keras.Sequential([L.Dense(units, activation="tanh", input_dim=4), L.Dense(3, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_the_classifier_of_keras_2() -> None:
    KerasClassifier = W.scikit_learn.KerasClassifier
    estimator = KerasClassifier(build_fn=old, epochs=25, batch_size=16, verbose=0)
    history = estimator.fit(X, LABELS)
    assert len(history.epoch) == 25
    assert estimator.score(X, LABELS) == pytest.approx((estimator.predict(X) == LABELS).mean())
    np.testing.assert_allclose(estimator.predict_proba(X).sum(1), 1, rtol=1e-5)
    assert estimator.get_params()["build_fn"] is old
    with pytest.raises(ValueError, match="colour is not a legal parameter"):
        KerasClassifier(old, colour=3)


def test_the_regressor_of_keras_2_in_a_search() -> None:
    def build(units: int = 2) -> Any:
        return network(X, Y[:, None], "mse", units=units)
    KerasRegressor = W.scikit_learn.KerasRegressor
    search = GridSearchCV(KerasRegressor(build, verbose=0, epochs=5), {"units": [2, 6]}, cv=2)
    assert search.fit(X, Y).best_params_["units"] in (2, 6)
    assert len(cross_val_score(KerasRegressor(build, verbose=0), X, Y, cv=2)) == 2
    assert search.predict(X[:0]).shape == (0,)
