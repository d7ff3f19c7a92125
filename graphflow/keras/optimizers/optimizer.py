"""The base class of optimizers. Their state is variables, and an update is graph: part of the training step."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...compiler.autodiff import gradients
from ...compiler.dtypes import int64
from ...compiler.ir import Operation, Tensor, default_graph
from ...compiler.ops import elementwise as ew
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.state import group
from .. import backend, initializers
from ..naming import auto_name
from ..scope import StepScope, current_scope
from ..variables import Variable


class Optimizer:
    """Subclasses name their `slots` (variables kept per weight) and define `update_step`.

    `learning_rate` is a variable: it may be set between steps. At most one of `clipnorm` (of each gradient),
    `global_clipnorm` (of all together) and `clipvalue` (of each element) bounds the gradients. `weight_decay` shrinks
    every weight by learning_rate * weight_decay at each step.
    """

    def __init__(self, learning_rate: Any = 0.001, name: str | None = None, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
                 lr: Any = None, **kwargs: Any):
        for key, default in (("use_ema", False), ("ema_momentum", 0.99), ("ema_overwrite_frequency", None),
                             ("loss_scale_factor", None), ("gradient_accumulation_steps", None)):
            if kwargs.pop(key, default) not in (default, None):
                raise ValueError(f"{type(self).__name__}: {key} is not supported.")
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                             f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}")
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self._rate = float(learning_rate if lr is None else lr)
        self.built = False
        self._state: dict[str, Variable] = {}
        self._slots: dict[str, list[Variable]] = {}
        self._positions: dict[Operation, int] = {}

    # state

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the variables that the updates of `variables` need."""
        if self.built:
            if any(v.op not in self._positions for v in variables):
                raise ValueError(f"The optimizer {self.name!r} was built for other variables. Make a new one to train "
                                 "another set.")
            return
        self.built = True
        graph = variables[0].graph if variables else default_graph()
        self._positions = {v.op: i for i, v in enumerate(variables)}
        with graph.as_default(), graph.name_scope(self.name):
            self.iterations = self._add("iteration", np.zeros((), np.int64))
            self._learning_rate = self._add("learning_rate", np.array(self._rate, backend.floatx()))
            for kinds in self.slot_order():
                for variable in variables:
                    for kind in kinds:
                        # Keras's name: the weight's path with its slashes as underscores
                        slot = self._add(f"{variable.path.replace('/', '_')}_{kind}", initializers.Zeros(), variable)
                        self._slots.setdefault(kind, []).append(slot)

    def _add(self, name: str, initializer: Any, like: Variable | None = None) -> Variable:
        shape, dtype = (None, None) if like is None else (like.shape, like.dtype)
        variable = self._state[f"{self.name}/{name}"] = Variable(initializer, shape, dtype, False, name)
        return variable

    def slot_order(self) -> Sequence[tuple[str, ...]]:
        """The kinds of slots, in the order of Keras's files: those in one tuple alternate weight by weight."""
        return ()

    def slot(self, kind: str, variable: Variable) -> Variable:
        return self._slots[kind][self._positions[variable.op]]

    @property
    def variables(self) -> list[Variable]:
        return list(self._state.values())

    @property
    def variable_paths(self) -> list[str]:
        """The names of `variables` in files."""
        return list(self._state)

    weights = variables

    def get_weights(self) -> list[np.ndarray]:
        return backend.batch_get_value(self.variables)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the whole state. Raises ValueError when it does not fit."""
        variables = self.variables
        if len(weights) != len(variables) or any(
                np.shape(w) != v.shape for w, v in zip(weights, variables, strict=True)):
            raise ValueError(f"The optimizer {self.name!r} has {len(variables)} variables of shapes "
                             f"{[v.shape for v in variables]}. Received: {[np.shape(w) for w in weights]}")
        backend.batch_set_value(list(zip(variables, weights, strict=True)))

    # the learning rate

    @property
    def learning_rate(self) -> Any:
        return self._learning_rate if self.built else self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate = float(value)
        if self.built:
            self._learning_rate.assign(self._rate)

    lr = learning_rate

    # updates

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        raise NotImplementedError(f"Optimizer {type(self).__name__} does not define `update_step()`.")

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> Any:
        """Update the variables by their gradients (None: no update). Outside a step, returns the operation."""
        variables = list(trainable_variables or ())
        if len(grads) != len(variables):
            raise ValueError(f"`grads` must have one entry for each variable. Received: {len(grads)} gradients for "
                             f"{len(variables)} variables")
        self.build(variables)
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        if current_scope() is not None:
            self._apply(pairs)
            return None
        with StepScope() as scope:
            self._apply(pairs)
            return group(*scope.assignments())

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        clipped = self._clip([cast(g, v.dtype) for g, v in pairs])
        rate = self._learning_rate.value()
        for gradient, (_, variable) in zip(clipped, pairs, strict=True):
            if self.weight_decay is not None:
                variable.assign(variable - variable * (cast(rate, variable.dtype) * self.weight_decay))
            self.update_step(gradient, variable, cast(rate, variable.dtype))
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value()))
        self.iterations.assign_add(1)

    def _clip(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipvalue is not None:
            return [ew.minimum(ew.maximum(g, -self.clipvalue), self.clipvalue) for g in grads]
        if self.clipnorm is not None:
            norms = [ew.sqrt(reduce_sum(ew.square(g))) for g in grads]
            return [g * self.clipnorm / ew.maximum(n, float(self.clipnorm))
                    for g, n in zip(grads, norms, strict=True)]
        if self.global_clipnorm is not None:
            squares = [reduce_sum(ew.square(g)) for g in grads]
            norm = ew.sqrt(sum(squares[1:], squares[0]))
            scale = self.global_clipnorm * ew.minimum(1 / norm, 1 / self.global_clipnorm)
            return [g * scale for g in grads]
        return grads

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss as it is differentiated."""
        return loss

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        grads, variables = zip(*grads_and_vars, strict=True)
        return self.apply(grads, variables)

    def minimize(self, loss: Tensor, var_list: Sequence[Variable]) -> Any:
        """Differentiate `loss` and update `var_list`."""
        return self.apply(gradients(loss, list(var_list)), list(var_list))

    # configs

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "learning_rate": float(self.learning_rate), "weight_decay": self.weight_decay,
                "clipnorm": self.clipnorm, "global_clipnorm": self.global_clipnorm, "clipvalue": self.clipvalue,
                "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
                "gradient_accumulation_steps": None}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        return cls(**config)


def steps_taken(optimizer: Optimizer, like: Variable) -> Tensor:
    """The number of this step, from 1, as a float."""
    assert optimizer.iterations.dtype == int64
    return cast(optimizer.iterations.value() + 1, like.dtype)
