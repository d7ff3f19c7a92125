"""Ready-made estimators: linear models, deep networks, both together, and baselines."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import losses, train
from ..array_ops import shape
from ..compiler.ir import Tensor
from ..compiler.ops.slicing import tile
from ..compiler.ops.view import expand_dims
from ..feature_column import input_layer, linear_model
from ..framework import GraphKeys, control_dependencies, get_collection, group
from ..initializers import glorot_uniform, zeros
from ..layers import batch_normalization, dense
from ..layers import dropout as _dropout
from ..nn import relu
from ..variable_scope import get_variable, variable_scope
from .configuration import RunConfig
from .heads import Head, RegressionHead, class_head
from .runs import Estimator
from .specification import ModeKeys

_OPTIMIZERS = {"Adagrad": train.AdagradOptimizer, "Adam": train.AdamOptimizer, "Ftrl": train.FtrlOptimizer,
               "RMSProp": train.RMSPropOptimizer, "SGD": train.GradientDescentOptimizer}

Network = Callable[[Any, str, int], Tensor]  # (features, mode, number of logits) -> logits
SUM = losses.Reduction.SUM


def _optimizer(given: Any, learning_rate: float) -> Any:
    """An optimizer by name, from a function, or as it is. Raises ValueError for an unknown name."""
    if isinstance(given, str):
        if given not in _OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {sorted(_OPTIMIZERS)}")
        return _OPTIMIZERS[given](learning_rate)
    return given() if callable(given) and not isinstance(given, train.Optimizer) else given


class _Canned(Estimator):
    """An estimator of networks whose logits are added, each trained by an optimizer of its own.

    `parts` are (scope, network, optimizer, default learning rate).
    """

    def __init__(self, head: Head, parts: Sequence[tuple[str, Network, Any, float]], model_dir: Any,
                 config: RunConfig | None, warm_start_from: Any):
        def model_fn(features: Any, labels: Any, mode: str) -> Any:
            outputs = []
            for scope, network, _, _ in parts:
                with variable_scope(scope, values=list(features.values())):
                    outputs.append(network(features, mode, head.size))
            logits = outputs[0] if len(outputs) == 1 else outputs[0] + outputs[1]

            def train_op(loss: Tensor) -> Any:
                step = train.get_global_step()
                with control_dependencies(get_collection(GraphKeys.UPDATE_OPS)):
                    updates = [_optimizer(given, rate).minimize(
                        loss, var_list=get_collection(GraphKeys.TRAINABLE_VARIABLES, f"{scope}/"),
                        global_step=step if i == 0 else None) for i, (scope, _, given, rate) in enumerate(parts)]
                return updates[0] if len(updates) == 1 else group(*updates)

            return head.spec(features, mode, logits, labels, train_op)

        super().__init__(model_fn, model_dir, config, warm_start_from=warm_start_from)


def _deep(hidden_units: Sequence[int], columns: Any, activation: Any, rate: float | None, batch_norm: bool) -> Network:
    def network(features: Any, mode: str, size: int) -> Tensor:
        training = mode == ModeKeys.TRAIN
        with variable_scope("input_from_feature_columns"):
            x = input_layer(features, columns)
        for i, units in enumerate(hidden_units):
            x = dense(x, units, activation, kernel_initializer=glorot_uniform(), name=f"hiddenlayer_{i}")
            if rate is not None and training:
                x = _dropout(x, rate, training=True)
            if batch_norm:
                with variable_scope(f"hiddenlayer_{i}"):
                    x = batch_normalization(x, momentum=0.999, training=training, name=f"batchnorm_{i}")
        return dense(x, size, kernel_initializer=glorot_uniform(), name="logits")

    return network


def _linear(columns: Any, sparse_combiner: str) -> Network:
    return lambda features, mode, size: linear_model(features, columns, size, sparse_combiner)


def _linear_rate(columns: Any) -> float:
    return min(0.2, 1 / math.sqrt(max(len(columns), 1)))


def _bias(features: Any, mode: str, size: int) -> Tensor:
    """The same logits for every example."""
    bias = get_variable("bias", [size], initializer=zeros())
    return tile(expand_dims(bias, 0), [shape(next(iter(features.values())))[0], 1])


def _classes(n_classes: int, weight_column: Any, label_vocabulary: Any, loss_reduction: str) -> Head:
    return class_head(n_classes, label_vocabulary=label_vocabulary, weight_column=weight_column,
                      loss_reduction=loss_reduction)


def _numbers(label_dimension: int, weight_column: Any, loss_reduction: str) -> Head:
    return RegressionHead(label_dimension, weight_column=weight_column, loss_reduction=loss_reduction)


class LinearClassifier(_Canned):
    """A linear model of columns for classes; labels are ids, or words of `label_vocabulary`."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None,
                 label_vocabulary: Any = None, optimizer: Any = "Ftrl", config: RunConfig | None = None,
                 partitioner: Any = None, warm_start_from: Any = None, loss_reduction: str = SUM,
                 sparse_combiner: str = "sum"):
        super().__init__(_classes(n_classes, weight_column, label_vocabulary, loss_reduction),
                         [("linear", _linear(feature_columns, sparse_combiner), optimizer,
                           _linear_rate(feature_columns))], model_dir, config, warm_start_from)


class LinearRegressor(_Canned):
    """A linear model of columns for numbers."""

    def __init__(self, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1,
                 weight_column: Any = None, optimizer: Any = "Ftrl", config: RunConfig | None = None,
                 partitioner: Any = None, warm_start_from: Any = None, loss_reduction: str = SUM,
                 sparse_combiner: str = "sum"):
        super().__init__(_numbers(label_dimension, weight_column, loss_reduction),
                         [("linear", _linear(feature_columns, sparse_combiner), optimizer,
                           _linear_rate(feature_columns))], model_dir, config, warm_start_from)


class DNNClassifier(_Canned):
    """A network of dense layers over columns for classes."""

    def __init__(self, hidden_units: Sequence[int], feature_columns: Any, model_dir: Any = None, n_classes: int = 2,
                 weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Adagrad",
                 activation_fn: Any = relu, dropout: float | None = None, input_layer_partitioner: Any = None,
                 config: RunConfig | None = None, warm_start_from: Any = None, loss_reduction: str = SUM,
                 batch_norm: bool = False):
        super().__init__(_classes(n_classes, weight_column, label_vocabulary, loss_reduction),
                         [("dnn", _deep(hidden_units, feature_columns, activation_fn, dropout, batch_norm), optimizer,
                           0.05)], model_dir, config, warm_start_from)


class DNNRegressor(_Canned):
    """A network of dense layers over columns for numbers."""

    def __init__(self, hidden_units: Sequence[int], feature_columns: Any, model_dir: Any = None,
                 label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Adagrad",
                 activation_fn: Any = relu, dropout: float | None = None, input_layer_partitioner: Any = None,
                 config: RunConfig | None = None, warm_start_from: Any = None, loss_reduction: str = SUM,
                 batch_norm: bool = False):
        super().__init__(_numbers(label_dimension, weight_column, loss_reduction),
                         [("dnn", _deep(hidden_units, feature_columns, activation_fn, dropout, batch_norm), optimizer,
                           0.05)], model_dir, config, warm_start_from)


def _both(linear_columns: Any, linear_optimizer: Any, dnn_columns: Any, dnn_optimizer: Any, hidden_units: Any,
          activation: Any, rate: float | None, batch_norm: bool, combiner: str
          ) -> list[tuple[str, Network, Any, float]]:
    """The parts there are columns for. Raises ValueError for none, or for hidden units that are missing."""
    parts: list[tuple[str, Network, Any, float]] = []
    if dnn_columns:
        if not hidden_units:
            raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
        parts.append(("dnn", _deep(hidden_units, dnn_columns, activation, rate, batch_norm), dnn_optimizer, 0.05))
    if linear_columns:
        parts.append(("linear", _linear(linear_columns, combiner), linear_optimizer, _linear_rate(linear_columns)))
    if not parts:
        raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
    return parts


class DNNLinearCombinedClassifier(_Canned):
    """A wide and deep model for classes (Cheng et al. 2016)."""

    def __init__(self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
                 dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
                 dnn_activation_fn: Any = relu, dnn_dropout: float | None = None, n_classes: int = 2,
                 weight_column: Any = None, label_vocabulary: Any = None, input_layer_partitioner: Any = None,
                 config: RunConfig | None = None, warm_start_from: Any = None, loss_reduction: str = SUM,
                 batch_norm: bool = False, linear_sparse_combiner: str = "sum"):
        super().__init__(_classes(n_classes, weight_column, label_vocabulary, loss_reduction),
                         _both(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer,
                               dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm, linear_sparse_combiner),
                         model_dir, config, warm_start_from)


class DNNLinearCombinedRegressor(_Canned):
    """A wide and deep model for numbers."""

    def __init__(self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
                 dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
                 dnn_activation_fn: Any = relu, dnn_dropout: float | None = None, label_dimension: int = 1,
                 weight_column: Any = None, input_layer_partitioner: Any = None, config: RunConfig | None = None,
                 warm_start_from: Any = None, loss_reduction: str = SUM, batch_norm: bool = False,
                 linear_sparse_combiner: str = "sum"):
        super().__init__(_numbers(label_dimension, weight_column, loss_reduction),
                         _both(linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer,
                               dnn_hidden_units, dnn_activation_fn, dnn_dropout, batch_norm, linear_sparse_combiner),
                         model_dir, config, warm_start_from)


class BaselineClassifier(_Canned):
    """Learns the frequencies of the classes, whatever the features."""

    def __init__(self, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None,
                 label_vocabulary: Any = None, optimizer: Any = "Ftrl", config: RunConfig | None = None,
                 loss_reduction: str = SUM):
        super().__init__(_classes(n_classes, weight_column, label_vocabulary, loss_reduction),
                         [("baseline", _bias, optimizer, 0.3)], model_dir, config, None)


class BaselineRegressor(_Canned):
    """Learns the mean of the labels, whatever the features."""

    def __init__(self, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None,
                 optimizer: Any = "Ftrl", config: RunConfig | None = None, loss_reduction: str = SUM):
        super().__init__(_numbers(label_dimension, weight_column, loss_reduction),
                         [("baseline", _bias, optimizer, 0.3)], model_dir, config, None)
