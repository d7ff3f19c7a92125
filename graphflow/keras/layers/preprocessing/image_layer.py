"""What layers share that change images, and with them labels, masks and boxes."""
from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, maximum, minimum, rint, where
from ....compiler.ops.random import random_uniform
from ....compiler.ops.view import expand_dims, squeeze
from ....math_ops import saturate_cast
from ...nest import map_structure
from ..arguments import data_format_word, from_channels_last, to_channels_last
from .data_layer import DataLayer


class BaseImagePreprocessingLayer(DataLayer):
    """Images (height, width, channels) or batches of them, or a dict of "images" and "labels", "bounding_boxes"
    ({"boxes", "labels"}) and "segmentation_masks" that follow them.

    Subclasses define `draw(batch, height, width)`, which gives what they change the images of a batch by in training
    (None: nothing random), and `change(images, drawn, interpolation)` of channels-last float images. With `moves`
    masks change with the images, by the nearest pixel, and `change_boxes(boxes, drawn, height, width)` says what
    becomes of boxes "xyxy".
    """

    moves = False
    always = False  # also outside training
    interpolation = "bilinear"

    def __init__(self, bounding_box_format: str | None = None, data_format: str | None = None, seed: int | None = None,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.bounding_box_format = bounding_box_format
        self.data_format = data_format_word(data_format)
        self.seed = seed
        self._next_seed = random.randint(1, 10**9) if seed is None else int(seed)

    # what subclasses define

    def draw(self, batch: Any, height: Any, width: Any) -> Any:
        return None

    def change(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        raise NotImplementedError(f"Layer {type(self).__name__} must define `change()`.")

    def change_boxes(self, boxes: Tensor, drawn: Any, height: Any, width: Any) -> tuple[Tensor, Any, Any]:
        """The boxes in the changed images, and the size of these."""
        return boxes, height, width

    # drawing

    def uniform(self, shape: Any, low: Any = 0.0, high: Any = 1.0) -> Tensor:
        """Uniform numbers, others at each call."""
        self._next_seed += 1
        drawn = random_uniform(shape, dtype=self.float_dtype, seed=self._next_seed)
        return drawn * (high - low) + low

    def chance(self, batch: Any, factor: tuple[float, float]) -> Tensor:
        """(batch, 1, 1, 1): true with a probability that is itself uniform in `factor`."""
        shape = (batch, 1, 1, 1)
        return self.uniform(shape) < self.uniform(shape, *factor)

    @property
    def float_dtype(self) -> str:
        """What images are computed in."""
        return self.compute_dtype if self.compute_dtype.startswith("float") else "float32"

    def sizes(self, images: Any) -> tuple[Any, Any, Any]:
        """Batch size, height and width of a batch of images."""
        dims = convert_to_tensor(images).dims or ()
        height, width = dims[1:3] if self.data_format == "channels_last" else dims[2:4]
        return dims[0], height, width

    # what callers and subclasses of Keras know

    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any:
        if not (training or self.always):
            return None
        return self.draw(*self.sizes(data["images"] if isinstance(data, Mapping) else data))

    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Tensor:
        x = convert_to_tensor(images)
        if not (training or self.always):
            return cast(x, self.compute_dtype)
        return self._changed(x, transformation, self.interpolation, self.compute_dtype)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True
                                     ) -> Any:
        if not (self.moves and (training or self.always)):
            return segmentation_masks
        masks = convert_to_tensor(segmentation_masks)
        return self._changed(masks, transformation, "nearest", masks.dtype.name)

    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any:
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True,
                                 size: Any = None) -> Any:
        if not (self.moves and (training or self.always)):
            return bounding_boxes
        from .boxes import clip_to_image_size, convert_format
        height, width = size
        found = convert_format(bounding_boxes, self.bounding_box_format or "xyxy", "xyxy", height, width)
        boxes, height, width = self.change_boxes(found["boxes"], transformation, height, width)
        clipped = clip_to_image_size({**found, "boxes": boxes}, height, width)
        return convert_format(clipped, "xyxy", self.bounding_box_format or "xyxy", height, width)

    def _changed(self, x: Tensor, drawn: Any, interpolation: str, dtype: str) -> Tensor:
        y = self.change(cast(to_channels_last(x, self.data_format), self.float_dtype), drawn, interpolation)
        y = from_channels_last(y, self.data_format)
        return cast(y, dtype) if dtype.startswith("float") else saturate_cast(rint(y), dtype)

    def call(self, data: Any, training: Any = True) -> Any:
        if isinstance(training, Tensor):
            return map_structure(lambda a, b: where(training, a, b), self._outcome(data, True),
                                 self._outcome(data, False))
        return self._outcome(data, training)

    def _outcome(self, data: Any, training: bool) -> Any:
        if not isinstance(data, Mapping):
            return self._outcome({"images": data}, training)["images"]
        data = map_structure(convert_to_tensor, dict(data))
        rank = len(data["images"].dims or ())
        if rank not in (3, 4):
            raise ValueError(f"Layer {self.name!r}: expected image tensor to have rank 3 (single image) or 4 (batch of "
                             f"images). Received: data.shape={data['images'].shape}")
        if rank == 3:
            batch = self._outcome(map_structure(lambda t: expand_dims(t, 0), data), training)
            return map_structure(lambda t: squeeze(t, [0]), batch)
        if "bounding_boxes" in data and not self.bounding_box_format:
            raise ValueError("You passed an input with a 'bounding_boxes' key, but you didn't specify a bounding box "
                             f"format. Pass a `bounding_box_format` argument to your {type(self).__name__} layer, e.g. "
                             "`bounding_box_format='xyxy'`.")
        drawn = self.get_random_transformation(data, training=training)
        changed = {**data, "images": self.transform_images(data["images"], drawn, training)}
        if "bounding_boxes" in data:
            changed["bounding_boxes"] = self.transform_bounding_boxes(data["bounding_boxes"], drawn, training,
                                                                      size=self.sizes(data["images"])[1:])
        for key, transform in (("labels", self.transform_labels),
                               ("segmentation_masks", self.transform_segmentation_masks)):
            if key in data:
                changed[key] = transform(data[key], drawn, training)
        return changed

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "data_format": self.data_format}
        return config if self.bounding_box_format is None else {
            **config, "bounding_box_format": self.bounding_box_format}


def factor_range(layer: Any, name: str, factor: Any, low: float, high: float) -> tuple[float, float]:
    """(least, greatest) of a number, which stands for what lies between its opposite and itself, or of two numbers.

    Raises ValueError unless they are within [low, high].
    """
    pair = tuple(factor) if isinstance(factor, (tuple, list)) else (factor,)
    if len(pair) > 2 or not pair or not all(isinstance(v, (int, float, np.number)) and low <= v <= high for v in pair):
        raise ValueError(f"The `{name}` argument of layer {type(layer).__name__} should be a number (or a list of two "
                         f"numbers) in the range [{low}, {high}]. Received: {name}={factor}")
    if len(pair) == 1:
        return max(-abs(pair[0]), low), abs(pair[0])
    return min(pair), max(pair)


def value_range_of(layer: Any, value_range: Any) -> list[float]:
    """The least and the greatest value that a pixel may have. Raises ValueError."""
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"The `value_range` argument of layer {type(layer).__name__} should be a list of two numbers. "
                         f"Received: value_range={value_range}")
    return sorted(value_range)


def clipped(x: Tensor, value_range: Any) -> Tensor:
    return minimum(maximum(x, float(value_range[0])), float(value_range[1]))


def rescaled(x: Tensor, source: Any, target: Any) -> Tensor:
    """Values of one range as those of another."""
    if tuple(source) == tuple(target):
        return x
    return (x - float(source[0])) * ((target[1] - target[0]) / (source[1] - source[0])) + float(target[0])
