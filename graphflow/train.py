"""`tf.train`: optimizers, learning rates, the global step."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import int64
from .compiler.ir import Graph, default_graph
from .framework import GraphKeys, name_scope
from .initializers import zeros
from .learning_rate import (
    cosine_decay,
    exponential_decay,
    inverse_time_decay,
    natural_exp_decay,
    piecewise_constant,
    polynomial_decay,
)
from .optimizer import Optimizer
from .optimizers import (
    AdadeltaOptimizer,
    AdagradOptimizer,
    AdamOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    RMSPropOptimizer,
)
from .variable_scope import get_variable

piecewise_constant_decay = piecewise_constant

__all__ = [
    "AdadeltaOptimizer", "AdagradOptimizer", "AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer",
    "Optimizer", "RMSPropOptimizer", "assert_global_step", "cosine_decay", "create_global_step", "exponential_decay",
    "get_global_step", "get_or_create_global_step", "global_step", "inverse_time_decay", "natural_exp_decay",
    "piecewise_constant", "piecewise_constant_decay", "polynomial_decay",
]


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's step counter, None when it has none."""
    steps = (graph or default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    if len(steps) > 1:
        raise TypeError("Multiple tensors in global_step collection.")
    if steps:
        assert_global_step(steps[0])
    return steps[0] if steps else None


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
    if not global_step_tensor.dtype.is_integer:
        raise TypeError(f"Existing \"global_step\" does not have integer type: {global_step_tensor.dtype.name}")
    if global_step_tensor.shape.dims not in ((), None):
        raise TypeError(f"Existing \"global_step\" is not scalar: {global_step_tensor.shape}")
