"""The learning phase: whether what is built trains. Layers ask for it when they are not told."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ... import control_flow
from ...compiler.dtypes import bool_
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.state import placeholder_with_default
from ...compiler.ops.view import known_rank, reshape
from ..scope import PHASE, in_training

_SYMBOL = "keras_learning_phase_symbol"


def symbolic_learning_phase() -> Tensor:
    """The graph's placeholder of the phase: False unless it is fed."""
    held = default_graph().get_collection_ref(_SYMBOL)
    if not held:
        with default_graph().control_dependencies(None), default_graph().name_scope(None):
            held.append(placeholder_with_default(False, (), "keras_learning_phase"))
    return held[0]


def learning_phase() -> Any:
    """1 within what trains, or where it was set; 0 within what does not; else the placeholder of the phase, which
    `K.function` may be fed."""
    training = in_training()
    if training is None and default_graph().eager:
        return 0
    return symbolic_learning_phase() if training is None else training if isinstance(training, Tensor) else int(
        training)


def set_learning_phase(value: int) -> None:
    """Fix the phase of what is built in the default graph from now on: 1 trains, 0 does not. Raises ValueError."""
    if value not in (0, 1):
        raise ValueError(f"Expected learning phase to be 0 or 1. Received: {value!r}")
    default_graph().symbolic.get_collection_ref(PHASE)[:] = [bool(value)]


@contextlib.contextmanager
def learning_phase_scope(value: int) -> Iterator[None]:
    """The phase fixed for what is built inside."""
    held = default_graph().symbolic.get_collection_ref(PHASE)
    before = list(held)
    set_learning_phase(value)
    try:
        yield
    finally:
        held[:] = before


def _value(expression: Any) -> Any:
    return expression() if callable(expression) and not hasattr(expression, "_as_graph_element") else expression


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two expressions (tensors, or functions that make them) by a scalar condition; by one of more axes, element
    by element. Raises ValueError for a condition of more axes than the expressions have."""
    test = ew.cast(convert_to_tensor(condition), bool_)
    rank = len(known_rank("switch", test))
    if not rank:
        return control_flow.cond(test, lambda: _value(then_expression), lambda: _value(else_expression))
    chosen, other = (convert_to_tensor(_value(e)) for e in (then_expression, else_expression))
    wanted = len(known_rank("switch", chosen))
    if rank > wanted:
        raise ValueError("Rank of `condition` should be less than or equal to rank of `then_expression` and "
                         f"`else_expression`. ndim(condition)={rank}, ndim(then_expression)={wanted}")
    assert test.dims is not None
    return ew.where(reshape(test, (*test.dims, *(1,) * (wanted - rank))), chosen, other)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, else `alt`: tensors, or functions that make them. `training` None asks for the phase."""
    training = learning_phase() if training is None else training
    if hasattr(training, "_as_graph_element") or isinstance(training, Tensor):
        return switch(training, x, alt)
    return _value(x if training else alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` in training, else `x`."""
    return in_train_phase(alt, x, training)
