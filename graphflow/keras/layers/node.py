"""How layers are connected: each call of a layer on tensors is a node that knows its arguments and its outputs."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor, default_graph
from ...compiler.ops.state import placeholder
from ...compiler.ops.view import identity
from ...compiler.shapes import Dimension, TensorShape
from ..legacy.node import Keras2Node
from ..legacy.phase import tensor_uses_phase
from ..masks import mask_of, set_mask
from ..nest import flatten, map_structure
from ..scope import current_scope


class KerasTensor(Tensor):
    """A tensor that is the output of a layer: `KerasTensor(shape, dtype)` makes a placeholder of that shape.

    Python's operators on it are Keras's operations (see ops/operation.py).
    """

    __slots__ = ()

    def __new__(cls, shape: Any, dtype: Any = "float32", sparse: bool = False, ragged: bool = False,
                record_history: bool = True, name: str | None = None, **kwargs: Any) -> Any:
        with default_graph().symbolic.as_default():
            tensor = placeholder(as_dtype(dtype), tuple(shape), name)
        tensor.__class__ = cls
        return tensor

    def __init__(self, shape: Any, dtype: Any = "float32", **kwargs: Any):
        pass  # it is made

    @property
    def _uses_learning_phase(self) -> bool:
        """Keras 2: whether it is another value in training."""
        noted = self.__dict__.get("_phase")
        return tensor_uses_phase(self) if noted is None else bool(noted)

    @_uses_learning_phase.setter
    def _uses_learning_phase(self, value: bool) -> None:
        self.__dict__["_phase"] = value


class KerasHistory(NamedTuple):
    """Where a tensor comes from: the layer, which of its calls, which of that call's outputs."""

    operation: Any
    node_index: int
    tensor_index: int


def history_of(value: Any) -> KerasHistory | None:
    """The history of a layer's output, None for anything else."""
    return getattr(value, "_keras_history", None) if isinstance(value, Tensor) else None


class KerasShape(TensorShape):
    """The shape of a layer's output: Keras says None where a size is unknown."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return (Dimension(d) if isinstance(d, int) else None for d in self.as_list())

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(key, slice):
            return KerasShape(found)
        return found if isinstance(found, int) else None

    def __str__(self) -> str:
        return "None" if self.dims is None else str(tuple(self.as_list()))


class Node(Keras2Node):
    """One call of `operation`. Its arguments are kept as they were given, tensors among them, lists as they were."""

    def __init__(self, operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], outputs: Any):
        self.operation = operation
        self.arguments, self.keywords = (map_structure(lambda x: x, nest) for nest in (arguments, keywords))
        self.outputs = outputs
        self._inputs = [t for t in flatten((arguments, keywords)) if isinstance(t, Tensor)]
        self.output_tensors = [t for t in flatten(outputs) if isinstance(t, Tensor)]
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, tensor in enumerate(self.output_tensors):
            if type(tensor) is Tensor:  # not a value that is there at once
                tensor.__class__ = KerasTensor
            tensor._keras_history = KerasHistory(operation, index, i)  # type: ignore[attr-defined]
            tensor._shape_class = KerasShape  # type: ignore[attr-defined]
        for tensor in self._inputs:
            history = history_of(tensor)
            if history is not None:
                history.operation._outbound_nodes.append(self)

    @property
    def input_tensors(self) -> list[Tensor]:  # type: ignore[override]
        """What it was called on; for what a step calls (losses of Keras 2) what stands for that in the step."""
        scope = current_scope()
        return self._inputs if scope is None else scope.standing(self._inputs)

    @property
    def is_input(self) -> bool:
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list[Node]:
        found = [history_of(t) for t in self.input_tensors]
        return list(dict.fromkeys(h.operation._inbound_nodes[h.node_index] for h in found if h is not None))

    def replay(self, values: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with `values` (a mapping) in place of its tensors."""
        def replaced(x: Any) -> Any:
            return values.get(x, x) if isinstance(x, Tensor) else x
        return map_structure(replaced, self.arguments), map_structure(replaced, self.keywords)


def record(operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], outputs: Any) -> Any:
    """Make the node of a call and return its outputs, each a tensor that nothing else gave out."""
    seen: set[Tensor] = set()

    def own(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if history_of(value) is not None or value in seen:
            copy = identity(value)
            if mask_of(value) is not None:
                set_mask(copy, mask_of(value))
            value = copy
        seen.add(value)
        return value

    outputs = map_structure(own, outputs)
    Node(operation, arguments, keywords, outputs)
    return outputs


__all__ = ["KerasHistory", "KerasTensor", "Node", "history_of", "mask_of", "record", "set_mask"]
