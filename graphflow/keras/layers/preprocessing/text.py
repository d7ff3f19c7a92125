"""Text to the indices of its words."""
from __future__ import annotations

from typing import Any

import numpy as np

from ....compiler.dtypes import string
from ....compiler.ir import Tensor, default_graph
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.regex import regex_replace
from ....compiler.ops.state import placeholder
from ....compiler.ops.strings import lower
from ....compiler.ops.view import known_rank, squeeze
from ....script_ops import py_func
from ....sparse_ops import sparse_tensor_to_dense
from ....sparse_tensor import SparseTensor
from ... import backend
from ...saving.serialization import deserialize_keras_object, serialize_keras_object
from .data_layer import DataLayer, batches_of
from .lookup import StringLookup

_PUNCTUATION = r"""[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']"""
_STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")


class TextVectorization(DataLayer):
    """Text standardized, split into words (or characters) and n-grams of them, and looked up in a vocabulary.

    Text of shape (batch,) or (batch, 1) gives indices (batch, length), 0 after the end, or with another `output_mode`
    a vector for each text: see `StringLookup`.
    """

    autocast = False

    def __init__(self, max_tokens: int | None = None, standardize: Any = "lower_and_strip_punctuation",
                 split: Any = "whitespace", ngrams: Any = None, output_mode: str = "int",
                 output_sequence_length: int | None = None, pad_to_max_tokens: bool = False, vocabulary: Any = None,
                 idf_weights: Any = None, sparse: bool = False, ragged: bool = False, encoding: str = "utf-8",
                 name: str | None = None, has_input_vocabulary: bool | None = None,
                 vocabulary_size: int | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        for what, value, words in (("standardize", standardize, _STANDARDS),
                                   ("split", split, ("whitespace", "character"))):
            if value is not None and not callable(value) and value not in words:
                raise ValueError(f"Unknown argument of layer TextVectorization: {what}={value!r}. Expected None, a "
                                 f"callable or one of: {words}")
        if not (ngrams is None or isinstance(ngrams, int) or isinstance(ngrams, (tuple, list)) and all(
                isinstance(n, int) for n in ngrams)):
            raise ValueError(f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}")
        if output_sequence_length is not None and (output_mode != "int" or not isinstance(
                output_sequence_length, int)):
            raise ValueError("`output_sequence_length` must be an integer and can only be set if `output_mode` is "
                             f"'int'. Received: output_sequence_length={output_sequence_length} and "
                             f"output_mode={output_mode}")
        if ragged:
            raise ValueError("TextVectorization: `ragged=True` is not supported, outputs are padded with 0.")
        self._standardize, self._split, self._ngrams_arg = standardize, split, ngrams
        self._ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self._length, self._encoding = output_sequence_length, encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=output_mode, sparse=sparse, encoding=encoding,
            has_input_vocabulary=has_input_vocabulary, vocabulary_size=vocabulary_size)

    @property
    def compute_dtype(self) -> str:
        return "string"

    @property
    def variable_dtype(self) -> str:
        return "string"

    # tokens

    def _tokens(self, inputs: Any, length: int | None = None) -> tuple[Tensor, Any]:
        """The tokens (the first `length`) along a last axis, "" where a text has fewer: the vocabulary's mask token;
        and their shape, -1 for the length of the longest text.
        """
        x = convert_to_tensor(inputs)
        if self._standardize in ("lower", "lower_and_strip_punctuation"):
            x = lower(x)
        if self._standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            x = regex_replace(x, _PUNCTUATION, "")
        if callable(self._standardize):
            x = self._standardize(x)
        if self._split is not None:
            dims = known_rank("TextVectorization", x)
            if len(dims) > 1:
                if dims[-1] != 1:
                    raise ValueError("When using `TextVectorization` to tokenize strings, the input rank must be 1 or "
                                     "the last shape dimension must be 1. Received: inputs.shape="
                                     f"{x.shape} with rank={len(dims)}")
                x = squeeze(x, -1)
            if callable(self._split):
                x = self._split(x)
                if isinstance(x, SparseTensor):
                    x = sparse_tensor_to_dense(x, "")
        dims = known_rank("TextVectorization", x)
        dims = dims if isinstance(self._split, str) else dims[:-1]
        tokens = py_func(lambda texts: self._rows(texts, length), [x], string, stateful=False)
        tokens.set_shape([*[None] * len(dims), length])
        return tokens, (*dims, length or -1)

    def _rows(self, texts: np.ndarray, length: int | None) -> np.ndarray:
        whole = isinstance(self._split, str)  # each element is a text still
        if whole:
            rows = [text.split() if self._split == "whitespace" else
                    [c.encode("utf-8") for c in text.decode("utf-8", "replace")] for text in texts.ravel().tolist()]
            shape = texts.shape
        else:
            rows = texts.reshape(-1, texts.shape[-1]).tolist() if texts.size else []
            shape = texts.shape[:-1]
        if self._ngrams is not None:
            rows = [[b" ".join(row[i:i + n]) for n in self._ngrams for i in range(len(row) - n + 1)]
                    for row in ([t for t in row if t] for row in rows)]
        length = max(map(len, rows), default=0) if length is None else length
        found = np.full((len(rows), length), b"", object)
        for out, row in zip(found, rows, strict=True):
            row = row[:length]
            out[:len(row)] = row
        return found.reshape(*shape, length)

    def call(self, inputs: Any) -> Tensor:
        lookup = self._lookup_layer
        return lookup.encoded(lookup.found(*self._tokens(inputs, self._length)))

    # the vocabulary

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary of `data`: an array or a list, or batches of which `steps` are used."""
        self.reset_state()
        run: Any = None
        for array in batches_of(data, steps):
            array = array[:, None] if array.ndim == 1 else array
            if run is None:
                with default_graph().symbolic.as_default():
                    texts = placeholder(string, (None,) * array.ndim if self._split is None else (None, 1))
                    run = backend.get_session(texts.graph).make_callable(self._tokens(texts)[0], [texts])
            self._lookup_layer.update_state(run(array))
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take a batch of texts into account."""
        self._lookup_layer.update_state(backend.eval(self._tokens(data)[0]))

    def finalize_state(self) -> None:
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their indices."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    def vocabulary_size(self) -> int:
        return self._lookup_layer.vocabulary_size()

    # saving

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup_layer
        functions = {k: serialize_keras_object(v) if callable(v) else v for k, v in (
            ("standardize", self._standardize), ("split", self._split))}
        return {**super().get_config(), "max_tokens": lookup.max_tokens, **functions, "ngrams": self._ngrams_arg,
                "output_mode": lookup.output_mode, "output_sequence_length": self._length,
                "pad_to_max_tokens": lookup.pad_to_max_tokens, "sparse": lookup.sparse, "ragged": False,
                "vocabulary": lookup.input_vocabulary, "idf_weights": lookup.input_idf_weights,
                "encoding": self._encoding, "vocabulary_size": self.vocabulary_size()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        functions = {k: deserialize_keras_object(config[k]) for k in ("standardize", "split")
                     if isinstance(config.get(k), dict)}
        return cls(**{**config, **functions})

    def get_build_config(self) -> dict[str, Any]:
        return {}

    def save_own_variables(self, store: Any) -> None:
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: Any) -> None:
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        self._lookup_layer.load_assets(dir_path)
