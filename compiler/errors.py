"""Exceptions, under TensorFlow's names; each is also the Python exception that fits."""
from __future__ import annotations

from typing import Any

from .site import user_site


class OpError(Exception):
    """An error in an op. `op` is the operation (or None), `message` the text."""

    code = 2

    def __init__(self, message: str, op: Any = None):
        super().__init__(message)
        self.message = message
        self.op = op


class InvalidArgumentError(OpError, ValueError):
    code = 3


class NotFoundError(OpError, KeyError):
    code = 5

    def __str__(self) -> str:
        return self.message


class FailedPreconditionError(OpError, RuntimeError):
    code = 9


class OutOfRangeError(OpError, IndexError):
    code = 11


class UnimplementedError(OpError, NotImplementedError):
    code = 12


class InternalError(OpError, RuntimeError):
    code = 13


class DataLossError(OpError, OSError):
    code = 15


class _BuildError(Exception):
    """Found while the graph is built: `message` says what is wrong, the text also where the user asked for it."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message
        self.site = user_site()

    def __str__(self) -> str:
        return f"{self.message}\n  (at {self.site})" if self.site else self.message


class ShapeError(_BuildError, ValueError):
    """Shapes that an op cannot take, found while the graph is built."""


class DTypeError(_BuildError, TypeError):
    """Element types that an op cannot take, found while the graph is built."""
