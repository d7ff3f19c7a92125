"""compile, fit, evaluate, predict: the loops over batches. A batch is one native run; the rest is kept out of it."""
from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...compiler.autodiff import gradients
from ...compiler.dtypes import as_dtype
from ...compiler.ir import Graph, Tensor
from ...compiler.ops.reduction import size_of
from ...compiler.ops.state import placeholder
from .. import optimizers
from ..callbacks import CallbackList, History
from ..layers.core import BATCH
from ..layers.input_spec import InputSpec, shape_of
from ..layers.layer import Layer
from ..metrics import Mean, Metric
from ..nest import flatten, pack
from ..scope import current_scope, outside_steps
from .compiled import CompiledLoss, CompiledMetrics, per_output, track
from .data import Batch, Batches, class_weights_to_sample_weights, split_validation, unpack
from .feeds import Feed, is_arrays
from .steps import Inputs, predict_step, results, update_step


class Trainer(Layer):
    """The training half of a model."""

    graph: Graph
    output_names: Any
    _network: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: Any = None
        self.compiled = False
        self.stop_training = False
        self.history: History | None = None
        self.loss: Any = None
        self._output_names: list[str] | None = None
        self._output_structure: Any = None
        self._compile_arguments: dict[str, Any] = {}
        self._compiled: tuple[CompiledLoss, CompiledMetrics, list[Mean]] | None = None
        self._steps: dict[Any, Any] = {}
        self._read: Callable[[], dict[str, float]] | None = None

    # compiling

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
                weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
                jit_compile: Any = "auto", auto_scale_loss: bool = True, sample_weight_mode: Any = None,
                target_tensors: Any = None, **kwargs: Any) -> None:
        """Say how to train. Raises ValueError for unknown names.

        `jit_compile`, `run_eagerly`, `steps_per_execution` and `sample_weight_mode` change nothing: a step is always
        one compiled run, and sample weights may be given by sample or by step.
        """
        if kwargs:
            raise ValueError(f"compile: unexpected arguments {sorted(kwargs)}")
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss
        self._compile_arguments = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics,
                                   "weighted_metrics": weighted_metrics}
        self._compiled = None
        self.compiled, self.stop_training = True, False
        self._forget_steps()
        if self.output_names is not None:
            self._compile_for(self.output_names)

    def _compile_for(self, names: Any) -> None:
        arguments, aliases = self._compile_arguments, self._aliases(names)
        with self.graph.as_default(), outside_steps():
            loss = CompiledLoss(arguments["loss"], arguments["loss_weights"], names, aliases)
            metrics = CompiledMetrics(arguments["metrics"], arguments["weighted_metrics"], names, aliases)
            trackers = [Mean("loss")]
            if len(names) > 1:
                trackers += [Mean(f"{n}_loss") for n in names]
        self._compiled = loss, metrics, trackers

    def _aliases(self, names: Any) -> list[str]:
        """The layers that the outputs come from, where they have other names."""
        if self._network is None:
            return list(names)
        return [t._keras_history.operation.name for t in self._network.outputs]

    def _known(self) -> tuple[CompiledLoss, CompiledMetrics, list[Mean]]:
        self._need_compiled("compile")
        if self._compiled is None:
            self._compile_for(self.output_names or ["output"])
        assert self._compiled is not None
        return self._compiled

    @property
    def compiled_loss(self) -> CompiledLoss:
        return self._known()[0]

    @property
    def compiled_metrics(self) -> CompiledMetrics:
        return self._known()[1]

    def _has_own(self, method: str) -> bool:
        """Whether a subclass defines this step itself."""
        return getattr(type(self), method) is not getattr(Trainer, method)

    def _forget_steps(self) -> None:
        self._steps, self._read = {}, None

    def _need_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"You must call `compile()` before calling `{method}()`.")

    @property
    def metrics(self) -> list[Metric]:
        """The loss's running mean, the compiled metrics, and those that are attributes of the model or its layers."""
        own = [m for layer in self._all_layers() for value in vars(layer).values() for m in (
            flatten(value) if isinstance(value, (list, tuple, dict)) else [value]) if isinstance(m, Metric)]
        added = [m for _, _, m in getattr(self, "_added_metrics", ())]
        compiled = [*self._used_trackers(), *self.compiled_metrics.metrics] if self.compiled else []
        return list(dict.fromkeys([*compiled, *own, *added]))

    @property
    def metrics_names(self) -> list[str]:
        if not self.compiled:
            return []
        own = {m: m.name for m in self.metrics}
        names = zip(self.compiled_metrics.metrics, self.compiled_metrics.names_in_order, strict=True)
        return list((own | dict(names)).values())

    def _used_trackers(self) -> list[Mean]:
        loss, _, trackers = self._known()
        pairs = zip(trackers[1:], loss.objects, strict=False)
        return [trackers[0], *(tracker for tracker, part in pairs if part is not None)]

    def reset_metrics(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics' values by name, as graph."""
        compiled = self.compiled_metrics.results()
        rest = [m for m in self.metrics if m not in self.compiled_metrics.metrics]
        values = {m.name: m.result() for m in rest} | compiled
        return {k: v for key, value in values.items() for k, v in (
            value.items() if isinstance(value, dict) else [(key, value)])}

    # what a step does; subclasses may define these anew

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Tensor:
        """The loss to minimize: that of the outputs, and what layers and weights add. Notes the loss of each output."""
        loss, _, trackers = self._known()
        outputs = flatten(y_pred)
        total, parts = None, []  # type: ignore[var-annotated]
        if y is not None:
            total, parts = loss(self._targets(y), outputs, self._weights_by_output(sample_weight))
        for penalty in self.losses:
            total = penalty if total is None else total + penalty
        if total is None:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        if current_scope() is not None:
            count = size_of(next(t for t in flatten(x if x is not None else y_pred) if t is not None), (0,))
            for tracker, value in zip(trackers[1:], parts, strict=False):
                if value is not None:
                    track(tracker, value, count)
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the compiled metrics. Returns the results by name."""
        if y is not None:
            self.compiled_metrics.update(self._targets(y), flatten(y_pred), self._weights_by_output(sample_weight))
        return self.get_metrics_result()

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, loss, gradients and updates for one batch `(x, y, sample_weight)` of tensors."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x, training=True)
        loss = self._tracked_loss(x, y, y_pred, sample_weight)
        variables = self.trainable_variables
        if variables:
            self.optimizer.apply(gradients(self.optimizer.scale_loss(loss), variables), variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Loss and metrics for one batch `(x, y, sample_weight)` of tensors."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x, training=False)
        self._tracked_loss(x, y, y_pred, sample_weight, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch of tensors."""
        return self(unpack(data)[0], training=False)

    def _tracked_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool = True) -> Tensor:
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        track(self._known()[2][0], loss, size_of(flatten(x)[0], (0,)))
        return loss

    def _targets(self, y: Any) -> list[Any]:
        """Targets by output."""
        names = self.compiled_loss.names
        if isinstance(y, dict):
            return per_output(y, names, "y", self._aliases(names))
        flat = flatten(y)
        if len(flat) != len(names):
            raise ValueError(f"The model has {len(names)} outputs {names}, but {len(flat)} target arrays were given.")
        return flat

    def _weights_by_output(self, weights: Any) -> list[Any]:
        names = self.compiled_loss.names
        if isinstance(weights, dict):
            return per_output(weights, names, "sample_weight", self._aliases(names))
        flat = [None] if weights is None else flatten(weights)
        return flat * len(names) if len(flat) == 1 else flat

    # steps

    def _batch(self, x: Any, y: Any = None, sample_weight: Any = None, training: bool = True) -> Batch:
        """Arrays in the model's order. Builds the model."""
        order: Callable[[Any], list[Any]] = flatten if self._network is None else self._network.arranged
        if y is None and sample_weight is None:
            batch = Batch(x, order=order)
        elif self.compiled and not self._has_own("train_step"):
            self._build_for(x)
            order = flatten if self._network is None else self._network.arranged
            batch = Batch(x, y, sample_weight, order, self._targets, self._weights_by_output)
        else:
            batch = Batch(x, y, sample_weight, order)
        self._build_for(x, batch)
        return batch

    def _build_for(self, x: Any, batch: Batch | None = None) -> None:
        if self.built and (self._network is not None or self._output_names is not None or self._inbound_nodes):
            return
        batch = batch or Batch(x)
        if hasattr(self, "_stack"):  # Sequential
            self.build((None, *batch.x[0].shape[1:]))
            return
        with self.graph.as_default(), outside_steps():
            entries = [placeholder(as_dtype(a.dtype), (BATCH, *a.shape[1:])) for a in batch.x]
            outputs = self(pack(batch.structure, entries)) if self._calls_itself() else None
        self.built = True
        if isinstance(outputs, dict):
            self._output_names = sorted(outputs)
        elif outputs is not None:
            count = len(flatten(outputs))
            self._output_names = ["output"] if count == 1 else [f"output_{i + 1}" for i in range(count)]

    def _calls_itself(self) -> bool:
        """Whether there is a `call` (a model with steps of its own need not have one)."""
        from .model import Model
        return type(self).call is not Model.call

    def _step(self, kind: str, batch: Batch) -> Callable[..., Any]:
        """The compiled step for arrays like these."""
        frozen = tuple(self.trainable_variables) if kind == "train" else ()
        key = (kind, batch.signature, frozen)
        if key not in self._steps:
            self._check_inputs(batch)
            with self.graph.as_default():
                inputs = Inputs(self, batch)  # type: ignore[arg-type]
            if kind == "predict":
                self._steps[key] = predict_step(self, inputs)  # type: ignore[arg-type]
            else:
                self._steps[key] = update_step(self, inputs, kind == "train")  # type: ignore[arg-type]
                self._read = None
        return self._steps[key]

    def _check_inputs(self, batch: Batch) -> None:
        """Raises ValueError for a shape and TypeError for a type that the model does not take."""
        for i, (array, wanted) in enumerate(zip(batch.x, self._network.inputs if self._network else (), strict=False)):
            shape = shape_of(wanted)
            if array.dtype.kind == "O" and wanted.dtype.is_floating:
                raise TypeError(f"`x` must be numeric for input {self._network.input_names[i]!r} of model "
                                f"{self.name!r}. Received: an array of strings")
            if not (array.ndim == len(shape) - 1 and shape[-1] == 1 or array.ndim == len(shape) + 1 and (
                    array.shape[-1] == 1)):
                InputSpec(shape=(None, *shape[1:])).check(array, self.name, i)

    def _results(self) -> dict[str, float]:
        """The metrics' values, by name in alphabetical order, as Keras has them."""
        if self._read is None:
            with self.graph.as_default():
                tensors = self.get_metrics_result()
            self._read = results(self, dict(sorted(tensors.items())))  # type: ignore[arg-type]
        return self._read()

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The loss first, then the rest in the order they were compiled; a bare value if there is only one."""
        names = [*(t.name for t in self._used_trackers()), *self.compiled_metrics.names_in_order]
        names = [n for n in names if n in logs] + [n for n in logs if n not in names]
        values = [logs[n] for n in names]
        return values[0] if len(values) == 1 else values

    # fitting

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
            callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
            class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
            steps_per_epoch: int | None = None, validation_steps: int | None = None,
            validation_batch_size: int | None = None, validation_freq: Any = 1, **kwargs: Any) -> History:
        """Train for `epochs` passes over the data. Returns the History of the metrics by epoch.

        `x` is an array, a nest of them, or something that gives batches `(x, y)` or `(x, y, sample_weight)`.
        """
        self._need_compiled("fit")
        epochs = _old_arguments("fit", kwargs, epochs)
        if validation_split and validation_data is None:
            (x, y, sample_weight), held = split_validation([x, y, sample_weight], validation_split)
            validation_data = tuple(held) if held[2] is not None else tuple(held[:2])
        source = self._source("fit", "train", x, y, sample_weight, batch_size, shuffle, class_weight)
        steps = steps_per_epoch if source.steps is None else min(source.steps, steps_per_epoch or source.steps)
        if steps is None and hasattr(x, "__next__") and epochs > 1:
            raise ValueError("When using a generator for more than one epoch, `steps_per_epoch` must be given.")
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, True, self, verbose=_verbosity(verbose), epochs=epochs, steps=steps)
        self.stop_training = False
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            hooks.on_epoch_begin(epoch)
            logs = dict(self._run_batches(source.runs(steps_per_epoch or steps), hooks.train_batches))
            if validation_data is not None and _validates(epoch, validation_freq):
                logs |= self._validate(validation_data, validation_batch_size or source.batch_size, validation_steps,
                                       hooks)
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.on_train_end(logs)
        assert self.history is not None
        return self.history

    def _source(self, method: str, kind: str, x: Any, y: Any, sample_weight: Any, batch_size: int | None,
                shuffle: Any = False, class_weight: Any = None) -> Any:
        if x is None:
            raise ValueError(f"{method}: `x` is missing.")
        if is_arrays(x):
            if class_weight:
                sample_weight = class_weights_to_sample_weights(y, class_weight, sample_weight)
            return _ArraySource(self, kind, Batches(self._batch(x, y, sample_weight), batch_size, shuffle))
        if y is not None:
            raise ValueError(f"{method}: `y` must come with the batches when `x` is a {type(x).__name__}.")
        return _FeedSource(self, kind, Feed(x, bool(shuffle)), class_weight)

    def _run_batches(self, runs: Iterator[Callable[[], Any]], hooks: Any) -> dict[str, Any]:
        """Run each batch of an epoch and tell those who listen. Returns the logs at its end."""
        begin, end = hooks
        own: dict[str, Any] | None = None  # the logs that the model's own step gives

        def read() -> dict[str, Any]:
            return self._results() if own is None else dict(sorted(own.items()))

        for step, run in enumerate(runs):
            if begin is not None:
                begin(step)
            given = run()
            if isinstance(given, dict):
                own = given
            if end is not None:
                end(step, read)
                if self.stop_training:
                    break
        return read()

    def _validate(self, validation_data: Any, batch_size: int, steps: int | None, hooks: Any) -> dict[str, float]:
        if isinstance(validation_data, list):
            validation_data = tuple(validation_data)
        elif not isinstance(validation_data, tuple) and is_arrays(validation_data):
            raise ValueError("Data is expected to be in format `(x, y)` or `(x, y, sample_weight)`. Received: "
                             f"validation_data={type(validation_data).__name__}")
        x, y, weight = unpack(validation_data)
        logs = self.evaluate(x, y, batch_size, 0, weight, steps, hooks, True)
        return {f"val_{key}": value for key, value in logs.items()}

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
                 sample_weight: Any = None, steps: int | None = None, callbacks: Any = None,
                 return_dict: bool = False, **kwargs: Any) -> Any:
        """The loss and metrics on arrays or batches: a value, a list of them, or with `return_dict` a dict."""
        self._need_compiled("evaluate")
        _old_arguments("evaluate", kwargs)
        source = self._source("evaluate", "test", x, y, sample_weight, batch_size)
        count = steps if source.steps is None else min(source.steps, steps or source.steps)
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, False, self, verbose=_verbosity(verbose), epochs=1, steps=count)
        self.reset_metrics()
        hooks.on_test_begin()
        logs = self._run_batches(source.runs(steps or count), hooks.test_batches)
        hooks.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
                callbacks: Any = None, **kwargs: Any) -> Any:
        """The outputs, in their nest, for all samples, computed batch by batch."""
        _old_arguments("predict", kwargs)
        source = self._source("predict", "predict", x, None, None, batch_size)
        count = steps if source.steps is None else min(source.steps, steps or source.steps)
        hooks = CallbackList(callbacks, False, self, verbose=_verbosity(verbose), epochs=1, steps=count)
        whole = _Rows(source.rows(count))
        hooks.on_predict_begin()
        begin, end = hooks.predict_batches
        for step, run in enumerate(source.runs(steps or count)):
            if begin is not None:
                begin(step)
            whole.add(run())
            if end is not None:
                end(step, dict)
        hooks.on_predict_end()
        return pack(self._output_structure, whole.arrays())

    # single batches

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False, reset_metrics: bool = False) -> Any:
        """One step. Returns the metrics, which run on from batch to batch until `reset_metrics`."""
        self._need_compiled("train_on_batch")
        if class_weight:
            sample_weight = class_weights_to_sample_weights(y, class_weight, sample_weight)
        return self._on_batch("train", x, y, sample_weight, return_dict, reset_metrics)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False,
                      reset_metrics: bool = False) -> Any:
        """The metrics with one more batch in them."""
        self._need_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, return_dict, reset_metrics)

    def _on_batch(self, kind: str, x: Any, y: Any, sample_weight: Any, return_dict: bool, reset: bool) -> Any:
        batch = self._batch(x, y, sample_weight)
        if reset:
            self.reset_metrics()
        logs = self._step(kind, batch)(*batch.arrays)
        logs = logs if isinstance(logs, dict) else self._results()
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        if isinstance(x, np.ndarray):  # serving single rows: no more Python than must be
            run = self._steps.get((x.dtype, x.shape[1:]))
            if run is not None and len(x):
                return run(x)
        batch = self._batch(x)
        run = self._step("predict", batch)
        if isinstance(x, np.ndarray) and batch.x[0].dtype == x.dtype and self._output_structure is None:
            self._steps[(x.dtype, x.shape[1:])] = run
        outputs = run(*batch.x)
        return outputs if self._output_structure is None else pack(
            self._output_structure, outputs if isinstance(outputs, (list, tuple)) else [outputs])

    # Keras 2's names

    def fit_generator(self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: Any = 1,
                      callbacks: Any = None, validation_data: Any = None, validation_steps: int | None = None,
                      validation_freq: Any = 1, class_weight: Any = None, max_queue_size: int = 10, workers: int = 1,
                      use_multiprocessing: bool = False, shuffle: bool = True, initial_epoch: int = 0) -> History:
        """`fit`, as Keras 2 named it for generators."""
        return self.fit(generator, epochs=epochs, verbose=verbose, callbacks=callbacks, shuffle=shuffle,
                        validation_data=validation_data, class_weight=class_weight, initial_epoch=initial_epoch,
                        steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
                        validation_freq=validation_freq)

    def evaluate_generator(self, generator: Any, steps: int | None = None, callbacks: Any = None,
                           max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
                           verbose: Any = 0) -> Any:
        """`evaluate`, as Keras 2 named it for generators."""
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(self, generator: Any, steps: int | None = None, callbacks: Any = None,
                          max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
                          verbose: Any = 0) -> Any:
        """`predict`, as Keras 2 named it for generators."""
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)


class _ArraySource:
    """Runs of one step over arrays."""

    def __init__(self, model: Trainer, kind: str, data: Batches):
        self.data, self.steps, self.batch_size = data, data.steps, data.batch_size
        self._run = model._step(kind, data.data)

    def runs(self, limit: int | None) -> Iterator[Callable[[], Any]]:
        for arrays in itertools.islice(self.data, limit):
            yield functools.partial(self._run, *arrays)

    def rows(self, count: int) -> int:
        return min(self.data.size, count * self.batch_size)


class _FeedSource:
    """Runs of the step for each batch that comes."""

    batch_size = 32

    def __init__(self, model: Trainer, kind: str, feed: Feed, class_weight: Any):
        self.model, self.kind, self.feed, self.class_weight = model, kind, feed, class_weight
        self.steps = feed.steps

    def runs(self, limit: int | None) -> Iterator[Callable[[], Any]]:
        for x, y, weight in self.feed.batches(limit):
            if self.class_weight:
                weight = class_weights_to_sample_weights(y, self.class_weight, weight)
            batch = self.model._batch(x, *((None, None) if self.kind == "predict" else (y, weight)))
            yield functools.partial(self.model._step(self.kind, batch), *batch.arrays)

    def rows(self, count: int | None) -> None:
        return None


class _Rows:
    """Outputs of batches, put together. Where the number of rows is known they are written in place."""

    def __init__(self, rows: int | None):
        self.rows = rows
        self._parts: list[list[np.ndarray]] = []
        self._whole: list[np.ndarray] = []
        self._at = 0

    def add(self, outputs: Any) -> None:
        parts = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        if self.rows is None or any(p.ndim == 0 for p in parts):
            self._parts.append(parts)
            return
        if len(parts[0]) == self.rows:
            self._whole = parts
            return
        self._whole = self._whole or [np.empty((self.rows, *p.shape[1:]), p.dtype) for p in parts]
        for out, part in zip(self._whole, parts, strict=True):
            out[self._at:self._at + len(part)] = part
        self._at += len(parts[0])

    def arrays(self) -> list[np.ndarray]:
        if self._parts:
            return [np.concatenate([np.atleast_1d(p) for p in column]) for column in zip(*self._parts, strict=True)]
        return self._whole


def _old_arguments(method: str, given: dict[str, Any], epochs: int = 1) -> int:
    """Keras 2's arguments: `nb_epoch` means epochs; those about queues and workers change nothing."""
    for name in ("max_queue_size", "workers", "use_multiprocessing"):
        given.pop(name, None)
    epochs = given.pop("nb_epoch", epochs)
    if given:
        raise TypeError(f"{method}() got unexpected keyword arguments {sorted(given)}")
    return epochs


def _validates(epoch: int, frequency: Any) -> bool:
    return (epoch + 1) in frequency if hasattr(frequency, "__iter__") else (epoch + 1) % frequency == 0


def _verbosity(verbose: Any) -> int:
    """"auto" and True mean 1."""
    return 1 if verbose == "auto" or verbose is True else int(verbose)
