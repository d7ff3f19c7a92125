"""The base class of optimizers. Their state is variables, and an update is graph: part of the training step."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...compiler.autodiff import gradients
from ...compiler.ir import Graph, Operation, Tensor, default_graph
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.state import group
from ...compiler.ops.view import zeros_of
from ...compiler.site import warn
from ...gradient_tape import GradientTape
from .. import backend
from ..backend import tensors
from ..naming import auto_name, ops_named
from ..saving.serialization import serialize_keras_object
from ..scope import StepScope, current_scope, in_order, only_if
from ..variables import Variable, adopted
from . import schedules
from .gradients import bounded_after, by_row, clipped
from .schedules import LearningRateSchedule
from .state import OptimizerState


class Optimizer(OptimizerState):
    """Subclasses tell the variables they keep per weight (`slot_order`, or `build` with `add_variable_from_reference`)
    and define `update_step`.

    `learning_rate` is a number (then a variable: it may be set between steps), a schedule, or a function without
    arguments. At most one of `clipnorm` (of each gradient), `global_clipnorm` (of all together) and `clipvalue` (of
    each element) bounds the gradients. `weight_decay` shrinks every weight by learning_rate * weight_decay at each
    step. Keras 2's `lr` is the learning rate, its `decay` divides the rate by 1 + decay * steps.
    """

    state_by_weight = False  # whether `add_state` keeps variables per weight, so that no further weights can come

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
                 name: str | None = None, lr: Any = None, decay: float | None = None, **kwargs: Any):
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                             f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}")
        if gradient_accumulation_steps and not gradient_accumulation_steps >= 2:
            raise ValueError("`gradient_accumulation_steps` must be an integer >= 2. Received: "
                             f"gradient_accumulation_steps={gradient_accumulation_steps}")
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError("`ema_momentum` must be in the range [0, 1]. Received: "
                             f"ema_momentum={ema_momentum}")
        if use_ema and ema_overwrite_frequency and (
                not isinstance(ema_overwrite_frequency, int) or ema_overwrite_frequency < 1):
            raise ValueError("`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
                             f"ema_overwrite_frequency={ema_overwrite_frequency}")
        super().__init__(name or auto_name(type(self).__name__), learning_rate if lr is None else lr)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.decay = decay or 0.0
        self._undecayed: tuple[set[Any], str | None] = (set(), None)

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the variables that the updates of `variables` need."""
        if self.built and self.state_by_weight:
            self._check_known(variables)
        variables = [adopted(v) for v in variables if not self.built or v.op not in self._positions]
        if self.built and not variables:
            return
        if not self.built:
            self._begin(variables[0].graph if variables else default_graph().symbolic)
            self._trainable, self._positions = [], {}
        self._trainable += variables  # of another model, too, as Keras 2 has it
        self._positions |= {v.op: len(self._positions) + i for i, v in enumerate(variables)}
        kinds = [("average",)] if self.use_ema else []
        kinds += [("gradient_accumulator",)] if self.gradient_accumulation_steps else []
        for together in (*kinds, *self.slot_order()):
            for variable in variables:
                for kind in together:
                    if kind == "gradient_accumulator" or not variable.overwrite_with_gradient:
                        self.add_slot(kind, variable)
        if not self.built:
            self.add_state(variables)
        self.built = True

    @property
    def iterations(self) -> Any:
        """The number of updates done."""
        self._begin()
        steps = self.gradient_accumulation_steps
        return self._iterations if not steps else self._iterations.value() // steps

    @iterations.setter
    def iterations(self, variable: Any) -> None:
        self._begin()
        self._iterations = self._replace("iteration", variable)

    def _current_rate(self) -> Any:
        """The rate of this step."""
        if isinstance(self._rate, LearningRateSchedule):
            return self._rate(self._iterations.value())
        rate = self._rate() if callable(self._rate) else self._learning_rate
        if not self.decay:
            return rate
        return convert_to_tensor(rate) / (1.0 + self.decay * cast(self._iterations.value(), backend.floatx()))

    # updates

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        raise NotImplementedError(f"Optimizer {type(self).__name__} does not define `update_step()`.")

    def apply(self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None) -> Any:
        """Update the variables by their gradients (None: no update).

        Outside a step: at once where all gradients are values, else the operation that does it is returned.
        """
        grads = list(grads)
        if not grads:
            return None
        if trainable_variables is None and not self.built:
            raise ValueError("When passing `grads` without `variables`, the optimizer must already be built on a list "
                             "of variables. Call `optimizer.build(trainable_variables)` first.")
        variables = self._trainable if trainable_variables is None else [adopted(v) for v in trainable_variables]
        if len(grads) != len(variables):
            raise ValueError(f"`grads` must have one entry for each variable. Received: {len(grads)} gradients for "
                             f"{len(variables)} variables")
        if not self.built:
            self.build(variables)
            self.built = True
        self._check_known(variables)
        pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        if len(pairs) < len(variables):
            missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
            warn(f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
                 "`model.compile()`, did you forget to provide a `loss` argument?")
        return self._in_step(lambda: self._apply(pairs), pairs[0][1].graph,
                             all(not isinstance(g, Tensor) or g.op.type == "Const" for g, _ in pairs))

    def _in_step(self, update: Callable[[], None], graph: Graph, at_once: bool) -> Operation | None:
        """Within a step, part of it; else the operation that does it, run where that is possible."""
        if current_scope() is not None:
            update()
            return None
        if in_order():
            with StepScope() as scope:
                update()
                scope.assignments()
            return None
        with graph.as_default(), StepScope() as scope:
            update()
            operation = group(*scope.assignments())
        if at_once:
            backend.get_session(graph).run(operation)
            return None
        return operation

    def _apply(self, pairs: list[tuple[Any, Variable]]) -> None:
        assert current_scope() is not None
        with ops_named(self.name):
            self._apply_all(pairs)

    def _apply_all(self, pairs: list[tuple[Any, Variable]]) -> None:
        for value, variable in pairs:
            if variable.overwrite_with_gradient:
                self._overwrite(variable, value)
        pairs = [(g, v) for g, v in pairs if not v.overwrite_with_gradient]
        grads, variables = [cast(g, v.dtype) for g, v in pairs], [v for _, v in pairs]
        if self.loss_scale_factor is not None:
            grads = [by_row(lambda rows: rows / self.loss_scale_factor, g) for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables, self.gradient_accumulation_steps)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value()))
        self._iterations.assign_add(1)

    def _accumulate(self, grads: list[Tensor], variables: list[Variable], steps: int) -> None:
        due = ew.equal((self._iterations.value() + 1) % steps, 0)
        summed = [g + self.slot("gradient_accumulator", v) for g, v in zip(grads, variables, strict=True)]
        only_if(due, lambda: self._update([g / float(steps) for g in summed], variables))
        for total, variable in zip(summed, variables, strict=True):
            self.slot("gradient_accumulator", variable).assign(ew.where(due, zeros_of(total), total))

    def _overwrite(self, variable: Variable, value: Tensor) -> None:
        """Give a variable its next value: where gradients are accumulated, the largest of the steps that they are."""
        if self.gradient_accumulation_steps:
            largest = self.slot("gradient_accumulator", variable)
            due = ew.equal((self._iterations.value() + 1) % self.gradient_accumulation_steps, 0)
            value = ew.maximum(value, largest.value())
            largest.assign(ew.where(due, zeros_of(value), value))
            value = ew.where(due, value, variable.value())
        variable.assign(value)

    def _update(self, grads: list[Tensor], variables: list[Variable]) -> None:
        grads = clipped(grads, self.clipnorm, self.global_clipnorm, self.clipvalue)
        rate = convert_to_tensor(self._current_rate())
        self.before_updates()
        for gradient, variable in zip(grads, variables, strict=True):
            own = cast(rate, variable.dtype)
            decay = self.decay_of(variable)
            with ops_named(variable.path):
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

    def _average(self) -> None:
        """Move the averages towards the weights; at times give the weights their values."""
        first = ew.equal(convert_to_tensor(self.iterations), 0)
        for variable in (v for v in self._trainable if not v.overwrite_with_gradient):
            average = self.slot("average", variable)
            momentum = ew.where(first, 0.0, cast(self.ema_momentum, variable.dtype))
            average.assign(average * momentum + variable * (1 - momentum))
            if self.ema_overwrite_frequency:
                due = ew.equal((convert_to_tensor(self.iterations) + 1) % self.ema_overwrite_frequency, 0)
                variable.assign(ew.where(due, average.value(), variable.value()))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Give the weights their averages, if there are any."""
        if self.use_ema:
            for variable in (v for v in var_list if not v.overwrite_with_gradient):
                variable.assign(self.slot("average", variable).numpy())

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss as it is differentiated."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def minimize(self, loss: Any, var_list: Sequence[Variable], tape: Any = None) -> Any:
        """Differentiate `loss` and update `var_list`. An optimizer with Keras 2's `get_updates` has that do it. Where
        ops run at once, `loss` is a function without arguments, or a value that `tape` recorded; else ValueError."""
        variables = [adopted(v) for v in (var_list() if callable(var_list) else var_list)]
        if callable(loss) and not isinstance(loss, (Tensor, Variable)):
            with tape or GradientTape() as tape:
                loss = loss()
        loss = convert_to_tensor(loss)
        if type(self).get_updates is not Optimizer.get_updates:
            return self._in_step(lambda: self._old_updates(loss, variables), loss.graph, False)
        self._build_for(variables)
        return self.apply(self._gradients(loss, variables, tape), variables)

    def _build_for(self, variables: Sequence[Variable]) -> None:
        new = any(v.op not in self._positions for v in variables)  # another model's: steps go on being counted
        if self.built and new and self.state_by_weight:
            self._forget_slots()
        if not self.built or new:
            self.build(variables)
            self.built = True

    def _gradients(self, loss: Tensor, variables: Sequence[Variable], tape: Any) -> list[Any]:
        if not default_graph().eager:
            return gradients(self.scale_loss(loss), variables)
        if tape is None:
            raise ValueError("`tape` is required when a `Tensor` loss is passed.")
        with tape.going_on():
            scaled = self.scale_loss(loss)
        return [None if g is None else convert_to_tensor(g) for g in tape.gradient(scaled, variables)]

    def _old_updates(self, loss: Tensor, variables: Sequence[Variable]) -> None:
        scope = current_scope()
        assert scope is not None
        for made in self.get_updates(loss=loss, params=variables):
            if made is None:  # of an optimizer within: the step knows it already
                continue
            if isinstance(made, tuple):  # Theano's (variable, value)
                made[0].assign(made[1])
            else:
                scope.operations.append(made.op if isinstance(made, Tensor) else made)
        scope.operations += bounded_after(list(scope.operations), variables)
        self.built = True

    def get_updates(self, *arguments: Any, loss: Any = None, params: Any = None, constraints: Any = None) -> list[Any]:
        """Keras 2's (loss, params), or Keras 1's (params, constraints, loss): the operations that update `params`."""
        if len(arguments) == 3:
            params, _, loss = arguments
        elif arguments:
            loss, *rest = arguments
            params, = rest or (params,)
        if type(self).get_updates is Optimizer.get_updates:
            return [self.minimize(loss, params)]
        return self._updates_of_super(loss, params)

    def _updates_of_super(self, loss: Tensor, params: Sequence[Variable]) -> list[Any]:
        """What a subclass's `get_updates` asks its base class for. Such programs put their own `K.update` in the place
        of Keras's meanwhile, to change the next values: it is called for all but the count of steps."""
        scope = current_scope()
        assert scope is not None
        self._build_for([adopted(v) for v in params])
        before = dict(scope.values)
        self.apply(self.get_gradients(loss, params), params)
        if backend.update is tensors.update:
            return []
        later = {v: value for v, value in scope.values.items()
                 if before.get(v) is not value and v is not self._iterations}
        for variable in later:
            scope.values.pop(variable)
        scope.values.update({v: value for v, value in before.items() if v in later})
        return [backend.update(variable, value) for variable, value in later.items()]

    def get_gradients(self, loss: Tensor, params: Sequence[Variable]) -> list[Tensor]:
        """Keras 2: the gradients, clipped. Raises ValueError where there is none."""
        grads = gradients(loss, list(params))
        if any(g is None for g in grads):
            raise ValueError("An operation has `None` for gradient. Please make sure that all of your ops have a "
                             "gradient defined (i.e. are differentiable). Common ops without gradient: K.argmax, "
                             "K.round, K.eval.")
        return clipped([g for g in grads if g is not None], self.clipnorm, self.global_clipnorm, self.clipvalue)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Update from (gradient, variable) pairs. Returns the operation where one is needed, else `iterations`."""
        grads, variables = zip(*grads_and_vars, strict=True)
        operation = self.apply(grads, variables)
        return self._iterations if operation is None else operation

    def stateless_apply(self, optimizer_variables: Sequence[Any], grads: Sequence[Any],
                        trainable_variables: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """(values of the trainable variables, of the optimizer's) after an update from the values given."""
        if not self.built:
            raise ValueError(f"To call `stateless_apply`, {type(self).__name__} must be built (i.e. its variables must "
                             "have been created). You can build it via `optimizer.build(trainable_variables)`.")
        own = self.variables
        for what, given, wanted in (("optimizer_variables", optimizer_variables, own),
                                    ("trainable_variables", trainable_variables, self._trainable)):
            if len(given) != len(wanted):
                raise ValueError(f"Argument `{what}` must be a list of tensors corresponding 1:1 to the variables of "
                                 f"{type(self).__name__}. Received {len(given)}, but expected {len(wanted)}.")
        with StepScope() as scope:
            for variable, value in zip([*self._trainable, *own], [*trainable_variables, *optimizer_variables],
                                       strict=True):
                variable.assign(value)
            self.apply(grads)
            return [scope.values[v] for v in self._trainable], [scope.values[v] for v in own]

    # configs

    def get_config(self) -> dict[str, Any]:
        if isinstance(self._rate, float):
            rate: Any = float(self._learning_rate.numpy() if self._graph is not None else
                              np.asarray(self._rate, backend.floatx()))
        else:
            rate = serialize_keras_object(self._rate)
        config = {"name": self.name, "learning_rate": rate, "weight_decay": self.weight_decay,
                  "clipnorm": self.clipnorm, "global_clipnorm": self.global_clipnorm, "clipvalue": self.clipvalue,
                  "use_ema": self.use_ema, "ema_momentum": self.ema_momentum,
                  "ema_overwrite_frequency": self.ema_overwrite_frequency,
                  "loss_scale_factor": self.loss_scale_factor,
                  "gradient_accumulation_steps": self.gradient_accumulation_steps}
        return {**config, "decay": self.decay} if self.decay else config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"], custom_objects)
        for old in ("jit_compile", "is_legacy_optimizer"):
            config.pop(old, None)
        return cls(**config)


def steps_taken(optimizer: Optimizer, like: Variable) -> Tensor:
    """The number of this update, from 1, as a float."""
    return cast(convert_to_tensor(optimizer.iterations) + 1, like.dtype)


def epsilon_or_default(epsilon: float | None) -> float:
    """Keras 2 writes None for its default."""
    return backend.epsilon() if epsilon is None else epsilon
