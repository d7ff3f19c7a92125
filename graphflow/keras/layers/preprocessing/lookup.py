"""Vocabularies: text or integers to indices and back."""
from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import Any

import numpy as np

from ....compiler.errors import InvalidArgumentError
from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast
from ....compiler.ops.view import reshape
from ....compiler.string_hash import fingerprint, siphash
from ....script_ops import array_function
from ... import backend
from ...saving.serialization import loads_safely
from .categories import salt_of
from .data_layer import DataLayer, batches_of, check_choice, encoded, refuse_sparse

_NOT_COUNTED = np.iinfo(np.int64).max  # the index of masked tokens where indices are counted


class IndexLookup(DataLayer):
    """What `StringLookup` and `IntegerLookup` share.

    The indices are: the mask token, if there is one and `output_mode` is "int"; `num_oov_indices` for what is not in
    the vocabulary; the tokens of the vocabulary, which is given or learned by `adapt`.
    """

    autocast = False
    vocabulary_dtype: str

    def __init__(self, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any, vocabulary: Any,
                 idf_weights: Any, invert: bool, output_mode: str, pad_to_max_tokens: bool, sparse: bool,
                 oov_method: str = "floormod", salt: Any = None, name: str | None = None,
                 vocabulary_size: int | None = None, has_input_vocabulary: bool | None = None, trainable: bool = True,
                 dtype: Any = None, **kwargs: Any):
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens={max_tokens}")
        if num_oov_indices < 0:
            raise ValueError("`num_oov_indices` must be greater than or equal to 0. Received: "
                             f"num_oov_indices={num_oov_indices}")
        check_choice(self, "oov_method", oov_method, ("floormod", "farmhash"))
        check_choice(self, "output_mode", output_mode, ("int", "one_hot", "multi_hot", "count", "tf_idf"))
        if salt is not None and self.vocabulary_dtype != "string" and oov_method != "farmhash":
            raise ValueError("`salt` can only be used when `oov_method='farmhash'`. Received: "
                             f"oov_method={oov_method}")
        if invert and output_mode != "int":
            raise ValueError("`output_mode` must be `'int'` when `invert` is true. Received: "
                             f"output_mode={output_mode}")
        if idf_weights is not None and output_mode != "tf_idf":
            raise ValueError("`idf_weights` should only be set if `output_mode` is `'tf_idf'`. Received: "
                             f"idf_weights={idf_weights} and output_mode={output_mode}")
        super().__init__(name=name, **kwargs)
        refuse_sparse(self, sparse, output_mode)
        self.max_tokens, self.num_oov_indices, self.invert = max_tokens, num_oov_indices, invert
        self.mask_token, self.oov_token, self.output_mode = mask_token, oov_token, output_mode
        self.pad_to_max_tokens, self.sparse = pad_to_max_tokens, sparse
        self.oov_method, self.salt = oov_method, salt_of(self, salt)
        self.input_vocabulary = None if isinstance(vocabulary, str) else _listed(vocabulary)
        self.input_idf_weights = _listed(idf_weights)
        self._fixed = (vocabulary is not None) if has_input_vocabulary is None else has_input_vocabulary
        self._size = vocabulary_size
        self._tokens: list[Any] = []  # without the special ones; text as bytes
        self._index: dict[Any, int] = {}
        self._idf: np.ndarray | None = None
        self.reset_state()
        if vocabulary is not None:
            if output_mode == "tf_idf" and idf_weights is None:
                raise ValueError("When specifying the `vocabulary` argument, in TF-IDF output mode, the `idf_weights` "
                                 "argument must also be provided.")
            self.set_vocabulary(vocabulary, idf_weights)

    # what the kinds of tokens differ in

    def token_of(self, value: Any) -> Any:
        """A token as tables hold it."""
        raise NotImplementedError(f"{type(self).__name__} must define `token_of`.")

    def shown(self, token: Any) -> Any:
        """A token as people write it."""
        raise NotImplementedError(f"{type(self).__name__} must define `shown`.")

    @property
    def compute_dtype(self) -> str:
        return self.vocabulary_dtype

    @property
    def variable_dtype(self) -> str:
        return self.vocabulary_dtype

    @property
    def input_dtype(self) -> str:
        return "int64" if self.invert else self.vocabulary_dtype

    # the vocabulary

    def _first_oov(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _first_token(self) -> int:
        return self._first_oov() + self.num_oov_indices

    def vocabulary_size(self) -> int:
        """The number of indices, those of the mask and of unknown tokens included."""
        return len(self._tokens) + self._first_token()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices."""
        tokens = [self.shown(t) for t in self._tokens]
        if not include_special_tokens:
            return tokens
        return [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices + tokens

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """The vocabulary from a list, an array or a file of one token a line, with or without the special tokens.

        Raises ValueError for repeated tokens, or more than `max_tokens`.
        """
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            raise ValueError("`idf_weights` must be set if output_mode is 'tf_idf', and only then. Received: "
                             f"output_mode={self.output_mode} and idf_weights={idf_weights}")
        values = self._file_tokens(vocabulary) if isinstance(vocabulary, str) else _listed(vocabulary)
        if not values:
            raise ValueError(f"Cannot set an empty vocabulary. Received: vocabulary={vocabulary}")
        given = [self.token_of(v) for v in values]
        special = [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices
        marked = [None if t is None else self.token_of(t) for t in special]
        has_special = given[:len(special)] == marked
        tokens = given[len(special):] if has_special else given
        self._check(tokens, special)
        self._set_tokens(tokens)
        if idf_weights is not None:
            weights = np.asarray(idf_weights, backend.floatx())
            if weights.ndim != 1 or len(weights) != len(given):
                raise ValueError("`idf_weights` must be the same length as vocabulary. len(idf_weights) is "
                                 f"{len(weights)}; len(vocabulary) is {len(given)}")
            self._set_idf(weights if has_special else weights[:0], weights)

    def _file_tokens(self, path: str) -> list[str]:
        if loads_safely():
            raise ValueError("Requested the loading of a vocabulary file outside of the model archive, which is "
                             "disallowed by default. If you trust the source of the artifact, pass `safe_mode=False` "
                             f"to the loading function. Vocabulary file: {path!r}")
        if not os.path.exists(path):
            raise ValueError(f"Vocabulary file {path} does not exist.")
        if self.output_mode == "tf_idf":
            raise ValueError("output_mode `'tf_idf'` does not support loading a vocabulary from file.")
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    def _check(self, tokens: list[Any], special: list[Any]) -> None:
        repeated = [self.shown(t) for t, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ValueError("The passed vocabulary has at least one repeated term. Please uniquify your dataset. The "
                             f"repeated terms are: {repeated}")
        for what, token, reserved in (("mask", self.mask_token, True), ("OOV", self.oov_token, self.invert)):
            if token is not None and reserved and self.token_of(token) in tokens:
                raise ValueError(f"Found reserved {what} token at unexpected location in `vocabulary`. Note that "
                                 "passed `vocabulary` does not need to include the OOV and mask tokens. Either remove "
                                 "all mask and OOV tokens, or include them only at the start of the vocabulary in "
                                 f"precisely this order: {special}. Received: {token!r} among the other tokens")
        size = self._first_token() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError("Attempted to set a vocabulary larger than the maximum vocab size. Received vocabulary "
                             f"size is {size}; `max_tokens` is {self.max_tokens}.")

    def _set_tokens(self, tokens: list[Any]) -> None:
        size = self._first_token() + len(tokens)
        if self._size not in (None, size) and self.output_mode != "int" and not self.pad_to_max_tokens:
            raise RuntimeError(f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the "
                               "vocabulary size cannot be changed after the layer is called. Old vocab size is "
                               f"{self._size}, new vocab size is {size}")
        self._tokens, self._size = tokens, size
        first = self._first_token()
        self._index = {t: first + i for i, t in enumerate(tokens)}

    def _set_idf(self, front: np.ndarray, weights: np.ndarray) -> None:
        """The weights, with their mean for the special tokens unless `front` holds them too; 0 for the padding."""
        if not len(front):
            weights = np.concatenate([np.full(self._first_token(), weights.mean()), weights])
        missing = (self.max_tokens or 0) - len(weights) if self.pad_to_max_tokens else 0
        self._idf = np.pad(weights, (0, missing)).astype(backend.floatx())

    # learning it

    def reset_state(self) -> None:
        """Forget what `update_state` has seen."""
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._seen = 0

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch, whose rows are documents."""
        if self._fixed:
            raise ValueError(f"Cannot adapt layer '{self.name}' after setting a static vocabulary via `vocabulary` "
                             "argument or `set_vocabulary()` method.")
        rows = np.atleast_2d(np.asarray(data))
        tokens = [[self.token_of(v) for v in row.ravel().tolist()] for row in rows]
        for row in tokens:
            self._counts.update(row)
            self._documents.update(set(row))
        self._seen += len(tokens)

    def finalize_state(self) -> None:
        """Set the vocabulary: the most frequent tokens first, the greater first among equally frequent ones."""
        if self._fixed or not self._counts:
            return
        for token in (self.mask_token, self.oov_token):
            if token is not None:
                self._counts.pop(self.token_of(token), None)
        tokens = sorted(self._counts, key=lambda t: (self._counts[t], t), reverse=True)
        if self.max_tokens:
            tokens = tokens[:self.max_tokens - self._first_token()]
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf":
            known = np.array([self._documents[t] for t in tokens])
            self._set_idf(known[:0], np.log(1 + self._seen / (1 + known)))
        self.reset_state()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary of `data`: an array or a list, or batches of which `steps` are used."""
        self.reset_state()
        for array in batches_of(data, steps):
            self.update_state(array[:, None] if array.ndim == 1 else array)
        self.finalize_state()

    # finding tokens

    def call(self, inputs: Any) -> Tensor:
        x = convert_to_tensor(inputs)
        if not x.dtype.is_string and x.dtype.name != self.input_dtype:
            x = cast(x, self.input_dtype)
        return self.encoded(self.found(x, x.dims))

    def found(self, x: Tensor, dims: Any) -> Tensor:
        """What stands for the elements of `x` in the vocabulary, of shape `dims`."""
        found = array_function(self._token_at if self.invert else self.indices_of, [x],
                               self.vocabulary_dtype if self.invert else "int64")
        if self.invert:
            found.set_shape(x.shape)
            return found
        return reshape(found, dims)

    def encoded(self, indices: Tensor) -> Tensor:
        """Indices as `output_mode` wants them."""
        if self.output_mode == "int":
            return indices
        depth = self.max_tokens if self.pad_to_max_tokens else self._size
        if depth is None:
            raise RuntimeError(f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you must "
                               "set the layer's vocabulary before calling it. Either pass a `vocabulary` argument to "
                               "the layer, or call `adapt` with some sample data.")
        if self.output_mode != "tf_idf":
            return encoded(indices, self.output_mode, depth, backend.floatx())
        weights = array_function(lambda: self._idf, [], backend.floatx())
        weights.set_shape([depth])
        return encoded(indices, "count", depth, backend.floatx()) * weights

    def _token_at(self, indices: np.ndarray) -> np.ndarray:
        first = self._first_token()
        oov = self.token_of("" if self.oov_token is None else self.oov_token)
        found = [self._tokens[i - first] if first <= i < first + len(self._tokens) else
                 self.token_of(self.mask_token) if i == 0 and self.mask_token is not None else oov
                 for i in indices.ravel().tolist()]
        return _array(found, self.vocabulary_dtype).reshape(indices.shape)

    def indices_of(self, tokens: np.ndarray) -> np.ndarray:
        """The indices of tokens (int64). Raises InvalidArgumentError for unknown ones if there is no index for them."""
        masked = None if self.mask_token is None else self.token_of(self.mask_token)
        table = self._index
        if masked is not None:
            table = {**table, masked: 0 if self.output_mode == "int" else _NOT_COUNTED}
        keys = tokens.ravel().tolist()
        found = [table.get(k, -1) for k in keys]
        unknown = [k for k, i in zip(keys, found, strict=True) if i < 0]
        if unknown and not self.num_oov_indices:
            raise InvalidArgumentError("When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values "
                                       f"{[self.shown(k) for k in unknown[:10]]}, consider setting "
                                       "`num_oov_indices=1`.")
        first = self._first_oov()
        return np.array([i if i >= 0 else first + self._bucket(k) for k, i in zip(keys, found, strict=True)],
                        np.int64).reshape(tokens.shape)

    def _bucket(self, token: Any) -> int:
        """Which of the indices of unknown tokens this one gets."""
        if self.num_oov_indices == 1:
            return 0
        if not isinstance(token, bytes):
            if self.oov_method == "floormod":
                return token % self.num_oov_indices
            token = b"%d" % token
        return (fingerprint(token) if self.salt is None else siphash(token, self.salt)) % self.num_oov_indices

    # saving

    def get_config(self) -> dict[str, Any]:
        names = ("invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode", "sparse",
                 "pad_to_max_tokens", "vocabulary_dtype", "oov_method", "salt")
        return {**super().get_config(), **{n: getattr(self, n) for n in names},
                "idf_weights": self.input_idf_weights, "vocabulary": self.input_vocabulary,
                "vocabulary_size": self._size}

    def get_build_config(self) -> dict[str, Any]:
        return {}

    def save_own_variables(self, store: Any) -> None:
        if self.output_mode == "tf_idf":
            store["idf_weights"] = self._idf

    def load_own_variables(self, store: Any) -> None:
        if self.output_mode == "tf_idf":
            self._idf = np.asarray(store["idf_weights"])

    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary to a file, unless the config holds it."""
        if self.input_vocabulary is None:
            with open(os.path.join(dir_path, "vocabulary.txt"), "w", encoding="utf-8") as file:
                file.write("\n".join(str(w) for w in self.get_vocabulary()))

    def load_assets(self, dir_path: Any) -> None:
        if self.input_vocabulary is None:
            with open(os.path.join(dir_path, "vocabulary.txt"), encoding="utf-8") as file:
                lines = file.read().split("\n")
            while lines and not lines[-1]:
                lines.pop()
            self._set_tokens([self.token_of(line) for line in lines[self._first_token():]])


def _listed(values: Any) -> list[Any] | None:
    if values is None:
        return None
    values = backend.eval(values) if isinstance(values, Tensor) else np.asarray(values)
    return [v.decode("utf-8") if isinstance(v, bytes) else v for v in values.tolist()]


def _array(values: list[Any], dtype: str) -> np.ndarray:
    array = np.empty(len(values), object if dtype == "string" else dtype)
    array[:] = values
    return array


class StringLookup(IndexLookup):
    """Text to indices of a vocabulary; with `invert` the other way round."""

    vocabulary_dtype = "string"

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: str | None = None,
                 oov_token: str | None = "[UNK]", vocabulary: Any = None, idf_weights: Any = None,
                 invert: bool = False, output_mode: str = "int", pad_to_max_tokens: bool = False,
                 sparse: bool = False, encoding: str = "utf-8", name: str | None = None, salt: Any = None,
                 **kwargs: Any):
        self.encoding = encoding
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
                         output_mode, pad_to_max_tokens, sparse, salt=salt, name=name, **kwargs)

    def token_of(self, value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode(self.encoding)

    def shown(self, token: Any) -> str:
        return str(token.decode(self.encoding))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config


class IntegerLookup(IndexLookup):
    """Integers to indices of a vocabulary; with `invert` the other way round."""

    vocabulary_dtype = "int64"

    def __init__(self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: int | None = None,
                 oov_token: int | None = -1, vocabulary: Any = None, vocabulary_dtype: str = "int64",
                 idf_weights: Any = None, invert: bool = False, output_mode: str = "int", sparse: bool = False,
                 pad_to_max_tokens: bool = False, oov_method: str = "floormod", salt: Any = None,
                 name: str | None = None, **kwargs: Any):
        if vocabulary_dtype != "int64":
            raise ValueError("Only `vocabulary_dtype='int64'` is supported at this time. Received: "
                             f"vocabulary_dtype={vocabulary_dtype}")
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
                         output_mode, pad_to_max_tokens, sparse, oov_method, salt, name, **kwargs)

    def token_of(self, value: Any) -> int:
        with contextlib.suppress(ValueError):
            return int(value)
        return 0

    def shown(self, token: Any) -> int:
        return int(token)
