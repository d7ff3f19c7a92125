"""Scopes of programs: of names, of devices, of state kept apart."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ..compiler.ir import Tensor, default_graph
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast
from .scope import StepScope, outside_steps
from .variables import Variable


class name_scope:
    """What is made within the block gets names that begin with `name`. Raises ValueError for a name with a slash.

    The other arguments, for layers of Keras itself, are accepted.
    """

    def __init__(self, name: str, **kwargs: Any):
        if not isinstance(name, str) or "/" in name:
            raise ValueError("Argument `name` must be a string and cannot contain character `/`. Received: "
                             f"name={name}")
        self.name = name
        self._entered: list[Any] = []

    def __enter__(self) -> name_scope:
        scope = default_graph().name_scope(self.name)
        scope.__enter__()
        self._entered.append(scope)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._entered.pop().__exit__(*exception)


@contextlib.contextmanager
def device(device_name: str) -> Iterator[None]:
    """Accepted: everything runs on the processor. Raises ValueError for what is no name."""
    if not isinstance(device_name, str):
        raise ValueError(f"`device_name` should be a string. Received: device_name={device_name}")
    yield


class StatelessScope(StepScope):
    """Within the block variables have the values of `state_mapping`, and what is assigned to them is kept here.

    `state_mapping` are pairs (variable, value). `collect_losses` and `initialize_variables` are accepted. Raises
    ValueError for other than variables, and values of other shapes.
    """

    def __init__(self, state_mapping: Sequence[tuple[Variable, Any]] | None = None, collect_losses: bool = False,
                 initialize_variables: bool = True):
        super().__init__()
        for variable, value in state_mapping or ():
            if not isinstance(variable, Variable):
                raise ValueError("Invalid reference variable in StatelessScope: all keys in argument `mapping` must be "
                                 f"Variable instances. Received instead: {variable}")
            self.add_update((variable, value))

    def add_loss(self, loss: Any) -> None:
        """Add a loss to those of the scope."""
        self.losses.append(convert_to_tensor(loss))

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Give a variable a value within the scope."""
        variable, value = update
        tensor = cast(convert_to_tensor(value), variable.dtype)
        if not tensor.shape.is_compatible_with(variable.shape):
            raise ValueError("Invalid variable value in StatelessScope: all values in argument `mapping` must have the "
                             f"shape of their variable. Received: value.shape={tensor.shape}, variable={variable}")
        self.values[variable] = tensor

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value that a variable has within the scope, None if it was given none."""
        return self.values.get(variable)


class SymbolicScope:
    """A block in which layers are called for their shapes alone."""

    def __enter__(self) -> SymbolicScope:
        self._outside = outside_steps()
        self._outside.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._outside.__exit__(*exception)
