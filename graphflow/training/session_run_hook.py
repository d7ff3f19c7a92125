"""What hooks are: they see every run of a monitored session, and may add to what is fetched and fed."""
from __future__ import annotations

from typing import Any, NamedTuple


class SessionRunArgs(NamedTuple):
    """What to fetch and feed, and with which options."""

    fetches: Any
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What a hook's fetches came to."""

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """One run: what the caller asked for, the session, and whether to stop after it."""

    def __init__(self, original_args: SessionRunArgs, session: Any):
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        return self._original_args

    @property
    def session(self) -> Any:
        return self._session

    @property
    def stop_requested(self) -> bool:
        return self._stop_requested

    def request_stop(self) -> None:
        """Let the session's `should_stop()` be true from now on."""
        self._stop_requested = True


class SessionRunHook:
    """Base of hooks. Each method does nothing by default."""

    def begin(self) -> None:
        """Before the session is made: the last time that the graph may be changed."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """After a session is made or recovered."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Before each run: what to fetch and feed besides."""

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """After each run, with the values asked for."""

    def end(self, session: Any) -> None:
        """Before the session is closed, unless an exception closes it."""
