"""`model.summary()`, drawn as Keras 3 draws it."""
from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from .progbar import print_message

RULES = {"top": "┏━┳┓", "head": "┡━╇┩", "row": "├─┼┤", "bottom": "└─┴┘"}


def count_params(weights: Sequence[Any]) -> int:
    return sum(int(np.prod(w.shape)) for w in weights)


def memory_size(weights: Sequence[Any]) -> str:
    """The size of the weights, such as "1.33 MB"."""
    size = float(sum(int(np.prod(w.shape)) * w.dtype.size for w in weights))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024
    raise AssertionError


def _shown_shape(layer: Any) -> str:
    try:
        shape = layer.output_shape
    except AttributeError:
        return "?"
    return str(shape).replace("'", "") if not isinstance(shape, tuple) else f"({', '.join(str(d) for d in shape)})"


def print_summary(model: Any, line_length: int | None = None, positions: Sequence[float] | None = None,
                  print_fn: Any = None, expand_nested: bool = False, show_trainable: bool = False,
                  layer_range: Any = None) -> None:
    """Print the table, or hand it to `print_fn`."""
    header, align = ["Layer (type)", "Output Shape", "Param #"], ["<", "<", ">"]
    fractions = list(positions or [0.45, 0.80, 1.0])
    total_length = 88
    if show_trainable:
        header, align = [*header, "Trainable"], [*align, "^"]
        fractions = [p * 0.9 for p in fractions] + [1.0]
        total_length += 12
    length = line_length or max(min(total_length, shutil.get_terminal_size((92, 24)).columns - 4), 40)
    ends = [int(p * length) for p in fractions]
    widths = [max(b - a - 3, 4) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    widths[-1] = max(widths[-1] - 1, 4)
    lines = [f'Model: "{model.name}"', _rule("top", widths), *_cells(header, widths, align, "┃"),
             _rule("head", widths)]
    rows = [row for layer in _ranged(model.layers, layer_range)
            for row in _rows(layer, 0, expand_nested, show_trainable)]
    for i, row in enumerate(rows):
        lines += _cells(row, widths, align, "│")
        lines.append(_rule("bottom" if i == len(rows) - 1 else "row", widths))
    trained, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = model.optimizer.variables if model.compiled and model.optimizer.built else []
    for what, weights in (("Total", [*trained, *frozen, *optimizer]), ("Trainable", trained),
                          ("Non-trainable", frozen), *([("Optimizer", optimizer)] if optimizer else [])):
        lines.append(f" {what} params: {count_params(weights):,} ({memory_size(weights)})")
    text = "\n".join(lines)
    if print_fn is None:
        print_message(text)
    else:
        print_fn(text)


def _rows(layer: Any, depth: int, expand: bool, trainable: bool) -> list[list[str]]:
    prefix = "   " * depth + "└ " if depth else ""
    params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    row = [f"{prefix}{layer.name} ({type(layer).__name__})", _shown_shape(layer), params]
    if trainable:
        row.append(("Y" if layer.trainable else "N") if layer.built and layer.weights else "-")
    inner = getattr(layer, "layers", []) if expand else []
    return [row, *(r for sub in inner for r in _rows(sub, depth + 1, expand, trainable))]


def _ranged(layers: Sequence[Any], names: Any) -> Sequence[Any]:
    if names is None:
        return layers
    first, last = names
    found = [[i for i, layer in enumerate(layers) if re.match(n, layer.name)] for n in (first, last)]
    if not found[0] or not found[1]:
        raise ValueError(f"Passed layer names do not match the layers of the model. Received: {names}")
    return layers[min(found[0]):max(found[1]) + 1]


def _rule(kind: str, widths: Sequence[int]) -> str:
    left, line, cross, right = tuple(RULES[kind])
    return left + cross.join(line * (w + 2) for w in widths) + right


def _cells(texts: Sequence[str], widths: Sequence[int], align: Sequence[str], bar: str) -> list[str]:
    wrapped = [textwrap.wrap(t, w) or [""] for t, w in zip(texts, widths, strict=True)]
    height = max(len(w) for w in wrapped)
    return [bar + bar.join(f" {(w[i] if i < len(w) else ''):{a}{n}} "
                           for w, n, a in zip(wrapped, widths, align, strict=True)) + bar for i in range(height)]
