"""Views of parts of a graph, their copies, and other ends for tensors."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ... import nest
from ...compiler.ir import Graph, Operation, Tensor
from ...compiler.opdef import SOURCE
from ...framework import placeholder
from .select import (
    compute_boundary_ts,
    get_name_scope_ops,
    get_walks_intersection_ops,
    make_list_of_op,
    make_list_of_t,
    select_ops_and_ts,
)

__all__ = ["SubGraphView", "TransformerInfo", "add_control_inputs", "bypass", "connect", "copy",
           "copy_with_input_replacements", "detach", "detach_inputs", "detach_outputs", "graph_replace",
           "make_placeholder_from_tensor", "make_view", "make_view_from_scope", "remove_control_inputs",
           "reroute_inputs", "reroute_outputs", "reroute_ts", "sgv", "sgv_scope", "swap_ts"]


class SubGraphView:
    """Operations of a graph, with the tensors that come in and go out."""

    def __init__(self, inside_ops: Any = (), passthrough_ts: Any = ()):
        self.ops = list(dict.fromkeys(make_list_of_op(inside_ops)))
        passing = make_list_of_t(passthrough_ts)
        inputs, outputs, _ = compute_boundary_ts(self.ops)
        self.inputs, self.outputs = [*inputs, *passing], [*outputs, *passing]

    @property
    def graph(self) -> Graph | None:
        """The graph of its operations, None for an empty view."""
        return self.ops[0].graph if self.ops else self.inputs[0].op.graph if self.inputs else None

    def _with(self, **ends: list[Tensor]) -> SubGraphView:
        made = SubGraphView.__new__(SubGraphView)
        made.__dict__.update(self.__dict__, **ends)
        return made

    def remap_inputs(self, new_input_indices: Sequence[int]) -> SubGraphView:
        """The view with some of its inputs only, in this order."""
        return self._with(inputs=[self.inputs[i] for i in new_input_indices])

    def remap_outputs(self, new_output_indices: Sequence[int]) -> SubGraphView:
        """The view with some of its outputs only, in this order."""
        return self._with(outputs=[self.outputs[i] for i in new_output_indices])

    def remap(self, new_input_indices: Sequence[int] | None = None, new_output_indices: Sequence[int] | None = None
              ) -> SubGraphView:
        """The view with other ends."""
        view = self if new_input_indices is None else self.remap_inputs(new_input_indices)
        return view if new_output_indices is None else view.remap_outputs(new_output_indices)

    def input_index(self, t: Tensor) -> int:
        """The place of an input. Raises ValueError for another tensor, as `output_index` does."""
        return self.inputs.index(t)

    def output_index(self, t: Tensor) -> int:
        """The place of an output."""
        return self.outputs.index(t)

    def find_op_by_name(self, op_name: str) -> Operation:
        """The operation of this name. Raises ValueError where there is none."""
        for op in self.ops:
            if op.name == op_name:
                return op
        raise ValueError(f"{op_name} not found in subgraph.")

    def __bool__(self) -> bool:
        return bool(self.ops)


def make_view(*args: Any, **kwargs: Any) -> SubGraphView:
    """A view of operations, of names' patterns (with `graph`), or as it is."""
    if len(args) == 1 and isinstance(args[0], SubGraphView):
        return args[0]
    ops, tensors = select_ops_and_ts(*args, **kwargs)
    return SubGraphView(ops, tensors)


def make_view_from_scope(scope: str, graph: Graph) -> SubGraphView:
    """A view of the operations under a scope."""
    return SubGraphView(get_name_scope_ops(graph, scope))


sgv, sgv_scope = make_view, make_view_from_scope


# copies


class TransformerInfo:
    """What of a graph a copy was made of: `transformed` leads there, `original` back."""

    def __init__(self, operations: dict[Operation, Operation], tensors: dict[Tensor, Tensor]):
        self._transformed_ops, self._transformed_ts = operations, tensors

    def transformed(self, original_top: Any, missing_fn: Callable[[Any], Any] | None = None) -> Any:
        """The copy of a tensor, an operation or a nest of them; `missing_fn(x)`, or None, of what was not copied."""
        return self._find({**self._transformed_ops, **self._transformed_ts}, original_top, missing_fn)

    def original(self, transformed_top: Any, missing_fn: Callable[[Any], Any] | None = None) -> Any:
        """What a tensor or an operation is a copy of."""
        back = {v: k for found in (self._transformed_ops, self._transformed_ts) for k, v in found.items()}
        return self._find(back, transformed_top, missing_fn)

    @staticmethod
    def _find(found: Mapping[Any, Any], wanted: Any, missing_fn: Callable[[Any], Any] | None) -> Any:
        def one(x: Any) -> Any:
            return found[x] if x in found else None if missing_fn is None else missing_fn(x)
        return nest.map_structure(one, wanted)


def copy_with_input_replacements(sgv: Any, replacement_ts: Mapping[Any, Any], dst_graph: Graph | None = None,
                                 dst_scope: str = "", src_scope: str = "", reuse_dst_scope: bool = False
                                 ) -> tuple[SubGraphView, TransformerInfo]:
    """(a view of the copy, what was made of what): the operations again, under `dst_scope` in place of `src_scope`, on
    other tensors where `replacement_ts` {tensor: other} says so. Raises ValueError for operations out of `src_scope`.
    """
    view = make_view(sgv)
    graph = dst_graph or view.graph
    if graph is None:
        return SubGraphView(), TransformerInfo({}, {})
    given = {make_list_of_t(t)[0]: make_list_of_t(other)[0] for t, other in replacement_ts.items()}
    tensors: dict[Tensor, Tensor] = {}
    operations: dict[Operation, Operation] = {}
    source, target = src_scope.rstrip("/"), dst_scope.rstrip("/")
    if target and not reuse_dst_scope:
        with graph.as_default(), graph.name_scope(None):
            target = graph.unique_name(target)
    members = set(view.ops)
    for op in (op for op in view.graph.operations if op in members):  # type: ignore[union-attr]
        if source and not op.name.startswith(f"{source}/"):
            raise ValueError(f"{op.name} is not in the scope {source}")
        relative = op.name[len(source) + 1 if source else 0:]
        inputs = [given.get(t, tensors.get(t, t)) for t in op.inputs]
        control = [operations.get(c, c) for c in op.control_inputs if c in operations or c.graph is graph]
        types = [t.type for t in op.outputs] if op.definition.family == SOURCE else None
        with graph.as_default(), graph.name_scope(None):
            made = graph.add(op.definition, inputs, dict(op.attrs), f"{target}/{relative}" if target else relative,
                             types, control, op.site)
        operations[op] = made
        tensors.update(zip(op.outputs, made.outputs, strict=True))
    info = TransformerInfo(operations, {**tensors, **given})
    copied = SubGraphView(operations.values())
    return copied._with(inputs=[given.get(t, tensors.get(t, t)) for t in view.inputs],
                        outputs=[tensors.get(t, t) for t in view.outputs]), info


def copy(sgv: Any, dst_graph: Graph | None = None, dst_scope: str = "", src_scope: str = "",
         reuse_dst_scope: bool = False) -> tuple[SubGraphView, TransformerInfo]:
    """`copy_with_input_replacements` without any; into another graph what comes in becomes placeholders."""
    view = make_view(sgv)
    inputs: dict[Tensor, Tensor] = {}
    if dst_graph is not None and dst_graph is not view.graph:
        with dst_graph.as_default():
            inputs = {t: make_placeholder_from_tensor(t, dst_scope) for t in view.inputs}
    return copy_with_input_replacements(view, inputs, dst_graph, dst_scope, src_scope, reuse_dst_scope)


def graph_replace(target_ts: Any, replacement_ts: Mapping[Any, Any], dst_scope: str = "", src_scope: str = "",
                  reuse_dst_scope: bool = False) -> Any:
    """The targets (a nest of tensors) computed anew from other tensors: {tensor: what stands in its place}. What does
    not depend on one of these is shared. Raises ValueError where no target depends on any."""
    targets = make_list_of_t(nest.flatten(target_ts))
    ops = get_walks_intersection_ops(make_list_of_t(list(replacement_ts)), targets)
    if not ops:
        raise ValueError("Targets and replacements are not connected!")
    _, info = copy_with_input_replacements(ops, replacement_ts, None, dst_scope, src_scope, reuse_dst_scope)
    return nest.map_structure(lambda t: info.transformed(make_list_of_t(t)[0], lambda original: original), target_ts)


def make_placeholder_from_tensor(t: Tensor, scope: str | None = None, prefix: str = "geph") -> Tensor:
    """A placeholder like a tensor, named after it in a scope."""
    name = f"{prefix}__{t.op.name.rpartition('/')[2]}_{t.index}"
    return placeholder(t.dtype, t.shape, name=f"{scope.rstrip('/')}/{name}" if scope else name)


# other ends


def _replace(ends: Mapping[Tensor, Tensor], can_modify: Any, cannot_modify: Any) -> int:
    """Let consumers of some tensors take others; how many inputs that were. Raises TypeError for other dtypes."""
    for old, new in ends.items():
        if old.dtype != new.dtype:
            raise TypeError(f"Tensors {old!r} and {new!r} have different dtypes")
    allowed = None if can_modify is None else set(make_list_of_op(can_modify))
    refused = set() if cannot_modify is None else set(make_list_of_op(cannot_modify))
    count = 0
    for graph in dict.fromkeys(t.op.graph for t in ends):
        for op in graph.operations:
            if op not in refused and (allowed is None or op in allowed) and any(t in ends for t in op.inputs):
                count += sum(t in ends for t in op.inputs)
                op.inputs = tuple(ends.get(t, t) for t in op.inputs)
        graph.version += 1
    return count


def reroute_ts(ts0: Any, ts1: Any, can_modify: Any = None, cannot_modify: Any = None) -> int:
    """What takes a tensor of `ts1` takes that of `ts0` instead; how many inputs that were."""
    pairs = zip(make_list_of_t(ts0), make_list_of_t(ts1), strict=True)
    return _replace({t1: t0 for t0, t1 in pairs}, can_modify, cannot_modify)


def swap_ts(ts0: Any, ts1: Any, can_modify: Any = None, cannot_modify: Any = None) -> int:
    """What takes a tensor of one list takes that of the other; how many inputs that were."""
    ends = {}
    for t0, t1 in zip(make_list_of_t(ts0), make_list_of_t(ts1), strict=True):
        ends.update({t0: t1, t1: t0})
    return _replace(ends, can_modify, cannot_modify)


def reroute_inputs(sgv0: Any, sgv1: Any) -> int:
    """The second view takes what the first takes."""
    first, second = make_view(sgv0), make_view(sgv1)
    return reroute_ts(first.inputs, second.inputs, second.ops)


def reroute_outputs(sgv0: Any, sgv1: Any) -> int:
    """What took the outputs of the second view takes those of the first."""
    first, second = make_view(sgv0), make_view(sgv1)
    return reroute_ts(first.outputs, second.outputs, cannot_modify=[*first.ops, *second.ops])


def connect(sgv0: Any, sgv1: Any, disconnect_first: bool = False) -> tuple[SubGraphView, SubGraphView]:
    """The second view takes the outputs of the first. Raises ValueError where their numbers differ."""
    first, second = make_view(sgv0), make_view(sgv1)
    if len(first.outputs) != len(second.inputs):
        raise ValueError(f"connect: {len(first.outputs)} outputs for {len(second.inputs)} inputs")
    if disconnect_first:
        detach_outputs(first)
    reroute_ts(first.outputs, second.inputs, second.ops)
    return first, second._with(inputs=list(first.outputs))


def detach_inputs(sgv: Any, control_inputs: bool = False) -> tuple[SubGraphView, list[Tensor]]:
    """(the view, placeholders): it takes placeholders in place of its inputs."""
    view = make_view(sgv)
    if view.graph is None:
        return view, []
    with view.graph.as_default():
        made = [make_placeholder_from_tensor(t) for t in view.inputs]
    reroute_ts(made, view.inputs, view.ops)
    if control_inputs:
        members = set(view.ops)
        for op in view.ops:
            remove_control_inputs(op, [c for c in op.control_inputs if c not in members])
    return view._with(inputs=made), made


def detach_outputs(sgv: Any, control_outputs: Any = None) -> tuple[SubGraphView, list[Tensor]]:
    """(the view, placeholders): what took its outputs takes placeholders."""
    view = make_view(sgv)
    if view.graph is None:
        return view, []
    with view.graph.as_default():
        made = [make_placeholder_from_tensor(t) for t in view.outputs]
    reroute_ts(made, view.outputs, cannot_modify=view.ops)
    return view, made


def detach(sgv: Any, control_inputs: bool = False, control_outputs: Any = None, control_ios: Any = None
           ) -> tuple[SubGraphView, list[Tensor], list[Tensor]]:
    """(the view, placeholders for its inputs, placeholders for its outputs): it stands alone."""
    view, inputs = detach_inputs(sgv, control_inputs)
    view, outputs = detach_outputs(view, control_outputs)
    return view, inputs, outputs


def bypass(sgv: Any) -> tuple[SubGraphView, list[Tensor]]:
    """(the view, placeholders for its inputs): what took its outputs takes its inputs. Raises ValueError where their
    numbers differ."""
    view = make_view(sgv)
    before = list(view.inputs)
    reroute_ts(before, view.outputs, cannot_modify=view.ops)
    return detach_inputs(view)


def add_control_inputs(op: Operation, cops: Any) -> None:
    """Let an operation wait for others. Raises ValueError for one that it waits for already."""
    for other in make_list_of_op(cops, allow_graph=False):
        if other in op.control_inputs:
            raise ValueError(f"{other.name} is already a control_input of {op.name}")
        op._add_control_input(other)
    op.graph.version += 1


def remove_control_inputs(op: Operation, cops: Any) -> None:
    """Let an operation wait for others no more. Raises ValueError for one that it does not wait for."""
    for other in make_list_of_op(cops, allow_graph=False):
        if other not in op.control_inputs:
            raise ValueError(f"{other.name} is not a control_input of {op.name}")
        op.control_inputs = tuple(c for c in op.control_inputs if c is not other)
    op.graph.version += 1
