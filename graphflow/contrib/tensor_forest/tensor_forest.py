"""Random forests as graphs: hyperparameters, and the operations that grow a forest and ask it."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...array_ops import one_hot, ones_like
from ...compiler.dtypes import float32, int64
from ...compiler.ir import Operation, Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, equal, negative
from ...compiler.ops.reduction import argmax, reduce_mean
from ...compiler.ops.slicing import concat
from ...compiler.ops.view import reshape
from ...framework import group
from ...script_ops import array_function
from ...variables import Variable
from .growing import Options, Trees, grown, planted, predicted

__all__ = ["ForestHParams", "RandomForestGraphs", "TrainingLossForest"]

MAX_SLOTS = 500  # leaves of a tree that have candidates at once


class ForestHParams:
    """The hyperparameters of a forest; `fill` sets what follows from others. `num_features` is required, as is
    `num_classes` (for regression the number of outputs)."""

    num_features: int
    num_classes: int

    def __init__(self, num_trees: int = 100, max_nodes: int = 10000, bagging_fraction: float = 1.0,
                 num_splits_to_consider: int = 0, feature_bagging_fraction: float = 1.0, max_fertile_nodes: int = 0,
                 split_after_samples: int = 250, regression: bool = False, base_random_seed: int = 0,
                 **others: Any):
        self.num_trees, self.max_nodes, self.bagging_fraction = num_trees, max_nodes, bagging_fraction
        self.num_splits_to_consider, self.feature_bagging_fraction = num_splits_to_consider, feature_bagging_fraction
        self.max_fertile_nodes, self.split_after_samples = max_fertile_nodes, split_after_samples
        self.regression, self.base_random_seed = regression, base_random_seed
        self.__dict__.update(others)

    def values(self) -> dict[str, Any]:
        """{name: value}."""
        return dict(self.__dict__)

    def fill(self) -> ForestHParams:
        """The same object, with the number of candidate splits and of outputs. Raises AttributeError without
        `num_features` or `num_classes`."""
        for name in ("num_features", "num_classes"):
            if not hasattr(self, name):
                raise AttributeError(f"ForestHParams has no {name}: it must be given")
        self.bagged_num_features = int(self.feature_bagging_fraction * self.num_features)
        self.num_outputs = self.num_classes
        self.num_output_columns = self.num_classes + 1
        default = min(max(10, math.floor(math.sqrt(self.num_features))), 1000)
        self.num_splits_to_consider = self.num_splits_to_consider or default
        self.max_fertile_nodes = self.max_fertile_nodes or max(int(math.ceil(self.max_nodes / 2)), 1)
        return self


class RandomForestGraphs:
    """A forest whose trees are variables of the graph. Features are dense, [batch, num_features]."""

    def __init__(self, params: ForestHParams, device_assigner: Any = None, variables: Any = None, **unused: Any):
        self.params = params if hasattr(params, "num_outputs") else params.fill()
        p = self.params
        self._options = Options(p.num_features, bool(p.regression), int(p.split_after_samples), p.bagging_fraction,
                                p.feature_bagging_fraction, p.base_random_seed)
        size = 1 + 2 * p.num_outputs if p.regression else p.num_outputs
        slots = min(p.max_fertile_nodes, MAX_SLOTS)
        start = planted(p.num_trees, p.max_nodes, slots, int(p.num_splits_to_consider), size)
        self.variables: Any = variables or Trees(*(  # type: ignore[arg-type]
            Variable(lambda value=value: convert_to_tensor(value), trainable=False, name=f"forest_{name}",
                     dtype=value.dtype) for name, value in start._asdict().items()))

    def training_graph(self, input_data: Any, input_labels: Any, num_trainers: int = 1, trainer_id: int = 0,
                       **tree_kwargs: Any) -> Operation:
        """The operation that grows the trees by a batch; labels are class ids or, for regression, numbers."""
        x = cast(convert_to_tensor(input_data), float32)
        statistics = self._statistics(convert_to_tensor(input_labels))
        options = self._options

        def grow(x: np.ndarray, statistics: np.ndarray, *parts: np.ndarray) -> tuple[np.ndarray, ...]:
            return tuple(grown(Trees(*parts), x, statistics, options))

        variables = list(self.variables)
        found = array_function(grow, [x, statistics, *variables], [v.dtype for v in variables])
        for value, variable in zip(found, variables, strict=True):
            value.set_shape(variable.shape)
        return group(*(v.assign(value) for v, value in zip(variables, found, strict=True)))

    def _statistics(self, labels: Tensor) -> Tensor:
        if not self.params.regression:
            return one_hot(cast(reshape(labels, [-1]), int64), self.params.num_outputs)
        y = reshape(cast(labels, float32), [-1, self.params.num_outputs])
        return concat([ones_like(y[:, :1]), y, y * y], 1)

    def inference_graph(self, input_data: Any, **inference_args: Any) -> tuple[Tensor, None, Tensor | None]:
        """(probabilities [batch, num_classes] or, for regression, means; None, for paths are not kept; the variance
        between the trees, for regression)."""
        x, regression = cast(convert_to_tensor(input_data), float32), self._options.regression

        def ask(x: np.ndarray, *parts: np.ndarray) -> np.ndarray:
            return predicted(Trees(*parts), x, regression)

        found = array_function(ask, [x, *self.variables], float32)
        shape = [x.shape.as_list()[0], self.params.num_outputs]
        found.set_shape([2, *shape] if regression else shape)
        return (found[0], None, found[1] - found[0] * found[0]) if regression else (found, None, None)

    def average_size(self) -> Tensor:
        """The mean number of nodes of a tree."""
        return reduce_mean(cast(self.variables.nodes, float32))

    def training_loss(self, features: Any, labels: Any, name: str = "training_loss") -> Tensor:
        """The mean number of nodes of a tree, negative: what falls while the forest grows."""
        return negative(self.average_size(), name=name)

    def validation_loss(self, features: Any, labels: Any) -> Tensor:
        """`training_loss`."""
        return self.training_loss(features, labels)


class TrainingLossForest(RandomForestGraphs):
    """A forest whose loss is that of its predictions: the share of errors or `loss_fn(values, labels)`."""

    def __init__(self, params: ForestHParams, loss_fn: Any = None, **kwargs: Any):
        super().__init__(params, **kwargs)
        self._loss_fn = loss_fn

    def training_loss(self, features: Any, labels: Any, name: str = "training_loss") -> Tensor:
        """The loss of the predictions for these features."""
        values = self.inference_graph(features)[0]
        if self._loss_fn is not None:
            return reduce_mean(self._loss_fn(values, labels), name=name)
        if self.params.regression:
            return reduce_mean((values - reshape(cast(labels, float32), [-1, self.params.num_outputs])) ** 2, name=name)
        right = equal(argmax(values, 1), cast(reshape(labels, [-1]), int64))
        return reduce_mean(1 - cast(right, float32), name=name)
