"""Images mixed with others of the batch, partly erased, or changed in several ways; numbers of boxes."""
from __future__ import annotations

import random
from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, logical_and, sqrt, where
from ....compiler.ops.gather import gather, range_
from ....compiler.ops.random import random_normal
from ....compiler.ops.reduction import reduce_sum
from ....compiler.ops.slicing import concat, pad, slice_axis
from ....compiler.ops.sorting import argsort
from ....compiler.ops.view import dim_scalar, known_rank, reshape
from ....control_flow import switch_case
from ....random_ops import random_gamma
from .colour import (
    AutoContrast,
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomPosterization,
    RandomSharpness,
    Solarization,
)
from .geometry import RandomRotation, RandomShear, RandomTranslation
from .histogram import Equalization
from .image_layer import BaseImagePreprocessingLayer, clipped, factor_range


class _Mixing(BaseImagePreprocessingLayer):
    """Base of layers that draw boxes in images, orders of a batch and shares."""

    def rectangles(self, batch: Any, height: Any, width: Any, down: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
        """Rectangles at random places, of these shares of height and width (batch,): whether each pixel lies in them,
        (batch, height, width, 1), and their shares of the area, (batch, 1, 1, 1)."""
        inside = []
        for dim, share, shape in ((height, down, (1, -1, 1, 1)), (width, across, (1, 1, -1, 1))):
            length = cast(dim_scalar(dim), share.dtype)
            size = share * length
            begin = self.uniform((batch,)) * (length - size)
            begin, size = (reshape(v, (batch, 1, 1, 1)) for v in (begin, size))
            places = reshape(cast(range_(dim_scalar(dim)), share.dtype), shape)
            inside.append(logical_and(places >= begin, places < begin + size))
        return logical_and(*inside), reshape(down * across, (batch, 1, 1, 1))

    def order(self, batch: Any) -> Tensor:
        """A permutation of the batch."""
        return argsort(self.uniform((batch,)))

    def gamma(self, shape: Any, alpha: Any) -> Tensor:
        self._next_seed += 1
        return random_gamma(shape, alpha, dtype=self.float_dtype, seed=self._next_seed)

    def beta(self, shape: Any, alpha: Any) -> Tensor:
        """Beta(alpha, alpha)."""
        one, other = self.gamma(shape, alpha), self.gamma(shape, alpha)
        return one / (one + other)

    @staticmethod
    def mixed(values: Any, drawn: Any) -> Tensor:
        """Values of a batch mixed with those of others by shares."""
        weight, order = drawn
        x = convert_to_tensor(values)
        x = x if x.dtype.is_floating else cast(x, weight.dtype)
        share = reshape(cast(weight, x.dtype), (-1,) + (1,) * (len(known_rank("mixed", x)) - 1))
        return share * x + (1.0 - share) * gather(x, order)


class MixUp(_Mixing):
    """Each image of a batch and its label mixed with another's, by shares from Beta(alpha, alpha) (Zhang et al. 2018).
    """

    moves = True

    def __init__(self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.alpha = alpha

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return self.beta((batch,), self.alpha), self.order(batch)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return self.mixed(images, drawn)

    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any:
        return self.mixed(labels, transformation) if training else labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True,
                                 size: Any = None) -> Any:
        """Those of both images."""
        if not training:
            return bounding_boxes
        return {k: concat([v, gather(v, transformation[1])], 1) for k, v in bounding_boxes.items()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}


class CutMix(_Mixing):
    """A rectangle of each image of a batch replaced by that of another, labels mixed by area (Yun et al. 2019)."""

    moves = True

    def __init__(self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        side = sqrt(1.0 - self.beta((batch,), self.uniform((), *self.factor) + 1e-6))
        inside, area = self.rectangles(batch, height, width, side, side)
        return inside, 1.0 - area, self.order(batch)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        inside, _, order = drawn
        return where(inside, gather(images, order), images)

    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any:
        return self.mixed(labels, transformation[1:]) if training else labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True,
                                 size: Any = None) -> Any:
        raise NotImplementedError("CutMix does not change bounding boxes.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}


class RandomErasing(_Mixing):
    """A rectangle of images, with a probability within `factor`, filled with noise or `fill_value` (Zhong et al. 2020).
    """

    def __init__(self, factor: Any = 1.0, scale: Any = (0.02, 0.33), fill_value: Any = None,
                 value_range: Any = (0, 255), seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)
        self.scale = factor_range(self, "scale", scale, 0.0, 1.0)
        if fill_value is not None and np.shape(fill_value) not in ((), (3,)):
            raise ValueError("The `fill_value` argument should be a number (or a list of three numbers). Received: "
                             f"fill_value={fill_value}")
        self.fill_value, self.value_range = fill_value, value_range

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        down, across = (sqrt(self.uniform((batch,), *self.scale)) for _ in range(2))
        inside, _ = self.rectangles(batch, height, width, down, across)
        return logical_and(inside, self.chance(batch, self.factor))

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        if self.fill_value is None:
            self._next_seed += 1
            filling = random_normal(known_rank("erased", images), dtype=images.dtype, seed=self._next_seed)
            filling = filling * float(self.value_range[1])
        else:
            filling = convert_to_tensor(np.asarray(self.fill_value, images.dtype.np))
        return where(drawn, clipped(filling, self.value_range), images)

    def get_config(self) -> dict[str, Any]:
        names = ("factor", "scale", "fill_value", "value_range", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


def augmentations(factor: tuple[float, float], value_range: Any, interpolation: str, seed: int | None,
                  colours: bool = True) -> list[BaseImagePreprocessingLayer]:
    """The layers among which RandAugment and AugMix choose; without `colours` those that keep brightness and hue."""
    warp: dict[str, Any] = {"interpolation": interpolation, "seed": seed}
    value: dict[str, Any] = {"value_range": value_range, "seed": seed}
    coloured: list[BaseImagePreprocessingLayer] = [
        RandomBrightness(factor, **value), RandomColorDegeneration(factor, **value), RandomContrast(factor, **value),
        RandomSharpness(factor, **value)] if colours else []
    return [RandomShear(factor, factor, **warp), RandomTranslation(factor, factor, **warp),
            RandomRotation(factor, **warp), *coloured, RandomPosterization(max(1, int(8 * factor[1])), **value),
            Solarization(factor, factor, **value), AutoContrast(value_range), Equalization(value_range)]


class RandAugment(BaseImagePreprocessingLayer):
    """`num_ops` changes chosen at random for each batch, their strength within `factor` (Cubuk et al. 2020)."""

    moves = True

    def __init__(self, value_range: Any = (0, 255), num_ops: int = 2, factor: Any = 0.5,
                 interpolation: str = "bilinear", seed: int | None = None, data_format: str | None = None,
                 **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)
        self.value_range, self.num_ops, self.interpolation = value_range, num_ops, interpolation
        self._choices = augmentations(self.factor, value_range, interpolation, seed)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        """Which layer comes when, and what each would change images by."""
        numbers = [cast(self.uniform((), 0, len(self._choices)), "int32") for _ in range(self.num_ops)]
        return numbers, [layer.draw(batch, height, width) for layer in self._choices]

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        numbers, own = drawn
        masks = interpolation != self.interpolation
        for number in numbers:
            branches = [(lambda x=images, layer=layer, d=d:
                         x if masks and not layer.moves else layer.change(x, d, interpolation))
                        for layer, d in zip(self._choices, own, strict=True)]
            shape = images.shape
            images = switch_case(number, branches)
            images.set_shape(shape)
        return images

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        numbers, own = drawn
        for number in numbers:
            for i, (layer, d) in enumerate(zip(self._choices, own, strict=True)):
                boxes = where(number == i, layer.change_boxes(boxes, d, height, width)[0], boxes)
        return boxes, height, width

    def get_config(self) -> dict[str, Any]:
        names = ("value_range", "num_ops", "factor", "interpolation", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


class AugMix(_Mixing):
    """Images mixed with a mixture of `num_chains` chains of up to `chain_depth` changes (Hendrycks et al. 2020).

    The changes are chosen when the graph is built; their strength and the shares at each run.
    """

    moves = True

    def __init__(self, value_range: Any = (0, 255), num_chains: int = 3, chain_depth: int = 3, factor: Any = 0.3,
                 alpha: float = 1.0, all_ops: bool = True, interpolation: str = "bilinear", seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0.0, 1.0)
        self.value_range, self.num_chains, self.chain_depth = value_range, num_chains, chain_depth
        self.alpha, self.all_ops, self.interpolation = alpha, all_ops, interpolation
        self._choices = augmentations(self.factor, value_range, interpolation, seed, all_ops)

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        choose = random.Random(self._next_seed)
        chains = []
        for _ in range(self.num_chains):
            steps = [choose.choice([*self._choices, None]) for _ in range(self.chain_depth)]
            chains.append([(layer, layer.draw(batch, height, width)) for layer in steps if layer is not None])
        shares = self.gamma((self.num_chains,), self.alpha)
        return chains, shares / reduce_sum(shares), self.beta((), self.alpha)

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        chains, shares, own = drawn
        masks = interpolation != self.interpolation
        total: Any = 0.0
        for i, chain in enumerate(chains):
            changed = images
            for layer, d in chain:
                changed = changed if masks and not layer.moves else layer.change(changed, d, interpolation)
            total = total + changed * shares[i]
        mixed = own * images + (1.0 - own) * total
        return mixed if masks else clipped(mixed, self.value_range)

    def get_config(self) -> dict[str, Any]:
        names = ("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation", "seed")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """Exactly `max_number` boxes for each image: the first ones, and boxes and labels of `fill_value` after them."""

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = int(max_number), int(fill_value)

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Tensor:
        return convert_to_tensor(images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True,
                                 size: Any = None) -> Any:
        def fitted(x: Tensor) -> Tensor:
            dims = known_rank("MaxNumBoundingBoxes", x)
            filled = pad(x, [[0, 0], [0, self.max_number], *[[0, 0]] * (len(dims) - 2)],
                         constant_values=self.fill_value)
            return slice_axis(filled, 1, 0, self.max_number)
        return {k: fitted(convert_to_tensor(v)) for k, v in bounding_boxes.items()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_number": self.max_number, "fill_value": self.fill_value}
