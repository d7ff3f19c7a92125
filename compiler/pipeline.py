"""The compiler's table of contents: the passes, in order."""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .ir import Graph, Operation, Tensor, default_graph
from .opdef import CONTROL
from .passes.affine import affine
from .passes.chain import chain
from .passes.cse import eliminate_common_subexpressions
from .passes.expand import expand
from .passes.fold import fold
from .passes.fuse import fuse
from .passes.invariant import hoist
from .passes.merge_axes import merge_axes
from .passes.order import order
from .passes.prune import prune
from .passes.recompute import recompute
from .passes.recur import recur
from .passes.resolve import resolve
from .passes.rewrite import transform
from .passes.schedule import schedule
from .passes.simplify import simplify
from .passes.sparse import update_rows
from .passes.stabilise import stabilise
from .passes.update import update
from .passes.widen import widen


def compile_subgraphs(graph: Graph) -> Graph:
    """The passes run over the graphs of branches and loops too, up to fusion: loops may still become something else."""
    return _in_subgraphs(graph, lambda inner: _run(PASSES[:PASSES.index(fuse)], inner))


def fuse_subgraphs(graph: Graph) -> Graph:
    return _in_subgraphs(graph, lambda inner: fuse_subgraphs(prune(fuse(inner))))


def _in_subgraphs(graph: Graph, change: Callable[[Graph], Graph]) -> Graph:
    def rule(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
        if op.definition.family != CONTROL:
            return None
        inner = {k: change(v) for k, v in op.attrs.items() if isinstance(v, Graph)}
        new = default_graph()
        copy = new.append(op, inputs, new._control_stack)
        copy.attrs = {**op.attrs, **inner}
        return copy.outputs

    return transform(graph, rule) if any(op.definition.family == CONTROL for op in graph.operations) else graph


PASSES: list[Callable[[Graph], Graph]] = [
    compile_subgraphs,
    update,
    stabilise,
    expand,
    resolve,
    widen,
    fold,
    simplify,
    recur,
    hoist,
    eliminate_common_subexpressions,
    update_rows,
    merge_axes,
    simplify,
    affine,
    recompute,
    prune,
    order,
    fuse,
    prune,
    fuse_subgraphs,
    chain,
    schedule,
]


class Stage(NamedTuple):
    """A graph after a pass, and the seconds that the pass took."""

    name: str
    graph: Graph
    seconds: float


def compile_graph(graph: Graph, stages: list[Stage] | None = None) -> Graph:
    """Run the passes over a specialised graph. `stages`, if given, collects the graph after each."""
    return _run(PASSES, graph, stages)


def _run(passes: Sequence[Callable[[Graph], Graph]], graph: Graph, stages: list[Stage] | None = None) -> Graph:
    for run_pass in passes:
        start = time.perf_counter()
        graph = run_pass(graph)
        if stages is not None:
            stages.append(Stage(run_pass.__name__, graph, time.perf_counter() - start))
    return graph
