"""What a student is to take over from its teacher (Hinton, Vinyals and Dean 2015, arXiv:1503.02531)."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from .. import losses, ops, tree
from ..saving.serialization import deserialize_keras_object, serialize_keras_object


class DistillationLoss:
    """How far a student's outputs are from its teacher's. Subclasses define `compute_loss`."""

    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """A scalar for two nests of tensors."""
        raise NotImplementedError("Subclasses must implement compute_loss")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises ValueError unless both are nests of one structure."""
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises ValueError where the models have not what the loss needs."""


class _ByOutput(DistillationLoss):
    """A loss, or a nest of losses (None for outputs that are left out), one for each output."""

    def __init__(self, loss: Any):
        self.loss = tree.map_structure(lambda one: losses.get(one) if isinstance(one, str) else one, loss)
        if all(one is None for one in tree.flatten(self.loss)):
            raise ValueError(f"The `loss` argument of {type(self).__name__} must have at least one loss that is not "
                             f"None. Received: loss={loss}")

    def _total(self, value_of: Any, teacher_outputs: Any, student_outputs: Any) -> Tensor:
        """The sum over the outputs of the mean of `value_of(loss, of the teacher, of the student)`."""
        values = tree.map_structure(lambda loss, teacher, student: 0.0 if loss is None else value_of(
            loss, teacher, student), self.loss, teacher_outputs, student_outputs)
        return ops.sum(ops.stack(tree.flatten(values)))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**{**config, "loss": deserialize_keras_object(config["loss"], module_objects=losses.FUNCTIONS)})


class FeatureDistillation(_ByOutput):
    """`loss` between what a layer of the teacher and one of the student give; without names the models' outputs."""

    def __init__(self, loss: Any = "mse", teacher_layer_name: str | None = None,
                 student_layer_name: str | None = None):
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name
        super().__init__(loss)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        for kind, model, name in (("teacher", teacher, self.teacher_layer_name),
                                  ("student", student, self.student_layer_name)):
            if name is None:
                continue
            if model._network is None:
                raise ValueError(f"FeatureDistillation with layer names requires Functional or Sequential models. The "
                                 f"{kind} {model.name!r} has no inputs and outputs of its own.")
            try:
                model.get_layer(name=name)
            except ValueError as error:
                raise ValueError(f"In {kind} model: {error}") from None

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        super().validate_outputs(teacher_outputs, student_outputs)
        tree.assert_same_structure(self.loss, teacher_outputs)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Tensor:
        return self._total(lambda loss, teacher, student: ops.mean(loss(teacher, student)), teacher_outputs,
                           student_outputs)

    def get_config(self) -> dict[str, Any]:
        return {"loss": serialize_keras_object(self.loss), "teacher_layer_name": self.teacher_layer_name,
                "student_layer_name": self.student_layer_name}


class LogitsDistillation(_ByOutput):
    """`loss` between the models' outputs divided by `temperature`. The class KLDivergence compares their softmaxes, and
    counts by the temperature's square."""

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence"):
        super().__init__(loss)
        if not isinstance(temperature, (int, float)):
            raise ValueError(f"temperature must be a number, got {type(temperature)}")
        if temperature <= 0:
            raise ValueError(f"temperature must be positive. Received: temperature={temperature}")
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Tensor:
        def value(loss: Any, teacher: Any, student: Any) -> Any:
            if isinstance(loss, losses.KLDivergence):
                return ops.mean(loss(ops.softmax(teacher), ops.softmax(student))) * self.temperature ** 2
            return ops.mean(loss(teacher, student))

        soft = [tree.map_structure(lambda x: ops.divide(x, self.temperature), outputs)
                for outputs in (teacher_outputs, student_outputs)]
        return self._total(value, *soft)

    def get_config(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "loss": serialize_keras_object(self.loss)}
