"""`tf.logging`, over Python's logging."""
from __future__ import annotations

import logging as _logging
from typing import Any

DEBUG, INFO, WARN, ERROR, FATAL = (_logging.DEBUG, _logging.INFO, _logging.WARNING, _logging.ERROR, _logging.CRITICAL)

__all__ = ["DEBUG", "ERROR", "FATAL", "INFO", "WARN", "debug", "error", "fatal", "get_verbosity", "info", "log",
           "set_verbosity", "warn", "warning"]

_logger = _logging.getLogger("graphflow")
debug, info, error, fatal, log = _logger.debug, _logger.info, _logger.error, _logger.critical, _logger.log
warn = warning = _logger.warning


def get_verbosity() -> int:
    """The lowest level that is shown."""
    return _logger.getEffectiveLevel()


def set_verbosity(v: Any) -> None:
    """Show messages of level `v` and above on standard error."""
    if not _logger.handlers:
        handler = _logging.StreamHandler()
        handler.setFormatter(_logging.Formatter("%(levelname)s:graphflow:%(message)s"))
        _logger.addHandler(handler)
        _logger.propagate = False
    _logger.setLevel(v)
