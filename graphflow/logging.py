"""`tf.logging`, over Python's logging."""
from __future__ import annotations

import logging as _logging
import sys
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = (_logging.DEBUG, _logging.INFO, _logging.WARNING, _logging.ERROR, _logging.CRITICAL)

__all__ = ["DEBUG", "ERROR", "FATAL", "INFO", "TaskLevelStatusMessage", "WARN", "debug", "error", "fatal", "flush",
           "get_verbosity", "info", "log", "log_every_n", "log_first_n", "log_if", "vlog",
           "set_verbosity", "warn", "warning"]


class _Shown(_logging.StreamHandler):
    """Writes to what standard error is at the moment: notebooks and tests put others in its place."""

    def __init__(self) -> None:
        _logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


_logger = _logging.getLogger("graphflow")
debug, info, error, fatal, log = _logger.debug, _logger.info, _logger.error, _logger.critical, _logger.log
warn = warning = _logger.warning


def get_logger() -> _logging.Logger:
    """The logger of these functions."""
    return _logger


def get_verbosity() -> int:
    """The lowest level that is shown."""
    return _logger.getEffectiveLevel()


def set_verbosity(v: Any) -> None:
    """Show messages of level `v` and above on standard error."""
    if not _logger.handlers:
        handler = _Shown()
        handler.setFormatter(_logging.Formatter("%(levelname)s:graphflow:%(message)s"))
        _logger.addHandler(handler)
        _logger.propagate = False
    _logger.setLevel(v)


def log_if(level: int, msg: str, condition: bool, *args: Any) -> None:
    """Log if the condition holds."""
    if condition:
        log(level, msg, *args)


_counts: dict[tuple[str, int], int] = {}


def _times_here() -> int:
    """How often the line that called the caller has."""
    frame = sys._getframe(2)
    key = frame.f_code.co_filename, frame.f_lineno
    _counts[key] = _counts.get(key, 0) + 1
    return _counts[key]


def log_every_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Log the first time this line runs, and every n-th time after."""
    if (_times_here() - 1) % n == 0:
        log(level, msg, *args)


def log_first_n(level: int, msg: str, n: int, *args: Any) -> None:
    """Log the first n times this line runs."""
    if _times_here() <= n:
        log(level, msg, *args)


def vlog(level: int, msg: str, *args: Any, **kwargs: Any) -> None:
    """Log for debugging."""
    log(DEBUG, msg, *args, **kwargs)


def TaskLevelStatusMessage(msg: str) -> None:
    """Log a message about the state of a task, as an error."""
    error(msg)


def flush() -> None:
    """Write what is waiting."""
    for handler in _logger.handlers:
        handler.flush()
