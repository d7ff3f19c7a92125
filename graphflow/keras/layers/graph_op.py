"""Operations of the graph between layers: what a program makes of Keras tensors by itself is a layer of the model
too."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...compiler import dims as dm
from ...compiler.dims import Dim
from ...compiler.ir import Operation, Tensor
from ..naming import auto_name
from .layer import Layer
from .node import Node, history_of

Sizes = Mapping[Any, Any]  # {symbol of a size: what it is now}

# the names that Keras 3 gives to such operations
KERAS_NAMES = {"AddV2": "add", "Sub": "subtract", "Mul": "multiply", "RealDiv": "divide", "FloorDiv": "floor_divide",
               "FloorMod": "mod", "Neg": "negative", "Abs": "absolute", "MatMul": "matmul", "StridedSlice": "get_item",
               "ConcatV2": "concatenate", "Sum": "sum", "Mean": "mean", "Max": "max", "Min": "min", "Prod": "prod"}


class GraphOp(Layer):
    """One operation of the graph, done again for other tensors. Inputs that no model's input reaches are kept."""

    is_operation = True  # as Keras says: not one of `model.layers`
    supports_masking = True

    def __init__(self, operation: Operation, dependent: Iterable[Tensor]):
        super().__init__(name=auto_name(KERAS_NAMES.get(operation.type, operation.type)))
        self._operation = operation
        self._dependent = set(dependent)
        self.built = True
        Node(self, tuple(t for t in operation.inputs if t in self._dependent), {},
             operation.outputs[0] if len(operation.outputs) == 1 else list(operation.outputs))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.again(args, {})

    def again(self, tensors: Iterable[Tensor], sizes: Sizes) -> Any:
        """The operation's outputs for other `tensors` in place of its dependent inputs."""
        given = iter(tensors)
        kept: dict[Operation, Operation] = {}
        inputs = [next(given) if t in self._dependent else copied(t, sizes, kept) for t in self._operation.inputs]
        outputs = repeated(self._operation, inputs, sizes).outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def get_config(self) -> dict[str, Any]:
        raise ValueError(f"The model uses the graph operation {self._operation.name!r} ({self._operation.type}) on "
                         "Keras tensors, which cannot be written to a config. Use a layer, or a Lambda layer around a "
                         "registered function.")


def repeated(operation: Operation, inputs: list[Tensor], sizes: Sizes) -> Operation:
    """The same operation on other inputs, in the same graph."""
    attrs = {k: _resized(v, sizes) for k, v in operation.attrs.items()}
    return operation.graph.add(operation.definition, inputs, attrs, operation.name.rpartition("/")[2])


def copied(tensor: Tensor, sizes: Sizes, done: dict[Operation, Operation]) -> Tensor:
    """`tensor`, or where it depends on sizes that are others now, a copy for those."""
    operation = tensor.op
    if operation not in done:
        inputs = [copied(t, sizes, done) for t in operation.inputs]
        same = all(a is b for a, b in zip(inputs, operation.inputs, strict=True))
        attrs = operation.attrs.values()
        done[operation] = operation if same and all(_resized(v, sizes) is v for v in attrs) else repeated(
            operation, inputs, sizes)
    return done[operation].outputs[tensor.index]


def _resized(value: Any, sizes: Sizes) -> Any:
    if isinstance(value, Dim):
        new = dm.substitute(value, sizes)
        return value if new == value else new
    if isinstance(value, tuple) and any(isinstance(v, (Dim, tuple)) for v in value):
        items = tuple(_resized(v, sizes) for v in value)
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def match_sizes(sizes: dict[Any, Any], old: Iterable[Tensor], new: Iterable[Tensor]) -> None:
    """Note what the symbols in the shapes of `old` are in the shapes of `new`."""
    for before, after in zip(old, new, strict=True):
        if before.dims is None or after is None or after.dims is None or len(before.dims) != len(after.dims):
            continue
        for a, b in zip(before.dims, after.dims, strict=True):
            atom = dm.symbol(a)
            if atom is not None and atom not in sizes and a != b:
                sizes[atom] = b


def connect(outputs: Iterable[Tensor], inputs: Iterable[Tensor]) -> None:
    """Make a GraphOp of every operation that stands between layers, or after them, on the way from `inputs`."""
    stop = set(inputs)
    seen: set[Node] = set()
    waiting = list(outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor in stop:
            continue
        if history_of(tensor) is None:
            _wrap(tensor, stop)
        history = history_of(tensor)
        if history is not None:
            node = history.operation._inbound_nodes[history.node_index]
            if node not in seen:
                seen.add(node)
                waiting += node.input_tensors


def _wrap(tensor: Tensor, stop: set[Tensor]) -> None:
    """Make a GraphOp of the operation that gives `tensor`, and of those before it, if they follow from a layer's
    output."""
    reached: dict[Operation, bool] = {}  # whether an operation follows from a layer's output

    def is_end(t: Tensor) -> bool:
        return t in stop or history_of(t) is not None

    stack = [tensor.op]
    while stack:
        operation = stack[-1]
        if operation in reached:
            stack.pop()
            continue
        before = [t.op for t in operation.inputs if not is_end(t) and t.op not in reached]
        if before:
            stack += before
            continue
        stack.pop()
        dependent = [t for t in operation.inputs if is_end(t) or reached[t.op]]
        reached[operation] = bool(dependent)
        if dependent:
            GraphOp(operation, dependent)
