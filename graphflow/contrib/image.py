"""`tf.contrib.image`: images moved by projective transforms and by flows."""
from __future__ import annotations

from typing import Any

from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, cos, maximum, minimum, sin
from ..compiler.ops.slicing import concat, stack
from ..compiler.ops.view import expand_dims, identity, ones_like, reshape, squeeze, zeros_like
from ..framework import name_scope
from ..image.common import as_tensor, static_size
from ..image.warp import projected, sampled
from ..linalg import matrix_inverse
from ..math_ops import matmul, range_


def angles_to_projective_transforms(angles: Any, image_height: Any, image_width: Any, name: str | None = None
                                    ) -> Tensor:
    """Transforms (n, 8) that turn images counter-clockwise about their centres by `angles` (radians)."""
    with name_scope(name, "angles_to_projective_transforms"):
        turns = reshape(cast(convert_to_tensor(angles, name="angles"), "float32"), [-1])
        height, width = (cast(convert_to_tensor(v), "float32") - 1.0 for v in (image_height, image_width))
        c, s = cos(turns), sin(turns)
        x = (width - (c * width - s * height)) / 2.0
        y = (height - (s * width + c * height)) / 2.0
        zero = zeros_like(turns)
        return stack([c, -s, x, s, c, y, zero, zero], 1)


def translations_to_projective_transforms(translations: Any, name: str | None = None) -> Tensor:
    """Transforms (n, 8) that move images by `translations` (n, 2): dx to the right, dy down."""
    with name_scope(name, "translations_to_projective_transforms"):
        shifts = cast(convert_to_tensor(translations, name="translations"), "float32")
        if len(shifts.dims or ()) == 1:
            shifts = expand_dims(shifts, 0)
        dx, dy = shifts[:, 0], shifts[:, 1]
        zero, one = zeros_like(dx), ones_like(dx)
        return stack([one, zero, -dx, zero, one, -dy, zero, zero], 1)


def flat_transforms_to_matrices(transforms: Any) -> Tensor:
    """Matrices (n, 3, 3) of transforms (8,) or (n, 8)."""
    flat = reshape(convert_to_tensor(transforms, name="transforms"), [-1, 8])
    return reshape(concat([flat, ones_like(flat[:, :1])], 1), [-1, 3, 3])


def matrices_to_flat_transforms(transform_matrices: Any) -> Tensor:
    """Transforms (n, 8) of matrices (3, 3) or (n, 3, 3)."""
    flat = reshape(convert_to_tensor(transform_matrices, name="matrices"), [-1, 9])
    return (flat / flat[:, 8:9])[:, :8]


def compose_transforms(*transforms: Any) -> Tensor:
    """The transform (n, 8) that applies the given ones in turn. Raises ValueError for none."""
    if not transforms:
        raise ValueError("transforms cannot be empty")
    composed = flat_transforms_to_matrices(transforms[0])
    for transform_ in transforms[1:]:
        composed = matmul(composed, flat_transforms_to_matrices(transform_))
    return matrices_to_flat_transforms(composed)


def invert_transforms(transforms: Any) -> Tensor:
    """The transforms that undo the given ones."""
    return matrices_to_flat_transforms(matrix_inverse(flat_transforms_to_matrices(transforms)))


def _batch(images: Any) -> tuple[Tensor, int]:
    x = convert_to_tensor(images, name="images")
    rank = -1 if x.dims is None else len(x.dims)
    if rank == 2:
        return expand_dims(expand_dims(x, 0), -1), rank
    if rank == 3:
        return expand_dims(x, 0), rank
    if rank != 4:
        raise TypeError(f"Images should have rank between 2 and 4, received {x!r}")
    return x, rank


def _unbatch(x: Tensor, rank: int, name: str) -> Tensor:
    return identity(squeeze(x, [0, 3]) if rank == 2 else squeeze(x, [0]) if rank == 3 else x, name)


def transform(images: Any, transforms: Any, interpolation: str = "NEAREST", output_shape: Any = None,
              name: str | None = None) -> Tensor:
    """Images whose pixel (x, y) is that of the input at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), 0 outside.

    `images` (height, width), (height, width, channels) or (batch, height, width, channels); `transforms` (8,) or
    (batch, 8) are [a0, a1, a2, b0, b1, b2, c0, c1], k = c0 x + c1 y + 1. `interpolation`: "NEAREST" or "BILINEAR".
    """
    with name_scope(name, "transform", [images]) as scope:
        x, rank = _batch(images)
        flat = cast(convert_to_tensor(transforms, name="transforms"), "float32")
        if len(flat.dims or ()) not in (1, 2):
            raise TypeError("Transforms should have rank 1 or 2.")
        if interpolation not in ("NEAREST", "BILINEAR"):
            raise ValueError(f"transform: interpolation must be 'NEAREST' or 'BILINEAR', received {interpolation!r}")
        assert x.dims is not None
        size = tuple(x.dims[1:3]) if output_shape is None else static_size("output_shape", output_shape)
        return _unbatch(sampled(x, *projected(flat, *size), interpolation == "BILINEAR"), rank, scope)



def rotate(images: Any, angles: Any, interpolation: str = "NEAREST", name: str | None = None) -> Tensor:
    """Images turned counter-clockwise by `angles` (radians, one or one for each), 0 where nothing comes to lie."""
    with name_scope(name, "rotate"):
        x, _ = _batch(images)
        assert x.dims is not None
        height, width = (as_tensor(d, "float32") for d in x.dims[1:3])
        return transform(images, angles_to_projective_transforms(angles, height, width), interpolation)


def translate(images: Any, translations: Any, interpolation: str = "NEAREST", name: str | None = None) -> Tensor:
    """Images moved by `translations` (dx, dy), one or one for each, 0 where nothing comes to lie."""
    with name_scope(name, "translate"):
        return transform(images, translations_to_projective_transforms(translations), interpolation)


def dense_image_warp(image: Any, flow: Any, name: str = "dense_image_warp") -> Tensor:
    """A batch of images whose pixel (j, i) is that of the input at (j, i) - flow[j, i], bilinear, within the image.

    `image` (batch, height, width, channels), `flow` (batch, height, width, 2). Raises ValueError for other ranks.
    """
    with name_scope(name, "dense_image_warp"):
        x, moves = convert_to_tensor(image), convert_to_tensor(flow)
        if x.shape.rank != 4 or moves.shape.rank != 4:
            raise ShapeError(f"dense_image_warp: image and flow must have rank 4, received {x!r} and {moves!r}")
        assert x.dims is not None
        places = []
        for axis, size in enumerate(x.dims[1:3]):
            steps = reshape(cast(range_(as_tensor(size, "int32")), "float32"), [1, -1, 1] if axis == 0 else [1, 1, -1])
            last = as_tensor(size, "float32") - 1.0
            places.append(minimum(maximum(steps - moves[..., axis], 0.0), last))
        return sampled(x, places[0], places[1], True)
