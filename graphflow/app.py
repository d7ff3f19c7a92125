"""`tf.app`."""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["run"]


def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> None:
    """Call `main` (default: that of the script) with the command line, and exit with what it returns."""
    function = main or sys.modules["__main__"].main
    sys.exit(function(sys.argv if argv is None else argv))
