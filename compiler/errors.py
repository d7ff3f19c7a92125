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
    """The operation was cancelled, for instance because its queue was closed."""

    code = 1


class UnknownError(OpError, RuntimeError):
    """Something went wrong for which there is no more precise class; code 2."""

    code = 2


class InvalidArgumentError(OpError, ValueError):
    """An argument or a fed value that the operation cannot take: a shape, a range, an assertion."""

    code = 3


class DeadlineExceededError(OpError, TimeoutError):
    """The time given to the operation is over."""

    code = 4


class NotFoundError(OpError, KeyError):
    """A file, a key of a checkpoint or a resource does not exist."""

    code = 5


class AlreadyExistsError(OpError, RuntimeError):
    """What should be made, for instance a file or a folder, is there already."""

    code = 6


class PermissionDeniedError(OpError, PermissionError):
    """The user may not read or write a file."""

    code = 7


class ResourceExhaustedError(OpError, MemoryError):
    """No memory or no space on the disk is left."""

    code = 8


class FailedPreconditionError(OpError, RuntimeError):
    """The state is not yet as the operation needs it, for instance a variable has no value."""

    code = 9


class AbortedError(OpError, RuntimeError):
    """The operation was given up, as a rule because others ran at the same time."""

    code = 10


class OutOfRangeError(OpError, IndexError):
    """The end of the input was passed: a data set or a closed queue has no more elements."""

    code = 11


class UnimplementedError(OpError, NotImplementedError):
    """The operation does not support what was asked of it."""

    code = 12


class InternalError(OpError, RuntimeError):
    """Something is wrong within graphflow itself."""

    code = 13


class UnavailableError(OpError, RuntimeError):
    """A service is not available now; to try again later may help."""

    code = 14


class DataLossError(OpError, OSError):
    """A file is damaged or cut off."""

    code = 15


class UnauthenticatedError(OpError, RuntimeError):
    """The request carries no valid credentials."""

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
