"""Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017): 60,000 training and 10,000 test images of 28x28 of clothes."""
from __future__ import annotations

import gzip
import os
import zlib

import numpy as np

from ..utils.io_utils import get_file
from .mnist import Arrays

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def load_data() -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)), uint8: images (n, 28, 28) from 0 to 255, labels 0 to 9.

    Raises OSError when the files can neither be found nor downloaded, or are others.
    """
    return _part("train"), _part("t10k")


def _part(name: str) -> Arrays:
    return _idx(f"{name}-images-idx3-ubyte.gz", 28, 28), _idx(f"{name}-labels-idx1-ubyte.gz")


def _idx(name: str, *shape: int) -> np.ndarray:
    """The bytes of a file in the format of MNIST: a magic number, the sizes, the values."""
    path = get_file(name, ORIGIN + name, cache_subdir=os.path.join("datasets", "fashion-mnist"))
    try:
        with gzip.open(path, "rb") as file:
            return np.frombuffer(file.read(), np.uint8, offset=8 + 4 * len(shape)).reshape(-1, *shape)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise OSError(f"{path} is damaged ({error}). Delete it to download it again.") from None
