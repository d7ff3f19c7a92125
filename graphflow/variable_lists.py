"""The variables of a graph, by what they are for, and the operations that initialize them."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .compiler.ir import Operation, default_graph
from .framework import GraphKeys, group, no_op


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables of the default graph (those whose names `scope` matches)."""
    return default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


all_variables = global_variables


def local_variables(scope: str | None = None) -> list[Any]:
    """Variables that are neither saved nor trained: counters, streaming metrics."""
    return default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """Variables that optimizers change by default."""
    return default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables in the collection MODEL_VARIABLES, of names that begin as `scope` (a pattern) says."""
    return default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables whose moving averages are kept, of names that begin as `scope` (a pattern) says."""
    return default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Iterable[Any], name: str = "init") -> Operation:
    """An operation that initializes the variables in `var_list`."""
    initializers = [v.initializer for v in var_list]
    return group(*initializers, name=name) if initializers else no_op(name=name)


def global_variables_initializer() -> Operation:
    """An operation that initializes all global variables made so far."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that initializes all local variables made so far."""
    return variables_initializer(local_variables())


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """An operation that initializes the tables of the default graph."""
    return group(*default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)
