"""MNIST from the files of its authors, in the form of TensorFlow 1's tutorials (`input_data.read_data_sets`)."""
from __future__ import annotations

import gzip
import os
import struct
from typing import IO, Any

import numpy as np

from ....compiler.dtypes import as_dtype, float32, uint8
from ....framework import get_seed
from .base import Datasets

SOURCE_URL = DEFAULT_SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def dense_to_one_hot(labels_dense: np.ndarray, num_classes: int) -> np.ndarray:
    """Class numbers (n,) as rows (n, num_classes) with a 1 in the class's column."""
    return np.eye(num_classes)[np.ravel(labels_dense)]


def _idx(file: IO[bytes], magic: int, rank: int) -> np.ndarray:
    with gzip.GzipFile(fileobj=file) as stream:
        found, *shape = struct.unpack(f">{1 + rank}I", stream.read(4 + 4 * rank))
        if found != magic:
            kind = "image" if rank == 3 else "label"
            raise ValueError(f"Invalid magic number {found} in MNIST {kind} file: {getattr(file, 'name', file)}")
        return np.frombuffer(stream.read(int(np.prod(shape))), np.uint8).reshape(shape)


def extract_images(f: IO[bytes]) -> np.ndarray:
    """The images (n, rows, columns, 1), uint8, of a gzipped IDX file. Raises ValueError for another file."""
    return _idx(f, 2051, 3)[..., None]


def extract_labels(f: IO[bytes], one_hot: bool = False, num_classes: int = 10) -> np.ndarray:
    """The labels (n,), uint8, or (n, num_classes), of a gzipped IDX file. Raises ValueError for another file."""
    labels = _idx(f, 2049, 1)
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


class DataSet:
    """Images and labels handed out in batches, shuffled (by NumPy's global generator) before each epoch.

    Images (n, rows, columns, 1), uint8, become rows (n, rows * columns) with `reshape`, and in [0, 1] for float32.
    """

    def __init__(self, images: Any, labels: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = float32,
                 reshape: bool = True, seed: int | None = None):
        seed1, seed2 = get_seed(seed)
        np.random.seed(seed1 if seed is None else seed2)
        dtype = as_dtype(dtype)
        if dtype not in (uint8, float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        if fake_data:
            self._num_examples, self.one_hot = 10000, one_hot
        else:
            if len(images) != len(labels):
                raise ValueError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
            self._num_examples = len(images)
            if reshape:
                images = images.reshape(len(images), images.shape[1] * images.shape[2])
            if dtype == float32:
                images = np.multiply(images.astype(np.float32), np.float32(1.0 / 255.0))
        self._images, self._labels = images, labels
        self._epochs_completed = self._index_in_epoch = 0

    @property
    def images(self) -> Any:
        return self._images

    @property
    def labels(self) -> Any:
        return self._labels

    @property
    def num_examples(self) -> int:
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        return self._epochs_completed

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """(images, labels) of the next `batch_size` examples; a batch may reach from one epoch into the next."""
        if fake_data:
            label = [1] + [0] * 9 if self.one_hot else 0
            return [[1] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._num_examples:
            self._index_in_epoch += batch_size
            return self._images[start:self._index_in_epoch], self._labels[start:self._index_in_epoch]
        self._epochs_completed += 1
        rest = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        end = self._index_in_epoch = batch_size - (self._num_examples - start)
        return np.concatenate([rest[0], self._images[:end]]), np.concatenate([rest[1], self._labels[:end]])

    def _shuffle(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]


def read_data_sets(train_dir: str, fake_data: bool = False, one_hot: bool = False, dtype: Any = float32,
                   reshape: bool = True, validation_size: int = 5000, seed: int | None = None,
                   source_url: str = DEFAULT_SOURCE_URL) -> Datasets:
    """MNIST as (train, validation, test), from the four gzipped files or from `mnist.npz` in the folder `train_dir`.

    Where neither is there, Keras's `mnist.npz` is taken, from its cache or the network. Raises OSError when there is
    nothing to be had, and ValueError for a `validation_size` outside the training images.
    """
    options = {"dtype": dtype, "reshape": reshape, "seed": seed}
    if fake_data:
        return Datasets(*(DataSet([], [], fake_data=True, one_hot=one_hot, dtype=dtype, seed=seed) for _ in range(3)))
    train_images, train_labels, test_images, test_labels = _arrays(train_dir, one_hot)
    if not 0 <= validation_size <= len(train_images):
        raise ValueError(f"Validation size should be between 0 and {len(train_images)}. Received: {validation_size}.")
    return Datasets(DataSet(train_images[validation_size:], train_labels[validation_size:], **options),
                    DataSet(train_images[:validation_size], train_labels[:validation_size], **options),
                    DataSet(test_images, test_labels, **options))


def _arrays(folder: str, one_hot: bool) -> list[np.ndarray]:
    """Training images and labels, then those of the test, from wherever they are."""
    paths = [os.path.join(folder, name + ".gz") for name in FILES]
    if all(map(os.path.exists, paths)):
        arrays = []
        for k, path in enumerate(paths):
            with open(path, "rb") as file:
                print("Extracting", path)
                arrays.append(extract_labels(file, one_hot) if k % 2 else extract_images(file))
        return arrays
    from ....keras.datasets import mnist
    own = os.path.join(folder, "mnist.npz")
    try:
        if os.path.exists(own):
            with np.load(own, allow_pickle=False) as data:
                (x, y), (x_test, y_test) = ((data[f"x_{p}"], data[f"y_{p}"]) for p in ("train", "test"))
        else:
            (x, y), (x_test, y_test) = mnist.load_data()
    except (OSError, KeyError, ValueError) as error:
        raise OSError(f"MNIST is not there: put {', '.join(name + '.gz' for name in FILES)}, or mnist.npz, into the "
                      f"folder {os.path.abspath(folder)} ({error})") from None
    labels = [dense_to_one_hot(v, 10) if one_hot else v for v in (y, y_test)]
    return [x[..., None], labels[0], x_test[..., None], labels[1]]


def load_mnist(train_dir: str = "MNIST-data") -> Datasets:
    """`read_data_sets` from a folder."""
    return read_data_sets(train_dir)
