"""Group normalization against NumPy: its rows of all channels, and channels that are not the last axis."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf


@pytest.mark.parametrize(("shape", "groups", "axis", "dtype"), [
    ((2, 5, 7, 33), 3, -1, "float64"), ((1, 4, 4, 64), 8, -1, "float32"), ((2, 9, 33), 3, -1, "float32"),
    ((2, 3, 4, 5, 16), 16, -1, "float32"), ((3, 6, 4, 4), 3, 1, "float32"), ((2, 4, 6, 5), 3, 2, "float32"),
    ((5, 12), 4, -1, "float32"),
])
def test_output_and_gradient(shape: tuple[int, ...], groups: int, axis: int, dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, seed = rng.standard_normal((2, *shape)).astype(dtype)
    with gf.Graph().as_default():
        fed = gf.placeholder(dtype, (None, *shape[1:]))
        y = gf.keras.layers.GroupNormalization(groups, axis=axis, dtype=dtype)(fed)
        with gf.Session() as session:
            session.run(gf.global_variables_initializer())
            results = session.run([y, *gf.gradients(y, [fed], gf.constant(seed))], {fed: x})

    def grouped(a: np.ndarray) -> np.ndarray:
        a = np.moveaxis(a, axis, -1).astype("float64")
        return a.reshape(shape[0], -1, groups, shape[axis] // groups)

    def mean(a: np.ndarray) -> np.ndarray:
        return a.mean((1, 3), keepdims=True)

    g, centred = grouped(seed), grouped(x) - mean(grouped(x))
    factor = (mean(centred ** 2) + 1e-3) ** -0.5
    normal = centred * factor
    for result, expected in zip(results, (normal, (g - mean(g) - normal * mean(g * normal)) * factor), strict=True):
        np.testing.assert_allclose(grouped(result), expected, atol=1e-12 if dtype == "float64" else 3e-6)
