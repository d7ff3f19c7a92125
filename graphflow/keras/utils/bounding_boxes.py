"""Boxes around what is in an image: their formats, overlaps and transformations. All functions build graph.

Formats say how the four numbers of a box are to be read: xyxy (left, top, right, bottom), yxyx, xywh (left, top, width,
height), center_xywh, center_yxhw, and rel_... of the first four, as shares of the image's size.
"""
from __future__ import annotations

import math
from typing import Any

from ...compiler.ir import Tensor
from .. import backend, ops
from ..layers.preprocessing.boxes import clip_to_image_size, convert_format, crop, pad


def _columns(boxes: Tensor) -> list[Tensor]:
    return [boxes[..., i:i + 1] for i in range(4)]


def _joined(*columns: Any) -> Tensor:
    return ops.concatenate(columns, axis=-1)


def affine_transform(boxes: Any, angle: Any, translate_x: Any, translate_y: Any, scale: Any, shear_x: Any, shear_y: Any,
                     height: Any, width: Any, center_x: Any = None, center_y: Any = None,
                     bounding_box_format: str = "xyxy") -> Tensor:
    """The boxes (batch, n, 4) around boxes turned by `angle` and sheared by degrees, moved by shares of the size and
    scaled: amounts (batch,), around the centre, a share of the size (0.5)."""
    if bounding_box_format != "xyxy":
        raise NotImplementedError(f"affine_transform: format {bounding_box_format!r}, expected 'xyxy'")
    angle, translate_x, translate_y, scale, shear_x, shear_y = (
        ops.convert_to_tensor(v, "float32") for v in (angle, translate_x, translate_y, scale, shear_x, shear_y))
    centre_x, centre_y = ((0.5 if c is None else c) * (size - 1) for c, size in ((center_x, width), (center_y, height)))
    turn, slant_x, slant_y = (-v * (math.pi / 180) for v in (angle, shear_x, shear_y))
    moved_x, moved_y = centre_x - translate_x * (width - 1), centre_y - translate_y * (height - 1)
    a = ops.cos(turn - slant_y) / ops.cos(slant_y)
    b = a * ops.tan(slant_x) + ops.sin(turn)
    c = -ops.sin(turn - slant_y) / ops.cos(slant_y)
    d = ops.cos(turn) - c * ops.tan(slant_x)
    rows = [(d * scale, -b * scale, centre_x), (-c * scale, a * scale, centre_y)]
    left, top, right, bottom = _columns(ops.cast(boxes, "float32"))
    xs, ys = _joined(left, right, right, left), _joined(top, top, bottom, bottom)
    spots = []
    for by_x, by_y, centre in rows:
        by_x, by_y, shift = (ops.reshape(v, (-1, 1, 1)) for v in (by_x, by_y, centre - by_x * moved_x - by_y * moved_y))
        spots.append(xs * by_x + ys * by_y + shift)
    return _joined(*(ops.amin(s, axis=-1, keepdims=True) for s in spots),
                   *(ops.amax(s, axis=-1, keepdims=True) for s in spots))


# overlap


def _size_of(image_shape: Any, *formats: str) -> tuple[Any, Any]:
    if image_shape is not None:
        return image_shape[0], image_shape[1]
    if any(name.startswith("rel_") for name in formats):
        raise ValueError("When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must "
                         f"be provided. Received `image_shape`: {image_shape}")
    return None, None


def compute_iou(boxes1: Any, boxes2: Any, bounding_box_format: str, use_masking: bool = False, mask_val: float = -1,
                image_shape: Any = None) -> Tensor:
    """The intersection over the union of each box in `boxes1` ([batch,] n, 4) with each in `boxes2`: ([batch,] n, m).

    With `use_masking` pairs with a box of negative numbers are `mask_val`. Raises ValueError.
    """
    height, width = _size_of(image_shape, bounding_box_format)
    first, second = (convert_format(b, bounding_box_format, "xyxy", height, width) for b in (boxes1, boxes2))
    for name, boxes in (("boxes1", first), ("boxes2", second)):
        if len(boxes.shape) not in (2, 3):
            raise ValueError(f"compute_iou() expects {name} to be of rank 2 or 3. Received: {name}.shape={boxes.shape}")

    def across(column: Tensor) -> Tensor:
        return ops.swapaxes(column, -1, -2)

    one, two = _columns(first), [across(c) for c in _columns(second)]
    w, h = (ops.maximum(ops.minimum(one[i + 2], two[i + 2]) - ops.maximum(one[i], two[i]), 0.0) for i in (0, 1))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (one, two)]
    iou = w * h / (areas[0] + areas[1] - w * h + backend.epsilon())
    if not use_masking:
        return iou
    empty = [ops.max(boxes, axis=-1, keepdims=True) < 0.0 for boxes in (first, second)]
    return ops.where(ops.logical_or(empty[0], across(empty[1])), ops.cast(mask_val, iou.dtype), iou)


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None) -> Tensor:
    """The complete IoU of boxes in pairs (Zheng et al., 2020, https://arxiv.org/abs/2005.03572): (...)."""
    height, width = _size_of(image_shape, bounding_box_format)
    one, two = (_columns(convert_format(b, bounding_box_format, "xyxy", height, width)) for b in (boxes1, boxes2))
    tiny = backend.epsilon()

    def spans(union: bool) -> list[Tensor]:
        outer, inner = (ops.maximum, ops.minimum) if union else (ops.minimum, ops.maximum)
        return [outer(one[i + 2], two[i + 2]) - inner(one[i], two[i]) for i in (0, 1)]

    sizes = [(c[2] - c[0], c[3] - c[1] + tiny) for c in (one, two)]
    w, h = (ops.maximum(span, 0.0) for span in spans(union=False))
    iou = w * h / (sizes[0][0] * sizes[0][1] + sizes[1][0] * sizes[1][1] - w * h + 2 * tiny)
    diagonal = sum(span * span for span in spans(union=True)) + tiny
    distance = sum(ops.square((one[i] + one[i + 2] - two[i] - two[i + 2]) / 2) for i in (0, 1))
    slopes = [ops.arctan(size[0] / size[1]) for size in sizes]
    v = 4 / math.pi**2 * ops.square(slopes[1] - slopes[0])
    return ops.squeeze(iou - (distance / diagonal + v * (v / (v - iou + (1 + tiny)))), axis=-1)


# boxes as distances from anchors


def _check_deltas(encoding: str, variance: Any) -> Any:
    if encoding not in ("center_xywh", "center_yxhw"):
        raise ValueError("The format of encoded boxes should be one of 'center_xywh' or 'center_yxhw', got "
                         f"{encoding!r}")
    if variance is None:
        return None
    variance = ops.convert_to_tensor(variance, "float32")
    if variance.shape[-1] != 4:
        raise ValueError(f"`variance` must be length 4, got {variance}")
    return variance


def encode_box_to_deltas(anchors: Any, boxes: Any, anchor_format: str, box_format: str,
                         encoding_format: str = "center_yxhw", variance: Any = None, image_shape: Any = None) -> Tensor:
    """Boxes as distances from anchors, in the anchors' sizes, and logarithms of sizes; divided by `variance`."""
    variance = _check_deltas(encoding_format, variance)
    height, width = _size_of(image_shape, anchor_format, box_format)
    base, goal = (convert_format(b, f, encoding_format, height, width) for b, f in (
        (anchors, anchor_format), (boxes, box_format)))
    size, wanted = (ops.maximum(b[..., 2:], backend.epsilon()) for b in (base, goal))
    deltas = _joined((goal[..., :2] - base[..., :2]) / size, ops.log(wanted / size))
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(anchors: Any, boxes_delta: Any, anchor_format: str, box_format: str,
                           encoded_format: str = "center_yxhw", variance: Any = None, image_shape: Any = None) -> Any:
    """The inverse of `encode_box_to_deltas`; dicts of anchors and deltas give a dict of boxes."""
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decode_deltas_to_boxes(anchors[level], boxes_delta[level], anchor_format, box_format,
                                              encoded_format, variance, image_shape) for level in anchors}
    variance = _check_deltas(encoded_format, variance)
    height, width = _size_of(image_shape, anchor_format, box_format)
    base = convert_format(anchors, anchor_format, encoded_format, height, width)
    deltas = ops.convert_to_tensor(boxes_delta, "float32")
    deltas = deltas if variance is None else deltas * variance
    boxes = _joined(deltas[..., :2] * base[..., 2:] + base[..., :2], ops.exp(deltas[..., 2:]) * base[..., 2:])
    return convert_format(boxes, encoded_format, box_format, height, width)


__all__ = ["affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop",
           "decode_deltas_to_boxes", "encode_box_to_deltas", "pad"]
