"""Which variables of a session have values."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import string
from .compiler.ir import Operation, Tensor
from .compiler.ops import variable_state
from .compiler.ops.constant import constant
from .framework import group, name_scope
from .variable_lists import global_variables, local_variables
from .variable_rows import handle_of


def is_variable_initialized(variable: Any, name: str | None = None) -> Tensor:
    """Whether a variable has a value: a bool scalar."""
    return variable_state.is_variable_initialized(handle_of(variable), name=name)


def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Tensor:
    """The names (a vector of strings) of the variables, by default all global and local ones, that have no value."""
    variables = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    with name_scope(name) as scope:
        if not variables:
            return constant([], string, name=scope)
        return variable_state.report_uninitialized(*map(handle_of, variables), name=scope)


def assert_variables_initialized(var_list: Any = None) -> Operation | None:
    """An operation that raises FailedPreconditionError unless all variables have values; None for no variables."""
    variables = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    return group(*(v.value() for v in variables)) if variables else None


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """Add 1 to an integer scalar variable; the result is the value before.

    OutOfRangeError when it has reached `limit`.
    """
    return variable_state.count_up_to(handle_of(ref), limit=limit, name=name)
