"""The graph: operations and the tensors between them. The same classes serve the user's graph and every pass."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .dtypes import DType
from .graph_collections import Collections
from .growth import Growth
from .names import Names
from .shapes import Dims, TensorShape, format_dims
from .site import Site, user_site

if TYPE_CHECKING:
    from .opdef import OpDef
    from .passes.chain import Chain


class TensorType(NamedTuple):
    """Element type and static shape (None: unknown rank)."""

    dtype: DType
    dims: Dims | None

    def __str__(self) -> str:
        return f"{self.dtype.name}{format_dims(self.dims)}"


class Tensor:
    """One output of an operation: a symbolic value. Arithmetic operators build graph (see ops/operators.py)."""

    __slots__ = ("__dict__", "__weakref__", "_keras_history", "_keras_mask", "_shape_class", "dims", "dtype", "index",
                 "op")  # __dict__: what programs note on a tensor
    __array_priority__ = 100  # NumPy arrays leave mixed arithmetic to us
    OVERLOADABLE_OPERATORS: set[str]
    eager_value: np.ndarray | None = None  # what it is, where ops run at once

    def __init__(self, op: Operation, index: int, dtype: DType, dims: Dims | None):
        self.op = op
        self.index = index
        self.dtype = dtype
        self.dims = dims

    @property
    def name(self) -> str:
        return f"{self.op.name}:{self.index}"

    @property
    def graph(self) -> Graph:
        return self.op.graph

    @property
    def type(self) -> TensorType:
        return TensorType(self.dtype, self.dims)

    @property
    def shape(self) -> TensorShape:
        return getattr(self, "_shape_class", TensorShape)(self.dims)

    def get_shape(self) -> TensorShape:
        return TensorShape(self.dims)

    def set_shape(self, shape: Any) -> None:
        """State what is known about the shape. Raises ValueError if it conflicts with what is known already."""
        self.dims = self.shape.merge_with(shape).dims

    @property
    def device(self) -> str:
        return self.op.device

    def consumers(self) -> list[Operation]:
        return [op for op in self.graph.operations if self in op.inputs]

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={format_dims(self.dims)} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self.dims is None else f" shape={format_dims(self.dims)},"
        return f'Tensor("{self.name}",{shape} dtype={self.dtype.name})'

    def __bool__(self) -> bool:
        raise TypeError(
            f"Using the symbolic tensor {self.name!r} as a Python bool is not allowed: it has a value only when a "
            "Session runs. Use `if t is not None:` to test for a tensor, cond() or where() to branch on its value, and "
            f"while_loop() to repeat while it holds. ({user_site()})")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise NotImplementedError(f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array: it has a value "
                                  "only when a Session runs.")

    def __iter__(self) -> Iterator[Tensor]:
        if self.dims is None or not self.dims or not isinstance(self.dims[0], int):
            raise TypeError(f"Tensor {self.name!r} of shape {format_dims(self.dims)} is not iterable: its first "
                            f"dimension is not known while the graph is built. Use map_fn() or while_loop(). "
                            f"({user_site()})")
        return (self[i] for i in range(self.dims[0]))

    if TYPE_CHECKING:
        def __getitem__(self, key: Any) -> Tensor: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...


class Operation:
    """A node: an op definition applied to inputs, under a unique name. Immutable but for added control inputs."""

    __slots__ = ("__weakref__", "attrs", "control_inputs", "definition", "device", "gradient_of", "gradient_type",
                 "graph", "inputs", "name", "outputs", "site")

    def __init__(self, graph: Graph, definition: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any], name: str,
                 types: Iterable[TensorType], control_inputs: Sequence[Operation], site: Site | None):
        self.graph = graph
        self.definition = definition
        self.inputs = tuple(inputs)
        self.attrs = attrs
        self.gradient_of: Operation | None = None  # what it was made for the gradient of
        self.gradient_type: str | None = None  # a registered gradient to use in place of the definition's
        self.name = name
        self.device = ""  # what tf.device said; everything runs on the CPU
        self.control_inputs = tuple(control_inputs)
        self.site = site
        self.outputs = tuple(Tensor(self, i, t[0], t[1]) for i, t in enumerate(types))

    @property
    def type(self) -> str:
        return self.definition.name

    @property
    def output(self) -> Tensor:
        """The only output."""
        output, = self.outputs
        return output

    def values(self) -> tuple[Tensor, ...]:
        return self.outputs

    def _add_control_input(self, op: Operation) -> None:
        self._add_control_inputs([op])

    def _add_control_inputs(self, ops: Iterable[Operation]) -> None:
        self.control_inputs += tuple(op for op in ops if op not in self.control_inputs)

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"


class Graph(Names, Collections):
    """A list of operations in an order in which they can run.

    `inputs` (what is fed), `outputs` (what is fetched) and `targets` (operations run for their effect) are set on the
    graphs that passes work on; there, ops that a pass makes take the creation site of the op they replace.
    """

    outer: Graph | None = None  # the graph around a branch or a loop's body (see subgraph.py)
    home: Graph | None = None  # of a graph made by a function: where the program's variables are
    eager = False  # whether ops run when they are added
    borrows = False  # whether ops here can use the variables of other graphs
    ordered = False  # whether ops with effects run in the order in which they are made, used or not

    def __init__(self) -> None:
        Names.__init__(self)
        Collections.__init__(self)
        self.operations: list[Operation] = []
        self.inputs: tuple[Tensor, ...] = ()
        self.outputs: tuple[Tensor, ...] = ()
        self.targets: tuple[Operation, ...] = ()
        self.chains: list[Chain] = []  # of a compiled graph
        self.seed: int | None = None
        self.finalized = False
        self.runs = 0  # of sessions
        self.version = 0
        self._by_name: dict[str, Operation] = {}
        self._site: Site | None = None
        self._differentiated: Operation | None = None
        self._finalized_at: Site | None = None
        self._growth = Growth()
        self._control_stack: list[Operation] = []
        self.place: Callable[[Operation], None] | None = None  # sets the device of each new operation
        self._gradient_types: dict[str, str] = {}
        self._lock = threading.RLock()

    @property
    def symbolic(self) -> Graph:
        """Where tensors without values are made: here, unless ops run at once."""
        return self

    # building

    def add(self, definition: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any], name: str | None = None,
            types: Iterable[TensorType] | None = None, control_inputs: Sequence[Operation] | None = None,
            site: Site | None = None) -> Operation:
        """Append an operation. `types` default to what the op's shape rule infers."""
        if self.finalized:
            raise RuntimeError(f"Graph is finalized and cannot be modified: an op of type {definition.name} is added "
                               f"at {user_site()}, finalize() was called at {self._finalized_at}.")
        inputs = [self.adopt(t) for t in inputs]
        if types is None:
            types = definition.infer(inputs, attrs)
        if control_inputs is None:
            control_inputs = self._control_stack
        with self._lock:
            unique = self.unique_name(name or definition.name)
            if unique in self._by_name:
                raise ValueError(f"Duplicate node name in graph: '{unique}'")
            site = site or self._site or user_site()
            op = Operation(self, definition, inputs, attrs, unique, types, control_inputs, site)
            op.gradient_type, op.gradient_of = self._gradient_types.get(definition.name), self._differentiated
            if self.place is not None:
                self.place(op)
            self.operations.append(op)
            self._by_name[op.name] = op
            self.version += 1
        if self.runs:
            self._growth.note(site, self.runs, len(self.operations))
        return op

    def adopt(self, tensor: Tensor) -> Tensor:
        """What stands here for the tensor: itself, of another graph (unless this is a sub-graph of it) nothing."""
        if tensor.op.graph is self:
            return tensor
        if tensor.eager_value is not None:
            return tensor.copied_to(self)  # type: ignore[attr-defined]
        raise ValueError(f"Tensor {tensor!r} must be from the same graph as the op that takes it.")

    def append(self, op: Operation, inputs: Sequence[Tensor], control_inputs: Sequence[Operation] = (),
               types: Iterable[TensorType] | None = None) -> Operation:
        """Copy an operation of another graph onto these inputs, with its name and creation site (for passes)."""
        copy = Operation(self, op.definition, inputs, op.attrs, op.name,
                         types if types is not None else [t.type for t in op.outputs], control_inputs, op.site)
        self.operations.append(copy)
        return copy

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Ops made inside run after `control_inputs` (operations, tensors or variables); None clears the stack."""
        previous = self._control_stack
        if control_inputs is None:
            self._control_stack = []
        else:
            ops = [as_operation(c) for c in control_inputs]
            self._control_stack = previous + [op for op in ops if op not in previous]
        try:
            yield
        finally:
            self._control_stack = previous

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Ops of these types made inside take the gradients registered under the other names (RegisterGradient)."""
        previous = self._gradient_types
        self._gradient_types = previous | op_type_map
        try:
            yield
        finally:
            self._gradient_types = previous

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Graph]:
        _defaults.stack.append(self)
        try:
            yield self
        finally:
            _defaults.stack.pop()

    def finalize(self) -> None:
        """Forbid further changes."""
        self.finalized, self._finalized_at = True, user_site()

    # lookup

    def get_operations(self) -> list[Operation]:
        return list(self.operations)

    def get_operation_by_name(self, name: str) -> Operation:
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings, not {type(name).__name__}.")
        if ":" in name:
            raise ValueError(f"The name {name!r} looks like a Tensor name, but is not an Operation name.")
        if name not in self._by_name:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return self._by_name[name]

    def get_tensor_by_name(self, name: str) -> Tensor:
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings, not {type(name).__name__}.")
        op_name, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            raise ValueError(f"The name {name!r} looks like an (invalid) Tensor name: it must be '<op_name>:<index>'.")
        if op_name not in self._by_name:
            raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, "
                           "does not exist in the graph.")
        op = self._by_name[op_name]
        if int(index) >= len(op.outputs):
            raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, "
                           f"exists but only has {len(op.outputs)} outputs.")
        return op.outputs[int(index)]

    def as_graph_element(self, value: Any) -> Tensor | Operation:
        """The tensor or operation that `value` (object or name) stands for, of this graph."""
        if isinstance(value, str):
            return self.get_tensor_by_name(value) if ":" in value else self.get_operation_by_name(value)
        element = _element(value)
        if element.graph is not self:
            raise ValueError(f"{element!r} is not an element of this graph.")
        return element

    def __repr__(self) -> str:
        return f"<graphflow.Graph with {len(self.operations)} operations>"


class _Defaults(threading.local):
    def __init__(self) -> None:
        self.stack: list[Graph] = []


_defaults = _Defaults()
_global_graph = Graph()


def default_graph() -> Graph:
    """The graph that ops are added to: the innermost `as_default`, else the global one."""
    stack = _defaults.stack
    return stack[-1] if stack else _global_graph


def building_graph(*values: Any) -> Graph:
    """The graph that an op on these values is added to: theirs, but inside a branch or a loop's body that one, and of
    a variable the one that borrows it."""
    graph = default_graph()
    if graph.outer is not None:
        return graph
    for value in values:
        if hasattr(value, "graph") and not value.graph.eager:
            lent = graph.borrows and getattr(value, "op", value).type == "VariableV2"
            return graph if lent else value.graph
    return graph


def reset_default_graph() -> None:
    """Start a new global graph. Raises AssertionError inside `as_default`, as TensorFlow does."""
    global _global_graph
    if _defaults.stack:
        raise AssertionError("Do not use reset_default_graph() to clear nested graphs.")
    _global_graph = type(_global_graph)()  # one where ops run at once stays one


def set_global_graph(graph: Graph) -> None:
    """Make `graph` the one that ops are added to outside `as_default`. Raises ValueError when that has ops already."""
    global _global_graph
    if _global_graph.operations:
        raise ValueError("tf.enable_eager_execution must be called at program startup.")
    _global_graph = graph


def _element(value: Any) -> Tensor | Operation:
    """The tensor or operation that an object stands for. Raises TypeError where it stands for none."""
    convert = getattr(value, "_as_graph_element", None)
    element = convert() if convert else value
    if not isinstance(element, (Tensor, Operation)):
        raise TypeError(f"Can not convert a {type(value).__name__} into a Tensor or Operation.")
    return element


def as_operation(value: Any) -> Operation:
    """The operation behind an operation, tensor or variable."""
    element = _element(value)
    return element.op if isinstance(element, Tensor) else element
