"""Endless batches of images from arrays, folders and data frames, each image transformed by a generator."""
from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....compiler.site import warn
from ...utils.image_utils import array_to_img, data_format_of, img_to_array, load_img
from ...utils.io_utils import files_below
from ...utils.progbar import print_message
from ...utils.py_dataset import PyDataset

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


class Iterator(PyDataset):
    """Batches of `n` samples, without end by `next`, or by their number within an epoch.

    Subclasses define `_get_batches_of_transformed_samples(index_array)`. With a `seed` batch number i is drawn after
    `numpy.random.seed(seed + i)`.
    """

    white_list_formats = FORMATS

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None):
        super().__init__()
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None
        self.index_generator = self._flow_index()

    def __getstate__(self) -> dict[str, Any]:
        """For processes that read batches: what cannot be sent to them is made anew there."""
        return {k: v for k, v in vars(self).items() if k not in ("lock", "index_generator")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, lock=threading.Lock(), index_generator=self._flow_index())

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _reseed(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def __getitem__(self, idx: int) -> Any:
        if idx >= len(self):
            raise ValueError(f"Asked to retrieve element {idx}, but the Sequence has length {len(self)}")
        self._reseed()
        if self.index_array is None:
            self._set_index_array()
        assert self.index_array is not None
        return self._get_batches_of_transformed_samples(
            self.index_array[self.batch_size * idx:self.batch_size * (idx + 1)])

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def on_epoch_end(self) -> None:
        self._set_index_array()

    def reset(self) -> None:
        """Begin anew with the next batch."""
        self.batch_index = 0

    def _flow_index(self) -> Any:
        self.reset()
        while True:
            self._reseed()
            if self.batch_index == 0:
                self._set_index_array()
            assert self.index_array is not None
            first = self.batch_index * self.batch_size % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > first + self.batch_size else 0
            yield self.index_array[first:first + self.batch_size]

    def __iter__(self) -> Any:
        return self

    def __next__(self, *args: Any, **kwargs: Any) -> Any:
        return self.next(*args, **kwargs)

    def next(self) -> Any:
        """The next batch. Threads may ask at once."""
        with self.lock:
            indices = next(self.index_generator)
        return self._get_batches_of_transformed_samples(indices)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        raise NotImplementedError

    def _save(self, batch: np.ndarray, index_array: np.ndarray, hashes: int) -> None:
        """Write the images of a batch to `save_to_dir`, if there is one."""
        if not self.save_to_dir:
            return
        for image, index in zip(batch, index_array, strict=True):
            name = f"{self.save_prefix}_{index}_{np.random.randint(hashes)}.{self.save_format}"
            array_to_img(image, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))

    save_to_dir: Any = None
    save_prefix, save_format, data_format = "", "png", "channels_last"


def _check_length(name: str, x: Any, values: Any) -> None:
    if values is not None and len(x) != len(values):
        kind = "`y` (labels)" if name == "y" else f"`{name}`"
        raise ValueError(f"`x` (images tensor) and {kind} should have the same length. Found: x.shape = {np.shape(x)}, "
                         f"{name}.shape = {np.shape(values)}")


class NumpyArrayIterator(Iterator):
    """Batches x, (x, y) or (x, y, sample_weight) of arrays, `x` of rank 4, or (x, arrays that go with it)."""

    def __init__(self, x: Any, y: Any, image_data_generator: Any, batch_size: int = 32, shuffle: bool = False,
                 sample_weight: Any = None, seed: int | None = None, data_format: str | None = None,
                 save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
                 subset: str | None = None, ignore_class_split: bool = False, dtype: Any = None):
        self.dtype = dtype or "float32"
        self.data_format = data_format_of(data_format)
        more: list[np.ndarray] = []
        if isinstance(x, (tuple, list)):
            more = [np.asarray(m) for m in (x[1] if isinstance(x[1], list) else [x[1]])]
            x = x[0]
            for other in more:
                if len(x) != len(other):
                    raise ValueError("All of the arrays in `x` should have the same length. Found a pair with: "
                                     f"len(x[0]) = {len(x)}, len(x[?]) = {len(other)}")
        _check_length("y", x, y)
        _check_length("sample_weight", x, sample_weight)
        if subset is not None:
            kept = _subset(subset, len(x), image_data_generator._validation_split)
            first = kept.start or kept.stop
            if y is not None and not ignore_class_split and len(np.setxor1d(y[:first], y[first:])):
                raise ValueError("Training and validation subsets have different number of classes after the split. "
                                 "If your numpy arrays are sorted by the label, you might want to shuffle them.")
            x, more = x[kept], [m[kept] for m in more]
            y = None if y is None else y[kept]
            sample_weight = None if sample_weight is None else sample_weight[kept]
        self.x, self.x_misc = np.asarray(x, dtype=self.dtype), more
        if self.x.ndim != 4:
            raise ValueError("Input data in `NumpyArrayIterator` should have rank 4. You passed an array with shape "
                             f"{self.x.shape}")
        warn_of_channels(self.x.shape, self.data_format, "NumpyArrayIterator")
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        self.image_data_generator = image_data_generator
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        batch = np.zeros((len(index_array), *self.x.shape[1:]), self.dtype)
        for i, j in enumerate(index_array):
            batch[i] = transformed(self.image_data_generator, self.x[j].astype(self.dtype))
        self._save(batch, index_array, 10_000)
        x = [batch, *(m[index_array] for m in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return x
        weights = () if self.sample_weight is None else (self.sample_weight[index_array],)
        return (x, self.y[index_array], *weights)


def transformed(generator: Any, x: np.ndarray) -> np.ndarray:
    """One image as the generator makes it: transformed at random, then standardized."""
    return generator.standardize(generator.apply_transform(x, generator.get_random_transform(x.shape)))


def warn_of_channels(shape: Sequence[int], data_format: str, what: str) -> None:
    axis = 3 if data_format == "channels_last" else 1
    if shape[axis] not in (1, 3, 4):
        warn(f'{what} is set to use the data format convention "{data_format}" (channels on axis {axis}), '
             f"i.e. expected either 1, 3, or 4 channels on axis {axis}. However, it was passed an array with "
             f"shape {tuple(shape)} ({shape[axis]} channels).")


def _subset(subset: str, count: int, validation_split: float) -> slice:
    """The samples of a subset: validation samples come first. Raises ValueError."""
    first = int(validation_split * count)
    if subset not in ("training", "validation"):
        raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation".')
    return slice(first) if subset == "validation" else slice(first, None)


class BatchFromFilesMixin(Iterator):
    """Batches of image files. Subclasses set `filepaths`, `classes` or `labels`, and `class_mode`."""

    class_mode: str | None
    classes: Any
    class_indices: dict[Any, int]
    _filepaths: list[str]
    _targets: Any = None
    _sample_weight: Any = None

    def set_processing_attrs(self, image_data_generator: Any, target_size: Any, color_mode: str,
                             data_format: str | None, save_to_dir: Any, save_prefix: str, save_format: str,
                             subset: str | None, interpolation: str, keep_aspect_ratio: bool = False) -> None:
        if color_mode not in CHANNELS:
            raise ValueError(f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".')
        self.image_data_generator = image_data_generator
        self.target_size, self.color_mode = tuple(target_size), color_mode
        self.data_format = data_format_of(data_format)
        channels = (CHANNELS[color_mode],)
        self.image_shape = (self.target_size + channels if self.data_format == "channels_last" else
                            channels + self.target_size)
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        self.interpolation, self.keep_aspect_ratio, self.subset = interpolation, keep_aspect_ratio, subset
        if subset not in (None, "training", "validation"):
            raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation"')

    def chosen(self, count: int) -> slice:
        """Which of `count` files are in the subset."""
        if self.subset is None:
            return slice(None)
        return _subset(self.subset, count, self.image_data_generator._validation_split)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        batch = np.zeros((len(index_array), *self.image_shape), self.dtype)
        for i, j in enumerate(index_array):
            with load_img(self.filepaths[j], self.color_mode, self.target_size, self.interpolation,
                          self.keep_aspect_ratio) as image:
                x = img_to_array(image, self.data_format)
            batch[i] = transformed(self.image_data_generator, x) if self.image_data_generator else x
        self._save(batch, index_array, 10_000_000)
        if self.class_mode is None:
            return batch
        weights = () if self.sample_weight is None else (self.sample_weight[index_array],)
        return (batch, self._labels(batch, index_array), *weights)

    def _labels(self, batch: np.ndarray, index_array: np.ndarray) -> Any:
        match self.class_mode:
            case "input":
                return batch.copy()
            case "binary" | "sparse":
                return np.array([self.classes[i] for i in index_array], self.dtype)
            case "categorical":
                hot = np.zeros((len(batch), len(self.class_indices)), self.dtype)
                for row, i in zip(hot, index_array, strict=True):
                    row[self.classes[i]] = 1
                return hot
            case "multi_output":
                return [target[index_array] for target in self.labels]
        return self.labels[index_array]

    @property
    def filepaths(self) -> list[str]:
        """The files, in order."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """The class or the values of each file."""
        return self.classes if self._targets is None else self._targets

    @property
    def sample_weight(self) -> Any:
        """The weight of each file, or None."""
        return self._sample_weight


class DirectoryIterator(BatchFromFilesMixin):
    """Batches of the images in a folder whose subfolders are the classes, in alphabetical order or as `classes` says.

    `class_mode`: "categorical" (one-hot labels), "binary" or "sparse" (numbers), "input" (the images) or None.
    """

    allowed_class_modes = {"categorical", "binary", "sparse", "input", None}

    def __init__(self, directory: Any, image_data_generator: Any, target_size: Any = (256, 256),
                 color_mode: str = "rgb", classes: Any = None, class_mode: str | None = "categorical",
                 batch_size: int = 32, shuffle: bool = True, seed: int | None = None, data_format: str | None = None,
                 save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
                 subset: str | None = None, interpolation: str = "nearest", keep_aspect_ratio: bool = False,
                 dtype: Any = None):
        self.set_processing_attrs(image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix,
                                  save_format, subset, interpolation, keep_aspect_ratio)
        if class_mode not in self.allowed_class_modes:
            raise ValueError(f"Invalid class_mode: {class_mode}; expected one of: {self.allowed_class_modes}")
        self.directory, self.class_mode, self.dtype = directory, class_mode, dtype or "float32"
        names = list(classes or sorted(e.name for e in os.scandir(directory) if e.is_dir()))
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.num_classes = len(names)
        self.filenames: list[str] = []
        numbers: list[int] = []
        for i, name in enumerate(names):
            found = files_below(os.path.join(directory, name), FORMATS, follow_links)
            found = found[self.chosen(len(found))]
            self.filenames += [os.path.join(name, os.path.relpath(p, os.path.join(directory, name))) for p in found]
            numbers += [i] * len(found)
        self.classes = np.array(numbers, np.int32)
        self.samples = len(self.filenames)
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        print_message(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)
