"""What data sets are made of, and CSV files of them."""
from __future__ import annotations

import csv
import os
from typing import Any, NamedTuple

import numpy as np

from ....gfile import GFile


class Dataset(NamedTuple):
    """Features and what is to be predicted from them."""

    data: Any
    target: Any


class Datasets(NamedTuple):
    """The parts of a data set."""

    train: Any
    validation: Any
    test: Any


def load_csv_with_header(filename: str, target_dtype: Any, features_dtype: Any, target_column: int = -1) -> Dataset:
    """The rows of a CSV file whose first line begins with the numbers of rows and of features."""
    with GFile(filename) as file:
        rows = csv.reader(file)
        samples, features, *_ = next(rows)
        data, target = np.zeros((int(samples), int(features)), features_dtype), np.zeros(int(samples), target_dtype)
        for i, row in enumerate(rows):
            target[i] = np.asarray(row.pop(target_column), target_dtype)
            data[i] = np.asarray(row, features_dtype)
    return Dataset(data, target)


def load_csv_without_header(filename: str, target_dtype: Any, features_dtype: Any, target_column: int = -1) -> Dataset:
    """The rows of a CSV file."""
    with GFile(filename) as file:
        rows = [row for row in csv.reader(file) if row]
    target = [row.pop(target_column) for row in rows]
    return Dataset(np.array(rows, features_dtype), np.array(target, target_dtype))


def maybe_download(filename: str, work_directory: str, source_url: str) -> str:
    """The path of a file in a folder, downloaded from `source_url` if it is not there. Raises OSError."""
    path = os.path.join(work_directory, filename)
    if not os.path.exists(path):
        from ....keras.utils.io_utils import get_file
        os.makedirs(work_directory, exist_ok=True)
        get_file(filename, source_url, cache_dir=work_directory, cache_subdir="")
    return path
