"""Boxes in images, as [y1, x1, y2, x2] relative to the image's size: sampled, suppressed, drawn, cut out and
resized."""
from __future__ import annotations

from typing import Any, NamedTuple

from ..compiler import dims as dm
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops import image as _ops
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import cast, ceil, check_index, floor, logical_and, maximum, minimum, where
from ..compiler.ops.gather import gather
from ..compiler.ops.random import random_uniform
from ..compiler.ops.view import expand_dims, identity, reshape
from ..framework import name_scope
from ..math_ops import range_
from .common import as_image, as_tensor, static_size

NEG_INF = float("-inf")


def crop_and_resize(image: Any, boxes: Any, box_ind: Any = None, crop_size: Any = None, method: str = "bilinear",
                    extrapolation_value: float = 0, name: str | None = None, box_indices: Any = None) -> Tensor:
    """For each box, what it covers of image box_ind[i], resized to `crop_size`: (boxes, height, width, channels).

    `image` is a batch (batch, height, width, channels), `boxes` (n, 4), `box_ind` (n,) int32. `method` is "bilinear" or
    "nearest"; what lies outside the image is `extrapolation_value`. Raises InvalidArgumentError when the graph runs
    for an image number outside the batch.
    """
    if method not in ("bilinear", "nearest"):
        raise ValueError(f"crop_and_resize: method must be 'bilinear' or 'nearest', received {method!r}")
    with name_scope(name, "CropAndResize", [image, boxes]) as scope:
        x = cast(as_image(image, "image", (4,)), "float32")
        corners = convert_to_tensor(boxes, "float32", name="boxes")
        number = convert_to_tensor(box_indices if box_ind is None else box_ind, name="box_ind")
        assert x.dims is not None
        if corners.dims is not None and (len(corners.dims) != 2 or corners.dims[1] not in (4,)
                                         and isinstance(corners.dims[1], int)):
            raise ShapeError(f"CropAndResize: boxes must have shape (n, 4), received {corners!r}")
        window = static_size("crop_size", crop_size)
        number = reshape(check_index(number, as_tensor(x.dims[0], number.dtype)), [-1, 1, 1])
        places, hits = [], []
        for axis, (have, want) in enumerate(zip(x.dims[1:3], window, strict=True)):
            last = as_tensor(have, "float32") - 1.0
            begin, end = (expand_dims(corners[:, axis + 2 * k], 1) for k in (0, 1))
            count = as_tensor(want, "float32")
            steps = cast(range_(as_tensor(want, "int32")), "float32")
            step = (end - begin) * last / maximum(count - 1.0, 1.0)
            place = where(count > 1.0, begin * last + steps * step, 0.5 * (begin + end) * last + 0.0 * steps)
            hit = logical_and(place >= 0.0, place <= last)
            hits.append(hit)
            places.append(where(hit, place, 0.0))
        rows, columns = reshape(places[0], [-1, window[0], 1]), reshape(places[1], [-1, 1, window[1]])
        flat = reshape(x, (dm.product(x.dims[:3]), x.dims[3]))
        height, width = as_tensor(x.dims[1], "int32"), as_tensor(x.dims[2], "int32")

        def pixels(row: Tensor, column: Tensor) -> Tensor:
            row, column = (minimum(cast(i, "int32"), size - 1) for i, size in ((row, height), (column, width)))
            return gather(flat, (cast(number, "int32") * height + row) * width + column)

        if method == "nearest":
            found = pixels(floor(rows + 0.5), floor(columns + 0.5))
        else:
            top, left, below, right = floor(rows), floor(columns), ceil(rows), ceil(columns)
            down, across = expand_dims(rows - top, -1), expand_dims(columns - left, -1)
            upper = pixels(top, left) * (1.0 - across) + pixels(top, right) * across
            lower = pixels(below, left) * (1.0 - across) + pixels(below, right) * across
            found = upper * (1.0 - down) + lower * down
        inside = logical_and(reshape(hits[0], [-1, window[0], 1, 1]), reshape(hits[1], [-1, 1, window[1], 1]))
        return identity(where(inside, found, float(extrapolation_value)), name=scope)


def draw_bounding_boxes(images: Any, boxes: Any, name: str | None = None, colors: Any = None) -> Tensor:
    """The batch of images with the outlines of `boxes` (batch, n, 4) drawn into it, in the RGBA `colors` (m, 4) in
    turn, by default ten of TensorFlow's."""
    x, corners = as_image(images, "images", (4,)), convert_to_tensor(boxes, "float32", name="boxes")
    palette = _ops.DEFAULT_COLORS if colors is None else colors
    return _ops.draw_bounding_boxes(x, corners, convert_to_tensor(palette, "float32"),
                                    name=name or "DrawBoundingBoxesV2")


def _selected(boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any, score_threshold: Any,
              sigma: Any, name: str | None) -> tuple[Tensor, Tensor, Tensor]:
    """(indices, scores, how many) that non-maximum suppression keeps."""
    corners, values = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
    for tensor, rank in ((corners, 2), (values, 1)):
        if tensor.dims is not None and len(tensor.dims) != rank:
            raise ShapeError(f"NonMaxSuppression: Shape must be rank {rank} but is rank {len(tensor.dims)}: {tensor!r}")
    if corners.dims is not None and isinstance(corners.dims[1], int) and corners.dims[1] != 4:
        raise ShapeError(f"NonMaxSuppression: Dimension must be 4 but is {corners.dims[1]}: boxes {corners!r}")
    operands = [convert_to_tensor(v, None if isinstance(v, Tensor) else "float32")
                for v in (iou_threshold, score_threshold, sigma)]
    op = _ops.non_max_suppression.operation(corners, values, convert_to_tensor(max_output_size, name="max_output_size"),
                                            *operands, name=name)
    indices, kept, count = op.outputs
    return indices, kept, count


def non_max_suppression(boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
                        score_threshold: Any = NEG_INF, name: str | None = None) -> Tensor:
    """Indices (int32, at most `max_output_size`) of boxes by falling score, without those that overlap one taken.

    `boxes` (n, 4), `scores` (n,). A box is dropped when its intersection over union with one taken exceeds
    `iou_threshold`, or its score does not exceed `score_threshold`.
    """
    return _selected(boxes, scores, max_output_size, iou_threshold, score_threshold, 0.0,
                     name or "non_max_suppression/NonMaxSuppressionV3")[0]


def non_max_suppression_with_scores(boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
                                    score_threshold: Any = NEG_INF, soft_nms_sigma: Any = 0.0,
                                    name: str | None = None) -> tuple[Tensor, Tensor]:
    """(indices, scores) of the boxes kept; with a `soft_nms_sigma` overlapping boxes lose score rather than drop out.

    Bodla, Singh, Chellappa, Davis, "Soft-NMS", 2017.
    """
    return _selected(boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma,
                     name or "non_max_suppression_with_scores/NonMaxSuppressionV5")[:2]


def non_max_suppression_padded(boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
                               score_threshold: Any = NEG_INF, pad_to_max_output_size: bool = False,
                               name: str | None = None, sorted_input: bool = False,
                               canonicalized_coordinates: bool = False, tile_size: int = 512
                               ) -> tuple[Tensor, Tensor]:
    """(indices, how many of them count) as `non_max_suppression`, with zeros up to `max_output_size` when asked to.

    Boxes (..., n, 4) and scores (..., n) of several images give indices (..., max_output_size) and counts (...).
    `sorted_input`: the boxes come by falling score. The other two say how to compute, which does not matter here.
    Raises ValueError for several images without padding.
    """
    corners = convert_to_tensor(boxes, name="boxes")
    batched = corners.dims is not None and len(corners.dims) > 2
    if batched and not pad_to_max_output_size:
        raise ValueError("'pad_to_max_output_size' (value False) must be True for batched input")
    if batched or sorted_input:
        found, counts = _ops.non_max_suppression_batched.operation(
            corners, convert_to_tensor(scores, name="scores"), convert_to_tensor(max_output_size),
            *(convert_to_tensor(v, "float32") for v in (iou_threshold, score_threshold)),
            in_order=bool(sorted_input), name=name or "non_max_suppression_padded").outputs
        return found if pad_to_max_output_size else found[:counts], counts
    indices, _, count = _selected(corners, scores, max_output_size, iou_threshold, score_threshold, 0.0,
                                  name or "non_max_suppression_padded/NonMaxSuppressionV4")
    if pad_to_max_output_size:
        indices = _ops.pad_indices(indices, convert_to_tensor(max_output_size))
    return indices, count


def non_max_suppression_overlaps(overlaps: Any, scores: Any, max_output_size: Any, overlap_threshold: Any = 0.5,
                                 score_threshold: Any = NEG_INF, name: str | None = None) -> Tensor:
    """As `non_max_suppression`, from the overlap of each pair of boxes (n, n)."""
    return _ops.non_max_suppression_overlaps(
        convert_to_tensor(overlaps, name="overlaps"), convert_to_tensor(scores, name="scores"),
        convert_to_tensor(max_output_size), convert_to_tensor(overlap_threshold, "float32"),
        convert_to_tensor(score_threshold, "float32"), name=name or "non_max_suppression_overlaps")


class CombinedNonMaxSuppression(NamedTuple):
    """What `combined_non_max_suppression` returns."""

    nmsed_boxes: Tensor
    nmsed_scores: Tensor
    nmsed_classes: Tensor
    valid_detections: Tensor


def combined_non_max_suppression(boxes: Any, scores: Any, max_output_size_per_class: Any, max_total_size: Any,
                                 iou_threshold: Any = 0.5, score_threshold: Any = NEG_INF, pad_per_class: bool = False,
                                 clip_boxes: bool = True, name: str | None = None) -> CombinedNonMaxSuppression:
    """Non-maximum suppression for each class, then the best over all classes, for each image of a batch.

    `boxes` (batch, n, q, 4), q being 1 or the number of classes; `scores` (batch, n, classes). The results, padded with
    zeros: boxes (batch, k, 4), scores and classes (batch, k), the number that count (batch,).
    """
    x, values = convert_to_tensor(boxes, name="boxes"), convert_to_tensor(scores, name="scores")
    op = _ops.combined_non_max_suppression.operation(
        x, values, convert_to_tensor(max_output_size_per_class), convert_to_tensor(max_total_size),
        convert_to_tensor(iou_threshold, "float32"), convert_to_tensor(score_threshold, "float32"),
        pad_per_class=bool(pad_per_class), clip_boxes=bool(clip_boxes),
        name=name or "combined_non_max_suppression/CombinedNonMaxSuppression")
    return CombinedNonMaxSuppression(*op.outputs)


class SampledBox(NamedTuple):
    """What `sample_distorted_bounding_box` returns: arguments of `tf.slice` and of `draw_bounding_boxes`."""

    begin: Tensor
    size: Tensor
    bboxes: Tensor


def sample_distorted_bounding_box(image_size: Any, bounding_boxes: Any, seed: int | None = None,
                                  seed2: int | None = None, min_object_covered: Any = 0.1,
                                  aspect_ratio_range: Any = None, area_range: Any = None,
                                  max_attempts: int | None = None, use_image_if_no_bounding_boxes: bool | None = None,
                                  name: str | None = None) -> SampledBox:
    """A random box that covers enough of one of `bounding_boxes` (1, n, 4) in an image of `image_size` (h, w, c).

    Its aspect ratio (width / height) and its share of the image's area lie in the ranges (default (0.75, 1.33) and
    (0.05, 1)); after `max_attempts` (100) failures it is the whole image. Raises InvalidArgumentError when the graph
    runs without boxes, unless `use_image_if_no_bounding_boxes`.
    """
    attempts = 100 if max_attempts is None else int(max_attempts)
    draws = random_uniform([attempts, 4], seed=seed or seed2 or None)
    op = _ops.sample_distorted_bounding_box.operation(
        convert_to_tensor(image_size, name="image_size"), convert_to_tensor(bounding_boxes, "float32"),
        convert_to_tensor(min_object_covered, "float32"), draws,
        aspect_ratio_range=tuple(aspect_ratio_range or (0.75, 1.33)), area_range=tuple(area_range or (0.05, 1.0)),
        use_image=bool(use_image_if_no_bounding_boxes),
        name=name or "sample_distorted_bounding_box/SampleDistortedBoundingBoxV2")
    return SampledBox(*op.outputs)


__all__ = ["combined_non_max_suppression", "crop_and_resize", "draw_bounding_boxes", "non_max_suppression",
           "non_max_suppression_overlaps", "non_max_suppression_padded", "non_max_suppression_with_scores",
           "sample_distorted_bounding_box"]
