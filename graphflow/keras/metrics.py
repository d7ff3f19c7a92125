"""Metrics: running values whose state is variables, updated by the step itself and read when someone looks."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.ir import Tensor
from ..compiler.ops import elementwise as ew
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..compiler.ops.reduction import argmax, reduce_mean, reduce_sum, size_of
from ..compiler.ops.state import group
from ..compiler.ops.view import broadcast_to, squeeze, zeros_of
from . import backend, initializers, losses
from .losses import rank_of, same_rank
from .naming import auto_name
from .scope import StepScope, current_scope
from .variables import Variable


class Metric:
    """Base class. Subclasses define `update_state(...)`, which assigns variables, and `result()`.

    Within a step an update is part of it. Outside, `update_state` of concrete values takes effect at once, and of
    tensors returns the operation that does it.
    """

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or auto_name(type(self).__name__)
        self.dtype = dtype or backend.floatx()
        self._variables: list[Variable] = []

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _outside_steps(cls.update_state)  # type: ignore[method-assign]

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"Metric {type(self).__name__} does not have an `update_state()` method.")

    def result(self) -> Any:
        raise NotImplementedError(f"Metric {type(self).__name__} does not have a `result()` method.")

    def reset_state(self) -> None:
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype.np))

    def add_variable(self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None,
                     name: str | None = None) -> Variable:
        variable = Variable(initializers.get(initializer or "zeros"), shape, dtype or self.dtype, False,
                            name or "variable")
        self._variables.append(variable)
        return variable

    add_weight = add_variable

    @property
    def variables(self) -> list[Variable]:
        inner = [v for m in vars(self).values() if isinstance(m, Metric) for v in m.variables]
        return self._variables + inner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _outside_steps(update: Callable[..., Any]) -> Callable[..., Any]:
    """`update` with a step of its own when it is called outside one."""
    @functools.wraps(update)
    def update_state(self: Metric, *args: Any, **kwargs: Any) -> Any:
        if current_scope() is not None:
            return update(self, *args, **kwargs)
        with StepScope() as scope:
            update(self, *args, **kwargs)
            operations = scope.assignments()
        operation = group(*operations)
        if not any(isinstance(a, Tensor) for a in (*args, *kwargs.values())):
            backend.get_session(operation.graph).run(operation)
        return operation
    return update_state


def per_sample(values: Any, sample_weight: Any, reduce: Callable[..., Tensor],
               dtype: str) -> tuple[Tensor, Tensor | None]:
    """(values times weights, weights), each reduced to at most one axis."""
    values = cast(values, dtype)
    weight: Tensor | None = None
    if sample_weight is not None:
        values, weight = same_rank(values, cast(sample_weight, dtype))
        if rank_of(values) > rank_of(weight):
            values = reduce(values, range(rank_of(weight), rank_of(values)))
        weight = broadcast_to(weight, values.dims)
        values = values * weight
        if rank_of(weight) > 1:
            weight = reduce(weight, range(1, rank_of(weight)))
    if rank_of(values) > 1:
        values = reduce(values, range(1, rank_of(values)))
    return values, weight


class Sum(Metric):
    """The weighted sum of values."""

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        values, _ = per_sample(values, sample_weight, reduce_sum, self.dtype)
        self.total.assign_add(reduce_sum(values))

    def result(self) -> Tensor:
        return self.total.value()


class Mean(Metric):
    """The weighted mean of values."""

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        values, weight = per_sample(values, sample_weight, reduce_mean, self.dtype)
        self.total.assign_add(reduce_sum(values))
        self.count.assign_add(cast(size_of(values), self.dtype) if weight is None else reduce_sum(weight))

    def result(self) -> Tensor:
        return divide_no_nan(self.total.value(), self.count.value())


def divide_no_nan(a: Tensor, b: Tensor) -> Tensor:
    """a / b, 0 where b is 0."""
    zero = ew.equal(b, zeros_of(b))
    return ew.where(zero, zeros_of(a), a / ew.where(zero, zeros_of(b) + 1, b))


class MeanMetricWrapper(Mean):
    """The mean of a function of (y_true, y_pred)."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name, dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        return super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

    def get_config(self) -> dict[str, Any]:
        from .saving.serialization import serialize_keras_object
        return {**super().get_config(), "fn": serialize_keras_object(self._fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        from .saving.serialization import deserialize_keras_object
        return cls(**deserialize_keras_object(config))


# functions


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where equal."""
    prediction = convert_to_tensor(y_pred)
    truth, prediction = same_rank(cast(y_true, prediction.dtype), prediction)
    return cast(ew.equal(truth, prediction), backend.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where y_pred lies on the same side of the threshold as the label, 0 or 1."""
    truth, prediction = same_rank(convert_to_tensor(y_true), convert_to_tensor(y_pred))
    return cast(ew.equal(truth, cast(prediction > threshold, truth.dtype)), backend.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest score is that of the one-hot label."""
    return cast(ew.equal(argmax(y_true, -1), argmax(y_pred, -1)), backend.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest score is that of the class index."""
    truth, prediction = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if rank_of(truth) == rank_of(prediction) and truth.shape[-1] == 1:
        truth = squeeze(truth, -1)
    best = argmax(prediction, -1)
    hits = ew.equal(truth, cast(best, truth.dtype)) if truth.dtype.is_floating else ew.equal(
        cast(truth, best.dtype), best)
    hits = squeeze(hits, -1) if rank_of(hits) > 1 and hits.shape[-1] == 1 else hits
    return cast(hits, backend.floatx())


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


Accuracy = _named("Accuracy", accuracy)
BinaryAccuracy = _named("BinaryAccuracy", binary_accuracy, threshold=0.5)
CategoricalAccuracy = _named("CategoricalAccuracy", categorical_accuracy)
SparseCategoricalAccuracy = _named("SparseCategoricalAccuracy", sparse_categorical_accuracy)
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
                                       from_logits=False, axis=-1)


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


_OBJECTS: dict[str, Any] = losses.FUNCTIONS | {f.__name__: f for f in (
    accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy)} | {c.__name__: c for c in (
        Sum, Mean, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, MeanSquaredError,
        MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCoshError, KLDivergence,
        Poisson, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, RootMeanSquaredError)}
_OBJECTS |= {"acc": accuracy, "ACC": accuracy}


def get(identifier: Any) -> Any:
    """The metric for a name, config, instance or function."""
    from .utils.lookup import lookup
    return lookup("metric", identifier, _OBJECTS)


def serialize(metric: Any) -> Any:
    from .saving.serialization import serialize_keras_object
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    from .saving.serialization import deserialize_keras_object
    return deserialize_keras_object(config, custom_objects, _OBJECTS)
