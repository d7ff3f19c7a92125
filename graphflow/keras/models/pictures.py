"""What a model shows of itself: the graph of its operations, in which each layer is a scope that folds."""
from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from ...compiler.ir import Graph, Operation
from ...drawing import draw, in_terminal, needed
from ..layers.layer import Layer

SUFFIXES = (".svg", ".png", ".pdf", ".html", ".dot")


class Pictured(Layer):
    """Drawings of a model: `svg`, `html`, files, and what a notebook shows."""

    graph: Graph

    def svg(self) -> str:
        """The operations from inputs to outputs as an SVG document. Raises ValueError for a model that is not built."""
        return draw(self).svg()

    def html(self) -> str:
        """A self-contained page on which the model's operations are explored. Raises as `svg`."""
        return draw(self).html()

    def _drawn(self) -> Sequence[Operation]:
        network = getattr(self, "_network", None)
        if network is not None:
            return needed([t.op for t in network.outputs])
        own = [op for op in self.graph.operations if op.name.startswith(f"{self.name}/")] if self.built else []
        read = {before for op in own for before in (*(t.op for t in op.inputs), *op.control_inputs)}
        weights = tuple(f"{w.handle.op.name}/" for w in self.weights)
        ends = [op for op in own if op not in read and op.type not in ("Assign", "VariableV2")
                and not op.name.startswith(weights)]
        if not ends:
            raise ValueError(f"Model {self.name!r} cannot be drawn: it has not been built. Call `build()` or call it "
                             "on a batch of data.")
        return needed(ends)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if in_terminal():
            return {}
        try:
            drawing = draw(self)
        except ValueError:  # not built: its name
            return {}
        return drawing._repr_mimebundle_() | {"text/plain": repr(self)}


def save_picture(model: Pictured, path: Any) -> pathlib.Path | None:
    """Write the drawing if that is what the path's suffix says. Returns the path then, else None."""
    if not isinstance(path, (str, os.PathLike)) or pathlib.Path(path).suffix.lower() not in SUFFIXES:
        return None
    return draw(model).save(path)
