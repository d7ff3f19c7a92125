"""Functional models as plain data and back: Keras 3's format, and Keras 2's lists of inbound nodes."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...compiler.ir import Tensor
from ..layers.input_spec import shape_of
from ..layers.node import history_of
from ..nest import flatten, map_structure
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scope import outside_steps

KERAS_TENSOR = "__keras_tensor__"
CONSTANT = "_CONSTANT_VALUE"  # tf.keras: stands in the place of a layer's name before a value


def network_config(model: Any) -> dict[str, Any]:
    """The layers with their calls, and which of their outputs are the model's inputs and outputs."""
    network = model._network
    positions: dict[Any, int] = {}  # of each node of the network among those of its layer
    for operation in network.operations:
        own = [n for n in operation._inbound_nodes if n in network.node_set]
        positions |= {node: i for i, node in enumerate(own)}

    def place(tensor: Any) -> list[Any]:
        history = history_of(tensor)
        assert history is not None
        node = history.operation._inbound_nodes[history.node_index]
        return [history.operation.name, positions[node], history.tensor_index]

    def end(tensor: Any) -> list[Any]:
        """Among inputs and outputs, but not in calls, a model within counts itself as its first call."""
        name, position, index = place(tensor)
        return [name, position + _own_calls(history_of(tensor).operation), index]  # type: ignore[union-attr]

    def described(tensor: Any) -> Any:
        history = history_of(tensor)
        if not isinstance(tensor, Tensor) or history is None and tensor.op.type == "Const":
            return tensor
        if history is None:
            raise ValueError(f"The tensor {tensor!r} that a layer of model {model.name!r} was called with is not the "
                             "output of a layer, so that it cannot be written to a config.")
        return {"class_name": KERAS_TENSOR, "config": {"shape": list(shape_of(tensor)), "dtype": tensor.dtype.name,
                                                       "keras_history": place(tensor)}}

    layers = []
    for operation in network.operations:
        calls = [{"args": serialize_keras_object(list(map_structure(described, n.arguments))),
                  "kwargs": serialize_keras_object(map_structure(described, n.keywords))}
                 for n in operation._inbound_nodes if n in network.node_set and not n.is_input]
        layers.append({**serialize_keras_object(operation), "name": operation.name, "inbound_nodes": calls})
    return {"name": model.name, "trainable": model.trainable, "layers": layers,
            "input_layers": map_structure(end, network.input_nest),
            "output_layers": map_structure(end, network.output_nest)}


def _own_calls(operation: Any) -> int:
    return 1 if getattr(operation, "is_functional", False) else 0


def network_from_config(cls: Any, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """The model. Raises ValueError for a config whose layers do not connect."""
    made: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = []  # calls that are still to be made
    with outside_steps():
        for described in config["layers"]:
            name = described.get("name") or described["config"]["name"]
            layer = deserialize_keras_object(described, custom_objects)
            made[name] = layer
            waiting += [(name, call) for call in described.get("inbound_nodes") or ()]
        first = _counted_from(config, made)
        while waiting:
            later: list[tuple[str, Any]] = []
            blocked: set[str] = set()
            for name, call in waiting:
                # a layer's calls keep their order
                if name in blocked or not _call(made[name], call, made, first):
                    blocked.add(name)
                    later.append((name, call))
            if len(later) == len(waiting):
                raise ValueError("Invalid Functional model configuration. The graph of the Functional model either has "
                                 f"loops or disconnected nodes. Unresolved: {sorted(blocked)}")
            waiting = later

        def tensors(places: Any) -> Any:
            if isinstance(places, (list, tuple)) and len(places) == 3 and isinstance(places[0], str):
                return _tensor(places, made, first)
            if isinstance(places, Mapping):
                return {k: tensors(v) for k, v in places.items()}
            return [tensors(v) for v in places]

        if not _legacy(config):
            first = {name: _own_calls(layer) for name, layer in made.items()}
        inputs, outputs = tensors(config["input_layers"]), tensors(config["output_layers"])
        if any(t is None for t in flatten((inputs, outputs))):
            raise ValueError("Invalid Functional model configuration: its inputs or outputs name calls that it does "
                             "not describe.")
        if _legacy(config):  # one tensor stood in a list of one
            inputs, outputs = (v[0] if isinstance(v, list) and len(v) == 1 else v for v in (inputs, outputs))
        model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
    if config.get("trainable") is False:
        model.trainable = False
    return model


def _legacy(config: Mapping[str, Any]) -> bool:
    return not any("args" in call for layer in config["layers"] for call in layer.get("inbound_nodes") or ()
                   if isinstance(call, Mapping))


def _tensor(place: Any, made: Mapping[str, Any], first: Mapping[str, int]) -> Tensor | None:
    """The output that [layer, node, index] means; None while that call has not been made."""
    name, node, index = place[0], int(place[1]), int(place[2])
    if name not in made:
        raise ValueError(f"Invalid Functional model configuration. Unknown layer: {name!r}")
    layer = made[name]
    node -= first.get(name, 0)
    nodes = layer._inbound_nodes
    if not 0 <= node < len(nodes):
        return None
    outputs = nodes[node].output_tensors
    if not 0 <= index < len(outputs):
        raise ValueError(f"Invalid Functional model configuration. Layer {name!r} has {len(outputs)} outputs, output "
                         f"{index} is asked for.")
    return outputs[index]


def _counted_from(config: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, int]:
    """For each model within, the number of its first call: 1 where the file counts the model itself as one."""
    lowest: dict[str, int] = {}

    def note(value: Any) -> None:
        if isinstance(value, Mapping):
            for v in value.values():
                note(v)
        elif isinstance(value, (list, tuple)):
            if len(value) in (3, 4) and isinstance(value[0], str) and all(isinstance(v, int) for v in value[1:3]):
                lowest[value[0]] = min(value[1], lowest.get(value[0], value[1]))
            for v in value:
                note(v)

    for layer in config["layers"]:
        note(layer.get("inbound_nodes"))
    if _legacy(config):
        note([config["input_layers"], config["output_layers"]])
    return {name: node for name, node in lowest.items() if name in made and hasattr(made[name], "layers")}


def _call(layer: Any, call: Any, made: Mapping[str, Any], first: Mapping[str, int]) -> bool:
    """Make a call; False when an input of it does not exist yet."""
    missing = False

    def tensor(place: Any) -> Any:
        nonlocal missing
        found = _tensor(place, made, first)
        missing = missing or found is None
        return found

    if isinstance(call, Mapping):
        def revived(value: Any) -> Any:
            if isinstance(value, Mapping) and value.get("class_name") == KERAS_TENSOR:
                return tensor(value["config"]["keras_history"])
            if isinstance(value, Mapping) and "class_name" not in value:
                return {k: revived(v) for k, v in value.items()}
            if isinstance(value, Mapping) and value.get("class_name") == "__tuple__":
                return tuple(revived(v) for v in value["config"]["value"])
            if isinstance(value, list):
                return [revived(v) for v in value]
            return deserialize_keras_object(value)
        arguments, keywords = revived(list(call["args"])), revived(dict(call.get("kwargs") or {}))
    else:  # Keras 2: [[layer, node, tensor, kwargs], ...], the inputs of one call
        items = [call] if call and isinstance(call[0], str) else list(call)
        def placed(value: Any) -> Any:
            if isinstance(value, list):
                is_place = len(value) in (3, 4) and isinstance(value[0], str) and value[0] in made
                return tensor(value) if is_place else [placed(v) for v in value]
            return value

        inputs = [item[2] if item[0] == CONSTANT else tensor(item) for item in items]
        keywords = {key: placed(value) for item in items if len(item) > 3 for key, value in item[3].items()}
        arguments = [inputs[0] if len(inputs) == 1 else inputs]
    if missing:
        return False
    layer(*arguments, **keywords)
    return True
