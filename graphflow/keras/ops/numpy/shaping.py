"""The order and the shape of elements: axes moved, joined, split, repeated."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import array_ops, blocks
from ....compiler.dims import Dim
from ....compiler.dtypes import as_dtype
from ....compiler.ir import Tensor
from ....compiler.ops import bits, slicing, view
from ....compiler.ops import elementwise as ew
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.dynamic_slice import items_of
from ....compiler.ops.operators import get_item as _get_item
from ....compiler.ops.symbolic import static_ints
from ....compiler.shapes import normalize_axis
from ..axes import axes_of, moveaxis, rank_of
from ..dtypes import as_tensor, kind_of, result_type, standardize_dtype


def alike(xs: Sequence[Any]) -> list[Tensor]:
    """Tensors of the dtype that all promote to."""
    kinds = {kind_of(x) for x in xs}
    wanted = result_type(*kinds) if len(kinds) > 1 else None
    return [as_tensor(x, wanted) for x in xs]


def ndim(x: Any) -> int:
    """The number of axes."""
    return rank_of("ndim", convert_to_tensor(x))


def size(x: Any) -> Tensor:
    """The number of elements: an int32 scalar."""
    return array_ops.size(convert_to_tensor(x))


def reshape(x: Any, newshape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    return view.reshape(x, newshape)


def ravel(x: Any) -> Tensor:
    """The elements in one axis."""
    return view.reshape(x, (-1,))


def expand_dims(x: Any, axis: Any) -> Tensor:
    """With new axes of size 1 at these places of the result."""
    tensor = convert_to_tensor(x)
    axes = axes_of(axis)
    out = rank_of("expand_dims", tensor) + len(axes)
    for a in sorted(normalize_axis("expand_dims", a, out) for a in axes):
        tensor = view.expand_dims(tensor, a)
    return tensor


def squeeze(x: Any, axis: Any = None) -> Tensor:
    """Without these axes of size 1 (None: without all). Raises ValueError if one has another size."""
    return view.squeeze(x, axis)


def transpose(x: Any, axes: Any = None) -> Tensor:
    """The axes in that order (None: reversed)."""
    return view.transpose(x, axes or None)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """The two axes exchanged."""
    return moveaxis(x, (axis1, axis2), (axis2, axis1))


def flip(x: Any, axis: Any = None) -> Tensor:
    """The elements in reverse along these axes (None: all)."""
    tensor = convert_to_tensor(x)
    return view.reverse(tensor, list(range(rank_of("flip", tensor))) if axis is None else axes_of(axis))


def fliplr(x: Any) -> Tensor:
    """The second axis reversed."""
    return view.reverse(x, [1])


def flipud(x: Any) -> Tensor:
    """The first axis reversed."""
    return view.reverse(x, [0])


def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees from the first of `axes` towards the second. Raises ValueError for bad axes."""
    tensor = convert_to_tensor(array)
    rank = rank_of("rot90", tensor)
    if rank < 2:
        raise ValueError(f"Input array must have at least 2 dimensions. Received: array.ndim={rank}")
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"Invalid axes: {axes}. Axes must be a tuple of two different dimensions.")
    first, second = (a % rank for a in axes)
    match k % 4:
        case 0:
            return tensor
        case 1:
            return swapaxes(view.reverse(tensor, [second]), first, second)
        case 2:
            return view.reverse(tensor, [first, second])
        case _:
            return view.reverse(swapaxes(tensor, first, second), [second])


def roll(x: Any, shift: Any, axis: Any = None) -> Tensor:
    """Moved by `shift` along `axis` (None: as one flat row); what leaves one end enters at the other."""
    tensor = convert_to_tensor(x)
    if axis is not None:
        return blocks.roll(tensor, shift, axis)
    return view.reshape(blocks.roll(view.reshape(tensor, (-1,)), shift, 0), view.shape_of(tensor))


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """Repeated to a shape by NumPy's rules."""
    return view.broadcast_to(x, shape)


def tile(x: Any, repeats: Any) -> Tensor:
    """Repeated that often along each axis; missing axes are added in front."""
    tensor = convert_to_tensor(x)
    times = items_of("tile", "repeats", repeats)
    rank = rank_of("tile", tensor)
    times = [1] * (rank - len(times)) + times
    for _ in range(len(times) - rank):
        tensor = view.expand_dims(tensor, 0)
    return slicing.tile(tensor, times)


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element along `axis` (None: of all, flat) `repeats` times in a row: a number, or one for each."""
    return blocks.repeat(x, repeats, axis)


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """With elements before and after each axis: [[before, after], ...], one pair or one number for all.

    `mode` is "constant", "reflect" or "symmetric". Raises ValueError for values with another mode than "constant".
    """
    if constant_values is not None and mode != "constant":
        raise ValueError("Argument `constant_values` can only be provided when `mode == 'constant'`. "
                         f"Received: mode={mode}")
    tensor = convert_to_tensor(x)
    rank = rank_of("pad", tensor)
    if not isinstance(pad_width, Tensor):
        widths = pad_width if hasattr(pad_width, "__iter__") else ((pad_width, pad_width),)
        widths = [tuple(w) if hasattr(w, "__iter__") else (w, w) for w in widths]
        pad_width = widths * rank if len(widths) == 1 else widths
    return slicing.pad(tensor, pad_width, mode.upper(), constant_values=constant_values or 0)


# several tensors as one

def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """One after another along an axis."""
    return slicing.concat(alike(xs), axis)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    return slicing.stack(alike(x), axis)


def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """x2 after x1 along `axis` (None: both flat)."""
    both = alike([x1, x2])
    return slicing.concat([view.reshape(t, (-1,)) for t in both] if axis is None else both, axis or 0)


def hstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one after another along the second axis, vectors along their only one."""
    tensors = alike(xs)
    return slicing.concat(tensors, 0 if rank_of("hstack", tensors[0]) == 1 else 1)


def vstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one after another along the first axis."""
    return slicing.concat(alike(xs), 0)


def dstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one after another along the third axis; numbers, vectors and matrices get the axes they miss."""
    def deep(t: Tensor) -> Tensor:
        dims = view.known_rank("dstack", t)
        wanted = {0: (1, 1, 1), 1: (1, *dims, 1), 2: (*dims, 1)}.get(len(dims))
        return t if wanted is None else view.reshape(t, wanted)
    return slicing.concat([deep(t) for t in alike(xs)], 2)


# one tensor as several

def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """That many equal parts, or the parts between these positions."""
    tensor = convert_to_tensor(x)
    if isinstance(indices_or_sections, (int, np.integer)):
        return slicing.split(tensor, int(indices_or_sections), axis)
    at = normalize_axis("split", axis, rank_of("split", tensor))
    bounds = [0, *axes_of(static_ints("split", "indices", indices_or_sections)), view.known_rank("split", tensor)[at]]
    return [slicing.slice_axis(tensor, at, a, b - a) for a, b in zip(bounds, bounds[1:], strict=False)]


def array_split(x: Any, indices_or_sections: int, axis: int = 0) -> list[Tensor]:
    """That many parts, the first ones larger by one where the size cannot be divided."""
    tensor = convert_to_tensor(x)
    total = view.known_rank("array_split", tensor)[axis]
    if isinstance(total, Dim):
        raise ValueError(f"array_split needs a known size along axis {axis}. Received: x.shape={tensor.shape}")
    each, rest = divmod(total, indices_or_sections)
    return slicing.split(tensor, [each + (i < rest) for i in range(indices_or_sections)], axis)


def hsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the second axis, of a vector along its only one."""
    return split(x, indices_or_sections, 0 if ndim(x) == 1 else 1)


def vsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the first axis."""
    return split(x, indices_or_sections, 0)


def dsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the third axis."""
    return split(x, indices_or_sections, 2)


def get_item(x: Any, key: Any) -> Tensor:
    """x[key]; a list stands for a tuple, as files have it."""
    return _get_item(convert_to_tensor(x), tuple(key) if isinstance(key, list) else key)


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """The n-th differences of neighbours along an axis. Raises ValueError for a negative n or a scalar."""
    tensor = convert_to_tensor(a)
    if n < 0:
        raise ValueError(f"Order `n` must be non-negative. Received n={n}")
    if n and not rank_of("diff", tensor):
        raise ValueError(f"`diff` requires input that is at least one dimensional. Received: a={a}")
    for _ in range(n):
        moved = moveaxis(tensor, axis, -1)
        later, earlier = moved[..., 1:], moved[..., :-1]
        apart = ew.logical_xor(later, earlier) if moved.dtype.is_bool else later - earlier
        tensor = moveaxis(apart, -1, axis)
    return tensor


def view_as(x: Any, dtype: Any = None) -> Tensor:
    """The same bytes as another dtype; the last axis grows or shrinks with the size of an element."""
    tensor = convert_to_tensor(x)
    new = as_dtype(standardize_dtype(tensor.dtype if dtype is None else dtype))
    dims = view.known_rank("view", tensor)
    old_size, new_size = tensor.dtype.size, new.size
    if old_size == new_size:
        return bits.bitcast(tensor, dtype=new)
    if not dims or isinstance(dims[-1], int) and dims[-1] * old_size % new_size:
        raise ValueError(f"Cannot view array of shape {tensor.shape} and dtype {tensor.dtype.name} as dtype {new.name} "
                         "because the total number of bytes is not divisible by the new itemsize.")
    if old_size > new_size:
        return view.reshape(bits.bitcast(tensor, dtype=new), (*dims[:-1], dims[-1] * (old_size // new_size)))
    ratio = new_size // old_size
    return bits.bitcast(view.reshape(tensor, (*dims[:-1], dims[-1] // ratio, ratio)), dtype=new)


view_as.__name__ = view_as.__qualname__ = "view"


__all__ = [
    "append", "array_split", "broadcast_to", "concatenate", "diff", "dsplit", "dstack", "expand_dims", "flip",
    "fliplr", "flipud", "get_item", "hsplit", "hstack", "moveaxis", "ndim", "pad", "ravel", "repeat", "reshape",
    "roll", "rot90", "size", "split", "squeeze", "stack", "swapaxes", "tile", "transpose", "vsplit", "vstack",
]
