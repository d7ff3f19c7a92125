"""Random numbers: Philox's published answers, native against reference, and the distributions, all at fixed seeds."""
from __future__ import annotations

import math

import numpy as np
import pytest
from elementwise_loops import evaluate, evaluate_all
from graphflow.compiler import rng_reference

KEY, STREAM = 0x1A2B3C4D5E6F7081, 3
COUNT = 200_000
INDEX = np.arange(COUNT)
FAR = np.array([0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 5, 2 ** 62])
DISTRIBUTIONS = ["random_uniform", "random_normal", "random_truncated_normal"]
TYPES = {"f32": "f4", "f64": "f8"}


def draw(name: str, dtype: str, index: np.ndarray = INDEX, key: int = KEY, stream: int = STREAM) -> np.ndarray:
    return evaluate(f"{name}(n0, n1, x)", dtype, index, sizes=(key, stream))


def distance(sample: np.ndarray, distribution) -> float:
    """Kolmogorov and Smirnov's statistic, scaled: above 2.2 once in 10,000 samples."""
    ordered = np.sort(sample.astype("f8"))
    steps = np.arange(ordered.size + 1) / ordered.size
    exact = distribution(ordered)
    return max(np.abs(exact - steps[1:]).max(), np.abs(exact - steps[:-1]).max()) * math.sqrt(ordered.size)


def normal_distribution(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))


@pytest.mark.parametrize("counter, key, expected", [
    (0, 0, (0xFF1DAE59, 0x6CD10DF2)),
    (2 ** 64 - 1, 2 ** 32 - 1, (0x2C3F628B, 0xAB4FD7AD)),
    (0x85A308D3243F6A88, 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
])
def test_known_answers(counter, key, expected):
    """Random123's kat_vectors for philox2x32 with 10 rounds."""
    words = rng_reference.philox2x32(np.array([counter], np.uint64), np.array([key], np.uint64))
    assert tuple(int(word[0]) for word in words) == expected


@pytest.mark.parametrize("key, stream", [(KEY, STREAM), (0, 0), (-1, 2 ** 40), (-(2 ** 63), 2 ** 63 - 1)])
def test_bits_equal_the_reference(key, stream):
    index = np.concatenate([INDEX[:1000], FAR])
    words = evaluate_all(["u32(random_bits(n0, n1, x))", "u32(random_bits(n0, n1, x) >> 32)"], ["u4", "u4"], index,
                         sizes=(key, stream))
    for word, expected in zip(words, rng_reference.random_bits(key, stream, index), strict=True):
        np.testing.assert_array_equal(word, expected)


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_floats_equal_the_reference(name, code):
    index = np.concatenate([INDEX[:20_000], FAR])
    result = draw(f"{name}_{code}", TYPES[code], index)
    expected = getattr(rng_reference, f"{name}_{code}")(KEY, STREAM, index)
    assert result.dtype == expected.dtype
    tolerance = 0 if name == "random_uniform" else 1e-5 if code == "f32" else 1e-13
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("code, low, high", [
    ("i32", 0, 10), ("i32", -5, 6), ("i32", -(2 ** 31), 2 ** 31), ("i64", 0, 10), ("i64", -(2 ** 40), 2 ** 50),
    ("i64", -(2 ** 63), 2 ** 63 - 1),
])
def test_integers_equal_the_reference(code, low, high):
    dtype = "i" + str(int(code[1:]) // 8)
    index = np.concatenate([INDEX[:2000], FAR])
    bounds = [np.full(index.shape, bound) for bound in (low, high)]
    result = evaluate(f"random_int_{code}(n0, n1, x, y, z)", dtype, index, *bounds, sizes=(KEY, STREAM))
    np.testing.assert_array_equal(result, getattr(rng_reference, f"random_int_{code}")(KEY, STREAM, index, low, high))
    assert result.min() >= low and result.max() < high


def test_elements_do_not_depend_on_the_range_they_are_drawn_in():
    whole = draw("random_normal_f32", "f4", INDEX[:1000])
    np.testing.assert_array_equal(draw("random_normal_f32", "f4", INDEX[500:1000]), whole[500:])


@pytest.mark.parametrize("code", TYPES)
def test_uniform_distribution(code):
    u = draw(f"random_uniform_{code}", TYPES[code])
    assert u.min() >= 0 and u.max() < 1
    assert distance(u, lambda x: x) < 2.2
    pairs = np.histogram2d(u[::2], u[1::2], bins=16, range=[[0, 1], [0, 1]])[0]
    expected = COUNT / 2 / 256
    assert abs(((pairs - expected) ** 2 / expected).sum() - 255) < 4 * math.sqrt(2 * 255)


@pytest.mark.parametrize("code", TYPES)
def test_normal_distribution(code):
    z = draw(f"random_normal_{code}", TYPES[code]).astype("f8")
    assert distance(z, normal_distribution) < 2.2
    assert abs(z.mean()) < 4 / math.sqrt(COUNT) and abs(z.var() - 1) < 4 * math.sqrt(2 / COUNT)
    assert abs((z ** 4).mean() - 3) < 4 * math.sqrt(96 / COUNT)
    tail = (np.abs(z) > 3).mean()
    assert abs(tail - 0.0026998) < 4 * math.sqrt(0.0027 / COUNT)


@pytest.mark.parametrize("code", TYPES)
def test_truncated_normal_distribution(code):
    z = draw(f"random_truncated_normal_{code}", TYPES[code])
    edge = normal_distribution(np.array([-2.0]))[0]
    assert np.abs(z).max() <= 2 and np.abs(z).max() > 1.999
    assert distance(z, lambda x: (normal_distribution(x) - edge) / (1 - 2 * edge)) < 2.2


def test_integer_distribution():
    values = rng_reference.random_int_i32(KEY, STREAM, INDEX, -3, 4)
    counts = np.bincount(values + 3, minlength=7)
    expected = COUNT / 7
    assert counts.size == 7 and ((counts - expected) ** 2 / expected).sum() < 27.9  # 1 in 10,000 at 6 degrees


def test_keys_and_streams_are_independent():
    """Neighbouring keys, streams and blocks of 2**32 elements: uncorrelated, and no value at the same place."""
    draws = [rng_reference.random_uniform_f64(key, stream, INDEX + start)
             for key, stream, start in ((KEY, 3, 0), (KEY + 1, 3, 0), (KEY, 4, 0), (KEY, 3, 2 ** 32), (3, KEY, 0))]
    correlation = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(correlation).max() < 4.5 / math.sqrt(COUNT)
    assert np.unique(np.concatenate(draws)).size > len(draws) * COUNT - 10


def test_elements_are_uncorrelated_with_their_neighbours():
    z = draw("random_normal_f32", "f4").astype("f8")
    for lag in (1, 2, 8, 64, 1024):
        assert abs((z[lag:] * z[:-lag]).mean()) < 4.5 / math.sqrt(COUNT), lag
