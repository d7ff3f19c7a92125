"""`scipy.misc` with the functions for images that it had until SciPy 1.2 (docs.scipy.org/doc/scipy-1.1.0), for programs
that `python -m graphflow run` runs: they read, resize and save their pictures with them. Pillow does the work.

Images are arrays (height, width) or (height, width, 3 or 4).
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .compiler.ops.codecs import pillow

_INTERPOLATIONS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}
_MOVED = {"comb": "special", "factorial": "special", "factorial2": "special", "factorialk": "special",
          "logsumexp": "special", "ascent": "datasets", "face": "datasets"}


def __getattr__(name: str) -> Any:
    if name in _MOVED:
        import importlib
        return getattr(importlib.import_module(f"scipy.{_MOVED[name]}"), name)
    raise AttributeError(f"scipy.misc.{name} is not there", name=name)


def bytescale(data: Any, cmin: float | None = None, cmax: float | None = None, high: int = 255, low: int = 0
              ) -> np.ndarray:
    """Numbers from `cmin` to `cmax` (those of the data) as bytes from `low` to `high`; bytes are left as they are.
    Raises ValueError."""
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    if not 0 <= low <= high <= 255:
        raise ValueError(f"bytescale: 0 <= low <= high <= 255 expected, received low={low}, high={high}")
    smallest, largest = (data.min() if cmin is None else cmin), (data.max() if cmax is None else cmax)
    if largest < smallest:
        raise ValueError(f"`cmax` should be larger than `cmin`. Received: cmin={smallest}, cmax={largest}")
    scaled = (data - smallest) * ((high - low) / ((largest - smallest) or 1)) + low
    return (scaled.clip(low, high) + 0.5).astype(np.uint8)


def fromimage(im: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The array of a Pillow image, in another `mode` ("L", "RGB", ...), or as one channel of floats (`flatten`)."""
    if mode is not None:
        im = im.convert(mode)
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    return np.array(im.convert("L") if im.mode == "1" else im)


def toimage(arr: Any, high: int = 255, low: int = 0, cmin: float | None = None, cmax: float | None = None,
            pal: Any = None, mode: str | None = None, channel_axis: int | None = None) -> Any:
    """The Pillow image of an array, scaled to bytes but with mode "F". Raises ValueError."""
    data = np.asarray(arr)
    colours = [n for n in (3, 4) if n in data.shape]
    if np.iscomplexobj(data) or data.ndim not in (2, 3) or (data.ndim == 3 and not colours):
        raise ValueError("'arr' does not have a suitable array shape for any mode: (height, width) or 3 or 4 channels "
                         f"expected, received {data.shape} of {data.dtype}")
    image = pillow()
    if data.ndim == 2 and mode in ("F", "I"):
        return image.fromarray(data.astype(np.float32 if mode == "F" else np.int32))
    if data.ndim == 3:
        data = np.moveaxis(data, data.shape.index(colours[0]) if channel_axis is None else channel_axis, -1)
        if data.shape[-1] not in (3, 4):
            raise ValueError(f"Channel axis dimension is not valid: {data.shape[-1]}")
    elif mode == "1":
        return image.fromarray(data > 0)
    result = image.fromarray(np.ascontiguousarray(bytescale(data, cmin, cmax, high, low)))
    if pal is not None:
        result.putpalette(np.asarray(pal, np.uint8).tobytes())
    return result if mode is None else result.convert(mode)


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The image in a file (a path or an open file)."""
    with pillow().open(name) as im:
        return fromimage(im, flatten, mode)


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Write an image, from its smallest number (black) to its largest, to a file."""
    toimage(arr, channel_axis=2 if np.ndim(arr) == 3 else None).save(name, format)


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """An image, scaled to bytes, at another size: (height, width), per cent (int) or a fraction (float)."""
    im = toimage(arr, mode=mode)
    if isinstance(size, (int, np.integer)):
        size = size / 100.0
    if isinstance(size, (float, np.floating)):
        shape = tuple(int(n * size) for n in im.size)
    else:
        shape = (int(size[1]), int(size[0]))
    return fromimage(im.resize(shape, _INTERPOLATIONS[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> np.ndarray:
    """An image, scaled to bytes, turned by `angle` degrees against the clock."""
    return fromimage(toimage(arr).rotate(angle, _INTERPOLATIONS[interp]))


def imshow(arr: Any) -> None:
    """Show an image in the system's viewer."""
    toimage(arr).show()
