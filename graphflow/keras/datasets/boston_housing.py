"""Prices of houses in Boston (Harrison & Rubinfeld, 1978): 506 of them, 13 features each.

One feature was made by supposing that segregation by race raises prices; use `california_housing` to teach with.
"""
from __future__ import annotations

from ..utils.io_utils import get_file
from . import housing

SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
              ) -> tuple[housing.Arrays, housing.Arrays]:
    """((x_train, y_train), (x_test, y_test)), float64: features (n, 13), prices (n,) in thousands of dollars.

    Raises ValueError for a `test_split` outside [0, 1), OSError when the file can neither be found nor downloaded.
    """
    return housing.load(lambda: get_file(path, f"{housing.ORIGIN}boston_housing.npz", file_hash=SHA256),
                        test_split, seed)
