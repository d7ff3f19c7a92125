"""Contrast by histograms: values replaced by their rank among the pixels."""
from __future__ import annotations

from typing import Any

import numpy as np

from ....compiler import dims as dm
from ....compiler.ir import Tensor
from ....compiler.ops.cumulative import cumsum
from ....compiler.ops.elementwise import cast, greater, maximum, minimum, rint, where
from ....compiler.ops.gather import gather, range_
from ....compiler.ops.reduction import reduce_min, reduce_sum
from ....compiler.ops.segment import unsorted_segment_sum
from ....compiler.ops.slicing import concat, pad, slice_axis, stack
from ....compiler.ops.view import dim_scalar, known_rank, ones_like, ones_of, reshape, transpose
from .image_layer import BaseImagePreprocessingLayer, clipped, rescaled, value_range_of


def _counts(bins: Tensor, groups: Any, each: int) -> Tensor:
    """[groups, each]: how often each of 0 .. each - 1 comes in each row of `bins` [groups, n]."""
    rows = reshape(range_(dim_scalar(groups)), (groups, 1))
    total = unsorted_segment_sum(ones_like(bins, "float32"), bins + rows * each, dim_scalar(groups * each))
    return reshape(total, (groups, each))


def _within(x: Tensor, last: int) -> Tensor:
    return cast(clipped(x, (0, last)), "int32")


class Equalization(BaseImagePreprocessingLayer):
    """In training, the values of each channel spread so that all are about as frequent, over the whole batch."""

    def __init__(self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.bins, self.value_range = bins, value_range_of(self, value_range)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        x = rescaled(images, self.value_range, (0, 255))
        channels = known_rank("Equalization", x)[3]
        if not isinstance(channels, int):
            raise ValueError(f"Layer {self.name!r}: the number of channels must be known. Received: {images.shape}")
        return rescaled(stack([self._equalized(x[..., i]) for i in range(channels)], -1), (0, 255), self.value_range)

    def _equalized(self, x: Tensor) -> Tensor:
        bins = _within(x * ((self.bins - 1) / 255.0), self.bins - 1)
        counts = _counts(reshape(bins, (1, dm.product(known_rank("Equalization", bins)))), 1, self.bins)[0]
        ranks = cumsum(counts)
        least = reduce_min(where(greater(ranks, 0.0), ranks, cast(np.inf, ranks.dtype)))
        spread = ranks[-1] - least
        table = rint((ranks - least) * 255.0 / where(greater(spread, 0.0), spread, ones_of(spread)))
        several = reduce_sum(cast(greater(counts, 0.0), "int32")) > 1
        return where(several, cast(gather(clipped(table, (0, 255)), bins), x.dtype), x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bins": self.bins, "value_range": self.value_range}


class ContrastLimitedAdaptiveHistogramEqualization(BaseImagePreprocessingLayer):
    """Equalization by tiles, between which it is interpolated (Zuiderveld 1994); also outside training.

    No value counts for more than `clip_limit` times its share of a tile: what is above goes to all values alike.
    """

    always = True

    def __init__(self, value_range: Any = (0, 255), clip_limit: float = 4.0, tile_grid_size: Any = (8, 8),
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.clip_limit = value_range, clip_limit
        self.tile_grid_size = tuple(tile_grid_size)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        sizes: tuple[Any, ...] = known_rank("CLAHE", images)
        batch, height, width, channels = sizes
        if not all(isinstance(d, int) for d in (height, width, channels)):
            raise ValueError(f"Layer {self.name!r}: height, width and channels of images must be known. Received: "
                             f"{images.shape}")
        down, across = self.tile_grid_size
        high, wide = -(-height // down), -(-width // across)  # a tile
        x = pad(rescaled(images, self.value_range, (0, 255)),
                [[0, 0], [0, high * down - height], [0, wide * across - width], [0, 0]], mode="SYMMETRIC")
        pixels = _within(x, 255)
        tiles = transpose(reshape(pixels, (batch, down, high, across, wide, channels)), (0, 1, 3, 5, 2, 4))
        table = self._table(reshape(tiles, (batch * (down * across * channels), high * wide)), high * wide)
        table = reshape(table, (batch, down, across, channels, 256))
        for axis, size in ((1, down), (2, across)):  # the outer tiles hold beyond their middle
            table = concat([slice_axis(table, axis, 0, 1), table, slice_axis(table, axis, size - 1, 1)], axis)
        y, row = self._places(down, high, (1, -1, 1, 1))
        z, column = self._places(across, wide, (1, 1, -1, 1))
        flat = reshape(table, (batch * ((down + 2) * (across + 2) * channels * 256),))
        image = reshape(range_(dim_scalar(batch)), (batch, 1, 1, 1)) * (down + 2)
        channel = np.arange(channels, dtype=np.int32)

        def at(rows: np.ndarray, columns: np.ndarray) -> Tensor:
            return gather(flat, (((image + rows) * (across + 2) + columns) * channels + channel) * 256 + pixels)

        upper, lower = (at(row + i, column) * (1 - z) + at(row + i, column + 1) * z for i in (0, 1))
        mixed = upper * (1 - y) + lower * y
        mixed = slice_axis(slice_axis(mixed, 1, 0, height), 2, 0, width)
        return rescaled(cast(mixed, images.dtype), (0, 255), self.value_range)

    def _table(self, tiles: Tensor, pixels: int) -> Tensor:
        """[tiles, 256]: what each value becomes in each of `tiles` [tiles, pixels]."""
        counts = _counts(tiles, known_rank("CLAHE", tiles)[0], 256)
        if self.clip_limit > 0:
            kept = minimum(counts, float(self.clip_limit * pixels / 256.0))
            counts = kept + reduce_sum(counts - kept, -1, keepdims=True) / 256.0
        ranks = cumsum(counts, -1)
        least = reduce_min(ranks, -1, keepdims=True)
        spread = float(pixels) - least
        return clipped((ranks - least) * 255.0 / where(spread > 0.0, spread, maximum(spread, 1.0)), (0, 255))

    @staticmethod
    def _places(tiles: int, size: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """For the pixels along an axis: the share of the second of two tiles between whose middles they lie, and the
        number of the first, those beyond the edge counted.
        """
        places = (np.arange(tiles * size, dtype=np.float32) - size / 2.0) / size + 1.0
        first = np.floor(places)
        return (places - first).reshape(shape), first.astype(np.int32).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range, "clip_limit": self.clip_limit,
                "tile_grid_size": self.tile_grid_size}
