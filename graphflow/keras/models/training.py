"""fit, evaluate, predict: the loops over batches. A batch is one native run; the rest is kept out of it."""
from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..callbacks import CallbackList, History
from ..nest import pack
from .data import Batches, class_weights_to_sample_weights, split_validation, unpack
from .feeds import Feed, is_arrays
from .trainer import Trainer


class Fitter(Trainer):
    """The methods of a model that run its steps over data."""

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
        if epochs > initial_epoch and self.optimizer.built:
            self.optimizer.finalize_variable_values(self.trainable_variables)
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
