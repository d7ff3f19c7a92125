"""CIFAR-100 (Krizhevsky, 2009): 50,000 training and 10,000 test images of 32x32 in 100 classes, 20 coarse ones."""
from __future__ import annotations

import os

from .cifar import Arrays, arranged, folder, load_batch

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)): images (n, 32, 32, 3) uint8 from 0 to 255, labels (n, 1) int64 from 0 to
    99 ("fine") or 19 ("coarse").

    Raises OSError when the files can neither be found nor downloaded, or are others.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.')
    path = folder("cifar-100-python-target", ORIGIN, SHA256, "cifar-100-python")
    key = f"{label_mode}_labels"
    train, test = (arranged(*load_batch(os.path.join(path, name), key)) for name in ("train", "test"))
    return train, test
