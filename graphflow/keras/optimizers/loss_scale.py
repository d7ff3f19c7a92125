"""Losses scaled up before they are differentiated, so that half-precision gradients do not vanish."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...compiler.ir import Graph, Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import reduce_all
from .. import initializers
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scope import only_if
from ..variables import Variable
from .gradients import by_row
from .optimizer import Optimizer


class LossScaleOptimizer(Optimizer):
    """Another optimizer, with a factor on the loss: it halves when a gradient is not finite (that step is skipped) and
    doubles after `dynamic_growth_steps` steps without one.
    """

    def __init__(self, inner_optimizer: Any, initial_scale: float = 2.0 ** 15, dynamic_growth_steps: int = 2000,
                 name: str | None = None, dynamic: bool = True, **kwargs: Any):
        if not dynamic:
            raise ValueError("LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set "
                             "`loss_scale_factor` directly on the `inner_optimizer`.")
        neutral = {"use_ema": False, "ema_momentum": 0.99}
        refused = {k: v for k, v in kwargs.items() if v != neutral.get(k)}
        if refused:
            raise ValueError(f"LossScaleOptimizer does not support {sorted(refused)}. Instead, set them on the "
                             "`inner_optimizer`.")
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.inner_optimizer.build(variables)

    def add_state(self, variables: Sequence[Variable]) -> None:
        self.step_counter = self.add_variable((), "zeros", "int64", name="step_counter")
        self.dynamic_scale = self.add_variable((), initializers.Constant(self.initial_scale), "float32",
                                               name="dynamic_scale")

    @property
    def variables(self) -> list[Variable]:
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def variable_paths(self) -> list[str]:
        begun = ("iteration", "learning_rate")  # made before this optimizer is built
        return [*super().variable_paths, *(path if path.endswith(begun) else f"{self.name}/{path}"
                                           for path in self.inner_optimizer.variable_paths)]

    def apply(self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None) -> Any:
        variables = self._trainable if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        given = [g for g in grads if g is not None]
        at_once = all(not isinstance(g, Tensor) or g.op.type == "Const" for g in given)
        graph: Graph = variables[0].graph
        return self._in_step(lambda: self._scaled_step(list(grads), given, variables), graph, at_once)

    def _scaled_step(self, grads: list[Any], given: list[Any], variables: list[Variable]) -> None:
        scale, count = self.dynamic_scale.value(), self.step_counter.value()
        finite = convert_to_tensor(True)
        for g in given:
            finite = ew.logical_and(finite, reduce_all(ew.is_finite(convert_to_tensor(g))))
        unscaled = [None if g is None else by_row(lambda rows: rows / ew.cast(scale, rows.dtype), convert_to_tensor(g))
                    for g in grads]
        only_if(finite, lambda: self.inner_optimizer.apply(unscaled, variables))
        grown = ew.logical_and(finite, ew.equal(count, self.dynamic_growth_steps - 1))
        self.step_counter.assign(ew.where(ew.logical_and(finite, ew.logical_not(grown)), count + 1, count * 0))
        self.dynamic_scale.assign(scale * ew.where(finite, ew.where(grown, 2.0, 1.0), 0.5))

    @property
    def learning_rate(self) -> Any:
        """That of the optimizer within."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, variable: Any) -> None:
        self.inner_optimizer.iterations = variable

    def scale_loss(self, loss: Tensor) -> Tensor:
        scale = self.dynamic_scale.value() if self.built else convert_to_tensor(float(self.initial_scale))
        return loss * ew.cast(scale, loss.dtype)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "inner_optimizer": serialize_keras_object(self.inner_optimizer),
                "initial_scale": self.initial_scale, "dynamic_growth_steps": self.dynamic_growth_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        inner: Callable[..., Any] = deserialize_keras_object(config.pop("inner_optimizer"), custom_objects)
        return cls(inner, **config)
