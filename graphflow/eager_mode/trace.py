"""What `tf.function` compiles: a Python function's graph for one kind of arguments, and its gradients."""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.autodiff import gradients
from ..compiler.ir import Graph, Operation, Tensor, TensorType, default_graph
from ..compiler.opdef import CONTROL, HOST, OpDef, has_effect, writes_variable
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.state import placeholder, read_variable
from ..nest import flatten, pack_sequence_as
from ..runtime.runner import Runner
from ..runtime.session import Session
from ..tensor_spec import TensorSpec
from .graph import EagerGraph


class FunctionGraph(Graph):
    """What a function builds. Its operations with effects run in the order in which it made them, and variables of the
    program are read as they are then."""

    borrows = ordered = True

    def __init__(self, home: EagerGraph):
        super().__init__()
        self.home: EagerGraph = home
        self.seed = home.seed
        self.effects: list[Operation] = []
        self.captured: dict[Any, Tensor] = {}  # variables with their first read here, values with what is fed for them
        self._constants: dict[Tensor, Tensor] = {}
        self.written: dict[Tensor, Tensor] = {}  # handles here, and what was last assigned or read after that
        self._handles: dict[Tensor, Tensor] = {}
        self._reads: list[Operation] = []  # since the last effect, and before the next

    @property
    def symbolic(self) -> Graph:
        return self.home.symbolic

    def adopt(self, tensor: Tensor) -> Tensor:
        if tensor.op.graph is self:
            return tensor
        if tensor.eager_value is not None:
            return self._value(tensor)
        if tensor.op.type != "VariableV2":
            return super().adopt(tensor)
        handle = self.home.adopt(tensor)
        if handle not in self._handles:
            op = handle.op
            self._handles[handle] = Graph.add(self, op.definition, (), op.attrs, op.name + "/").output
        return self._handles[handle]

    def _value(self, tensor: Tensor) -> Tensor:
        """What stands for a value of the program: floats are fed, so that they have gradients."""
        found = self.captured if tensor.dtype.is_differentiable else self._constants
        if tensor not in found:
            with self.as_default(), self.control_dependencies(None):
                found[tensor] = (placeholder(tensor.dtype, tensor.dims, "captured") if found is self.captured
                                 else tensor.copied_to(self))  # type: ignore[attr-defined]
        return found[tensor]

    def read(self, variable: Any) -> Tensor:
        """A variable's value at this point of the function."""
        handle, inner = self.adopt(variable.handle), default_graph()
        # in a branch or loop that has written it
        if any(writes_variable(op) and op.inputs[0] is inner.adopt(handle) for op in inner.targets):
            with inner.control_dependencies(inner.targets[-1:]):
                return read_variable(handle, name="read")
        if handle in self.written:
            return self.written[handle]
        if variable not in self.captured:
            with self.as_default(), self.control_dependencies(None):
                self.captured[variable] = read_variable(handle, name="read")
        return self.captured[variable]

    def add(self, definition: OpDef, inputs: Sequence[Tensor], *args: Any, **kwargs: Any) -> Operation:
        op = super().add(definition, inputs, *args, **kwargs)
        if has_effect(op):
            op._add_control_inputs([*self.effects[-1:], *self._reads])
            self.effects.append(op)
            self._reads = []
            if writes_variable(op):
                self.written[op.inputs[0]] = op.output
            elif definition.family == CONTROL:
                with self.as_default(), self.control_dependencies([op]):
                    now = {t: read_variable(t, name="read") for t in op.inputs if t.op.type == "VariableV2"}
                self.written.update(now)
                self._reads = [read.op for read in now.values()]
        return op


class Piece:
    """A part of a function's graph that runs by itself: from `inputs` to `outputs`, with `effects`. The last `saved` of
    the outputs are there for the gradient, which so needs not compute them again."""

    def __init__(self, session: Session, inputs: Sequence[Tensor], outputs: Sequence[Tensor],
                 effects: Sequence[Operation] = (), saved: int = 0):
        self.session, self.inputs, self.outputs = session, list(inputs), list(outputs)
        self.effects, self.saved = effects, saved
        self._gradients: dict[tuple[bool, ...], tuple[Piece, list[bool]]] = {}

    @functools.cached_property
    def run(self) -> Runner:
        """The outputs' values for those of the inputs."""
        return Runner(self.session, self.outputs, self.effects, self.inputs)

    def __call__(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The outputs, where ops run at once."""
        return _call.operation(*tensors, piece=self).outputs

    @functools.cached_property
    def recorded(self) -> Piece:
        """The piece that gives what the gradients use, too."""
        given = tuple(y.dtype.is_differentiable for y in self.outputs)
        if not any(given):
            return self
        first = len(self.session.graph.operations)
        piece, _ = self.gradient(given)
        new = self.session.graph.operations[first:]
        used = dict.fromkeys(t for t in (*(t for op in new for t in op.inputs), *piece.outputs) if t.op not in set(new))
        saved = [t for t in used if t not in piece.inputs and t.op.type not in ("Const", "VariableV2")]
        return Piece(self.session, self.inputs, [*self.outputs, *saved], self.effects, len(saved))

    def gradient(self, given: tuple[bool, ...]) -> tuple[Piece, list[bool]]:
        """(the gradients of those inputs that have one, from the inputs, what was saved and the gradients of the
        outputs that are `given`; which inputs have one)."""
        if given not in self._gradients:
            ys = [y for y, is_given in zip(self.outputs, given, strict=True) if is_given]
            with self.session.graph.as_default():
                dys = [placeholder(y.dtype, y.shape) for y in ys]
                found = gradients(ys, self.inputs, dys, stop_gradients=self.inputs)
            taken = [*self.inputs, *self.outputs[len(self.outputs) - self.saved:], *dys]
            piece = Piece(self.session, taken, [g for g in found if g is not None])
            self._gradients[given] = piece, [g is not None for g in found]
        return self._gradients[given]


def _call_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [t.type for t in attrs["piece"].outputs]


def _call_grad(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    piece = op.attrs["piece"]
    back, has_one = piece.gradient(tuple(g is not None for g in grads))
    saved = op.outputs[len(op.outputs) - piece.saved:]
    found = iter(back([*op.inputs, *saved, *(g for g in grads if g is not None)]))
    return [next(found) if has else None for has in has_one]


# a traced function where ops run at once, on its arguments and, if they are watched, the variables that it reads
_call = OpDef("PartitionedCall", HOST, _call_types, _call_grad, lambda *arrays, piece: tuple(piece.run(arrays)),
              stateful=True)


class Trace:
    """A function's graph for one kind of arguments, called on such arguments' tensors."""

    def __init__(self, function: Callable[..., Any], arguments: Any, shapes: list[Any], home: EagerGraph):
        self.graph = FunctionGraph(home)
        session = Session(graph=self.graph)
        session.store, session.resources = home.session.store, home.session.resources
        leaves = flatten(arguments)
        with self.graph.as_default():
            given = [placeholder(leaf.dtype, shape) if is_given(leaf) else leaf
                     for leaf, shape in zip(leaves, shapes, strict=True)]
            self.inputs = [t for t, leaf in zip(given, leaves, strict=True) if is_given(leaf)]
            args, kwargs = pack_sequence_as(arguments, given)
            self.structured_outputs = function(*args, **kwargs)
            self._leaves = [leaf if leaf is None else self.graph.adopt(convert_to_tensor(leaf))
                            for leaf in flatten(self.structured_outputs)]
        self.kept = leaves  # so that no other object takes the identity of one
        self.outputs = [t for t in self._leaves if t is not None]
        effects, captured = list(self.graph.effects), self.graph.captured
        self._values = [t for t in captured if isinstance(t, Tensor)]
        self._watched = [v for v in captured if not isinstance(v, Tensor)]  # variables
        taken = [*self.inputs, *(captured[t] for t in self._values)]
        self._piece = Piece(session, taken, self.outputs, effects)
        self._watching = Piece(session, [*taken, *(captured[v] for v in self._watched)], self.outputs, effects)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result for tensors in place of those that it was traced with."""
        tensors = [convert_to_tensor(leaf, t.dtype) for leaf, t in zip(
            [leaf for leaf in flatten([list(args), kwargs]) if is_given(leaf) or isinstance(leaf, np.ndarray)],
            self.inputs, strict=True)]
        return self.call(tensors)

    def call(self, tensors: Sequence[Tensor]) -> Any:
        """The function's result, with gradients where a tape records."""
        if self.graph.home.recording:
            found = self._watching.recorded([*tensors, *self._values, *(v._read for v in self._watched)])
        else:
            found = self._piece([*tensors, *self._values])
        values = iter(found)
        return pack_sequence_as(self.structured_outputs, [None if leaf is None else next(values)
                                                          for leaf in self._leaves])

    def looked_at(self, tensors: Sequence[Tensor]) -> tuple[Runner, list[Any]]:
        """What runs a call on these tensors, and the values that it is given (see explain)."""
        return self._piece.run, [t.eager_value for t in (*tensors, *self._values)]


def is_given(leaf: Any) -> bool:
    """Whether an argument is a tensor, or the description of one, rather than a part of the function."""
    return isinstance(leaf, (Tensor, TensorSpec))
