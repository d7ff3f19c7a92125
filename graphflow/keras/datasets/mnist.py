"""The MNIST handwritten digits (LeCun, Cortes & Burges): 60,000 training and 10,000 test images of 28x28."""
from __future__ import annotations

import zipfile

import numpy as np

from ..utils.io_utils import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
KEYS = ("x_train", "y_train", "x_test", "y_test")

Arrays = tuple[np.ndarray, np.ndarray]


def load_data(path: str = "mnist.npz") -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)), uint8: images (n, 28, 28) from 0 to 255, labels 0 to 9.

    The file is `path` in the cache folder's `datasets`, downloaded if it is not there. Raises OSError when it can
    neither be found nor downloaded, or is not an MNIST file.
    """
    found = get_file(path, ORIGIN, file_hash=SHA256)
    try:
        with np.load(found, allow_pickle=False) as data:
            x_train, y_train, x_test, y_test = (data[key] for key in KEYS)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise OSError(f"{found} is damaged or not an MNIST file ({error}). Delete it to download it again.") from None
    for x, y in ((x_train, y_train), (x_test, y_test)):
        if x.shape[1:] != (28, 28) or y.shape != x.shape[:1]:
            raise OSError(f"{found} is not an MNIST file: it has images of shape {x.shape} and labels of {y.shape}.")
    return (x_train, y_train), (x_test, y_test)
