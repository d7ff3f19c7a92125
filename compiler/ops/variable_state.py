"""Ops that ask the session for a variable rather than read it: whether it has a value, and counting up to a limit."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import bool_, int32, int64, string
from ..errors import FailedPreconditionError, OutOfRangeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .arguments import check_dtype
from .resources import resource_op
from .texts import texts


def _named(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> str:
    """The variable's name as an attribute: the reference gets no handle."""
    attrs["variable"] = inputs[0].op.name
    return attrs["variable"]


def _is_initialized_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    _named(inputs, attrs)
    return [TensorType(bool_, ())]


is_variable_initialized = resource_op(
    "IsVariableInitialized", _is_initialized_types,
    lambda handle, variable, session: np.bool_(session.store.value(variable) is not None))


def _report_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    attrs["variables"] = tuple(t.op.name for t in inputs)
    return [TensorType(string, (dm.fresh(),))]


def _report(*handles: Any, variables: tuple[str, ...], session: Any) -> np.ndarray:
    return texts([name.encode() for name in variables if session.store.value(name) is None])


# the names of those of the variables that have no value
report_uninitialized = resource_op("ReportUninitialized", _report_types, _report)


def _initialized_value_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    _named(inputs, attrs)
    return [inputs[1].type]


def _initialized_value(handle: Any, initial: np.ndarray, variable: str, session: Any) -> np.ndarray:
    value = session.store.value(variable)
    return initial if value is None else value.copy()


# (variable, initial value): what the variable holds, the initial value when it holds nothing
initialized_value = OpDef("InitializedValue", HOST, _initialized_value_types, lambda op, g: (None, g),
                          _initialized_value, stateful=True, fields={"resource": True})


def _count_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    _named(inputs, attrs)
    check_dtype("CountUpTo", inputs[0], (int32, int64))
    return [TensorType(inputs[0].dtype, ())]


def _count(handle: Any, limit: int, variable: str, session: Any) -> np.ndarray:
    with session.store.lock:
        value = session.store.value(variable)
        if value is None:
            raise FailedPreconditionError(f"Attempting to use uninitialized value {variable}")
        if value >= limit:
            raise OutOfRangeError(f"Reached limit of {limit}")
        before = value.copy()
        value += 1
        return before


# adds 1 to a variable and gives what it was before; ends with OutOfRangeError at the limit
count_up_to = resource_op("CountUpTo", _count_types, _count)
