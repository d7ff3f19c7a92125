"""Zeros around an image become the padding of the window that slides over it, which nothing has to write or read."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import window
from ..ir import Operation, Tensor, default_graph
from ..shapes import Dims

# below zero nothing, so that the zeros around them never are the only maximum
NOT_NEGATIVE = {"Relu", "Relu6", "Sigmoid", "Softplus", "Abs", "Square", "Exp"}


def absorb_zeros(op: Operation, inputs: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """What replaces a window op over images with a border of zeros: the same over the images alone."""
    placed = inputs[0].op
    if placed.control_inputs or placed.attrs["value"] != 0:
        return None
    images, dims, pads = placed.inputs[0], inputs[0].dims, _borders(placed.attrs, placed.inputs[0].dims)
    sizes = op.attrs["window"] if op.type == "MaxPool" else (inputs[1] if op.type == "Conv2D" else op.output).dims
    taps = [n for n in (sizes or ())[:2] if isinstance(n, int)]
    if images.dims is None or dims is None or pads is None or len(taps) < 2:
        return None
    if op.type == "MaxPool" and (images.op.type not in NOT_NEGATIVE or not all(
            max(pad) < n for pad, n in zip(pads, taps, strict=True))):
        return None
    own, _ = window.resolve(op.attrs["padding"], dims[1:3], taps, op.attrs["strides"], op.attrs.get("dilations"))
    if not all(isinstance(n, int) for pad in own for n in pad) or op.type == "MaxPool" and any(map(any, own)):
        return None
    padding = tuple((a + before, b + after) for (a, b), (before, after) in zip(own, pads, strict=True))
    attrs = {**op.attrs, "padding": padding}
    return default_graph().add(op.definition, [images, *inputs[1:]], attrs, op.type, [op.output.type]).outputs


def _borders(attrs: dict[str, Any], inner: Dims | None) -> tuple[tuple[int, int], ...] | None:
    """(before, after) of the two spatial axes, if the others have none and each is known."""
    if inner is None or len(inner) != 4 or set(attrs["strides"]) != {1}:
        return None
    after = [d - n - b for d, n, b in zip(attrs["dims"], inner, attrs["begin"], strict=True)]
    pads = tuple(zip(attrs["begin"], after, strict=True))
    if pads[0] != (0, 0) or pads[3] != (0, 0) or not all(isinstance(n, int) and n >= 0 for p in pads for n in p):
        return None
    return pads[1:3]
