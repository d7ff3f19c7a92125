"""Makes the cases of the tables beside it."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from check_op import Case

CASES: dict[str, list[Case]] = {}

SHAPES = ((), (1,), (0,), (7,), (2, 3), (3, 0, 2), (2, 1, 5))
PAIRS = (((), ()), ((3,), ()), ((), (2, 2)), ((2, 3), (3,)), ((4, 1), (1, 3)), ((2, 1, 3), (5, 1)), ((1,), (0,)),
         ((3, 0), (1, 1)), ((17,), (17,)))
F32, F64 = np.float32, np.float64


def case(name: str, build: Callable[..., Any], *inputs: Any, **options: Any) -> None:
    CASES.setdefault(name, []).append(Case(build, tuple(np.asarray(i) for i in inputs), label=name, **options))


def floats(shape: Any, low: float = -2.0, high: float = 2.0, dtype: Any = F32, seed: int = 0) -> np.ndarray:
    """Numbers in [low, high), the same for the same arguments."""
    return np.asarray(np.random.default_rng(seed).uniform(low, high, shape), dtype)


def ints(shape: Any, low: int = -5, high: int = 6, dtype: Any = np.int32, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).integers(low, high, shape), dtype)


def bools(shape: Any, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).integers(0, 2, shape), bool)


def distinct(shape: Any, dtype: Any = F32, seed: int = 0) -> np.ndarray:
    """Numbers at least 0.1 apart, so that finite differences do not change which is the largest."""
    count = math.prod(shape)
    return np.asarray(np.random.default_rng(seed).permutation(count).reshape(shape) * 0.1 - count * 0.04, dtype)
