"""Pictures of models by their layers: `plot_model` draws them itself, `model_to_dot` hands them to Graphviz."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from ...drawing.content import LABEL_SIZE, NAME_SIZE, text_width
from ...drawing.scene import Rect, Scene, Text, arranged
from ...whole_files import write_whole
from ..layers.input_spec import shape_of
from ..layers.node import history_of
from ..naming import object_name
from ..nest import flatten, map_structure
from .summary import kind_of

ROW = 24.0  # height of a table's row
SPACE = 22.0  # beside a cell's text
COLOURS = {"head": ("black", "white"), "cell": ("white", "black"), "trainable": ("forestgreen", "white"),
           "frozen": ("firebrick", "white")}
UNBUILT = ("This model has not yet been built. Build the model first by calling `build()` or by calling the model on a "
           "batch of data.")


@dataclass
class _Options:
    """What a layer's table shows."""

    show_shapes: bool
    show_dtype: bool
    show_layer_names: bool
    show_layer_activations: bool
    show_trainable: bool


class _Table:
    """A layer's box: rows of cells (text, what of it is bold in Graphviz, style)."""

    heat = None
    style = "cell"

    def __init__(self, layer: Any, options: _Options):
        kind = kind_of(layer)
        self.label, self.tooltip = layer.name, f"{layer.name} ({kind})"
        named = options.show_layer_names
        self.name = kind
        self.rows = [[(layer.name, f" ({kind})", "head") if named else (kind, "", "head")]]
        activation = getattr(layer, "activation", None)
        if options.show_layer_activations and activation is not None:
            self.rows.append([("Activation: ", object_name(activation), "cell")])
        cells = []
        if options.show_shapes and kind != "InputLayer":
            cells.append(("Input shape: ", _shapes(layer, "input"), "cell"))
        if options.show_shapes:
            cells.append(("Output shape: ", _shapes(layer, "output"), "cell"))
        if options.show_dtype:
            cells.append(("Output dtype: ", _told(layer, "output", lambda t: t.dtype.name), "cell"))
        if options.show_trainable and getattr(layer, "weights", None):
            cells.append(("", "Trainable", "trainable") if layer.trainable else ("", "Non-trainable", "frozen"))
        if cells:
            self.rows.append(cells)

    @property
    def size(self) -> tuple[float, float]:
        widths = [sum(text_width(a + b, LABEL_SIZE * 1.15 if s == "head" else NAME_SIZE) + SPACE for a, b, s in row)
                  for row in self.rows]
        return max(widths), ROW * len(self.rows)

    def shapes(self, x: float, y: float, width: float, height: float) -> Iterator[Rect | Text]:
        """The table as shapes in that rectangle."""
        for i, row in enumerate(self.rows):
            top, left = y + i * ROW, x
            needed = [text_width(a + b, NAME_SIZE) + SPACE for a, b, _ in row]
            for (before, after, style), own in zip(row, needed, strict=True):
                share = width * own / sum(needed)
                yield Rect(style, left, top, share, ROW, 0, self.tooltip)
                yield Text("head" if style != "cell" else "cell", left + share / 2, top + ROW / 2 + 4, before + after)
                left += share

    def html(self) -> str:
        """The table as Graphviz's label."""
        columns = max(len(row) for row in self.rows)
        rows = []
        for row in self.rows:
            span = f' colspan="{columns}"' if len(row) < columns else ""
            cells = []
            for before, after, style in row:
                fill, ink = COLOURS[style]
                size = 16 if style == "head" else 14
                text = f"<b>{escape(before)}</b>{escape(after)}" if style == "head" else (
                    f"{escape(before)}<b>{escape(after)}</b>")
                cells.append(f'<td{span} bgcolor="{fill}"><font point-size="{size}" color="{ink}">{text}</font></td>')
            rows.append(f"<tr>{''.join(cells)}</tr>")
        return f'<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{"".join(rows)}</table>>'


def _told(layer: Any, side: str, tell: Any) -> str:
    try:
        return str(map_structure(tell, getattr(layer, side)))
    except (AttributeError, ValueError):
        return "?"


def _shapes(layer: Any, side: str) -> str:
    return _told(layer, side, shape_of).replace("{", "").replace("}", "")


def _is_sequential(layer: Any) -> bool:
    return hasattr(layer, "_stack")


def _expands(layer: Any) -> bool:
    """Whether it is a model whose layers can be drawn in its place."""
    return bool(getattr(layer, "is_functional", False) or _is_sequential(layer) and layer.built)


def _layers(model: Any) -> list[Any]:
    return list(model.layers if _is_sequential(model) else model.operations)


def _edges(model: Any, expand: bool) -> Iterator[tuple[Any, Any]]:
    """(layer, layer that it feeds), within one model and, where `expand` says so, those within it."""
    layers = _layers(model)
    for layer in layers if expand else ():
        if _expands(layer):
            yield from _edges(layer, expand)
    if _is_sequential(model):
        for before, after in zip(layers, layers[1:], strict=False):
            yield (_last(before, 0), _first(after, 0)) if expand else (before, after)
        return
    network = model._network
    for layer in layers:
        for node in layer._inbound_nodes:
            if node not in network.node_set:
                continue
            for i, tensor in enumerate(node.input_tensors):
                history = history_of(tensor)
                if history is not None and history.operation is not layer:
                    yield (_last(history.operation, history.tensor_index), _first(layer, i)) if expand else (
                        history.operation, layer)


def _last(layer: Any, output: int) -> Any:
    """The layer within a nested model that makes its output."""
    while _expands(layer):
        history = None if _is_sequential(layer) else history_of(flatten(layer.outputs)[output])
        layer, output = (layer.layers[-1], 0) if history is None else (history.operation, history.tensor_index)
    return layer


def _first(layer: Any, position: int) -> Any:
    """The layer within a nested model that takes its input."""
    while _expands(layer):
        history = None if _is_sequential(layer) else history_of(flatten(layer.inputs)[position])
        layer, position = (layer.layers[0], 0) if history is None else (history.operation, 0)
    return layer


def _parts(model: Any, expand: bool) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Layers and the edges between them; of a model that says nothing of its layers itself."""
    if not model.built:
        raise ValueError(UNBUILT)
    if not _expands(model):
        return [model], []
    return _layers(model), list(dict.fromkeys(_edges(model, expand)))


def _scene(model: Any, options: _Options, expand: bool, sideways: bool) -> Scene:
    from ...drawing.content import Node
    from ...drawing.layout import Box, Net  # loads networkx
    root = Box(Node("root", ""))
    where: dict[Any, Box] = {}

    def fill(box: Box, layers: list[Any]) -> None:
        for layer in layers:
            if expand and _expands(layer):
                width = text_width(layer.name, NAME_SIZE) + 24
                fill(box.add(Box(Node("frame", layer.name, tooltip=layer.name), margin=14.0 * sideways,
                                 width=0 if sideways else width)), _layers(layer))
            elif layer not in where:
                table = _Table(layer, options)
                where[layer] = box.add(Box(table, *table.size))

    layers, edges = _parts(model, expand)
    fill(root, layers)
    targets: dict[Any, list[Box]] = {}
    for before, after in edges:
        targets.setdefault(before, []).append(where[after])
    nets = [Net(source.name, where[source], boxes) for source, boxes in targets.items()]
    return arranged(root, nets, {net.key: ("", False) for net in nets}, sideways)


def plot_model(model: Any, to_file: Any = "model.png", show_shapes: bool = False, show_dtype: bool = False,
               show_layer_names: bool = False, rankdir: str = "TB", expand_nested: bool = False, dpi: float = 200,
               show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho",
               **kwargs: Any) -> Any:
    """Draw a model's layers to a file: .svg, or with matplotlib .png (also without a suffix), .pdf, .jpg and others.

    Graphviz is not needed. `rankdir` is "TB" (downwards) or "LR" (to the right), `expand_nested` draws the layers of
    models within the model, `dpi` are dots per inch (96 units of an .svg). `splines` matters to `model_to_dot` alone.
    Returns an image for notebooks where IPython is installed. Raises ValueError for a model that is not built and for
    unknown arguments, ImportError without matplotlib.
    """
    _check(kwargs, rankdir)
    options = _Options(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    scene = _scene(model, options, expand_nested, rankdir == "LR")
    path = os.fspath(to_file)
    kind = os.path.splitext(path)[1][1:].lower() or "png"
    write_whole(path, _render(scene, kind, dpi))
    if kind == "pdf":
        return None
    try:
        from IPython import display
    except ImportError:
        return None
    return display.SVG(filename=path) if kind == "svg" else display.Image(filename=path, format=kind)


def _render(scene: Scene, kind: str, dpi: float) -> bytes:
    if kind == "svg":
        from ...drawing.svg import svg
        return svg(scene).encode()
    from ...drawing.figure import render
    return render(scene, kind, dpi)


def _drawn_here(dot: Any, draw: Callable[[str], bytes]) -> Any:
    """pydot's class, whose pictures `draw` makes where there is no program that does."""
    class Dot(dot):
        def create(self, prog: Any = None, format: str = "ps", encoding: str | None = None) -> bytes:
            try:
                return super().create(prog, format, encoding)
            except FileNotFoundError:
                return draw(format)
    return Dot


def model_to_dot(model: Any, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True,
                 rankdir: str = "TB", expand_nested: bool = False, dpi: float = 200, subgraph: bool = False,
                 show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho",
                 **kwargs: Any) -> Any:
    """A model's layers as a `pydot.Dot` or, as `subgraph`, a `pydot.Cluster`. Arguments as for `plot_model`, which
    draws what `create` and the `write_...` methods give where Graphviz is not installed.

    Raises ImportError without pydot, and what `plot_model` raises.
    """
    _check(kwargs, rankdir)
    if not model.built:
        raise ValueError(UNBUILT)
    try:
        import pydot
    except ImportError:
        raise ImportError("You must install pydot (`pip install graphflow[draw]`) for model_to_dot to work; plot_model "
                          "works without it.") from None
    options = _Options(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)

    def filled(dot: Any, layers: list[Any]) -> Any:
        for layer in layers:
            if expand_nested and _expands(layer):
                dot.add_subgraph(filled(cluster(layer), _layers(layer)))
            else:
                dot.add_node(pydot.Node(str(id(layer)), label=_Table(layer, options).html(), fontname="Helvetica",
                                        border="0", margin="0"))
        return dot

    def cluster(layer: Any) -> Any:
        return pydot.Cluster(graph_name=layer.name, style="dashed", label=layer.name, labeljust="l")

    if subgraph:
        dot = cluster(model)
    else:
        def draw(kind: str) -> bytes:
            return _render(_scene(model, options, expand_nested, rankdir == "LR"), kind, dpi)

        dot = _drawn_here(pydot.Dot, draw)(rankdir=rankdir, concentrate=True, dpi=dpi, splines=splines)
        dot.set_node_defaults(shape="record")
    layers, edges = _parts(model, expand_nested)
    filled(dot, layers)
    for before, after in edges:
        dot.add_edge(pydot.Edge(str(id(before)), str(id(after)), penwidth="2"))
    return dot


def _check(kwargs: dict[str, Any], rankdir: str) -> None:
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError("Argument `layer_range` is no longer supported.")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"plot_model: expected rankdir 'TB' or 'LR', received {rankdir!r}")
