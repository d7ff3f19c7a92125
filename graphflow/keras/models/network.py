"""The layers between given inputs and outputs, in Keras's order, and how they are run on other tensors."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ...compiler.dtypes import bool_
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from ...compiler.ops.view import expand_dims, squeeze
from ..copying import match_sizes
from ..layers.core import InputLayer
from ..layers.graph_op import GraphOp, connect
from ..layers.input_spec import shape_of
from ..layers.node import Node, history_of, mask_of, set_mask
from ..legacy.target_tensors import is_fed
from ..nest import flatten, map_structure, pack
from ..scope import StepScope, current_scope, outside_steps


class Network:
    """Nodes from `inputs` to `outputs`, nests of tensors. Raises ValueError where they are not connected.

    `operations` are the layers, the earliest first: by distance from the outputs, then as first met from there.
    """

    def __init__(self, inputs: Any, outputs: Any, added: Sequence[Tensor] = ()):
        inputs = map_structure(_as_input, inputs)
        if len(set(flatten(inputs))) < len(flatten(inputs)):
            raise ValueError("The list of inputs passed to the model contains the same input multiple times. All "
                             f"inputs should only appear once. Received: inputs={inputs}")
        connect([t for t in flatten(outputs) if isinstance(t, Tensor)] + list(added), flatten(inputs))
        if any(not isinstance(_history(t).operation, InputLayer) for t in flatten(inputs)):
            inputs, outputs = _from_new_inputs(inputs, outputs)
        self.input_nest, self.output_nest = inputs, outputs
        self.inputs: list[Tensor] = flatten(inputs)
        self.outputs: list[Tensor] = flatten(outputs)
        for output in self.outputs:
            if history_of(output) is None:
                raise ValueError("All `outputs` values must follow from the inputs through layers. Received: "
                                 f"outputs={output!r}")
        self.fed = [t for t in self.inputs if is_fed(t)]  # those that arrays are given for
        self.nodes, self.depths = _ordered(self.inputs, [*self.outputs, *added])
        self.operations = list(self.depths)
        self.node_set = set(self.nodes)
        names = [operation.name for operation in self.operations]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'The name "{name}" is used {names.count(name)} times in the model. All operation '
                                 "names should be unique.")

    @property
    def input_names(self) -> list[str]:
        return [_history(t).operation.name for t in self.inputs]

    @property
    def output_names(self) -> list[str]:
        return [_history(t).operation.name for t in self.outputs]

    @property
    def target_names(self) -> list[str]:
        """What losses and metrics are told by: the keys of a dict, else the names of the layers."""
        if isinstance(self.output_nest, dict) and not any(
                isinstance(v, (dict, list, tuple)) for v in self.output_nest.values()):
            return sorted(self.output_nest)
        return self.output_names

    def run(self, inputs: Any, mask: Any = None, more: Sequence[Tensor] = ()) -> tuple[Any, list[Tensor]]:
        """The outputs, in their nest, and the tensors that stand for those in `more`, for other inputs."""
        given = self.fitted(inputs)
        for tensor, own in zip(given, flatten(mask), strict=False):
            if own is not None:
                set_mask(tensor, own)
        values: dict[Tensor, Any] = dict(zip(self.inputs, given, strict=True))
        sizes: dict[Any, Any] = {}
        match_sizes(sizes, self.inputs, given)
        for node in self.nodes:
            if node.is_input:
                continue
            if isinstance(node.operation, GraphOp):
                outputs = node.operation.again(values, sizes)
            else:
                arguments, keywords = node.replay(values)
                outputs = node.operation(*arguments, **keywords)
            flat = [t for t in flatten(outputs) if isinstance(t, Tensor)]
            match_sizes(sizes, node.output_tensors, flat)
            values.update(zip(node.output_tensors, flat, strict=True))
        scope = current_scope()
        if scope is not None:
            scope.stand_in(values, sizes)
            for output in self.outputs:
                values[output] = _current(values[output], scope)
            for output in self.outputs:  # by which losses of Keras 2 find the layer
                if isinstance(values[output], Tensor) and history_of(values[output]) is None:
                    values[output]._keras_history = _history(output)
        return pack(self.output_nest, [values[t] for t in self.outputs]), [values.get(t, t) for t in more]

    def arranged(self, inputs: Any) -> list[Any]:
        """The leaves of a nest in the order of the inputs, found by name where it is a dict; inputs that the graph
        itself gives may be left out. Raises ValueError."""
        own = len(self.fed) < len(self.inputs)
        if own and (inputs is None or isinstance(inputs, (dict, list, tuple)) and not inputs):
            inputs = []
        if isinstance(inputs, dict):
            names: Any = [_history(t).operation.name for t in self.fed]
            if not own and isinstance(self.input_nest, dict):
                names = list(self.input_nest)
            missing = [n for n in names if n not in inputs]
            if missing:
                raise ValueError(f"Missing data for input {missing[0]!r}. You passed a data dictionary with keys "
                                 f"{list(inputs)}. Expected the following keys: {list(names)}")
            inputs = [inputs[n] for n in names] if own or not isinstance(self.input_nest, dict) else {
                n: inputs[n] for n in names}
        leaves = flatten(inputs)
        if len(leaves) not in (len(self.inputs), len(self.fed)):
            raise ValueError(f"The structure of `inputs` doesn't match the expected structure: the model expects "
                             f"{len(self.inputs)} input(s) {self.input_names}, but it received {len(leaves)}")
        return leaves

    def fitted(self, inputs: Any) -> list[Any]:
        """The tensors of a nest in the order, dtypes and ranks of the inputs. Raises ValueError."""
        return [_fitted(t, wanted) for t, wanted in zip(self.arranged(inputs), self.inputs, strict=True)]


def _current(value: Any, scope: StepScope) -> Any:
    """An output in a step: a layer's function may have closed over a tensor of the model."""
    if not isinstance(value, Tensor):
        return value
    tensor, = scope.current([value])
    mask = mask_of(value)
    if tensor is not value and mask is not None:
        set_mask(tensor, *scope.current([mask]))
    return tensor


def _history(tensor: Tensor) -> Any:
    history = history_of(tensor)
    assert history is not None
    return history


def required_dims(entry: Tensor) -> tuple[Any, ...]:
    """The sizes that what is fed to an input must have, None where any will do: it was made for the first data."""
    shape = shape_of(entry)
    return (None,) * len(shape) if _history(entry).operation.made_for_data else tuple(shape)


def _as_input(tensor: Any) -> Tensor:
    tensor = convert_to_tensor(tensor) if hasattr(tensor, "_as_graph_element") else tensor
    if not isinstance(tensor, Tensor):
        raise ValueError(f"All `inputs` values must be KerasTensors. Received: inputs={tensor!r} of type "
                         f"{type(tensor)}")
    if history_of(tensor) is None:  # a placeholder of the program's own
        InputLayer(input_tensor=tensor, name=tensor.op.name.replace("/", "_"))
    return tensor


def _fitted(tensor: Any, wanted: Tensor) -> Any:
    """A last axis of size 1 may be missing, or one too much, or one before an input of features (Keras 2)."""
    if not isinstance(tensor, Tensor) or tensor.dims is None or wanted.dims is None:
        return tensor
    rank, expected = len(tensor.dims), len(wanted.dims)
    mask, fitted = mask_of(tensor), tensor
    if tensor.dtype != wanted.dtype and _number(tensor) and _number(wanted):
        fitted = tensor = cast(tensor, wanted.dtype)
    if rank == expected + 1 and tensor.shape[-1] == 1:
        fitted = squeeze(tensor, -1)
    elif rank == expected + 1 and tensor.shape[1] == 1 and tensor.shape[2:] == wanted.shape[1:]:
        fitted = squeeze(tensor, 1)
    elif rank == expected - 1 and wanted.shape[-1] == 1:
        fitted = expand_dims(tensor, -1)
    elif rank != expected or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(
            tensor.dims[1:], required_dims(wanted)[1:], strict=True)):
        raise ValueError(f"Invalid input shape for input {tensor!r} with name "
                         f"{_history(wanted).operation.name!r}. Expected shape {shape_of(wanted)}, but input has "
                         f"incompatible shape {shape_of(tensor)}")
    if mask is not None and mask_of(fitted) is None:
        set_mask(fitted, mask)
    return fitted


def _number(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype == bool_


def _from_new_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """A model that starts at what layers gave out: the layers from there on are called anew, on inputs of its own."""
    old = flatten(inputs)
    nodes, _ = _ordered(old, [t for t in flatten(outputs) if isinstance(t, Tensor)])
    with outside_steps():
        new = [t if isinstance(_history(t).operation, InputLayer) else
               InputLayer(batch_shape=shape_of(t), dtype=t.dtype.name).output for t in old]
        values: dict[Tensor, Any] = dict(zip(old, new, strict=True))
        for node in nodes:
            if not node.is_input:
                arguments, keywords = node.replay(values)
                results = flatten(node.operation(*arguments, **keywords))
                values.update(zip(node.output_tensors, results, strict=True))
        outputs = map_structure(lambda t: values.get(t, t), outputs)
        connect(flatten(outputs), new)
    return pack(inputs, new), outputs


def _ordered(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[list[Node], dict[Any, int]]:
    """(the nodes, so that each follows what it needs; their layers, each once, with the distance from the outputs)."""
    nodes, first_met = _traversed(inputs, outputs)
    inside = set(nodes)
    node_depths: dict[Node, int] = {}
    depths: dict[Any, int] = {}
    for node in reversed(nodes):
        depth = max(node_depths.setdefault(node, 0), depths.get(node.operation, 0))
        depths[node.operation] = node_depths[node] = depth
        for parent in node.parent_nodes:
            if parent in inside:
                node_depths[parent] = max(depth + 1, node_depths.get(parent, 0))
    for tensor in inputs:  # not connected to the outputs
        operation = _history(tensor).operation
        if operation not in depths and isinstance(operation, InputLayer):
            depths[operation], first_met[operation] = 0, -1
            node = operation._inbound_nodes[0]
            node_depths[node] = 0
            nodes.append(node)
    _check_connected(inputs, outputs, nodes, node_depths)
    operations = sorted(depths, key=lambda op: (-depths[op], first_met[op]))
    return nodes, {operation: depths[operation] for operation in operations}


def _check_connected(inputs: Sequence[Tensor], outputs: Sequence[Tensor], nodes: Sequence[Node],
                     depths: dict[Node, int]) -> None:
    by_depth: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        by_depth[depths[node]].append(node)
    known: set[Tensor] = set(inputs)
    reached: list[str] = []
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            for tensor in node.input_tensors:
                if tensor not in known and history_of(tensor) is not None:
                    given = [_history(t).operation.name for t in inputs]
                    raise ValueError(f"Graph disconnected: cannot find parent for tensor {tensor!r} at operation "
                                     f"{node.operation!r}. The following previous operations were accessed without "
                                     f"issue: {reached}. It comes from {_history(tensor).operation.name!r}, which is "
                                     f"not among the model's inputs {given}.")
            if not node.is_input or node.outputs in known:
                known.update(node.output_tensors)
                reached.append(node.operation.name)
    for tensor in outputs:
        if tensor not in known and history_of(tensor) is not None:
            raise ValueError(f"Output {tensor!r} is not connected to `inputs`: it is another input.")


def _traversed(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[list[Node], dict[Any, int]]:
    """Nodes in depth-first order from the outputs, each after those it needs; the order in which layers were met."""
    given = set(inputs)
    done: set[Node] = set()
    order: list[Node] = []
    met: dict[Any, int] = {}

    def node_of(tensor: Tensor) -> Node | None:
        history = history_of(tensor)
        if history is None:
            return None
        node: Node = history.operation._inbound_nodes[history.node_index]
        return None if tensor in given and not node.is_input else node

    for output in outputs:
        root = node_of(output)
        if root is None:
            continue
        stack: list[tuple[Node, int]] = [(root, 0)]
        while stack:
            node, position = stack.pop()
            if node in done:
                continue
            met.setdefault(node.operation, len(met))
            if position < len(node.input_tensors):
                stack.append((node, position + 1))
                parent = node_of(node.input_tensors[position])
                if parent is not None and parent not in done:
                    stack.append((parent, 0))
            else:
                done.add(node)
                order.append(node)
    return order, met
