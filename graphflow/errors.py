"""`tf.errors`."""
from __future__ import annotations

from .compiler.errors import (
    DataLossError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    OutOfRangeError,
    UnimplementedError,
)

__all__ = ["DataLossError", "FailedPreconditionError", "InternalError", "InvalidArgumentError", "NotFoundError",
           "OpError", "OutOfRangeError", "UnimplementedError"]
