"""`tfe.metrics`: means as objects, for programs whose ops run at once and for graphs."""
from __future__ import annotations

from typing import Any

from ...array_ops import ones_like
from ...compiler.dtypes import float64, int64
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, equal, greater
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.view import identity, squeeze
from ...framework import GraphKeys, control_dependencies, group
from ...initializers import zeros
from ...math import argmax
from ...variable_lists import variables_initializer
from ...variables import Variable
from ...weighting import broadcast_weights

__all__ = ["Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "Mean", "Metric", "SparseAccuracy"]


class Metric:
    """A value made up from several calls. Subclasses have `build` (which makes variables with `add_variable`), `call`
    and `result`."""

    def __init__(self, name: str | None = None, use_global_variables: bool = False):
        self._name = name or type(self).__name__
        self._collection = GraphKeys.GLOBAL_VARIABLES if use_global_variables else GraphKeys.LOCAL_VARIABLES
        self._variables: list[Any] = []
        self.built = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def variables(self) -> list[Any]:
        return self._variables

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in values; where ops make graph, returns the op that does so."""
        if not self.built:
            self.build(*args, **kwargs)
            self.built = True
        return self.call(*args, **kwargs)

    def add_variable(self, name: str, shape: Any = (), dtype: Any = float64, initializer: Any = None) -> Any:
        """A variable of the metric, zeros by default. Raises RuntimeError outside `build`."""
        if self.built:
            raise RuntimeError("Can't call add_variable() except in build().")
        make = initializer or zeros()
        variable = Variable(lambda: make(shape, dtype=dtype), trainable=False, name=f"{self._name}/{name}", dtype=dtype,
                            collections=[self._collection, GraphKeys.METRIC_VARIABLES])
        self._variables.append(variable)
        return variable

    def init_variables(self) -> Any:
        """Set the variables to their first values: at once, or with the op that is returned."""
        if not self._variables:
            return group()
        if self._variables[0].graph.eager:
            for variable in self._variables:
                variable.assign(variable.initial_value)
            return None
        return variables_initializer(self._variables)

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Make the variables, before the first call."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Take in values."""
        raise NotImplementedError("Metrics must define a call() member function")

    def result(self) -> Any:
        """The value so far."""
        raise NotImplementedError("Metrics must define a result() member function")

    def value(self) -> Any:
        """`result()`."""
        return self.result()


class _Average(Metric):
    """The weighted mean of what subclasses make of their arguments."""

    def __init__(self, name: str | None = None, dtype: Any = float64, use_global_variables: bool = False):
        super().__init__(name, use_global_variables)
        self.dtype = dtype

    def build(self, *args: Any, **kwargs: Any) -> None:
        self.numer = self.add_variable("numer", (), self.dtype)
        self.denom = self.add_variable("denom", (), self.dtype)

    def _taken_in(self, values: Any, weights: Any, *given: Any) -> Any:
        tensor = cast(convert_to_tensor(values), self.dtype)
        scale = ones_like(tensor)
        if weights is not None:
            scale = broadcast_weights(cast(convert_to_tensor(weights), self.dtype), scale)
            given = (*given, weights)
        updates = [self.numer.assign_add(reduce_sum(tensor * scale)), self.denom.assign_add(reduce_sum(scale))]
        if not self.numer.graph.eager:
            with control_dependencies(updates):
                given = tuple(identity(convert_to_tensor(value)) for value in given)
        return given[0] if len(given) == 1 else given

    def result(self) -> Any:
        return self.numer / self.denom


class Mean(_Average):
    """The weighted mean of all values."""

    def call(self, values: Any, weights: Any = None) -> Any:
        """Take in `values`, with `weights` that broadcast to them if given; returns what it was given."""
        return self._taken_in(values, weights, values)


class Accuracy(_Average):
    """How often predictions equal labels."""

    def call(self, labels: Any, predictions: Any, weights: Any = None) -> Any:
        """Take in labels and predictions of one shape; returns what it was given. Raises ValueError where the shapes
        differ."""
        y, p = convert_to_tensor(labels), convert_to_tensor(predictions)
        y.shape.assert_is_compatible_with(p.shape)
        return self._taken_in(self._correct(y, p), weights, labels, predictions)

    def _correct(self, labels: Any, predictions: Any) -> Any:
        return equal(labels, predictions)


class CategoricalAccuracy(Accuracy):
    """How often the largest prediction is where the largest label is, in the last axis."""

    def _correct(self, labels: Any, predictions: Any) -> Any:
        return equal(argmax(labels, -1), argmax(predictions, -1))


class BinaryAccuracy(Accuracy):
    """How often predictions and labels are on the same side of `threshold`."""

    def __init__(self, threshold: float, name: str | None = None, dtype: Any = float64):
        super().__init__(name, dtype)
        self.threshold = threshold

    def _correct(self, labels: Any, predictions: Any) -> Any:
        return equal(greater(labels, self.threshold), greater(predictions, self.threshold))


class SparseAccuracy(Accuracy):
    """How often the largest of predictions [..., classes] is where labels [...] or [..., 1] say."""

    def call(self, labels: Any, predictions: Any, weights: Any = None) -> Any:
        """Take in labels and predictions; returns what it was given."""
        y, p = convert_to_tensor(labels), convert_to_tensor(predictions)
        if y.shape.rank == p.shape.rank:
            y = squeeze(y, [-1])
        return self._taken_in(equal(cast(y, int64), argmax(p, -1)), weights, labels, predictions)
