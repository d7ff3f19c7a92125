"""Images mirrored, rotated by quarter turns and transposed."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.dims import fresh
from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant
from ..compiler.ops.elementwise import cast, equal, less, mod, where
from ..compiler.ops.random import random_uniform
from ..compiler.ops.symbolic import static_ints
from ..compiler.ops.view import identity, reshape, reverse, transpose
from ..framework import name_scope
from .common import as_image


def _flip(image: Any, axis: int, scope: str) -> Tensor:
    with name_scope(None, scope, [image]):
        x = as_image(image)
        return reverse(x, [len(x.dims) - 3 + axis])  # type: ignore[arg-type]


def flip_left_right(image: Any) -> Tensor:
    """The image, or each image of a batch, mirrored along its width. Raises ValueError unless of rank 3 or 4."""
    return _flip(image, 1, "flip_left_right")


def flip_up_down(image: Any) -> Tensor:
    """The image, or each image of a batch, mirrored along its height. Raises ValueError unless of rank 3 or 4."""
    return _flip(image, 0, "flip_up_down")


def _random_flip(image: Any, axis: int, seed: int | None, scope: str) -> Tensor:
    with name_scope(None, scope, [image]):
        x = as_image(image)
        assert x.dims is not None
        draws: Sequence[Any] = [] if len(x.dims) == 3 else [x.dims[0]]
        flips = less(random_uniform(draws, 0, 1, seed=seed), constant(0.5))
        return where(reshape(flips, [*draws, 1, 1, 1]), reverse(x, [len(x.dims) - 3 + axis]), x)


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """Each image mirrored along its width with probability 1/2."""
    return _random_flip(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """Each image mirrored along its height with probability 1/2."""
    return _random_flip(image, 0, seed, "random_flip_up_down")


def _quarter_turns(x: Tensor, k: int) -> Tensor:
    assert x.dims is not None
    front, height, width = list(range(len(x.dims) - 3)), len(x.dims) - 3, len(x.dims) - 2
    swapped = [*front, width, height, width + 1]
    if k == 1:
        return transpose(reverse(x, [width]), swapped)
    if k == 2:
        return reverse(x, [height, width])
    return reverse(transpose(x, swapped), [width]) if k == 3 else x


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """The image, or each image of a batch, turned counter-clockwise by `k` quarters.

    Raises ValueError when `k`, computed when the graph runs, may change the shape of an image that is not square.
    """
    with name_scope(name, "rot90", [image]) as scope:
        x = as_image(image)
        assert x.dims is not None
        try:
            turns = static_ints("rot90", "k", k) % 4
        except ValueError:
            return _data_dependent_turns(x, k, scope)
        turned = identity(_quarter_turns(x, turns), name=scope)
        # as TensorFlow, which chooses among the turns when the graph runs
        turned.dims = (*x.dims[:-3], fresh(), fresh(), x.dims[-1])
        return turned


def _data_dependent_turns(x: Tensor, k: Tensor, scope: str) -> Tensor:
    assert x.dims is not None
    if x.dims[-3] != x.dims[-2]:
        raise ValueError(f"rot90: k must be known while the graph is built for images that are not square, received "
                         f"{k!r} for {x!r}")
    turns = mod(cast(k, "int32"), 4)
    result = x
    for choice in (1, 2, 3):
        result = where(equal(turns, choice), _quarter_turns(x, choice), result)
    return identity(result, name=scope)


def transpose_image(image: Any, name: str | None = None) -> Tensor:
    """Height and width exchanged. Raises ValueError unless the image has rank 3 or 4."""
    with name_scope(name, "transpose_image", [image]) as scope:
        x = as_image(image)
        last = len(x.dims) - 1  # type: ignore[arg-type]
        return transpose(x, [*range(last - 2), last - 1, last - 2, last], name=scope)
