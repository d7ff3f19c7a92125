"""A model that trains a student on the targets and on what its teacher says."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import losses, ops, tree
from ..layers.input_spec import shape_of
from ..metrics import Mean
from ..models import Model
from ..saving.serialization import deserialize_keras_object, serialize_keras_object

OUTPUT = "final_output"


class Distiller(Model):
    """Trains `student` on `student_loss_weight` times the loss of `compile` and the rest times the sum of
    `distillation_losses`, each by its weight (1 by default). The teacher is frozen.

    Raises ValueError for models whose inputs or outputs differ in shape or dtype, and for a weight outside [0, 1].
    """

    def __init__(self, teacher: Any, student: Any, distillation_losses: Any,
                 distillation_loss_weights: Sequence[float] | None = None, student_loss_weight: float = 0.5,
                 name: str = "distiller", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        self.teacher, self.student = teacher, student
        if not isinstance(student_loss_weight, (int, float)):
            raise ValueError(f"student_loss_weight must be a number, got {type(student_loss_weight)}")
        if not 0 <= student_loss_weight <= 1:
            raise ValueError(f"student_loss_weight must be between 0.0 and 1.0, got {student_loss_weight}")
        self.student_loss_weight = student_loss_weight
        if distillation_losses is None:
            raise ValueError("'distillation_losses' cannot be `None`. Provide a distillation loss or a list of them.")
        if not isinstance(distillation_losses, (list, tuple)):
            distillation_losses, distillation_loss_weights = [distillation_losses], None
        weights = [1.0] * len(distillation_losses) if distillation_loss_weights is None else distillation_loss_weights
        if len(weights) != len(distillation_losses):
            raise ValueError(f"Number of distillation_loss_weights ({len(weights)}) must match number of "
                             f"distillation_losses ({len(distillation_losses)})")
        self.distillation_losses, self.distillation_loss_weights = distillation_losses, weights
        for loss in distillation_losses:
            loss.validate_model_compatibility(teacher, student)
        self._extractors = {kind: _extractor(model, [getattr(loss, f"{kind}_layer_name", None) for loss in
                                                     distillation_losses])
                            for kind, model in (("teacher", teacher), ("student", student))}
        teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    def _sublayers(self) -> Any:
        return iter([self.teacher, self.student])

    def compile(self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None,  # type: ignore[override]
                **kwargs: Any) -> None:
        """`loss` is the student's on the targets. Raises ValueError without one."""
        if loss is None:
            raise ValueError("'loss' cannot be `None`.")
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise ValueError(f"metrics must be a list or tuple, got {type(metrics)}")
        self._student_loss = tree.map_structure(lambda one: losses.get(one) if isinstance(one, str) else one, loss)
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return self.student(inputs, training=training)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Any:
        if y_pred is None:
            y_pred = self(x, training=training)
        of_targets: Any = 0.0
        if self.student_loss_weight > 0 and y is not None:
            values = tree.map_structure(lambda loss, truth, guess: ops.mean(loss(truth, guess)), self._student_loss, y,
                                        y_pred)
            of_targets = ops.sum(ops.stack(tree.flatten(values)))
        of_teacher = self._distillation_loss(x, y_pred) if self.student_loss_weight < 1 else 0.0
        total = ops.add(ops.multiply(self.student_loss_weight, of_targets),
                        ops.multiply(1 - self.student_loss_weight, of_teacher))
        self.student_loss_tracker.update_state(of_targets)
        self.distillation_loss_tracker.update_state(of_teacher)
        self.total_loss_tracker.update_state(total)
        return total

    def _distillation_loss(self, x: Any, y_pred: Any) -> Any:
        features: dict[str, Any] = {kind: None if extract is None else extract(x, training=kind == "student")
                                    for kind, extract in self._extractors.items()}
        if features["teacher"] is None:
            features["teacher"] = {OUTPUT: self.teacher(x, training=False)}
        total: Any = 0.0
        for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights, strict=True):
            taught, learnt = features["teacher"][OUTPUT], y_pred
            if getattr(loss, "teacher_layer_name", None) is not None:
                taught = features["teacher"][loss.teacher_layer_name]
                learnt = y_pred if features["student"] is None else (
                    features["student"][loss.student_layer_name or OUTPUT])
            loss.validate_outputs(taught, learnt)
            value = loss.compute_loss(taught, learnt)
            if len(getattr(value, "shape", ())):
                raise ValueError(f"Distillation loss {type(loss).__name__} returned a non-scalar loss with shape "
                                 f"{value.shape}. The compute_loss method must return a scalar tensor.")
            total = ops.add(total, ops.multiply(weight, value))
        return total

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "teacher": serialize_keras_object(self.teacher),
                "student": serialize_keras_object(self.student),
                "distillation_losses": [serialize_keras_object(loss) for loss in self.distillation_losses],
                "distillation_loss_weights": list(self.distillation_loss_weights),
                "student_loss_weight": self.student_loss_weight}

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        made = {key: deserialize_keras_object(config[key], custom_objects)
                for key in ("teacher", "student", "distillation_losses")}
        return cls(**{**config, **made})


def _check_models(teacher: Any, student: Any) -> None:
    for kind, model in (("Teacher", teacher), ("Student", student)):
        if not isinstance(model, Model):
            raise ValueError(f"{kind} must be a keras.Model, got {type(model)}")
    if teacher._network is None or student._network is None:
        return
    for what in ("inputs", "outputs"):
        pairs = [[(shape_of(t), t.dtype.name) for t in getattr(model, what)] for model in (teacher, student)]
        if len(pairs[0]) != len(pairs[1]):
            raise ValueError(f"Teacher and student have {len(pairs[0])} and {len(pairs[1])} {what}.")
        for (a, kind), (b, other) in zip(*pairs, strict=True):
            if len(a) != len(b) or any(None not in (m, n) and m != n for m, n in zip(a, b, strict=True)):
                raise ValueError(f"Teacher and student {what[:-1]} shapes are incompatible. Teacher: {a}, "
                                 f"Student: {b}.")
            if kind != other:
                raise ValueError(f"Teacher and student {what[:-1]} dtypes must match. Teacher: {kind}, "
                                 f"Student: {other}.")


def _extractor(model: Any, names: Sequence[str | None]) -> Any:
    """A model of the same layers that gives what the named ones do too; None without names."""
    wanted = {name: model.get_layer(name).output for name in names if name}
    return Model(model.inputs, {OUTPUT: model.output, **wanted}) if wanted else None
