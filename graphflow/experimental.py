"""`tf.experimental`."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .lazy import Names

_names = Names(globals(), {
    "data.optional": "Optional",
    "loading": "register_filesystem_plugin",
    "compiler.dtypes": "float4_e2m1fn float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz "
                       "int2 int4 uint2 uint4",
})


@contextlib.contextmanager
def async_scope() -> Iterator[None]:
    """Nothing: operations run when they are called, and raise there."""
    yield


def async_clear_error() -> None:
    """Nothing: see async_scope."""


@contextlib.contextmanager
def function_executor_type(executor_type: str | None) -> Iterator[None]:
    """Accepted: functions are compiled."""
    yield


def enable_strict_mode() -> None:
    """Nothing: what is deprecated works as it did."""


def output_all_intermediates(state: bool | None) -> None:
    """Nothing: branches and loops hand out what their gradients need, no more."""


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()


__all__ = ["async_clear_error", "async_scope", "enable_strict_mode", "function_executor_type",
           "output_all_intermediates", *_names.own()]
