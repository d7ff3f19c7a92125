"""Text as sequences of word numbers."""
from __future__ import annotations

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...compiler.site import warn
from ..saving.json_text import parsed_json

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "freq", "tfidf")


def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ",
                          **kwargs: Any) -> list[str]:
    """The words of a text: what stands between `split`s, after each character in `filters` became one."""
    text = kwargs.pop("input_text", text)
    if lower:
        text = text.lower()
    words = text.translate({ord(character): split for character in filters}).split(split)
    return [word for word in words if word]


def one_hot(text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ",
            **kwargs: Any) -> list[int]:
    """`hashing_trick` with Python's `hash`: other numbers in each run unless PYTHONHASHSEED is set."""
    return hashing_trick(text, n, hash, filters, lower, split, **kwargs)


def hashing_trick(text: str, n: int, hash_function: Callable[[str], int] | str | None = None, filters: str = FILTERS,
                  lower: bool = True, split: str = " ", **kwargs: Any) -> list[int]:
    """Each word as a number from 1 to n - 1 by its hash: Python's `hash`, "md5" (the same in every run), or a
    function."""
    if hash_function == "md5":
        def number(word: str) -> int:
            return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)
    else:
        number = hash if hash_function is None else hash_function  # type: ignore[assignment]
    return [number(word) % (n - 1) + 1 for word in text_to_word_sequence(text, filters, lower, split, **kwargs)]


class Tokenizer:
    """Numbers words by how frequent they are in the texts it is fitted on, from 1 on (`oov_token`, if given, first).

    Only words numbered below `num_words` are used. With `char_level` each character is a word; a text may also be a
    list of words. `word_index`, `index_word`, `word_counts`, `word_docs`, `index_docs` and `document_count` tell what
    it knows.
    """

    def __init__(self, num_words: int | None = None, filters: str = FILTERS, lower: bool = True, split: str = " ",
                 char_level: bool = False, oov_token: str | None = None, document_count: int = 0,
                 analyzer: Callable[[Any], Sequence[str]] | None = None, **kwargs: Any):
        if "nb_words" in kwargs:
            warn("The `nb_words` argument in `Tokenizer` has been renamed `num_words`.")
            num_words = kwargs.pop("nb_words")
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.document_count = char_level, oov_token, document_count
        self.analyzer = analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: defaultdict[str, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def words(self, text: Any) -> Sequence[str]:
        """The words of a text as this tokenizer sees them."""
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [word.lower() for word in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of more texts and number all anew; of equally frequent words the first met comes first."""
        for text in texts:
            self.document_count += 1
            words = self.words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        known = ranked if self.oov_token is None else [self.oov_token, *ranked]
        self.word_index = {word: i for i, word in enumerate(known, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many sequences each number occurs: "tfidf" needs it where there were no texts."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in set(sequence):
                self.index_docs[i] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The word numbers of each text. Unknown words are left out, or are those of `oov_token`."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        for text in texts:
            yield self._kept((self.word_index.get(word) for word in self.words(text)), self.word_index)

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of each sequence, separated by blanks."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        for sequence in sequences:
            known = self._kept((i if i in self.index_word else None for i in sequence), self.word_index)
            yield " ".join(self.index_word[i] for i in known)

    def _kept(self, numbers: Iterable[int | None], index: dict[str, int]) -> list[int]:
        """Those below `num_words`; the others (None: unknown) as that of `oov_token`, if there is one."""
        other = None if self.oov_token is None else index.get(self.oov_token)
        limited = (other if i is None or (self.num_words and i >= self.num_words) else i for i in numbers)
        return [i for i in limited if i is not None]

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """`sequences_to_matrix` of the texts' sequences."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> np.ndarray:
        """(sequences, words) float64: whether a word is there ("binary"), how often ("count"), its share ("freq"), or
        (1 + log count) * log(1 + documents / (1 + documents with it)) ("tfidf"). Raises ValueError."""
        if not self.num_words and not self.word_index:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode not in MODES:
            raise ValueError(f"Unknown vectorization mode: {mode}. Expected one of {', '.join(MODES)}")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences, strict=True):
            if not len(sequence):
                continue
            numbers, counts = np.unique(np.asarray(sequence), return_counts=True)
            numbers, counts = numbers[numbers < width], counts[numbers < width]
            if mode == "tfidf":
                seen = np.array([self.index_docs.get(int(i), 0) for i in numbers])
                row[numbers] = (1 + np.log(counts)) * np.log(1 + self.document_count / (1 + seen))
            else:
                row[numbers] = counts if mode == "count" else counts / len(sequence) if mode == "freq" else 1
        return matrix

    def get_config(self) -> dict[str, Any]:
        """The arguments, and what is known as JSON texts."""
        known = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {"num_words": self.num_words, "filters": self.filters, "lower": self.lower, "split": self.split,
                "char_level": self.char_level, "oov_token": self.oov_token, "document_count": self.document_count,
                **{name: json.dumps(getattr(self, name)) for name in known}}

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as JSON, for `tokenizer_from_json`. Arguments are those of `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `to_json` wrote. Raises ValueError for something else."""
    parsed = parsed_json(json_string, "tokenizer_from_json: the text")
    if not isinstance(parsed, dict) or not isinstance(parsed.get("config"), dict):
        raise ValueError("tokenizer_from_json: the text does not describe a Tokenizer.")
    config = dict(parsed["config"])
    known = {name: json.loads(config.pop(name)) for name in ("word_counts", "word_docs", "word_index")}
    by_index = {name: {int(k): v for k, v in json.loads(config.pop(name)).items()}
                for name in ("index_docs", "index_word")}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts, tokenizer.word_index = OrderedDict(known["word_counts"]), known["word_index"]
    tokenizer.word_docs = defaultdict(int, known["word_docs"])
    tokenizer.index_docs, tokenizer.index_word = defaultdict(int, by_index["index_docs"]), by_index["index_word"]
    return tokenizer
