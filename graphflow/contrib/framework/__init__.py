# ruff: noqa: F401 (this module is the list of names)
"""`tf.contrib.framework`: argument scopes, variables by name, checkpoints."""
from __future__ import annotations

from typing import Any

from ... import nest
from ...array_ops import zeros
from ...framework import get_default_graph, is_tensor, name_scope
from ...train import assert_global_step, create_global_step, get_global_step, get_or_create_global_step
from ...weighting import remove_squeezable
from .checkpoints import assign_from_checkpoint, assign_from_checkpoint_fn
from .scopes import add_arg_scope, arg_scope, arg_scoped_arguments, current_arg_scope, has_arg_scope
from .shapes import assert_same_float_dtype, assert_scalar, assert_scalar_int, reduce_sum_n, with_same_shape, with_shape
from .support import (
    deprecated,
    deprecated_arg_values,
    deprecated_args,
    get_name_scope,
    get_placeholders,
    prepend_name_scope,
    smart_case,
    smart_cond,
    smart_constant_value,
    strip_name_scope,
)
from .variables import (
    VariableDeviceChooser,
    add_model_variable,
    assign_from_values,
    assign_from_values_fn,
    filter_variables,
    get_local_variables,
    get_model_variables,
    get_trainable_variables,
    get_unique_variable,
    get_variable_full_name,
    get_variables,
    get_variables_by_name,
    get_variables_by_suffix,
    get_variables_to_restore,
    global_variable,
    local_variable,
    model_variable,
    variable,
)

# names that other parts of the package have: name -> module
_ELSEWHERE = {
    **dict.fromkeys(("init_from_checkpoint", "list_variables", "load_checkpoint", "load_variable"), "train"),
    **dict.fromkeys(("CriticalSection", "argsort", "sort", "TensorSpec", "is_numeric_tensor", "is_non_decreasing",
                     "is_strictly_increasing", "py_func", "broadcast_to", "convert_to_tensor_or_sparse_tensor",
                     "invert_permutation"), ""),
}


def assert_or_get_global_step(graph: Any = None, global_step_tensor: Any = None) -> Any:
    """The given step counter, checked, or the graph's."""
    if global_step_tensor is None:
        return get_global_step(graph)
    assert_global_step(global_step_tensor)
    return global_step_tensor


def remove_squeezable_dimensions(predictions: Any, labels: Any, name: str | None = None) -> tuple[Any, Any]:
    """(predictions, labels) with a last axis of size 1 removed from the one that has an axis too many."""
    y, p = remove_squeezable(labels, predictions)
    return p, y


def zero_initializer(ref: Any, use_locking: bool = True, name: str = "zero_initializer") -> Any:
    """The variable, and when the graph runs set to zeros."""
    with name_scope(name):
        return ref.assign(zeros(ref.shape, ref.dtype))


def get_graph_from_inputs(op_input_list: Any, graph: Any = None) -> Any:
    """The graph of the inputs (`graph` if it is given). Raises ValueError for inputs of several."""
    graphs = {id(x.graph): x.graph for x in op_input_list if hasattr(x, "graph")}
    if graph is not None:
        graphs[id(graph)] = graph
    if len(graphs) > 1:
        raise ValueError(f"The inputs {list(op_input_list)} are not from the same graph")
    return next(iter(graphs.values()), get_default_graph())


def __getattr__(name: str) -> Any:
    import importlib
    if name in _ELSEWHERE:
        package = __name__.split(".")[0]
        return getattr(importlib.import_module(".".join(filter(None, (package, _ELSEWHERE[name])))), name)
    raise AttributeError(f"tf.contrib.framework has no {name!r} in graphflow", name=name)
