"""Uncaught errors show the user's lines: the frames inside graphflow are left out of what is printed.

The exceptions themselves keep their whole tracebacks, for debuggers and for programs that catch them.
"""
from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from .compiler.site import PACKAGE_FOLDERS

_settings = {"filtering": not os.environ.get("GRAPHFLOW_FULL_TRACEBACK")}


def enable_traceback_filtering() -> None:
    """Leave graphflow's own frames out of the tracebacks of uncaught errors (the default)."""
    _settings["filtering"] = True


def disable_traceback_filtering() -> None:
    """Show tracebacks in full, as the environment variable GRAPHFLOW_FULL_TRACEBACK=1 does too."""
    _settings["filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether graphflow's own frames are left out of the tracebacks of uncaught errors."""
    return _settings["filtering"]


def user_frames(traceback: TracebackType | None) -> tuple[TracebackType | None, int]:
    """(The traceback without the frames in graphflow and in the libraries that it calls, how many those are)."""
    libraries = tuple(os.path.join(p, "") for p in set(sysconfig.get_paths().values()))
    kept: list[TracebackType] = []
    hidden, inside = 0, False
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        is_library = name.startswith((*libraries, "<frozen ")) and not name.startswith(PACKAGE_FOLDERS)
        inside = name.startswith(PACKAGE_FOLDERS) or inside and is_library
        if inside or name.startswith("<frozen "):
            hidden += 1
        else:
            kept.append(traceback)
        traceback = traceback.tb_next
    result: TracebackType | None = None
    for entry in reversed(kept):
        result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result, hidden


@contextmanager
def shortened(error: BaseException | None) -> Iterator[None]:
    """Inside, the traceback of the error, and of those that led to it, has the user's frames alone, and a note says how
    many there are besides."""
    if error is None or not _settings["filtering"] or user_frames(error.__traceback__)[0] is None:
        yield  # all happened in graphflow
        return
    kept: list[tuple[BaseException, TracebackType | None, bool]] = []
    hidden, waiting = 0, [error]
    while waiting:
        one = waiting.pop()
        if any(one is seen for seen, _, _ in kept):
            continue
        kept.append((one, one.__traceback__, one.__suppress_context__))
        one.__traceback__, count = user_frames(one.__traceback__)
        hidden += count
        context = one.__context__
        if context is not None and context.__traceback__ and user_frames(context.__traceback__)[0] is None:
            one.__suppress_context__ = True  # what graphflow itself ran into, and said more clearly
        waiting += [e for e in (one.__cause__, None if one.__suppress_context__ else context) if e is not None]
    notes = getattr(error, "__notes__", None)
    try:
        if hidden:
            error.__notes__ = [*(notes or ()), f"({hidden} frames inside graphflow are not shown; "
                               "tf.debugging.disable_traceback_filtering() shows them)"]
        yield
    finally:
        for one, traceback, suppress in kept:
            one.__traceback__, one.__suppress_context__ = traceback, suppress
        if notes is not None:
            error.__notes__ = notes
        elif hidden:
            del error.__notes__


def _main_hook(previous: Callable[..., Any]) -> Callable[..., None]:
    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        with shortened(error):
            previous(kind, error, error.__traceback__)

    return hook


def _thread_hook(previous: Callable[..., Any]) -> Callable[..., None]:
    def hook(args: Any) -> None:
        error = args.exc_value
        with shortened(error):
            previous(args if error is None else threading.ExceptHookArgs(
                (args.exc_type, error, error.__traceback__, args.thread)))

    return hook


def _shell_handler(shell: Any, kind: type[BaseException], error: BaseException, traceback: Any,
                   tb_offset: int | None = None) -> None:
    """What IPython and Jupyter call with an error in a cell."""
    with shortened(error):
        shell.showtraceback((kind, error, error.__traceback__), tb_offset=tb_offset)


def install() -> None:
    """Print uncaught errors so from now on: of the program, of its threads, and in IPython and Jupyter."""
    sys.excepthook = _main_hook(sys.excepthook)
    threading.excepthook = _thread_hook(threading.excepthook)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and not getattr(shell, "custom_exceptions", ()):
        shell.set_custom_exc((Exception,), _shell_handler)
