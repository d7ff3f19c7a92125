"""Counter-based random numbers in NumPy: what `compiler.native.rng` computes, for folding, eager mode and tests.

The generator is Philox-2x32-10 (Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011):
two words that are a function of a 32-bit key and a 64-bit counter, so element i of a tensor does not depend on the
thread that computes it. Ours are addressed by a 64-bit `key` (of the graph's and the op's seeds), a 64-bit `stream`
(how often the op has run) and a 64-bit `index`. Key and stream are hashed, with the mixing function of SplitMix64
(Steele, Lea and Flood, OOPSLA 2014), into Philox's key and a 64-bit mask that is xored onto the index. Elements of one
stream thus never share a counter; two streams share some only if their 32-bit keys are equal and their masks agree
above the tensors' size, which for a billion elements has probability 2**-66.

Bits, uniforms and integers equal the native ones exactly; normals to rounding.
"""
from __future__ import annotations

from functools import partial
from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MULTIPLIER, WEYL = 0xD256D193, 0x9E3779B9
GOLDEN = 0x9E3779B97F4A7C15
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
ROUNDS = 10
LOW_WORD = np.uint64(0xFFFFFFFF)
# P(|z| < 2) of a standard normal
WITHIN_TWO = erf(sqrt(2.0))

Words = NDArray[np.uint64]


def _as_u64(x: ArrayLike) -> Words:
    array = np.asarray(x)
    return array.astype(np.int64).view(np.uint64) if array.dtype.kind == "i" else array.astype(np.uint64)


def philox2x32(counter: Words, key: Words, rounds: int = ROUNDS) -> tuple[Words, Words]:
    """The two 32-bit words of a 64-bit counter and a 32-bit key, each in an uint64."""
    left, right, key = counter & LOW_WORD, counter >> np.uint64(32), key & LOW_WORD
    for _ in range(rounds):
        product = left * np.uint64(MULTIPLIER)
        left, right = (product >> np.uint64(32)) ^ key ^ right, product & LOW_WORD
        key = (key + np.uint64(WEYL)) & LOW_WORD
    return left, right


def mix64(x: Words) -> Words:
    """SplitMix64's finaliser (variant 13 of Stafford), a bijection of 64-bit words."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX[0])
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX[1])
    return x ^ (x >> np.uint64(31))


def random_bits(key: ArrayLike, stream: ArrayLike, index: ArrayLike) -> tuple[Words, Words]:
    """Two 32-bit words, each in an uint64, of shape the broadcast of the arguments."""
    with np.errstate(over="ignore"):
        state = mix64(mix64(_as_u64(key)) + _as_u64(stream))
        mask = mix64(state + np.uint64(GOLDEN))
        return philox2x32(_as_u64(index) ^ mask, state >> np.uint64(32))


def random_uniform(key: ArrayLike, stream: ArrayLike, index: ArrayLike, dtype: Any = np.float32) -> NDArray[Any]:
    """Multiples of 2**-24 (float32) or 2**-53 (float64) in [0, 1)."""
    first, second = random_bits(key, stream, index)
    if np.dtype(dtype) == np.float32:
        return (first >> np.uint64(8)).astype(np.float32) * np.float32(2.0 ** -24)
    return (((first << np.uint64(32)) | second) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def random_normal(key: ArrayLike, stream: ArrayLike, index: ArrayLike, dtype: Any = np.float32) -> NDArray[Any]:
    """Standard normals by Box and Muller (1958): the radius from one word, the angle from the other; |z| < 6.8."""
    first, second = random_bits(key, stream, index)
    scalar = np.dtype(dtype).type
    uniform = (first.astype(dtype) + scalar(0.5)) * scalar(2.0 ** -32)
    angle = second.astype(np.uint32).view(np.int32).astype(dtype) * scalar(2.0 ** -32)
    return np.sqrt(scalar(-2.0) * np.log(uniform)) * np.cos(scalar(2.0 * np.pi) * angle)


def _inverse_erf(y: NDArray[Any]) -> NDArray[Any]:
    """erfinv by Winitzki's approximation and three Halley steps, in float64, for |y| < 0.96."""
    logarithm = np.log1p(-y * y)
    half = 2.0 / (np.pi * 0.147) + logarithm / 2.0
    x = np.copysign(np.sqrt(np.sqrt(half * half - logarithm / 0.147) - half), y)
    error_function = np.vectorize(erf, otypes=[np.float64])
    for _ in range(3):
        step = (error_function(x) - y) / (2.0 / np.sqrt(np.pi) * np.exp(-x * x))
        x = x - step / (1.0 + x * step)
    return x


def random_truncated_normal(
    key: ArrayLike, stream: ArrayLike, index: ArrayLike, dtype: Any = np.float32,
) -> NDArray[Any]:
    """Standard normals conditioned on |z| < 2: the inverse distribution function of one uniform, so no rejection."""
    first, second = random_bits(key, stream, index)
    if np.dtype(dtype) == np.float32:
        bits, whole = first >> np.uint64(8), 2.0 ** 24
    else:
        bits, whole = ((first << np.uint64(32)) | second) >> np.uint64(12), 2.0 ** 52
    centred = (bits.astype(np.float64) * 2.0 + (1.0 - whole)) / whole
    return (np.sqrt(2.0) * _inverse_erf(WITHIN_TWO * centred)).astype(dtype)


def random_int(
    key: ArrayLike, stream: ArrayLike, index: ArrayLike, low: ArrayLike, high: ArrayLike, dtype: Any = np.int32,
) -> NDArray[Any]:
    """Integers in [low, high): the high half of 64 random bits times the range (Lemire, ACM TOMACS 29, 2019).

    Without his rejection step a value's probability is off by at most 2**-64, relatively range / 2**64.
    """
    first, second = random_bits(key, stream, index)
    with np.errstate(over="ignore"):
        low, span = _as_u64(low), _as_u64(high) - _as_u64(low)
        span_high, span_low = span >> np.uint64(32), span & LOW_WORD
        carry = (second * span_low >> np.uint64(32)) + (second * span_high & LOW_WORD) + (first * span_low & LOW_WORD)
        offset = (first * span_high + (second * span_high >> np.uint64(32)) + (first * span_low >> np.uint64(32))
                  + (carry >> np.uint64(32)))
        return (low + offset).view(np.int64).astype(dtype)


# by the names the native ones have
random_uniform_f32 = partial(random_uniform, dtype=np.float32)
random_uniform_f64 = partial(random_uniform, dtype=np.float64)
random_normal_f32 = partial(random_normal, dtype=np.float32)
random_normal_f64 = partial(random_normal, dtype=np.float64)
random_truncated_normal_f32 = partial(random_truncated_normal, dtype=np.float32)
random_truncated_normal_f64 = partial(random_truncated_normal, dtype=np.float64)
random_int_i32, random_int_i64 = partial(random_int, dtype=np.int32), partial(random_int, dtype=np.int64)
