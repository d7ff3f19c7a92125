"""Small helpers: deprecation marks, names, conditions that may be known while the graph is built."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.symbolic import static_value
from ...framework import get_default_graph, is_tensor


def _unchanged(*_: Any, **__: Any) -> Callable[[Any], Any]:
    """A decorator that changes nothing."""
    return lambda function: function


deprecated = deprecated_args = deprecated_arg_values = _unchanged


def get_name_scope() -> str:
    """The current name scope, without a trailing slash."""
    return get_default_graph().get_name_scope()


def get_placeholders(graph: Any) -> list[Any]:
    """The placeholders of a graph."""
    return [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]


def prepend_name_scope(name: str, import_scope: str | None) -> str:
    """The name within a scope."""
    if not import_scope:
        return name
    head, _, tail = name.partition("loc:@")
    return f"{head}loc:@{import_scope}/{tail}" if tail else f"{import_scope.rstrip('/')}/{name}"


def strip_name_scope(name: str, export_scope: str | None) -> str:
    """The name without a scope in front."""
    return name.removeprefix(f"{export_scope.rstrip('/')}/") if export_scope else name


def smart_constant_value(pred: Any) -> bool | None:
    """The value of a condition where it is known while the graph is built, else None."""
    if not is_tensor(pred):
        return bool(pred)
    known = static_value(convert_to_tensor(pred))
    return None if known is None else bool(known)


def smart_cond(pred: Any, true_fn: Callable[[], Any] | None = None, false_fn: Callable[[], Any] | None = None,
               name: str | None = None) -> Any:
    """What the chosen function gives: chosen now where the condition is known, else by `tf.cond`."""
    if not callable(true_fn):
        raise TypeError("`true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("`false_fn` must be callable.")
    known = smart_constant_value(pred)
    if known is not None:
        return true_fn() if known else false_fn()
    from ...control_flow import cond
    return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)


def smart_case(pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False,
               name: str = "smart_case") -> Any:
    """What the function of the first true condition gives: chosen now where the conditions before it and it are known,
    else by `tf.case`. `pred_fn_pairs` is a list of (condition, function) or a dict of them."""
    pairs = [*pred_fn_pairs.items()] if isinstance(pred_fn_pairs, dict) else [*pred_fn_pairs]
    left = [(pred, function) for pred, function in pairs if smart_constant_value(pred) is not False]
    if left and smart_constant_value(left[0][0]):
        return left[0][1]()
    if not left and default is not None:
        return default()
    from ...control_flow import case
    return case(left, default=default, exclusive=exclusive, name=name)
