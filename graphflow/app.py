"""`tf.app`: a program's entry point, and its command-line flags."""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["run"]


def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> None:
    """Parse the flags, call `main` (default: that of the script) with the rest of the command line, and exit with what
    it returns. Flags that are not defined are left in `argv`."""
    from absl import app, flags
    function = main or sys.modules["__main__"].main

    def parse(arguments: list[str]) -> list[str]:
        try:
            return flags.FLAGS(arguments, known_only=True)
        except flags.Error as error:
            app.usage(shorthelp=True, detailed_error=error, exitcode=1)
            raise
    app.run(function, argv=argv, flags_parser=parse)


def __getattr__(name: str) -> Any:
    if name == "flags":
        from . import flags
        return flags
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
