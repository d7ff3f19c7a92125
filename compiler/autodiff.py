"""Reverse-mode differentiation: `gradients` adds the graph of the derivatives to the graph of the values."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .dtypes import int64
from .errors import DTypeError, ShapeError
from .ir import Operation, Tensor
from .ops.constant import convert_to_tensor
from .ops.elementwise import cast
from .ops.gather import IndexedSlices
from .ops.reduction import sum_to
from .ops.slicing import concat
from .ops.view import broadcast_to, ones_of, reshape, shape_of
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
    graph = targets[0].graph
    wanted = set(sources)
    between = _between(targets, wanted, stops)
    with graph.as_default(), graph.name_scope(name), graph.control_dependencies(None):
        pending: dict[Tensor, list[Gradient]] = {}
        for y, g in zip(targets, given, strict=True):
            pending.setdefault(y, []).append(_seed(y, g))
        for op in reversed([op for op in graph.operations if op in between]):
            out_grads = [None if t in stops else _total(pending, t) for t in op.outputs]
            if all(g is None for g in out_grads):
                continue
            with graph.name_scope(op.name.rpartition("/")[2] + "_grad"):
                for x, g in _input_gradients(op, out_grads):
                    if x in wanted or (x.op in between and x not in stops):
                        # undoes broadcasting, whatever the op
                        pending.setdefault(x, []).append(g if isinstance(g, IndexedSlices) else sum_to(g, x))
        totals = [_total(pending, x) for x in sources]
        return totals if sparse else [None if g is None else _dense(g) for g in totals]


def _input_gradients(op: Operation, out_grads: list[Gradient | None]) -> Iterator[tuple[Tensor, Gradient]]:
    if op.definition.grad is None:
        if any(t.dtype.is_differentiable for t in op.inputs) and any(t.dtype.is_differentiable for t in op.outputs):
            raise LookupError(f"No gradient defined for operation {op.name!r} (op type: {op.type})")
        return
    if not op.definition.fields.get("sparse_grad"):
        out_grads = [None if g is None else _dense(g) for g in out_grads]
    for x, g in zip(op.inputs, op.definition.grad(op, *out_grads), strict=True):
        if g is not None:
            if g.dtype != x.dtype:
                raise DTypeError(f"gradients: the gradient of {op.name!r} ({op.type}) for {x!r} has dtype "
                                 f"{g.dtype.name}")
            yield x, g


def _between(targets: list[Tensor], wanted: set[Tensor], stops: set[Tensor]) -> set[Operation]:
    """Operations on a path from a source to a target that crosses no stop."""
    needed: set[Operation] = set()
    stack = [y.op for y in targets if y not in stops]
    while stack:
        op = stack.pop()
        if op not in needed:
            needed.add(op)
            stack += [t.op for t in op.inputs if t not in stops]
    reached: set[Operation] = set()
    # operations are created after their inputs, so the graph's order is topological
    for op in targets[0].graph.operations:
        if op in needed and any(t in wanted or (t.op in reached and t not in stops) for t in op.inputs):
            reached.add(op)
    return reached


def _seed(y: Tensor, g: Any) -> Tensor:
    if g is None:
        one = ones_of(y)
        return one if y.dims == () else broadcast_to(one, shape_of(y))
    grad = convert_to_tensor(g, y.dtype)
    if not grad.shape.is_compatible_with(y.shape):
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
    total, *rest = map(_dense, grads)
    for g in rest:
        total = total + g
    return total


def _dense(grad: Gradient) -> Tensor:
    return grad._as_graph_element() if isinstance(grad, IndexedSlices) else grad


def _as_list(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _tensor(value: Any) -> Tensor:
    convert = getattr(value, "_as_graph_element", None)
    element = convert() if convert else value
    if not isinstance(element, Tensor):
        raise TypeError(f"gradients: expected tensors or variables, received {type(value).__name__}: {value!r}")
    return element
