"""Variables in collections, and finding them by name."""
from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...compiler.dtypes import float32
from ...framework import GraphKeys, add_to_collection, get_collection, group, placeholder
from ...variable_scope import VariableScope, get_variable, get_variable_scope
from ...variables import Variable
from .scopes import add_arg_scope


def local_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None,
                   use_resource: bool | None = None) -> Variable:
    """A variable that is neither trained nor saved."""
    return Variable(initial_value, trainable=False, collections=[GraphKeys.LOCAL_VARIABLES],
                    validate_shape=validate_shape, name=name)


def global_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None,
                    use_resource: bool | None = None) -> Variable:
    """A variable that is saved but not trained."""
    return Variable(initial_value, trainable=False, collections=[GraphKeys.GLOBAL_VARIABLES],
                    validate_shape=validate_shape, name=name)


@add_arg_scope
def variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
             trainable: bool = True, collections: Sequence[str] | None = None, caching_device: Any = None,
             device: Any = None, partitioner: Any = None, custom_getter: Callable[..., Any] | None = None,
             use_resource: bool | None = None, synchronization: Any = None, aggregation: Any = None) -> Any:
    """`tf.get_variable` with its arguments in an older order."""
    keys = list(dict.fromkeys([GraphKeys.GLOBAL_VARIABLES] if collections is None else collections))
    getter = get_variable if custom_getter is None else functools.partial(
        custom_getter, reuse=get_variable_scope().reuse)
    return getter(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
                  trainable=trainable, collections=keys, partitioner=partitioner, use_resource=use_resource)


@add_arg_scope
def model_variable(name: str, shape: Any = None, dtype: Any = float32, initializer: Any = None,
                   regularizer: Any = None, trainable: bool = True, collections: Sequence[str] | None = None,
                   caching_device: Any = None, device: Any = None, partitioner: Any = None,
                   custom_getter: Callable[..., Any] | None = None, use_resource: bool | None = None,
                   synchronization: Any = None, aggregation: Any = None) -> Any:
    """`variable`, in the collection of model variables as well."""
    keys = list(dict.fromkeys((*(collections or ()), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES)))
    return variable(name, shape, dtype, initializer, regularizer, trainable, keys, partitioner=partitioner,
                    custom_getter=custom_getter, use_resource=use_resource)


def add_model_variable(var: Any) -> None:
    """Put a variable in the collection of model variables, once."""
    if var not in get_collection(GraphKeys.MODEL_VARIABLES):
        add_to_collection(GraphKeys.MODEL_VARIABLES, var)


def get_variables(scope: Any = None, suffix: str | None = None,
                  collection: str = GraphKeys.GLOBAL_VARIABLES) -> list[Any]:
    """The variables of a collection whose names begin with `scope` (a regular expression, or a scope) and end so."""
    prefix = scope.name if isinstance(scope, VariableScope) else scope
    if suffix is not None:
        prefix = f"{prefix or ''}.*{suffix if ':' in suffix else suffix + ':'}"
    return get_collection(collection, prefix)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_to_restore(include: Sequence[str] | None = None, exclude: Sequence[str] | None = None) -> list[Any]:
    """The global variables in the scopes `include` (default all) that are in no scope of `exclude`."""
    for what, scopes in (("include", include), ("exclude", exclude)):
        if scopes is not None and not isinstance(scopes, (list, tuple)):
            raise TypeError(f"{what} is provided but is not a list or a tuple.")
    found = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    dropped = {v for scope in exclude or () for v in get_variables(scope)}
    return [v for v in found if v not in dropped]


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    return get_variables(scope, suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The variables whose last name part is `given_name`."""
    return get_variables(scope, f"/{given_name}:|^{given_name}:")


def get_unique_variable(var_op_name: str) -> Any:
    """The variable of that full name. Raises ValueError when there is none."""
    candidates = get_variables(var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    found = [v for v in candidates if v.op.name == var_op_name]
    if not found:
        raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")
    return found[0]


def get_variable_full_name(var: Any) -> str:
    return var.op.name


def assign_from_values(var_names_to_values: dict[str, Any]) -> tuple[Any, dict[Any, np.ndarray]]:
    """(an operation that sets variables to arrays, the feeds that it needs). Raises ValueError for unknown names."""
    return assignments({name: [_named(name)] for name in var_names_to_values}, var_names_to_values)


def assignments(variables: dict[str, list[Any]], values: dict[str, Any]) -> tuple[Any, dict[Any, np.ndarray]]:
    """(an operation that sets the variables of each name to the value of that name, the feeds that it needs)."""
    operations, feeds = [], {}
    for name, targets in variables.items():
        for var in targets:
            value = placeholder(var.dtype, var.shape, name=f"placeholder/{var.op.name}")
            operations.append(var.assign(value).op)
            feeds[value] = np.asarray(values[name]).reshape(var.shape.as_list())
    return group(*operations), feeds


def assign_from_values_fn(var_names_to_values: dict[str, Any]) -> Callable[[Any], Any]:
    """A function of a session that sets variables to arrays."""
    operation, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(operation, feeds)


def _named(name: str) -> Any:
    found = get_collection(GraphKeys.GLOBAL_VARIABLES, name)
    exact = [v for v in found if v.op.name == name]
    if not found:
        raise ValueError(f"Variable {name} wasn't found")
    if len(found) > 1 and not exact:
        raise ValueError(f"Variable {name} doesn't uniquely identify a variable")
    return exact[0] if exact else found[0]


def filter_variables(var_list: Sequence[Any], include_patterns: Sequence[str] | None = None,
                     exclude_patterns: Sequence[str] | None = None, reg_search: bool = True) -> list[Any]:
    """The variables whose names match one of the patterns to include (default all) and none of those to exclude."""
    matches = re.search if reg_search else re.match
    included = [v for v in var_list
                if include_patterns is None or any(matches(p, v.name) for p in include_patterns)]
    return [v for v in included if not any(matches(p, v.name) for p in exclude_patterns or ())]


class VariableDeviceChooser:
    """Accepted: every variable is on the one CPU."""

    def __init__(self, num_tasks: int = 0, job_name: str = "ps", device_type: str = "CPU", device_index: int = 0,
                 replica: Any = None):
        self.num_tasks, self.job_name = num_tasks, job_name

    def __call__(self, op: Any) -> str:
        return ""
