"""Plots: what is drawn is what was given."""
from __future__ import annotations

import sys

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras, plots


@pytest.fixture(autouse=True)
def no_window():
    import matplotlib.pyplot as plt
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_history():
    axes = plots.history({"acc": [0.5, 0.7], "loss": [2.0, 1.0], "val_loss": [3.0, 2.5]})
    assert [a.get_title() for a in axes] == ["loss", "acc"]
    assert [(line.get_label(), list(line.get_ydata())) for line in axes[0].lines] == [
        ("training", [2.0, 1.0]), ("validation", [3.0, 2.5])]
    assert len(plots.history({"loss": [1.0], "mae": [1.0]}, ["mae"])) == 1
    with pytest.raises(ValueError, match=r"expected some of \['loss'\], received \['acc'\]"):
        plots.history({"loss": [1.0]}, ["acc"])


def test_confusion():
    scores = np.eye(3)[[0, 1, 1, 2]]
    place = plots.confusion([0, 1, 2, 2], scores, ["a", "b", "c"])
    shown = {t.get_position()[::-1]: t.get_text() for t in place.texts}
    assert shown == {(0, 0): "1", (1, 1): "1", (2, 1): "1", (2, 2): "1"}
    assert [t.get_text() for t in place.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="3 true classes and 2 predictions"):
        plots.confusion([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match="labels for 2 classes, received 1"):
        plots.confusion([0, 1], [0, 1], ["a"])


def test_weights_and_activations(graph):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 2, name="c"),
                              keras.layers.Flatten(name="f"), keras.layers.Dense(2, name="d")])
    axes = plots.weights(model)
    assert [a.get_title().split("\n")[0] for a in axes] == ["c/kernel", "c/bias", "d/kernel", "d/bias"]
    assert sum(p.get_height() for p in axes[2].patches) == model.weights[2].numpy().size
    x = np.random.default_rng(0).random((2, 4, 4, 1), "float32")
    by_layer = plots.activations(model, x)
    assert [len(a) for a in by_layer] == [3, 1, 1] and by_layer[0][0].get_title() == "c"
    heights = [p.get_height() for p in by_layer[2][0].patches]
    np.testing.assert_allclose(heights, model.predict(x, verbose=0)[0], rtol=1e-5)
    with pytest.raises(ValueError, match="'empty' has no weights"):
        plots.weights(keras.Sequential(name="empty"))


def test_images():
    assert len(plots.images(np.zeros((3, 2, 2)), ["a"])) == 3
    with pytest.raises(ValueError, match=r"received \(3, 2, 2, 5\)"):
        plots.images(np.zeros((3, 2, 2, 5)))


def test_matplotlib_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"graphflow\[notebook\]"):
        tf.plots.images(np.zeros((1, 2, 2)))
