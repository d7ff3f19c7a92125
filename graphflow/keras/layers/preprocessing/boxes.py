"""Bounding boxes: their formats, and what happens to them when images change. `boxes` end in an axis of 4."""
from __future__ import annotations

from typing import Any

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, greater, maximum, minimum, where
from ....compiler.ops.reduction import reduce_max, reduce_min
from ....compiler.ops.slicing import stack
from ....compiler.ops.view import expand_dims
from ....linalg import matrix_inverse

FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh",
           "rel_center_xywh")


def convert_format(boxes: Any, source: str, target: str, height: Any = None, width: Any = None,
                   dtype: str = "float32") -> Any:
    """Boxes (or the boxes of a dict) of format `source` in format `target`. The "rel_" formats count in image sizes.

    Raises ValueError for unknown formats, or if a size is needed and missing.
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    source, target = source.lower(), target.lower()
    if source not in FORMATS or target not in FORMATS:
        raise ValueError(f"Invalid source or target format. Supported formats: {FORMATS}. Received: "
                         f"source={source!r}, target={target!r}")
    relative = source.startswith("rel_"), target.startswith("rel_")
    if any(relative) and (height is None or width is None):
        raise ValueError("convert_format() must receive `height` and `width` transforming between relative and "
                         f"absolute formats. Received source=`{source}`, target=`{target}`, height={height} and "
                         f"width={width}.")
    x = cast(convert_to_tensor(boxes), dtype)
    if x.dims is not None and x.dims[-1] != 4:
        raise ValueError(f"`boxes` must be a tensor with the last dimension of 4. Received: boxes.shape={x.shape}")
    if source == target:
        return x
    x1, y1, x2, y2 = _corners(_parts(x), source.removeprefix("rel_"))
    if relative[0] != relative[1]:
        wide, high = cast(width, dtype), cast(height, dtype)
        x1, x2 = (v * wide if relative[0] else v / wide for v in (x1, x2))
        y1, y2 = (v * high if relative[0] else v / high for v in (y1, y2))
    return stack(_described(x1, y1, x2, y2, target.removeprefix("rel_")), -1)


def _parts(x: Tensor) -> list[Tensor]:
    return [x[..., i] for i in range(4)]


def _corners(parts: list[Tensor], format: str) -> list[Tensor]:
    a, b, c, d = parts
    if format in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if format == "xywh":
        return [a, b, a + c, b + d]
    if format.startswith("center"):
        return [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0]
    return [a, b, c, d]


def _described(x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor, format: str) -> list[Tensor]:
    a, b, c, d = x1, y1, x2, y2
    if format == "xywh":
        c, d = x2 - x1, y2 - y1
    elif format.startswith("center"):
        c, d = x2 - x1, y2 - y1
        a, b = x1 + c / 2.0, y1 + d / 2.0
    return [b, a, d, c] if format in ("yxyx", "center_yxhw") else [a, b, c, d]


def clip_to_image_size(bounding_boxes: dict[str, Any], height: Any = None, width: Any = None,
                       bounding_box_format: str = "xyxy") -> dict[str, Any]:
    """The parts of the boxes that lie in the image; labels of boxes without area become -1."""
    if bounding_box_format not in ("xyxy", "rel_xyxy"):
        raise NotImplementedError(f"clip_to_image_size: format {bounding_box_format!r}, expected 'xyxy' or 'rel_xyxy'")
    if bounding_box_format == "xyxy" and (height is None or width is None):
        raise ValueError("`height` and `width` must be set if `format='xyxy'`.")
    boxes = convert_to_tensor(bounding_boxes["boxes"])
    limits = (1.0, 1.0) if bounding_box_format == "rel_xyxy" else (width, height)
    x1, y1, x2, y2 = (minimum(maximum(v, 0.0), cast(limits[i % 2], boxes.dtype)) for i, v in enumerate(_parts(boxes)))
    clipped = {**bounding_boxes, "boxes": stack([x1, y1, x2, y2], -1)}
    if bounding_boxes.get("labels") is not None:
        labels = convert_to_tensor(bounding_boxes["labels"])
        clipped["labels"] = where(greater((x2 - x1) * (y2 - y1), 0.0), labels, cast(-1, labels.dtype))
    return clipped


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Tensor:
    """Boxes "xyxy" as they are in a part of the image, clipped to it."""
    moved = pad(boxes, -top, -left, bounding_box_format=bounding_box_format)
    return clip_to_image_size({"boxes": moved}, height, width)["boxes"]


def pad(boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
        ) -> Tensor:
    """Boxes "xyxy" as they are in an image with `top` rows and `left` columns more before it."""
    if bounding_box_format != "xyxy":
        raise NotImplementedError(f"format {bounding_box_format!r}, expected 'xyxy'")
    x = convert_to_tensor(boxes)
    shifts = [cast(v, x.dtype) for v in (left, top)]
    return stack([v + shifts[i % 2] for i, v in enumerate(_parts(x))], -1)


def moved_with(boxes: Tensor, transforms: Tensor) -> Tensor:
    """The boxes "xyxy" (batch, n, 4) around the places where their corners go in images moved by `transforms` (batch,
    8), which say where each output pixel comes from.
    """
    a = [transforms[:, i] for i in range(8)]
    matrices = stack([stack(a[0:3], -1), stack(a[3:6], -1), stack([a[6], a[7], a[0] * 0.0 + 1.0], -1)], 1)
    m = [[expand_dims(matrices_at, 1) for matrices_at in (inverse[:, 0], inverse[:, 1], inverse[:, 2])]
         for inverse in (matrix_inverse(matrices)[:, i] for i in range(3))]
    x1, y1, x2, y2 = _parts(boxes)
    xs, ys = [], []
    for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2)):
        k = m[2][0] * x + m[2][1] * y + m[2][2]
        xs.append((m[0][0] * x + m[0][1] * y + m[0][2]) / k)
        ys.append((m[1][0] * x + m[1][1] * y + m[1][2]) / k)
    corners_x, corners_y = stack(xs, -1), stack(ys, -1)
    return stack([reduce_min(corners_x, -1), reduce_min(corners_y, -1), reduce_max(corners_x, -1),
                  reduce_max(corners_y, -1)], -1)
