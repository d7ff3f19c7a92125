"""The graph whose operations run, through their references, at the moment they are added."""
from __future__ import annotations

import functools
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..compiler.ir import Graph, Operation, Tensor, TensorType
from ..compiler.opdef import RANDOM, OpDef, writes_variable
from ..compiler.ops.constant import constant
from ..compiler.ops.state import read_variable, variable_handle
from ..compiler.passes.specialise import needed_operations
from ..compiler.site import Site, user_site
from ..compiler.subgraph import lifted
from ..runtime.debug_report import Level
from ..runtime.interpreter import evaluate, values_of
from ..runtime.pieces import run_in_python
from ..runtime.session import Session
from ..runtime.store import BorrowingStore
from ..runtime.trace import run_eagerly
from ..session import session_of
from .tensor import EagerTensor

# whose input counts later: the logits of probabilities, a variable's handle, what is conjugated twice
_LOOKED_THROUGH = frozenset({"Conj", "ReadVariableOp", "Sigmoid", "Softmax"})


_MANY_KEYS = 10_000


class EagerGraph(Graph):
    """Keeps no operations but those that a gradient tape records. Variables live in its `session`; those of other
    graphs are used as well, where they are. What is symbolic is made in the graph `beside`, which has the same seed."""

    eager = borrows = True

    def __init__(self, beside: Graph | None = None) -> None:
        super().__init__()
        self.recording: list[list[Operation]] = []
        self.variables: weakref.WeakValueDictionary[Tensor, Any] = weakref.WeakValueDictionary()  # by handle
        self._names: set[str] = set()  # of variables
        self._borrowed: weakref.WeakKeyDictionary[Tensor, Tensor] = weakref.WeakKeyDictionary()  # handles, by theirs
        self._beside = Graph() if beside is None else beside
        self.seed = self._beside.seed

    @property
    def symbolic(self) -> Graph:
        return self._beside

    @property
    def seed(self) -> int | None:
        """As of any graph; what is drawn begins anew when it is set."""
        return self._seed

    @seed.setter
    def seed(self, value: int | None) -> None:
        self._seed = value
        self._draws: dict[int, int] = {}  # how often numbers of a key were drawn

    @functools.cached_property
    def session(self) -> Session:
        """What holds the values of variables and other resources."""
        session = Session(graph=self)
        session.store = BorrowingStore()
        return session

    def add(self, definition: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any], name: str | None = None,
            types: Iterable[TensorType] | None = None, control_inputs: Sequence[Operation] | None = None,
            site: Site | None = None) -> Operation:
        """Run the operation. Raises what its shape rule and its reference raise."""
        if definition.name == "Placeholder":
            raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
        inputs = [self.adopt(t) for t in inputs]
        if types is None:
            types = definition.infer(inputs, attrs)
        full = self.unique_name(name or definition.name)
        variable = definition.name == "VariableV2"
        if variable:
            full = self._own_name(full)
        op = Operation(self, definition, inputs, attrs, full, types, (), site)
        op.gradient_type = self._gradient_types.get(definition.name)
        if variable:
            weakref.finalize(op, self._forget, full)
        else:
            for tensor, value in zip(op.outputs, run_eagerly(op, self._run), strict=True):
                value.flags.writeable = False
                tensor.__class__ = EagerTensor
                tensor.eager_value, tensor.dims = value, value.shape
        for tape in self.recording:
            tape.append(op)
        if not self.recording and "scatter" not in definition.fields:  # what came before need not be kept
            op.inputs = op.inputs[:1] if op.type in _LOOKED_THROUGH or writes_variable(op) else ()
        return op

    def _own_name(self, name: str) -> str:
        """A name that no living variable has: values are kept by it."""
        own, count = name, 0
        while own in self._names:
            count += 1
            own = f"{name}_{count}"
        self._names.add(own)
        return own

    def _forget(self, variable: str) -> None:
        self.session.store.discard(variable)
        self._names.discard(variable)

    def _run(self, op: Operation) -> list[np.ndarray]:
        if not op.outputs and op.type == "NoOp":
            return []
        arrays = [np.empty(0) if t.eager_value is None else t.eager_value for t in op.inputs]
        if op.definition.family == RANDOM:
            return evaluate(op, arrays, {}, stream=self._stream(op.attrs["key"]))
        results = run_in_python(self.session, op, arrays, {})
        # a reference may give back its input
        values = [np.array(r, t.dtype.np) for r, t in zip(results, op.outputs, strict=True)]
        if self.session.debugger:
            op.site = user_site()
            level = Level(values=dict(zip(op.inputs, arrays, strict=True)))
            self.session.debugger.look(level, op, arrays, values)
        return values

    def _stream(self, key: int) -> int:
        """How often numbers of a key were drawn before, as for an op that runs again in a session."""
        if len(self._draws) > _MANY_KEYS:  # those of ops without a seed are used once
            self._draws = {key: count for key, count in self._draws.items() if count > 1}
        stream = self._draws.get(key, 0)
        self._draws[key] = stream + 1
        return stream

    def adopt(self, tensor: Tensor) -> Tensor:
        if tensor.op.graph is self:
            return tensor
        if tensor.op.type == "VariableV2":
            return self._borrow(tensor)
        if tensor.eager_value is None:
            return self._value_of(tensor)
        return super().adopt(tensor)

    def _borrow(self, handle: Tensor) -> Tensor:
        """The handle here of another graph's variable."""
        if handle not in self._borrowed:
            op = handle.op
            self._borrowed[handle] = self.add(op.definition, (), op.attrs, op.name + "/").output
        own = self._borrowed[handle]
        self.session.store.borrow(own.op.name, session_of(handle.graph).store, handle.op)  # type: ignore[attr-defined]
        return own

    def _value_of(self, tensor: Tensor) -> Tensor:
        """The value of a tensor of a graph that is made of constants alone. Raises ValueError for any other."""
        if any(op.type in ("Placeholder", "VariableV2") or op.definition.stateful
               for op in needed_operations([tensor], (), ())):
            raise ValueError(f"{tensor!r} is a tensor of a graph, which has no value where ops run at once.")
        with self.as_default():
            return constant(values_of([tensor])[0])

    def give(self, variable: Any, graph: Graph) -> None:
        """Move a variable, with its value, to a graph that needs it: operations read it here as they do that graph's.
        Raises ValueError if the graph is not the one beside."""
        if graph is not self.symbolic:
            raise ValueError(f"Variable {variable.name!r} belongs to where operations run at once, not to this graph.")
        value = self.session.store.get(variable.op)
        with lifted(symbolic=True), graph.name_scope(None):
            variable.handle = variable_handle(dtype=variable.dtype, dims=variable.handle.dims, name=variable.op.name)
            variable._graph_read = read_variable(variable.handle, name="read")
        session_of(graph).store.set(variable.op, np.array(value))

    def read(self, variable: Any) -> Tensor:
        """The value of a variable, of whichever graph, now."""
        handle = self.adopt(variable.handle)
        self.variables.setdefault(handle, variable)
        return read_variable(handle, name="read")

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` within the current scope: but for variables' they need not be unique."""
        if name.endswith("/"):
            return name[:-1]
        return f"{self._scope}/{name}" if self._scope else name

    def add_to_collection(self, name: str, value: Any) -> None:
        """Only notes which variable a handle belongs to: objects live as long as the program holds them."""
        handle = getattr(value, "handle", None)
        if isinstance(handle, Tensor):
            self.variables[handle] = value

    @contextmanager
    def differentiating(self, operations: list[Operation]) -> Iterator[None]:
        """Recorded operations count as the graph's while their gradients are built."""
        self.operations, before = operations, self.operations
        try:
            yield
        finally:
            self.operations = before
