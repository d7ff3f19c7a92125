"""compile, fit, evaluate, predict: the loops over batches. A batch is one native run; the rest is kept out of it."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.ir import Graph
from .. import optimizers
from ..callbacks import CallbackList, History
from ..layers.layer import InputSpec, Layer
from ..metrics import Mean, Metric
from .compiled import CompiledLoss, CompiledMetrics
from .data import Batches, as_arrays, class_weights_to_sample_weights, split_validation
from .steps import Inputs, predict_step, results, signature_of, test_step, train_step


class Trainer(Layer):
    """The training half of a model."""

    graph: Graph
    input_shapes: Any  # of the inputs, with the batch axis; None while they are not known
    output_names: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: Any = None
        self.compiled = False
        self.stop_training = False
        self.history: History | None = None
        self.compiled_loss: Any = None
        self.compiled_metrics: Any = None
        self.loss_trackers: list[Mean] = []
        self._compile_arguments: dict[str, Any] = {}
        self._steps: dict[Any, Any] = {}
        self._read: Callable[[], dict[str, float]] | None = None

    # compiling

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
                weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
                jit_compile: Any = "auto", auto_scale_loss: bool = True, **kwargs: Any) -> None:
        """Say how to train. Raises ValueError for unknown names and for what is not supported.

        `jit_compile` is accepted and changes nothing: steps are always compiled.
        """
        if kwargs:
            raise ValueError(f"compile: unexpected arguments {sorted(kwargs)}")
        if run_eagerly:
            raise ValueError("compile: run_eagerly=True is not supported: a model always runs as a compiled graph.")
        if steps_per_execution != 1:
            raise ValueError(f"compile: steps_per_execution must be 1, received {steps_per_execution}: a step costs "
                             "microseconds of Python, so there is nothing to save.")
        names = self.output_names
        self.optimizer = optimizers.get(optimizer)
        with self.graph.as_default():
            self.compiled_loss = CompiledLoss(loss, loss_weights, names)
            self.compiled_metrics = CompiledMetrics(metrics, weighted_metrics, names)
            self.loss_trackers = [Mean("loss")]
            if len(names) > 1:
                self.loss_trackers += [Mean(f"{n}_loss") for n in names]
        self._compile_arguments = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics,
                                   "weighted_metrics": weighted_metrics}
        self.compiled, self.stop_training = True, False
        self._forget_steps()

    def _forget_steps(self) -> None:
        self._steps, self._read = {}, None

    def _need_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"You must call `compile()` before calling `{method}()`.")

    @property
    def metrics(self) -> list[Metric]:
        """The loss's running mean and the compiled metrics."""
        return [] if not self.compiled else [*self._used_trackers(), *self.compiled_metrics.metrics]

    @property
    def metrics_names(self) -> list[str]:
        return [m.name for m in self.metrics]

    def _used_trackers(self) -> list[Mean]:
        parts = self.compiled_loss.objects
        pairs = zip(self.loss_trackers[1:], parts, strict=False)
        return [self.loss_trackers[0], *(tracker for tracker, part in pairs if part is not None)]

    def reset_metrics(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    # steps

    def _fitted_inputs(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The inputs in the model's shapes: a last axis of size 1 may be missing or too much. Builds the model."""
        if not self.built:
            if len(arrays) > 1:
                raise ValueError(f"Model {self.name!r} takes one input, received {len(arrays)} arrays.")
            self.build((None, *arrays[0].shape[1:]))
            self.built = True
        shapes = self.input_shapes
        if shapes is None:
            return arrays
        if len(shapes) != len(arrays):
            raise ValueError(f"Model {self.name!r} expects {len(shapes)} input(s), but it received "
                             f"{len(arrays)} input arrays.")
        fitted = []
        for array, shape in zip(arrays, shapes, strict=True):
            if array.ndim == len(shape) - 1 and shape[-1] == 1:
                array = array[..., None]
            elif array.ndim == len(shape) + 1 and array.shape[-1] == 1:
                array = array[..., 0]
            InputSpec(shape=(None, *shape[1:])).check(array, self.name)
            fitted.append(array)
        return fitted

    def _step(self, kind: str, x: Sequence[np.ndarray], y: Sequence[np.ndarray] = (),
              weights: Sequence[np.ndarray] = ()) -> Callable[..., Any]:
        """The compiled step for arrays like these."""
        frozen = tuple(self.trainable_variables) if kind == "train" else ()
        key = (kind, signature_of(x), signature_of(y), signature_of(weights), frozen)
        if key not in self._steps:
            with self.graph.as_default():
                inputs = Inputs(x, y, weights, self.input_shapes or [None] * len(x))
            build = {"train": train_step, "test": test_step, "predict": predict_step}[kind]
            self._steps[key] = build(self, inputs)  # type: ignore[arg-type]
        return self._steps[key]

    def _results(self) -> dict[str, float]:
        """The metrics' values, by name in alphabetical order, as Keras has them."""
        if self._read is None:
            trackers = self._used_trackers()
            with self.graph.as_default():
                tensors = {t.name: t.result() for t in trackers} | self.compiled_metrics.results()
            self._read = results(self, dict(sorted(tensors.items())))  # type: ignore[arg-type]
        return self._read()

    def _in_order(self, logs: dict[str, float]) -> Any:
        """The loss first, then the rest in the order they were compiled; a bare value if there is only the loss."""
        names = [*(t.name for t in self._used_trackers()), *self.compiled_metrics.names_in_order]
        values = [logs[n] for n in names]
        return values[0] if len(values) == 1 else values

    # fitting

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
            callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True,
            class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
            steps_per_epoch: int | None = None, validation_steps: int | None = None,
            validation_batch_size: int | None = None, validation_freq: int = 1) -> History:
        """Train for `epochs` passes over arrays `x` and `y`. Returns the History of the metrics by epoch."""
        self._need_compiled("fit")
        _check_arrays("fit", x)
        if validation_split and validation_data is None:
            (x, y, sample_weight), held = split_validation([x, y, sample_weight], validation_split)
            validation_data = held if held[2] is not None else held[:2]
        if class_weight:
            sample_weight = class_weights_to_sample_weights(y, class_weight, sample_weight)
        data = self._batches(x, y, sample_weight, batch_size, bool(shuffle))
        run = self._step("train", data.x, data.y, data.weights)
        steps = min(data.steps, steps_per_epoch or data.steps)
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, True, self, verbose=_verbosity(verbose), epochs=epochs, steps=steps)
        self.stop_training = False
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            hooks.on_epoch_begin(epoch)
            self._run_batches(run, itertools.islice(data, steps), hooks.train_batches, self._results)
            logs = self._results()
            if validation_data is not None and (epoch + 1) % validation_freq == 0:
                logs |= self._validate(validation_data, validation_batch_size or data.batch_size, validation_steps,
                                       hooks)
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.on_train_end(logs)
        assert self.history is not None
        return self.history

    def _run_batches(self, run: Callable[..., Any], batches: Any, hooks: Any,
                     read: Callable[[], dict[str, float]]) -> None:
        begin, end = hooks
        for step, batch in enumerate(batches):
            if begin is not None:
                begin(step)
            run(*batch)
            if end is not None:
                end(step, read)
                if self.stop_training:
                    break

    def _batches(self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: bool = False) -> Batches:
        data = Batches(x, y, sample_weight, batch_size, shuffle)
        data.x = self._fitted_inputs(data.x)
        data.arrays = data.x + data.y + data.weights
        return data

    def _validate(self, validation_data: Any, batch_size: int, steps: int | None, hooks: Any) -> dict[str, float]:
        x, y, weight = unpack(validation_data)
        logs = self.evaluate(x, y, batch_size, 0, weight, steps, hooks, True)
        return {f"val_{key}": value for key, value in logs.items()}

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
                 sample_weight: Any = None, steps: int | None = None, callbacks: Any = None,
                 return_dict: bool = False) -> Any:
        """The loss and metrics on arrays: a value, a list of them, or with `return_dict` a dict."""
        self._need_compiled("evaluate")
        _check_arrays("evaluate", x)
        data = self._batches(x, y, sample_weight, batch_size)
        run = self._step("test", data.x, data.y, data.weights)
        count = min(data.steps, steps or data.steps)
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, False, self, verbose=_verbosity(verbose), epochs=1, steps=count)
        self.reset_metrics()
        hooks.on_test_begin()
        self._run_batches(run, itertools.islice(data, count), hooks.test_batches, self._results)
        logs = self._results()
        hooks.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
                callbacks: Any = None) -> Any:
        """The outputs for an array of inputs, computed batch by batch."""
        _check_arrays("predict", x)
        data = self._batches(x, None, None, batch_size)
        run = self._step("predict", data.x)
        count = min(data.steps, steps or data.steps)
        hooks = CallbackList(callbacks, False, self, verbose=_verbosity(verbose), epochs=1, steps=count)
        rows = min(data.size, count * data.batch_size)
        whole: list[np.ndarray] = []
        hooks.on_predict_begin()
        begin, end = hooks.predict_batches
        for step, batch in enumerate(itertools.islice(data, count)):
            if begin is not None:
                begin(step)
            outputs = run(*batch)
            parts = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            if count == 1:
                whole = list(parts)
            else:
                whole = whole or [np.empty((rows, *p.shape[1:]), p.dtype) for p in parts]
                at = step * data.batch_size
                for out, part in zip(whole, parts, strict=True):
                    out[at:at + len(part)] = part
            if end is not None:
                end(step, dict)
        hooks.on_predict_end()
        return whole[0] if len(whole) == 1 else whole

    # single batches

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False) -> Any:
        """One step. Returns the metrics, which run on from batch to batch until `reset_metrics`."""
        self._need_compiled("train_on_batch")
        if class_weight:
            sample_weight = class_weights_to_sample_weights(y, class_weight, sample_weight)
        return self._on_batch("train", x, y, sample_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The metrics with one more batch in them."""
        self._need_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, return_dict)

    def _on_batch(self, kind: str, x: Any, y: Any, sample_weight: Any, return_dict: bool) -> Any:
        data = self._batches(x, y, sample_weight, None)
        self._step(kind, data.x, data.y, data.weights)(*data.arrays)
        logs = self._results()
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        if isinstance(x, np.ndarray):  # serving single rows: no more Python than must be
            run = self._steps.get((x.dtype, x.shape[1:]))
            if run is not None and len(x):
                return run(x)
        arrays = self._fitted_inputs(as_arrays(x, "x"))
        run = self._step("predict", arrays)
        if isinstance(x, np.ndarray) and arrays[0].shape == x.shape and arrays[0].dtype == x.dtype:
            self._steps[(x.dtype, x.shape[1:])] = run
        return run(*arrays)


def unpack(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of a tuple of two or three. Raises ValueError for anything else."""
    if isinstance(data, (list, tuple)) and len(data) in (2, 3):
        return data[0], data[1], data[2] if len(data) == 3 else None
    raise ValueError("Data is expected to be in format `(x, y)` or `(x, y, sample_weight)`. "
                     f"Received: {type(data).__name__}")


def _check_arrays(method: str, x: Any) -> None:
    if x is None:
        raise ValueError(f"{method}: `x` is missing.")
    if not hasattr(x, "shape") and (hasattr(x, "__next__") or not hasattr(x, "__len__")):
        raise TypeError(f"{method}: `x` must be an array, or a list or dict of arrays. Received: {type(x).__name__}")


def _verbosity(verbose: Any) -> int:
    """"auto" and True mean 1."""
    return 1 if verbose == "auto" or verbose is True else int(verbose)
