"""Single images moved, turned, sheared, zoomed and recoloured, by given or random amounts.

Random amounts are drawn from NumPy's global generator, in Keras's order: a seed gives Keras's images.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ...utils.image_utils import array_to_img, img_to_array


def scipy_module(name: str, what: str) -> Any:
    """A module of SciPy's. Raises ImportError."""
    import importlib
    try:
        return importlib.import_module(f"scipy.{name}")
    except ImportError:
        raise ImportError(f"{what} needs SciPy: pip install graphflow[image]") from None


def flip_axis(x: Any, axis: int) -> np.ndarray:
    """`x` in reverse order along `axis`."""
    return np.flip(np.asarray(x), axis)


def transform_matrix_offset_center(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    """The affine transformation `matrix`, 3x3, around the centre of an image of `x` rows and `y` columns."""
    centre = np.eye(3)
    centre[:2, 2] = x / 2 - 0.5, y / 2 - 0.5
    back = np.eye(3)
    back[:2, 2] = -centre[:2, 2]
    return centre @ matrix @ back


def apply_affine_transform(x: np.ndarray, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0,
                           zx: float = 1, zy: float = 1, row_axis: int = 0, col_axis: int = 1, channel_axis: int = 2,
                           fill_mode: str = "nearest", cval: float = 0.0, order: int = 1) -> np.ndarray:
    """An image turned by `theta` and sheared by `shear` degrees, moved by (tx, ty) pixels, zoomed by (zx, zy).

    Outside the image are its nearest pixels, `cval` ("constant"), or it is repeated ("reflect", "wrap"). `order` is
    that of the spline between pixels. Raises ImportError without SciPy.
    """
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    parts = []
    if theta != 0:
        parts.append([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    if tx != 0 or ty != 0:
        parts.append([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    if shear != 0:
        parts.append([[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]])
    if zx != 1 or zy != 1:
        parts.append([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    if not parts:
        return x
    ndimage = scipy_module("ndimage", "An affine transformation of images")
    matrix = np.array(parts[0])
    for part in parts[1:]:
        matrix = matrix @ np.array(part)
    matrix = transform_matrix_offset_center(matrix, x.shape[row_axis], x.shape[col_axis])
    if col_axis > row_axis:  # as of Keras 3 they are of (x, y), SciPy's of (row, column)
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    channels = [ndimage.affine_transform(channel, matrix[:2, :2], matrix[:2, 2], order=order, mode=fill_mode, cval=cval)
                for channel in np.moveaxis(x, channel_axis, 0)]
    return np.moveaxis(np.stack(channels), 0, channel_axis)


def random_rotation(x: np.ndarray, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
                    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1) -> np.ndarray:
    """An image turned by up to `rg` degrees either way."""
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval,
                                  interpolation_order)


def random_shift(x: np.ndarray, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
                 fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1) -> np.ndarray:
    """An image moved by up to the shares `wrg` of its width and `hrg` of its height."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval,
                                  interpolation_order)


def random_shear(x: np.ndarray, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
                 fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1) -> np.ndarray:
    """An image sheared by up to `intensity` degrees either way."""
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval,
                                  interpolation_order)


def random_zoom(x: np.ndarray, zoom_range: Any, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
                fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1) -> np.ndarray:
    """An image zoomed along each axis by a factor from `zoom_range`, two floats. Raises ValueError."""
    zx, zy = zoom_factors(zoom_range)
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, row_axis, col_axis, channel_axis, fill_mode, cval,
                                  interpolation_order)


def zoom_factors(zoom_range: Any) -> Any:
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` should be a tuple or list of two floats. Received: {zoom_range}")
    if zoom_range[0] == 1 and zoom_range[1] == 1:
        return 1, 1
    return np.random.uniform(zoom_range[0], zoom_range[1], 2)


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """`intensity` added, within the image's own range."""
    return np.clip(x + intensity, x.min(), x.max())


def random_channel_shift(x: np.ndarray, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """Up to `intensity_range` added or taken away, within the image's own range."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """An image (channels last) from black (`brightness` 0) over as it is (1) to brighter, from 0 to 255.

    Without `scale` pixels outside that range come back in their own. Raises ImportError without Pillow.
    """
    low, high = np.min(x), np.max(x)
    outside = low < 0 or high > 255
    image = array_to_img(x, "channels_last", scale or outside)
    from PIL import ImageEnhance
    shifted = img_to_array(ImageEnhance.Brightness(image).enhance(brightness), "channels_last")
    return shifted if scale or not outside else shifted / 255 * (high - low) + low


def random_brightness(x: np.ndarray, brightness_range: Any, scale: bool = True) -> np.ndarray:
    """`apply_brightness_shift` by an amount from `brightness_range`, two floats. Raises ValueError."""
    if len(brightness_range) != 2:
        raise ValueError(f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}")
    return apply_brightness_shift(x, np.random.uniform(brightness_range[0], brightness_range[1]), scale)
