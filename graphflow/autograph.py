"""`tf.autograph`: Python control flow is not rewritten; programs say cond and while_loop."""
from __future__ import annotations

import enum
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]


class Feature(enum.Enum):
    """Parts of AutoGraph that conversion may be asked for."""

    ALL, AUTO_CONTROL_DEPS, ASSERT_STATEMENTS, BUILTIN_FUNCTIONS, EQUALITY_OPERATORS, LISTS, NAME_SCOPES = (
        "ALL", "AUTO_CONTROL_DEPS", "ASSERT_STATEMENTS", "BUILTIN_FUNCTIONS", "EQUALITY_OPERATORS", "LISTS",
        "NAME_SCOPES")

    @classmethod
    def all(cls) -> tuple[Feature, ...]:
        return tuple(cls)

    @classmethod
    def all_but(cls, exclude: Any) -> tuple[Feature, ...]:
        left_out = exclude if isinstance(exclude, (list, tuple, set)) else [exclude]
        return tuple(f for f in cls if f not in left_out)


def _unsupported(what: str) -> NoReturn:
    raise NotImplementedError(f"tf.autograph.{what}: graphflow does not rewrite Python's control flow; use tf.cond, "
                              "tf.case and tf.while_loop")


def to_graph(entity: Any, recursive: bool = True, arg_values: Any = None, arg_types: Any = None,
             experimental_optional_features: Any = None) -> NoReturn:
    """Raises NotImplementedError: functions are not rewritten, control flow is written with `cond` and `while_loop`."""
    _unsupported("to_graph")


def to_code(entity: Any, recursive: bool = True, arg_values: Any = None, arg_types: Any = None,
            indentation: str = "  ", experimental_optional_features: Any = None) -> NoReturn:
    """Raises NotImplementedError: functions are not rewritten, control flow is written with `cond` and `while_loop`."""
    _unsupported("to_code")


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Accepted: nothing is rewritten, so nothing is reported."""


def trace(*args: Any) -> None:
    """Print the arguments while the graph is built."""
    print(*args)


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """The function as it is."""
    return do_not_convert if func is None else func


def set_loop_options(parallel_iterations: Any = None, swap_memory: Any = None, maximum_iterations: Any = None,
                     shape_invariants: Any = None) -> None:
    """Accepted: it concerns loops that are rewritten."""


experimental = SimpleNamespace(Feature=Feature, do_not_convert=do_not_convert, set_loop_options=set_loop_options)
