"""Images cut and padded: by bounding box, centrally, to a size, by random boxes, into patches and glimpses."""
from __future__ import annotations

from typing import Any

from ..compiler import dims as dm
from ..compiler.dims import Dim
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, floordiv, logical_and, maximum, where
from ..compiler.ops.gather import gather
from ..compiler.ops.random import random_normal, random_uniform
from ..compiler.ops.reduction import reduce_max, reduce_mean, reduce_min
from ..compiler.ops.slicing import place, slice_
from ..compiler.ops.view import identity, reshape, shape_of, stop_gradient
from ..framework import name_scope
from ..late import of_rank
from ..math_ops import range_, reduce_std
from .common import (
    Scalar,
    as_image,
    as_tensor,
    batched,
    check,
    check_known,
    height_width,
    scalar,
    static_size,
    unbatched,
)


def _minus(a: Scalar, b: Scalar) -> Scalar:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return as_tensor(a, "int32") - as_tensor(b, "int32")
    return a - b


def _half_at_least_0(a: Scalar) -> Scalar:
    return maximum(floordiv(a, 2), 0) if isinstance(a, Tensor) else dm.maximum(dm.floor_div(a, 2), 0)


def _smaller(a: Scalar, b: Scalar) -> Scalar:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        a, b = as_tensor(a, "int32"), as_tensor(b, "int32")
        return where(a < b, a, b)
    return dm.minimum(a, b)


def _operand(values: list[Scalar]) -> Any:
    """A begin or size argument of `slice_`: plain sizes, or a vector where some depend on data."""
    if not any(isinstance(v, Tensor) for v in values):
        return values
    return convert_to_tensor([as_tensor(v, "int32") for v in values])


def _cut(x: Tensor, top: Scalar, left: Scalar, height: Scalar, width: Scalar, name: str | None = None) -> Tensor:
    """Rows [top, top + height) and columns [left, left + width) of a batch of images."""
    assert x.dims is not None
    sizes = [x.dims[0], height, width, x.dims[3]]
    cut = slice_(x, _operand([0, top, left, 0]), _operand(sizes), name=name or "Slice")
    if any(isinstance(s, Tensor) for s in (top, left)) and cut.dims is not None:
        cut.set_shape([None if isinstance(s, (Tensor, Dim)) else s for s in sizes])
    return cut


def crop_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
                         ) -> Tensor:
    """Rows [offset_height, offset_height + target_height) and so for columns, of an image or a batch.

    Raises ValueError where the box is known not to lie in the image.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        x, single = batched(as_image(image))
        top, left, height, width = map(scalar, (offset_height, offset_width, target_height, target_width))
        check_known(left, 0, "offset_width must be >= 0.")
        check_known(top, 0, "offset_height must be >= 0.")
        check_known(width, 1, "target_width must be > 0.")
        check_known(height, 1, "target_height must be > 0.")
        rows, columns = height_width(x)
        check_known(_minus(_minus(columns, width), left), 0, "width must be >= target + offset.")
        check_known(_minus(_minus(rows, height), top), 0, "height must be >= target + offset.")
        return unbatched(_cut(x, top, left, height, width), single)


def pad_to_bounding_box(image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
                        ) -> Tensor:
    """The image (or batch) within zeros: offset_height rows above it, as many below as target_height then asks for.

    Raises ValueError where the target is known to be too small.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        x, single = batched(as_image(image))
        top, left, height, width = map(scalar, (offset_height, offset_width, target_height, target_width))
        check_known(top, 0, "offset_height must be >= 0")
        check_known(left, 0, "offset_width must be >= 0")
        rows, columns = height_width(x)
        check_known(_minus(_minus(width, left), columns), 0, "width must be <= target - offset")
        check_known(_minus(_minus(height, top), rows), 0, "height must be <= target - offset")
        return unbatched(_padded(x, top, left, height, width), single)


def _padded(x: Tensor, top: Scalar, left: Scalar, height: Scalar, width: Scalar) -> Tensor:
    assert x.dims is not None
    sizes = (top, left, height, width)
    if not any(isinstance(s, Tensor) for s in sizes):
        return place(x, (x.dims[0], height, width, x.dims[3]), (0, top, left, 0))  # type: ignore[arg-type]
    for axis, begin, size in ((1, top, height), (2, left, width)):
        x = _padded_axis(x, axis, begin, size)
    return x


def _padded_axis(x: Tensor, axis: int, begin: Scalar, size: Scalar) -> Tensor:
    """Zeros around `x` along an axis, where sizes are computed when the graph runs."""
    assert x.dims is not None
    position = range_(as_tensor(size, "int32")) - as_tensor(begin, "int32")
    last = as_tensor(x.dims[axis], "int32") - 1
    inside = logical_and(position >= 0, position <= last)
    kept = gather(x, where(inside, position, 0), axis)
    column = [1] * len(x.dims)
    column[axis] = -1
    return kept * cast(reshape(inside, column), x.dtype)


def resize_image_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """The image (or batch) cut or padded with zeros around its centre to the target size. Raises ValueError."""
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        x, single = batched(as_image(image))
        height, width = scalar(target_height), scalar(target_width)
        check_known(width, 1, "target_width must be > 0.")
        check_known(height, 1, "target_height must be > 0.")
        rows, columns = height_width(x)
        top, left = _half_at_least_0(_minus(rows, height)), _half_at_least_0(_minus(columns, width))
        cut = _cut(x, top, left, _smaller(height, rows), _smaller(width, columns))
        above, before = _half_at_least_0(_minus(height, rows)), _half_at_least_0(_minus(width, columns))
        return unbatched(_padded(cut, above, before, height, width), single)


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The central `central_fraction` of each side of an image or of a batch. Raises ValueError outside (0, 1]."""
    with name_scope(None, "central_crop", [image]):
        x = as_image(image)
        check(0.0 < central_fraction <= 1.0, "central_fraction must be within (0, 1]")
        if central_fraction == 1.0:
            return x
        x, single = batched(x)
        begins: list[Scalar] = []
        for size in height_width(x):
            if isinstance(size, Dim):
                length = as_tensor(size, "float64")
                begins.append(cast((length - length * central_fraction) / 2.0, "int32"))
            else:
                begins.append(int((size - size * central_fraction) / 2))
        sizes = [_minus(d, begin * 2) for d, begin in zip(height_width(x), begins, strict=True)]
        return unbatched(_cut(x, *begins, *sizes), single)  # type: ignore[arg-type]


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A slice of shape `size` (a sequence of known sizes) at a uniformly random offset.

    Raises ValueError where `value` is known to be smaller.
    """
    with name_scope(name, "random_crop", [value]) as scope:
        shape = [scalar(s) for s in (size if isinstance(size, (list, tuple)) else static_vector(size))]
        x = of_rank(convert_to_tensor(value, name="value"), len(shape))
        assert x.dims is not None
        check(len(shape) == len(x.dims), f"random_crop: size {size!r} must have one entry for each axis of {x!r}")
        result = x
        for axis, (have, want) in enumerate(zip(x.dims, shape, strict=True)):
            check_known(_minus(have, want), 0, f"Need value.shape >= size, got {x.shape} and {size}")
            if have == want and not isinstance(want, Tensor):
                continue
            room = as_tensor(_minus(have, want), "int32") + 1
            draw = random_uniform([], 0.0, 1.0, seed=seed if seed is None else seed + axis)
            offset = cast(draw * cast(room, "float32"), "int32")
            offset = where(offset < room, offset, room - 1)
            result = gather(result, offset + range_(as_tensor(want, "int32")), axis)
        return identity(result, name=scope)


def static_vector(size: Any) -> list[Scalar]:
    """The elements of a vector given as tensor or array."""
    tensor = convert_to_tensor(size)
    assert tensor.dims is not None and isinstance(tensor.dims[0], int)
    return [scalar(tensor[i]) for i in range(tensor.dims[0])]


def extract_glimpse(input: Any, size: Any, offsets: Any, centered: bool = True, normalized: bool = True,
                    uniform_noise: bool = True, name: str | None = None) -> Tensor:
    """A window of `size` (height, width) from each image of `input` (batch, height, width, channels).

    `offsets` (batch, 2) are (y, x) positions of the windows' centres: in pixels from the top left corner, relative to
    the size if `normalized` (then from -1 to 1 with 0 in the middle if `centered`). What lies outside an image is
    noise: uniform in the range of the input, or with its mean and standard deviation. It has no gradient.
    """
    with name_scope(name, "ExtractGlimpse", [input, offsets]) as scope:
        x, at = as_image(input, "input", (4,)), convert_to_tensor(offsets, name="offsets")
        assert x.dims is not None
        window = static_size("size", size)
        flat, inside = [], []
        for k, (have, want) in enumerate(zip(x.dims[1:3], window, strict=True)):
            length, extent = as_tensor(have, "float32"), as_tensor(want, "float32")
            centre = at[:, k] * length if normalized else at[:, k]
            if centered:
                centre = centre / 2.0 + length / 2.0
            begin = cast(centre - extent / 2.0, "int32")
            position = reshape(begin, [-1, 1]) + range_(as_tensor(want, "int32"))
            last = as_tensor(have, "int32") - 1
            hit = logical_and(position >= 0, position <= last)
            inside.append(hit)
            flat.append(where(hit, position, 0))
        rows, columns = flat
        hits = logical_and(reshape(inside[0], [-1, window[0], 1]), reshape(inside[1], [-1, 1, window[1]]))
        image = range_(as_tensor(x.dims[0], "int32"))
        index = (reshape(image, [-1, 1, 1]) * as_tensor(x.dims[1], "int32") + reshape(rows, [-1, window[0], 1])) \
            * as_tensor(x.dims[2], "int32") + reshape(columns, [-1, 1, window[1]])
        found = gather(reshape(x, [dm.product(x.dims[:3]), x.dims[3]]), index)
        if uniform_noise:
            low, high = reduce_min(x), reduce_max(x)
            around = cast(random_uniform(shape_of(found)), x.dtype) * (high - low) + low
        else:
            around = cast(random_normal(shape_of(found)), x.dtype) * reduce_std(x) + reduce_mean(x)
        result = where(reshape(hits, [-1, *window, 1]), found, around)
        result.set_shape([d if isinstance(d, int) else None for d in (x.dims[0], *window, x.dims[3])])
        return stop_gradient(result, name=scope)
