"""Reverse-mode differentiation: `gradients` adds the graph of the derivatives to the graph of the values."""
from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .dtypes import int64
from .errors import DTypeError, ShapeError
from .ir import Graph, Operation, Tensor, building_graph, default_graph
from .opdef import CONTROL, definition_of
from .ops.constant import convert_to_tensor
from .ops.elementwise import cast
from .ops.gather import IndexedSlices
from .ops.reduction import sum_to
from .ops.slicing import concat
from .ops.view import broadcast_to, ones_of, reshape, shape_of, zeros
from .shapes import format_dims

Gradient = Tensor | IndexedSlices


def gradients(ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients",
              stop_gradients: Any = None, sparse: bool = False) -> list[Any]:
    """d(sum of ys)/dx for each x in `xs`, None where no path of differentiable ops leads from x to a y.

    `grad_ys` weights the ys (ones by default); nothing flows back beyond the tensors in `stop_gradients`. The result is
    graph, so it can be differentiated again. With `sparse`, the gradient of an x that is only gathered from is given as
    IndexedSlices. Raises TypeError for ys that are not floats, LookupError for an op without a gradient on the path,
    ShapeError when a `grad_ys` does not have its y's shape.
    """
    targets = [_tensor(y) for y in _as_list(ys)]
    sources = [_tensor(x) for x in _as_list(xs)]
    stops = {_tensor(s) for s in _as_list(stop_gradients)} if stop_gradients is not None else set()
    given = _as_list(grad_ys) if grad_ys is not None else [None] * len(targets)
    if len(given) != len(targets):
        raise ValueError(f"gradients: {len(given)} grad_ys for {len(targets)} ys")
    for y in targets:
        if not y.dtype.is_differentiable:
            raise TypeError(f"gradients: ys must be floats, received {y!r}")
    if not targets:
        return [None] * len(sources)
    graph = building_graph(targets[0])
    chain: list[Graph] = []
    inner: Graph | None = graph
    while inner is not None:  # from a branch or a loop's body the way leads out to what it captures
        chain.insert(0, inner)
        inner = inner.outer
    with graph.as_default(), graph.name_scope(name), graph.control_dependencies(None):
        seeds = [_seed(y, g) for y, g in zip(targets, given, strict=True)]
        totals = backpropagate(targets, seeds, sources, stops, chain)
        return totals if sparse else [None if g is None else dense(g) for g in totals]


def backpropagate(targets: Sequence[Tensor], seeds: Sequence[Gradient], sources: Sequence[Tensor],
                  stops: Container[Tensor], graphs: Sequence[Graph]) -> list[Gradient | None]:
    """The gradients of `sources`, with `seeds` those of the targets, through the operations of `graphs`, each of which
    is inside the one before it. They are built in the default graph."""
    wanted = set(sources)
    operations = [op for graph in graphs for op in graph.operations]
    between = _between(operations, targets, wanted, stops)
    graph = default_graph()
    pending: dict[Tensor, list[Gradient]] = {}
    for y, g in zip(targets, seeds, strict=True):
        pending.setdefault(y, []).append(g)
    for op in reversed([op for op in operations if op in between]):
        out_grads = [None if t in stops else _total(pending, t) for t in op.outputs]
        if all(g is None for g in out_grads):
            continue
        inputs = _sources_of(op)
        needed = [x in wanted or (x.op in between and x not in stops) for x in inputs]
        with _gradient_of(op, graph):
            for x, use, g in zip(inputs, needed, input_gradients(op, out_grads, needed), strict=True):  # type: ignore[assignment]
                if use and g is not None:
                    if not isinstance(g, IndexedSlices) and not (None in (g.dims, x.dims) and _is_exact(op, x)):
                        g = sum_to(g, x)  # undoes broadcasting, whatever the op
                    pending.setdefault(x, []).append(g)
    return [_total(pending, x) for x in sources]


@contextmanager
def _gradient_of(op: Operation, graph: Graph) -> Iterator[None]:
    """What is added inside belongs to the gradient of the op."""
    before, graph._differentiated = graph._differentiated, op
    try:
        with graph.name_scope(op.name + "_grad"):
            yield
    finally:
        graph._differentiated = before


def _is_exact(op: Operation, x: Tensor) -> bool:
    """Whether the gradient of an input has its very shape, even where that is not known."""
    if "exact_grad" in op.definition.fields:
        return x is op.inputs[0]
    return op.definition.family == CONTROL or "outer" in op.attrs


def _sources_of(op: Operation) -> Sequence[Tensor]:
    """The inputs of an op; what a parameter of a sub-graph stands for."""
    outer = op.attrs.get("outer")
    return op.inputs if outer is None else (outer,)


# gradients that users register, by op type or by the name that gradient_override_map gives
REGISTERED: dict[str, Callable[..., Any] | None] = {}


def _from_registered(op: Operation, grad: Callable[..., Any] | None, out_grads: Sequence[Gradient | None]
                     ) -> list[Gradient | None]:
    """What a user's gradient function gives: a gradient for each input, or the only one by itself."""
    if grad is None:
        return [None] * len(op.inputs)
    given = [(zeros(shape_of(y), y.dtype) if y.dtype.is_differentiable else None) if g is None else dense(g)
             for y, g in zip(op.outputs, out_grads, strict=True)]
    result = grad(op, *given)
    grads = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(grads) != len(op.inputs):
        raise ValueError(f"Num gradients {len(grads)} generated for op {op.name!r} do not match num inputs "
                         f"{len(op.inputs)}")
    return [None if g is None else convert_to_tensor(g, x.dtype) for x, g in zip(op.inputs, grads, strict=True)]


def input_gradients(op: Operation, out_grads: Sequence[Gradient | None], needed: Sequence[bool]
                    ) -> Sequence[Gradient | None]:
    """The gradients of an op's inputs, given those of its outputs. Raises LookupError for an op without a gradient."""
    if "outer" in op.attrs:
        return out_grads
    kind, registered = op.gradient_type or op.type, op.definition.grad
    if kind in REGISTERED:
        registered = REGISTERED[kind]
    elif op.gradient_type is not None:  # an op type, whose own gradient this op takes
        kind = "AddV2" if kind == "Add" else kind
        other = definition_of(kind)
        if other is None:
            raise LookupError(f"No gradient is registered under {kind!r}, which {op.name!r} ({op.type}) is to use")
        registered = other.grad
    if registered is not op.definition.grad:
        return _from_registered(op, registered, out_grads)
    if op.definition.grad is None:
        if any(t.dtype.is_differentiable for t in op.inputs) and any(t.dtype.is_differentiable for t in op.outputs):
            raise LookupError(f"No gradient defined for operation {op.name!r} (op type: {op.type})")
        return [None] * len(op.inputs)
    if not op.definition.fields.get("sparse_grad"):
        out_grads = [None if g is None else dense(g) for g in out_grads]
    # a control op makes only the gradients that are needed
    options = {"needed": needed} if op.definition.family == CONTROL else {}
    grads = op.definition.grad(op, *out_grads, **options)
    for x, g in zip(op.inputs, grads, strict=True):
        if g is not None and g.dtype != x.dtype:
            raise DTypeError(f"gradients: the gradient of {op.name!r} ({op.type}) for {x!r} has dtype {g.dtype.name}")
    return grads


def _between(operations: Sequence[Operation], targets: Sequence[Tensor], wanted: Container[Tensor],
             stops: Container[Tensor]) -> set[Operation]:
    """Operations on a path from a source to a target that crosses no stop."""
    needed: set[Operation] = set()
    stack = [y.op for y in targets if y not in stops]
    while stack:
        op = stack.pop()
        if op not in needed:
            needed.add(op)
            stack += [t.op for t in _sources_of(op) if t not in stops]
    reached: set[Operation] = set()
    # operations are created after their inputs, so the graph's order is topological
    for op in operations:
        if op in needed and any(t in wanted or (t.op in reached and t not in stops) for t in _sources_of(op)):
            reached.add(op)
    return reached


def _seed(y: Tensor, g: Any) -> Tensor:
    if g is None:
        one = ones_of(y)
        return one if y.dims == () else broadcast_to(one, shape_of(y))
    grad = convert_to_tensor(g, y.dtype)
    dims = grad.dims
    if dims is not None and y.dims is not None:
        more = max(len(dims) - len(y.dims), 0)
        if dims[:more] == (1,) * more:  # it may be computed from gradients' list of one
            dims = dims[more:]
    if not y.shape.is_compatible_with(dims):
        raise ShapeError(f"gradients: grad_ys has shape {format_dims(grad.dims)}, its y {y!r}")
    return grad if grad.dims == y.dims or y.dims is None else reshape(grad, shape_of(y))


def _total(pending: dict[Tensor, list[Gradient]], tensor: Tensor) -> Gradient | None:
    grads = pending.get(tensor)
    if not grads:
        return None
    if len(grads) > 1:
        pending[tensor] = [_sum(grads)]
    return pending[tensor][0]


def _sum(grads: list[Gradient]) -> Gradient:
    slices = [g for g in grads if isinstance(g, IndexedSlices)]
    if len(slices) == len(grads):
        indices = [g.indices for g in slices]
        if any(i.dtype != indices[0].dtype for i in indices):
            indices = [cast(i, int64) for i in indices]
        return IndexedSlices(concat([g.values for g in slices], 0), concat(indices, 0), slices[0].dense_shape)
    total, *rest = map(dense, grads)
    for g in rest:
        total = total + g
    return total


def dense(grad: Gradient) -> Tensor:
    """A gradient as a tensor."""
    return grad._as_graph_element() if isinstance(grad, IndexedSlices) else grad


def _as_list(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _tensor(value: Any) -> Tensor:
    convert = getattr(value, "_as_graph_element", None)
    element = convert() if convert else value
    if not isinstance(element, Tensor):
        raise TypeError(f"gradients: expected tensors or variables, received {type(value).__name__}: {value!r}")
    return element
