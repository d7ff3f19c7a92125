"""What a call of a layer was given: its arguments by name, the tensors among them, their shapes and masks."""
from __future__ import annotations

import inspect
from typing import Any

from ...compiler.ir import Tensor
from ..nest import flatten, map_structure
from ..stated import stated_shape
from .node import mask_of

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Signature:
    """The parameters of a layer's `call`."""

    def __init__(self, call: Any):
        self.parameters = dict(inspect.signature(call).parameters)
        self.takes_any = any(p.kind is p.VAR_KEYWORD for p in self.parameters.values())
        self.takes_training = "training" in self.parameters
        self.takes_mask = "mask" in self.parameters
        # those that a call must be given: a layer finds the rest itself
        self.required = [name for name, p in self.parameters.items() if p.kind in POSITIONAL and p.default is p.empty
                         and name != "training" and not name.endswith("mask")]

    def default(self, name: str) -> Any:
        """The default of a parameter: None if it has none."""
        parameter = self.parameters.get(name)
        return None if parameter is None or parameter.default is parameter.empty else parameter.default

    def bind(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name. Too many positional ones stand under `args`, as the call itself will say."""
        names = [n for n, p in self.parameters.items() if p.kind in POSITIONAL]
        bound = dict(zip(names, arguments, strict=False))
        if len(arguments) > len(names):
            bound["args"] = list(arguments[len(names):])
        return bound | keywords


def has_tensor(value: Any) -> bool:
    return any(isinstance(leaf, Tensor) for leaf in flatten(value))


def has_symbolic(value: Any) -> bool:
    """Whether there is a tensor without a value in the nest."""
    return any(isinstance(leaf, Tensor) and leaf.eager_value is None for leaf in flatten(value))


def tensor_arguments(bound: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that are tensors or nests with tensors."""
    return {k: v for k, v in bound.items() if has_tensor(v)}


def shapes_for(build: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `build`: the shape of the only or first argument, or shapes by name ("query_shape")."""
    shapes = {f"{k}_shape": map_structure(lambda t: stated_shape(t) if isinstance(t, Tensor) else None, v)
              for k, v in tensors.items() if _is_input(k)}
    parameters = inspect.signature(build).parameters
    names = [n for n, p in parameters.items() if p.kind in POSITIONAL]
    first = next(iter(shapes.values()), None)
    if len(names) == 1 or not any(n in shapes for n in names):
        return {names[0]: first} if names else {}
    named = {n: s for n, s in shapes.items() if n in names}
    return named if names[0] in named else {names[0]: first, **named}  # a subclass calls its first argument otherwise


def _is_input(argument: str) -> bool:
    return argument not in ("mask", "training") and not argument.endswith("_mask")


def fill_masks(signature: Signature, bound: dict[str, Any], keywords: dict[str, Any]) -> None:
    """Give `call` the masks that came with its tensors, under `mask` (of the only tensor argument), `value_mask`,
    ..."""
    tensors = {k: v for k, v in tensor_arguments(bound).items() if _is_input(k)}
    if len(tensors) == 1 or tensors and "mask" in signature.parameters and not any(
            f"{k}_mask" in signature.parameters for k in tensors):
        if signature.takes_mask and bound.get("mask") is None:
            mask = map_structure(mask_of, next(iter(tensors.values())))
            if any(m is not None for m in flatten(mask)):
                keywords["mask"] = mask
    elif len(tensors) > 1:
        for name, value in tensors.items():
            key = f"{name}_mask"
            if key in signature.parameters and bound.get(key) is None:
                keywords[key] = map_structure(mask_of, value)
