"""The base class of optimizers. Their state is variables, and an update is graph: part of the training step."""
from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...compiler.autodiff import gradients
from ...compiler.ir import Operation, Tensor, default_graph
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.reduction import reduce_sum
from ...compiler.ops.state import group
from ...compiler.ops.view import zeros_of
from .. import backend, initializers
from ..naming import auto_name
from ..saving.serialization import serialize_keras_object
from ..scope import StepScope, current_scope
from ..variables import Variable
from . import schedules
from .schedules import InverseTimeDecay


class Optimizer:
    """Subclasses name their `slots` (variables kept per weight) and define `update_step`.

    `learning_rate` is a variable: it may be set between steps. At most one of `clipnorm` (of each gradient),
    `global_clipnorm` (of all together) and `clipvalue` (of each element) bounds the gradients. `weight_decay` shrinks
    every weight by learning_rate * weight_decay at each step.
    """

    def __init__(self, learning_rate: Any = 0.001, name: str | None = None, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
                 lr: Any = None, decay: float = 0.0, **kwargs: Any):
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                             f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}")
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise ValueError("`gradient_accumulation_steps` must be an integer >= 2. Received: "
                             f"gradient_accumulation_steps={gradient_accumulation_steps}")
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError("`ema_momentum` must be in the range [0, 1]. Received: "
                             f"ema_momentum={ema_momentum}")
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        rate = learning_rate if lr is None else lr
        if decay:  # Keras 2: the rate over 1 + decay * steps
            rate = InverseTimeDecay(rate, 1, decay)
        self._rate: Any = rate if callable(rate) else float(rate)
        self.built = False
        self._state: dict[str, Variable] = {}
        self._slots: dict[str, list[Variable]] = {}
        self._positions: dict[Operation, int] = {}
        self._undecayed: tuple[set[Any], str | None] = (set(), None)

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
            self._iterations = self._add("iteration", np.zeros((), np.int64))
            if not callable(self._rate):
                self._learning_rate = self._add("learning_rate", np.array(self._rate, backend.floatx()))
            kinds = [("average",)] if self.use_ema else []
            kinds += [("gradient_accumulator",)] if self.gradient_accumulation_steps else []
            for together in (*kinds, *self.slot_order()):
                for variable in variables:
                    for kind in together:
                        self.add_slot(kind, variable)
            self.add_state(variables)

    def add_slot(self, kind: str, variable: Variable) -> None:
        """A variable in the shape of a weight. Its name is Keras's: the weight's path with underscores."""
        slot = self._add(f"{variable.path.replace('/', '_')}_{kind}", self.initial_slot(kind), variable)
        self._slots.setdefault(kind, []).append(slot)

    def initial_slot(self, kind: str) -> Any:
        """The initializer of a kind of slots."""
        return initializers.Zeros()

    def add_state(self, variables: Sequence[Variable]) -> None:
        """Make what further variables an optimizer has."""

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

    @property
    def iterations(self) -> Any:
        """The number of updates done."""
        steps = self.gradient_accumulation_steps
        return self._iterations if not steps else self._iterations.value() // steps

    # the learning rate

    @property
    def learning_rate(self) -> Any:
        """The rate, or what a schedule makes of the number of steps."""
        if callable(self._rate):
            return self._rate(self._iterations.value()) if self.built else self._rate
        return self._learning_rate if self.built else self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(self._rate):
            if callable(value):
                self._rate = value
                return
            raise TypeError("This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` "
                            "constructor argument, hence its learning rate is not settable. If you need the learning "
                            "rate to be settable, you should instantiate the optimizer with a float `learning_rate` "
                            "argument.")
        self._rate = float(value)
        if self.built:
            self._learning_rate.assign(self._rate)

    lr = learning_rate

    # updates

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        raise NotImplementedError(f"Optimizer {type(self).__name__} does not define `update_step()`.")

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> Any:
        """Update the variables by their gradients (None: no update).

        Outside a step: at once where all gradients are values, else the operation that does it is returned.
        """
        variables = list(trainable_variables or self._known())
        if len(grads) != len(variables):
            raise ValueError(f"`grads` must have one entry for each variable. Received: {len(grads)} gradients for "
                             f"{len(variables)} variables")
        self.build(variables)
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        if len(pairs) < len(variables):
            missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
            warnings.warn(f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
                          "`model.compile()`, did you forget to provide a `loss` argument?", stacklevel=2)
        if current_scope() is not None:
            self._apply(pairs)
            return None
        with StepScope() as scope:
            self._apply(pairs)
            operation = group(*scope.assignments())
        if all(not isinstance(g, Tensor) or g.op.type == "Const" for g, _ in pairs):
            backend.get_session(operation.graph).run(operation)
            return None
        return operation

    def _known(self) -> list[Variable]:
        raise ValueError(f"The optimizer {self.name!r} must be told which variables to update.")

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        scope = current_scope()
        assert scope is not None
        grads, variables = [cast(g, v.dtype) for g, v in pairs], [v for _, v in pairs]
        if self.loss_scale_factor is not None:
            grads = [_by_row(lambda v: v / self.loss_scale_factor, g) for g in grads]
        if not self.gradient_accumulation_steps:
            self._update(grads, variables)
        else:
            steps = self.gradient_accumulation_steps
            due = ew.equal((self._iterations.value() + 1) % steps, 0)
            summed = [g + self.slot("gradient_accumulator", v) for g, v in zip(grads, variables, strict=True)]
            before = dict(scope.values)
            self._update([g / float(steps) for g in summed], variables)
            for variable, value in list(scope.values.items()):
                if before.get(variable) is not value:
                    old = before.get(variable)
                    scope.values[variable] = ew.where(due, value, variable._read if old is None else old)
            for total, variable in zip(summed, variables, strict=True):
                self.slot("gradient_accumulator", variable).assign(ew.where(due, zeros_of(total), total))
        if self.use_ema:
            self._average(variables)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value()))
        self._iterations.assign_add(1)

    def _update(self, grads: list[Tensor], variables: list[Variable]) -> None:
        clipped = self._clip(grads)
        rate = convert_to_tensor(self.learning_rate)
        self.before_updates()
        for gradient, variable in zip(clipped, variables, strict=True):
            own = cast(rate, variable.dtype)
            decay = self.decay_of(variable)
            if decay is not None and self._decays(variable):
                variable.assign(variable - variable * (own * decay))
            self.update_step(gradient, variable, own)

    def before_updates(self) -> None:
        """What an optimizer does once in a step."""

    def decay_of(self, variable: Variable) -> float | None:
        return self.weight_decay

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Do not decay these variables, nor those whose names hold one of the patterns."""
        if self.built:
            raise ValueError("`exclude_from_weight_decay()` can only be configured before the optimizer is built.")
        self._undecayed = set(var_list or ()), "|".join(var_names) if var_names else None

    def _decays(self, variable: Variable) -> bool:
        listed, pattern = self._undecayed
        return variable not in listed and not (pattern and re.search(pattern, variable.name))

    def _average(self, variables: Sequence[Variable]) -> None:
        """Move the averages towards the weights; at times give the weights their values."""
        first = ew.equal(self.iterations, 0)
        for variable in variables:
            average = self.slot("average", variable)
            momentum = ew.where(first, 0.0, cast(self.ema_momentum, variable.dtype))
            average.assign(average * momentum + variable * (1 - momentum))
            if self.ema_overwrite_frequency:
                due = ew.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
                variable.assign(ew.where(due, average.value(), variable.value()))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Give the weights their averages, if there are any."""
        if self.use_ema:
            for variable in var_list:
                variable.assign(self.slot("average", variable).numpy())

    def _clip(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipvalue is not None:
            limit = float(self.clipvalue)
            return [ew.minimum(ew.maximum(g, -limit), limit) for g in grads]
        if self.clipnorm is not None:
            norms = [ew.sqrt(reduce_sum(ew.square(_values(g)))) for g in grads]
            return [_by_row(lambda v, n=n: v * self.clipnorm / ew.maximum(n, float(self.clipnorm)), g)  # type: ignore[misc]  # noqa: E501
                    for g, n in zip(grads, norms, strict=True)]
        if self.global_clipnorm is not None:
            squares = [reduce_sum(ew.square(_values(g))) for g in grads]
            norm = ew.sqrt(sum(squares[1:], squares[0]))
            scale = self.global_clipnorm * ew.minimum(1 / norm, 1 / self.global_clipnorm)
            return [_by_row(lambda v: v * scale, g) for g in grads]
        return grads

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss as it is differentiated."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def get_updates(self, loss: Tensor, params: Sequence[Variable]) -> list[Any]:
        """Keras 2: the operations that update `params`."""
        return [self.minimize(loss, params)]

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        grads, variables = zip(*grads_and_vars, strict=True)
        return self.apply(grads, variables)

    def minimize(self, loss: Tensor, var_list: Sequence[Variable]) -> Any:
        """Differentiate `loss` and update `var_list`."""
        return self.apply(gradients(loss, list(var_list)), list(var_list))

    # configs

    def get_config(self) -> dict[str, Any]:
        rate = serialize_keras_object(self._rate) if callable(self._rate) else float(self.learning_rate)
        return {"name": self.name, "learning_rate": rate, "weight_decay": self.weight_decay,
                "clipnorm": self.clipnorm, "global_clipnorm": self.global_clipnorm, "clipvalue": self.clipvalue,
                "use_ema": self.use_ema, "ema_momentum": self.ema_momentum,
                "ema_overwrite_frequency": self.ema_overwrite_frequency, "loss_scale_factor": self.loss_scale_factor,
                "gradient_accumulation_steps": self.gradient_accumulation_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"], custom_objects)
        for old in ("jit_compile", "is_legacy_optimizer"):
            config.pop(old, None)
        return cls(**config)


def steps_taken(optimizer: Optimizer, like: Variable) -> Tensor:
    """The number of this update, from 1, as a float."""
    return cast(convert_to_tensor(optimizer.iterations) + 1, like.dtype)


def squared(gradient: Tensor) -> Tensor:
    """The squares of a gradient. Of a table's gradient Keras squares the rows before it adds up those of one index."""
    return _by_row(ew.square, gradient)


def _values(gradient: Tensor) -> Tensor:
    """The rows of a table's gradient, one for each use; another gradient itself."""
    return gradient.op.inputs[0] if gradient.op.definition.fields.get("scatter") else gradient


def _by_row(function: Callable[[Tensor], Tensor], gradient: Tensor) -> Tensor:
    op = gradient.op
    if not op.definition.fields.get("scatter"):
        return function(gradient)
    return op.definition(function(op.inputs[0]), *op.inputs[1:], **op.attrs)
