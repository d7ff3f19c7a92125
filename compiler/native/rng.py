"""Counter-based random numbers for generated kernels: the intrinsics of `compiler.rng_reference`, which documents them.

Each takes (key, stream, index) as int64 (or uint64) and depends on nothing else, so it vectorises over the index and
gives the same numbers on any number of threads. What depends on key and stream alone is hoisted out of the loop.
"""
from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

from llvmlite import ir
from numba import types

from ..rng_reference import GOLDEN, MIX, MULTIPLIER, ROUNDS, WEYL, WITHIN_TWO
from .exponential import clamp, log_positive
from .expression import (
    DOUBLE,
    I32,
    SINGLE,
    Value,
    fma,
    horner,
    overloaded,
    round_to_integer,
    sqrt,
    use_full_vectors,
)
from .trigonometric import in_quadrant, sin_cos

LOW_WORD = 0xFFFFFFFF
# z / y, z = sqrt(2) erfinv(y), in -log(1 - y**2), |z| <= 2; errors 2**-28 and 2**-58
TRUNCATED = (
    (1.2533141327511845, 0.32811712906039, 0.016330934774840104, -0.0032945451030436932, -0.0001937953465902711,
     7.688124699033759e-05, -2.0580755433534073e-06, -5.242403271605205e-07),
    (1.2533141373155003, 0.32811687386921845, 0.016333236146956368, -0.0033023324102981894, -0.00018108056955983264,
     6.591856114469797e-05, 2.8566011958437813e-06, -1.431762179185976e-06, -5.306511100081326e-08,
     3.260235066495511e-08, 7.567809287523968e-10, -5.479584460885791e-10, -1.1109811493163659e-10,
     4.5749097783751407e-11, -5.484447855694917e-12, 2.437959116360209e-13),
)


def _mix(x: Value) -> Value:
    x = (x ^ (x >> 30)) * MIX[0]
    x = (x ^ (x >> 27)) * MIX[1]
    return x ^ (x >> 31)


def _words(key: Value, stream: Value, index: Value) -> tuple[Value, Value]:
    """Two random 32-bit words, each in an i64: LLVM multiplies such lanes with one instruction."""
    use_full_vectors(key.builder)
    state = _mix(_mix(key) + stream)
    counter = index ^ _mix(state + GOLDEN)
    round_key = state >> 32
    left, right = counter & LOW_WORD, counter >> 32
    for _ in range(ROUNDS):
        product = left * MULTIPLIER
        left, right = (product >> 32) ^ round_key ^ right, product & LOW_WORD
        round_key = (round_key + WEYL) & LOW_WORD
    return left, right


def _exact_float(word: Value) -> Value:
    """float64 of an i64 below 2**52, without AVX-512's conversion."""
    magic = Value(word.builder, ir.Constant(DOUBLE, 2.0 ** 52))
    return (word | magic.bits()).as_float(magic) - magic


def _uniform(words: tuple[Value, Value], target: Any) -> Value:
    first, second = words
    if target == SINGLE:
        return (first >> 8).convert("trunc", I32).convert("sitofp", SINGLE) * 2.0 ** -24
    return fma(_exact_float(first), 2.0 ** -32, _exact_float(second >> 11) * 2.0 ** -53)


def _normal(words: tuple[Value, Value], target: Any) -> Value:
    first, second = (word.convert("trunc", I32) for word in words)
    uniform = (first.convert("uitofp", target) + 0.5) * 2.0 ** -32
    turns, n = round_to_integer(angle := second.convert("sitofp", target) * 2.0 ** -32, 4.0)
    r = fma(angle, 4.0, -turns) * (pi / 2)
    return sqrt(log_positive(uniform) * -2.0) * in_quadrant(*sin_cos(r), n + 1)


def _truncated_normal(words: tuple[Value, Value], target: Any) -> Value:
    first, second = words
    if target == SINGLE:
        odd = (((first >> 8) << 1) - (2 ** 24 - 1)).convert("trunc", I32).convert("sitofp", SINGLE)
        y = odd * (WITHIN_TWO * 2.0 ** -24)
    else:
        centred = fma(_exact_float(first), 2.0 ** 21, _exact_float(second >> 12) * 2.0) - (2.0 ** 52 - 1.0)
        y = centred * (WITHIN_TWO * 2.0 ** -52)
    logarithm = log_positive(fma(-y, y, 1.0))
    return clamp(y * horner(-logarithm, y.pick(*TRUNCATED)), -2.0, 2.0)


def _source(name: str, result: Any, formula: Callable[..., Value]) -> Any:
    """The intrinsic (key, stream, index) -> result."""
    def of(key: Any, stream: Any, index: Any) -> Any:
        integers = all(isinstance(types.unliteral(argument), types.Integer) for argument in (key, stream, index))
        return (result, (types.int64,) * 3, lambda *address: formula(_words(*address))) if integers else None

    of.__name__, of.__doc__ = name, f"As in compiler.rng_reference; gives {result}."
    return overloaded(of)


random_bits = _source("random_bits", types.uint64, lambda words: words[0] | words[1] << 32)  # the first in the low half
random_uniform_f32 = _source("random_uniform_f32", types.float32, lambda words: _uniform(words, SINGLE))
random_uniform_f64 = _source("random_uniform_f64", types.float64, lambda words: _uniform(words, DOUBLE))
random_normal_f32 = _source("random_normal_f32", types.float32, lambda words: _normal(words, SINGLE))
random_normal_f64 = _source("random_normal_f64", types.float64, lambda words: _normal(words, DOUBLE))
random_truncated_normal_f32 = _source(
    "random_truncated_normal_f32", types.float32, lambda words: _truncated_normal(words, SINGLE))
random_truncated_normal_f64 = _source(
    "random_truncated_normal_f64", types.float64, lambda words: _truncated_normal(words, DOUBLE))


def _high_product(first: Value, second: Value, factor: Value) -> Value:
    """High 64 bits of (2**32 first + second) * factor, from products of 32-bit halves, which vectorise."""
    high, low = factor >> 32, factor & LOW_WORD
    top, cross, bottom = first * low, second * high, second * low
    carry = (bottom >> 32) + (cross & LOW_WORD) + (top & LOW_WORD)
    return first * high + (cross >> 32) + (top >> 32) + (carry >> 32)


def _integer(name: str, result: Any) -> Any:
    def formula(key: Value, stream: Value, index: Value, low: Value, high: Value) -> Value:
        value = low + _high_product(*_words(key, stream, index), high - low)
        return value if result == types.int64 else value.convert("trunc", I32)

    def of(key: Any, stream: Any, index: Any, low: Any, high: Any) -> Any:
        integers = all(isinstance(types.unliteral(a), types.Integer) for a in (key, stream, index, low, high))
        return (result, (types.int64,) * 5, formula) if integers else None

    of.__name__, of.__doc__ = name, f"As in compiler.rng_reference; gives {result} in [low, high), high > low."
    return overloaded(of)


random_int_i32 = _integer("random_int_i32", types.int32)
random_int_i64 = _integer("random_int_i64", types.int64)

__all__ = [
    "random_bits", "random_int_i32", "random_int_i64", "random_normal_f32", "random_normal_f64",
    "random_truncated_normal_f32", "random_truncated_normal_f64", "random_uniform_f32", "random_uniform_f64",
]
