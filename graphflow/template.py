"""`tf.make_template`: a function that shares its variables among all its calls."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .framework import GraphKeys, get_collection
from .variable_scope import VariableScope, variable_scope

__all__ = ["Template", "make_template"]


class Template:
    """`func` with its variables shared among all calls: the first call makes them, later ones reuse them."""

    def __init__(self, name: str, func: Callable[..., Any], create_scope_now: bool, unique_name: str | None,
                 custom_getter: Any, kwargs: dict[str, Any]):
        if not callable(func):
            raise ValueError(f"func must be callable, received {func!r}")
        self._func, self._kwargs = func, kwargs
        self._name, self._unique_name, self._custom_getter = name, unique_name, custom_getter
        self._scope: VariableScope | None = None
        self._called = False
        if create_scope_now:
            with self._first_scope(auxiliary_name_scope=False) as scope:
                self._scope = scope

    def _first_scope(self, **options: Any) -> variable_scope:
        return variable_scope(self._unique_name, None if self._unique_name else self._name,
                              custom_getter=self._custom_getter, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = {**self._kwargs, **kwargs}
        opened = self._first_scope() if self._scope is None else variable_scope(
            self._scope, reuse=True if self._called else None)
        with opened as scope:
            result = self._func(*args, **given)
        if self._scope is None:
            self._scope = scope
        self._called = True
        return result

    @property
    def func(self) -> Callable[..., Any]:
        return self._func

    @property
    def name(self) -> str:
        """The name that it was given."""
        return self._name

    @property
    def variable_scope(self) -> VariableScope | None:
        """The scope of the variables, None before the first call."""
        return self._scope

    var_scope = variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        return None if self._scope is None else self._scope.name

    def _collected(self, key: str) -> list[Any]:
        return [] if self._scope is None else get_collection(key, f"{self._scope.name}/")

    @property
    def global_variables(self) -> list[Any]:
        return self._collected(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        return self._collected(GraphKeys.LOCAL_VARIABLES)

    @property
    def trainable_variables(self) -> list[Any]:
        return self._collected(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def variables(self) -> list[Any]:
        """The global and the local ones."""
        return self.global_variables + self.local_variables

    weights, trainable_weights = variables, trainable_variables


def make_template(name_: str, func_: Callable[..., Any], create_scope_now_: bool = False,
                  unique_name_: str | None = None, custom_getter_: Any = None, **kwargs: Any) -> Template:
    """`func_` with its variables shared among all calls: the first call makes them, later ones reuse them.

    `kwargs` are given to each call. The scope is made at the first call, at once with `create_scope_now_`.
    """
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_, kwargs)
