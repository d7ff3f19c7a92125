"""Exponential moving averages of variables and tensors."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..array_ops import ones_like, where, zeros_like
from ..compiler.dtypes import FLOATS
from ..compiler.ir import Operation, Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, minimum, power
from ..framework import GraphKeys, group, init_scope, name_scope
from ..initializers import zeros
from ..variable_lists import global_variables, moving_average_variables, trainable_variables
from ..variable_scope import get_variable, variable_scope
from ..variables import Variable, assign_add, assign_sub, current_value


def assign_moving_average(variable: Any, value: Any, decay: Any, zero_debias: bool = True,
                          name: str | None = None) -> Tensor:
    """variable = variable * decay + value * (1 - decay); the result is the new average.

    With `zero_debias` the average does not count the variable's initial zero (Kingma and Ba 2015, section 3): it is
    kept in a variable "biased", with the number of updates in "local_step".
    """
    with name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        keep = convert_to_tensor(1.0, name="decay") - decay
        if keep.dtype != variable.dtype:
            keep = cast(keep, variable.dtype)
        value = current_value(value) if isinstance(value, Variable) else convert_to_tensor(value, variable.dtype)
        if zero_debias:
            return assign_sub(variable, unbiased_delta(variable, value, keep), name=scope)
        return assign_sub(variable, (current_value(variable) - value) * keep, name=scope)


def unbiased_delta(variable: Any, value: Tensor, keep: Tensor, flag: Tensor | None = None) -> Tensor:
    """What `variable` has to lose to be its average without its initial zero; 0 where the flag is False."""
    def chosen(x: Tensor) -> Tensor:
        return x if flag is None else where(flag, x, zeros_like(x))

    with variable_scope(variable.op.name, values=[variable, value, keep]):
        with init_scope():
            biased = get_variable("biased", variable.shape, variable.dtype, zeros(), trainable=False)
            steps = get_variable("local_step", [], variable.dtype, zeros(), trainable=False)
        new_biased = assign_sub(biased, chosen((current_value(biased) - value) * keep))
        count = assign_add(steps, chosen(ones_like(current_value(steps))))
        return chosen(current_value(variable) - new_biased / (1 - power(1 - keep, count)))


def weighted_moving_average(value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None,
                            name: str | None = None) -> Tensor:
    """The moving average of `value` with the weights `weight`."""
    x, w = convert_to_tensor(value), convert_to_tensor(weight)
    with variable_scope(name, "WeightedMovingAvg", [x, w, decay]):
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
        total = get_variable("value_times_weight", x.shape, x.dtype, zeros(), trainable=False, collections=keys)
        weights = get_variable("weight", w.shape, w.dtype, zeros(), trainable=False, collections=keys)
        numerator = assign_moving_average(total, x * w, decay, zero_debias=False)
        denominator = assign_moving_average(weights, w, decay, zero_debias=False)
        return numerator / denominator if truediv else numerator // denominator


class ExponentialMovingAverage:
    """Shadow variables that follow others: shadow -= (1 - decay) * (shadow - variable).

    `num_updates` (a tensor) makes the decay min(decay, (1 + num_updates) / (10 + num_updates)), so that averages move
    faster at first. `zero_debias` starts averages of tensors unbiased by their initial 0.
    """

    def __init__(self, decay: Any, num_updates: Any = None, zero_debias: bool = False,
                 name: str = "ExponentialMovingAverage"):
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Variable] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> Operation:
        """The operation that updates the averages of `var_list` (default: the trainable variables).

        Shadows of variables begin at the variables' initial values, those of tensors at 0. Raises TypeError for a value
        that is not a float.
        """
        items = list(trainable_variables() if var_list is None else var_list)
        zero_debias = set()
        for v in items:
            if v.dtype not in FLOATS:
                raise TypeError(f"The variables must be half, float, or double: {v.name}")
            if v in self._averages:
                continue
            with init_scope():
                if isinstance(v, Variable):
                    shadow = self._shadow(v, v.initialized_value())
                    default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, v)
                else:
                    shadow = self._shadow(v, zeros_like(v))
                    if self._zero_debias:
                        zero_debias.add(v)
            self._averages[v] = shadow
        with name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                count = self._num_updates  # as it is after what this waits for, as the variables are
                count = current_value(count) if isinstance(count, Variable) else convert_to_tensor(count)
                updates = cast(count, decay.dtype)
                decay = minimum(decay, (1.0 + updates) / (10.0 + updates))
            updated = [assign_moving_average(self._averages[v], v, decay, v in zero_debias) for v in items]
            return group(*updated, name=scope)

    def _shadow(self, v: Any, initial: Tensor) -> Variable:
        with variable_scope(None, f"{v.op.name}/{self._name}") as scope:
            return scope.get_variable("", initializer=initial, trainable=False, validate_shape=v.shape.dims is not None,
                                      regularizer=lambda variable: None)

    def average(self, var: Any) -> Variable | None:
        """The shadow variable of `var`, None when it has none."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name that the shadow of `var` has or would get."""
        if var in self._averages:
            return self._averages[var].op.name
        with default_graph().name_scope(None):
            return default_graph().unique_name(f"{var.op.name}/{self._name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Iterable[Any] | None = None) -> dict[str, Any]:
        """{name in a checkpoint: variable}: averaged variables are restored from their averages.

        `moving_avg_variables` defaults to the trainable variables and those that `apply` got.
        """
        averaged = list(dict.fromkeys(moving_avg_variables if moving_avg_variables is not None else [
            *trainable_variables(), *moving_average_variables()]))
        named = {self.average_name(v): v for v in averaged}
        averaged_names = {v.op.name for v in averaged}
        named.update({v.op.name: v for v in dict.fromkeys([*moving_average_variables(), *global_variables()])
                      if v.op.name not in averaged_names and v.op.name not in named})
        return named
