"""`arg_scope`: defaults for the arguments of functions called inside it."""
from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Scope = dict[Any, dict[str, Any]]

_stack: list[Scope] = [{}]
_accepting: dict[Any, list[str]] = {}


def _key(function: Callable[..., Any]) -> Any:
    return getattr(function, "_key_op", (getattr(function, "__module__", ""), function.__name__))


def _name(function: Callable[..., Any]) -> tuple[str, str]:
    return getattr(function, "__module__", ""), getattr(function, "__name__", str(function))


def current_arg_scope() -> Scope:
    """{function's key: {argument: default}} of the scopes around this call."""
    return _stack[-1]


@contextlib.contextmanager
def arg_scope(list_ops_or_scope: Scope | Sequence[Callable[..., Any]], **kwargs: Any) -> Iterator[Scope]:
    """Functions decorated with `add_arg_scope` take the arguments `kwargs`, unless they are given others.

    Given what another `arg_scope` yielded, and no arguments, it enters that scope again. Raises ValueError for a
    function that is not decorated, TypeError for what is neither.
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
        scope = {key: dict(given) for key, given in list_ops_or_scope.items()}
    elif isinstance(list_ops_or_scope, (list, tuple)):
        scope = {key: dict(given) for key, given in current_arg_scope().items()}
        for function in list_ops_or_scope:
            if not has_arg_scope(function):
                module, name = _name(function)
                raise ValueError(f"{module}::{name} is not decorated with @add_arg_scope")
            scope[_key(function)] = {**scope.get(_key(function), {}), **kwargs}
    else:
        raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
    _stack.append(scope)
    try:
        yield scope
    finally:
        _stack.pop()


def add_arg_scope(func: Callable[..., Any]) -> Callable[..., Any]:
    """Let `arg_scope` set arguments of a function."""
    key = _key(func)

    @functools.wraps(func)
    def with_defaults(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **{**current_arg_scope().get(key, {}), **kwargs})

    parameters = inspect.signature(func).parameters.values()
    _accepting[key] = [p.name for p in parameters if p.default is not inspect.Parameter.empty]
    with_defaults._key_op = key  # type: ignore[attr-defined]
    return with_defaults


def has_arg_scope(func: Callable[..., Any]) -> bool:
    """Whether `arg_scope` can set arguments of a function."""
    return _key(func) in _accepting


def arg_scoped_arguments(func: Callable[..., Any]) -> list[str]:
    """The arguments that `arg_scope` can set: those with defaults. Raises AssertionError for other functions."""
    if not has_arg_scope(func):
        raise AssertionError(f"{_name(func)[1]} is not decorated with @add_arg_scope")
    return list(_accepting[_key(func)])
