"""Train operations whose value is the loss, and gradients changed on their way to the variables."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import summary
from ...check_ops import check_numerics as _check_numerics
from ...clip_ops import clip_by_norm, global_norm
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.gather import IndexedSlices
from ...compiler.ops.view import identity
from ...framework import GraphKeys, control_dependencies, get_collection, get_collection_ref, name_scope, no_op
from ...training.global_step import get_or_create_global_step
from ...variable_lists import trainable_variables

Pairs = Sequence[tuple[Any, Any]]
USE_GLOBAL_STEP = 0  # asks for the graph's step counter


def mapped(gradient: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A gradient, dense or of rows, with its values changed; None stays."""
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(change(gradient.values), gradient.indices, gradient.dense_shape)
    return None if gradient is None else change(gradient)


def values_of(gradient: Any) -> Any:
    return gradient.values if isinstance(gradient, IndexedSlices) else gradient


def after(operations: Sequence[Any], tensor: Any, name: str | None = None) -> Tensor:
    """The tensor, once the operations have run."""
    with control_dependencies(list(operations)):
        return identity(tensor, name)


def clip_gradient_norms(gradients_to_variables: Pairs, max_norm: float) -> list[tuple[Any, Any]]:
    """Each gradient scaled down to a norm of at most `max_norm`."""
    return [(mapped(g, lambda x: clip_by_norm(x, max_norm)), v) for g, v in gradients_to_variables]


def clip_gradient_norms_fn(max_norm: float) -> Callable[[Pairs], list[tuple[Any, Any]]]:
    """`clip_gradient_norms` as a function of the gradients."""
    return lambda pairs: clip_gradient_norms(pairs, max_norm)


def multiply_gradients(grads_and_vars: Pairs, gradient_multipliers: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The gradients of the variables in `gradient_multipliers` (or of their names) multiplied.

    Raises ValueError for a list or dict that is none, and for a variable without a gradient.
    """
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    multiplied = []
    for gradient, variable in grads_and_vars:
        key = variable if variable in gradient_multipliers else variable.op.name
        if key in gradient_multipliers:
            if gradient is None:
                raise ValueError("Requested multiple of `None` gradient.")
            factor = gradient_multipliers[key]
            gradient = mapped(gradient, lambda x, f=factor: x * cast(convert_to_tensor(f), x.dtype))  # type: ignore[misc]
        multiplied.append((gradient, variable))
    return multiplied


def add_gradients_summaries(grads_and_vars: Pairs) -> list[Any]:
    """Summaries of each gradient and its norm."""
    made = []
    for gradient, variable in grads_and_vars:
        if gradient is not None:
            values = values_of(gradient)
            made += [summary.histogram(f"{variable.op.name}_gradient", values),
                     summary.scalar(f"{variable.op.name}_gradient_norm", global_norm([values]))]
    return made


def create_train_op(total_loss: Any, optimizer: Any, global_step: Any = USE_GLOBAL_STEP, update_ops: Any = None,
                    variables_to_train: Sequence[Any] | None = None,
                    transform_grads_fn: Callable[[Any], Any] | None = None, summarize_gradients: bool = False,
                    gate_gradients: int = 1, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
                    check_numerics: bool = True) -> Tensor:
    """The loss, as a tensor that first runs `update_ops` (default: the collection UPDATE_OPS) and a training step.

    A loss that is not finite raises InvalidArgumentError at run time, unless `check_numerics` is False.
    """
    step = get_or_create_global_step() if global_step is USE_GLOBAL_STEP else global_step
    updates = list(dict.fromkeys(get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else update_ops))
    loss = convert_to_tensor(total_loss)
    if updates:
        with control_dependencies(updates):
            barrier = no_op(name="update_barrier")
        loss = after([barrier], loss)
    variables = trainable_variables() if variables_to_train is None else variables_to_train
    gradients = optimizer.compute_gradients(
        loss, variables, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops)
    if transform_grads_fn is not None:
        gradients = transform_grads_fn(gradients)
    if summarize_gradients:
        with name_scope("summarize_grads"):
            add_gradients_summaries(gradients)
    applied = optimizer.apply_gradients(gradients, global_step=step)
    with name_scope("train_op"):
        if check_numerics:
            loss = _check_numerics(loss, "LossTensor is inf or nan")
        train_op = after([applied], loss)
    if train_op not in get_collection(GraphKeys.TRAIN_OP):
        get_collection_ref(GraphKeys.TRAIN_OP).append(train_op)
    return train_op
