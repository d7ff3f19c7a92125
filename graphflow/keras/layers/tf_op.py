"""TensorFlow functions between layers, as tf.keras wrote them into models (`TFOpLambda`, `SlicingOpLambda`)."""
from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

from .layer import Layer

# functions that compute on tensors and do nothing else: no other name of a file is looked up
_TOP = ("cast", "concat", "expand_dims", "fill", "gather", "identity", "image.resize", "one_hot", "ones_like", "pad",
        "repeat", "reshape", "reverse", "shape", "slice", "split", "squeeze", "stack", "tile", "transpose", "unstack",
        "where", "zeros_like", "clip_by_value", "stop_gradient", "convert_to_tensor", "boolean_mask", "linalg.matmul",
        "broadcast_to", "range", "rank", "size", "space_to_depth", "depth_to_space", "image.flip_left_right")
_FOLDERS = ("math.", "nn.", "compat.v1.")
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "pow": operator.pow,
    "floordiv": operator.floordiv, "mod": operator.mod, "neg": operator.neg, "abs": abs, "matmul": operator.matmul,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq,
    "radd": lambda y, x: x + y, "rsub": lambda y, x: x - y, "rmul": lambda y, x: x * y,
    "rtruediv": lambda y, x: x / y,
}


def _function(name: str) -> Callable[..., Any]:
    """The function of that name in TensorFlow. Raises ValueError for one that no model may name."""
    if name.startswith("__operators__."):
        operation = _OPERATORS.get(name.partition(".")[2])
        found: Any = None if operation is None else lambda *args, **kwargs: operation(*args, *kwargs.values())
    else:
        bare = name.removeprefix("compat.v1.")
        inner = bare.removeprefix("math.").removeprefix("nn.")
        allowed = bare in _TOP or name.startswith(_FOLDERS[:2]) and inner.isidentifier() and not inner.startswith("_")
        found = sys.modules[__name__.partition(".")[0]] if allowed else None
        for part in bare.split(".") if allowed else ():
            found = getattr(found, part, None)
    if not callable(found) or isinstance(found, type):
        raise ValueError(f"The model holds the TensorFlow function {name!r}, which is not one that files may name.")
    return found


class TFOpLambda(Layer):
    """`function` is TensorFlow's name of a function: it is called with the layer's arguments."""

    def __init__(self, function: str, **kwargs: Any):
        name = kwargs.pop("name", None)
        super().__init__(name=None if name is None else name.replace("/", "_"), **kwargs)
        if name is not None:
            self.name = name
        self.function = function
        self._called = self._resolved(function)

    def _resolved(self, function: str) -> Callable[..., Any]:
        return _function(function)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        return self._called(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "function": self.function}


class SlicingOpLambda(TFOpLambda):
    """`x[...]`: `slice_spec` holds numbers, and dicts of start, stop and step."""

    def _resolved(self, function: str) -> Callable[..., Any]:
        return lambda tensor, slice_spec: tensor[_key(slice_spec)]


def _key(spec: Any) -> Any:
    if isinstance(spec, dict) and "items" in spec:
        spec = spec["items"]
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return Ellipsis
    if isinstance(spec, dict):
        return slice(spec.get("start"), spec.get("stop"), spec.get("step"))
    return tuple(_key(s) for s in spec) if isinstance(spec, (list, tuple)) else spec
