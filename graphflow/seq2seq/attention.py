"""Attention mechanisms: how much each step of a memory matters to a query."""
from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import nest
from ..array_ops import one_hot, sequence_mask, zeros
from ..array_ops import shape as shape_of
from ..clip_ops import clip_by_value
from ..compiler.dtypes import as_dtype, float32, int32
from ..compiler.errors import ShapeError
from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.cumulative import cumprod, cumsum
from ..compiler.ops.elementwise import cast, exp, greater, log, rsqrt, sigmoid, square, tanh, where
from ..compiler.ops.reduction import argmax, reduce_sum
from ..compiler.ops.slicing import concat
from ..compiler.ops.view import expand_dims, ones_like, reshape, squeeze, transpose, zeros_of
from ..control_flow import scan
from ..initializers import constant as constant_initializer
from ..initializers import ones as ones_initializer
from ..initializers import zeros as zeros_initializer
from ..layers import Dense
from ..math_ops import matmul
from ..nn_ops import softmax
from ..random_ops import random_normal
from ..rnn.base import batch_size_of, zero_tensors
from ..variable_scope import get_variable, variable_scope


class AttentionMechanism:
    """alignments, next state = mechanism(query, state); with `values` [batch, time, size] to be weighted by them."""

    @property
    def alignments_size(self) -> Any:
        """How many steps the memory has."""
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        raise NotImplementedError


def prepare_memory(memory: Any, memory_sequence_length: Any = None, check_inner_dims_defined: bool = True) -> Any:
    """A memory [batch, time, size] (or a nest of such) with the steps beyond `memory_sequence_length` [batch] zeroed.

    Raises ValueError for unknown sizes, unless not `check_inner_dims_defined`.
    """
    def prepared(value: Any) -> Tensor:
        tensor = convert_to_tensor(value)
        if check_inner_dims_defined and not tensor.shape[2:].is_fully_defined():
            raise ValueError(f"Expected memory {tensor.name} to have fully defined inner dims, but saw shape: "
                             f"{tensor.shape}")
        if memory_sequence_length is None:
            return tensor
        mask = sequence_mask(memory_sequence_length, shape_of(tensor)[1], tensor.dtype)
        return tensor * reshape(mask, [*mask.dims, *[1] * (len(tensor.dims or ()) - 2)])  # type: ignore[misc]

    return nest.map_structure(prepared, memory)


def mask_score(score: Tensor, memory_sequence_length: Any = None, score_mask_value: Any = None) -> Tensor:
    """Scores [batch, time], those beyond the lengths replaced by `score_mask_value` (default minus infinity)."""
    if memory_sequence_length is None:
        return score
    lowest = np.asarray(-np.inf if score_mask_value is None else score_mask_value, score.dtype.np)
    return where(sequence_mask(memory_sequence_length, shape_of(score)[1]), score, convert_to_tensor(lowest))


class MemoryAttention(AttentionMechanism):
    """Attention over a memory [batch, time, size], of which steps beyond `memory_sequence_length` [batch] are zeroed
    and get the score `score_mask_value` (default minus infinity)."""

    _scope = ""  # the variable scope of the scores

    def __init__(self, query_layer: Any, memory: Any, probability_fn: Callable[[Tensor, Any], Tensor],
                 memory_sequence_length: Any = None, memory_layer: Any = None, check_inner_dims_defined: bool = True,
                 score_mask_value: Any = None, custom_key_value_fn: Callable[..., Any] | None = None,
                 name: str | None = None, dtype: Any = float32):
        if not callable(probability_fn):
            raise TypeError(f"probability_fn must be callable, saw type: {type(probability_fn).__name__}")
        self.query_layer = query_layer
        self.memory_layer = memory_layer
        self.dtype = as_dtype(dtype)
        self._normalized = probability_fn
        self._lengths = None if memory_sequence_length is None else convert_to_tensor(memory_sequence_length)
        self._mask_value = score_mask_value
        self._name = name
        self._values = prepare_memory(memory, self._lengths, check_inner_dims_defined)
        self._keys = self._values if memory_layer is None else memory_layer(self._values)
        if custom_key_value_fn is not None:
            self._keys, self._values = custom_key_value_fn(self._keys, self._values)
        self._batch_size, self._alignments_size = batch_size_of(self._keys), batch_size_of(self._keys, 1)

    @property
    def values(self) -> Tensor:
        """The memory, masked."""
        return self._values

    @property
    def keys(self) -> Tensor:
        """The memory as queries are compared with it, [batch, time, units]."""
        return self._keys

    @property
    def batch_size(self) -> Any:
        return self._batch_size

    @property
    def alignments_size(self) -> Any:
        return self._alignments_size

    @property
    def state_size(self) -> Any:
        return self._alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Zeros [batch, time]."""
        return zero_tensors(self._alignments_size, batch_size, dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Tensor:
        return self.initial_alignments(batch_size, dtype)

    def _probability_fn(self, score: Tensor, state: Any) -> Tensor:
        """The alignments for scores [batch, time]: masked and normalized."""
        return self._normalized(mask_score(score, self._lengths, self._mask_value), state)

    def _score(self, query: Tensor) -> Tensor:
        """[batch, time] for a query [batch, size]."""
        raise NotImplementedError

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        with variable_scope(None, self._scope, [query]):
            score = self._score(query)
        alignments = self._probability_fn(score, state)
        return alignments, alignments


def _dense(units: int, name: str, dtype: Any) -> Any:
    return Dense(units, name=name, use_bias=False, dtype=dtype)


class LuongAttention(MemoryAttention):
    """Multiplicative attention (Luong et al. 2015): the query times the memory through a layer of `num_units`, which
    must be the query's size; with `scale`, times a variable. `probability_fn` (default softmax) normalizes scores."""

    _scope = "luong_attention"

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False,
                 probability_fn: Callable[[Tensor], Tensor] | None = None, score_mask_value: Any = None,
                 dtype: Any = None, custom_key_value_fn: Any = None, name: str = "LuongAttention",
                 _probability: Callable[[Tensor, Any], Tensor] | None = None):
        dtype = dtype or float32
        normalize = probability_fn or softmax
        super().__init__(None, memory, _probability or (lambda score, _: normalize(score)), memory_sequence_length,
                         _dense(num_units, "memory_layer", dtype), score_mask_value=score_mask_value,
                         custom_key_value_fn=custom_key_value_fn, name=name, dtype=dtype)
        self._num_units = num_units
        self._scale = scale

    def _score(self, query: Tensor) -> Tensor:
        depth, units = query.shape.as_list()[-1], self._keys.shape.as_list()[-1]
        if depth != units:
            raise ShapeError(f"Incompatible or unknown inner dimensions between query and keys.  Query ({query}) has "
                             f"units: {depth}.  Keys ({self._keys}) have units: {units}.  Perhaps you need to set "
                             f"num_units to the keys' dimension ({units})?")
        score = squeeze(matmul(expand_dims(query, 1), self._keys, transpose_b=True), [1])
        if self._scale:
            score = get_variable("attention_g", (), query.dtype, ones_initializer()) * score
        return score


class BahdanauAttention(MemoryAttention):
    """Additive attention (Bahdanau et al. 2015): v * tanh(keys + query), both through layers of `num_units`; with
    `normalize`, v is normalized (Salimans and Kingma 2016). `probability_fn` (default softmax) normalizes scores."""

    _scope = "bahdanau_attention"

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False,
                 probability_fn: Callable[[Tensor], Tensor] | None = None, score_mask_value: Any = None,
                 dtype: Any = None, custom_key_value_fn: Any = None, name: str = "BahdanauAttention",
                 _probability: Callable[[Tensor, Any], Tensor] | None = None):
        dtype = dtype or float32
        probability = probability_fn or softmax
        super().__init__(_dense(num_units, "query_layer", dtype), memory,
                         _probability or (lambda score, _: probability(score)), memory_sequence_length,
                         _dense(num_units, "memory_layer", dtype), score_mask_value=score_mask_value,
                         custom_key_value_fn=custom_key_value_fn, name=name, dtype=dtype)
        self._num_units = num_units
        self._normalize = normalize

    def _score(self, query: Tensor) -> Tensor:
        v_dtype, units = query.dtype, self._num_units
        hidden = self._keys + expand_dims(self.query_layer(query), 1)
        v = get_variable("attention_v", [units], v_dtype)
        if self._normalize:
            g = get_variable("attention_g", (), v_dtype, constant_initializer(math.sqrt(1 / units)))
            b = get_variable("attention_b", [units], v_dtype, zeros_initializer())
            v, hidden = g * v * rsqrt(reduce_sum(square(v))), hidden + b
        return reduce_sum(v * tanh(hidden), 2)


# monotonic attention


def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """`cumprod` of values in [0, 1] as exp(cumsum(log(x))), whose gradient is finite at 0."""
    tensor = convert_to_tensor(x)
    return exp(cumsum(log(clip_by_value(tensor, float(np.finfo(tensor.dtype.np).tiny), 1.0)), *args, **kwargs))


def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Tensor:
    """The attention [batch, time] that moves on from where it was (Raffel et al. 2017).

    `p_choose_i` are the probabilities to stop at a step. `mode` is "recursive" (exact, slow), "parallel" (fast, may
    be unstable), or "hard" (for probabilities that are all 0 or 1). Raises ValueError for another.
    """
    p, previous = convert_to_tensor(p_choose_i), convert_to_tensor(previous_attention)
    if mode == "parallel":
        passed = safe_cumprod(1 - p, axis=1, exclusive=True)
        return p * passed * cumsum(previous / clip_by_value(passed, 1e-10, 1.0), axis=1)
    if mode == "hard":
        p = p * cumsum(previous, axis=1)
        return p * cumprod(1 - p, axis=1, exclusive=True)
    if mode != "recursive":
        raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")
    shifted = concat([ones_like(p[:, :1]), 1 - p[:, :-1]], 1)
    start = zeros([batch_size_of(p)], p.dtype)
    return p * transpose(scan(lambda x, step: step[0] * x + step[1], [transpose(shifted), transpose(previous)], start))


def monotonic_probability_fn(score: Tensor, previous_alignments: Any, sigmoid_noise: float, mode: str,
                             seed: int | None = None) -> Tensor:
    """`monotonic_attention` for scores, with noise on them in training."""
    if sigmoid_noise > 0:
        score = score + sigmoid_noise * random_normal(shape_of(score), dtype=score.dtype, seed=seed)
    p = cast(greater(score, zeros_of(score)), score.dtype) if mode == "hard" else sigmoid(score)
    return monotonic_attention(p, previous_alignments, mode)


class _Monotonic(MemoryAttention):
    """Monotonic attention: begins at the first step, and a bias variable is added to the scores."""

    _score_bias_init: float

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        return one_hot(zeros([batch_size], int32), self._alignments_size, dtype=dtype)

    def _score(self, query: Tensor) -> Tensor:
        bias = get_variable("attention_score_bias", (), query.dtype, constant_initializer(self._score_bias_init))
        return super()._score(query) + bias


class BahdanauMonotonicAttention(_Monotonic, BahdanauAttention):
    """Monotonic attention with the scores of BahdanauAttention."""

    _scope = "bahdanau_monotonic_attention"

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any = None, normalize: bool = False,
                 score_mask_value: Any = None, sigmoid_noise: float = 0.0, sigmoid_noise_seed: int | None = None,
                 score_bias_init: float = 0.0, mode: str = "parallel", dtype: Any = None,
                 name: str = "BahdanauMonotonicAttention"):
        self._score_bias_init = score_bias_init
        super().__init__(num_units, memory, memory_sequence_length, normalize, score_mask_value=score_mask_value,
                         dtype=dtype, name=name, _probability=partial(
                             monotonic_probability_fn, sigmoid_noise=sigmoid_noise, mode=mode,
                             seed=sigmoid_noise_seed))


class LuongMonotonicAttention(_Monotonic, LuongAttention):
    """Monotonic attention with the scores of LuongAttention."""

    _scope = "luong_monotonic_attention"

    def __init__(self, num_units: int, memory: Any, memory_sequence_length: Any = None, scale: bool = False,
                 score_mask_value: Any = None, sigmoid_noise: float = 0.0, sigmoid_noise_seed: int | None = None,
                 score_bias_init: float = 0.0, mode: str = "parallel", dtype: Any = None,
                 name: str = "LuongMonotonicAttention"):
        self._score_bias_init = score_bias_init
        super().__init__(num_units, memory, memory_sequence_length, scale, score_mask_value=score_mask_value,
                         dtype=dtype, name=name, _probability=partial(
                             monotonic_probability_fn, sigmoid_noise=sigmoid_noise, mode=mode,
                             seed=sigmoid_noise_seed))


def hardmax(logits: Any, name: str | None = None) -> Tensor:
    """1 at the largest element along the last axis, 0 elsewhere."""
    tensor = convert_to_tensor(logits)
    return one_hot(argmax(tensor, -1), batch_size_of(tensor, -1), dtype=tensor.dtype, name=name)
