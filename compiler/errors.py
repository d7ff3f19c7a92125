"""Exceptions, under TensorFlow's names; each is also the Python exception that fits."""
from __future__ import annotations

from typing import Any

from .site import user_site


class OpError(Exception):
    """An error in an op. `op` is the operation (or None), `message` the text, `error_code` TensorFlow's number.

    Made, as in TensorFlow, from (node_def, op, message), or from the message and the op alone.
    """

    code = 2

    def __init__(self, node_def: Any, op: Any = None, message: Any = None, error_code: int | None = None):
        node_def, message = (None, node_def) if message is None else (node_def, message)
        super().__init__(message)
        self.message = message
        self.op = op
        self.node_def = node_def
        self.error_code = self.code if error_code is None else error_code

    def __str__(self) -> str:
        return str(self.message)


class CancelledError(OpError, RuntimeError):
    code = 1


class UnknownError(OpError, RuntimeError):
    code = 2


class InvalidArgumentError(OpError, ValueError):
    code = 3


class DeadlineExceededError(OpError, TimeoutError):
    code = 4


class NotFoundError(OpError, KeyError):
    code = 5


class AlreadyExistsError(OpError, RuntimeError):
    code = 6


class PermissionDeniedError(OpError, PermissionError):
    code = 7


class ResourceExhaustedError(OpError, MemoryError):
    code = 8


class FailedPreconditionError(OpError, RuntimeError):
    code = 9


class AbortedError(OpError, RuntimeError):
    code = 10


class OutOfRangeError(OpError, IndexError):
    code = 11


class UnimplementedError(OpError, NotImplementedError):
    code = 12


class InternalError(OpError, RuntimeError):
    code = 13


class UnavailableError(OpError, RuntimeError):
    code = 14


class DataLossError(OpError, OSError):
    code = 15


class UnauthenticatedError(OpError, RuntimeError):
    code = 16


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


# to the user these are the plain exceptions that TensorFlow raises
for _kind, _plain in ((ShapeError, ValueError), (DTypeError, TypeError)):
    _kind.__name__ = _kind.__qualname__ = _plain.__name__
    _kind.__module__ = _plain.__module__
