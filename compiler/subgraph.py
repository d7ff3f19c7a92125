"""Graphs within graphs: the branches of a cond and the bodies of loops, which take what they need from outside.

An op made in a sub-graph may take tensors of the graphs around it. Each becomes a parameter of the sub-graph with the
same type and dimension symbols, and an input of the control op that holds the sub-graph.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from . import dims as dm
from .dims import Atom, Dim
from .ir import Graph, Operation, Tensor, TensorType, default_graph
from .opdef import SOURCE, OpDef, has_effect

# what a sub-graph is given: a loop variable, or (attr "outer") a tensor of the graph around it
parameter = OpDef("Argument", SOURCE, lambda inputs, attrs: [TensorType(attrs["dtype"], attrs["dims"])])

# how a gradient graph gets a tensor of the sub-graph that it differentiates
Recall = Callable[[Tensor], Tensor]


class SubGraph(Graph):
    """A graph inside `outer`. It shares the outer graph's names, collections and seeds.

    `captures` maps tensors of `outer` to the parameters that stand for them here. A sub-graph that computes the
    gradient of another, `forward`, reaches that one's tensors through `recall`.
    """

    def __init__(self, outer: Graph, forward: SubGraph | None = None, recall: Recall | None = None):
        self.__dict__.update(outer.__dict__)
        self.outer = outer
        self.forward, self.recall = forward, recall
        self.operations, self.inputs, self.outputs, self.targets = [], (), (), ()
        self.captures: dict[Tensor, Tensor] = {}
        self.values_taken: set[Tensor] = set()  # values of variables, asked for while this graph was built
        self.waits: dict[Operation, None] = {}  # outer operations that run before this graph
        self._copies: dict[Tensor, Tensor] = {}
        self._sizes: dict[Atom, Tensor] = {}
        self._control_stack = []

    def add(self, definition: OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any], name: str | None = None,
            types: Iterable[TensorType] | None = None, control_inputs: Sequence[Operation] | None = None,
            site: Any = None) -> Operation:
        if definition.name == "Shape" and self.forward is not None and inputs[0].op.graph is self.forward:
            return self.forward.add(definition, inputs, attrs, name)  # its few elements are recalled, not the tensor
        control = [*self._own(self._control_stack if control_inputs is None else control_inputs),
                   *self._witnesses(attrs)]
        op = super().add(definition, inputs, attrs, name, types, control, site)
        if enclosing(self).ordered and has_effect(op):
            op._add_control_inputs(self.targets[-1:])
            self.targets = (*self.targets, op)
        return op

    def add_parameter(self, type: TensorType, name: str, **attrs: Any) -> Tensor:
        """A new parameter. Its name is not looked up by users, so it takes none from them."""
        attrs = {"dtype": type.dtype, "dims": type.dims, **attrs}
        op = Operation(self, parameter, (), attrs, name, [type], (), None)
        self.operations.append(op)
        self.inputs = (*self.inputs, op.output)
        return op.output

    def set_inputs(self, first: Sequence[Tensor], captured: Iterable[Tensor]) -> None:
        """Order the parameters: `first`, then those for the tensors `captured`."""
        self.inputs = (*first, *(self.adopt(t) for t in captured))

    def adopt(self, tensor: Tensor) -> Tensor:
        """What stands here for a tensor of another graph. Raises ValueError for one that cannot be reached."""
        if tensor.op.graph is self:
            return tensor
        if tensor in self.captures:
            return self.captures[tensor]
        if tensor in self._copies:
            return self._copies[tensor]
        graph = tensor.op.graph
        if tensor.op.type == "Const" and (graph is self.forward or not tensor.dtype.is_differentiable):
            found = self.append(tensor.op, ()).output
        elif graph is self.outer:
            found = self.captures[tensor] = self._capture(tensor)
            return found
        elif graph is self.forward and self.recall is not None:
            found = self.adopt(self.recall(tensor))
            if found.dims is None:
                found.dims = found.op.attrs["dims"] = tensor.dims
        else:
            found = self.adopt(self.outer.adopt(tensor))  # type: ignore[union-attr]
        self._copies[tensor] = found
        return found

    def _capture(self, tensor: Tensor) -> Tensor:
        if tensor.op.type != "VariableV2":
            return self.add_parameter(tensor.type, f"{tensor.op.name}/capture_{tensor.index}", outer=tensor)
        handle = self.append(tensor.op, ()).output  # the same variable, by its name
        handle.op.attrs = {**handle.op.attrs, "outer": tensor}
        self.inputs = (*self.inputs, handle)
        return handle

    def _own(self, operations: Sequence[Operation]) -> list[Operation]:
        """Those of the operations that are of this graph; for the others the whole graph waits."""
        self.waits.update((op, None) for op in operations if op.graph is not self and op.graph is not self.forward)
        return [op for op in operations if op.graph is self]

    def _captured_of_size(self, atom: Atom) -> Tensor | None:
        """A tensor with an axis of this size among those captured or that they follow from: it is fed when they are."""
        seen: set[Tensor] = set()
        stack = list(self.captures)
        while stack:
            tensor = stack.pop()
            if tensor not in seen and tensor.op.type != "VariableV2":
                seen.add(tensor)
                if _has_size(tensor, atom):
                    return tensor
                stack += tensor.op.inputs
        return None

    def _witnesses(self, attrs: dict[str, Any]) -> list[Operation]:
        """Operations here whose shapes tell the unknown sizes in `attrs`: a size must be learned in every graph."""
        found = []
        for atom in {a for value in attrs.values() for a in _atoms(value)}:
            if atom not in self._sizes:
                tensor = self._captured_of_size(atom)
                if tensor is None:
                    tensor = _tensor_of_size(atom, self)
                if tensor is None:
                    continue
                self._sizes[atom] = tensor if tensor.op.graph is self else self.adopt(tensor)
            found.append(self._sizes[atom].op)
        return found


def _atoms(value: Any) -> Iterator[Atom]:
    """The fed symbols in a dimension or in a nest of tuples with dimensions."""
    if isinstance(value, Dim):
        yield from dm.atoms(value)
    elif isinstance(value, tuple):
        for v in value:
            yield from _atoms(v)


def _tensor_of_size(atom: Atom, graph: Graph | None) -> Tensor | None:
    """A tensor of this graph, or of one that it can reach, with an axis of this very size: what the latest such tensor
    follows from, since several placeholders may share a size and the older ones need not be fed."""
    while graph is not None:
        for where in (graph, getattr(graph, "forward", None)):
            for op in reversed(where.operations) if where is not None else ():
                for t in op.outputs:
                    source = _source(t, atom)
                    if source is not None:
                        return source
        graph = graph.outer
    return None


def _source(tensor: Tensor, atom: Atom) -> Tensor | None:
    """The earliest tensor with an axis of this size on a way to `tensor`; None where the size itself makes it."""
    found = None
    following: Tensor | None = tensor
    while following is not None and following.op.type != "VariableV2" and _has_size(following, atom):
        found = following
        following = next((t for t in found.op.inputs if _has_size(t, atom)), None)
    if found is None or found.op.definition.family == SOURCE:
        return found
    made_of_size = atom in _atoms(tuple(found.op.attrs.values())) or any(t.op.type == "Dims" for t in found.op.inputs)
    return None if made_of_size else found


def _has_size(tensor: Tensor, atom: Atom) -> bool:
    return any(dm.symbol(d) is atom for d in tensor.dims or ())


def take_value(value: Tensor) -> Tensor:
    """The value of a variable, asked for in the present graph."""
    graph: Graph | None = default_graph()
    while isinstance(graph, SubGraph):
        graph.values_taken.add(value)
        graph = graph.outer
    return value


def outermost(graph: Graph) -> Graph:
    """The graph of the session around a sub-graph, or of the program around a function's."""
    graph = enclosing(graph)
    return graph if graph.home is None else graph.home


def enclosing(graph: Graph) -> Graph:
    """The graph that a sub-graph is part of, itself for any other."""
    while graph.outer is not None:
        graph = graph.outer
    return graph


@contextlib.contextmanager
def lifted(symbolic: bool = False) -> Iterator[Graph]:
    """Build in the outermost graph, in the present name scope and without control dependencies: variables and what
    initializes them belong to no branch or loop. `symbolic`: where nothing runs at once."""
    inner = default_graph()
    graph = outermost(inner).symbolic if symbolic else outermost(inner)
    if graph is inner:
        with graph.control_dependencies(None):
            yield graph
        return
    with graph.as_default(), graph.control_dependencies(None):
        scope, graph._scope = graph._scope, inner._scope
        try:
            yield graph
        finally:
            graph._scope = scope


def knows_sizes(graph: Graph, dims: Any) -> bool:
    """Whether a shape, if it is known at all, has a meaning in this graph: its unknown sizes are not those of a
    sub-graph."""
    return dims is not None and all(_tensor_of_size(atom, graph) is not None for atom in _atoms(tuple(dims)))
