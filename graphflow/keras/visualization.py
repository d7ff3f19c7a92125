"""Pictures of images: in galleries with labels, with boxes around what is in them, with masks over it.

Images are NumPy arrays or tensors with a value (batch, height, width, channels) or, with `data_format`
"channels_first", (batch, channels, height, width).
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.ir import Graph
from . import backend, ops
from .utils.bounding_boxes import convert_format

FONT_SIZE = 22.0  # pixels, of a text at scale 1


def _batch(images: Any, data_format: str | None) -> np.ndarray:
    """The images with channels last. Raises ValueError if they are no batch."""
    array = np.asarray(ops.convert_to_numpy(images))
    if array.ndim != 4:
        raise ValueError(f"`images` must be batched 4D tensor. Received: images.shape={array.shape}")
    return array.transpose(0, 2, 3, 1) if (data_format or backend.image_data_format()) == "channels_first" else array


def _module(name: str, function: str, package: str, extra: str) -> Any:
    try:
        return __import__(name, fromlist=["_"])
    except ImportError:
        raise ImportError(f"The `{function}` function requires the `{package}` package. Please install it with "
                          f"`pip install graphflow[{extra}]`.") from None


def draw_bounding_boxes(images: Any, bounding_boxes: Any, bounding_box_format: str,
                        class_mapping: Mapping[int, str] | None = None, color: Sequence[int] = (128, 128, 128),
                        line_thickness: int = 2, text_thickness: int = 1, font_scale: float = 1.0,
                        data_format: str | None = None) -> np.ndarray:
    """The images (uint8, channels last) with frames of `line_thickness` pixels around the boxes.

    `bounding_boxes` is a dict of "boxes" (batch, n, 4) in the format (see keras.utils.bounding_boxes), "labels"
    (batch, n) with -1 where there is no box and, if there are any, "confidences" (batch, n). Boxes whose label is in
    `class_mapping` have a title. Floating-point images up to 1 are taken to be in 0..1. Raises ValueError for images
    that are no batch and boxes without those keys, TypeError for boxes that are no dict, ImportError without Pillow.
    """
    pillow = _module("PIL.ImageDraw", "draw_bounding_boxes", "Pillow", "image")
    array = _batch(images, data_format)
    if not isinstance(bounding_boxes, dict):
        raise TypeError(f"`bounding_boxes` should be a dict. Received: bounding_boxes={bounding_boxes} of type "
                        f"{type(bounding_boxes)}")
    if "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ValueError("`bounding_boxes` should be a dict containing 'boxes' and 'labels' keys. Received: "
                         f"bounding_boxes={bounding_boxes}")
    values = {key: np.asarray(ops.convert_to_numpy(value)) for key, value in bounding_boxes.items()}
    with Graph().as_default():  # not in the user's
        boxes = convert_format(values["boxes"], bounding_box_format, "xyxy", *array.shape[1:3])
        corners = np.asarray(ops.convert_to_numpy(boxes)).astype("int32")
    if array.dtype.kind == "f" and array.size:
        array = np.clip(array, 0, 1) * 255 if array.max() <= 1.0 else np.clip(array, 0, 255)
    result = []
    for i, pixels in enumerate(array.astype("uint8")):
        image = pillow.Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
        pen = pillow.Draw(image)
        ink = int(color[0]) if image.mode == "L" else tuple(color)
        for j, (label, box) in enumerate(zip(values["labels"][i].astype("int32"), corners[i].tolist(), strict=True)):
            if label == -1:
                continue
            left, right = sorted((box[0], box[2]))
            top, bottom = sorted((box[1], box[3]))
            out = line_thickness // 2  # the line lies on the box's edge
            pen.rectangle((left - out, top - out, right + out, bottom + out), outline=ink, width=line_thickness)
            if int(label) in (class_mapping or {}):
                title = class_mapping[int(label)]  # type: ignore[index]
                if "confidences" in values:
                    title = f"{title} | {values['confidences'][i][j]:.2f}"
                _write(pen, title, box[0], box[1], font_scale, text_thickness or line_thickness, ink)
        result.append(np.asarray(image).reshape(pixels.shape))
    return np.stack(result)


def _write(pen: Any, text: str, left: int, top: int, scale: float, thickness: int, ink: Any) -> None:
    """A box's title: above it, or within where there is no room."""
    font = _module("PIL.ImageFont", "draw_bounding_boxes", "Pillow", "image").load_default(FONT_SIZE * scale)
    height = int(12 * scale)
    above = top - 8 - 2 * height > 0
    place = (left, top - 8) if above else (left + 3, top + 2 * height + thickness + 3)
    pen.text(place, text, fill=ink, font=font, anchor="ls", stroke_width=max(thickness - 1, 0) / 2)


def draw_segmentation_masks(images: Any, segmentation_masks: Any, num_classes: int | None = None,
                            color_mapping: Mapping[int, Sequence[int]] | None = None, alpha: float = 0.8,
                            blend: bool = True, ignore_index: int = -1, data_format: str | None = None) -> np.ndarray:
    """The images with each class of the masks in its colour: uint8, mixed by `alpha`, or float32 without `blend`.

    `segmentation_masks` are classes (batch, height, width) or (batch, height, width, 1) of an integer type; pixels of
    `ignore_index` stay. `num_classes` is by default the largest class, `color_mapping` gives RGB by class. Raises
    ValueError for images that are no batch, TypeError for masks that are not integers.
    """
    array = _batch(images, data_format).astype("float32")
    masks = np.asarray(ops.convert_to_numpy(segmentation_masks))
    if masks.dtype.kind not in "iu":
        raise TypeError("`segmentation_masks` must be in integer dtype. Received: "
                        f"segmentation_masks.dtype={masks.dtype}")
    if masks.ndim == 4:
        masks = masks.squeeze(1 if (data_format or backend.image_data_format()) == "channels_first" else -1)
    count = int(masks.max()) if num_classes is None else num_classes
    colors = [color_mapping[i] for i in range(count)] if color_mapping is not None else [
        [i * part % 255 for part in (2 ** 25 - 1, 2 ** 15 - 1, 2 ** 21 - 1)] for i in range(count)]
    drawn = array.copy()
    for i, color in enumerate(colors):
        drawn[masks == i] = color
    if not blend:
        return drawn
    mixed = array * np.float32(1 - alpha) + drawn * np.float32(alpha)
    return np.where((masks != ignore_index)[..., None], mixed, array).astype("uint8")


def plot_image_gallery(images: Any, y_true: Any = None, y_pred: Any = None, label_map: Mapping[Any, str] | None = None,
                       rows: int | None = None, cols: int | None = None, value_range: Sequence[float] = (0, 255),
                       scale: float = 2, path: Any = None, show: bool | None = None, transparent: bool = True,
                       dpi: float = 60, legend_handles: Any = None, data_format: str | None = None) -> None:
    """Show images of values in `value_range` in rows and columns, or save them to the file `path`.

    `y_true` and `y_pred` are classes (batch,), shown by their names in `label_map`; `scale` is an image's size in
    inches. Raises ValueError for both `path` and `show` and for classes without names, ImportError without matplotlib.
    """
    plt = _module("matplotlib.pyplot", "plot_image_gallery", "matplotlib", "draw")
    if path is not None and show:
        raise ValueError("plot_gallery() expects either `path` to be set, or `show` to be true.")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError("If `y_true` or `y_pred` are provided, a `label_map` must also be provided.")
    array = _batch(images, data_format).astype("float32")
    rows = rows or math.ceil(math.sqrt(len(array)))
    cols = cols or math.ceil(len(array) // rows)
    low, high = value_range
    pixels = ((array - low) / (high - low) * 255).astype("uint8")
    figure, axes = plt.subplots(rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight",
                                squeeze=False, sharex="row", sharey="col")
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    named = [(title, np.asarray(ops.convert_to_numpy(y))) for title, y in (("Label", y_true), ("Pred", y_pred))
             if y is not None]
    for i, place in enumerate(axes.flat):
        place.axis("off")
        if i < len(pixels):
            place.imshow(pixels[i], cmap="gray" if pixels.shape[-1] == 1 else None)
            place.set_title("  ".join(f"{title}: {label_map.get(y[i].item(), 'Unknown')}"  # type: ignore[union-attr]
                                      for title, y in named if i < len(y)), fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
        plt.close(figure)
    elif show or show is None:
        plt.show()
        plt.close(figure)


def plot_bounding_box_gallery(images: Any, bounding_box_format: str, y_true: Any = None, y_pred: Any = None,
                              value_range: Sequence[float] = (0, 255), true_color: Sequence[int] = (0, 188, 212),
                              pred_color: Sequence[int] = (255, 235, 59), line_thickness: int = 2,
                              font_scale: float = 1.0, text_thickness: int | None = None,
                              class_mapping: Mapping[int, str] | None = None,
                              ground_truth_mapping: Mapping[int, str] | None = None,
                              prediction_mapping: Mapping[int, str] | None = None, legend: bool = False,
                              legend_handles: Any = None, rows: int | None = None, cols: int | None = None,
                              data_format: str | None = None, **kwargs: Any) -> None:
    """A gallery of images with the boxes `y_true` and `y_pred` (see `draw_bounding_boxes`), each in its colour.

    `kwargs` go to `plot_image_gallery`. Raises what both functions raise, and ValueError for both kinds of legend.
    """
    patches = _module("matplotlib.patches", "plot_bounding_box_gallery", "matplotlib", "draw")
    drawn = _batch(images, data_format)
    for boxes, color, names in ((y_true, true_color, ground_truth_mapping or class_mapping),
                                (y_pred, pred_color, prediction_mapping or class_mapping)):
        if boxes is not None:
            drawn = draw_bounding_boxes(drawn, boxes, bounding_box_format, names, color, line_thickness,
                                        text_thickness or line_thickness, font_scale, "channels_last")
    if legend:
        if legend_handles:
            raise ValueError("Only pass `legend` OR `legend_handles` to "
                             "`keras.visualization.plot_bounding_box_gallery()`.")
        legend_handles = [patches.Patch(color=np.array(color) / 255.0, label=label) for color, label in (
            (true_color, "Ground Truth"), (pred_color, "Prediction"))]
    plot_image_gallery(drawn, value_range=value_range, legend_handles=legend_handles, rows=rows, cols=cols,
                       data_format="channels_last", **kwargs)


def plot_segmentation_mask_gallery(images: Any, num_classes: int, value_range: Sequence[float] = (0, 255),
                                   y_true: Any = None, y_pred: Any = None,
                                   color_mapping: Mapping[int, Sequence[int]] | None = None, blend: bool = True,
                                   alpha: float = 0.8, ignore_index: int = -1, data_format: str | None = None,
                                   **kwargs: Any) -> None:
    """A gallery with a row for each image: the image, with the masks `y_true`, with the masks `y_pred`.

    `kwargs` go to `plot_image_gallery`. Raises what that and `draw_segmentation_masks` raise.
    """
    plain = _batch(images, data_format)
    columns = [plain, *(draw_segmentation_masks(
        plain, _batch_of_masks(masks, data_format), num_classes, color_mapping, alpha, blend, ignore_index,
        "channels_last") for masks in (y_true, y_pred) if masks is not None)]
    gallery = np.stack(columns, axis=1).reshape(-1, *plain.shape[1:])
    plot_image_gallery(gallery, value_range=value_range, rows=len(plain), cols=len(columns),
                       data_format="channels_last", **kwargs)


def _batch_of_masks(masks: Any, data_format: str | None) -> np.ndarray:
    array = np.asarray(ops.convert_to_numpy(masks)).astype("int32")
    return _batch(array, data_format) if array.ndim == 4 else array
