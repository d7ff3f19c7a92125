"""Categories as integers, or as vectors and counts of them."""
from __future__ import annotations

from typing import Any

import numpy as np

from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.elementwise import cast, equal, where
from ....compiler.ops.sorting import searchsorted
from ....compiler.ops.strings import as_string, to_hash_bucket_fast, to_hash_bucket_strong
from ....compiler.ops.view import reshape, squeeze, zeros_of
from ....compiler.string_hash import MASK, fingerprint, fingerprint_of_two
from ....script_ops import array_function
from ... import backend
from ...nest import flatten
from .data_layer import DataLayer, batches_of, check_choice, encoded, integers, plain_array, refuse_sparse


class CategoryEncoding(DataLayer):
    """Integers below `num_tokens` as vectors: "one_hot", or "multi_hot" or "count" along the last axis."""

    autocast = False

    def __init__(self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False,
                 **kwargs: Any):
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        if output_mode not in ("count", "one_hot", "multi_hot"):
            raise ValueError(f"Unknown arg for output_mode: {output_mode}")
        if num_tokens is None:
            raise ValueError("num_tokens must be set to use this layer. If the number of tokens is not known "
                             "beforehand, use the IntegerLookup layer instead.")
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        refuse_sparse(self, sparse, output_mode)
        self.num_tokens, self.output_mode, self.sparse = num_tokens, output_mode, sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Tensor:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError("`count_weights` is not used when `output_mode` is not `'count'`. Received "
                             f"`count_weights={count_weights}`.")
        return encoded(integers(inputs), self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}


class Discretization(DataLayer):
    """The bin of each number: bin i holds those from boundary i - 1 on and below boundary i.

    The boundaries are given, or `adapt` finds those of `num_bins` bins that hold about as many numbers each, within
    `epsilon`.
    """

    def __init__(self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01,
                 output_mode: str = "int", sparse: bool = False, dtype: Any = None, name: str | None = None,
                 **kwargs: Any):
        super().__init__(name=name, dtype=dtype, **kwargs)
        check_choice(self, "output_mode", output_mode, ("int", "one_hot", "multi_hot", "count"))
        refuse_sparse(self, sparse, output_mode)
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"`num_bins` must be greater than or equal to 0. Received: `num_bins={num_bins}`")
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError("Both `num_bins` and `bin_boundaries` should not be set. Received: "
                             f"`num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`")
        if num_bins is None and bin_boundaries is None:
            raise ValueError("You need to set either `num_bins` or `bin_boundaries`.")
        self.bin_boundaries = None if bin_boundaries is None else list(bin_boundaries)
        self.num_bins, self.epsilon, self.output_mode, self.sparse = num_bins, epsilon, output_mode, sparse
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what `update_state` has seen."""
        self.summary = np.zeros((2, 0), np.float32)

    def update_state(self, data: Any) -> None:
        """Take a batch of numbers into account."""
        new = _summarized(np.asarray(data, np.float32), self.epsilon)
        both = np.concatenate((new, self.summary), 1)
        self.summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Set the boundaries by what has been seen, if anything has."""
        if self.num_bins is not None and (self.summary.size or self.bin_boundaries is None):
            self.bin_boundaries = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries for `data`: an array, or batches of which `steps` are used."""
        if self.num_bins is None:
            raise ValueError("Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, "
                             "use `num_bins` instead.")
        self.reset_state()
        for array in batches_of(data, steps):
            self.update_state(array)
        self.finalize_state()

    def call(self, inputs: Any) -> Tensor:
        if self.bin_boundaries is None:
            raise ValueError("You need to either pass the `bin_boundaries` argument at construction time or call "
                             "`adapt(dataset)` before you can start using the `Discretization` layer.")
        x = convert_to_tensor(inputs)
        x = x if x.dtype.is_floating else cast(x, backend.floatx())
        edges = convert_to_tensor(np.asarray(self.bin_boundaries, x.dtype.np))
        bins = reshape(searchsorted(edges, reshape(x, (-1,)), "right"), x.dims)
        dtype = "int32" if self.output_mode == "int" else self.compute_dtype
        return encoded(bins, self.output_mode, len(self.bin_boundaries) + 1, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"bin_boundaries": self.bin_boundaries, "num_bins": self.num_bins, "epsilon": self.epsilon,
                "output_mode": self.output_mode, "sparse": self.sparse, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        both = config.get("bin_boundaries") is not None and config.get("num_bins") is not None
        layer = cls(**{k: v for k, v in config.items() if not (both and k == "bin_boundaries")})
        layer.bin_boundaries = config.get("bin_boundaries")
        return layer


def _summarized(values: np.ndarray, epsilon: float) -> np.ndarray:
    """[2, n]: about 1 / epsilon of the values in order, and how many each stands for."""
    ordered = np.sort(values, axis=None)
    step = max(ordered.size * epsilon, 1)
    edges = ordered[int(step - 1)::int(step)]
    return np.stack([edges, np.full_like(edges, step)])


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """The summary in steps of `epsilon` of the weights, as interpolated between its values."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = np.cumsum(summary[1])
    known = weights / weights[-1]
    values, weights = np.interp(shares, known, summary[0]), np.interp(shares, known, weights)
    return np.stack([values, np.diff(weights, prepend=0)]).astype(np.float32)


class Hashing(DataLayer):
    """Text or integers as one of `num_bins` bins: FarmHash's fingerprint of the text modulo their number, or with
    `salt` (two integers, or one for both) SipHash. `mask_value` has bin 0 for itself.
    """

    autocast = False

    def __init__(self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int",
                 sparse: bool = False, **kwargs: Any):
        kwargs["dtype"] = kwargs.get("dtype") or ("int64" if output_mode == "int" else backend.floatx())
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError("The `num_bins` for `Hashing` cannot be `None` or non-positive values. Received: "
                             f"num_bins={num_bins}.")
        if output_mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ValueError("When `output_mode=\"int\"`, `dtype` should be an integer type, 'int32' or 'int64'. "
                             f"Received: dtype={kwargs['dtype']}")
        check_choice(self, "output_mode", output_mode, ("int", "one_hot", "multi_hot", "count"))
        refuse_sparse(self, sparse, output_mode)
        self.num_bins, self.mask_value, self.output_mode, self.sparse = num_bins, mask_value, output_mode, sparse
        self.salt = salt_of(self, salt)

    def call(self, inputs: Any) -> Tensor:
        x = convert_to_tensor(inputs)
        assert x.dims is not None
        if self.output_mode == "one_hot" and x.dims and x.dims[-1] == 1:
            x = squeeze(x, -1)
        masked = self.mask_value is not None and self.num_bins > 1
        bins = hashed(x, self.num_bins - masked, self.salt)
        if masked:
            bins = where(equal(x, convert_to_tensor(self.mask_value, x.dtype)), zeros_of(bins), bins + 1)
        return encoded(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        kept = self.output_mode == "one_hot" and shape[-1:] != (1,)
        return (*(shape if kept else shape[:-1]), self.num_bins)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_bins": self.num_bins, "salt": self.salt, "mask_value": self.mask_value,
                "output_mode": self.output_mode, "sparse": self.sparse}


def salt_of(layer: Any, salt: Any) -> list[int] | None:
    """The key of a hash: two integers, one integer for both, or None. Raises ValueError."""
    if salt is None:
        return None
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return list(salt)
    if isinstance(salt, int):
        return [salt, salt]
    raise ValueError(f"The `salt` argument for `{type(layer).__name__}` can only be a tuple of size 2 integers, or a "
                     f"single integer. Received: salt={salt}.")


def hashed(x: Tensor, bins: int, salt: Any) -> Tensor:
    """The bins of text, or of numbers as text."""
    if x.dtype.is_floating:
        x = cast(x, "int64")
    text = x if x.dtype.is_string else as_string(x)
    return to_hash_bucket_fast(text, bins) if salt is None else to_hash_bucket_strong(text, bins, salt)


class HashedCrossing(DataLayer):
    """Combinations of two or more categories, as one of `num_bins` bins of the hash of their hashes.

    Inputs: text or integers of shape (batch,), (batch, 1) or ().
    """

    autocast = False

    def __init__(self, num_bins: int, output_mode: str = "int", sparse: bool = False, name: str | None = None,
                 dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype="int64" if output_mode == "int" and dtype is None else dtype, **kwargs)
        check_choice(self, "output_mode", output_mode, ("int", "one_hot"))
        refuse_sparse(self, sparse, output_mode)
        self.num_bins, self.output_mode, self.sparse = num_bins, output_mode, sparse

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError("`HashedCrossing` should be called on a list or tuple of inputs. Received: "
                             f"inputs={inputs}")
        if len(inputs) < 2:
            raise ValueError(f"`HashedCrossing` should be called on at least two inputs. Received: inputs={inputs}")
        return super().__call__([x if isinstance(x, Tensor) else plain_array(x) for x in inputs], **kwargs)

    def call(self, inputs: Any) -> Tensor:
        tensors = [convert_to_tensor(x) for x in flatten(inputs)]
        shape = tensors[0].shape.as_list()
        if len(shape) > 2 or len(shape) == 2 and shape[1] != 1:
            raise ValueError("All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or `(batch_size, 1)`. "
                             f"Received: inputs={inputs}")
        if any(t.shape.as_list() != shape for t in tensors):
            raise ValueError(f"All `HashedCrossing` inputs should have equal shape. Received: inputs={inputs}")
        if not all(t.dtype.is_string or t.dtype.is_integer for t in tensors):
            raise ValueError("All `HashedCrossing` inputs should have an integer or string dtype. Received: "
                             f"inputs={inputs}")
        bins = array_function(self._crossed, tensors, "int64", stateful=False)
        bins = reshape(bins, tensors[0].dims)
        return encoded(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def _crossed(self, *columns: np.ndarray) -> np.ndarray:
        found = [_joined(list(row)) % self.num_bins
                 for row in zip(*(c.ravel().tolist() for c in columns), strict=True)]
        return np.array(found, np.int64).reshape(columns[0].shape)

    def get_config(self) -> dict[str, Any]:
        return {"num_bins": self.num_bins, "output_mode": self.output_mode, "sparse": self.sparse, "name": self.name,
                "dtype": self.dtype}


_CROSS_KEY = 0xDECAFCAFFE  # TensorFlow's, of crossed columns


def _joined(values: list[Any]) -> int:
    """One fingerprint of a combination of text and integers."""
    total = _CROSS_KEY
    for value in values:
        total = fingerprint_of_two(total, fingerprint(value) if isinstance(value, bytes) else value & MASK)
    return total
