"""`tf.contrib.eager`, of which libraries for both modes use these while graphs are built."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..compiler.ir import Graph
from ..devices import list_logical_devices
from ..script_ops import py_func
from ..switches import executing_eagerly
from ..variables import Variable

__all__ = ["Variable", "executing_eagerly", "in_eager_mode", "list_devices", "num_gpus", "py_func",
           "run_all_tests_in_graph_and_eager_modes", "run_test_in_graph_and_eager_modes"]

in_eager_mode = executing_eagerly


def list_devices() -> list[str]:
    """The names of the devices: the CPU."""
    return [device.name for device in list_logical_devices()]


def num_gpus() -> int:
    """0: there is none."""
    return 0


def run_test_in_graph_and_eager_modes(func: Callable[..., Any] | None = None, **_: Any) -> Any:
    """A decorator: the test runs in a graph of its own, with a session as default."""
    if func is None:
        return run_test_in_graph_and_eager_modes
    test = func

    @functools.wraps(test)
    def run(self: Any, *args: Any, **kwargs: Any) -> None:
        with Graph().as_default(), self.test_session():
            test(self, *args, **kwargs)

    return run


def run_all_tests_in_graph_and_eager_modes(cls: type) -> type:
    """A decorator: `run_test_in_graph_and_eager_modes` for each test of the class."""
    for name, value in list(vars(cls).items()):
        if name.startswith("test") and callable(value):
            setattr(cls, name, run_test_in_graph_and_eager_modes(value))
    return cls
