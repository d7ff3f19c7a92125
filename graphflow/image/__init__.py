# ruff: noqa: F401 (this module is the list of names)
"""`tf.image`: images as tensors (height, width, channels), or (batch, height, width, channels)."""
from .adjust import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    per_image_standardization,
    random_brightness,
    random_contrast,
    random_hue,
    random_saturation,
)
from .boxes import (
    combined_non_max_suppression,
    crop_and_resize,
    draw_bounding_boxes,
    non_max_suppression,
    non_max_suppression_overlaps,
    non_max_suppression_padded,
    non_max_suppression_with_scores,
    sample_distorted_bounding_box,
)
from .codecs import (
    adjust_jpeg_quality,
    decode_and_crop_jpeg,
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    decode_webp,
    encode_jpeg,
    encode_png,
    extract_jpeg_shape,
    is_jpeg,
    random_jpeg_quality,
)
from .colour import (
    convert_image_dtype,
    grayscale_to_rgb,
    hsv_to_rgb,
    rgb_to_grayscale,
    rgb_to_hsv,
    rgb_to_yiq,
    rgb_to_yuv,
    yiq_to_rgb,
    yuv_to_rgb,
)
from .crop import (
    central_crop,
    crop_to_bounding_box,
    extract_glimpse,
    pad_to_bounding_box,
    random_crop,
    resize_image_with_crop_or_pad,
)
from .crop import resize_image_with_crop_or_pad as resize_with_crop_or_pad
from .flips import (
    flip_left_right,
    flip_up_down,
    random_flip_left_right,
    random_flip_up_down,
    rot90,
    transpose_image,
)
from .flips import transpose_image as transpose
from .patches import extract_image_patches, extract_patches, extract_volume_patches
from .quality import image_gradients, psnr, sobel_edges, ssim, ssim_multiscale, total_variation
from .resize import (
    ResizeMethod,
    resize,
    resize_area,
    resize_bicubic,
    resize_bilinear,
    resize_image_with_pad,
    resize_images,
    resize_nearest_neighbor,
)

__all__ = [name for name in dir() if not name.startswith("_")]
