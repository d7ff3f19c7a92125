"""What the data sets of texts have in common: words are their ranks by frequency, from 1 on."""
from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..utils.io_utils import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
Sequences = list[list[int]]


def shuffled(xs: np.ndarray, labels: np.ndarray, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    if len(xs) != len(labels):
        raise OSError(f"The file has {len(xs)} texts and {len(labels)} labels: it is damaged.")
    order = np.arange(len(xs))
    rng.shuffle(order)
    return xs[order], labels[order]


def marked(xs: Any, start_char: int | None, index_from: int) -> Sequences:
    """Ranks moved up by `index_from`, behind `start_char`."""
    start = [] if start_char is None else [start_char]
    return [start + [w + (index_from or 0) for w in x] for x in xs]


def shorter(xs: Sequences, labels: np.ndarray, maxlen: int | None) -> tuple[Sequences, np.ndarray]:
    """The texts of less than `maxlen` words, with their labels. Raises ValueError where there is none."""
    if not maxlen:
        return xs, labels
    kept = [i for i, x in enumerate(xs) if len(x) < maxlen]
    if not kept:
        raise ValueError(f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. Increase "
                         "maxlen.")
    return [xs[i] for i in kept], labels[kept]


def limited(xs: Sequences, num_words: int | None, skip_top: int, oov_char: int | None) -> np.ndarray:
    """Lists without the words below `skip_top` or from `num_words` on: they are `oov_char`, or left out."""
    limit = num_words or max(max(x, default=0) for x in xs)
    kept = np.empty(len(xs), object)
    if oov_char is None:
        kept[:] = [[w for w in x if skip_top <= w < limit] for x in xs]
    else:
        kept[:] = [[w if skip_top <= w < limit else oov_char for w in x] for x in xs]
    return kept


def word_index(path: str, name: str, md5: str) -> dict[str, int]:
    """The rank of each word."""
    with open(get_file(path, ORIGIN + name, file_hash=md5), encoding="utf-8") as file:
        return json.load(file)
