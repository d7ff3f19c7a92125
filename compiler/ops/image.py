"""Ops on boxes in images whose results depend on values: suppression, sampling, drawing."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import float32, int32
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef, no_gradient
from ..shapes import Dims
from .symbolic import static_value

Types = list[TensorType]


def overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with others (n, 4); corners may be given in either order."""
    low, high = np.minimum(others[:, :2], others[:, 2:]), np.maximum(others[:, :2], others[:, 2:])
    first, last = np.minimum(box[:2], box[2:]), np.maximum(box[:2], box[2:])
    sides = np.maximum(np.minimum(high, last) - np.maximum(low, first), 0)
    both = sides[:, 0] * sides[:, 1]
    areas, own = np.prod(high - low, axis=1), np.prod(last - first)
    union = areas + own - both
    return np.where((areas <= 0) | (own <= 0), 0, both / np.where(union > 0, union, 1)).astype(others.dtype)


def suppress(boxes: np.ndarray, scores: np.ndarray, limit: int, iou_threshold: float, score_threshold: float,
             sigma: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(indices, scores) of the boxes kept, best first. With `sigma`, overlap lowers scores by
    exp(-overlap²/2sigma²)."""
    left = scores.astype(np.float32)
    left[~(left > score_threshold)] = -np.inf
    kept: list[int] = []
    values: list[float] = []
    while len(kept) < limit and left.size:
        best = int(np.argmax(left))
        if not left[best] > score_threshold or left[best] == -np.inf:
            break
        kept.append(best)
        values.append(float(left[best]))
        left[best] = -np.inf
        overlaps = overlap(boxes[best], boxes)
        if sigma > 0:
            left = np.where(left > -np.inf, left * np.exp(-0.5 / sigma * overlaps * overlaps), left)
        if sigma <= 0 or iou_threshold < 1:
            left[overlaps > iou_threshold] = -np.inf
    return np.array(kept, np.int32), np.array(values, np.float32)


def _suppressed(boxes: np.ndarray, scores: np.ndarray, limit: np.ndarray, iou_threshold: np.ndarray,
                score_threshold: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not 0 <= iou_threshold <= 1:
        raise InvalidArgumentError(f"NonMaxSuppression: iou_threshold must be in [0, 1], received {iou_threshold}")
    if len(boxes) != len(scores):
        raise InvalidArgumentError(f"NonMaxSuppression: scores has incompatible shape: {len(scores)} for {len(boxes)} "
                                   "boxes")
    kept, values = suppress(boxes, scores, int(limit), float(iou_threshold), float(score_threshold), float(sigma))
    return kept, values.astype(scores.dtype), np.array(len(kept), np.int32)


def _suppressed_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    count = dm.fresh()
    return [TensorType(int32, (count,)), TensorType(inputs[1].dtype, (count,)), TensorType(int32, ())]


# boxes, scores, max_output_size, iou_threshold, score_threshold, sigma -> indices, scores, count
non_max_suppression = OpDef("NonMaxSuppressionV5", HOST, _suppressed_types, no_gradient, _suppressed)


def _overlaps_reference(overlaps: np.ndarray, scores: np.ndarray, limit: np.ndarray, threshold: np.ndarray,
                        score_threshold: np.ndarray) -> np.ndarray:
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if len(kept) == int(limit) or not scores[i] > score_threshold:
            break
        if not any(overlaps[i, k] > threshold for k in kept):
            kept.append(int(i))
    return np.array(kept, np.int32)


# overlaps, scores, max_output_size, overlap_threshold, score_threshold -> indices
non_max_suppression_overlaps = OpDef("NonMaxSuppressionWithOverlaps", HOST,
                                     lambda inputs, attrs: [TensorType(int32, (dm.fresh(),))], no_gradient,
                                     _overlaps_reference)


def _known(size: Tensor) -> Any:
    value = static_value(size)
    return dm.fresh() if value is None else int(value)


# indices followed by zeros, `size` of them in all
pad_indices = OpDef("PadIndices", HOST, lambda inputs, attrs: [TensorType(inputs[0].dtype, (_known(inputs[1]),))],
                    no_gradient, lambda indices, size: np.pad(indices, (0, max(int(size) - len(indices), 0))))


def _batched(boxes: np.ndarray, scores: np.ndarray, limit: np.ndarray, iou_threshold: np.ndarray,
             score_threshold: np.ndarray, in_order: bool) -> tuple[np.ndarray, np.ndarray]:
    indices = np.zeros((*scores.shape[:-1], int(limit)), np.int32)
    counts = np.zeros(scores.shape[:-1], np.int32)
    for at in np.ndindex(counts.shape):
        passing = scores[at] > score_threshold
        rank = np.where(passing, -np.arange(scores.shape[-1]), -np.inf) if in_order else scores[at]
        kept, _ = suppress(boxes[at], rank, int(limit), float(iou_threshold),
                           -np.inf if in_order else float(score_threshold))
        indices[at][:len(kept)], counts[at] = kept, len(kept)
    return indices, counts


def _batched_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    batch = None if inputs[1].dims is None else inputs[1].dims[:-1]
    return [TensorType(int32, None if batch is None else (*batch, _known(inputs[2]))), TensorType(int32, batch)]


# boxes (..., n, 4), scores (..., n), max_output_size, iou_threshold, score_threshold -> indices (then 0), counts
non_max_suppression_batched = OpDef("BatchedNonMaxSuppression", HOST, _batched_types, no_gradient, _batched)


def _combined_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    boxes, scores, per_class, total = inputs[:4]
    batch: Dims = (dm.fresh(),) if boxes.dims is None else boxes.dims[:1]
    count = _known(total)
    if attrs["pad_per_class"] and isinstance(count, int) and scores.dims is not None:
        each, classes = _known(per_class), scores.dims[2]
        count = dm.minimum(count, each * classes)
    return [TensorType(float32, (*batch, count, 4)), TensorType(float32, (*batch, count)),
            TensorType(float32, (*batch, count)), TensorType(int32, batch)]


def _combined_reference(boxes: np.ndarray, scores: np.ndarray, per_class: np.ndarray, total: np.ndarray,
                        iou_threshold: np.ndarray, score_threshold: np.ndarray, pad_per_class: bool, clip_boxes: bool
                        ) -> tuple[np.ndarray, ...]:
    classes = scores.shape[2]
    count = min(int(total), int(per_class) * classes) if pad_per_class else int(total)
    out = np.zeros((len(boxes), count, 4), np.float32)
    out_scores, out_classes = np.zeros((2, len(boxes), count), np.float32)
    valid = np.zeros(len(boxes), np.int32)
    for n in range(len(boxes)):
        found = []
        for c in range(classes):
            own = boxes[n, :, c if boxes.shape[2] > 1 else 0]
            kept, values = suppress(own, scores[n, :, c], int(per_class), float(iou_threshold), float(score_threshold))
            found += [(-v, c, tuple(own[i])) for i, v in zip(kept, values, strict=True)]
        found.sort(key=lambda entry: entry[0])
        valid[n] = min(len(found), count)
        for k, (negative, c, box) in enumerate(found[:count]):
            out[n, k], out_scores[n, k], out_classes[n, k] = box, -negative, c
    return np.clip(out, 0, 1) if clip_boxes else out, out_scores, out_classes, valid


combined_non_max_suppression = OpDef("CombinedNonMaxSuppression", HOST, _combined_types, no_gradient,
                                     _combined_reference)

DEFAULT_COLORS = [[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0.5, 0, 0.5, 1], [0.5, 0.5, 0, 1],
                  [0.5, 0, 0, 1], [0, 0, 0.5, 1], [0, 1, 1, 1], [1, 0, 1, 1]]


def _draw_reference(images: np.ndarray, boxes: np.ndarray, colors: np.ndarray) -> np.ndarray:
    out = images.copy()
    _, height, width, channels = images.shape
    for image, own in zip(out, boxes, strict=True):
        for k, (y1, x1, y2, x2) in enumerate(own):
            top, bottom = int(y1 * (height - 1)), int(y2 * (height - 1))
            left, right = int(x1 * (width - 1)), int(x2 * (width - 1))
            if top > bottom or left > right or bottom < 0 or right < 0 or top >= height or left >= width:
                continue
            color = colors[k % len(colors)][:channels]
            rows = slice(max(top, 0), min(bottom, height - 1) + 1)
            columns = slice(max(left, 0), min(right, width - 1) + 1)
            for row in (r for r in (top, bottom) if 0 <= r < height):
                image[row, columns] = color
            for column in (c for c in (left, right) if 0 <= c < width):
                image[rows, column] = color
    return out


draw_bounding_boxes = OpDef("DrawBoundingBoxesV2", HOST, lambda inputs, attrs: [inputs[0].type], no_gradient,
                            _draw_reference)


def _sampled_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> Types:
    size = inputs[0].dtype
    return [TensorType(size, (3,)), TensorType(size, (3,)), TensorType(float32, (1, 1, 4))]


def _sample_reference(size: np.ndarray, boxes: np.ndarray, min_covered: np.ndarray, draws: np.ndarray,
                      aspect_ratio_range: tuple[float, float], area_range: tuple[float, float], use_image: bool
                      ) -> tuple[np.ndarray, ...]:
    height, width = int(size[0]), int(size[1])
    objects = boxes.reshape(-1, 4)
    if not len(objects):
        if not use_image:
            raise InvalidArgumentError("SampleDistortedBoundingBox: No bounding boxes provided as input. One must "
                                       "enable use_image_if_no_bounding_boxes if you wish to not provide any.")
        objects = np.array([[0, 0, 1, 1]], np.float32)
    pixels = objects * [height, width, height, width]
    box = next((b for d in draws if (b := _attempt(d, height, width, aspect_ratio_range, area_range)) is not None
                and _covers(b, pixels, float(min_covered))), (0, 0, height, width))
    top, left, rows, columns = box
    relative = np.array([top / height, left / width, (top + rows) / height, (left + columns) / width], np.float32)
    return (np.array([top, left, 0], size.dtype), np.array([rows, columns, -1], size.dtype),
            relative.reshape(1, 1, 4))


def _attempt(draw: np.ndarray, height: int, width: int, aspects: tuple[float, float], areas: tuple[float, float]
             ) -> tuple[int, int, int, int] | None:
    """(top, left, rows, columns) of a box of random aspect ratio, height and position, None if none has the area."""
    aspect = aspects[0] + draw[0] * (aspects[1] - aspects[0])
    lowest = int(np.rint(np.sqrt(areas[0] * height * width / aspect)))
    highest = min(int(np.rint(np.sqrt(areas[1] * height * width / aspect))), height, int((width + 0.5) / aspect))
    if highest < 1:
        return None
    lowest = min(max(lowest, 1), highest)
    rows = min(lowest + int(draw[1] * (highest - lowest + 1)), highest)
    columns = min(int(np.rint(rows * aspect)), width)
    if not (areas[0] * height * width <= rows * columns <= areas[1] * height * width) or columns < 1:
        return None
    return min(int(draw[2] * (height - rows + 1)), height - rows), min(int(draw[3] * (width - columns + 1)),
                                                                      width - columns), rows, columns


def _covers(box: tuple[int, int, int, int], objects: np.ndarray, share: float) -> bool:
    """Whether `box` covers at least `share` of one of the objects [y1, x1, y2, x2]."""
    top, left, rows, columns = box
    sides = np.maximum(np.minimum(objects[:, 2:], [top + rows, left + columns])
                       - np.maximum(objects[:, :2], [top, left]), 0)
    areas = np.prod(objects[:, 2:] - objects[:, :2], axis=1)
    return bool(np.any(np.prod(sides, axis=1) >= share * areas))


# image_size, bounding_boxes, min_object_covered, uniform draws (attempts, 4) -> begin, size, boxes
sample_distorted_bounding_box = OpDef("SampleDistortedBoundingBoxV2", HOST, _sampled_types, no_gradient,
                                      _sample_reference)
