"""Plots that notebooks need: how a training went, what a classifier confuses, what layers hold and put out.

With matplotlib, an extra: pip install graphflow[notebook]. Each function draws on new axes, which it returns, so that
titles and labels can be changed.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def _axes(count: int, columns: int, size: float) -> Any:
    """New axes in rows of at most `columns`, `size` inches wide; those that are not needed are hidden."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("plots need matplotlib: pip install graphflow[notebook]") from None
    columns = min(columns, count)
    rows = -(-count // columns)
    _, axes = plt.subplots(rows, columns, figsize=(size * columns, 0.75 * size * rows), squeeze=False,
                           layout="constrained")
    for unneeded in axes.flat[count:]:
        unneeded.axis("off")
    return axes.flat[:count]


def history(history: Any, metrics: Sequence[str] | None = None) -> Any:
    """One plot for the loss and one for each metric, over epochs, in training and in validation.

    `history` is what `fit` returned, or its dict {name: values}. Raises ValueError for a metric that it does not have.
    """
    values: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    known = sorted((name for name in values if not name.startswith("val_")), key=lambda name: name != "loss")
    unknown = [name for name in metrics or () if name not in known]
    if unknown or not known:
        raise ValueError(f"plots.history: expected some of {known}, received {list(metrics or ())}")
    names = list(metrics or known)
    axes = _axes(len(names), 3, 4.0)
    for place, name in zip(axes, names, strict=True):
        for key, label, style in ((name, "training", "-"), (f"val_{name}", "validation", "--")):
            if key in values:
                place.plot(range(1, len(values[key]) + 1), values[key], style, label=label,
                           marker="o" if len(values[key]) == 1 else None)
        place.set(title=name, xlabel="epoch")
        place.xaxis.get_major_locator().set_params(integer=True)
        place.legend()
    return axes


def confusion(y_true: Any, y_pred: Any, labels: Sequence[str] | None = None) -> Any:
    """How often class i (rows) was taken for class j (columns).

    `y_true` are classes (n,) or one-hot (n, k), `y_pred` classes or scores (n, k). Raises ValueError for lengths that
    differ and for fewer `labels` than classes.
    """
    true, predicted = (a.argmax(-1) if a.ndim > 1 and a.shape[-1] > 1 else a.reshape(-1).astype(int)
                       for a in (np.asarray(y_true), np.asarray(y_pred)))
    if len(true) != len(predicted):
        raise ValueError(f"plots.confusion: {len(true)} true classes and {len(predicted)} predictions")
    count = 1 + int(max(true.max(initial=-1), predicted.max(initial=-1)))
    if labels is not None and len(labels) < count:
        raise ValueError(f"plots.confusion: expected labels for {count} classes, received {len(labels)}")
    shown = list(labels) if labels is not None else [str(i) for i in range(count)]
    table = np.zeros((len(shown), len(shown)), int)
    np.add.at(table, (true, predicted), 1)
    place, = _axes(1, 1, max(4.0, 0.5 * len(shown)))
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    place.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), number in np.ndenumerate(table):
        if number:
            place.text(j, i, str(number), ha="center", va="center", fontsize=9,
                       color="white" if share[i, j] > 0.5 else "black")
    place.set(xlabel="predicted", ylabel="true", xticks=range(len(shown)), yticks=range(len(shown)),
              xticklabels=shown, yticklabels=shown)
    return place


def weights(model: Any) -> Any:
    """A histogram of each weight of a model or layer, with its shape, mean and standard deviation."""
    values = [(getattr(w, "path", w.name).removeprefix(f"{model.name}/"), w.numpy()) for w in model.weights]
    if not values:
        raise ValueError(f"plots.weights: {model.name!r} has no weights: build it first")
    axes = _axes(len(values), 4, 3.2)
    for place, (name, value) in zip(axes, values, strict=True):
        place.hist(value.ravel(), bins=min(40, max(10, value.size // 10)))
        place.locator_params(axis="x", nbins=4)
        place.set_title(f"{name}\n{value.shape}, {value.mean():.2g} \N{PLUS-MINUS SIGN} {value.std():.2g}", fontsize=9)
    return axes


def images(values: Any, titles: Sequence[str] = (), columns: int = 8) -> Any:
    """Arrays (n, height, width) or (n, height, width, 1 or 3) side by side, each from its least to its largest value:
    filters of a convolution, activations of a layer, samples."""
    array = np.asarray(values)
    if array.ndim not in (3, 4) or array.ndim == 4 and array.shape[-1] not in (1, 3):
        raise ValueError("plots.images: expected shape (n, height, width) or (n, height, width, 1 or 3), received "
                         f"{array.shape}")
    axes = _axes(len(array), columns, 1.4)
    for place, image, title in zip(axes, array, [*titles, *[""] * len(array)], strict=False):
        colours = image.ndim == 3 and image.shape[-1] == 3
        low, high = image.min(), image.max()
        place.imshow((image - low) / ((high - low) or 1) if colours else image.squeeze(), cmap="viridis")
        place.set_title(title, fontsize=8)
        place.axis("off")
    return axes


def activations(model: Any, x: Any, most: int = 16) -> list[Any]:
    """What each layer of a model puts out for the first of the samples `x`: images of channels, or bars.

    Returns the axes by layer. Raises ValueError for a model that is not made of connected layers.
    """
    from .keras import Model
    if getattr(model, "_network", None) is None:
        raise ValueError(f"plots.activations: {model.name!r} is not a model of connected layers")
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    values = Model(model.inputs, [layer.output for layer in layers]).predict(np.asarray(x)[:1], verbose=0)
    found = []
    for layer, value in zip(layers, values if isinstance(values, list) else [values], strict=True):
        first = value[0]
        if first.ndim == 3:
            axes = images(first.transpose(2, 0, 1)[:most], [layer.name])
        else:
            axes = _axes(1, 1, 5.0)
            flat = first.reshape(-1)
            axes[0].bar(range(flat.size), flat, width=max(0.8, flat.size / 400))
            axes[0].set_title(layer.name, fontsize=9)
        found.append(axes)
    return found
