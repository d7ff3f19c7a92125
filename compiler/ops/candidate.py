"""Sampling of candidate classes (Jean et al. 2014; Gutmann and Hyvarinen 2010), and which samples hit a true class.

A sampler is a function of the true classes and of a vector of random bits, which a random op of the graph supplies.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import float32, int32, int64
from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef


class Unigrams:
    """Counts of classes, which a learned sampler adds the true classes of each run to; each class starts at 1."""

    def __init__(self, size: int):
        self.counts = np.ones(size, np.int64)

    def update(self, classes: np.ndarray) -> None:
        np.add.at(self.counts, classes.ravel(), 1)


def _types(name: str) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        true, count, width = inputs[0], attrs["num_sampled"], attrs["num_true"]
        if true.dtype is not int64:
            raise DTypeError(f"{name}: true_classes must be int64, received {true!r}")
        if true.dims is not None and (len(true.dims) != 2 or isinstance(true.dims[1], int) and true.dims[1] != width):
            raise ShapeError(f"{name}: true_classes must be [batch, num_true={width}], received {true!r}")
        rows = dm.fresh() if true.dims is None else true.dims[0]
        return [TensorType(int64, (count,)), TensorType(float32, (rows, width)), TensorType(float32, (count,))]
    return infer


def _sampled(name: str, draw: Callable[..., np.ndarray], probability: Callable[..., np.ndarray], true: np.ndarray,
             bits: np.ndarray, num_sampled: int, unique: bool, classes: int) -> tuple[np.ndarray, ...]:
    """Samples, and for true and sampled classes how often each is expected among them.

    Of distinct samples that is 1 - (1 - p)^n, n being how many draws it took (as if it always took so many).
    """
    generator = np.random.Generator(np.random.Philox(key=bits.astype(np.uint32).astype(np.uint64)))
    samples, tries = draw(generator, num_sampled), num_sampled
    if unique:
        if num_sampled > classes:
            raise InvalidArgumentError(f"{name}: Sampler's range is too small: {num_sampled} distinct samples of "
                                       f"{classes} classes")
        samples, tries = _distinct(samples, lambda count: draw(generator, count), num_sampled)

    def expected(values: np.ndarray) -> np.ndarray:
        p = probability(values)
        if tries == num_sampled:
            return p * num_sampled
        with np.errstate(divide="ignore"):
            return -np.expm1(tries * np.log1p(-p))

    return samples, expected(true), expected(samples)


def _distinct(drawn: np.ndarray, draw: Callable[[int], np.ndarray], count: int) -> tuple[np.ndarray, int]:
    """The first `count` distinct values of what is drawn, and how many draws that took."""
    while True:
        _, first = np.unique(drawn, return_index=True)
        if len(first) >= count:
            first.sort()
            return drawn[first[:count]], int(first[count - 1]) + 1 if count else 0
        drawn = np.concatenate([drawn, draw(max(len(drawn), 16))])


def _check_true(name: str, true: np.ndarray, classes: int) -> None:
    bad = true[(true < 0) | (true >= classes)]
    if bad.size:
        raise InvalidArgumentError(f"{name}: true class {bad[0]} is not in [0, {classes})")


def _uniform(true: np.ndarray, bits: np.ndarray, num_sampled: int, num_true: int, unique: bool,
             range_max: int) -> tuple[np.ndarray, ...]:
    return _sampled("UniformCandidateSampler", lambda rng, count: rng.integers(0, range_max, count),
                    lambda values: np.full(values.shape, 1 / range_max), true, bits, num_sampled, unique, range_max)


def _log_uniform(true: np.ndarray, bits: np.ndarray, num_sampled: int, num_true: int, unique: bool,
                 range_max: int) -> tuple[np.ndarray, ...]:
    span = np.log1p(range_max)
    return _sampled("LogUniformCandidateSampler",
                    lambda rng, count: (np.exp(rng.random(count) * span).astype(np.int64) - 1) % range_max,
                    lambda values: np.log((values + 2.0) / (values + 1.0)) / span,
                    true, bits, num_sampled, unique, range_max)


def _weighted(name: str, weights: np.ndarray, true: np.ndarray, bits: np.ndarray, num_sampled: int,
              unique: bool) -> tuple[np.ndarray, ...]:
    below = np.cumsum(weights, dtype=np.float64)
    _check_true(name, true, len(weights))
    return _sampled(name, lambda rng, count: np.searchsorted(below, rng.random(count) * below[-1], "right"),
                    lambda values: weights[values] / below[-1], true, bits, num_sampled, unique,
                    np.count_nonzero(weights))  # type: ignore[arg-type]


def _fixed(true: np.ndarray, bits: np.ndarray, num_sampled: int, num_true: int, unique: bool,
           weights: np.ndarray) -> tuple[np.ndarray, ...]:
    return _weighted("FixedUnigramCandidateSampler", weights, true, bits, num_sampled, unique)


def _learned(true: np.ndarray, bits: np.ndarray, num_sampled: int, num_true: int, unique: bool,
             unigrams: Unigrams) -> tuple[np.ndarray, ...]:
    result = _weighted("LearnedUnigramCandidateSampler", unigrams.counts, true, bits, num_sampled, unique)
    unigrams.update(true)
    return result


def _all(true: np.ndarray, bits: np.ndarray, num_sampled: int, num_true: int, unique: bool) -> tuple[np.ndarray, ...]:
    return np.arange(num_sampled), np.ones(true.shape), np.ones(num_sampled)


def _sampler(name: str, reference: Callable[..., Any], stateful: bool = False) -> OpDef:
    return OpDef(name, HOST, _types(name), lambda op, *g: [None, None], reference, stateful=stateful)


# (samples, expected counts of the true classes, of the samples) of true classes [batch, num_true] and random bits [2]
uniform_sampler = _sampler("UniformCandidateSampler", _uniform)
log_uniform_sampler = _sampler("LogUniformCandidateSampler", _log_uniform)
fixed_unigram_sampler = _sampler("FixedUnigramCandidateSampler", _fixed)
learned_unigram_sampler = _sampler("LearnedUnigramCandidateSampler", _learned, stateful=True)
all_sampler = _sampler("AllCandidateSampler", _all)


def _hit_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    count = dm.fresh()
    return [TensorType(int32, (count,)), TensorType(int64, (count,)), TensorType(float32, (count,))]


def _hits(true: np.ndarray, samples: np.ndarray, num_true: int) -> tuple[np.ndarray, ...]:
    if true.ndim != 2 or true.shape[1] != num_true:
        raise InvalidArgumentError(f"ComputeAccidentalHits: true_classes must be [batch, num_true={num_true}], "
                                   f"received the shape {true.shape}")
    order = np.argsort(samples, kind="stable")
    at = np.searchsorted(samples[order], true.ravel())
    found = np.flatnonzero(np.append(samples[order], -1)[at] == true.ravel()) if samples.size else np.zeros(0, int)
    return found // num_true, order[at[found]], np.full(len(found), np.finfo(np.float32).min)


# (row, position among the samples, the lowest float32) of each true class that was sampled
accidental_hits = OpDef("ComputeAccidentalHits", HOST, _hit_types, lambda op, *g: [None, None], _hits)
