"""Handwritten digits of 8x8 that ship with the package: no download needed.

The test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin & C. Kaynak, UCI Machine Learning Repository,
1998, doi:10.24432/C50P49, CC BY 4.0): 1,797 images by 13 writers.
"""
from __future__ import annotations

import os

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray]


def load_data() -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)), uint8: images (n, 8, 8) from 0 to 16, labels 0 to 9.

    Of each digit every fifth image is test data: 1,442 images to train with and 355 to test, of the same writers.
    """
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.npz")
    with np.load(path, allow_pickle=False) as data:
        x, y = data["x"], data["y"]
    test = np.zeros(len(x), bool)
    for digit in range(10):
        test[np.flatnonzero(y == digit)[4::5]] = True
    return (x[~test], y[~test]), (x[test], y[test])
