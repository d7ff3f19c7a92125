"""`model.summary()`, drawn as Keras 3 draws it."""
from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..layers.input_spec import shape_of
from ..layers.layer import map_shapes
from ..layers.node import history_of
from ..nest import map_structure
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
    """The shape of the layer's last outputs; of a layer that only ran within others what its input's shape gives."""
    if layer._inbound_nodes:
        shapes = map_structure(shape_of, layer._inbound_nodes[-1].outputs)
    elif layer._build_shapes is None:
        return "?"
    else:
        try:
            shapes = layer.compute_output_shape(*layer._build_shapes.values())
        except (NotImplementedError, TypeError, ValueError):
            return "?"
    flat: list[str] = []
    map_shapes(lambda shape: flat.append(_as_text(shape)), shapes)
    return flat[0] if len(flat) == 1 else str(map_shapes(_as_text, shapes)).replace("'", "")


def _as_text(shape: Any) -> str:
    return f"({', '.join(str(d) for d in shape)})"


class _Table:
    """The columns of a model's table. One that is no chain of layers shows what each is connected to."""

    def __init__(self, model: Any, expand: bool, trainable: bool):
        self.model, self.expand, self.trainable = model, expand, trainable
        network = model._network if getattr(model, "is_functional", False) and not hasattr(model, "_stack") else None
        self.nodes = None if network is None or _is_chain(network, model.layers) else network.node_set
        self.layers: Sequence[Any] = model.layers if network is None else network.operations
        self.header, self.align = ["Layer (type)", "Output Shape", "Param #"], ["<", "<", ">"]
        self.positions, self.length = [0.45, 0.80, 1.0], 88
        if self.nodes is not None:
            self.header, self.align = [*self.header, "Connected to"], [*self.align, "<"]
            self.positions, self.length = [0.3, 0.56, 0.74, 1.0], 108

    def widths(self, line_length: int | None, positions: Sequence[float] | None) -> list[int]:
        """The width of each column's text. Raises ValueError where there is no room for one."""
        fractions, total = list(positions or self.positions), self.length
        if self.trainable:
            self.header, self.align = [*self.header, "Trainable"], [*self.align, "^"]
            fractions, total = [p * 0.9 for p in fractions] + [1.0], total + 12
        length = line_length or max(min(total, shutil.get_terminal_size().columns - 4), 40)
        ends = [int(p * length) for p in fractions]
        widths = [b - a + 2 for a, b in zip([0, *ends[:-1]], ends, strict=True)]  # with a space on both sides
        if min(widths) < 6:
            raise ValueError("Insufficient console width to print summary.")
        excess = sum(widths) + len(widths) + 1 - length
        for i, width in enumerate(widths):  # the borders and spaces are taken from all columns alike
            share = round(excess / (len(widths) - i))
            widths[i], excess = width - share - 2, excess - share
        return widths

    def rows(self, layer: Any, depth: int = 0) -> list[list[str]]:
        """The cells of a layer, and of those within it."""
        prefix = "   " * depth + "└ " if depth else ""
        row = [f"{prefix}{layer.name} ({kind_of(layer)})", _shown_shape(layer),
               f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"]
        if self.nodes is not None:
            row.append(_connections(layer, self.nodes))
        if self.trainable:
            row.append(("Y" if layer.trainable else "N") if layer.weights else "-")
        inner = getattr(layer, "layers", []) if self.expand else []
        return [row, *(r for sub in inner for r in self.rows(sub, depth + 1))]


def kind_of(layer: Any) -> str:
    """The class; of an operation of the graph the name that it has, as a class."""
    if not getattr(layer, "is_operation", False):
        return type(layer).__name__
    return "".join(part.capitalize() for part in re.sub(r"_\d+$", "", layer.name).split("_"))


def _is_chain(network: Any, layers: Sequence[Any]) -> bool:
    """Whether each call follows from the one before, and no layer is called twice."""
    inputs = [t for node in network.nodes for t in node.input_tensors]
    calls = [sum(n in network.node_set for n in layer._inbound_nodes) for layer in layers]
    parents = [p for node in network.nodes for p in node.parent_nodes if p in network.node_set]
    return len(network.inputs) == 1 and max(calls, default=1) == 1 and len(set(parents)) == len(parents) and (
        len(inputs) == len(parents)) and all(len(node.input_tensors) <= 1 for node in network.nodes)


def _connections(layer: Any, nodes: set[Any]) -> str:
    found = [f"{h.operation.name}[{h.node_index}][{h.tensor_index}]" for node in layer._inbound_nodes if node in nodes
             for t in node.input_tensors if (h := history_of(t)) is not None]
    return ", ".join(found) or "-"


def print_summary(model: Any, line_length: int | None = None, positions: Sequence[float] | None = None,
                  print_fn: Any = None, expand_nested: bool = False, show_trainable: bool = False,
                  layer_range: Any = None) -> None:
    """Print the table, or hand it to `print_fn`. `positions` are the ends of the columns as parts of a line.

    Raises ValueError for lines that are too short and for a `layer_range` that no layers match.
    """
    table = _Table(model, expand_nested, show_trainable)
    widths = table.widths(line_length, positions)
    lines = [f'Model: "{model.name}"', _rule("top", widths), *_cells(table.header, widths, table.align, "┃"),
             _rule("head", widths)]
    rows = [row for layer in _ranged(table.layers, layer_range) for row in table.rows(layer)]
    for i, row in enumerate(rows):
        lines += [_rule("row", widths)] * (i > 0) + _cells(row, widths, table.align, "│")
    lines.append(_rule("bottom", widths))
    trained, frozen = model.trainable_weights, model.non_trainable_weights
    used = model.compiled and model.optimizer is not None and model.optimizer.built
    optimizer = model.optimizer.variables if used else []
    for what, weights in (("Total", [*trained, *frozen, *optimizer]), ("Trainable", trained),
                          ("Non-trainable", frozen), *([("Optimizer", optimizer)] if optimizer else [])):
        lines.append(f" {what} params: {count_params(weights):,} ({memory_size(weights)})")
    text = "\n".join(lines)
    if print_fn is None:
        print_message(text)
    else:
        print_fn(text + "\n")


def _ranged(layers: Sequence[Any], names: Any) -> Sequence[Any]:
    if names is None:
        return layers
    if len(names) != 2:
        raise ValueError("layer_range must be a list or tuple of length 2. Received: "
                         f"layer_range = {names} of length {len(names)}")
    if not all(isinstance(n, str) for n in names):
        raise ValueError(f"layer_range should contain string type only. Received: {names}")
    found = [[i for i, layer in enumerate(layers) if re.match(n, layer.name)] for n in names]
    if not found[0] or not found[1]:
        raise ValueError(f"Passed layer_names do not match the layer names in the model. Received: {names}")
    first, last = min(found[0]), max(found[1])
    return layers[first:last + 1] if first <= last else layers[min(found[1]):max(found[0]) + 1]


def _rule(kind: str, widths: Sequence[int]) -> str:
    left, line, cross, right = tuple(RULES[kind])
    return left + cross.join(line * (w + 2) for w in widths) + right


def _cells(texts: Sequence[str], widths: Sequence[int], align: Sequence[str], bar: str) -> list[str]:
    wrapped = [[line if len(line) <= w else f"{line[:w - 1]}…" for line in textwrap.wrap(
        t, w, break_long_words=False, break_on_hyphens=False)] or [""] for t, w in zip(texts, widths, strict=True)]
    height = max(len(w) for w in wrapped)
    return [bar + bar.join(f" {(w[i] if i < len(w) else ''):{a}{n}} "
                           for w, n, a in zip(wrapped, widths, align, strict=True)) + bar for i in range(height)]
