"""Images as arrays, and batches of them transformed at random."""
from ...utils.image_utils import array_to_img, img_to_array, load_img, save_img, smart_resize
from .affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
    transform_matrix_offset_center,
)
from .dataframe import DataFrameIterator
from .generator import ImageDataGenerator
from .iterators import BatchFromFilesMixin, DirectoryIterator, Iterator, NumpyArrayIterator

__all__ = ["BatchFromFilesMixin", "DataFrameIterator", "DirectoryIterator", "ImageDataGenerator", "Iterator",
           "NumpyArrayIterator", "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift",
           "array_to_img", "flip_axis", "img_to_array", "load_img", "random_brightness", "random_channel_shift",
           "random_rotation", "random_shear", "random_shift", "random_zoom", "save_img", "smart_resize",
           "transform_matrix_offset_center"]
