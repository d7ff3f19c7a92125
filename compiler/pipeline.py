"""The compiler's table of contents: the passes, in order."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from .ir import Graph
from .passes.cse import eliminate_common_subexpressions
from .passes.expand import expand
from .passes.fold import fold
from .passes.fuse import fuse
from .passes.order import order
from .passes.prune import prune
from .passes.resolve import resolve
from .passes.simplify import simplify
from .passes.stabilise import stabilise
from .passes.update import update

PASSES: list[Callable[[Graph], Graph]] = [
    update,
    stabilise,
    expand,
    resolve,
    fold,
    simplify,
    eliminate_common_subexpressions,
    simplify,
    prune,
    order,
    fuse,
    prune,
]


class Stage(NamedTuple):
    """A graph after a pass, and the seconds that the pass took."""

    name: str
    graph: Graph
    seconds: float


def compile_graph(graph: Graph, stages: list[Stage] | None = None) -> Graph:
    """Run the passes over a specialised graph. `stages`, if given, collects the graph after each."""
    for run_pass in PASSES:
        start = time.perf_counter()
        graph = run_pass(graph)
        if stages is not None:
            stages.append(Stage(run_pass.__name__, graph, time.perf_counter() - start))
    return graph
