"""keras.visualization: numbers of masks are Keras's own, boxes lie where they should, galleries are written."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from graphflow.keras import visualization as v

IMAGES = np.arange(2 * 3 * 4 * 3, dtype="uint8").reshape(2, 3, 4, 3) * 3
MASKS = (np.arange(2 * 3 * 4) % 4).reshape(2, 3, 4, 1)
BOXES = {"boxes": np.array([[[4, 5, 20, 15], [0, 0, 9, 9]]], "float32"), "labels": np.array([[1, -1]])}


@pytest.mark.parametrize(("kwargs", "expected"), [
    ({}, [[0, 0, 1], [2, 104, 27], [5, 207, 54], [27, 30, 33]]),  # of class 3, not below the largest, the image's own
    ({"num_classes": 4, "alpha": 0.5, "ignore_index": 0}, [[0, 3, 6], [5, 69, 23], [10, 137, 43], [15, 78, 63]]),
    ({"num_classes": 2, "color_mapping": {0: (1, 2, 3), 1: (9, 8, 7)}},
     [[0, 2, 3], [9, 8, 8], [18, 21, 24], [27, 30, 33]]),
])
def test_masks_are_mixed_into_images_as_keras_does(kwargs, expected):
    drawn = v.draw_segmentation_masks(IMAGES, MASKS, **kwargs)
    assert drawn.dtype == np.uint8 and drawn.shape == IMAGES.shape
    assert drawn[0, 0].tolist() == expected
    assert (drawn == v.draw_segmentation_masks(IMAGES, MASKS[..., 0], **kwargs)).all()
    first = v.draw_segmentation_masks(IMAGES.transpose(0, 3, 1, 2), MASKS.transpose(0, 3, 1, 2),
                                      data_format="channels_first", **kwargs)
    assert (drawn == first).all()


def test_frames_lie_on_the_boxes_edges(graph):
    white = np.ones((1, 24, 32, 3), "float32")
    drawn = v.draw_bounding_boxes(white, BOXES, "xyxy", color=(1, 2, 3), line_thickness=1)
    inked = np.argwhere((drawn[0] == (1, 2, 3)).all(-1))
    assert inked.min(0).tolist() == [5, 4] and inked.max(0).tolist() == [15, 20]
    assert len(inked) == 2 * (11 + 17) - 4  # the frame alone: the second box has no label
    relative = BOXES | {"boxes": BOXES["boxes"][..., [1, 0, 3, 2]] / np.array([24, 32, 24, 32], "float32")}
    assert (v.draw_bounding_boxes(white, relative, "rel_yxyx", color=(1, 2, 3), line_thickness=1) == drawn).all()
    named = v.draw_bounding_boxes(white, BOXES | {"confidences": np.ones((1, 2))}, "xyxy", {1: "a"}, font_scale=0.2)
    assert (named != v.draw_bounding_boxes(white, BOXES, "xyxy", {2: "a"}, font_scale=0.2)).any()
    assert not graph.operations and (white == 1).all()


def test_galleries(tmp_path):
    import matplotlib
    matplotlib.use("agg")
    v.plot_image_gallery(IMAGES, y_true=[0, 1], y_pred=[1, 5], label_map={0: "a", 1: "b"}, path=tmp_path / "a.png")
    v.plot_segmentation_mask_gallery(IMAGES, 4, y_true=MASKS, y_pred=MASKS, path=tmp_path / "b.png")
    v.plot_bounding_box_gallery(IMAGES[:1], "xyxy", BOXES, BOXES, legend=True, path=tmp_path / "c.png")
    sizes = {}
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        sizes[path.name] = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert sizes["b.png"][0] > 2 * sizes["a.png"][0]  # image, truth and prediction side by side


def test_bad_input(monkeypatch):
    for call, error, message in (
            (lambda: v.draw_segmentation_masks(IMAGES[0], MASKS), ValueError, r"4D tensor\. .*shape=\(3, 4, 3\)"),
            (lambda: v.draw_segmentation_masks(IMAGES, MASKS * 1.0), TypeError, "dtype=float64"),
            (lambda: v.draw_bounding_boxes(IMAGES, [], "xyxy"), TypeError, "should be a dict"),
            (lambda: v.draw_bounding_boxes(IMAGES, {"boxes": 1}, "xyxy"), ValueError, "'boxes' and 'labels' keys"),
            (lambda: v.plot_image_gallery(IMAGES, path="a", show=True), ValueError, "either `path`"),
            (lambda: v.plot_image_gallery(IMAGES, y_true=[1, 2]), ValueError, "`label_map` must also be provided")):
        with pytest.raises(error, match=message):
            call()
    monkeypatch.setitem(sys.modules, "PIL.ImageDraw", None)
    with pytest.raises(ImportError, match=r"requires the `Pillow` package.*graphflow\[image\]"):
        v.draw_bounding_boxes(IMAGES, BOXES, "xyxy")
