"""tf.image and tf.contrib.image; the numbers are TensorFlow 2.21's."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

X = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1) / 2
COLOURS = np.array([[[0.2, 0.4, 0.6], [1, 0.5, 0]]], np.float32)
NOISE = np.random.RandomState(0).rand(1, 12, 12, 1).astype(np.float32)
BYTES = np.array([[[0], [100], [250]]], np.uint8)


def _resized(method, **options):
    return getattr(tf.image, f"resize_{method}")(X, [2, 3], **options)[0, :, :, 0]


@pytest.mark.parametrize(("build", "expected"), [
    (lambda: _resized("bilinear"), [[0, 0.66667, 1.33333], [3, 3.66667, 4.33333]]),
    (lambda: _resized("bilinear", align_corners=True), [[0, 0.75, 1.5], [4, 4.75, 5.5]]),
    (lambda: _resized("bilinear", half_pixel_centers=True), [[0.58333, 1.25, 1.91667], [3.58333, 4.25, 4.91667]]),
    (lambda: _resized("nearest_neighbor"), [[0, 0.5, 1], [2, 2.5, 3]]),
    (lambda: _resized("nearest_neighbor", align_corners=True), [[0, 1, 1.5], [4, 5, 5.5]]),
    (lambda: _resized("bicubic"), [[0, 0.68505, 1.37051], [3.1875, 3.87255, 4.55801]]),
    (lambda: _resized("bicubic", half_pixel_centers=True), [[0.38731, 1.08577, 1.78423], [3.71577, 4.41423, 5.11269]]),
    (lambda: _resized("area"), [[0.79167, 1.41667, 2.04167], [3.45833, 4.08333, 4.70833]]),
    (lambda: tf.image.resize_image_with_pad(X, 2, 4)[0, :, :, 0], [[0, 1, 0, 0], [3, 4, 0, 0]]),
    (lambda: tf.image.resize_images(X[0], [3, 4], preserve_aspect_ratio=True), X[0]),
    (lambda: tf.image.crop_and_resize(X, [[0.1, 0.2, 1.2, 0.7]], [0], [2, 3], extrapolation_value=-1)[0, :, :, 0],
     [[0.7, 1.075, 1.45], [-1, -1, -1]]),
    (lambda: tf.image.resize_image_with_crop_or_pad(X, 2, 6)[0, :, :, 0],
     [[0, 0, 0.5, 1, 1.5, 0], [0, 2, 2.5, 3, 3.5, 0]]),
    (lambda: tf.image.adjust_hue(COLOURS, 0.3), [[[0.6, 0.2, 0.48], [0, 1, 0.3]]]),
    (lambda: tf.image.adjust_saturation(COLOURS, 0.5), [[[0.4, 0.5, 0.6], [1, 0.75, 0.5]]]),
    (lambda: tf.image.rgb_to_hsv(COLOURS), [[[0.58333, 0.66667, 0.6], [0.08333, 1, 1]]]),
    (lambda: tf.image.hsv_to_rgb(tf.image.rgb_to_hsv(COLOURS)), COLOURS),
    (lambda: tf.image.rgb_to_yuv(COLOURS), [[[0.363, 0.11663, -0.143], [0.5925, -0.29158, 0.35749]]]),
    (lambda: tf.image.yiq_to_rgb(COLOURS), [[[0.95489, -0.29713, 0.77984], [1.47799, 0.86399, 0.44663]]]),
    (lambda: tf.image.adjust_brightness(BYTES, 0.1), [[[25], [125], [255]]]),
    (lambda: tf.image.adjust_contrast(BYTES, 2.0), [[[0], [83], [255]]]),
    (lambda: tf.image.ssim(NOISE, NOISE * 0.8, 1.0), [0.95198]),
    (lambda: tf.image.psnr(NOISE, NOISE * 0.8, 1.0), [18.81605]),
    (lambda: tf.image.extract_patches(X, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME")[0],
     [[[0, 0.5, 2, 2.5], [1, 1.5, 3, 3.5]], [[4, 4.5, 0, 0], [5, 5.5, 0, 0]]]),
    (lambda: tf.image.rot90(X[0], k=3)[:, :, 0], np.rot90(X[0, :, :, 0], 3)),
    (lambda: tf.image.rot90(NOISE[0], k=tf.constant(1) + 1), np.rot90(NOISE[0], 2)),
    (lambda: tf.contrib.image.rotate(X[0, :, :, 0], np.pi / 2), [[0, 3.5, 5.5, 0], [0, 1, 4.5, 0], [0, 0.5, 2.5, 0]]),
    (lambda: tf.contrib.image.translate(X[0, :, :, 0], [1, 1], "BILINEAR"),
     [[0, 0, 0, 0], [0, 0, 0.5, 1], [0, 2, 2.5, 3]]),
])
def test_values(sess, build, expected):
    np.testing.assert_allclose(sess.run(build()), expected, rtol=1e-4, atol=2e-5)


def test_sizes_may_be_known_only_when_fed(sess):
    x, size = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [2])
    outputs = [tf.image.resize_images(x, [4, 6]), tf.image.resize_images(x, size),
               tf.image.resize_image_with_crop_or_pad(x, 5, 5), tf.image.central_crop(x, 0.5),
               tf.image.random_crop(x, [2, 2, 3])]
    assert [t.shape.as_list() for t in outputs[:3]] == [[4, 6, 3], [None, None, 3], [5, 5, 3]]
    for height, width in ((7, 9), (3, 2)):
        image = np.random.RandomState(1).rand(height, width, 3).astype(np.float32)
        resized, same, fitted, centre, cut = sess.run(outputs, {x: image, size: [height, width]})
        assert resized.shape == (4, 6, 3) and fitted.shape == (5, 5, 3) and cut.shape == (2, 2, 3)
        np.testing.assert_allclose(same, image, rtol=1e-6)
        top, left = int((height - height * 0.5) / 2), int((width - width * 0.5) / 2)
        np.testing.assert_array_equal(centre, image[top:height - top, left:width - left])


def test_random_flips_and_adjustments_keep_to_their_ranges(sess):
    image = np.arange(24, dtype=np.float32).reshape(4, 2, 3, 1)
    flipped = tf.image.random_flip_left_right(image, seed=3)
    seen = {tuple(bool(np.array_equal(f, i)) for f, i in zip(sess.run(flipped), image, strict=True)) for _ in range(20)}
    assert len(seen) > 4  # each image on its own
    bright = tf.image.random_brightness(np.zeros([2, 2, 3], np.float32), 0.5)
    draws = [sess.run(bright) for _ in range(20)]
    assert all(np.ptp(d) == 0 and abs(d.max()) <= 0.5 for d in draws) and np.std([d.max() for d in draws]) > 0.1


@pytest.mark.parametrize(("build", "text"), [
    (lambda: tf.image.flip_left_right(np.zeros([2, 2])), "must have either 3 or 4 dimensions"),
    (lambda: tf.image.central_crop(X, 0.0), r"within \(0, 1\]"),
    (lambda: tf.image.crop_to_bounding_box(X, 0, 3, 1, 2), "width must be >= target"),
    (lambda: tf.image.pad_to_bounding_box(X, 0, 0, 2, 9), "height must be <= target"),
    (lambda: tf.image.resize_images(X, [3]), "2 elements"),
    (lambda: tf.image.resize_images(X, [3, 3], method=7), "Resize method is not implemented"),
    (lambda: tf.image.random_hue(COLOURS, 0.7), "max_delta must be <= 0.5"),
    (lambda: tf.image.ssim(X, X, 1.0), "filter_size"),
    (lambda: tf.image.decode_png("", channels=2), "channels"),
])
def test_wrong_arguments(build, text):
    with pytest.raises(ValueError, match=text):
        build()


def test_files_come_back_and_their_shapes_follow(sess):
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)
    contents = tf.placeholder(tf.string, [])
    image = tf.image.decode_image(contents, dtype=tf.float32)
    grey = tf.image.decode_png(contents, channels=1)
    assert image.shape.rank is None and grey.shape.as_list() == [None, None, 1]
    file = sess.run(tf.image.encode_png(pixels))
    found = sess.run([image, tf.image.resize_image_with_crop_or_pad(grey, 5, 5), tf.image.is_jpeg(contents)],
                     {contents: file})
    np.testing.assert_allclose(found[0], pixels / np.float32(255), rtol=1e-6)
    assert found[1].shape == (5, 5, 1) and not found[2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="JPEG, PNG"):
        sess.run(image, {contents: b"nothing"})
    flat = tf.constant(np.full((16, 16, 3), 90, np.uint8))
    np.testing.assert_array_equal(sess.run(tf.image.adjust_jpeg_quality(flat, 50)), np.full((16, 16, 3), 90))
