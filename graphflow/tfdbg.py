"""The names of TensorFlow 1's debugger, `tensorflow.python.debug`.

Its sessions and hooks run ops one by one and hand every value to the filters. What passes one is printed, with what it
was computed from; in a terminal Python's debugger then opens beside the values, where there was tfdbg's own prompt.
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .compiler.ir import Operation
from .runtime.debugger import Breakpoint, pause
from .runtime.values import summarize, wrong_in
from .session import raw_session
from .training.session_run_hook import SessionRunHook

__all__ = ["DebugTensorDatum", "LocalCLIDebugHook", "LocalCLIDebugWrapperSession", "has_inf_or_nan"]


class DebugTensorDatum(NamedTuple):
    """What a filter is told of a value: the op that made it and which of its outputs it is."""

    op: Operation
    output_slot: int
    value: np.ndarray

    @property
    def node_name(self) -> str:
        return self.op.name

    @property
    def tensor_name(self) -> str:
        return f"{self.op.name}:{self.output_slot}"

    @property
    def watch_key(self) -> str:
        return f"{self.tensor_name}:DebugIdentity"

    @property
    def debug_op(self) -> str:
        return "DebugIdentity"

    def get_tensor(self) -> np.ndarray:
        return self.value


Filter = Callable[[DebugTensorDatum, Any], bool]


def has_inf_or_nan(datum: Any, tensor: Any) -> bool:
    """A filter: whether a value has a NaN or an infinity."""
    return tensor is not None and bool(wrong_in(np.asarray(tensor)))


class _Filters:
    """The filters of a wrapper or hook, as a breakpoint at every op of a session."""

    def __init__(self) -> None:
        self.by_name: dict[str, Filter] = {}
        self.stop: Breakpoint | None = None

    def add_tensor_filter(self, filter_name: str, tensor_filter: Filter) -> None:
        """Show the values for which `tensor_filter(datum, value)` is true. Raises ValueError for an empty name,
        TypeError for a filter that is not callable."""
        if not isinstance(filter_name, str) or not filter_name:
            raise ValueError(f"A tensor filter needs a name, received {filter_name!r}")
        if not callable(tensor_filter):
            raise TypeError(f"Expected tensor_filter to be callable, received {tensor_filter!r}")
        self.by_name[filter_name] = tensor_filter

    def watch(self, session: Any) -> None:
        """Look at what the session runs, from its next run on."""
        if self.stop is None and self.by_name:
            self.stop = raw_session(session, "session").breakpoint(None, action=self._look)

    def _look(self, op: Operation, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        for slot, value in enumerate(outputs):
            datum = DebugTensorDatum(op, slot, value)
            passed = next((name for name, test in self.by_name.items() if test(datum, value)), None)
            if passed is None:
                continue
            print(f"tfdbg: {datum.tensor_name} ({op.type}) passes {passed}: {summarize(value)}\n  made at {op.site}")
            for tensor, given in zip(op.inputs, inputs, strict=True):
                print(f"  from {tensor.name}: {summarize(given)}")
            if sys.stdin.isatty():
                pause(op, inputs, outputs)


class LocalCLIDebugWrapperSession(_Filters):
    """A session whose runs are looked at. All but the session and its filters is accepted and not used."""

    def __init__(self, sess: Any, dump_root: str | None = None, log_usage: bool = True, ui_type: str = "curses",
                 thread_name_filter: Any = None, config_file_path: Any = None):
        super().__init__()
        self.session = sess

    def add_tensor_filter(self, filter_name: str, tensor_filter: Filter) -> None:
        super().add_tensor_filter(filter_name, tensor_filter)
        self.watch(self.session)

    def _tf_sess(self) -> Any:
        return self.session

    def __enter__(self) -> LocalCLIDebugWrapperSession:
        self.session.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.session.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


class LocalCLIDebugHook(_Filters, SessionRunHook):
    """The same for a MonitoredSession or an Estimator."""

    def __init__(self, ui_type: str = "curses", dump_root: str | None = None, thread_name_filter: Any = None,
                 config_file_path: Any = None):
        super().__init__()

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.watch(session)
