"""fit, evaluate, predict: the loops over batches. A batch is one native run; the rest is kept out of it."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from ...compiler.site import warn
from .. import backend, config
from ..callbacks.callback_list import CallbackList
from ..callbacks.history import History
from ..legacy.log_names import Logs as OldNames
from ..nest import flatten, pack
from .data import BATCH_SIZE, Batches, as_many_as_first, split_validation, unpack
from .feeds import Feed, is_arrays
from .sources import ArraySource, Epochs, FeedSource, Rows, Run, UnfedSource
from .stepper import Stepper
from .steps import flat_logs

if TYPE_CHECKING:
    from ...explain import Explanation


class Fitter(Stepper):
    """The methods of a model that run its steps over data."""

    # fitting

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
            callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
            class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
            steps_per_epoch: int | None = None, validation_steps: int | None = None,
            validation_batch_size: int | None = None, validation_freq: Any = 1, **kwargs: Any) -> History:
        """Train for `epochs` passes over the data. Returns the History of the metrics by epoch.

        `x` is an array, a nest of them, or something that gives batches `(x, y)` or `(x, y, sample_weight)`. An epoch
        has `steps_per_epoch` batches, where that is given, and goes on where the one before ended.
        """
        self._need_compiled("fit")
        if "nb_epoch" in kwargs:
            warn("The argument `nb_epoch` is deprecated, use `epochs` instead.", DeprecationWarning)
            epochs = kwargs.pop("nb_epoch")
        if not isinstance(epochs, SupportsIndex):
            raise TypeError(f"`epochs` must be an integer. Received: epochs={epochs!r}")
        workers = _queue_arguments("fit", kwargs)
        epochs = _limited("epochs", epochs, config.max_epochs())
        steps_per_epoch = _limited("steps_per_epoch", steps_per_epoch, config.max_steps_per_epoch())
        if validation_split and validation_data is None:
            if not is_arrays(x):
                raise ValueError("Argument `validation_split` is only supported for tensors or NumPy arrays. Found "
                                 f"incompatible type in the input: {type(x)}")
            (x, y, sample_weight), held = split_validation([x, y, sample_weight], validation_split)
            validation_data = tuple(held) if held[2] is not None else tuple(held[:2])
        source = self._source("fit", "train", x, y, sample_weight, batch_size, shuffle, class_weight, steps_per_epoch,
                              workers)
        batches = Epochs(source, steps_per_epoch)
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, True, verbose != 0, self, verbose=_verbosity(verbose), epochs=epochs, steps=batches.steps)
        hooks.hand_on_validation_data(_validation_arrays(validation_data))
        self.stop_training = False
        self._initial_epoch, self._resume = initial_epoch, None
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        for epoch in range(self._initial_epoch or initial_epoch, epochs):
            self.reset_metrics()
            if batches.resized() and epoch:
                hooks.set_params({**(hooks.params or {}), "steps": batches.steps})
            hooks.on_epoch_begin(epoch)
            runs = batches.epoch()
            first = self._skipped(runs)
            logs = dict(self._run_batches(runs, hooks.batch_hooks("train"), "stop_training", first))
            if validation_data is not None and _validates(epoch, validation_freq):
                logs |= self._validate(validation_data, validation_batch_size or batch_size, validation_steps, hooks)
            logs = OldNames(flat_logs(logs))
            hooks.on_epoch_end(epoch, OldNames(logs))  # on_train_end does not see what callbacks add
            if self.stop_training or batches.ended:
                break
        source.close()
        if self.optimizer is not None and self.optimizer.built:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        hooks.on_train_end(logs)
        assert self.history is not None
        return self.history

    def _skipped(self, runs: Iterator[Run]) -> int:
        """How many batches of the epoch a backup holds the results of: they are not run again."""
        if self._resume is None:
            return 0
        (count, metrics), self._resume = self._resume, None
        for _ in range(count):
            next(runs)
        pairs = zip((v for m in self.metrics for v in m.variables), (v for m in metrics for v in m), strict=True)
        backend.batch_set_value(list(pairs) if count else [])
        return count

    def _source(self, method: str, kind: str, x: Any, y: Any, sample_weight: Any, batch_size: int | None,
                shuffle: Any = False, class_weight: Any = None, steps: int | None = None,
                workers: dict[str, Any] | None = None) -> Any:
        if x is None and not self._gives_inputs():
            raise ValueError(f"{method}: `x` is missing.")
        if steps is not None and steps < 1:
            raise ValueError(f"{method}: the number of steps must be positive. Received: {steps}")
        if self._gives_inputs() and is_arrays(x) and y is None:
            if steps is None:
                raise ValueError(f"{method}: when the inputs are tensors of the graph, you should specify the "
                                 f"`{'steps_per_epoch' if method == 'fit' else 'steps'}` argument.")
            return UnfedSource(self, kind)
        if is_arrays(x):
            if class_weight:
                sample_weight = self._weights_of_classes(y, class_weight, sample_weight)
            data = self._batch(x, y, sample_weight)
            if batch_size is None and steps:
                batch_size = -(-data.size // steps)
            return ArraySource(self, kind, Batches(data, batch_size, shuffle))
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(f"{method}: `{name}` must come with the batches when `x` is a {type(x).__name__}. "
                                 f"Received: {name}={type(value).__name__}")
        return FeedSource(self, kind, Feed(x, bool(shuffle), **(workers or {})), class_weight)

    def _run_batches(self, runs: Iterator[Run], hooks: Any, stop: str, first: int = 0) -> dict[str, Any]:
        """Run each batch of an epoch, until the attribute `stop` is set, and tell those who listen: of
        `steps_per_execution` batches at a time. Returns the logs at the end."""
        begin, end = hooks
        own: dict[str, Any] | None = None  # the logs that the model's own step gives
        together = self.steps_per_execution

        def read() -> dict[str, Any]:
            return self._results() if own is None else dict(own)

        step = first - 1
        for step, run in enumerate(runs, first):  # noqa: B007
            if begin is not None and step % together == 0:
                begin(step)
            given = run()
            if given is not None:
                own = given
            if end is not None and (step + 1) % together == 0:
                end(step, read)
            if getattr(self, stop):
                break
        if end is not None and (step + 1) % together:
            end(step - step % together + together - 1, read)
        return self._results() if own and self._updates_all and set(own) == set(self._reader().names) else read()

    def _validate(self, validation_data: Any, batch_size: int | None, steps: int | None, hooks: Any
                  ) -> dict[str, float]:
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
        steps = _limited("steps", steps, config.max_steps_per_epoch())
        source = self._source("evaluate", "test", x, y, sample_weight, batch_size, steps=steps,
                              workers=_queue_arguments("evaluate", kwargs))
        batches = Epochs(source, steps)
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, False, verbose != 0, self, verbose=_verbosity(verbose), epochs=1, steps=batches.steps)
        self.stop_evaluating = False
        self.reset_metrics()
        hooks.on_test_begin()
        logs = self._run_batches(batches.epoch(), hooks.batch_hooks("test"), "stop_evaluating")
        source.close()
        hooks.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
                callbacks: Any = None, **kwargs: Any) -> Any:
        """The outputs, in their nest, for all samples, computed batch by batch."""
        if verbose == 0 and callbacks is None and steps is None and not kwargs and isinstance(x, np.ndarray):
            run = self._steps.get((x.dtype, x.shape[1:]))
            if run is not None and 0 < len(x) <= (batch_size or BATCH_SIZE):
                return run(x)  # one batch, of which no one wants to hear
        steps = _limited("steps", steps, config.max_steps_per_epoch())
        source = self._source("predict", "predict", as_many_as_first(x), None, None, batch_size, steps=steps,
                              workers=_queue_arguments("predict", kwargs))
        batches = Epochs(source, steps)
        hooks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, False, verbose != 0, self, verbose=_verbosity(verbose), epochs=1, steps=batches.steps)
        whole = Rows(source.rows(steps))
        self.stop_predicting = False
        hooks.on_predict_begin()
        begin, end = hooks.batch_hooks("predict")
        for step, run in enumerate(batches.epoch()):
            if begin is not None:
                begin(step)
            outputs = run()
            whole.add(outputs)
            if end is not None:
                end(step, lambda outputs=outputs: {"outputs": self._packed(outputs)})
            if self.stop_predicting:
                break
        source.close()
        hooks.on_predict_end()
        return self._packed(whole.arrays())

    def _packed(self, outputs: Any) -> Any:
        return pack(self._output_structure, outputs if isinstance(outputs, (list, tuple)) else [outputs])

    # single batches

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False, reset_metrics: bool = True) -> Any:
        """One step. Returns the batch's metrics: a value, a list of them, or with `return_dict` a dict. Without
        `reset_metrics` they run on from the batches before."""
        self._need_compiled("train_on_batch")
        if class_weight:
            sample_weight = self._weights_of_classes(y, class_weight, sample_weight)
        return self._on_batch("train", x, y, sample_weight, return_dict, reset_metrics)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False,
                      reset_metrics: bool = True) -> Any:
        """The metrics of one batch, as `train_on_batch` gives them."""
        self._need_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, return_dict, reset_metrics)

    def _on_batch(self, kind: str, x: Any, y: Any, sample_weight: Any, return_dict: bool, reset: bool) -> Any:
        step, arrays = self._batch_step(kind, x, y, sample_weight)
        if reset:
            self.reset_metrics()
        logs = step(*arrays)
        logs = logs if isinstance(logs, dict) else self._results()
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        if isinstance(x, np.ndarray):  # serving single rows: no more Python than must be
            run = self._steps.get((x.dtype, x.shape[1:]))
            if run is not None and len(x):
                return run(x)
        batch = self._batch(x)
        outputs = self._step("predict", batch)(*batch.x)
        return outputs if self._output_structure is None else self._packed(outputs)

    def explain(self, kind: str | None = None, batch_size: int = 32, x: Any = None, y: Any = None,
                sample_weight: Any = None, verbose: bool = False) -> Explanation:
        """What is compiled for a step on a batch: `kind` is "train" (the default of a compiled model), "test" or
        "predict". See `graphflow.explain`; times are those of the batch `x`, `y` or else of one with made-up values."""
        from ...explain.models import explain_model  # which few programs ask for
        return explain_model(self, kind, batch_size, x, y, sample_weight, verbose)  # type: ignore[arg-type]

    # Keras 2's names

    def fit_generator(self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: Any = 1,
                      callbacks: Any = None, validation_data: Any = None, validation_steps: int | None = None,
                      validation_freq: Any = 1, class_weight: Any = None, max_queue_size: int = 10, workers: int = 1,
                      use_multiprocessing: bool = False, shuffle: bool = True, initial_epoch: int = 0,
                      **kwargs: Any) -> History:
        """`fit`, as Keras 2 named it for generators."""
        if "samples_per_epoch" in kwargs or "nb_val_samples" in kwargs:
            raise TypeError("fit_generator: samples_per_epoch and nb_val_samples count samples; give steps_per_epoch "
                            "and validation_steps, which count batches.")
        return self.fit(generator, epochs=epochs, verbose=verbose, callbacks=callbacks, shuffle=shuffle,
                        validation_data=validation_data, class_weight=class_weight, initial_epoch=initial_epoch,
                        steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
                        validation_freq=validation_freq, max_queue_size=max_queue_size, workers=workers,
                        use_multiprocessing=use_multiprocessing, **kwargs)

    def evaluate_generator(self, generator: Any, steps: int | None = None, callbacks: Any = None,
                           max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
                           verbose: Any = 0) -> Any:
        """`evaluate`, as Keras 2 named it for generators."""
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose, workers=workers,
                             max_queue_size=max_queue_size, use_multiprocessing=use_multiprocessing)

    def predict_generator(self, generator: Any, steps: int | None = None, callbacks: Any = None,
                          max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
                          verbose: Any = 0) -> Any:
        """`predict`, as Keras 2 named it for generators."""
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose, workers=workers,
                            max_queue_size=max_queue_size, use_multiprocessing=use_multiprocessing)


def _limited(what: str, value: Any, limit: int | None) -> Any:
    """What was asked for, or with a warning what `keras.config` allows."""
    if not limit or value is not None and value <= limit:
        return value
    warn(f"Limiting {what} to {limit}")
    return limit


def _queue_arguments(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Keras 2's arguments about workers. Raises for any other."""
    names = ("workers", "use_multiprocessing", "max_queue_size")
    unknown = sorted(set(given) - set(names))
    if unknown:
        kind = ValueError if method == "evaluate" else TypeError  # as in Keras
        raise kind(f"Arguments not recognized: {method} takes no {unknown}")
    return {n: given[n] for n in names if n in given}


def _validation_arrays(validation_data: Any) -> list[Any] | None:
    """Keras 2's `validation_data` of callbacks: inputs, targets and weights in one list."""
    if not isinstance(validation_data, (list, tuple)) or len(validation_data) < 2:
        return None
    x, y, weight = (*validation_data, None)[:3]
    if not all(isinstance(a, np.ndarray) for a in flatten((x, y))):
        return None
    return [*flatten(x), *flatten(y), np.ones(len(flatten(y)[0]), np.float32) if weight is None else weight]


def _validates(epoch: int, frequency: Any) -> bool:
    return (epoch + 1) in frequency if hasattr(frequency, "__iter__") else (epoch + 1) % frequency == 0


def _verbosity(verbose: Any) -> int:
    """"auto" and True mean 1."""
    return 1 if verbose == "auto" or verbose is True else int(verbose)
