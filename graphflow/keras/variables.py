"""Keras variables: graph variables that can also be read and set like values."""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import variables as graph_variables
from ..compiler.dtypes import as_dtype
from ..compiler.ir import Operation, Tensor, default_graph
from ..compiler.ops.constant import as_array, convert_to_tensor
from ..compiler.ops.elementwise import cast
from ..compiler.ops.state import assign, read_variable, variable_handle
from ..compiler.ops.view import stop_gradient
from ..compiler.shapes import TensorShape
from ..compiler.subgraph import enclosing, lifted
from ..framework import GraphKeys
from ..variable_kinds import VariableAggregation, VariableSynchronization
from . import backend, initializers
from .naming import auto_name
from .scope import autocast_dtype, current_scope


class Variable(graph_variables.Variable):
    """A named array that graphs read and assign.

    `initializer` is a value, or a callable of (shape, dtype) for which `shape` must be given. Inside a StepScope
    `assign` is part of the step. Outside, assigning a concrete value takes effect at once, and assigning a tensor
    returns the operation that does it, as in TensorFlow 1.
    """

    overwrite_with_gradient = False  # whether what optimizers take for its gradient is its next value

    def __init__(self, initializer: Any, shape: Any = None, dtype: Any = None, trainable: bool = True,
                 name: str | None = None, regularizer: Any = None, constraint: Any = None, autocast: bool = True):
        self._name = name or auto_name(type(self).__name__)
        self.trainable, self.autocast = trainable, autocast
        self.regularizer = regularizer
        self.constraint = constraint
        self.synchronization = VariableSynchronization.AUTO
        self.aggregation = VariableAggregation.NONE
        with lifted(symbolic=True) as graph, graph.name_scope(self._name) as scope:
            self.initial, dims, element = self._initial(initializer, shape, dtype)
            self.handle = variable_handle(dtype=element, dims=dims, name=scope)
            self._graph_read = read_variable(self.handle, name="read")
        for key in (GraphKeys.GLOBAL_VARIABLES, backend.VARIABLES):
            graph.add_to_collection(key, self)
        if trainable:
            graph.add_to_collection(GraphKeys.TRAINABLE_VARIABLES, self)

    def _initial(self, initializer: Any, shape: Any, dtype: Any) -> tuple[Any, tuple[int, ...], Any]:
        """(the initial value, an array or the graph that draws it; shape; dtype)."""
        if not callable(initializer):
            if dtype is None:
                dtype = getattr(initializer, "dtype", None)  # an array keeps its own
            if dtype is None and np.asarray(initializer).dtype.kind == "f":
                dtype = backend.floatx()
            value = np.array(as_array(initializer, None if dtype is None else as_dtype(dtype)))
            return value, value.shape, as_dtype(value.dtype)
        if shape is None:
            raise ValueError(f"Variable {self._name!r}: an initializer needs a shape.")
        element = as_dtype(dtype or backend.floatx())
        sizes = TensorShape(shape).as_list()
        if None in sizes:
            raise ValueError(f"Variable {self._name!r}: the shape must be fully defined. Received: shape={sizes}")
        dims = tuple(d for d in sizes if d is not None)
        if isinstance(initializer, initializers.Constant):
            return initializer.array(dims, element), dims, element
        value = initializer(dims, dtype=element)
        return (value if isinstance(value, Tensor) else np.array(value, element.np)), dims, element

    if TYPE_CHECKING:
        def __add__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...

    @property
    def name(self) -> str:
        return self._name

    @property
    def path(self) -> str:
        """The name within the layers that own the variable."""
        return self.handle.op.name

    @property
    def shape(self) -> Any:
        return tuple(self.handle.dims or ())

    _keras_shape = shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def _read(self) -> Tensor:
        if enclosing(default_graph()).borrows:
            backend.get_session(self.graph)  # it has a value from now on
        return super()._read

    def _as_graph_element(self) -> Tensor:
        scope, wanted = current_scope(), autocast_dtype() if self.autocast else None
        value = scope.values.get(self, self._read) if scope else self._read
        return cast(value, wanted) if wanted is not None and value.dtype.is_floating else value

    @property
    def value(self) -> Any:
        """The tensor that reads the variable (within a step: what the step has made of it so far), which may be called
        too: `value()` is Keras 2's way."""
        return Reading.of(self)

    @functools.cached_property
    def initial_value(self) -> Any:  # type: ignore[override]
        with self.graph.as_default():
            return convert_to_tensor(self.initial)

    @functools.cached_property
    def initializer(self) -> Any:  # type: ignore[override]
        """The operation that assigns the initial value: one, which a finalized graph has too."""
        with self.graph.as_default():
            initial: Operation = assign(self.handle, self.initial_value).op
        return initial

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        scope = current_scope()
        if self._is_set_now(value):
            backend.set_value(self, value)
            return self
        tensor = convert_to_tensor(value) if _symbolic(value) else convert_to_tensor(
            np.array(np.broadcast_to(np.asarray(value, self.dtype.np), self.shape)))
        tensor = cast(tensor, self.dtype)
        if not tensor.shape.is_compatible_with(self.shape):
            raise ValueError(f"The shape of the target variable and the shape of the target value in `variable.assign"
                             f"(value)` must match. variable.shape={self.shape}, Received: value.shape={tensor.shape}. "
                             f"Target variable: {self}")
        if scope is None:
            return assign(self.handle, tensor, name=name)
        scope.values[self] = stop_gradient(tensor)  # what is read from now on is a value, as after any assignment
        return tensor

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        if self._is_set_now(delta):
            return self.assign(self.numpy() + np.asarray(delta))
        return self.assign(self.value() + self._operand(delta))

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        if self._is_set_now(delta):
            return self.assign(self.numpy() - np.asarray(delta))
        return self.assign(self.value() - self._operand(delta))

    def _is_set_now(self, value: Any) -> bool:
        """Whether an assignment is no operation of a step or function."""
        return current_scope() is None and not _symbolic(value) and enclosing(default_graph()).home is None

    def _operand(self, value: Any) -> Tensor:
        return cast(convert_to_tensor(value, None if _symbolic(value) else self.dtype), self.dtype)

    def numpy(self) -> np.ndarray:
        """A copy of the current value."""
        return backend.get_value(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype.name}>"


class Reading(Variable):
    """The value that a variable has at some moment: a property of it in Keras 3, a method in Keras 2."""

    _variable: Variable
    _tensor: Tensor

    @staticmethod
    def of(variable: Variable) -> Reading:
        reading = object.__new__(Reading)
        reading._variable, reading._tensor = variable, variable._as_graph_element()
        return reading

    def __call__(self) -> Tensor:
        return self._tensor

    value = _as_graph_element = __call__

    @property
    def dtype(self) -> Any:
        return self._tensor.dtype

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        return self._variable.assign(value, use_locking, name, read_value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._variable, name)


class Adopted(Variable):
    """A variable of TensorFlow's as one of Keras's: the same state."""

    def __init__(self, variable: graph_variables.Variable):
        self._variable = variable
        self._name, self.trainable, self.autocast = variable.op.name, variable.trainable, False
        self.regularizer, self.constraint = None, variable.constraint
        self.initial = variable.initial_value

    @property
    def handle(self) -> Tensor:  # type: ignore[override]
        return self._variable.handle

    @property
    def _graph_read(self) -> Tensor:  # type: ignore[override]
        return self._variable._graph_read

    @property
    def _read(self) -> Tensor:
        return super()._read if enclosing(default_graph()).borrows else self._variable._read


def adopted(variable: graph_variables.Variable) -> Variable:
    """Keras's view of a variable, always the same."""
    if isinstance(variable, Variable):
        return variable
    held = vars(variable)
    if "_keras_variable" not in held:
        held["_keras_variable"] = Adopted(variable)
    view: Variable = held["_keras_variable"]
    return view


def _symbolic(value: Any) -> bool:
    return isinstance(value, (Tensor, graph_variables.Variable))
