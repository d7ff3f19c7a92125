"""Reviews of films (Maas et al., 2011): 25,000 to train and 25,000 to test, positive or negative."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..utils.io_utils import get_file
from . import pickled, texts

SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
Arrays = tuple[np.ndarray, np.ndarray]


def load_data(path: str = "imdb.npz", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
              seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2, index_from: int = 3,
              **kwargs: Any) -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)): reviews as lists of word ranks, labels 1 (positive) or 0, int64.

    Ranks are moved up by `index_from` and each review begins with `start_char`. Words whose number is below `skip_top`
    or not below `num_words` are `oov_char` (left out, for None); reviews of `maxlen` words or more are left out. Raises
    ValueError where none is left, OSError when the file can neither be found nor downloaded, or is another.
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}.")
    found = get_file(path, f"{texts.ORIGIN}imdb.npz", file_hash=SHA256)
    x_train, y_train, x_test, y_test = pickled.load_npz(found, "x_train", "y_train", "x_test", "y_test")
    parts, rng = [], np.random.RandomState(seed)
    for x, y in ((x_train, y_train), (x_test, y_test)):
        x, y = texts.shuffled(x, y, rng)
        parts.append(texts.shorter(texts.marked(x, start_char, index_from), y, maxlen))
    (first, y_train), (second, y_test) = parts
    xs = texts.limited(first + second, num_words, skip_top, oov_char)
    return (xs[:len(first)], y_train), (xs[len(first):], y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The rank of each word, 1 the most frequent. Raises OSError when the file can neither be found nor downloaded."""
    return texts.word_index(path, "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")
