"""Metrics: running values whose state is variables, updated by the step itself and read when someone looks."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_mean, reduce_sum, size_of
from ...compiler.ops.state import group
from ...compiler.ops.view import broadcast_to, expand_dims, identity, zeros_of
from ...framework import control_dependencies
from ...variables import Variable as GraphVariable
from .. import backend, initializers
from ..computed import computed
from ..losses.loss import apply_mask, rank_of, same_rank
from ..masks import mask_of
from ..naming import auto_name
from ..nest import flatten, map_structure
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scope import StepScope, current_scope, in_order
from ..variables import Variable


class Metric:
    """Base class. Subclasses define `update_state(...)`, which assigns variables, and `result()`.

    Within a step an update is part of it. Outside, `update_state` of concrete values takes effect at once, and of
    tensors returns the operation that does it.
    """

    stateful = True  # Keras 2's flag of objects that are not functions

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or auto_name(type(self).__name__)
        self.dtype = dtype or backend.floatx()
        self._variables: list[Variable] = []

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _outside_steps(cls.update_state)  # type: ignore[method-assign]
        if "result" in vars(cls):
            cls.result = _to_look_at(cls.result)  # type: ignore[method-assign]

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"Metric {type(self).__name__} does not have an `update_state()` method.")

    def result(self) -> Any:
        raise NotImplementedError(f"Metric {type(self).__name__} does not have a `result()` method.")

    def reset_state(self) -> None:
        for variable in self.variables:
            variable.assign(0)

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

    @property
    def weights(self) -> list[Variable]:
        return self.variables

    def reset_states(self) -> None:
        """`reset_state`, by Keras 2's name."""
        self.reset_state()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Update, and the result of that. Outside steps, of tensors: a tensor that updates when it is computed."""
        if current_scope() is not None or in_order() or not _symbolic(args, kwargs):
            self.update_state(*args, **kwargs)
            return self.result()
        with StepScope() as scope:
            self.update_state(*args, **kwargs)
            result = self.result()
            operations = scope.assignments()
        with control_dependencies(operations):
            outputs = map_structure(identity, result)
        for output in flatten(outputs):
            output._metric_obj = self  # whose name Keras 2's `add_metric` takes
        return outputs

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
        if in_order():
            return None
        operation = group(*operations)
        if _symbolic(args, kwargs):
            return operation
        backend.get_session(operation.graph).run(operation)
        return group()  # whoever runs what an update gives does not update twice
    return update_state


def _to_look_at(result: Callable[..., Any]) -> Callable[..., Any]:
    """`result` whose value can be asked for outside steps."""
    @functools.wraps(result)
    def look(self: Metric, *args: Any, **kwargs: Any) -> Any:
        return computed(result(self, *args, **kwargs))
    return look


def _symbolic(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return any(isinstance(a, (Tensor, GraphVariable)) for a in flatten((args, list(kwargs.values()))))


def per_sample(values: Any, sample_weight: Any, reduce: Callable[..., Tensor],
               dtype: str) -> tuple[Tensor, Tensor | None]:
    """(values times weights, weights), each reduced to at most one axis."""
    mask, values = mask_of(values), cast(values, dtype)
    weight: Tensor | None = None
    if sample_weight is not None:
        if mask is not None:
            sample_weight = apply_mask(cast(sample_weight, dtype), mask, dtype, "sum")
        values, weight = same_rank(values, cast(sample_weight, dtype))
        if rank_of(values) > rank_of(weight):
            values = reduce(values, range(rank_of(weight), rank_of(values)))
        while rank_of(weight) < rank_of(values):
            weight = expand_dims(weight, -1)
        if values.dims == ():  # Keras 2: a metric that is one number, of samples of which some are masked
            values = broadcast_to(values, weight.dims)
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
        mask = mask_of(y_pred)
        values = self._fn(convert_to_tensor(y_true), convert_to_tensor(y_pred), **self._fn_kwargs)
        return super().update_state(values, apply_mask(sample_weight, mask, self.dtype, "sum"))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": serialize_keras_object(self._fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**deserialize_keras_object(config))
