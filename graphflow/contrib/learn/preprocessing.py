"""`tf.contrib.learn.preprocessing`: documents as sequences of word ids."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...gfile import GFile

# words, with capitals' runs and humps apart
TOKENIZER_RE = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)

Tokenizer = Callable[[Iterable[str]], Iterable[Iterable[str]]]


def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """The words of each document."""
    for value in iterator:
        yield TOKENIZER_RE.findall(value)


class CategoricalVocabulary:
    """Ids of words in the order of their first appearance; 0 stands for the unknown ones."""

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True):
        self._unknown_token, self._support_reverse = unknown_token, support_reverse
        self._mapping: dict[str, int] = {unknown_token: 0}
        self._reverse_mapping = [unknown_token]
        self._freq: dict[str, int] = {}
        self._freeze = False

    def __len__(self) -> int:
        return len(self._mapping)

    def freeze(self, freeze: bool = True) -> None:
        """Whether new words are unknown from now on."""
        self._freeze = freeze

    def get(self, category: str) -> int:
        """A word's id: a new one, or 0 when frozen."""
        if category not in self._mapping:
            if self._freeze:
                return 0
            self._mapping[category] = len(self._mapping)
            self._reverse_mapping.append(category)
        return self._mapping[category]

    def add(self, category: str, count: int = 1) -> None:
        """Count a word."""
        if self.get(category) > 0:
            self._freq[category] = self._freq.get(category, 0) + count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Keep the words that are more frequent than `min_frequency` (less than `max_frequency`), the most frequent
        first."""
        ordered = sorted(sorted(self._freq.items(), key=lambda x: not isinstance(x[0], str)), key=lambda x: x[1],
                         reverse=True)
        self._mapping, self._reverse_mapping = {self._unknown_token: 0}, [self._unknown_token]
        kept = [(w, n) for w, n in ordered if n > min_frequency and not 0 < max_frequency <= n]
        for word, _ in kept:
            self._mapping[word] = len(self._mapping)
            self._reverse_mapping.append(word)
        self._freq = dict(ordered[:len(kept)])

    def reverse(self, class_id: int) -> str:
        """The word of an id. Raises ValueError for a vocabulary without reverse mapping."""
        if not self._support_reverse:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return self._reverse_mapping[class_id]


class VocabularyProcessor:
    """Documents as rows of `max_document_length` word ids (int64), cut off or padded with 0.

    Words less frequent than `min_frequency` are unknown (0), as are words that `fit` did not see.
    """

    def __init__(self, max_document_length: int, min_frequency: int = 0,
                 vocabulary: CategoricalVocabulary | None = None, tokenizer_fn: Tokenizer | None = None):
        self.max_document_length, self.min_frequency = max_document_length, min_frequency
        self.vocabulary_ = vocabulary if vocabulary else CategoricalVocabulary()
        self._tokenizer = tokenizer_fn if tokenizer_fn else tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Learn the words of the documents."""
        for tokens in self._tokenizer(raw_documents):
            for token in tokens:
                self.vocabulary_.add(token)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Iterable[str], unused_y: Any = None) -> Iterator[np.ndarray]:
        """`fit`, then `transform`."""
        self.fit(raw_documents)
        return self.transform(raw_documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[np.ndarray]:
        """The rows of word ids, one for each document."""
        for tokens in self._tokenizer(raw_documents):
            word_ids = np.zeros(self.max_document_length, np.int64)
            for i, token in zip(range(self.max_document_length), tokens, strict=False):
                word_ids[i] = self.vocabulary_.get(token)
            yield word_ids

    def reverse(self, documents: Iterable[Iterable[int]]) -> Iterator[str]:
        """The words of rows of ids, joined with spaces."""
        for item in documents:
            yield " ".join(self.vocabulary_.reverse(class_id) for class_id in item)

    def save(self, filename: str) -> None:
        """Write the vocabulary to a file, as JSON; a tokenizer of one's own is not in it."""
        vocabulary = self.vocabulary_
        with GFile(filename, "w") as file:
            file.write(json.dumps({
                "max_document_length": self.max_document_length, "min_frequency": self.min_frequency,
                "words": vocabulary._reverse_mapping, "frequencies": vocabulary._freq, "frozen": vocabulary._freeze}))

    @classmethod
    def restore(cls, filename: str) -> VocabularyProcessor:
        """The processor that `save` wrote. Raises ValueError for another file."""
        with GFile(filename, "rb") as file:
            try:
                data = json.loads(file.read())
                vocabulary = CategoricalVocabulary(data["words"][0])
                vocabulary._reverse_mapping = list(data["words"])
                vocabulary._mapping = {word: i for i, word in enumerate(data["words"])}
                vocabulary._freq, vocabulary._freeze = dict(data["frequencies"]), data["frozen"]
                return cls(data["max_document_length"], data["min_frequency"], vocabulary)
            except (ValueError, KeyError, TypeError, IndexError):
                raise ValueError(f"{filename} was not written by VocabularyProcessor.save") from None


class ByteProcessor:
    """Documents as rows of `max_document_length` bytes (uint8), cut off or padded with 0."""

    def __init__(self, max_document_length: int):
        self.max_document_length = max_document_length

    def fit(self, x: Any) -> None:
        """Nothing is learned."""

    def fit_transform(self, x: Iterable[Any]) -> Iterator[np.ndarray]:
        return self.transform(x)

    def transform(self, x: Iterable[Any]) -> Iterator[np.ndarray]:
        """The rows of bytes, one for each document; text is taken as UTF-8."""
        for document in x:
            data = document.encode() if isinstance(document, str) else document
            row = np.frombuffer(data[:self.max_document_length], np.uint8)
            yield np.pad(row, (0, self.max_document_length - len(row)))

    def reverse(self, x: Iterable[np.ndarray]) -> Iterator[str]:
        """The texts of rows of bytes, empty where they are not UTF-8."""
        for data in x:
            try:
                yield np.trim_zeros(data.astype(np.uint8), "b").tobytes().decode()
            except UnicodeDecodeError:
                yield ""


class text:
    """`tf.contrib.learn.preprocessing.text`."""

    ByteProcessor, VocabularyProcessor = ByteProcessor, VocabularyProcessor
    tokenizer, TOKENIZER_RE = staticmethod(tokenizer), TOKENIZER_RE
