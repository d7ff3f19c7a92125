"""`tf.contrib.learn`'s estimators: those of tf.estimator, which also take arrays and have `fit`."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import nest
from ...data import Dataset
from ...estimator import Estimator as _Estimator
from ...estimator import EstimatorSpec
from ...estimator import RunConfig as _RunConfig
from ...estimator import canned as _canned
from ...feature_column import numeric_column
from ...framework import placeholder
from ...tensor_spec import TensorSpec
from . import monitors as _monitors
from .metric_spec import MetricSpec, metric_ops

__all__ = ["DNNClassifier", "DNNLinearCombinedClassifier", "DNNLinearCombinedRegressor", "DNNRegressor", "Estimator",
           "Experiment", "LinearClassifier", "LinearRegressor", "MetricSpec", "ModeKeys", "ModelFnOps", "RunConfig",
           "SKCompat", "infer_real_valued_columns_from_input", "learn_runner", "real_valued_column"]

FEATURES = "features"  # the key of an array given as x


class ModeKeys:
    """The modes of a model function."""

    TRAIN, EVAL, INFER = "train", "eval", "infer"


class ModelFnOps(NamedTuple):
    """What a model function returns."""

    mode: str
    predictions: Any = None
    loss: Any = None
    train_op: Any = None
    eval_metric_ops: Any = None
    output_alternatives: Any = None
    training_chief_hooks: Any = None
    training_hooks: Any = None
    scaffold: Any = None


class RunConfig(_RunConfig):
    """An estimator's configuration under contrib.learn's argument names; what concerns clusters and devices is
    accepted."""

    def __init__(self, master: Any = None, num_cores: int = 0, log_device_placement: bool = False,
                 gpu_memory_fraction: float = 1, tf_random_seed: int | None = None,
                 save_summary_steps: int | None = 100, save_checkpoints_secs: Any = 600,
                 save_checkpoints_steps: int | None = None, keep_checkpoint_max: int = 5,
                 keep_checkpoint_every_n_hours: float = 10000, log_step_count_steps: int | None = 100,
                 protocol: str | None = None, evaluation_master: str = "", model_dir: Any = None,
                 session_config: Any = None):
        super().__init__(model_dir, tf_random_seed, save_summary_steps, save_checkpoints_steps,
                         save_checkpoints_secs if save_checkpoints_steps is None else None, session_config,
                         keep_checkpoint_max, keep_checkpoint_every_n_hours, log_step_count_steps)


def real_valued_column(column_name: str, dimension: int = 1, default_value: Any = None, dtype: Any = "float32",
                       normalizer: Any = None) -> Any:
    """A numeric column; one without a name is the array that `fit` takes."""
    return numeric_column(column_name or FEATURES, dimension, default_value, dtype, normalizer)


def infer_real_valued_columns_from_input(x: Any) -> list[Any]:
    """The column of an array [examples, n]."""
    return [real_valued_column("", int(np.prod(np.shape(x)[1:])))]


def _input_fn(x: Any, y: Any, input_fn: Any, batch_size: int | None, epochs: int | None) -> Callable[[], Any]:
    """The input function given, or that of arrays. Raises ValueError for both or neither."""
    if input_fn is not None:
        if x is not None or y is not None:
            raise ValueError("Can not provide both input_fn and x or y.")
        return input_fn
    if x is None:
        raise ValueError("Either x or input_fn must be provided.")
    features = {k: np.asarray(v) for k, v in x.items()} if isinstance(x, Mapping) else {FEATURES: np.asarray(x)}
    features = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in features.items()}
    labels = None if y is None else np.asarray(y)
    count = len(next(iter(features.values())))

    def from_arrays() -> Any:
        data = Dataset.from_tensor_slices(features if labels is None else (features, labels))
        if epochs is None:
            data = data.shuffle(count).repeat()
        return data.batch(batch_size or count).make_one_shot_iterator().get_next()

    return from_arrays


class _Learner(_Estimator):
    """Adds `fit`, and arrays as input."""

    _metrics: Mapping[Any, Any] = {}
    _labels_like: Any = None

    def fit(self, x: Any = None, y: Any = None, input_fn: Any = None, steps: int | None = None,
            batch_size: int | None = None, monitors: Any = None, max_steps: int | None = None) -> Any:
        """Train for `steps`, or up to step `max_steps`."""
        hooks = _monitors.replace_monitors_with_hooks(monitors, self)
        self.train(_input_fn(x, y, input_fn, batch_size, None), hooks, steps, max_steps)
        return self

    def evaluate(self, x: Any = None, y: Any = None, input_fn: Any = None, feed_fn: Any = None,  # type: ignore[override]
                 batch_size: int | None = None, steps: int | None = None, metrics: Any = None, name: str | None = None,
                 checkpoint_path: str | None = None, hooks: Any = None, log_progress: bool = True) -> dict[str, Any]:
        """The metrics on the input, or on `steps` batches of it; with the further `metrics`, MetricSpecs or functions
        by name."""
        if callable(x):
            x, input_fn = None, x
        self._metrics = metrics or {}
        return super().evaluate(_input_fn(x, y, input_fn, batch_size, 1), steps, hooks, checkpoint_path, name)

    def _build(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        if labels is not None:
            self._labels_like = nest.map_structure(lambda t: TensorSpec([None, *t.shape[1:]], t.dtype), labels)
        elif self._labels_like is not None:  # a model function may build its loss of them even for predictions
            labels = nest.map_structure(lambda like: placeholder(like.dtype, like.shape), self._labels_like)
        spec = super()._build(features, labels, mode)
        if mode != ModeKeys.EVAL or not self._metrics:
            return spec
        more = metric_ops(self._metrics, features, labels, spec.predictions)
        return spec._replace(eval_metric_ops={**(spec.eval_metric_ops or {}), **more})

    def predict(self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,  # type: ignore[override]
                outputs: Any = None, as_iterable: bool = True) -> Any:
        """Predictions, one example at a time; without `as_iterable` those of the arrays, or of the input function's
        first batch."""
        if callable(x):
            x, input_fn = None, x
        one_batch = input_fn is not None and not as_iterable
        found = super().predict(_input_fn(x, None, input_fn, batch_size, 1), outputs,
                                yield_single_examples=not one_batch)
        return next(found) if one_batch else found if as_iterable else _gathered(list(found))


def _gathered(found: list[Any]) -> Any:
    """Predictions of examples as one array, or of dicts as a dict of arrays."""
    if found and isinstance(found[0], dict):
        return {key: np.stack([p[key] for p in found]) for key in found[0]}
    return np.array(found)


class _Keyed(_Learner):
    """`predict` gives the prediction `_key`, or what `outputs` names."""

    _key: str

    def _each(self, key: str, x: Any, input_fn: Any, batch_size: int | None, as_iterable: bool) -> Any:
        found = super().predict(x, input_fn, batch_size, None, as_iterable)
        return (_value(p, key) for p in found) if as_iterable else _value(found, key)

    def predict(self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,  # type: ignore[override]
                outputs: Any = None, as_iterable: bool = True) -> Any:
        if outputs is not None:
            return super().predict(x, input_fn, batch_size, outputs, as_iterable)
        return self._each(self._key, x, input_fn, batch_size, as_iterable)


def _value(found: dict[str, np.ndarray], key: str) -> Any:
    """A prediction, without the last axis where that has one element."""
    value = found[key]
    return value[..., 0][()] if value.shape[-1] == 1 else value


class _Classes(_Keyed):
    """`predict` gives class ids."""

    _key = "class_ids"
    predict_classes = _Keyed.predict

    def predict_proba(self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,
                      as_iterable: bool = True) -> Any:
        """The probabilities of the classes."""
        return self._each("probabilities", x, input_fn, batch_size, as_iterable)


class _Numbers(_Keyed):
    """`predict` gives numbers."""

    _key = "predictions"
    predict_scores = _Keyed.predict


class LinearClassifier(_Classes, _canned.LinearClassifier):
    """tf.estimator.LinearClassifier."""


class DNNClassifier(_Classes, _canned.DNNClassifier):
    """tf.estimator.DNNClassifier."""


class DNNLinearCombinedClassifier(_Classes, _canned.DNNLinearCombinedClassifier):
    """tf.estimator.DNNLinearCombinedClassifier."""


class LinearRegressor(_Numbers, _canned.LinearRegressor):
    """tf.estimator.LinearRegressor."""


class DNNRegressor(_Numbers, _canned.DNNRegressor):
    """tf.estimator.DNNRegressor."""


class DNNLinearCombinedRegressor(_Numbers, _canned.DNNLinearCombinedRegressor):
    """tf.estimator.DNNLinearCombinedRegressor."""


class Estimator(_Learner):
    """A model given by `model_fn(features, labels[, mode[, params]])`, which returns ModelFnOps or (predictions, loss,
    train_op)."""

    def __init__(self, model_fn: Callable[..., Any], model_dir: Any = None, config: Any = None, params: Any = None,
                 feature_engineering_fn: Any = None):
        taken = inspect.signature(model_fn).parameters

        def adapted(features: Any, labels: Any, mode: str, params: Any, config: Any) -> EstimatorSpec:
            if isinstance(features, dict) and set(features) == {FEATURES}:
                features = features[FEATURES]
            given = {"mode": mode, "params": params, "config": config}
            made = model_fn(features, labels, **{k: v for k, v in given.items() if k in taken})
            if isinstance(made, EstimatorSpec):
                return made
            ops = made if isinstance(made, ModelFnOps) else ModelFnOps(mode, *made)
            return EstimatorSpec(mode, ops.predictions, ops.loss, ops.train_op, ops.eval_metric_ops,
                                 training_hooks=ops.training_hooks, scaffold=ops.scaffold)

        super().__init__(adapted, model_dir, config, params)


class SKCompat:
    """An estimator whose methods take arrays only."""

    def __init__(self, estimator: Any):
        self._estimator = estimator

    def fit(self, x: Any, y: Any, batch_size: int = 128, steps: int | None = None, max_steps: int | None = None,
            monitors: Any = None) -> SKCompat:
        self._estimator.fit(x, y, None, steps, batch_size, monitors, max_steps)
        return self

    def score(self, x: Any, y: Any, batch_size: int = 128, steps: int | None = None, metrics: Any = None,
              name: str | None = None) -> dict[str, Any]:
        """The metrics."""
        return self._estimator.evaluate(x, y, batch_size=batch_size, steps=steps, metrics=metrics, name=name)

    def predict(self, x: Any, batch_size: int = 128, outputs: Any = None) -> Any:
        """The predictions of all examples; of a dict of predictions a dict of arrays."""
        return _gathered(list(self._estimator.predict(x, batch_size=batch_size, outputs=outputs)))


class Experiment:
    """An estimator with what to train and evaluate it on."""

    def __init__(self, estimator: Any, train_input_fn: Any, eval_input_fn: Any, eval_metrics: Any = None,
                 train_steps: int | None = None, eval_steps: int | None = 100, train_monitors: Any = None,
                 eval_hooks: Any = None, **unused: Any):
        self.estimator, self.train_steps, self.eval_steps = estimator, train_steps, eval_steps
        self._train_input_fn, self._eval_input_fn = train_input_fn, eval_input_fn
        self._hooks, self._eval_hooks = _monitors.replace_monitors_with_hooks(train_monitors, estimator), eval_hooks
        self._metrics = {"metrics": eval_metrics} if eval_metrics else {}

    def train(self, delay_secs: Any = None) -> Any:
        """Train up to step `train_steps`."""
        return self.estimator.train(self._train_input_fn, self._hooks, max_steps=self.train_steps)

    def evaluate(self, delay_secs: Any = None) -> dict[str, Any]:
        """The metrics of the newest checkpoint."""
        return self.estimator.evaluate(input_fn=self._eval_input_fn, steps=self.eval_steps, hooks=self._eval_hooks,
                                       **self._metrics)

    def train_and_evaluate(self) -> tuple[dict[str, Any], Any]:
        """Train, then evaluate."""
        self.train()
        return self.evaluate(), None

    def test(self) -> tuple[dict[str, Any], Any]:
        """Train for one step, then evaluate."""
        self.estimator.train(self._train_input_fn, self._hooks, steps=1)
        return self.evaluate(), None

    continuous_train_and_eval = train_and_evaluate


class learn_runner:  # noqa: N801 (a module of functions in TensorFlow)
    """Runs experiments."""

    @staticmethod
    def run(experiment_fn: Callable[..., Experiment], output_dir: Any = None, schedule: str | None = None,
            run_config: Any = None, hparams: Any = None) -> Any:
        """`experiment_fn(output_dir)`, or with a configuration `experiment_fn(run_config, hparams)`, then its method
        `schedule`, by default train_and_evaluate."""
        experiment = experiment_fn(output_dir) if run_config is None else experiment_fn(run_config, hparams)
        return getattr(experiment, schedule or "train_and_evaluate")()
