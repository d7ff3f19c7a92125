"""Algebra that keeps IEEE meaning: x + 0, x * 1, reshapes of reshapes, transposes into products, idle broadcasts.

Not here, because NaN and infinity must survive: x * 0 = 0, x - x = 0, exp(log(x)) = x.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dims import product
from ..errors import ShapeError
from ..ir import Graph, Operation, Tensor, default_graph
from ..opdef import ALIAS, ELEMENTWISE, REDUCTION
from ..ops import elementwise as ew
from ..ops.constant import literal
from ..ops.contraction import matmul
from ..ops.gather import gather
from ..ops.view import _broadcast_to, reverse, transpose
from ..shapes import broadcast
from .beside import reduce_beside
from .channels import sink_transpose, untransposed
from .matrices import sink_reshape
from .padding import absorb_zeros
from .pairs import write_out
from .rewrite import reshaped, transform
from .stabilise import is_constant

SHORT_ROW, FEW = 256, 8  # elements that are reduced after other axes are, unless these have so many times fewer
MOST_EXPONENT = 14  # of powers of two that any float type can hold, and their reciprocals


def simplify(graph: Graph) -> Graph:
    return transform(graph, _simplify)


def _simplify(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    if op.control_inputs or not op.outputs:
        return None
    dims = op.outputs[0].dims
    match [op.type, *(t.op.type for t in inputs)]:
        case ["Identity" | "StopGradient" | "PlaceholderWithDefault", *_]:
            return inputs if inputs[0].dims == dims else None
        case ["AddV2", *_]:
            for x, zero in (inputs, reversed(inputs)):
                if is_constant(zero, 0) and x.dims == dims:
                    return [x]
        case ["Mul", *_]:
            for x, one in (inputs, reversed(inputs)):
                if is_constant(one, 1) and x.dims == dims:
                    return [x]
        case ["Sub", *_] if is_constant(inputs[1], 0) and inputs[0].dims == dims:
            return inputs[:1]
        case ["RealDiv" | "Pow", *_] if is_constant(inputs[1], 1) and inputs[0].dims == dims:
            return inputs[:1]
        case ["RealDiv", _, "Const"] if (factor := _exact_reciprocal(inputs[1])) is not None:
            return [inputs[0] * factor]
        case ["Pow", *_] if inputs[0].dims == dims and (power := _small_power(*inputs)) is not None:
            return [power]
        case ["Neg", "Neg"]:
            return inputs[0].op.inputs
        case ["Cast", *_] if inputs[0].dtype == op.output.dtype:
            return inputs
        case ["SelectV2", *_] if inputs[1] is inputs[2] and inputs[1].dims == dims:
            return inputs[1:2]
        case ["Transpose", *_] if _moves_nothing(op.attrs["perm"], inputs[0]):
            return [reshaped(inputs[0], dims)]
        case ["Transpose", "Transpose"]:
            inner, outer = inputs[0].op.attrs["perm"], op.attrs["perm"]
            source, = inputs[0].op.inputs
            perm = tuple(inner[a] for a in outer)
            return [source if perm == tuple(range(len(perm))) else transpose(source, perm)]
        case ["Transpose", "ReverseV2"]:  # reversed last, where it may meet another or a loop
            reversal, perm = inputs[0].op, op.attrs["perm"]
            return [reverse(transpose(reversal.inputs[0], perm), [perm.index(a) for a in reversal.attrs["axis"]])]
        case ["Transpose", "GatherV2"] if (rows := _gathered_in_order(op, inputs[0].op)) is not None:
            return [rows]
        case ["Transpose", *_] if (below := untransposed(inputs[0], op.attrs["perm"])) is not None:
            return [below]
        case ["ReverseV2", "ReverseV2"] if set(op.attrs["axis"]) == set(inputs[0].op.attrs["axis"]):
            return inputs[0].op.inputs
        case ["MatMul", *kinds] if "Transpose" in kinds:
            return _absorb_transposes(op, inputs)
        case ["Conv2D" | "Conv2DBackpropFilter" | "MaxPool", "Place", *_]:
            return absorb_zeros(op, inputs)
    for rule in (sink_transpose, sink_reshape, reduce_beside):
        if (changed := rule(op, inputs)) is not None:
            return changed
    if op.definition.family == REDUCTION and "combine" in op.definition.fields and inputs[0].op.type == "Transpose":
        return _reduced_first(op, inputs[0].op)
    if op.definition.family == ALIAS and len(inputs) == 1:
        return _shortest_alias(op, inputs[0])
    if op.definition.family == REDUCTION and "combine" in op.definition.fields and _reduces_nothing(op, inputs[0]):
        return [reshaped(inputs[0], op.output.dims)]
    if op.definition.family == REDUCTION and (by_runs := _by_runs(op, inputs[0])) is not None:
        return by_runs
    if (written := write_out(op, inputs)) is not None:
        return written
    if op.definition.family == ELEMENTWISE and any(t.op.type in ("BroadcastTo", "Fill") for t in inputs):
        return _drop_broadcasts(op, inputs)
    return None


def _moves_nothing(perm: Sequence[int], x: Tensor) -> bool:
    """Whether a transpose leaves the elements in order: only axes of size 1 move."""
    assert x.dims is not None
    moved = [a for a in perm if not (isinstance(x.dims[a], int) and x.dims[a] == 1)]
    return moved == sorted(moved)


def _gathered_in_order(op: Operation, gathered: Operation) -> Tensor | None:
    """The rows that a transpose puts into another order, gathered in that order."""
    (x, indices), perm = gathered.inputs, op.attrs["perm"]
    rank = len(indices.dims or ())
    if gathered.attrs["axis"] != 0 or rank < 2 or perm[rank:] != tuple(range(rank, len(perm))):
        return None
    return gather(x, transpose(indices, perm[:rank]))


def _exact_reciprocal(x: Tensor) -> Tensor | None:
    """The reciprocals of powers of two that any float type can hold: what they are multiplied with is rounded as what
    is divided."""
    value = x.op.attrs["value"]
    if not x.dtype.is_floating or not value.size:
        return None
    mantissas, exponents = np.frexp(value.astype(np.float64))
    exact = (abs(mantissas) == 0.5).all() and (abs(exponents) <= MOST_EXPONENT).all()
    return literal(np.asarray(1 / value, value.dtype), x.dtype) if exact else None


def _small_power(x: Tensor, exponent: Tensor) -> Tensor | None:
    """x ** 2, 3, 4 and -1 by multiplication and division, within an ulp or two of pow."""
    if is_constant(exponent, 2):
        return ew.square(x)
    if is_constant(exponent, 3):
        return ew.square(x) * x
    if is_constant(exponent, 4):
        return ew.square(ew.square(x))
    return ew.reciprocal(x) if is_constant(exponent, -1) else None


def _absorb_transposes(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    operands, flags = [], []
    for x, flag in zip(inputs, (op.attrs["transpose_a"], op.attrs["transpose_b"]), strict=True):
        perm = x.op.attrs.get("perm", ()) if x.op.type == "Transpose" else ()
        rank = len(perm)
        swaps = rank >= 2 and perm == (*range(rank - 2), rank - 1, rank - 2)
        operands.append(x.op.inputs[0] if swaps else x)
        flags.append(flag != swaps)
    if operands == inputs:
        return None
    return [matmul(operands[0], operands[1], *flags)]


def _shortest_alias(op: Operation, x: Tensor) -> Sequence[Tensor] | None:
    """A reshape of a reshape reads the first one's input; one to the same shape is its input."""
    source = x
    while source.op.definition.family == ALIAS and source.op.inputs and not source.op.control_inputs:
        source = source.op.inputs[0]
    if source.dims == op.output.dims:
        return [source]
    return None if source is x else [reshaped(source, op.output.dims)]


def _reduces_nothing(op: Operation, x: Tensor) -> bool:
    assert x.dims is not None
    axes = op.attrs["axis"] if op.attrs["axis"] is not None else range(len(x.dims))
    return all(isinstance(x.dims[a], int) and x.dims[a] == 1 for a in axes)


def _reduced_first(op: Operation, moving: Operation) -> Sequence[Tensor] | None:
    """A reduction of what a transpose moves: of the elements where they are, and then of less to move. Rows that would
    be summed there one here and one there, like those of heads over a batch and its positions, are read in order."""
    axes, perm = op.attrs["axis"], moving.attrs["perm"]
    where = sorted(perm if axes is None else (perm[a] for a in axes))
    last = len(perm) - 1
    if perm[last] == last and last not in where and where and where[-1] - where[0] >= len(where):
        return None
    attrs = {**op.attrs, "axis": None if axes is None else tuple(perm[a] for a in axes), "keepdims": True}
    reduced = default_graph().add(op.definition, moving.inputs, attrs, op.type).output
    return [reshaped(transpose(reduced, perm), op.output.dims)]


def _by_runs(op: Operation, x: Tensor) -> Sequence[Tensor] | None:
    """Reductions keep their axes as 1, so that two that differ only in that are one; a reshape drops the axes. Axes
    with others between them are reduced run by run, the last ones first, but short rows after the others: elements are
    read as they lie, and side by side."""
    runs, keeps = _runs(op, x), op.attrs.get("keepdims", True)
    if keeps and len(runs) == 1 and runs[0] == op.attrs["axis"]:
        return None
    for axes in runs:
        x = default_graph().add(op.definition, [x], {**op.attrs, "axis": axes, "keepdims": True}, op.type).output
    return [x if keeps else reshaped(x, op.output.dims)]


def _runs(op: Operation, x: Tensor) -> list[tuple[int, ...] | None]:
    """The axes of a reduction, by neighbours, unless the last ones are long rows, which are read well in one loop."""
    axes = op.attrs["axis"]
    if axes is None or "combine" not in op.definition.fields or x.op.type == "Transpose":
        return [axes]
    assert x.dims is not None
    walked = [a for a, d in enumerate(x.dims) if not (isinstance(d, int) and d == 1)]
    runs: list[list[int]] = []
    for before, a in zip([None, *walked], walked, strict=False):
        if a in axes:
            if before in axes:
                runs[-1].append(a)
            else:
                runs.append([a])
    if len(runs) < 2:  # if there are others, axes of size 1 do not stand between these and the reduced ones
        return [tuple(runs[0])] if runs and len(runs[0]) < len(walked) else [axes]
    *others, last = map(tuple, runs)
    if last[-1] != walked[-1]:
        return [last, *reversed(others)]
    row, rows = (product(x.dims[a] for a in run) for run in (last, sum(others, ())))
    if not isinstance(row, int) or row > SHORT_ROW:
        return [axes]
    return [last, *reversed(others)] if isinstance(rows, int) and FEW * rows < row else [*reversed(others), last]


def _drop_broadcasts(op: Operation, inputs: list[Tensor]) -> Sequence[Tensor] | None:
    """Read the source of a broadcast directly where the other inputs give the op its shape; where all are broadcast,
    the result is."""
    operands, sources = list(inputs), list(inputs)
    for i, x in enumerate(inputs):
        if x.op.type in ("BroadcastTo", "Fill"):
            sources[i] = x.op.inputs[0]
            trial = [*operands[:i], sources[i], *operands[i + 1:]]
            try:
                if broadcast(op.type, *(t.dims for t in trial)) == op.output.dims:
                    operands = trial
            except ShapeError:
                continue
    if operands != inputs:
        return default_graph().append(op, operands).outputs
    small = default_graph().add(op.definition, sources, op.attrs, op.type).output
    return [default_graph().add(_broadcast_to, [small], {}, op.type, types=[op.output.type]).output]
