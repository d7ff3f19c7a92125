"""Prices of houses in California (Pace & Barry, "Sparse spatial autoregressions", 1997): 20,640 blocks, 8 features."""
from __future__ import annotations

from ..utils.io_utils import get_file
from . import housing

SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
              ) -> tuple[housing.Arrays, housing.Arrays]:
    """((x_train, y_train), (x_test, y_test)), float32: features (n, 8), prices (n,) in dollars; of the first 600
    blocks for the `version` "small".

    Raises ValueError for another version or a `test_split` outside [0, 1), OSError when the file can neither be found
    nor downloaded.
    """
    if version not in ("small", "large"):
        raise ValueError(f"Argument `version` must be one of 'small', 'large'. Received: version={version}")
    return housing.load(lambda: get_file(path, f"{housing.ORIGIN}california_housing.npz", file_hash=SHA256),
                        test_split, seed, 600 if version == "small" else None)
