"""`tf.contrib.factorization`: clusters found by full or mini-batch k-means (Sculley, "Web-scale k-means clustering",
WWW 2010), from random rows or k-means++ (Arthur and Vassilvitskii, SODA 2007), as a graph and as an estimator."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import metrics, summary, train
from ..array_ops import gather, one_hot, shape
from ..compiler.dtypes import bool_, float32, int32
from ..compiler.ir import Operation, Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.reduction import reduce_min, reduce_sum
from ..compiler.ops.slicing import concat, split
from ..compiler.shapes import TensorShape
from ..control_flow import while_loop
from ..estimator.configuration import RunConfig
from ..estimator.runs import Estimator
from ..estimator.specification import EstimatorSpec
from ..feature_column import input_layer
from ..framework import control_dependencies, group
from ..math import argmax, argmin, div_no_nan, log, maximum
from ..math_ops import cast, matmul, range_
from ..nn import l2_normalize
from ..random_ops import random_shuffle, random_uniform
from ..variables import Variable, assign, assign_add

__all__ = ["COSINE_DISTANCE", "KMEANS_PLUS_PLUS_INIT", "KMeans", "KMeansClustering", "RANDOM_INIT",
           "SQUARED_EUCLIDEAN_DISTANCE"]

SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE = "squared_euclidean", "cosine"
RANDOM_INIT, KMEANS_PLUS_PLUS_INIT = "random", "kmeans_plus_plus"


class KMeans:
    """k-means of `inputs`, rows [rows, features] (or a list of such, taken one below the other).

    `initial_clusters` is how the first centres are found, or the centres themselves [clusters, features]. Raises
    ValueError for an unknown distance or unknown sizes.
    """

    def __init__(self, inputs: Any, num_clusters: Any, initial_clusters: Any = RANDOM_INIT,
                 distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE, use_mini_batch: bool = False,
                 mini_batch_steps_per_iteration: int = 1, random_seed: int = 0,
                 kmeans_plus_plus_num_retries: int = 2, kmc2_chain_length: int = 200):
        if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric passed to Kmeans: {distance_metric}")
        parts = [convert_to_tensor(x, float32) for x in (inputs if isinstance(inputs, Sequence) else [inputs])]
        self._sizes = [shape(x)[0] for x in parts]
        rows = parts[0] if len(parts) == 1 else concat(parts, 0)
        self._cosine = distance_metric == COSINE_DISTANCE
        self._inputs = l2_normalize(rows, 1) if self._cosine else rows
        self._clusters, self._seed = int(num_clusters), random_seed
        self._initial, self._use_mini_batch = initial_clusters, use_mini_batch

    def _distances(self, centers: Any) -> Tensor:
        """[rows, clusters]: squared Euclidean, or one minus the cosine."""
        if self._cosine:
            return 1 - matmul(self._inputs, l2_normalize(centers, 1), transpose_b=True)
        squares = reduce_sum(self._inputs ** 2, 1, keepdims=True) + reduce_sum(centers ** 2, 1)
        return maximum(squares - 2 * matmul(self._inputs, centers, transpose_b=True), 0.0)

    def _first_centers(self) -> Tensor:
        if not isinstance(self._initial, str):
            return convert_to_tensor(self._initial() if callable(self._initial) else self._initial, float32)
        count = shape(self._inputs)[0]
        if self._initial == RANDOM_INIT:
            return gather(self._inputs, random_shuffle(range_(count), seed=self._seed)[:self._clusters])
        chosen = gather(self._inputs, random_uniform([1], maxval=count, dtype=int32, seed=self._seed))

        def add(number: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
            nearest = reduce_min(self._distances(centers), 1)
            noise = -log(-log(random_uniform(shape(nearest), minval=1e-7, maxval=1.0, seed=self._seed)))
            row = argmax(log(maximum(nearest, 1e-12)) + noise, 0)  # a row drawn by its distance (Gumbel's trick)
            return number + 1, concat([centers, self._inputs[row][None]], 0)

        return while_loop(lambda number, _: number < self._clusters, add, [1, chosen], shape_invariants=[
            TensorShape([]), TensorShape([None, self._inputs.shape[1].value])])[1]

    def training_graph(self) -> tuple[Any, Any, Any, Variable, Operation, Operation]:
        """(distances to all centres, index of the nearest, distance to it: each a list by input;
        whether there are centres, the op that finds the first, the op of one training step)."""
        features = self._inputs.shape[1].value
        if features is None:
            raise ValueError("KMeans: the number of features must be known while the graph is built.")
        zeros = [[0.0] * features] * self._clusters
        centers = Variable(zeros, name="clusters", trainable=False)
        counts = Variable([0.0] * self._clusters, name="counts", trainable=False)
        initialized = Variable(False, dtype=bool_, name="initialized", trainable=False)
        with control_dependencies([assign(centers, self._first_centers())]):
            init_op = assign(initialized, True).op
        distances = self._distances(centers)
        nearest, scores = argmin(distances, 1, output_type=int32), reduce_min(distances, 1)
        members = one_hot(nearest, self._clusters)
        total, number = matmul(members, self._inputs, transpose_a=True), reduce_sum(members, 0)
        if self._use_mini_batch:
            seen = counts + number
            moved = centers + div_no_nan(total - number[:, None] * centers, seen[:, None])
            with control_dependencies([moved]):
                train_op = group(assign(centers, moved), assign_add(counts, number))
        else:
            kept = cast(number > 0, float32)[:, None]
            train_op = group(assign(centers, kept * div_no_nan(total, number[:, None]) + (1 - kept) * centers))
        by_input = [[t] if len(self._sizes) == 1 else split(t, self._sizes) for t in (distances, nearest, scores)]
        return by_input[0], by_input[1], by_input[2], initialized, init_op, train_op


class _FindFirstCenters(train.SessionRunHook):
    """Finds the first centres where a checkpoint has none."""

    def __init__(self, initialized: Variable, init_op: Operation):
        self._initialized, self._init_op = initialized, init_op

    def after_create_session(self, session: Any, coord: Any) -> None:
        if not session.run(self._initialized):
            session.run(self._init_op)


class _StopWhenSettled(train.SessionRunHook):
    """Stops when the loss changes by less than a part of one more than what it was."""

    def __init__(self, loss: Tensor, tolerance: float):
        self._loss, self._tolerance, self._before = loss, tolerance, 0.0

    def before_run(self, run_context: Any) -> train.SessionRunArgs:
        return train.SessionRunArgs(self._loss)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        loss = run_values.results
        if self._before and abs(loss - self._before) < self._tolerance * (1 + abs(self._before)):
            run_context.request_stop()
        self._before = loss


class KMeansClustering(Estimator):
    """k-means of the rows that `input_fn` gives: a tensor [rows, features], or a dict of features, joined in the order
    of their names or made a tensor by `feature_columns`.

    Training finds the first centres in a run of its own, then moves them once a step, until the loss changes by less
    than `relative_tolerance` of it. Predictions have `all_distances` [rows, clusters] (squared Euclidean, or one minus
    the cosine) and `cluster_index` [rows]. Raises ValueError as `KMeans` does.
    """

    SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE = SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE
    RANDOM_INIT, KMEANS_PLUS_PLUS_INIT = RANDOM_INIT, KMEANS_PLUS_PLUS_INIT
    SCORE, CLUSTER_INDEX, ALL_DISTANCES = "score", "cluster_index", "all_distances"
    CLUSTER_CENTERS_VAR_NAME = "clusters"

    def __init__(self, num_clusters: int, model_dir: Any = None, initial_clusters: Any = RANDOM_INIT,
                 distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE, random_seed: int = 0, use_mini_batch: bool = True,
                 mini_batch_steps_per_iteration: int = 1, kmeans_plus_plus_num_retries: int = 2,
                 relative_tolerance: float | None = None, config: RunConfig | None = None, feature_columns: Any = None):
        self._distance_metric = distance_metric

        def model_fn(features: Any, mode: str) -> EstimatorSpec:
            if feature_columns is not None:
                features = input_layer(features, list(feature_columns))
            elif isinstance(features, Mapping):
                features = concat([features[name] for name in sorted(features)], 1)
            distances, nearest, scores, initialized, init_op, move = KMeans(
                features, num_clusters, initial_clusters, distance_metric, use_mini_batch,
                mini_batch_steps_per_iteration, random_seed, kmeans_plus_plus_num_retries).training_graph()
            loss = reduce_sum(scores[0])
            summary.scalar("loss/raw", loss)
            hooks: list[train.SessionRunHook] = [_FindFirstCenters(initialized, init_op)]
            if relative_tolerance is not None:
                hooks.append(_StopWhenSettled(loss, relative_tolerance))
            return EstimatorSpec(
                mode, {self.ALL_DISTANCES: distances[0], self.CLUSTER_INDEX: nearest[0]}, loss,
                group(move, assign_add(train.get_or_create_global_step(), 1)), {self.SCORE: metrics.mean(loss)},
                training_hooks=hooks)

        super().__init__(model_fn, model_dir, config)

    def predict_cluster_index(self, input_fn: Callable[..., Any]) -> Iterator[Any]:
        """The index of the nearest centre, row by row."""
        return (row[self.CLUSTER_INDEX] for row in self.predict(input_fn, [self.CLUSTER_INDEX]))

    def score(self, input_fn: Callable[..., Any]) -> float:
        """The sum of the distances to the nearest centres."""
        return self.evaluate(input_fn, steps=1)[self.SCORE]

    def transform(self, input_fn: Callable[..., Any]) -> Iterator[np.ndarray]:
        """The distances to all centres [clusters], row by row, Euclidean ones not squared."""
        for row in self.predict(input_fn, [self.ALL_DISTANCES]):
            distances = row[self.ALL_DISTANCES]
            yield np.sqrt(distances) if self._distance_metric == SQUARED_EUCLIDEAN_DISTANCE else distances

    def cluster_centers(self) -> np.ndarray:
        """float32 [clusters, features]."""
        return self.get_variable_value(self.CLUSTER_CENTERS_VAR_NAME)
