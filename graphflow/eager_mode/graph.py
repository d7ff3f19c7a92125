"""The graph whose operations run, through their references, at the moment they are added."""
from __future__ import annotations

import functools
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..compiler.ir import Graph, Operation, Tensor, TensorType
from ..compiler.opdef import RANDOM, OpDef
from ..compiler.site import Site
from ..runtime.interpreter import evaluate
from ..runtime.pieces import run_in_python
from ..runtime.session import Session
from .tensor import EagerTensor


class EagerGraph(Graph):
    """Keeps no operations but those that a gradient tape records; variables live in its `session`."""

    eager = True

    def __init__(self) -> None:
        super().__init__()
        self.recording: list[list[Operation]] = []
        self.variables: weakref.WeakValueDictionary[Tensor, Any] = weakref.WeakValueDictionary()  # by handle
        self._names: set[str] = set()  # of variables
        self._draws = 0

    @functools.cached_property
    def session(self) -> Session:
        """What holds the values of variables and other resources."""
        return Session(graph=self)

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
            for tensor, value in zip(op.outputs, self._run(op), strict=True):
                value.flags.writeable = False
                tensor.__class__ = EagerTensor
                tensor.eager_value, tensor.dims = value, value.shape
        for tape in self.recording:
            tape.append(op)
        if not self.recording:  # what came before need not be kept
            op.inputs = op.inputs[:1] if op.type == "ReadVariableOp" else ()
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
            self._draws += 1
            return evaluate(op, arrays, {}, stream=self._draws)
        results = run_in_python(self.session, op, arrays, {})
        # a reference may give back its input
        return [np.array(r, t.dtype.np) for r, t in zip(results, op.outputs, strict=True)]

    def adopt(self, tensor: Tensor) -> Tensor:
        if tensor.op.graph is not self and tensor.eager_value is None:
            raise ValueError(f"{tensor!r} is a tensor of a graph, which has no value where ops run at once.")
        return super().adopt(tensor)

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
