"""Keras 2's `target_tensors`: targets that the graph itself gives."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ..nest import flatten


def is_fed(tensor: Tensor) -> bool:
    """Whether arrays are fed for it: the graph gives any tensor but a placeholder."""
    return tensor.op.type.startswith("Placeholder")


def target_tensors_by_output(given: Any, outputs: Any) -> list[Tensor | None]:
    """The tensors that `compile` was given, one for each output; None where arrays are fed.

    Raises TypeError and ValueError for what does not fit the `outputs` (a `models.compiled.Outputs`).
    """
    count = len(outputs.names)
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            raise ValueError("When passing a list as `target_tensors`, it should have one entry per model output. The "
                             f"model has {count} outputs, but you passed target_tensors={given}")
        found = list(given)
    elif isinstance(given, dict):
        found = outputs.arranged(given, "target_tensors")
    elif hasattr(given, "shape"):
        if count != 1:
            raise ValueError(f"The model has {count} outputs, but you passed a single tensor as `target_tensors`. "
                             "Expected a list or a dict of tensors.")
        found = [given]
    else:
        raise TypeError("Expected `target_tensors` to be a list or tuple or dict or a single tensor, but got: "
                        f"{given}")
    tensors = [None if t is None else convert_to_tensor(t) for t in found]
    return [t if t is not None and not is_fed(t) else None for t in tensors]


def with_targets(fed: list[Any], own: list[Tensor | None]) -> list[Any]:
    """The targets of a step: those that are fed, with those of the graph in their places. Raises ValueError where
    both are given."""
    if not any(t is not None for t in own):
        return fed
    if len(flatten(fed)) and any(t is not None and a is not None for t, a in zip(own, fed, strict=True)):
        raise ValueError("Targets were given for outputs that have `target_tensors`, which no arrays are fed for.")
    return [t if t is not None else a for t, a in zip(own, fed or [None] * len(own), strict=True)]
