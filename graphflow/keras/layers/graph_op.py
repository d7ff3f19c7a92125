"""Operations of the graph between layers: what a program makes of Keras tensors by itself is a layer of the model
too."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...compiler.ir import Operation, Tensor
from ..copying import Sizes, copied, repeated
from ..naming import auto_name
from .layer import Layer
from .node import Node, history_of

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
        return self.again(dict(zip((t for t in self._operation.inputs if t in self._dependent), args, strict=True)), {})

    def again(self, values: Mapping[Tensor, Tensor], sizes: Sizes) -> Any:
        """The operation's outputs for other `values` in place of tensors that it follows from."""
        outputs = repeated(self._operation, copied(self._operation.inputs, values, sizes, {}), sizes).outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def get_config(self) -> dict[str, Any]:
        raise ValueError(f"The model uses the graph operation {self._operation.name!r} ({self._operation.type}) on "
                         "Keras tensors, which cannot be written to a config. Use a layer, or a Lambda layer around a "
                         "registered function.")


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
