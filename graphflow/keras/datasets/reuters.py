"""Newswires of Reuters (1987; Lewis, "Reuters-21578"): 11,228 of them, on 46 topics."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..utils.io_utils import get_file
from . import pickled, texts

SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
LABELS = ("cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton "
          "carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock "
          "retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead")
Arrays = tuple[np.ndarray, np.ndarray]


def load_data(path: str = "reuters.npz", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
              test_split: float = 0.2, seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2,
              index_from: int = 3, **kwargs: Any) -> tuple[Arrays, Arrays]:
    """((x_train, y_train), (x_test, y_test)): newswires as lists of word ranks, topics from 0 to 45.

    The last `test_split` of them, after shuffling, are test data. The other arguments, and errors, are as for `imdb`.
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}.")
    found = get_file(path, f"{texts.ORIGIN}reuters.npz", file_hash=SHA256)
    x, y = pickled.load_npz(found, "x", "y")
    x, y = texts.shuffled(x, y, np.random.RandomState(seed))
    sequences, y = texts.shorter(texts.marked(x, start_char, index_from), y, maxlen)
    xs, first = texts.limited(sequences, num_words, skip_top, oov_char), int(len(sequences) * (1 - test_split))
    return (xs[:first], y[:first]), (xs[first:], y[first:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The rank of each word, 1 the most frequent. Raises OSError when the file can neither be found nor downloaded."""
    return texts.word_index(path, "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")


def get_label_names() -> tuple[str, ...]:
    """The names of the 46 topics, by label."""
    return tuple(LABELS.split())
