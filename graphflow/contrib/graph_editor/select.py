"""Which operations and tensors of a graph: by name, by filters, and on ways between them."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...compiler.ir import Graph, Operation, Tensor

__all__ = ["compute_boundary_ts", "filter_ops", "filter_ops_from_regex", "filter_ts", "filter_ts_from_regex",
           "get_backward_walk_ops", "get_consuming_ops", "get_forward_walk_ops", "get_generating_ops",
           "get_name_scope_ops", "get_ops_ios", "get_tensors", "get_walks_intersection_ops", "get_walks_union_ops",
           "get_within_boundary_ops", "make_list_of_op", "make_list_of_t", "make_regex", "select_ops",
           "select_ops_and_ts", "select_ts"]


def _listed(value: Any) -> list[Any]:
    """A graph's, view's or nest's elements, variables as their tensors."""
    if isinstance(value, Graph):
        return list(value.operations)
    if hasattr(value, "ops") and hasattr(value, "inputs"):
        return list(value.ops)
    if isinstance(value, (Operation, Tensor)):
        return [value]
    if hasattr(value, "_as_graph_element"):
        return [value._as_graph_element()]
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [element for part in value for element in _listed(part)]
    raise TypeError(f"Expected operations or tensors, got: {type(value)}")


def make_list_of_op(ops: Any, check_graph: bool = True, allow_graph: bool = True, ignore_ts: bool = False
                    ) -> list[Operation]:
    """Operations as a list. Raises TypeError for tensors among them, unless `ignore_ts`."""
    found = _listed(ops)
    if not ignore_ts and any(not isinstance(op, Operation) for op in found):
        raise TypeError("Expected a tf.Operation, got a tensor")
    return [op for op in found if isinstance(op, Operation)]


def make_list_of_t(ts: Any, check_graph: bool = True, allow_graph: bool = True, ignore_ops: bool = False
                   ) -> list[Tensor]:
    """Tensors as a list; of a graph all. Raises TypeError for operations among them, unless `ignore_ops`."""
    if isinstance(ts, Graph):
        return get_tensors(ts)
    found = _listed(ts)
    if not ignore_ops and any(not isinstance(t, Tensor) for t in found):
        raise TypeError("Expected a tf.Tensor, got an operation")
    return [t for t in found if isinstance(t, Tensor)]


def get_tensors(graph: Graph) -> list[Tensor]:
    """All tensors of a graph."""
    return [t for op in graph.operations for t in op.outputs]


def get_generating_ops(ts: Any) -> list[Operation]:
    """The operations whose outputs the tensors are."""
    return [t.op for t in make_list_of_t(ts)]


def get_consuming_ops(ts: Any) -> list[Operation]:
    """The operations that take the tensors, in the graph's order."""
    wanted = set(make_list_of_t(ts))
    graphs = dict.fromkeys(t.op.graph for t in wanted)
    return [op for graph in graphs for op in graph.operations if wanted.intersection(op.inputs)]


# by name and filter


def make_regex(obj: Any) -> re.Pattern[str]:
    """A pattern of a string, or as it is. Raises ValueError for anything else."""
    if isinstance(obj, str):
        return re.compile(obj)
    if isinstance(obj, re.Pattern):
        return obj
    raise ValueError(f"Expected a string or a regex, got: {type(obj)}")


def filter_ops(ops: Any, positive_filter: Any) -> list[Operation]:
    """The operations for which the function is true; all for True."""
    found = make_list_of_op(ops, ignore_ts=True)
    return found if positive_filter is True else [op for op in found if positive_filter(op)]


def filter_ops_from_regex(ops: Any, regex: Any) -> list[Operation]:
    """The operations in whose names the pattern is found."""
    pattern = make_regex(regex)
    return filter_ops(ops, lambda op: pattern.search(op.name))


def filter_ts(ops: Any, positive_filter: Any) -> list[Tensor]:
    """The outputs of the operations for which the function is true; all for True."""
    found = [t for op in make_list_of_op(ops) for t in op.outputs]
    return found if positive_filter is True else [t for t in found if positive_filter(t)]


def filter_ts_from_regex(ops: Any, regex: Any) -> list[Tensor]:
    """The outputs of the operations in whose names the pattern is found."""
    pattern = make_regex(regex)
    return filter_ts(ops, lambda t: pattern.search(t.op.name))


def get_name_scope_ops(ops: Any, scope: str) -> list[Operation]:
    """The operations under a scope."""
    prefix = scope.rstrip("/")
    return filter_ops_from_regex(ops, f"^{re.escape(prefix)}/.*$") if prefix else make_list_of_op(ops)


def _selected(args: Sequence[Any], graph: Graph | None, kind: type, everything: Callable[[Graph], list[Any]]
              ) -> list[Any]:
    """Elements of that kind, and those of the graph whose names fit a pattern. Raises ValueError without a graph for
    patterns."""
    found: dict[Any, None] = {}
    for arg in args:
        if isinstance(arg, (str, re.Pattern)):
            if graph is None:
                raise ValueError("Use the keyword argument 'graph' to use regex.")
            pattern = make_regex(arg)
            found.update((x, None) for x in everything(graph) if pattern.search(x.name))
        else:
            found.update((x, None) for x in _listed(arg) if isinstance(x, kind))
    return list(found)


def select_ops(*args: Any, graph: Graph | None = None, positive_filter: Any = None, restrict_ops_regex: bool = False
               ) -> list[Operation]:
    """Operations given, or by patterns of names in `graph` ("(?#ops)" before a pattern is of operations)."""
    found = _selected(args, graph, Operation, lambda g: g.operations)
    return found if positive_filter is None else filter_ops(found, positive_filter)


def select_ts(*args: Any, graph: Graph | None = None, positive_filter: Any = None, restrict_ts_regex: bool = False
              ) -> list[Tensor]:
    """Tensors given, or by patterns of names in `graph`."""
    found = _selected(args, graph, Tensor, get_tensors)
    return found if positive_filter is None else [t for t in found if positive_filter(t)]


def select_ops_and_ts(*args: Any, graph: Graph | None = None) -> tuple[list[Operation], list[Tensor]]:
    """(operations, tensors); a pattern is of operations, or of tensors where it begins with "(?#ts)"."""
    of_tensors = [a for a in args if isinstance(a, str) and a.startswith("(?#ts)")]
    rest = [a for a in args if a not in of_tensors]
    given = [a for a in rest if not isinstance(a, (str, re.Pattern))]
    return select_ops(*rest, graph=graph), select_ts(*of_tensors, *given, graph=graph)


# by ways through the graph


def get_ops_ios(ops: Any) -> list[Tensor]:
    """All inputs and outputs of the operations."""
    return list(dict.fromkeys(t for op in make_list_of_op(ops) for t in (*op.inputs, *op.outputs)))


def compute_boundary_ts(ops: Any) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """(what comes from outside, what goes outside or is not used, what stays inside)."""
    members = dict.fromkeys(make_list_of_op(ops))
    taken = dict.fromkeys(t for op in members for t in op.inputs)
    made = [t for op in members for t in op.outputs]
    outside = {t for op in get_consuming_ops(made) if op not in members for t in op.inputs}
    return ([t for t in taken if t.op not in members], [t for t in made if t not in taken or t in outside],
            [t for t in made if t in taken and t not in outside])


def _seeds(seeds: Any, of_tensors: Callable[[Any], list[Operation]]) -> list[Operation]:
    found = _listed(seeds)
    tensors = [t for t in found if isinstance(t, Tensor)]
    return [*(op for op in found if isinstance(op, Operation)), *(of_tensors(tensors) if tensors else ())]


def _walk(seeds: list[Operation], following: Callable[[Operation], Iterable[tuple[Tensor | None, Operation]]],
          inclusive: bool, within_ops: Any, within_ops_fn: Any, stop_at_ts: Any) -> list[Operation]:
    stops = set(make_list_of_t(list(stop_at_ts)))
    within = None if within_ops is None else set(make_list_of_op(within_ops, allow_graph=False))
    found = dict.fromkeys(op for op in seeds if (within is None or op in within) and (
        within_ops_fn is None or within_ops_fn(op)))
    stack = list(found)
    while stack:
        for tensor, op in following(stack.pop()):
            if op in found or tensor is not None and tensor in stops:
                continue
            if (within is None or op in within) and (within_ops_fn is None or within_ops_fn(op)):
                found[op] = None
                stack.append(op)
    return [op for op in found if inclusive or op not in set(seeds)]


def get_backward_walk_ops(seed_ops: Any, inclusive: bool = True, within_ops: Any = None, within_ops_fn: Any = None,
                          stop_at_ts: Any = (), control_inputs: bool = False) -> list[Operation]:
    """The operations that the seeds (or tensors) depend on, themselves included unless not `inclusive`; not beyond
    `stop_at_ts`, and not outside `within_ops`."""
    def before(op: Operation) -> Iterable[tuple[Tensor | None, Operation]]:
        return [*((t, t.op) for t in op.inputs), *((None, c) for c in op.control_inputs if control_inputs)]
    return _walk(_seeds(seed_ops, get_generating_ops), before, inclusive, within_ops, within_ops_fn, stop_at_ts)


def get_forward_walk_ops(seed_ops: Any, inclusive: bool = True, within_ops: Any = None, within_ops_fn: Any = None,
                         stop_at_ts: Any = (), control_outputs: Any = None) -> list[Operation]:
    """The operations that depend on the seeds (or tensors); arguments as of `get_backward_walk_ops`."""
    seeds = _seeds(seed_ops, get_consuming_ops)
    uses: dict[Tensor | Operation, list[tuple[Tensor | None, Operation]]] = {}
    for op in (op for graph in dict.fromkeys(s.graph for s in seeds) for op in graph.operations):
        for t in op.inputs:
            uses.setdefault(t.op, []).append((t, op))
        for c in op.control_inputs if control_outputs else ():
            uses.setdefault(c, []).append((None, op))
    return _walk(seeds, lambda op: uses.get(op, ()), inclusive, within_ops, within_ops_fn, stop_at_ts)


def get_within_boundary_ops(ops: Any, seed_ops: Any, boundary_ops: Any = (), inclusive: bool = True,
                            control_inputs: bool = False, control_outputs: Any = None, control_ios: Any = None
                            ) -> list[Operation]:
    """The operations among `ops` that are reached from the seeds, either way, without passing a boundary.

    Raises ValueError for a boundary reached, unless `inclusive`.
    """
    members, boundary = make_list_of_op(ops), set(make_list_of_op(boundary_ops))
    seeds = make_list_of_op(seed_ops, allow_graph=False)
    inner = {op for op in members if op not in boundary}
    reached = dict.fromkeys((*get_forward_walk_ops(seeds, within_ops=inner | set(seeds)),
                             *get_backward_walk_ops(seeds, within_ops=inner | set(seeds))))
    if inclusive:
        reached.update((op, None) for op in members if op in boundary)
    return list(reached)


def get_walks_intersection_ops(forward_seed_ops: Any, backward_seed_ops: Any, forward_inclusive: bool = True,
                               backward_inclusive: bool = True, within_ops: Any = None, **options: Any
                               ) -> list[Operation]:
    """The operations on ways from the first to the second."""
    forward = get_forward_walk_ops(forward_seed_ops, forward_inclusive, within_ops)
    behind = set(get_backward_walk_ops(backward_seed_ops, backward_inclusive, within_ops))
    return [op for op in forward if op in behind]


def get_walks_union_ops(forward_seed_ops: Any, backward_seed_ops: Any, forward_inclusive: bool = True,
                        backward_inclusive: bool = True, within_ops: Any = None, **options: Any) -> list[Operation]:
    """The operations that depend on the first, and those that the second depend on."""
    return list(dict.fromkeys((*get_forward_walk_ops(forward_seed_ops, forward_inclusive, within_ops),
                               *get_backward_walk_ops(backward_seed_ops, backward_inclusive, within_ops))))
