"""What optimizers share: gradients, slots, and applying an update to each variable."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..behavior import no_regularizer
from ..compiler.dtypes import FLOATS
from ..compiler.ir import Graph, Operation, Tensor, default_graph
from ..compiler.ops import scatter
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..compiler.ops.gather import IndexedSlices, gather
from ..compiler.ops.segment import unsorted_segment_sum
from ..compiler.ops.selection import unique
from ..compiler.ops.view import shape_of
from ..compiler.subgraph import outermost
from ..framework import (
    AggregationMethod,
    GraphKeys,
    control_dependencies,
    gradients,
    group,
    init_scope,
    name_scope,
    tuple_,
)
from ..gradient_path import why_no_gradient
from ..initializers import constant, zeros
from ..variable_lists import trainable_variables
from ..variable_scope import VariableScope, get_variable, variable_scope
from ..variables import Variable, assign, assign_add, current_value


class Optimizer:
    """Base of the optimizers.

    A subclass defines `_apply_dense(grad, var)`, which returns the operation of one update, and may define
    `_apply_sparse(grad, var)` for IndexedSlices (each index once), `_create_slots`, `_prepare` and `_finish`; the names
    for resource variables (`_resource_apply_dense`, `_resource_apply_sparse`) serve as well. Its state lives in slots:
    variables like the trained one, named after it and the optimizer ("w/Momentum").

    Where the update of an element depends on nothing but that element's gradient, value and slots, it defines instead
    `_update_elements(like, grad, value, *slots)`, which gives the new value and slots from tensors of one shape: of the
    whole variable, or of the rows alone that a sparse gradient names. `like` casts a hyperparameter to the variable's
    dtype; `element_slots` lists (name, initial value, name in the graph or None for the optimizer's).
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2
    element_slots: Sequence[tuple[str, Any, str | None]] = ()

    def __init__(self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Variable]] = {}
        self._non_slot_dict: dict[tuple[str, Any], Variable] = {}
        self._non_slot_scope: VariableScope | None = None  # where others than slots are made, if not at the top

    def get_name(self) -> str:
        return self._name

    # what a subclass defines

    def _create_slots(self, var_list: list[Any]) -> None:
        """Make the slots of these variables (default: `element_slots`)."""
        for v in var_list:
            for slot, initial, op_name in self.element_slots:
                self._get_or_make_slot_with_initializer(v, constant(initial) if initial else zeros(), v.shape, v.dtype,
                                                        slot, op_name or self._name)

    def _update_elements(self, like: Callable[[Any], Tensor], grad: Tensor, value: Tensor, *slots: Tensor
                         ) -> Sequence[Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define _apply_dense")

    def _prepare(self) -> None:
        """Turn hyperparameters into tensors, within the update's name scope (default: nothing)."""

    def _apply_dense(self, grad: Tensor, var: Any) -> Operation:
        if type(self)._resource_apply_dense is not Optimizer._resource_apply_dense:
            return self._resource_apply_dense(grad, var)
        states = self._states(var)
        new = self._update_elements(_caster(var), grad, *map(current_value, states))
        # slots first, as the compiler keeps this order for the loop it makes of them
        return group(*(assign(s, value) for s, value in [*zip(states[1:], new[1:], strict=True), (var, new[0])]),
                     name=f"Apply{self._name}")

    def _states(self, var: Any) -> list[Any]:
        """A variable and its slots."""
        return [var, *(self._slot(var, slot) for slot, *_ in self.element_slots)]

    def _slot(self, var: Any, name: str) -> Variable:
        return self._slots[name][_var_key(var)]

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Operation:
        return self._apply_dense(grad, handle)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Operation:
        """Update for a gradient whose indices may repeat: their rows are summed first."""
        cls = type(self)
        if cls._update_elements is not Optimizer._update_elements and var.shape.dims is not None:
            indices, rows, states = grad.indices, summed(grad, var), self._states(var)
            new = self._update_elements(_caster(var), rows, *(gather(current_value(s), indices) for s in states))
            return group(*(scatter.scatter_update(s.handle, indices, value, depth=1)
                           for s, value in zip(states, new, strict=True)), name=f"SparseApply{self._name}")
        by_resource = cls._resource_apply_sparse is not Optimizer._resource_apply_sparse
        if cls._apply_sparse is Optimizer._apply_sparse and not by_resource:
            return self._apply_dense(convert_to_tensor(grad), var)
        values, indices = _deduplicate_indexed_slices(grad.values, grad.indices)
        if by_resource and cls._apply_sparse is Optimizer._apply_sparse:
            return self._resource_apply_sparse(values, var, indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Operation:
        raise NotImplementedError(f"{type(self).__name__} must define _apply_sparse")

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Operation:
        raise NotImplementedError(f"{type(self).__name__} must define _resource_apply_sparse")

    def _finish(self, update_ops: list[Operation], name_scope: str) -> Operation:
        """The operation that ends an update (default: it groups the updates of the variables)."""
        return group(*update_ops, name=name_scope)

    def _valid_dtypes(self) -> set[Any]:
        """The types of losses and variables."""
        return set(FLOATS)

    # hyperparameters

    def _call_if_callable(self, param: Any) -> Any:
        return param() if callable(param) else param

    def _tensor(self, value: Any, name: str) -> Tensor:
        """A hyperparameter (number, tensor, or function of nothing) as a tensor."""
        return convert_to_tensor(self._call_if_callable(value), name=name)

    # slots

    def _slot_dict(self, slot_name: str) -> dict[Any, Variable]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot_with_initializer(self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str,
                                           op_name: str) -> Variable:
        """The slot of a variable, made on first use by `initializer`, a function of shape and dtype."""
        named, key = self._slot_dict(slot_name), _var_key(var)
        if key not in named:
            with variable_scope(None, f"{var.op.name}/{op_name}") as scope:
                named[key] = scope.get_variable("", shape, dtype, initializer, trainable=False,
                                                regularizer=no_regularizer)
        return named[key]

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Variable:
        """The slot of a variable, made on first use with the value `val`."""
        named, key = self._slot_dict(slot_name), _var_key(var)
        if key not in named:
            with variable_scope(None, f"{var.op.name}/{op_name}") as scope:
                named[key] = scope.get_variable("", initializer=val, trainable=False, regularizer=no_regularizer)
        return named[key]

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Variable:
        return self._get_or_make_slot_with_initializer(var, zeros(), var.shape, var.dtype, slot_name, op_name)

    def get_slot(self, var: Any, name: str) -> Variable | None:
        """The slot `name` of a variable, None when there is none."""
        return self._slots.get(name, {}).get(_var_key(var))

    def get_slot_names(self) -> list[str]:
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """The optimizer's own variables in the default graph, by name."""
        graph = default_graph()
        own = [*self._non_slot_dict.values(), *(v for named in self._slots.values() for v in named.values())]
        return sorted((v for v in own if v.graph is graph), key=lambda v: v.name)

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Any) -> Variable:
        """A variable of the optimizer that belongs to no variable in particular, made on first use."""
        key = (name, colocate_with.graph)
        if key not in self._non_slot_dict:
            if self._non_slot_scope is None:
                self._non_slot_dict[key] = Variable(initial_value, trainable=False, name=name)
            else:
                with name_scope(""), variable_scope(self._non_slot_scope):
                    self._non_slot_dict[key] = get_variable(name, initializer=initial_value, trainable=False)
        return self._non_slot_dict[key]

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Variable | None:
        return self._non_slot_dict.get((name, outermost(default_graph()) if graph is None else graph))

    # training

    def minimize(self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: int = GATE_OP,
                 aggregation_method: Any = None, colocate_gradients_with_ops: bool = False, name: str | None = None,
                 grad_loss: Any = None) -> Operation:
        """The operation that updates the variables (default: all trainable ones) to lower `loss`.

        It adds 1 to `global_step` when that is given. Raises ValueError when the loss depends on none of them.
        """
        pairs = list(self.compute_gradients(  # by keywords: a subclass may take fewer
            loss, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss))
        if all(g is None for g, _ in pairs):
            raise ValueError("No gradients provided for any variable, check your graph for ops that do not support "
                             f"gradients, between variables {[str(v) for _, v in pairs]} and loss {loss}."
                             f"{_why(loss, pairs)}")
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(self, loss: Any, var_list: Any = None, gate_gradients: int = GATE_OP,
                          aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
                          grad_loss: Any = None) -> list[tuple[Any, Any]]:
        """(gradient, variable) for each variable; the gradient is None where the loss does not depend on it."""
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError("gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                             f"Optimizer.GATE_GRAPH. Not {gate_gradients}")
        if default_graph().eager:
            return self._gradients_of_call(loss, var_list, grad_loss)
        loss = self._call_if_callable(loss)
        for t in map(convert_to_tensor, loss if isinstance(loss, (list, tuple)) else [loss]):
            self._assert_valid_dtype(t)
        chosen = _flatten(_trainable() if var_list is None else var_list)
        if not chosen:
            raise ValueError("No variables to optimize.")
        for v in chosen:
            if not _is_variable(v):
                raise TypeError(f"Argument is not a variable: {v!r}")
        grads = gradients(loss, chosen, grad_ys=grad_loss, aggregation_method=aggregation_method,
                          colocate_gradients_with_ops=colocate_gradients_with_ops)
        if gate_gradients == self.GATE_GRAPH and any(g is not None for g in grads):
            grads = tuple_(grads)
        for v in chosen:
            self._assert_valid_dtype(v)
        return list(zip(grads, chosen, strict=True))

    def _gradients_of_call(self, loss: Any, var_list: Any, grad_loss: Any) -> list[tuple[Any, Any]]:
        """Where ops run at once: `loss` is a function, called to see what it computes."""
        if not callable(loss):
            raise RuntimeError("`loss` passed to Optimizer.compute_gradients should be a function when eager execution "
                               "is enabled.")
        from ..gradient_tape import GradientTape  # with loops, which graphs' optimizers do not need
        with GradientTape() as tape:
            value = loss()
        chosen = _flatten(tape.watched_variables() if var_list is None else var_list)
        return list(zip(tape.gradient(value, chosen, grad_loss), chosen, strict=True))

    def _assert_valid_dtype(self, value: Any) -> None:
        valid = self._valid_dtypes()
        if value.dtype not in valid:
            raise ValueError(f"Invalid type {value.dtype.name} for {value.name}, expected: "
                             f"{[v.name for v in sorted(valid, key=lambda d: d.name)]}.")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None,
                        name: str | None = None) -> Operation:
        """The operation that applies gradients to variables; pairs without a gradient are skipped."""
        if not isinstance(grads_and_vars, Iterable):
            raise TypeError(f"apply_gradients: `grads_and_vars` must be (gradient, variable) pairs, received "
                            f"{grads_and_vars!r}")
        pairs = [(_as_gradient(g), v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        given = [(g, v) for g, v in pairs if g is not None]
        if not given:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in pairs]}.")
        with init_scope():
            self._create_slots([v for _, v in given])
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = []
            for g, v in given:
                if g.dtype != v.dtype or not g.shape.is_compatible_with(v.shape):
                    raise ValueError(f"The gradient {g!r} does not have the type of its variable {v!r}")
                with name_scope("update_" + v.op.name):
                    updates.append(self._updated(g, v))
            if global_step is None:
                train = self._finish(updates, scope)
            else:
                with control_dependencies([self._finish(updates, "update")]):
                    train = assign_add(global_step, 1, name=scope).op
        operations = default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
        if train not in operations:
            operations.append(train)
        return train

    def _updated(self, grad: Any, var: Any) -> Any:
        constraint = getattr(var, "constraint", None)
        if isinstance(grad, IndexedSlices):
            if constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            return self._apply_sparse_duplicate_indices(grad, var)
        update = self._apply_dense(grad, var)
        if constraint is None:
            return update
        with control_dependencies([update]):
            return assign(var, constraint(current_value(var))).op


def _var_key(var: Any) -> tuple[Graph, str]:
    """What stands for a variable among those with slots."""
    return var.op.graph, var.op.name


def summed(grad: IndexedSlices, var: Any) -> Tensor:
    """The rows of a gradient, each the sum of all rows with its index."""
    return scatter.sum_equal_rows(grad.values, grad.indices, var.shape.dims[0])


def _caster(var: Any) -> Callable[[Any], Tensor]:
    return lambda value: cast(value, var.dtype)


def _deduplicate_indexed_slices(values: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """(summed values, indices) with each index once."""
    distinct, positions = unique(indices)
    return unsorted_segment_sum(values, positions, shape_of(distinct)[0]), distinct


def _as_gradient(grad: Any) -> Any:
    if grad is None or isinstance(grad, IndexedSlices):
        return grad
    try:
        return convert_to_tensor(grad)
    except (TypeError, ValueError):
        raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {grad!r}") from None


def _why(loss: Any, pairs: Sequence[tuple[Any, Any]]) -> str:
    """Where the way from the loss to the first variable breaks."""
    is_graph = isinstance(loss, Tensor) and loss.eager_value is None
    return f"\n{why_no_gradient(loss, pairs[0][1])}" if is_graph and pairs else ""


def _trainable() -> list[Any]:
    return [*trainable_variables(),
            *default_graph().get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)]


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable) or hasattr(value, "handle") and hasattr(value, "assign")


def _flatten(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [v for item in value for v in _flatten(item)]
    if isinstance(value, dict):
        return [v for key in sorted(value) for v in _flatten(value[key])]
    return [value] if _is_variable(value) or not hasattr(value, "__iter__") or isinstance(value, Tensor) else [
        v for item in value for v in _flatten(item)]


__all__ = ["AggregationMethod", "Optimizer", "summed"]
