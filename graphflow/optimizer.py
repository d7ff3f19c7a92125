"""What optimizers share: gradients, slots, and applying an update to each variable."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .compiler.ir import Operation, Tensor, default_graph
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast
from .framework import GraphKeys, control_dependencies, gradients, group, init_scope, name_scope
from .initializers import constant, zeros
from .variable_scope import variable_scope
from .variables import Variable, assign_add, current_value, trainable_variables

GradsAndVars = Sequence[tuple[Any, Any]]


class Optimizer:
    """Base of the optimizers. A subclass defines `_apply(grad, variable)`, which gives the operations of one update.

    Its state lives in slots: variables like the trained one, named after it and the optimizer ("w/Momentum").
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Variable]] = {}
        self._non_slots: dict[tuple[str, Any], Variable] = {}

    def get_name(self) -> str:
        return self._name

    # what a subclass defines

    def _create_slots(self, var_list: list[Any]) -> None:
        """Make the slots of these variables (default: none)."""

    def _prepare(self) -> None:
        """Turn hyperparameters into tensors, within the update's name scope (default: nothing)."""

    def _apply(self, grad: Tensor, variable: Any) -> Sequence[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define _apply")

    def _finish(self, updates: list[Operation], name: str) -> Operation:
        """The operation that ends an update (default: it groups the updates of the variables)."""
        return group(*updates, name=name)

    # hyperparameters

    def _tensor(self, value: Any, name: str) -> Tensor:
        """A hyperparameter (number, tensor, or function of nothing) as a tensor."""
        return convert_to_tensor(value() if callable(value) else value, name=name)

    # slots

    def _slot(self, variable: Any, slot: str, initial: Any = 0.0, op_name: str | None = None) -> Variable:
        """The slot of a variable, made on first use with `initial` (a number) everywhere."""
        named = self._slots.setdefault(slot, {})
        if variable not in named:
            initializer = constant(initial) if initial else zeros()
            with variable_scope(None, f"{variable.op.name}/{op_name or self._name}") as scope:
                named[variable] = scope.get_variable("", variable.shape, variable.dtype, initializer, trainable=False,
                                                     regularizer=_no_regularizer)
        return named[variable]

    def get_slot(self, var: Any, name: str) -> Variable | None:
        """The slot `name` of a variable, None when there is none."""
        return self._slots.get(name, {}).get(var)

    def get_slot_names(self) -> list[str]:
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """The optimizer's own variables in the default graph, by name."""
        graph = default_graph()
        own = [*self._non_slots.values(), *(v for named in self._slots.values() for v in named.values())]
        return sorted((v for v in own if v.graph is graph), key=lambda v: v.name)

    def _non_slot(self, name: str, initial: float, graph: Any) -> Variable:
        """A variable of the optimizer that belongs to no variable in particular, made on first use."""
        key = (name, graph)
        if key not in self._non_slots:
            self._non_slots[key] = Variable(initial, trainable=False, name=name)
        return self._non_slots[key]

    # training

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: int = GATE_OP,
                 aggregation_method: Any = None, colocate_gradients_with_ops: bool = False, name: str | None = None,
                 grad_loss: Any = None) -> Operation:
        """The operation that updates the variables (default: all trainable ones) to lower `loss`.

        It adds 1 to `global_step` when that is given. Raises ValueError when the loss depends on none of them.
        """
        pairs = self.compute_gradients(loss, var_list, gate_gradients, aggregation_method,
                                       colocate_gradients_with_ops, grad_loss)
        if all(g is None for g, _ in pairs):
            raise ValueError("No gradients provided for any variable, check your graph for ops that do not support "
                             f"gradients, between variables {[str(v) for _, v in pairs]} and loss {loss}.")
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: int = GATE_OP,
                          aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
                          grad_loss: Any = None) -> list[tuple[Any, Any]]:
        """(gradient, variable) for each variable; the gradient is None where the loss does not depend on it."""
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError("gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                             f"Optimizer.GATE_GRAPH. Not {gate_gradients}")
        loss = loss() if callable(loss) else loss
        targets = loss if isinstance(loss, (list, tuple)) else [loss]
        for t in map(convert_to_tensor, targets):
            if not t.dtype.is_floating:
                raise ValueError(f"Invalid type {t.dtype.name} for {t.name}, expected: float32, float64.")
        chosen = _flatten(trainable_variables() if var_list is None else var_list)
        if not chosen:
            raise ValueError("No variables to optimize.")
        for v in chosen:
            if not isinstance(v, Variable):
                raise TypeError(f"Argument is not a variable: {v!r}")
        return list(zip(gradients(loss, chosen, grad_ys=grad_loss), chosen, strict=True))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None) -> Operation:
        """The operation that applies gradients to variables; pairs without a gradient are skipped."""
        pairs = [(g, v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        given = [(g, v) for g, v in pairs if g is not None]
        if not given:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in pairs]}.")
        with init_scope():
            self._create_slots([v for _, v in given])
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates: list[Any] = []
            for g, v in given:
                grad = convert_to_tensor(g)
                if grad.dtype != v.dtype or not grad.shape.is_compatible_with(v.shape):
                    raise ValueError(f"The gradient {grad!r} does not have the type of its variable {v!r}")
                with name_scope("update_" + v.op.name):
                    updates.append(group(*self._apply(grad, v), name=f"Apply{self._name}"))
            if global_step is None:
                train = self._finish(updates, scope)
            else:
                with control_dependencies([self._finish(updates, "update")]):
                    train = assign_add(global_step, 1, name=scope).op
        operations = default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
        if train not in operations:
            operations.append(train)
        return train


def _no_regularizer(variable: Any) -> None:
    return None


def _flatten(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [v for item in value for v in _flatten(item)]
    return list(value) if isinstance(value, (set, frozenset)) or hasattr(value, "values") and not isinstance(
        value, Variable) else [value]


def like(value: Tensor, variable: Any) -> Tensor:
    """A hyperparameter in the dtype of a variable."""
    return cast(value, variable.dtype)


def current(variable: Any) -> Tensor:
    """The variable's value as the update finds it."""
    return current_value(variable)
