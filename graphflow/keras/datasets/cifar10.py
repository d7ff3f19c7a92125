"""CIFAR-10 (Krizhevsky, 2009): 50,000 training and 10,000 test images of 32x32 in ten classes."""
from __future__ import annotations

import os

import numpy as np

from .cifar import Arrays, arranged, folder, load_batch

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)), uint8: images (n, 32, 32, 3) from 0 to 255, labels (n, 1) from 0 to 9.

    Raises OSError when the files can neither be found nor downloaded, or are others.
    """
    path = folder("cifar-10-batches-py-target", ORIGIN, SHA256, "cifar-10-batches-py")
    parts = [load_batch(os.path.join(path, f"data_batch_{i}")) for i in range(1, 6)]
    train = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    (x_train, y_train), (x_test, y_test) = arranged(*train), arranged(*load_batch(os.path.join(path, "test_batch")))
    return (x_train, y_train.astype(np.uint8)), (x_test, y_test.astype(np.uint8))
