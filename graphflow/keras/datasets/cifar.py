"""What CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) have in common: colour images of 32x32 in Python 2's pickles."""
from __future__ import annotations

import os

import numpy as np

from .. import backend
from ..utils.io_utils import get_file
from . import pickled

Arrays = tuple[np.ndarray, np.ndarray]


def folder(name: str, origin: str, sha256: str, inner: str) -> str:
    """The folder of the files, unpacked in the cache's `datasets`. Raises OSError."""
    return os.path.join(get_file(name, origin, extract=True, file_hash=sha256), inner)


def load_batch(fpath: str, label_key: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """(images (n, 3, 32, 32) uint8, labels (n,)) of one file. Raises OSError for a file that is none of CIFAR's."""
    with open(fpath, "rb") as file:
        batch = pickled.load(file.read(), fpath)
    data, labels = (batch.get(key) if isinstance(batch, dict) else None for key in ("data", label_key))
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3072,) or not isinstance(
            labels, list) or len(labels) != len(data):
        raise OSError(f"{fpath} is not a file of CIFAR's. Delete it to download it again.")
    return data.reshape(-1, 3, 32, 32), np.array(labels, np.int64)


def arranged(x: np.ndarray, y: np.ndarray) -> Arrays:
    """Images with channels where the global setting has them, labels (n, 1)."""
    return x.transpose(0, 2, 3, 1) if backend.image_data_format() == "channels_last" else x, y.reshape(-1, 1)
