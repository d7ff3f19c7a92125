"""Images standardized and transformed at random, batch by batch."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....compiler.site import warn
from ...utils.image_utils import data_format_of
from .affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
    scipy_module,
    zoom_factors,
)
from .dataframe import DataFrameIterator
from .iterators import DirectoryIterator, NumpyArrayIterator, warn_of_channels


class ImageDataGenerator:
    """Transforms images at random, within ranges, and standardizes them, by statistics that `fit` learns.

    Ranges: degrees (`rotation_range`, `shear_range`), shares of the size, or pixels from 1 on or in a list
    (`width_shift_range`, `height_shift_range`), factors (`zoom_range` z is [1 - z, 1 + z]; `brightness_range`), values
    (`channel_shift_range`). Raises ValueError for ranges that are none.
    """

    def __init__(self, featurewise_center: bool = False, samplewise_center: bool = False,
                 featurewise_std_normalization: bool = False, samplewise_std_normalization: bool = False,
                 zca_whitening: bool = False, zca_epsilon: float = 1e-6, rotation_range: float = 0,
                 width_shift_range: Any = 0.0, height_shift_range: Any = 0.0, brightness_range: Any = None,
                 shear_range: float = 0.0, zoom_range: Any = 0.0, channel_shift_range: float = 0.0,
                 fill_mode: str = "nearest", cval: float = 0.0, horizontal_flip: bool = False,
                 vertical_flip: bool = False, rescale: float | None = None, preprocessing_function: Any = None,
                 data_format: str | None = None, validation_split: float = 0.0, interpolation_order: int = 1,
                 dtype: Any = None):
        self.featurewise_center, self.samplewise_center = featurewise_center, samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.channel_shift_range, self.fill_mode, self.cval = channel_shift_range, fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.interpolation_order, self.dtype = interpolation_order, dtype or "float32"
        self.data_format = data_format_of(data_format)
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"`validation_split` must be strictly between 0 and 1. Received: {validation_split}")
        self._validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None
        self.principal_components: Any = None
        if isinstance(zoom_range, (float, int)):
            self.zoom_range = [1 - zoom_range, 1 + zoom_range]
        elif len(zoom_range) == 2 and all(isinstance(v, (float, int)) for v in zoom_range):
            self.zoom_range = list(zoom_range)
        else:
            raise ValueError(f"`zoom_range` should be a float or a tuple or list of two floats. Received: {zoom_range}")
        if brightness_range is not None and (
                not isinstance(brightness_range, (tuple, list)) or len(brightness_range) != 2):
            raise ValueError(f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}")
        self.brightness_range = brightness_range
        if zca_whitening:
            self._implies("zca_whitening", "featurewise_center", True)
            self._implies("zca_whitening", "featurewise_std_normalization", False)
        if featurewise_std_normalization and not zca_whitening:
            self._implies("featurewise_std_normalization", "featurewise_center", True)
        if samplewise_std_normalization:
            self._implies("samplewise_std_normalization", "samplewise_center", True)

    def _implies(self, given: str, name: str, value: bool) -> None:
        if getattr(self, name) is not value:
            setattr(self, name, value)
            warn(f"This ImageDataGenerator specifies `{given}`, which overrides setting of `{name}`.")

    # batches

    def flow(self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
             seed: int | None = None, save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
             ignore_class_split: bool = False, subset: str | None = None) -> NumpyArrayIterator:
        """Batches of arrays; `subset` "training" or "validation" is a part by `validation_split`."""
        return NumpyArrayIterator(x, y, self, batch_size, shuffle, sample_weight, seed, self.data_format, save_to_dir,
                                  save_prefix, save_format, subset, ignore_class_split, self.dtype)

    def flow_from_directory(self, directory: Any, target_size: Any = (256, 256), color_mode: str = "rgb",
                            classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32,
                            shuffle: bool = True, seed: int | None = None, save_to_dir: Any = None,
                            save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
                            subset: str | None = None, interpolation: str = "nearest",
                            keep_aspect_ratio: bool = False) -> DirectoryIterator:
        """Batches of the images in the subfolders of a folder, a class each."""
        return DirectoryIterator(directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle,
                                 seed, self.data_format, save_to_dir, save_prefix, save_format, follow_links, subset,
                                 interpolation, keep_aspect_ratio, self.dtype)

    def flow_from_dataframe(self, dataframe: Any, directory: Any = None, x_col: str = "filename", y_col: Any = "class",
                            weight_col: str | None = None, target_size: Any = (256, 256), color_mode: str = "rgb",
                            classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32,
                            shuffle: bool = True, seed: int | None = None, save_to_dir: Any = None,
                            save_prefix: str = "", save_format: str = "png", subset: str | None = None,
                            interpolation: str = "nearest", validate_filenames: bool = True, **kwargs: Any
                            ) -> DataFrameIterator:
        """Batches of the image files that a pandas data frame names."""
        for old in ("has_ext", "sort", "drop_duplicates"):
            if old in kwargs:
                warn(f"{old} is deprecated and has no effect.", DeprecationWarning)
        if class_mode == "other":
            warn('`class_mode` "other" is deprecated, please use `class_mode` "raw".', DeprecationWarning)
            class_mode = "raw"
        return DataFrameIterator(
            dataframe, directory, self, x_col, y_col, weight_col, target_size, color_mode, classes, class_mode,
            batch_size, shuffle, seed, self.data_format, save_to_dir, save_prefix, save_format, subset, interpolation,
            bool(kwargs.get("keep_aspect_ratio")), self.dtype, validate_filenames)

    # one image

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """An image (or a batch of them) preprocessed, rescaled, centred and normalized; a float array in place."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + 1e-6
        if self.featurewise_center and self._fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._fitted("featurewise_std_normalization", self.std):
            x /= self.std + 1e-6
        if self.zca_whitening and self._fitted("zca_whitening", self.principal_components):
            x = (x.reshape(-1, int(np.prod(x.shape[-3:]))) @ self.principal_components).reshape(x.shape)
        return x

    def _fitted(self, name: str, statistic: Any) -> bool:
        if statistic is None:
            warn(f"This ImageDataGenerator specifies `{name}`, but it hasn't been fit on any training data. "
                 "Fit it first by calling `.fit(numpy_data)`.")
        return statistic is not None

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
        """What `apply_transform` takes, drawn from NumPy's global generator (seeded first, if a seed is given)."""
        if seed is not None:
            np.random.seed(seed)
        theta = _within(self.rotation_range)
        tx = _shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = _shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = _within(self.shear_range)
        zx, zy = zoom_factors(self.zoom_range)
        flip_horizontal = (np.random.random() < 0.5) * self.horizontal_flip
        flip_vertical = (np.random.random() < 0.5) * self.vertical_flip
        channel_shift = _within(self.channel_shift_range) if self.channel_shift_range else None
        brightness = None if self.brightness_range is None else np.random.uniform(*self.brightness_range)
        return {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
                "flip_horizontal": flip_horizontal, "flip_vertical": flip_vertical,
                "channel_shift_intensity": channel_shift, "brightness": brightness}

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """An image transformed by given amounts, see `get_random_transform`; what is missing is left as it is."""
        given: Callable[..., Any] = transform_parameters.get
        axes = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(x, given("theta", 0), given("tx", 0), given("ty", 0), given("shear", 0),
                                   given("zx", 1), given("zy", 1), *axes, self.fill_mode, self.cval,
                                   self.interpolation_order)
        if given("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given("channel_shift_intensity"), axes[2])
        for name, axis in (("flip_horizontal", axes[1]), ("flip_vertical", axes[0])):
            if given(name, False):
                x = flip_axis(x, axis)
        if given("brightness") is not None:
            x = np.moveaxis(apply_brightness_shift(np.moveaxis(x, axes[2], -1), given("brightness"), False), -1,
                            axes[2])
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """An image transformed at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learn mean, deviation and principal components from images of rank 4, with `augment` from `rounds` random
        transformations of each. Raises ValueError for another rank."""
        x = np.array(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(f"Input to `.fit()` should have rank 4. Got array with shape: {x.shape}")
        warn_of_channels(x.shape, self.data_format, "ImageDataGenerator.fit")
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = np.stack([self.random_transform(image) for _ in range(rounds) for image in x]).astype(self.dtype)
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axes, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axes, keepdims=True)[0]
            x /= self.std + 1e-6
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = scipy_module("linalg", "zca_whitening").svd(flat.T @ flat / len(flat))
            self.principal_components = (u * (1.0 / np.sqrt(s[None] + self.zca_epsilon))) @ u.T


def _within(limit: float) -> float:
    """A random amount up to `limit` either way."""
    return np.random.uniform(-limit, limit) if limit else 0


def _shift(limit: Any, size: int) -> float:
    """Pixels to move by: one of a list, or up to a number, which below 1 is a share of the size."""
    if limit and (np.ndim(limit) or isinstance(limit, (int, np.integer))):  # an integer: one of those below it
        shift = np.random.choice(limit) * np.random.choice([-1, 1])
    else:
        shift = _within(limit)
    return shift * size if np.max(limit) < 1 else shift
