"""Which compiled steps a model has: each is made for arrays of one kind when the first come."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.dtypes import as_dtype
from ...compiler.ops.state import placeholder
from ...config import functions_run_eagerly
from ..layers.core import BATCH
from ..layers.input_spec import InputSpec, Shape, shape_of
from ..nest import flatten, pack
from ..scope import outside_steps
from .data import Batch
from .eager import at_once, eager_results, eager_step
from .network import required_dims
from .steps import Inputs, fed_sizes, flat_logs, predict_step, results, update_step
from .trainer import Reader, Trainer


class Stepper(Trainer):
    """From arrays to the step that runs on them, and to what the metrics then say."""

    @property
    def _eagerly(self) -> bool:
        """Whether the operations of steps run at once: as asked, and where variables have values only there."""
        return bool(self.run_eagerly) or self._has_eager_weights or functions_run_eagerly()

    def _batch(self, x: Any, y: Any = None, sample_weight: Any = None, training: bool = True) -> Batch:
        """Arrays in the model's order. Builds the model."""
        order: Callable[[Any], list[Any]] = flatten if self._network is None else self._network.arranged
        if self._gives_inputs():
            x = None
        if y is None and sample_weight is None:
            batch = Batch(x, order=order, unfed=self._gives_inputs())
        elif self.compiled and not self._has_own("train_step") and not self._eagerly:
            self._build_for(x)
            order = flatten if self._network is None else self._network.arranged
            batch = Batch(x, y, sample_weight, order, self._targets, self._weights_by_output, self._gives_inputs())
        else:
            batch = Batch(x, y, sample_weight, order)
        self._build_for(x, batch)
        return batch

    def _gives_inputs(self) -> bool:
        """Whether the graph itself gives all inputs: `Input(tensor=...)` of something else than placeholders."""
        return self._network is not None and not self._network.fed

    def _build_for(self, x: Any, batch: Batch | None = None) -> None:
        known = self._output_names is not None or self._inbound_nodes and not self.compiled
        if self.built and (self._network is not None or known):
            return
        batch = batch or Batch(x)
        if hasattr(self, "_stack"):  # Sequential
            self._build_for_values(batch.x[0].shape, self._eagerly)
            return
        if self._eagerly:
            return  # the step calls it
        with self.graph.as_default(), outside_steps():
            entries = [placeholder(as_dtype(a.dtype), (BATCH, *a.shape[1:])) for a in batch.x]
            called = self._calls_itself() and not self._has_own("train_step")  # which decides how to call it
            outputs = self(pack(batch.structure, entries)) if called else None
        self.built = True
        if outputs is not None:
            self._note_outputs(outputs)

    def _batch_step(self, kind: str, x: Any, y: Any, sample_weight: Any) -> tuple[Callable[..., Any], Sequence[Any]]:
        """The compiled step for a batch, and the arrays that it takes. Small steps take less time than to look at a
        model and a batch: what was found for two arrays serves for others of their kinds."""
        known: Any = None
        if (type(x) is np.ndarray and type(y) is np.ndarray and sample_weight is None and x.ndim and y.ndim
                and len(x) == len(y) > 0):
            known = kind, self._eagerly, self._schedule(kind), x.dtype, x.shape[1:], y.dtype, y.shape[1:]
            if known in self._steps:
                return self._steps[known], (x, y)
        batch = self._batch(x, y, sample_weight)
        step = self._step(kind, batch)
        if known is not None and len(batch.arrays) == 2 and batch.arrays[0] is x and batch.arrays[1] is y:
            self._steps[known] = step
        return step, batch.arrays

    def _schedule(self, kind: str) -> Any:
        return self.optimizer.schedule if kind == "train" and self.optimizer else None

    def _step(self, kind: str, batch: Batch) -> Callable[..., Any]:
        """The compiled step for arrays like these."""
        schedule = self._schedule(kind)
        exact = kind, self._eagerly, batch.signature, schedule
        if exact not in self._steps:
            self._check_inputs(batch)
            key = kind, self._eagerly, self._open_signature(batch), schedule
            if key not in self._steps:
                self._steps[key] = self._made_step(kind, batch)
            self._steps[exact] = self._steps[key]
            if kind == "predict" and not self._eagerly and len(batch.x) == 1 and self._output_structure is None:
                self._steps[batch.x[0].dtype, batch.x[0].shape[1:]] = self._steps[key]  # found without the model
        return self._steps[exact]

    def _open_signature(self, batch: Batch) -> Any:
        """What a step is built for: the batch's signature without the sizes that the model leaves open."""
        if self._network is None or self._eagerly:
            return batch.signature
        x = tuple((a.dtype.str, fed_sizes(a, like)) for a, like in zip(batch.x, self._network.fed, strict=True))
        return (x, *batch.signature[1:])

    def _made_step(self, kind: str, batch: Batch) -> Callable[..., Any]:
        if kind != "predict" or self._eagerly:
            self._read = None
        if self._eagerly:
            return eager_step(self, kind, batch)
        with self.graph.as_default():
            inputs = Inputs(self, batch)  # type: ignore[arg-type]
        made = predict_step(self, inputs) if kind == "predict" else (  # type: ignore[arg-type]
            update_step(self, inputs, kind == "train"))  # type: ignore[arg-type]
        return self._recorded(made)

    def _check_inputs(self, batch: Batch) -> None:
        """Raises ValueError for a shape and TypeError for a type that the model does not take."""
        for i, (array, wanted) in enumerate(zip(batch.x, self._network.inputs if self._network else (), strict=False)):
            shape = shape_of(wanted)
            if array.dtype.kind == "O" and wanted.dtype.is_floating:
                raise TypeError(f"`x` must be numeric for input {self._network.input_names[i]!r} of model "
                                f"{self.name!r}. Received: an array of strings")
            if not (array.ndim == len(shape) - 1 and shape[-1] == 1 or array.ndim == len(shape) + 1 and (
                    array.shape[-1] == 1)):
                self._check_shape(i, (None, *required_dims(wanted)[1:]), array)

    def _check_shape(self, index: int, wanted: Shape, array: np.ndarray) -> None:
        try:
            InputSpec(shape=wanted).check(array, self.name, index)
        except ValueError as error:
            one = " (a single one becomes a batch by x[None])" if array.ndim == len(wanted) - 1 else ""
            name = self._network.input_names[index]
            raise ValueError(f"{error}. Input {name!r} takes batches of shape {wanted}{one}.") from None

    def _reader(self) -> Reader:
        if self._read is None:
            with at_once(self.graph) if self._eagerly else self.graph.as_default():
                tensors = flat_logs(self.get_metrics_result())
            fetch = eager_results(self) if self._eagerly else results(self, tensors)  # type: ignore[arg-type]
            self._read = Reader(self.metrics, list(tensors), fetch, self._ordered(tensors))
        return self._read

    def _results(self) -> dict[str, float]:
        return self._reader().fetch()

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The values as `evaluate` returns them: a bare one if there is only one."""
        read = self._reader()
        values = [logs[name] for name in (read.order if list(logs) == read.names else self._ordered(logs))]
        return values[0] if len(values) == 1 else values
