"""The arguments that convolution and pooling share: layouts, and sizes for one, for the spatial or for all axes."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.gather import gather
from .compiler.ops.symbolic import operand_dims, shape_operand
from .compiler.ops.view import expand_dims, squeeze, transpose

# spatial axes -> the names of the layouts with the channels last, and first
LAST = {1: ("NWC", "NHWC"), 2: ("NHWC",), 3: ("NDHWC",)}
FIRST = {1: ("NCW", "NCHW"), 2: ("NCHW",), 3: ("NCDHW",)}


def channels_first(op: str, data_format: str | None, axes: int) -> bool:
    """Whether the channels come before the spatial axes. Raises ValueError for an unknown layout."""
    if data_format is None or data_format in LAST[axes]:
        return False
    if data_format in FIRST[axes]:
        return True
    raise ValueError(f"{op}: data_format must be {LAST[axes][0]!r} or {FIRST[axes][0]!r}, received {data_format!r}")


def spatial(op: str, what: str, value: Any, axes: int, first: bool = False) -> tuple[int, ...]:
    """Strides, dilations or a window, given as one integer, for each spatial or for every axis, as `axes` integers.

    Raises ValueError unless they are positive and those of the batch and the channels are 1.
    """
    if value is None:
        return (1,) * axes
    try:
        items = [int(v) for v in value] if hasattr(value, "__iter__") else [int(value)]
    except (TypeError, ValueError):
        raise ValueError(f"{op}: {what} must be integers, received {value!r}") from None
    if len(items) == axes + 2:
        outer = items[:2] if first else [items[0], items[-1]]
        items = items[2:] if first else items[1:-1]
        if outer != [1, 1]:
            raise ValueError(f"{op}: {what} in the batch and depth dimensions must be 1, received {value!r}")
    if len(items) == 1:
        items *= axes
    if len(items) != axes or min(items) < 1:
        raise ValueError(f"{op}: {what} must be {axes} positive integers, received {value!r}")
    return tuple(items)


def padding_argument(op: str, padding: Any, axes: int, first: bool = False) -> Any:
    """ "SAME", "VALID", or (before, after) for each spatial axis, which may be given for every axis. """
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ValueError(f"{op}: padding must be 'SAME', 'VALID' or explicit, received {padding!r}")
        return padding.upper()
    if padding is None:
        raise ValueError(f"{op}: padding must be given")
    pads = [(int(before), int(after)) for before, after in padding]
    if len(pads) == axes + 2:
        pads = pads[2:] if first else pads[1:-1]
    if len(pads) != axes:
        raise ValueError(f"{op}: padding must be (before, after) for each axis, received {padding!r}")
    return tuple(pads)


def in_channels_last(x: Tensor, axes: int, first: bool, name: str | None, compute: Callable[..., Tensor]) -> Tensor:
    """`compute(x, name)` of what has its channels last, for a tensor in either layout.

    Raises ShapeError where not one window fits in an axis.
    """
    if not first:
        result = compute(x, name)
        for size, count in zip((x.dims or ())[1:-1], (result.dims or ())[1:-1], strict=False):
            if count == 0 and size != 0:
                raise ShapeError(f"{result.op.type}: Negative dimension size: no window fits in the {size} elements of "
                                 f"an axis of {x!r}")
        return result
    there, back = (0, *range(2, axes + 2), 1), (0, axes + 1, *range(1, axes + 1))
    return transpose(compute(transpose(x, there), None), back, name=name or "transpose")


def shape_in_channels_last(shape: Any, axes: int, first: bool) -> Tensor:
    """A shape argument for a tensor in either layout as that of one with its channels last."""
    operand = shape_operand(shape)
    if not first:
        return operand
    order = (0, *range(2, axes + 2), 1)
    dims = operand_dims(operand)
    return gather(operand, convert_to_tensor(order)) if dims is None else shape_operand([dims[a] for a in order])


def as_images(x: Tensor) -> Tensor:
    """Series [batch, width, channels] as images of height 1."""
    return expand_dims(x, 1)


def as_series(x: Tensor, name: str | None = None) -> Tensor:
    """Images of height 1 as series."""
    return squeeze(x, [1], name=name)
