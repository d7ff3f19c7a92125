"""Small files in the formats of those that Keras downloads, for examples that run without a network."""
from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np


def _lists(*rows: list[int]) -> np.ndarray:
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def _pack(path: Path, batches: dict[str, dict[bytes, Any]]) -> None:
    """An archive of pickles with ten images each, as CIFAR's."""
    with tarfile.open(path, "w:gz") as archive:
        for name, labels in batches.items():
            data = pickle.dumps({b"data": np.zeros((10, 3072), np.uint8), **labels}, 2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write(home: Path) -> None:
    """What `keras.datasets` and `keras.applications` look for below KERAS_HOME. Labels and names are true ones."""
    folder, digits = home / "datasets", np.arange(10, dtype=np.uint8)
    (folder / "fashion-mnist").mkdir(parents=True)
    (home / "models").mkdir()
    images = np.zeros((10, 28, 28), np.uint8)
    np.savez(folder / "mnist.npz", x_train=images, y_train=digits, x_test=images, y_test=digits)
    for name in ("train", "t10k"):
        with gzip.open(folder / "fashion-mnist" / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">4i", 2051, *images.shape) + images.tobytes())
        with gzip.open(folder / "fashion-mnist" / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">2i", 2049, 10) + digits.tobytes())
    ten = list(range(10))
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    _pack(folder / "cifar-10-batches-py-target_archive", {f"cifar-10-batches-py/{n}": {b"labels": ten} for n in names})
    coarse = {b"coarse_labels": ten, b"fine_labels": ten}
    _pack(folder / "cifar-100-python-target_archive", {f"cifar-100-python/{n}": coarse for n in ("train", "test")})
    np.savez(folder / "boston_housing.npz", x=np.zeros((10, 13)), y=np.full(10, 20.0))
    np.savez(folder / "california_housing.npz", x=np.zeros((700, 8)), y=np.full(700, 2e5))
    texts, labels = _lists(*([1, 5, 9 + i] for i in range(10))), np.arange(10) % 2
    np.savez(folder / "imdb.npz", x_train=texts, y_train=labels, x_test=texts, y_test=labels)
    np.savez(folder / "reuters.npz", x=texts, y=labels + 3)
    for name in ("imdb", "reuters"):
        (folder / f"{name}_word_index.json").write_text(json.dumps({"the": 1}))
    classes = {str(i): [f"n{i:08}", str(i)] for i in range(1000)}
    classes |= {"281": ["n02123045", "tabby"], "282": ["n02123159", "tiger_cat"]}
    (home / "models" / "imagenet_class_index.json").write_text(json.dumps(classes))
