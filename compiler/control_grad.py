"""Gradients of conds and loops: conds and loops of the gradients, in which what the forward graphs computed is
recalled.

A branch hands out the tensors that its gradient needs as further outputs. A loop pushes them on stacks, a row each
iteration, which the loop of the gradient pops.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .autodiff import Gradient, backpropagate, dense
from .control import add_if, add_output, add_repeat, body_inputs, undefined
from .dtypes import variant
from .ir import Operation, Tensor, TensorType, default_graph
from .ops.gather import IndexedSlices
from .ops.tensor_array import add_rows
from .ops.view import shape_of, zeros
from .subgraph import SubGraph

Grads = Sequence[Tensor | None]


def if_grad(op: Operation, grads: Grads, needed: Sequence[bool]) -> Grads:
    """The gradients of an If's inputs: an If of the branches' gradients."""
    sources = [i for i, need in enumerate(needed) if need and _differentiable(op.inputs[i])]
    branches = [_branch_grad(op, key, grads, sources) for key in ("then_branch", "else_branch")]
    used = [k for k in range(len(sources)) if any(found[k] is not None for _, found in branches)]
    results: list[Tensor | None] = [None] * len(op.inputs)
    if used:
        for graph, found in branches:
            with graph.as_default():
                graph.outputs = tuple(
                    graph.adopt(_zeros_like(op.inputs[sources[k]]) if found[k] is None else dense(found[k]))  # type: ignore[arg-type]
                    for k in used
                )
        made = add_if(default_graph().adopt(op.inputs[0]), branches[0][0], branches[1][0], "If")
        for k, g in zip(used, made.outputs, strict=True):
            results[sources[k]] = _shaped_like(g, op.inputs[sources[k]])
    return results


def _branch_grad(op: Operation, key: str, grads: Grads, sources: Sequence[int]
                 ) -> tuple[SubGraph, list[Gradient | None]]:
    forward = op.attrs[key]
    graph = SubGraph(default_graph(), forward, _recall_from(op, key))
    with graph.as_default():
        ys = [(y, graph.adopt(g)) for y, g in zip(forward.outputs, grads, strict=False) if g is not None]
        xs = [forward.inputs[i - 1] for i in sources]
        return graph, backpropagate([y for y, _ in ys], [g for _, g in ys], xs, (), [forward])


def _recall_from(op: Operation, key: str) -> Callable[[Tensor], Tensor]:
    """Tensors of a branch as further outputs of the If; those that it captured, as they were."""
    def recall(tensor: Tensor) -> Tensor:
        if "outer" in tensor.op.attrs:
            return tensor.op.attrs["outer"]
        for name in ("then_branch", "else_branch"):
            branch = op.attrs[name]
            if name == key:
                output = tensor
            else:
                output = branch.add(undefined, (), {"dtype": tensor.dtype, "dims": None}).output
            branch.outputs = (*branch.outputs, output)
        return add_output(op, tensor.dtype, () if tensor.dtype == variant else None)

    return recall


def loop_grad(op: Operation, grads: Grads, needed: Sequence[bool]) -> Grads:
    """The gradients of a loop's inputs: a Repeat of the body's gradient that pops what the loop pushed."""
    forward, n = op.attrs["body"], op.attrs["variables"]
    initial, stacks, captured = body_inputs(op)
    first = len(op.inputs) - len(forward.inputs)  # of the inputs that the body has parameters for
    carried = _carried(op, grads, needed[first:])
    rows, sources = ([i for i in range(*of) if needed[first + i] and _differentiable(forward.inputs[i])]
                     for of in ((n, n + len(stacks)), (n + len(stacks), len(forward.inputs))))
    outer = default_graph()
    graph = SubGraph(outer, forward)
    popped: dict[Tensor, Tensor] = {}  # stacks of the outer graph, and the parameters for their rows

    def pop(stack: Tensor, kind: TensorType) -> Tensor:
        popped[stack] = graph.add_parameter(kind, f"{op.name}/row_{len(popped)}")
        return popped[stack]

    def recall(tensor: Tensor) -> Tensor:
        if "outer" in tensor.op.attrs:
            return tensor.op.attrs["outer"]
        forward.outputs = (*forward.outputs, tensor)
        return pop(outer.adopt(add_output(op, variant, ())), tensor.type)

    graph.recall = recall
    with graph.as_default():
        ys, seeds, parameters = [], [], []
        for i in carried:
            y = forward.outputs[i]
            parameters.append(graph.add_parameter(y.type, f"{op.name}/grad_{i}"))
            ys.append(y)
            seeds.append(parameters[-1])
        for i, g in enumerate(grads[n + 1:], n):
            if g is not None:
                ys.append(forward.outputs[i])
                seeds.append(pop(g, forward.outputs[i].type))
        found = backpropagate(ys, seeds, [forward.inputs[i] for i in (*carried, *rows, *sources)], (), [forward])
        by_input = dict(zip((*carried, *rows, *sources), found, strict=True))
        rows = [i for i in rows if by_input[i] is not None]
        outputs = [_dense_or_zeros(by_input[i], forward.inputs[i]) for i in carried]
        summed = [i for i in sources if by_input[i] is not None]
        for i in summed:
            x = captured[i - n - len(stacks)]
            parameters.append(graph.add_parameter(TensorType(x.dtype, x.dims), f"{op.name}/sum_{i}"))
            outputs.append(_accumulate(parameters[-1], by_input[i]))
        outputs += [dense(by_input[i]) for i in rows]  # type: ignore[arg-type]
        graph.outputs = tuple(graph.adopt(t) for t in outputs)
    start = [g if (g := grads[i]) is not None else _zeros_like(op.outputs[i]) for i in carried]
    start += [_zeros_like(captured[i - n - len(stacks)]) for i in summed]
    made = add_repeat(op, outer.adopt(op.outputs[n]), start, list(popped), graph, [*parameters, *popped.values()],
                      "Repeat")
    results: list[Tensor | None] = [None] * len(op.inputs)
    final = iter(made.outputs)
    for i in (*carried, *summed):
        results[first + i] = _shaped_like(next(final), op.inputs[first + i])
    next(final)  # the count
    for i in rows:
        results[first + i] = next(final)
    return results


def _carried(op: Operation, grads: Grads, needed: Sequence[bool]) -> list[int]:
    """The variables that depend on an input whose gradient is needed, and on which an output with a gradient does."""
    body, n = op.attrs["body"], op.attrs["variables"]
    depends = [_dependencies(y) for y in body.outputs]
    live = {body.inputs[i] for i, need in enumerate(needed) if need}
    used = {i for i, g in enumerate((*grads[:n], *grads[n + 1:])) if g is not None}
    for _ in range(n):
        live |= {body.inputs[i] for i in range(n) if depends[i] & live}
        used |= {i for i in range(n) if any(body.inputs[i] in depends[k] for k in used)}
    return [i for i in range(n) if i in used and body.inputs[i] in live and op.outputs[i].dtype.is_differentiable]


def _dependencies(y: Tensor) -> set[Tensor]:
    """The tensors that a tensor is computed from through differentiable ones."""
    found: set[Tensor] = set()
    stack = [y]
    while stack:
        t = stack.pop()
        if t not in found and _differentiable(t):
            found.add(t)
            stack += t.op.inputs
    return found


def _differentiable(x: Tensor) -> bool:
    return x.dtype.is_differentiable or x.dtype == variant


def _accumulate(total: Tensor, grad: Any) -> Tensor:
    """The sum; rows are added in place."""
    if isinstance(grad, IndexedSlices):
        return add_rows(total, grad.indices, grad.values)
    if grad.op.type == "StridedSliceUpdate" and grad.op.inputs[0].op.type == "Fill":  # of a row x[i]
        _, begin, value = grad.op.inputs
        if value.dims is not None and total.dims is not None and value.dims == (1, *total.dims[1:]):
            return add_rows(total, begin[:1], value)
    return total + grad


def _dense_or_zeros(grad: Gradient | None, like: Tensor) -> Tensor:
    return _zeros_like(like) if grad is None else dense(grad)


def _shaped_like(grad: Tensor, x: Tensor) -> Tensor:
    """The gradient, now known to have the shape of `x`."""
    if x.dims is not None:
        known = x.dims if grad.dims is None else grad.dims
        grad.dims = tuple(k if isinstance(k, int) else d for k, d in zip(known, x.dims, strict=True))
    return grad


def _zeros_like(x: Tensor) -> Tensor:
    if x.dtype == variant:  # of a branch that is not taken
        return undefined(dtype=variant, dims=())
    return zeros(shape_of(x), x.dtype)
