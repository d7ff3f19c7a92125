"""Axes: their number and their order."""
from __future__ import annotations

from typing import Any

from ...compiler.ir import Tensor
from ...compiler.ops import view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.shapes import normalize_axis


def axes_of(axis: Any) -> list[int]:
    """One axis or several as a list."""
    return [int(a) for a in axis] if hasattr(axis, "__iter__") else [int(axis)]


def rank_of(name: str, x: Tensor) -> int:
    """The number of axes, for the operation of that name."""
    return len(view.known_rank(name, x))


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """The axes `source` moved to the places `destination`; the others keep their order."""
    tensor = convert_to_tensor(x)
    if len(axes_of(source)) != len(axes_of(destination)):
        raise ValueError(f"Inconsistent number of `source` and `destination`. Received: source={source}, "
                         f"destination={destination}")
    order = list(range(rank_of("moveaxis", tensor)))
    moved = {normalize_axis("moveaxis", d, len(order)): normalize_axis("moveaxis", s, len(order))
             for s, d in zip(axes_of(source), axes_of(destination), strict=True)}
    rest = iter([a for a in order if a not in moved.values()])
    order = [moved[a] if a in moved else next(rest) for a in order]
    return tensor if order == sorted(order) else view.transpose(tensor, order)
