"""Sampled classes and the losses that are estimated from them instead of from all classes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .compiler.dtypes import int64
from .compiler.errors import InvalidArgumentError
from .compiler.ir import Operation, Tensor
from .compiler.opdef import OpDef
from .compiler.ops import candidate as ops
from .compiler.ops import reduction
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, equal, log, where
from .compiler.ops.random import random_uniform
from .compiler.ops.slicing import concat
from .compiler.ops.view import dim_scalar, expand_dims, ones_like, reshape, stop_gradient, zeros_like, zeros_of
from .framework import name_scope
from .math_ops import matmul
from .nn_ops import embedding_lookup, sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits

__all__ = [
    "all_candidate_sampler", "compute_accidental_hits", "fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler", "log_uniform_candidate_sampler", "nce_loss", "sampled_softmax_loss",
    "uniform_candidate_sampler",
]

class Samples(NamedTuple):
    """Classes drawn, and how often each true class and each of them is expected."""

    sampled_candidates: Tensor
    true_expected_count: Tensor
    sampled_expected_count: Tensor


class Hits(NamedTuple):
    """Where a sample is a true class."""

    indices: Tensor
    ids: Tensor
    weights: Tensor


def _sample(op: OpDef, true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None,
            name: str | None, **attrs: Any) -> Samples:
    true = convert_to_tensor(true_classes, int64 if not hasattr(true_classes, "dtype") else None)
    true = true if true.dtype is int64 else cast(true, int64)
    with name_scope(name, op.name, [true]) as scope:
        bits = random_uniform((2,), 0, 2**31 - 1, "int32", seed, name="seed")
        made: Operation = op.operation(true, bits, name=scope, num_sampled=int(num_sampled), num_true=int(num_true),
                                       unique=bool(unique), **attrs)
    return Samples(*made.outputs)


def uniform_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
                              seed: int | None = None, name: str | None = None) -> Samples:
    """Classes of [0, range_max), each with the same probability.

    Returns (samples int64 [num_sampled], and how often each of `true_classes` [batch, num_true] and each sample is
    expected among the samples, float32). `unique` samples without replacement; then InvalidArgumentError is raised at
    run time if there are too few classes.
    """
    return _sample(ops.uniform_sampler, true_classes, num_true, num_sampled, unique, seed, name,
                   range_max=int(range_max))


def log_uniform_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
                                  seed: int | None = None, name: str | None = None) -> Samples:
    """As `uniform_candidate_sampler`, class k with probability log((k + 2) / (k + 1)) / log(range_max + 1): Zipf's law
    for classes in order of falling frequency."""
    return _sample(ops.log_uniform_sampler, true_classes, num_true, num_sampled, unique, seed, name,
                   range_max=int(range_max))


def learned_unigram_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
                                      seed: int | None = None, name: str | None = None) -> Samples:
    """As `uniform_candidate_sampler`, each class with the frequency with which it was a true class so far, plus 1."""
    return _sample(ops.learned_unigram_sampler, true_classes, num_true, num_sampled, unique, seed, name,
                   unigrams=ops.Unigrams(int(range_max)))


def fixed_unigram_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int,
                                    vocab_file: str = "", distortion: float = 1.0, num_reserved_ids: int = 0,
                                    num_shards: int = 1, shard: int = 0, unigrams: Sequence[float] = (),
                                    seed: int | None = None, name: str | None = None) -> Samples:
    """As `uniform_candidate_sampler`, each class with given weight to the power of `distortion`.

    The weights are `unigrams`, or the last field of each line of `vocab_file`, comma separated; the first
    `num_reserved_ids` classes come before them and are never drawn. Of `num_shards`, only classes k with
    k % num_shards == shard count. Raises InvalidArgumentError unless there are `range_max` of them.
    """
    if bool(vocab_file) == bool(len(unigrams)):
        raise InvalidArgumentError("FixedUnigramCandidateSampler: must provide exactly one of vocab_file and unigrams")
    if vocab_file:
        with open(vocab_file, encoding="utf-8") as lines:
            unigrams = [float(line.rstrip("\n").rpartition(",")[2]) for line in lines]
    powers = np.asarray(unigrams, np.float64) ** distortion
    weights = np.concatenate([np.zeros(num_reserved_ids), powers])[shard::num_shards]
    if len(weights) != range_max:
        raise InvalidArgumentError(f"FixedUnigramCandidateSampler: range_max is {range_max}, there are {len(weights)} "
                                   "weights")
    return _sample(ops.fixed_unigram_sampler, true_classes, num_true, num_sampled, unique, seed, name, weights=weights)


def all_candidate_sampler(true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None,
                          name: str | None = None) -> Samples:
    """Every class of [0, num_sampled) once, with expected counts of 1: for tests."""
    return _sample(ops.all_sampler, true_classes, num_true, num_sampled, unique, seed, name)


def compute_accidental_hits(true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None,
                            name: str | None = None) -> Hits:
    """Where a sample is a true class: (rows int32, positions among the samples int64, weights float32).

    The weights are the lowest float32, to be added to the logits of those samples.
    """
    true, samples = convert_to_tensor(true_classes, int64), convert_to_tensor(sampled_candidates, int64)
    op = ops.accidental_hits.operation(true, samples, num_true=int(num_true), name=name)
    return Hits(*op.outputs)


# losses


def _compute_sampled_logits(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
                            num_true: int = 1, sampled_values: Any = None, subtract_log_q: bool = True,
                            remove_accidental_hits: bool = False, partition_strategy: str = "mod",
                            name: str | None = None, seed: int | None = None) -> tuple[Tensor, Tensor]:
    """(logits, labels) [batch, num_true + num_sampled] of the true and the sampled classes, with `subtract_log_q`
    corrected by the log of their expected counts. Losses of one's own call it by this name, which is TensorFlow's."""
    tables = weights if isinstance(weights, list) else [weights]
    x, true = convert_to_tensor(inputs), cast(convert_to_tensor(labels), int64)
    with name_scope(name, "compute_sampled_logits", [x, true]):
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(true, num_true, num_sampled, True, num_classes, seed)
        sampled, true_count, sampled_count = (stop_gradient(v) for v in sampled_values)
        sampled = cast(sampled, int64)
        flat = reshape(true, [-1])
        ids = concat([flat, sampled], 0)
        rows = cast(embedding_lookup(tables, ids, partition_strategy), x.dtype)
        shifts = cast(embedding_lookup(biases, ids, partition_strategy), x.dtype)
        count = flat.dims[0]  # type: ignore[index]
        true_rows = reshape(rows[:dim_scalar(count)], [-1, num_true, rows.dims[-1]])  # type: ignore[index]
        sampled_rows = rows[dim_scalar(count):]
        true_logits = reduction.reduce_sum(expand_dims(x, 1) * true_rows, 2)
        true_logits = true_logits + reshape(shifts[:dim_scalar(count)], [-1, num_true])
        sampled_logits = matmul(x, sampled_rows, transpose_b=True) + shifts[dim_scalar(count):]
        if remove_accidental_hits:
            hit = reduction.reduce_any(equal(expand_dims(true, 2), sampled), 1)
            lowest = convert_to_tensor(np.asarray(np.finfo(np.float32).min, x.dtype.np))
            sampled_logits = sampled_logits + where(hit, lowest, zeros_of(x))
        if subtract_log_q:
            true_logits = true_logits - log(cast(true_count, x.dtype))
            sampled_logits = sampled_logits - log(cast(sampled_count, x.dtype))
        logits = concat([true_logits, sampled_logits], 1)
        return logits, concat([ones_like(true_logits) / num_true, zeros_like(sampled_logits)], 1)


def nce_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
             num_true: int = 1, sampled_values: Any = None, remove_accidental_hits: bool = False,
             partition_strategy: str = "mod", name: str = "nce_loss") -> Tensor:
    """The noise-contrastive estimation loss (Gutmann and Hyvarinen 2010) of each example, [batch].

    `weights` [classes, size] (or a list of partitions) and `biases` [classes] give the logits of `inputs` [batch, size]
    for the `labels` int64 [batch, num_true] and for sampled classes, by default from `log_uniform_candidate_sampler`.
    """
    logits, targets = _compute_sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true,
                                              sampled_values, True, remove_accidental_hits, partition_strategy, name)
    return reduction.reduce_sum(
        sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses"), 1)


def sampled_softmax_loss(weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
                         num_true: int = 1, sampled_values: Any = None, remove_accidental_hits: bool = True,
                         partition_strategy: str = "mod", name: str = "sampled_softmax_loss",
                         seed: int | None = None) -> Tensor:
    """The softmax cross-entropy over the true and the sampled classes only (Jean et al. 2014), [batch].

    Arguments as of `nce_loss`.
    """
    logits, targets = _compute_sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, partition_strategy, name, seed)
    return softmax_cross_entropy_with_logits(labels=stop_gradient(targets), logits=logits)
