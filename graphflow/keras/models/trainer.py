"""compile, and what a training, test or prediction step consists of."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from ...compiler.ir import Graph, Tensor
from ...compiler.ops.reduction import size_of
from ...compiler.site import warn
from ...gradient_tape import GradientTape
from .. import optimizers
from ..callbacks.history import History
from ..layers.layer import Layer
from ..legacy.layer_list import AppendedList
from ..legacy.run_options import recorder_of
from ..legacy.target_tensors import target_tensors_by_output
from ..metrics import Mean, Metric
from ..naming import ops_named
from ..nest import alone, flatten, map_structure
from ..scope import current_scope, in_order, outside_steps
from ..variables import Variable
from .compiled import CompiledLoss, CompiledMetrics, Outputs, track
from .data import class_weights_to_sample_weights, unpack


class NotCompiledError(ValueError, RuntimeError):
    """Training before `compile`: a RuntimeError in Keras 2, a ValueError in Keras 3."""


class Reader(NamedTuple):
    """The metrics of a model as its steps left them: found once, since that takes longer than a small step."""

    metrics: list[Metric]
    names: list[str]  # of their values, in alphabetical order
    fetch: Callable[[], dict[str, float]]
    order: list[str]  # the names as `evaluate` returns the values


class Trainer(Layer):
    """How a model is compiled, and what its steps do."""

    graph: Graph
    output_names: Any
    _network: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: Any = None
        self.compiled = False
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.steps_per_execution, self.run_eagerly, self.jit_compile = 1, False, "auto"
        self._has_eager_weights = False
        self._new_names: list[str] = []  # of Keras 2's metrics_tensors
        self.history: History | None = None
        self._initial_epoch = 0
        self._resume: tuple[int, list[Any]] | None = None  # batches done and values of the metrics, from a backup
        self.loss: Any = None
        self._output_names: list[str | None] | None = None
        self._own_structure: Any = None
        self._output_structure: Any = None
        self._compile_arguments: dict[str, Any] = {}
        self._target_tensors: list[Tensor | None] = []  # what the graph gives as targets, by output
        self._compiled: tuple[CompiledLoss, CompiledMetrics, Mean] | None = None
        self._collected: tuple[list[Variable], set[Variable]] | None = None  # at `compile`: what to train of which
        self._steps: dict[Any, Any] = {}
        self._read: Reader | None = None
        self._recorded = recorder_of({})
        self._updates_all = True  # whether a step of the model's own updates every metric

    # compiling

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
                weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
                jit_compile: Any = "auto", auto_scale_loss: bool = True, sample_weight_mode: Any = None,
                target_tensors: Any = None, **kwargs: Any) -> None:
        """Say how to train. Raises ValueError for unknown names.

        A step is one compiled run; with `run_eagerly` its operations run at once, so that `call` and the steps can look
        at values. `jit_compile` and `sample_weight_mode` change nothing: sample weights may be given by sample or by
        step. Callbacks hear of `steps_per_execution` batches at a time.
        """
        self._recorded = recorder_of(kwargs)
        if kwargs:
            raise ValueError(f"compile: unexpected arguments {sorted(kwargs)}")
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(f"`steps_per_execution` must be a positive integer. Received: {steps_per_execution}")
        self.optimizer = optimizers.get(optimizer)
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and self.optimizer is not None and (
                not isinstance(self.optimizer, optimizers.LossScaleOptimizer)):
            self.optimizer = optimizers.LossScaleOptimizer(self.optimizer, name="loss_scale_optimizer")
        self.loss = loss
        self.steps_per_execution, self.run_eagerly, self.jit_compile = steps_per_execution, run_eagerly, jit_compile
        self._compile_arguments = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics,
                                   "weighted_metrics": weighted_metrics}
        self._compiled, self._target_tensors = None, []
        self._has_eager_weights = any(w.graph.eager for w in self.weights)
        self._collected = (self.trainable_variables, set(self.variables)) if self.built else None
        self.compiled, self.stop_training = True, False
        self._forget_steps()
        if self._network is not None:
            try:
                outputs = self._known()[0].outputs
                if target_tensors is not None and target_tensors != []:
                    self._target_tensors = target_tensors_by_output(target_tensors, outputs)
            except Exception:  # what cannot be used is not kept
                self.compiled = False
                raise

    def _outputs(self) -> Outputs:
        """What is known of the outputs: their names in a functional model, their nest once a subclassed one ran."""
        if self._network is not None:
            structure = map_structure(lambda _: None, alone(self._network.output_nest))
            return Outputs(structure, self._network.target_names, self._network.output_names)
        names: list[str | None] = self._output_names or [None]
        return Outputs(self._own_structure, names, names)

    def _note_outputs(self, outputs: Any) -> None:
        """Learn from a call how many outputs a subclassed model has."""
        self._own_structure = map_structure(lambda _: None, outputs)
        flat = isinstance(outputs, dict) and len(flatten(outputs)) == len(outputs)
        self._output_names = sorted(outputs) if flat else [None] * len(flatten(outputs))

    def _knows_outputs(self) -> bool:
        return self._network is not None or self._output_names is not None or not self._calls_itself()

    def _calls_itself(self) -> bool:
        """Whether there is a `call` (a model with steps of its own need not have one)."""
        from .model import Model
        return type(self).call is not Model.call

    def _known(self) -> tuple[CompiledLoss, CompiledMetrics, Mean]:
        """The compiled loss and metrics, and the loss's running mean."""
        self._need_compiled("compile")
        if self._compiled is None:
            given, outputs = self._compile_arguments, self._outputs()
            with self.graph.as_default(), outside_steps():
                self._compiled = (CompiledLoss(given["loss"], given["loss_weights"], outputs),
                                  CompiledMetrics(given["metrics"], given["weighted_metrics"], outputs, self._targets,
                                                  self._weights_by_output), Mean("loss"))
        return self._compiled

    @property
    def compiled_metrics(self) -> CompiledMetrics:
        return self._known()[1]

    def compiled_loss(self, y: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
                      ) -> Tensor:
        """The loss, as earlier training steps ask for it: it goes into the loss's running mean too."""
        return self._tracked_loss(None, y, y_pred, sample_weight)

    def _has_own(self, *methods: str) -> bool:
        """Whether a subclass defines one of these itself."""
        return any(getattr(type(self), method) is not getattr(Trainer, method) for method in methods)

    def _forget_steps(self) -> None:
        self._steps, self._read = {}, None

    def _need_compiled(self, method: str) -> None:
        if not self.compiled:
            raise NotCompiledError(f"You must call `compile()` before calling `{method}()`.")

    @property
    def metrics(self) -> list[Metric]:
        """The loss's running mean, the compiled metrics as one, the means of the outputs' losses, and the metrics that
        are attributes of the model or its layers."""
        attributes = [v for layer in self._all_layers() for name, v in vars(layer).items()
                      if not name.startswith(("_compile", "_read"))]
        own = [m for v in attributes for m in (flatten(v) if isinstance(v, (list, tuple, dict)) else [v])
               if isinstance(m, Metric)]
        added = [m for _, _, m in getattr(self, "_added_metrics", ())]
        compiled: list[Any] = []
        if self.compiled and self._knows_outputs():
            loss, metrics, mean = self._known()
            compiled = [mean, *([metrics] if any(map(any, (e for e, _ in metrics.given))) else []), *loss.trackers]
        return list(dict.fromkeys(m for m in (*compiled, *own, *added) if m is not None))

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns, in its order."""
        names = [name for m in self.metrics for name in (
            m.expected_names() if isinstance(m, CompiledMetrics) else [m.name])] if self.compiled else []
        return AppendedList(self._ordered(names), self._new_names.append)

    def _ordered(self, names: Any) -> list[str]:
        """Names of metrics in Keras's order: that of `metrics`, then by name."""
        first = [m.name for metric in self.metrics for m in (
            metric.metrics if isinstance(metric, CompiledMetrics) else [metric]) if m.name in names]
        return first + sorted(set(names) - set(first))

    def reset_metrics(self) -> None:
        for metric in self.metrics if self._read is None else self._read.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics' values by name, as graph."""
        values: dict[str, Any] = {}
        for metric in self.metrics:
            with ops_named(metric.name):
                result = metric.result()
            values |= result if isinstance(result, dict) else {metric.name: result}
        return values

    # what a step does; subclasses may define these anew

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Tensor:
        """The loss to minimize: that of the outputs, and what layers and weights add. Notes the loss of each output."""
        self._note_first_outputs(y_pred)
        loss = self._known()[0]
        total: Tensor | None = None
        if y is not None:
            total, parts = loss(self._targets(y), flatten(y_pred), self._weights_by_output(sample_weight))
            for tracker, value in zip(loss.trackers, parts, strict=True):
                if tracker is not None and (current_scope() is not None or in_order()):
                    tracker.update_state(value)
        for penalty in self.losses:
            total = penalty if total is None else total + penalty
        if total is None:
            raise ValueError("No loss to compute. " + (
                "There are no targets: give `y`, or batches `(x, y)`." if any(loss.objects) else
                "Provide a `loss` argument in `compile()`."))
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the compiled metrics. Returns the results by name."""
        if y is not None:
            self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, loss, gradients and updates for one batch `(x, y, sample_weight)` of tensors."""
        x, y, sample_weight = unpack(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._tracked_loss(x, y, y_pred, sample_weight)
        variables = self._to_train()
        if variables:
            self.optimizer.minimize(loss, variables, tape)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _to_train(self) -> list[Variable]:
        """The variables that were trainable when the model was compiled, and new ones: who sets `trainable` compiles
        again, or has two models of one layer of which one trains it. Warns where one model means both."""
        now = self.trainable_variables
        if self._collected is None:
            return now
        collected, known = self._collected
        if len([v for v in now if v in known]) != len(collected):
            warn("Discrepancy between trainable weights and collected trainable weights, did you set "
                 "`model.trainable` without calling `model.compile` after?")
        return [*collected, *(v for v in now if v not in known)]

    def test_step(self, data: Any) -> dict[str, Any]:
        """Loss and metrics for one batch `(x, y, sample_weight)` of tensors."""
        x, y, sample_weight = unpack(data)
        y_pred = self(x, training=False)
        self._tracked_loss(x, y, y_pred, sample_weight, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch of tensors."""
        return self(unpack(data)[0], training=False)

    def _note_first_outputs(self, y_pred: Any) -> None:
        """Where ops run at once the model may not have been called before."""
        if self._network is None and self._output_names is None and y_pred is not None:
            self._note_outputs(y_pred)

    def _tracked_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool = True) -> Tensor:
        self._note_first_outputs(y_pred)
        takes = inspect.signature(self.compute_loss).parameters  # earlier ones are not told of training
        told = {"training": training} if "training" in takes or "kwargs" in takes else {}
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **told)
        scope = current_scope()
        if scope is not None:
            loss, = scope.current([loss])
        track(self._known()[2], loss, size_of(flatten(y_pred if x is None else x)[0], (0,)))
        return loss

    def _targets(self, y: Any) -> list[Any]:
        """Targets by output. They may leave out outputs without a loss."""
        loss = self._known()[0]
        outputs = loss.outputs
        if isinstance(y, dict):
            return outputs.arranged(y, "y")
        flat, used = flatten(y), [o is not None for o in loss.objects]
        if len(flat) == len(used):
            return flat
        if len(flat) != sum(used):
            raise ValueError(f"The model has {len(used)} outputs {list(outputs.names)}, but {len(flat)} target arrays "
                             "were given.")
        given = iter(flat)
        return [next(given) if u else None for u in used]

    def _weights_of_classes(self, y: Any, class_weight: Any, sample_weight: Any) -> Any:
        """Sample weights for those of classes: for several outputs one for each, from a dict by name or a list."""
        names = list(self._outputs().names) if self._knows_outputs() else []
        by_name = isinstance(class_weight, dict) and set(class_weight) <= set(names)
        if len(names) < 2 or not (by_name or isinstance(class_weight, (list, tuple))):
            return class_weights_to_sample_weights(y, class_weight, sample_weight)
        by_output = self._known()[0].outputs.arranged(class_weight, "class_weight")
        given = zip(self._targets(y), by_output, self._weights_by_output(sample_weight), strict=True)
        return [weight if classes is None else class_weights_to_sample_weights(target, classes, weight)
                for target, classes, weight in given]

    def _weights_by_output(self, weights: Any) -> list[Any]:
        outputs = self._known()[0].outputs
        if isinstance(weights, dict):
            named = {k: w for k, w in weights.items() if not isinstance(k, Tensor)}  # Keras 2 passed over those
            return outputs.arranged(named, "sample_weight")
        flat = [None] if weights is None else flatten(weights)
        return flat * len(outputs.names) if len(flat) == 1 else flat
