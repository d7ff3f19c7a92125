"""Where in the user's program an op was made: the innermost frame outside graphflow."""
from __future__ import annotations

import os
import sys
import warnings
from typing import NamedTuple


class Site(NamedTuple):
    """Where the user made an op."""

    filename: str
    line: int
    function: str

    @property
    def cell(self) -> str:
        """What IPython calls the notebook's cell, "In[3]"; "" where the line is in a file."""
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        tell = getattr(getattr(shell, "compile", None), "format_code_name", None)
        label = tell and tell(self.filename)
        return label[1] if label else ""

    @property
    def place(self) -> str:
        """`file:line`, or `cell:line`."""
        return f"{self.cell or self.filename}:{self.line}"

    def __str__(self) -> str:
        if cell := self.cell:
            return f"Cell {cell}, line {self.line}"
        return f'File "{self.filename}", line {self.line}, in {self.function}'


def _package_folders() -> tuple[str, ...]:
    """The folders of graphflow's own code, installed or in a checkout (where tests and examples lie beside them)."""
    compiler = os.path.dirname(os.path.abspath(__file__))
    parent = os.path.dirname(compiler)
    if os.path.exists(os.path.join(parent, "__init__.py")):
        return (os.path.join(parent, ""),)
    return tuple(os.path.join(folder, "") for folder in (
        compiler, os.path.join(parent, "graphflow"), os.path.join(parent, "runtime")))


PACKAGE_FOLDERS = _package_folders()


def user_site() -> Site | None:
    """The innermost frame outside graphflow."""
    frame = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if not filename.startswith(PACKAGE_FOLDERS):
            return Site(filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return None


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning that shows the innermost line outside graphflow."""
    level, frame = 2, sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDERS):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)
