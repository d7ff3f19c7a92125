"""A recurrent layer run forwards and backwards."""
from __future__ import annotations

from typing import Any

from ...compiler.ops.slicing import concat
from ...compiler.ops.view import reverse
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .input_spec import is_shape
from .layer import Layer


class Bidirectional(Layer):
    """`layer` and a copy that runs backwards (or `backward_layer`); `merge_mode` says what becomes of the two outputs:
    "concat", "sum", "mul", "ave", or None, both.
    """

    supports_masking = True

    def __init__(self, layer: Any, merge_mode: str | None = "concat", weights: Any = None, backward_layer: Any = None,
                 **kwargs: Any):
        for given in (layer, backward_layer):
            if given is not None and not isinstance(given, Layer):
                raise ValueError("Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. "
                                 f"Received: {given}")
            if given is not None and not hasattr(given, "go_backwards"):
                raise ValueError("`Bidirectional` takes recurrent layers, which have the attribute `go_backwards`. "
                                 f"Received: {given}")
        if layer is None or merge_mode not in ("sum", "mul", "ave", "concat", None):
            raise ValueError(f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                             '{"sum", "mul", "ave", "concat", None}')
        if "name" not in kwargs and layer._batch_input_shape is not None:
            kwargs.setdefault("batch_input_shape", layer._batch_input_shape)
        super().__init__(**kwargs)
        self.forward_layer = _copied(layer, "forward", layer.go_backwards)
        self.backward_layer = backward_layer or _copied(layer, "backward", not layer.go_backwards)
        for attribute in ("go_backwards", "stateful", "return_sequences", "return_state"):
            same = getattr(self.forward_layer, attribute) == getattr(self.backward_layer, attribute)
            if same == (attribute == "go_backwards"):
                raise ValueError("Forward layer and backward layer should have different `go_backwards` value, and "
                                 f"the same `{attribute}`.")
        for one in (self.forward_layer, self.backward_layer):
            one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self._initial_weights = weights
        self.stateful, self.return_sequences = layer.stateful, layer.return_sequences
        self.return_state = layer.return_state

    @property
    def layer(self) -> Any:
        return self.forward_layer

    def build(self, sequences_shape: Any, initial_state_shape: Any = None, constants_shape: Any = None) -> None:
        shape, *others = [sequences_shape] if is_shape(sequences_shape) else sequences_shape
        constants = others[len(others) - getattr(self.forward_layer, "_num_constants", 0):] or constants_shape
        for one in (self.forward_layer, self.backward_layer):
            if not one.built:
                one.build_from_config({"input_shape": shape} if not constants else {
                    "shapes_dict": {"sequences_shape": shape, "constants_shape": constants}})

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None,
             constants: Any = None) -> Any:
        keywords = {"mask": mask[0] if isinstance(mask, (list, tuple)) else mask, "training": training}
        if hasattr(self.forward_layer, "_apart"):
            sequences, initial_state, constants = self.forward_layer._apart(sequences, initial_state, constants)
            keywords |= {"constants": constants} if constants else {}
        forward_state = backward_state = None
        if initial_state is not None:
            if not isinstance(initial_state, (list, tuple)) or len(initial_state) % 2:
                raise ValueError("When passing `initial_state` to a Bidirectional RNN, it must be a list with the "
                                 "states of the forward layer and then those of the backward layer. Received: "
                                 f"initial_state={initial_state}")
            half = len(initial_state) // 2
            forward_state, backward_state = list(initial_state[:half]), list(initial_state[half:])
        ahead = self.forward_layer(sequences, initial_state=forward_state, **keywords)
        back = self.backward_layer(sequences, initial_state=backward_state, **keywords)
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*ahead[1:], *back[1:])
            ahead, back = ahead[0], back[0]
        if self.return_sequences:
            back = reverse(back, 1)
        merged = self._merged(ahead, back)
        if not self.return_state:
            return merged
        return (*merged, *states) if self.merge_mode is None else (merged, *states)

    def _merged(self, a: Any, b: Any) -> Any:
        if self.merge_mode == "concat":
            return concat([a, b], -1)
        if self.merge_mode == "sum":
            return a + b
        if self.merge_mode == "ave":
            return (a + b) / 2
        return a * b if self.merge_mode == "mul" else (a, b)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        outputs = [mask, mask] if self.merge_mode is None else [mask]
        if self.return_state:
            return [*outputs, *(None for _ in self.forward_layer.state_size * 2)]
        return outputs if self.merge_mode is None else mask

    def reset_state(self) -> None:
        """Make the states of both directions zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "merge_mode": self.merge_mode,
                "layer": serialize_keras_object(self.forward_layer),
                "backward_layer": serialize_keras_object(self.backward_layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        config["layer"] = deserialize_keras_object(config["layer"], custom_objects)
        if config.get("backward_layer") is not None:
            config["backward_layer"] = deserialize_keras_object(config["backward_layer"], custom_objects)
        return cls(**config)


def _copied(layer: Any, direction: str, go_backwards: bool) -> Any:
    described = serialize_keras_object(layer)
    name = layer.name.removeprefix(f"{direction}_")
    described["config"] = {**described["config"], "name": f"{direction}_{name}", "go_backwards": go_backwards}
    described.pop("build_config", None)
    return deserialize_keras_object(described, {type(layer).__name__: type(layer)})
