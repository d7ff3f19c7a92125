"""The step counter that a graph's training and schedules share."""
from __future__ import annotations

from typing import Any

from ..compiler.dtypes import int64
from ..compiler.ir import Graph, Tensor, default_graph
from ..framework import GraphKeys, name_scope
from ..initializers import zeros
from ..variable_scope import get_variable


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's step counter, None when it has none. Raises TypeError for one that is not an integer scalar."""
    target = graph or default_graph()
    steps = target.get_collection(GraphKeys.GLOBAL_STEP)
    if len(steps) > 1:
        raise TypeError("Multiple tensors in global_step collection.")
    if not steps:
        try:
            steps = [target.get_tensor_by_name("global_step:0")]
        except KeyError:
            return None
    assert_global_step(steps[0])
    return steps[0]


def create_global_step(graph: Graph | None = None) -> Any:
    """Make the graph's step counter, an int64 variable at 0. Raises ValueError when it has one."""
    target = graph or default_graph()
    if get_global_step(target) is not None:
        raise ValueError('"global_step" already exists.')
    with target.as_default(), name_scope(None):
        return get_variable("global_step", [], int64, zeros(), trainable=False,
                            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP])


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The graph's step counter, made when it has none."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of a step counter in a session."""
    return int(sess.run(global_step_tensor))


def assert_global_step(global_step_tensor: Any) -> None:
    """Raise TypeError unless it is an integer scalar."""
    if not (isinstance(global_step_tensor, Tensor) or hasattr(global_step_tensor, "handle")):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor!r}.')
    if not global_step_tensor.dtype.is_integer:
        raise TypeError(f"Existing \"global_step\" does not have integer type: {global_step_tensor.dtype.name}")
    if global_step_tensor.shape.dims not in ((), None):
        raise TypeError(f"Existing \"global_step\" is not scalar: {global_step_tensor.shape}")
