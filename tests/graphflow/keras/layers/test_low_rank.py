"""Low-rank adaptation of layers: numbers of Keras 3.15."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphflow import keras

L = keras.layers


def rising(step: float) -> Any:
    return lambda shape, dtype=None: ((np.arange(np.prod(shape)).reshape(shape) + 1) * step).astype(np.float32)


X = np.arange(6, dtype=np.float32).reshape(2, 3) / 10
CASES = [
    (lambda: L.Dense(2, kernel_initializer=rising(0.1)), X, "kernel", [[0.13549, 0.1681], [0.41764, 0.54592]],
     [[0.15004, 0.18106], [0.43255, 0.55925]]),
    (lambda: L.EinsumDense("ab,bcd->acd", (1, 2), bias_axes="d", kernel_initializer=rising(0.1)), X, "kernel",
     [[[0.13549, 0.1681]], [[0.41764, 0.54592]]], [[[0.15004, 0.18106]], [[0.43255, 0.55925]]]),
    (lambda: L.Embedding(4, 2, embeddings_initializer=rising(0.1)), np.array([[1, 3]], np.int32), "embeddings",
     [[[0.3135, 0.4198], [0.7279, 0.8414]]], [[[0.3141, 0.42044], [0.72861, 0.84198]]]),
]


@pytest.mark.parametrize(("make", "x", "weight", "before", "after"), CASES, ids=["dense", "einsum", "embedding"])
def test_adapted_layers(make: Any, x: np.ndarray, weight: str, before: Any, after: Any, tmp_path: Path) -> None:
    def model() -> Any:
        return keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), make()])

    adapted = model()
    layer = adapted.layers[-1]
    layer.enable_lora(2, lora_alpha=3.0, a_initializer=rising(0.02), b_initializer=rising(0.03))
    with pytest.raises(ValueError, match="already enabled"):
        layer.enable_lora(2)
    assert [w.name for w in layer.trainable_weights][-2:] == [f"lora_{weight}_a", f"lora_{weight}_b"]
    assert [w.name for w in layer.non_trainable_weights] == [layer.weights[0].name] == [weight]
    assert (layer.get_config()["lora_rank"], layer.get_config()["lora_alpha"]) == (2, 3.0)
    adapted.compile("sgd", "mse")
    np.testing.assert_allclose(adapted.predict(x, verbose=0), before, rtol=1e-4)
    adapted.fit(x, np.ones_like(before), epochs=2, verbose=0)
    np.testing.assert_allclose(adapted.predict(x, verbose=0), after, rtol=1e-4)
    path = tmp_path / "m.weights.h5"
    adapted.save_weights(path)
    plain = model()
    for reader in (plain, adapted):  # the file holds the sum
        reader.load_weights(path)
        np.testing.assert_allclose(reader.predict(x, verbose=0), after, rtol=1e-4)


def test_adapted_when_built() -> None:
    layer = L.Dense(2, lora_rank=1)
    with pytest.raises(ValueError, match="isn't yet built"):
        layer.enable_lora(1)
    layer.build((None, 3))
    assert layer.lora_enabled and layer.lora_kernel_a.shape == (3, 1)
    constrained = L.Embedding(4, 2, embeddings_constraint="non_neg")
    with pytest.raises(ValueError, match="incompatible with embedding constraints"):
        constrained.enable_lora(1)


def test_einsum_with_axes_left_out_on_the_right() -> None:
    layer = L.EinsumDense("ab...,bc->ac...", 4, bias_axes="c")
    assert layer.compute_output_shape((2, 3, 5)) == (2, 4, 5)
    assert [w.shape for w in layer.weights] == [(3, 4), (4, 1)]
