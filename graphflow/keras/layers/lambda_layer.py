"""A layer from a function."""
from __future__ import annotations

import inspect
import types
from typing import Any

from ...compiler.ir import Tensor
from ..nest import as_list, flatten
from ..saving.code import dumped, known, loaded, noted
from ..saving.serialization import deserialize_keras_object, in_safe_mode, loads_safely, serialize_keras_object
from .input_spec import is_shape, shape_of
from .layer import Layer


class Lambda(Layer):
    """`function(inputs, **arguments)`; the function may also take `mask` and `training`. It may not own weights.

    `output_shape` (without the batch axis, or a function of the input's shape) states what is not known of the result.
    """

    def __init__(self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.function, self.mask = function, mask
        self.arguments = dict(arguments or {})
        self._output_shape = output_shape
        self.supports_masking = mask is not None
        parameters = inspect.signature(function).parameters if callable(function) else {}
        self._passed = [n for n in ("mask", "training") if n in parameters and n not in self.arguments]

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        known = {"mask": mask, "training": training}
        outputs = self.function(inputs, **self.arguments, **{n: known[n] for n in self._passed})
        if isinstance(outputs, list) and len(outputs) == 1:  # as of K.gradients
            outputs = outputs[0]
        if isinstance(outputs, Tensor) and self._output_shape is not None and (
                outputs.dims is None or None in shape_of(outputs)[1:]):
            outputs.set_shape(self._stated(inputs))
        return outputs

    def _stated(self, inputs: Any) -> Any:
        if callable(self._output_shape):
            shapes = [shape_of(t) for t in flatten(inputs)]
            return tuple(self._output_shape(shapes[0] if not isinstance(inputs, (list, tuple)) else shapes))
        return (None, *as_list(self._output_shape))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"function": _described(self.function)}
        if self._output_shape is not None:
            config["output_shape"] = _described(self._output_shape)
        if self.mask is not None:
            config["mask"] = _described(self.mask)
        return {**super().get_config(), **config, "arguments": serialize_keras_object(self.arguments)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None, safe_mode: bool | None = None) -> Any:
        safe = in_safe_mode() if safe_mode is None else safe_mode
        config = dict(config)
        kinds = {"function": config.pop("function_type", None), "output_shape": config.pop("output_shape_type", None)}
        for old in ("module", "output_shape_module"):
            config.pop(old, None)
        for key in ("function", "output_shape", "mask"):
            if key in config:
                config[key] = _revived(config[key], kinds.get(key), custom_objects, safe)
        if is_shape(config.get("output_shape")) and config["output_shape"] is not None:
            config["output_shape"] = tuple(config["output_shape"])
        config["arguments"] = deserialize_keras_object(config.get("arguments") or {}, custom_objects)
        return cls(**config)


def _described(value: Any) -> Any:
    """A function as its name, or where it has none (a lambda) as its compiled code, as Keras does."""
    if isinstance(value, types.LambdaType) and value.__name__ == "<lambda>":
        code, defaults, closure = dumped(value)
        return {"class_name": "__lambda__", "config": {"code": code, "defaults": defaults, "closure": closure}}
    described = serialize_keras_object(value)
    return noted(described, value) if isinstance(value, types.FunctionType) else described


def _revived(value: Any, kind: str | None, custom_objects: Any, safe: bool) -> Any:
    compiled = kind == "lambda"  # Keras 2: a list
    if isinstance(value, dict) and value.get("class_name") == "__lambda__":
        value, compiled = value["config"].get("value", value["config"]), True
    if not compiled:
        if kind == "raw" or value is None:
            return value
        if isinstance(value, str):
            value = {"class_name": "function", "config": value, "registered_name": value}
        try:
            return deserialize_keras_object(value, custom_objects)
        except ValueError:
            own = None if loads_safely() else known([value.get("config")])
            if own is None:
                raise
            return own
    own = None if loads_safely() else known(value)
    if own is not None:
        return own
    if safe:
        raise ValueError("Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda. This "
                         "carries a potential risk of arbitrary code execution and thus it is disallowed by default. "
                         "If you trust the source of the artifact, you can override this error by passing "
                         "`safe_mode=False` to the loading function.")
    return loaded(value)
