"""Images turned, moved, stretched and bent at random."""
from __future__ import annotations

from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, cos, sin, where
from ....compiler.ops.random import random_normal
from ....compiler.ops.slicing import stack
from ....compiler.ops.view import (
    broadcast_to,
    dim_scalar,
    expand_dims,
    known_rank,
    reshape,
    reverse,
    squeeze,
    zeros_like,
)
from ....image.warp import folded, projected, sampled
from ....linalg import matrix_solve
from .boxes import moved_with
from .colour import blurred
from .image_layer import BaseImagePreprocessingLayer, clipped, factor_range

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
_INTERPOLATIONS = ("nearest", "bilinear")


def warped(images: Tensor, places: tuple[Tensor, Tensor], interpolation: str, fill_mode: str, fill_value: float
           ) -> Tensor:
    """A batch of images (channels last) whose pixels come from `places` (rows, columns) of the input."""
    assert images.dims is not None
    rows, columns = (folded(p, size, fill_mode) for p, size in zip(places, images.dims[1:3], strict=True))
    return sampled(images, rows, columns, interpolation == "bilinear", fill_value)


class RandomFlip(BaseImagePreprocessingLayer):
    """Half of the images mirrored: "horizontal", "vertical", or "horizontal_and_vertical" (both or neither)."""

    moves = True

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, data_format: str | None = None,
                 **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError("Argument `mode` of RandomFlip must be 'horizontal', 'vertical' or "
                             f"'horizontal_and_vertical'. Received: mode={mode!r}")
        self.mode = mode

    def draw(self, batch: Any, height: Any, width: Any) -> Tensor:
        return self.uniform((batch, 1, 1, 1)) <= 0.5

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        axes = [a for a, word in ((1, "vertical"), (2, "horizontal")) if word in self.mode]
        return where(drawn, reverse(images, axes), images)

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
        wide, high = (cast(dim_scalar(d), boxes.dtype) for d in (width, height))
        if "horizontal" in self.mode:
            x1, x2 = wide - x2, wide - x1
        if "vertical" in self.mode:
            y1, y2 = high - y2, high - y1
        return where(squeeze(drawn, -1), stack([x1, y1, x2, y2], -1), boxes), height, width

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


class _Projected(BaseImagePreprocessingLayer):
    """Base of layers that move images by a projective transform each, which `draw` gives as (batch, 8)."""

    moves = True

    def __init__(self, fill_mode: str, interpolation: str, fill_value: float, **kwargs: Any):
        super().__init__(**kwargs)
        for what, value, known in (("fill_mode", fill_mode, FILL_MODES),
                                   ("interpolation", interpolation, _INTERPOLATIONS)):
            if value not in known:
                raise NotImplementedError(f"Unknown `{what}` {value}. Expected of one {known}.")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        assert images.dims is not None
        return warped(images, projected(drawn, *images.dims[1:3]), interpolation, self.fill_mode, self.fill_value)

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        return moved_with(boxes, drawn), height, width

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fill_mode": self.fill_mode, "interpolation": self.interpolation,
                "seed": self.seed, "fill_value": self.fill_value}


def _transforms(a0: Any, a1: Any, a2: Any, b0: Any, b1: Any, b2: Any) -> Tensor:
    """Affine transforms (batch, 8) of vectors (batch,), or numbers for all of them."""
    like = next(v for v in (a0, a1, a2, b0, b1, b2) if isinstance(v, Tensor))
    zero = zeros_like(like)
    return stack([v if isinstance(v, Tensor) else zero + v for v in (a0, a1, a2, b0, b1, b2)] + [zero, zero], 1)


def _size(dim: Any, like: Tensor) -> Tensor:
    return cast(dim_scalar(dim), like.dtype)


class RandomTranslation(_Projected):
    """Images moved by a random share of their height and width: down and to the right where positive."""

    def __init__(self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down = factor_range(self, "height_factor", height_factor, -1.0, 1.0)
        self._right = factor_range(self, "width_factor", width_factor, -1.0, 1.0)

    def draw(self, batch: Any, height: Any, width: Any) -> Tensor:
        down, right = (self.uniform((batch,), *f) for f in (self._down, self._right))
        return _transforms(1.0, 0.0, -right * _size(width, right), 0.0, 1.0, -down * _size(height, down))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomRotation(_Projected):
    """Images turned counter-clockwise about their middle by a random share, within `factor`, of a full turn."""

    def __init__(self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
                 seed: int | None = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range(self, "factor", factor, -1.0, 1.0)

    def draw(self, batch: Any, height: Any, width: Any) -> Tensor:
        angle = self.uniform((batch,), *self.factor) * (2 * np.pi)
        x, y = ((_size(d, angle) - 1.0) * 0.5 for d in (width, height))
        c, s = cos(angle), sin(angle)
        return _transforms(c, -s, x - x * c + y * s, s, c, y - x * s - y * c)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomZoom(_Projected):
    """Images made smaller by a random share of their height and width, or larger where it is negative."""

    def __init__(self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._tall = factor_range(self, "height_factor", height_factor, -1.0, 1.0)
        self._wide = None if width_factor is None else factor_range(self, "width_factor", width_factor, -1.0, 1.0)

    def draw(self, batch: Any, height: Any, width: Any) -> Tensor:
        tall = self.uniform((batch,), *self._tall) + 1.0
        wide = tall if self._wide is None else self.uniform((batch,), *self._wide) + 1.0
        x, y = ((_size(d, tall) - 1.0) * 0.5 * (1.0 - z) for d, z in ((width, wide), (height, tall)))
        return _transforms(wide, 0.0, x, 0.0, tall, y)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomShear(_Projected):
    """Images slanted along x and y by random shares within the factors, both to the same side."""

    def __init__(self, x_factor: Any = 0.0, y_factor: Any = 0.0, interpolation: str = "bilinear",
                 fill_mode: str = "reflect", fill_value: float = 0.0, data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.x_factor = factor_range(self, "x_factor", x_factor, 0.0, 1.0)
        self.y_factor = factor_range(self, "y_factor", y_factor, 0.0, 1.0)

    def draw(self, batch: Any, height: Any, width: Any) -> Tensor:
        side = where(self.uniform((batch,)) > 0.5, -1.0, 1.0)
        x, y = (self.uniform((batch,), *f) * cast(side, self.float_dtype) for f in (self.x_factor, self.y_factor))
        return _transforms(1.0, x, 0.0, y, 1.0, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


class RandomPerspective(_Projected):
    """Images seen at a slant, with a probability within `factor`: each corner moved by up to scale / 2 of the image."""

    def __init__(self, factor: Any = 1.0, scale: float = 1.0, interpolation: str = "bilinear", fill_value: float = 0.0,
                 seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__("constant", interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)
        if not 0.0 <= scale <= 1.0:
            raise ValueError(f"The `scale` argument should be a number in the range [0,1]. Received: scale={scale}")
        self.scale = scale

    def draw(self, batch: Any, height: Any, width: Any) -> Tensor:
        moves = self.uniform((batch, 4, 2), -0.5 * self.scale, 0.5 * self.scale)
        far = [_size(d, moves) - 1.0 for d in (width, height)]
        corners = stack([stack([far[0] * float(i % 2), far[1] * float(i // 2)], 0) for i in range(4)], 0)
        start = broadcast_to(corners, (batch, 4, 2))
        found = homographies(start, start + start * moves)
        same = np.array([1, 0, 0, 0, 1, 0, 0, 0], self.float_dtype)
        return where(reshape(self.chance(batch, self.factor), (batch, 1)), found, convert_to_tensor(same))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "factor": self.factor, "scale": self.scale}
        del config["fill_mode"]
        return config


def homographies(start: Tensor, end: Tensor) -> Tensor:
    """The transforms (batch, 8) that take each of four points `end` (batch, 4, 2) to `start`."""
    rows, values = [], []
    for i in range(4):
        x, y, u, v = end[:, i, 0], end[:, i, 1], start[:, i, 0], start[:, i, 1]
        zero, one = zeros_like(x), zeros_like(x) + 1.0
        rows += [stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
                 stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1)]
        values += [u, v]
    return squeeze(matrix_solve(stack(rows, 1), expand_dims(stack(values, -1), -1)), -1)


class RandomElasticTransform(BaseImagePreprocessingLayer):
    """Images bent by smooth random displacements, with a probability within `factor` (Simard et al. 2003)."""

    moves = True

    def __init__(self, factor: Any = 1.0, scale: Any = 1.0, interpolation: str = "bilinear",
                 fill_mode: str = "reflect", fill_value: float = 0.0, value_range: Any = (0, 255),
                 seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        for what, value, known in (("fill_mode", fill_mode, (*FILL_MODES, "mirror")),
                                   ("interpolation", interpolation, _INTERPOLATIONS)):
            if value not in known:
                raise NotImplementedError(f"Unknown `{what}` {value}. Expected of one {known}.")
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)
        self.scale = factor_range(self, "scale", scale, 0.0, 1.0)
        self.interpolation, self.fill_mode, self.fill_value = interpolation, fill_mode, fill_value
        self.value_range = value_range

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        """(which images, by how many pixels each place moves down and to the right)."""
        if not (isinstance(height, int) and isinstance(width, int)):
            raise ValueError("RandomElasticTransform requires the input to have a fully defined height and width. "
                             f"Received: height={height}, width={width}")
        amount = self.uniform((), *self.scale)
        self._next_seed += 1
        noise = random_normal((batch, height, width, 2), dtype=self.float_dtype, seed=self._next_seed)
        sigma = amount * (0.05 * min(height, width)) + 1e-6
        size = max(3, int(6 * 0.05 * min(height, width) * self.scale[1]) | 1)
        smooth = blurred(noise, (size, size), (sigma, sigma))
        return self.chance(batch, self.factor), smooth * (amount * (0.1 * max(height, width)))

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        chosen, moves = drawn
        sizes: tuple[Any, ...] = known_rank("RandomElasticTransform", images)
        height, width = sizes[1:3]
        rows = np.arange(height, dtype=np.float32)[None, :, None]
        columns = np.arange(width, dtype=np.float32)[None, None, :]
        moves = cast(moves, "float32")
        bent = warped(images, (moves[..., 0] + rows, moves[..., 1] + columns), interpolation, self.fill_mode,
                      self.fill_value)
        changed = where(chosen, bent, images)
        return clipped(changed, self.value_range) if interpolation == self.interpolation else changed

    def get_config(self) -> dict[str, Any]:
        names = ("factor", "scale", "interpolation", "fill_mode", "fill_value", "value_range", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}
