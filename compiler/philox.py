"""TensorFlow's own random numbers, in NumPy: Philox-4x32-10 (Salmon, Moraes, Dror and Shaw, Parallel random numbers: as
easy as 1, 2, 3, SC 2011), and how bits become uniform, normal and truncated normal variates and integers.

A key is one 64-bit word, a counter two: its 128 bits count groups of four 32-bit words.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .dtypes import DType, bfloat16, float16, float64

Words = NDArray[np.uint64]
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
SCRAMBLE = 0x02461E293EC8F720  # the key under which a seed is hashed
MASK = 2 ** 64 - 1
LEAST = 1e-7  # what a uniform number is at least, where its logarithm is taken
GROUPS = 64  # set aside for each truncated variate of a group, which may be drawn again
CUT = 2.0


def words(key: int, counter: tuple[int, int], groups: Words) -> Words:
    """[n, 4] words of 32 bits: group i is that of the counter plus groups[i]."""
    low = np.uint64(counter[0]) + groups
    high = np.uint64(counter[1]) + (low < groups)
    state = [low & LOW, low >> HALF, high & LOW, high >> HALF]
    keys = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        first, second = (state[i] * np.uint64(m) for i, m in zip((0, 2), MULTIPLIERS, strict=True))
        state = [(second >> HALF) ^ state[1] ^ np.uint64(keys[0]), second & LOW,
                 (first >> HALF) ^ state[3] ^ np.uint64(keys[1]), first & LOW]
        keys = [(k + w) & 0xFFFFFFFF for k, w in zip(keys, WEYL, strict=True)]
    return np.stack(state, -1)


def hashed(seed: NDArray[np.integer]) -> tuple[int, tuple[int, int]]:
    """The (key, counter) of a seed [2]."""
    counter = (int(seed[0]) & MASK, int(seed[1]) & MASK)
    a, b, c, d = (int(w) for w in words(SCRAMBLE, counter, np.zeros(1, np.uint64))[0])
    return a | b << 32, (0, c | d << 32)


def _wide(drawn: Words) -> Words:
    """Pairs of words as words of 64 bits."""
    return drawn[..., ::2] | drawn[..., 1::2] << HALF


def _first(count: int, each: int, of_groups: Callable[[Words], NDArray]) -> NDArray:
    """The first `count` of what each group gives `each` of."""
    with np.errstate(over="ignore"):
        return of_groups(np.arange(-(-count // each), dtype=np.uint64)).reshape(-1)[:count]


def _unit(drawn: Words, dtype: DType) -> NDArray:
    """Uniform numbers in [0, 1): the bits of the mantissa of a number in [1, 2)."""
    if dtype is float64:
        bits = (drawn[..., ::2] & np.uint64(0xFFFFF)) << HALF | drawn[..., 1::2] | np.uint64(1023 << 52)
        return bits.view(np.float64) - 1
    if dtype is float16:
        return (drawn & np.uint64(0x3FF) | np.uint64(15 << 10)).astype(np.uint16).view(np.float16) - np.float16(1)
    if dtype is bfloat16:
        bits = (drawn & np.uint64(0x7F) | np.uint64(127 << 7)) << np.uint64(16)
        return bits.astype(np.uint32).view(np.float32) - np.float32(1)
    return (drawn & np.uint64(0x7FFFFF) | np.uint64(127 << 23)).astype(np.uint32).view(np.float32) - np.float32(1)


def _normal(drawn: Words, dtype: DType) -> NDArray:
    """Pairs of normal numbers from pairs of uniform ones (Box and Muller 1958)."""
    uniform = _unit(drawn, dtype if dtype is float64 else DType("float32"))
    kind = uniform.dtype.type
    radius = np.sqrt(kind(-2) * np.log(np.maximum(uniform[..., ::2], kind(LEAST))))
    angle = kind(2 * np.pi) * uniform[..., 1::2]
    return np.stack([np.sin(angle) * radius, np.cos(angle) * radius], -1).reshape(*uniform.shape)


def uniform(key: int, counter: tuple[int, int], count: int, dtype: DType) -> NDArray:
    """`count` numbers in [0, 1)."""
    each = 2 if dtype is float64 else 4
    return _first(count, each, lambda groups: _unit(words(key, counter, groups), dtype)).astype(dtype.np)


def normal(key: int, counter: tuple[int, int], count: int, dtype: DType) -> NDArray:
    """`count` numbers of the standard normal distribution."""
    each = 2 if dtype is float64 else 4
    return _first(count, each, lambda groups: _normal(words(key, counter, groups), dtype)).astype(dtype.np)


def truncated_normal(key: int, counter: tuple[int, int], count: int, dtype: DType) -> NDArray:
    """`count` numbers of the standard normal distribution, those beyond 2 drawn again."""
    each = 2 if dtype is float64 else 4

    def kept(groups: Words) -> NDArray:
        found = np.zeros((len(groups), each))
        have, step = np.zeros(len(groups), np.int64), 0
        while np.any(have < each):
            rows = np.flatnonzero(have < each)
            at = groups[rows] * np.uint64(GROUPS * each) + np.uint64(step)
            for column in _normal(words(key, counter, at), dtype).T:
                taken = (np.abs(column) < CUT) & (have[rows] < each)
                found[rows[taken], have[rows[taken]]] = column[taken]
                have[rows[taken]] += 1
            step += 1
        return found

    return _first(count, each, kept).astype(dtype.np)


def integers(key: int, counter: tuple[int, int], count: int, dtype: DType) -> NDArray:
    """`count` integers of the dtype's whole range."""
    each = 4 if dtype.size == 4 else 2
    unsigned = np.uint32 if dtype.size == 4 else np.uint64

    def drawn(groups: Words) -> NDArray:
        found = words(key, counter, groups)
        return (found if dtype.size == 4 else _wide(found)).astype(unsigned)

    return _first(count, each, drawn).view(dtype.np)


def permutation(key: int, counter: tuple[int, int], count: int) -> NDArray[np.int64]:
    """The numbers below `count` in random order (Fisher and Yates)."""
    drawn = _first(count, 4, lambda groups: words(key, counter, groups))
    order = np.arange(count)
    for i in range(count - 1):
        j = i + int(drawn[i]) % (count - i)
        order[i], order[j] = order[j], order[i]
    return order


def place(index: int, key: tuple[int, ...], most: int, rounds: int) -> int:
    """Where a permutation of 0 to `most` puts an index, without the others: the cipher Simon (Beaulieu et al. 2013) on
    words of half as many bits as `most` has, at least 8, again until it falls in the range."""
    bits = max((max(most, 1) - 1).bit_length(), 16)
    half = (bits + 1) // 2
    mask = 2 ** half - 1

    def turned(x: int, left: int) -> int:
        return (x << left % half | x >> -left % half) & mask

    keys, pattern = [k & mask for k in key], 0x7369F885192C0EF5
    for i in range(3, rounds):
        keys.append((0xFFFFFFFC & mask) ^ (pattern & 1) ^ keys[i - 3] ^ turned(keys[-1], -3) ^ turned(keys[-1], -4))
        pattern >>= 1
    while True:
        left, right = index >> half, index & mask
        for i in range(0, rounds, 2):
            left ^= turned(right, 1) & turned(right, 8) ^ turned(right, 2) ^ keys[i]
            right ^= turned(left, 1) & turned(left, 8) ^ turned(left, 2) ^ keys[i + 1]
        index = left << half | right
        if index <= most:
            return index


def categories(key: int, counter: tuple[int, int], logits: NDArray, count: int) -> NDArray[np.int64]:
    """[rows, count] classes drawn with softmax(logits [rows, classes]) as probabilities: where uniform numbers fall in
    the sums of the exponentials."""
    out = np.zeros((len(logits), count), np.int64)
    needed = np.arange(-(-len(logits) * count // 2), dtype=np.uint64)
    drawn = _unit(words(key, counter, needed), float64).reshape(-1)
    for row, scores in enumerate(logits.astype(np.float64)):
        finite = np.isfinite(scores)
        sums = np.cumsum(np.where(finite, np.exp(scores - scores[finite].max(initial=-np.inf)), 0))
        out[row] = np.searchsorted(sums, drawn[row * count:(row + 1) * count] * sums[-1], "right")
    return out
