"""`K.*`: shapes, padding, repetition, joining and resizing."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...compiler.dims import DimLike
from ...compiler.ir import Tensor
from ...compiler.ops import slicing, view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.view import known_rank
from ...image.resize import resize_bilinear, resize_nearest_neighbor
from ...sparse_ops import sparse_concat
from .settings import normalize_data_format
from .tensors import int_shape, is_sparse, is_tensor, ndim, to_dense


def reshape(x: Any, shape: Any) -> Tensor:
    """The elements in another shape; -1 is what is left."""
    return view.reshape(x, shape)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """The axes in the order of `pattern`."""
    return view.transpose(x, pattern)


def flatten(x: Any) -> Tensor:
    """One axis."""
    return view.reshape(x, (-1,))


def batch_flatten(x: Any) -> Tensor:
    """(batch, all else)."""
    tensor = convert_to_tensor(x)
    rest: Any = 1
    for size in known_rank("batch_flatten", tensor)[1:]:
        rest = rest * size
    return view.reshape(tensor, (-1, rest))


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """An axis of size 1 more."""
    return view.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """Without the axis, whose size is 1."""
    return view.squeeze(x, axis)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    return slicing.stack(x, axis)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Tensors one after the other along `axis`; of SparseTensors alone, a SparseTensor."""
    if axis < 0:
        axis %= ndim(tensors[0]) or 1
    if all(is_sparse(t) for t in tensors):
        return sparse_concat(axis, list(tensors))
    return slicing.concat([to_dense(t) for t in tensors], axis)


def reverse(x: Any, axes: int | Iterable[int]) -> Tensor:
    """Backwards along `axes`."""
    return view.reverse(x, [axes] if isinstance(axes, int) else list(axes))


def slice(x: Any, start: Any, size: Any) -> Tensor:
    """`size` elements from `start` on, for each axis. Raises ValueError where their number is not the rank."""
    sizes = int_shape(x)
    if sizes is not None:
        given = [(int_shape(v) or (None,))[0] if is_tensor(v) else len(v) for v in (start, size)]
        if given != [len(sizes)] * 2:
            raise ValueError("The dimension and the size of indices should match.")
    return slicing.slice_(x, start, size)


def repeat(x: Any, n: int) -> Tensor:
    """(batch, features) as (batch, n, features)."""
    tensor = convert_to_tensor(x)
    batch, features = known_rank("repeat", tensor)
    return view.broadcast_to(view.expand_dims(tensor, 1), (batch, n, features))


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element `rep` times in a row along `axis`."""
    tensor = convert_to_tensor(x)
    dims = known_rank("repeat_elements", tensor)
    axis %= len(dims)
    wide = view.broadcast_to(view.expand_dims(tensor, axis + 1), (*dims[:axis + 1], rep, *dims[axis + 1:]))
    return view.reshape(wide, (*dims[:axis], dims[axis] * rep, *dims[axis + 1:]))


def tile(x: Any, n: Any) -> Tensor:
    """The whole `n` times along the last axes: an integer or one for each of them."""
    if is_tensor(n):
        return slicing.tile(x, n)
    counts = (n,) if isinstance(n, int) else tuple(n)
    return slicing.tile(x, (*(1,) * ((ndim(x) or 0) - len(counts)), *counts))


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Tensor:
    """Zeros before and after the time steps of (batch, time, features)."""
    return slicing.pad(x, [(0, 0), tuple(padding), (0, 0)])


def _padded(x: Any, padding: Sequence[Any], data_format: str | None) -> Tensor:
    pairs = [tuple(p) for p in padding]
    first = normalize_data_format(data_format) == "channels_first"
    return slicing.pad(x, [(0, 0), (0, 0), *pairs] if first else [(0, 0), *pairs, (0, 0)])


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Tensor:
    """Zeros around images: (before, after) for height and width."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Tensor:
    """Zeros around volumes: (before, after) for depth, height and width."""
    return _padded(x, padding, data_format)


def resize_images(x: Any, height_factor: int, width_factor: int, data_format: str | None,
                  interpolation: str = "nearest") -> Tensor:
    """Images enlarged by whole factors, by "nearest" or "bilinear" interpolation."""
    kinds = {"nearest": resize_nearest_neighbor, "bilinear": resize_bilinear}
    if interpolation not in kinds:
        raise ValueError(f'interpolation should be one of "nearest" or "bilinear". Received: {interpolation!r}')
    first = normalize_data_format(data_format) == "channels_first"
    images = view.transpose(x, (0, 2, 3, 1)) if first else convert_to_tensor(x)
    _, height, width, _ = known_rank("resize_images", images)
    size: list[DimLike] = [height * height_factor, width * width_factor]
    resized = kinds[interpolation](images, slicing.stack([view.dim_scalar(d) for d in size])
                                   if not all(isinstance(d, int) for d in size) else size)
    return view.transpose(resized, (0, 3, 1, 2)) if first else resized


def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int,
                   data_format: str | None) -> Tensor:
    """Volumes enlarged by whole factors, each element repeated."""
    start = 2 if normalize_data_format(data_format) == "channels_first" else 1
    result = convert_to_tensor(x)
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), start):
        result = repeat_elements(result, factor, axis)
    return result
