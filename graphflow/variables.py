"""Variables: state that lives in a session and is changed by assignments."""
from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from . import variable_operators
from .compiler.dtypes import DType, as_dtype
from .compiler.ir import Graph, Operation, Tensor, default_graph
from .compiler.opdef import OpDef
from .compiler.ops import scatter, state, variable_state
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.gather import IndexedSlices, gather
from .compiler.ops.positions import gather_nd
from .compiler.ops.view import broadcast_to, shape_of
from .compiler.shapes import TensorShape, format_dims
from .compiler.subgraph import enclosing, lifted, take_value
from .framework import GraphKeys, name_scope
from .initialized import initialized
from .variable_kinds import AsNumber, SaveSliceInfo, VariableAggregation, VariableDef, VariableSynchronization
from .variable_rows import change_rows, change_slices, handle_of


class Variable(AsNumber):
    """A tensor that keeps its value between runs, in each session for itself.

    It can be used wherever a tensor can, and then stands for the value from before the run's assignments, unless
    `read_value` is called where control dependencies order it after one. `initial_value` is a value, a tensor, or a
    function without arguments, which needs no `dtype` but is called within the variable's name scope. Raises ValueError
    when the initial value's shape is not known, unless `validate_shape` is False.
    """

    __array_priority__ = 100  # NumPy arrays leave mixed arithmetic to us
    SaveSliceInfo = SaveSliceInfo
    _save_slice_info: SaveSliceInfo | None = None  # type: ignore[valid-type]

    def __init__(self, initial_value: Any = None, trainable: bool | None = True, collections: Any = None,
                 validate_shape: bool = True, caching_device: Any = None, name: str | None = None,
                 variable_def: Any = None, dtype: Any = None, expected_shape: Any = None,
                 import_scope: str | None = None, constraint: Callable[[Tensor], Tensor] | None = None,
                 use_resource: bool | None = None, synchronization: Any = None, aggregation: Any = None,
                 shape: Any = None):
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._from_def(variable_def, import_scope)
            return
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if collections is None:
            collections = [GraphKeys.GLOBAL_VARIABLES]
        if not isinstance(collections, (list, tuple, set)):
            raise ValueError(f"collections argument to Variable constructor must be a list, tuple, or set. "
                             f"Got {collections} of type {type(collections)}")
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self.synchronization = VariableSynchronization(synchronization or VariableSynchronization.AUTO)
        self.aggregation = VariableAggregation(aggregation or VariableAggregation.NONE)
        on_read = self.synchronization is VariableSynchronization.ON_READ
        if on_read and trainable:
            raise ValueError("Synchronization value can be set to VariableSynchronization.ON_READ only for "
                             "non-trainable variables. You have specified trainable=True and "
                             "synchronization=VariableSynchronization.ON_READ.")
        self.trainable = not on_read if trainable is None else bool(trainable)
        self.constraint = constraint
        if self.trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        with lifted() as graph, graph.name_scope(name or "Variable") as scope:
            if callable(initial_value):
                with graph.name_scope("Initializer"):
                    value = convert_to_tensor(initial_value(), _dtype(dtype), name="initial_value")
            else:
                value = convert_to_tensor(initial_value, _dtype(dtype), name="initial_value")
            static = value.shape if shape is None else TensorShape(shape)
            if validate_shape and not static.is_fully_defined():
                raise ValueError(f"initial_value must have a shape specified: {value!r}")
            self.initial_value = value
            self.handle = state.variable_handle(dtype=value.dtype, dims=static.dims if validate_shape else None,
                                                name=scope)
            self.initializer = state.assign.operation(self.handle, initialized(value), name="Assign",
                                                      validate_shape=validate_shape)
            self._graph_read = state.read_variable(self.handle, name="read")
        for key in collections:
            graph.add_to_collection(key, self)

    def _from_def(self, variable_def: VariableDef, import_scope: str | None) -> None:
        """The variable of operations that are in the graph already."""
        graph = default_graph()
        prefix = f"{import_scope}/" if import_scope else ""
        self.handle = graph.get_tensor_by_name(prefix + variable_def.variable_name)
        self.initializer = graph.get_operation_by_name(prefix + variable_def.initializer_name)
        self.initial_value = graph.get_tensor_by_name(prefix + variable_def.initial_value_name)
        self._graph_read = graph.get_tensor_by_name(prefix + variable_def.snapshot_name)
        self.trainable = variable_def.trainable
        self.constraint = None
        self.synchronization = VariableSynchronization(variable_def.synchronization)
        self.aggregation = VariableAggregation(variable_def.aggregation)

    @classmethod
    def from_proto(cls, variable_def: VariableDef, import_scope: str | None = None) -> Variable:
        """The variable that `to_proto` told of, in the default graph, below `import_scope`."""
        return cls(variable_def=variable_def, import_scope=import_scope)

    def to_proto(self, export_scope: str | None = None) -> VariableDef | None:
        """The names of the variable's operations; None outside `export_scope`, whose name is left off."""
        prefix = f"{export_scope}/" if export_scope else ""
        if not self.name.startswith(prefix):
            return None
        name, initial, initializer, read = (
            n.removeprefix(prefix)
            for n in (self.name, self.initial_value.name, self.initializer.name, self._read.name))
        return VariableDef(name, initial, initializer, read, self.trainable, self.synchronization.value,
                           self.aggregation.value)

    # what it is

    @property
    def op(self) -> Operation:
        return self.handle.op

    @property
    def name(self) -> str:
        return self.handle.name

    @property
    def graph(self) -> Graph:
        return self.handle.graph

    @property
    def dtype(self) -> DType:
        return self.handle.dtype

    @property
    def shape(self) -> TensorShape:
        return self.handle.shape

    def get_shape(self) -> TensorShape:
        return self.handle.shape

    def set_shape(self, shape: Any) -> None:
        self.handle.set_shape(shape)
        self._read.set_shape(shape)

    @property
    def device(self) -> str:
        return self.op.device

    @property
    def _shared_name(self) -> str:
        return self.op.name

    def _ref(self) -> Tensor:
        return self.handle

    def ref(self) -> Variable:
        """What stands for the variable in sets and as a key: itself."""
        return self

    experimental_ref = deref = ref

    @property
    def _read(self) -> Tensor:
        """The variable read once in a graph, and in each iteration of a loop that changes it; where ops run at once,
        read again."""
        here: Any = enclosing(default_graph())
        if self.graph.eager and not here.borrows:
            self.graph.give(self, here)  # type: ignore[attr-defined]
        return here.read(self) if here.borrows else take_value(self._graph_read)

    def _as_graph_element(self) -> Tensor:
        return self._read

    def numpy(self) -> Any:
        """The value, where ops run at once. Raises NotImplementedError in a graph."""
        if not (self.graph.eager or default_graph().eager):
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        return self._read.numpy()  # type: ignore[attr-defined]

    # its value

    def value(self) -> Tensor:
        """The value from before the assignments of the run; in a loop, from before those of the iteration."""
        return self._read

    def read_value(self) -> Tensor:
        """The value after the operations that control dependencies put before this call."""
        if self.graph.eager:
            return self._read
        return state.read_variable(self.handle, name="read")

    def initialized_value(self) -> Tensor:
        """What the variable holds, or its initial value where it holds nothing yet: for initializing another variable
        from this one, in the same run or later."""
        with lifted():
            return variable_state.initialized_value(self.handle, initialized(self.initial_value))

    def is_initialized(self, name: str | None = None) -> Tensor:
        """Whether the variable has a value."""
        return variable_state.is_variable_initialized(self.handle, name=name)

    def eval(self, session: Any = None) -> Any:
        """The value in `session` (default: the default session)."""
        return _session(session).run(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Set the value in `session` (default: the default session) without adding to the graph."""
        _session(session).run(self.initializer, {self.initializer.inputs[1]: value})

    # changing it

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Set the variable; the result is the new value (the operation when `read_value` is False)."""
        new = assign(self, value, name=name)
        return new if read_value else new.op

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        """Add `delta`; the result is the new value (the operation when `read_value` is False)."""
        new = assign_add(self, delta, name=name)
        return new if read_value else new.op

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None,
                   read_value: bool = True) -> Any:
        """Subtract `delta`; the result is the new value (the operation when `read_value` is False)."""
        new = assign_sub(self, delta, name=name)
        return new if read_value else new.op

    def count_up_to(self, limit: int) -> Tensor:
        """Add 1; the result is the value before. OutOfRangeError when the variable has reached `limit`."""
        return variable_state.count_up_to(self.handle, limit=limit)

    # rows; `sparse_delta` is IndexedSlices

    def _change_rows(self, op: OpDef, sparse_delta: Any, name: str | None) -> Tensor:
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta!r}")
        return change_rows(op, self, sparse_delta.indices, sparse_delta.values, name)

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Store the values at their indices, one after another."""
        return self._change_rows(scatter.scatter_update, sparse_delta, name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return self._change_rows(scatter.scatter_add, sparse_delta, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return self._change_rows(scatter.scatter_sub, sparse_delta, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return self._change_rows(scatter.scatter_mul, sparse_delta, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return self._change_rows(scatter.scatter_div, sparse_delta, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return self._change_rows(scatter.scatter_min, sparse_delta, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return self._change_rows(scatter.scatter_max, sparse_delta, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Store `updates` at the positions in the last axis of `indices`."""
        return change_slices(scatter.scatter_update, self, indices, updates, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        return change_slices(scatter.scatter_add, self, indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        return change_slices(scatter.scatter_sub, self, indices, updates, name)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows at `indices`."""
        return gather(self, indices, name=name or "GatherV2")

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements or slices at the positions in the last axis of `indices`."""
        return gather_nd(self, indices, name=name or "GatherNd")

    def __getitem__(self, key: Any) -> Tensor:
        """A part of the value. Its `assign(value)` changes that part of the variable."""
        part = self.value()[key]
        _parts[part] = self, key
        return part

    def __repr__(self) -> str:
        if self.graph.eager or default_graph().eager:
            return (f"<tf.Variable '{self.name}' shape={format_dims(self.shape.dims)} dtype={self.dtype.name}, "
                    f"numpy={self.numpy()!r}>")
        return f"<tf.Variable '{self.name}' shape={format_dims(self.shape.dims)} dtype={self.dtype.name}_ref>"

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Any:
        raise TypeError("'Variable' object is not iterable.")


variable_operators.install(Variable)


# parts of variables made by indexing: (variable, key)
_parts: weakref.WeakKeyDictionary[Tensor, tuple[Variable, Any]] = weakref.WeakKeyDictionary()


def _assign_part(part: Tensor) -> Callable[..., Tensor]:
    """`variable[key].assign(value)`: store `value`, broadcast to the part's shape, in that part of the variable."""
    if part not in _parts:
        raise AttributeError(f"{part!r} has no attribute 'assign': only variables and their parts are assigned to")
    variable, key = _parts[part]

    def assign_(value: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        dims = variable.shape.as_list()
        count = int(np.prod(dims, dtype=np.int64))  # type: ignore[arg-type]
        with name_scope(name, "strided_slice/_assign"):
            positions = convert_to_tensor(np.arange(count, dtype=np.int64).reshape(dims))[key]
            new = broadcast_to(convert_to_tensor(value, variable.dtype), shape_of(positions))
            return scatter.scatter_update(variable.handle, positions, new, depth=len(dims))

    return assign_


Tensor.assign = property(_assign_part)  # type: ignore[attr-defined]


def _dtype(dtype: Any) -> DType | None:
    return None if dtype is None else as_dtype(dtype)


def _session(session: Any) -> Any:
    from .session import chosen  # a light import of graphflow leaves the runtime out
    return chosen(session, "evaluate a variable")


# assignments


def current_value(ref: Any) -> Tensor:
    """The value for an update: read anew where control dependencies or a loop could put an assignment before it."""
    graph = default_graph()
    if isinstance(ref, Variable) and not graph._control_stack and graph.outer is None:
        return ref.value()
    return state.read_variable(handle_of(ref), name="read")


def assign(ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None,
           name: str | None = None) -> Tensor:
    """Store `value` in a variable; the result is the new value.

    `ref` may be a part of a variable, `variable[key]`. Raises TypeError for another dtype, ValueError for another
    shape unless `validate_shape` is False.
    """
    if isinstance(ref, Tensor) and ref in _parts:
        return _assign_part(ref)(value, name=name)
    handle = handle_of(ref)
    return state.assign(handle, convert_to_tensor(value, handle.dtype), name=name or "Assign",
                        validate_shape=validate_shape is not False)


def _update(op: OpDef, ref: Any, delta: Any, name: str | None) -> Tensor:
    handle = handle_of(ref)
    return op(handle, convert_to_tensor(delta, handle.dtype), name=name or op.name)


def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Add `value`, of the variable's shape, to a variable; the result is the new value."""
    return _update(state.assign_add, ref, value, name)


def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Tensor:
    """Subtract `value`, of the variable's shape, from a variable; the result is the new value."""
    return _update(state.assign_sub, ref, value, name)
