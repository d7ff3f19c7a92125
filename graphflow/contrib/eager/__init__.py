"""`tf.contrib.eager`: ops that run at once, and functions that give gradients of Python functions."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ... import app, errors
from ...compiler.ir import Graph
from ...compiler.ops.constant import convert_to_tensor
from ...custom_gradients import custom_gradient
from ...data.iterator import EagerIterator as Iterator
from ...devices import list_logical_devices
from ...eager_mode import enable_eager_execution, executing_eagerly, function
from ...gradient_tape import GradientTape
from ...script_ops import py_func
from ...template import make_template
from ...tensor_spec import TensorSpec
from ...training.checkpoint import Checkpoint
from ...variables import Variable
from . import metrics
from .networks import Network, Sequential
from .saving import Saver, get_optimizer_variables, restore_network_checkpoint, save_network_checkpoint
from .stores import EagerVariableStore

__all__ = ["Checkpoint", "EagerVariableStore", "GradientTape", "Iterator", "Network", "Saver", "Sequential",
           "TensorSpec", "Variable", "custom_gradient", "defun", "enable_eager_execution", "errors",
           "executing_eagerly", "function", "get_optimizer_variables", "gradients_function", "implicit_gradients",
           "implicit_value_and_gradients", "in_eager_mode", "in_graph_mode", "list_devices", "make_template", "metrics",
           "num_gpus", "py_func", "restore_network_checkpoint", "run", "run_all_tests_in_graph_and_eager_modes",
           "run_test_in_graph_and_eager_modes", "save_network_checkpoint", "value_and_gradients_function"]

in_eager_mode = executing_eagerly
defun = function


def in_graph_mode() -> bool:
    """Whether ops make graph."""
    return not executing_eagerly()


def run(main: Callable[..., Any] | None = None, argv: Sequence[str] | None = None) -> None:
    """`tf.app.run` where ops run at once."""
    enable_eager_execution()
    app.run(main, None if argv is None else list(argv))


def list_devices() -> list[str]:
    """The names of the devices: the CPU."""
    return [device.name for device in list_logical_devices()]


def num_gpus() -> int:
    """0: there is none."""
    return 0


def implicit_value_and_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that calls `f` and returns (its value, [(gradient, variable)] for the trainable variables it used).

    Raises ValueError when it used none.
    """
    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        with GradientTape() as tape:
            value = f(*args, **kwargs)
        if value is None:
            raise ValueError("Cannot differentiate a function that returns None; did you forget to return a value from "
                             f"{getattr(f, '__name__', f)}?")
        variables = tape.watched_variables()
        if not variables:
            raise ValueError("No trainable variables were accessed while the function was being computed.")
        return value, list(zip(tape.gradient(value, variables), variables, strict=True))

    return call


def implicit_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns [(gradient, variable)] for the trainable variables that `f` used."""
    both = implicit_value_and_gradients(f)

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return call


def value_and_gradients_function(f: Callable[..., Any], params: Sequence[Any] | None = None) -> Callable[..., Any]:
    """A function that calls `f` and returns (its value, the gradients for its arguments).

    `params` chooses arguments by name or position; `dy` weights the value. Raises ValueError for others.
    """
    names = list(inspect.signature(f).parameters)
    if params is not None and not all(p in names if isinstance(p, str) else 0 <= p < len(names) for p in params):
        raise ValueError(f"params must be names or positions of the arguments {names}, received {list(params)}")
    chosen = None if params is None else [names.index(p) if isinstance(p, str) else p for p in params]

    @functools.wraps(f)
    def call(*args: Any, dy: Any = None) -> Any:
        tensors = [convert_to_tensor(a) for a in args]
        sources = tensors if chosen is None else [tensors[i] for i in chosen]
        with GradientTape() as tape:
            for source in sources:
                tape.watch(source)
            value = f(*tensors)
        return value, tape.gradient(value, sources, dy)

    return call


def gradients_function(f: Callable[..., Any], params: Sequence[Any] | None = None) -> Callable[..., Any]:
    """A function that returns the gradients of `f` for its arguments, see `value_and_gradients_function`."""
    both = value_and_gradients_function(f, params)

    @functools.wraps(f)
    def call(*args: Any, dy: Any = None) -> Any:
        return both(*args, dy=dy)[1]

    return call


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
