"""What a loop's body does with the rows of a batch, and with the number of the step."""
from __future__ import annotations

from collections.abc import Collection, Sequence

from ..dims import DimLike
from ..dtypes import NATIVE_FLOATS
from ..ir import Graph, Operation, Tensor
from ..opdef import ALIAS, CONTRACTION, ELEMENTWISE, INDEX, has_native_types
from ..shapes import Dims


def steps_after(t: Tensor, step: Tensor, item: int = 0) -> int | None:
    """By how much element `item` of an integer tensor exceeds the step's number, where that is known."""
    op = t.op
    if t is step:
        return 0
    match op.type:
        case "AddV2":
            for x, y in (op.inputs, op.inputs[::-1]):
                more, base = _constant(y, item), steps_after(x, step, item)
                if more is not None and base is not None:
                    return base + more
        case "SelectV2":  # an index below 0 counts from the end: no step is
            test = op.inputs[0].op
            if test.type == "Less":
                least, limit = steps_after(test.inputs[0], step), _constant(test.inputs[1], 0)
                if least is not None and limit is not None and least >= limit:
                    return steps_after(op.inputs[2], step, item)
        case "ConcatV2":
            for piece in op.inputs:
                size = piece.dims[0]  # type: ignore[index]
                if not isinstance(size, int):
                    return None
                if item < size:
                    return steps_after(piece, step, item)
                item -= size
        case "StridedSlice" if len(op.attrs["begin"]) == 1 and isinstance(op.attrs["begin"][0], int):
            return steps_after(op.inputs[0], step, op.attrs["begin"][0] + item * op.attrs["strides"][0])
        case "Cast":
            return steps_after(op.inputs[0], step, item) if op.inputs[0].dtype.is_integer else None
        case _ if op.definition.family == ALIAS and op.inputs:
            return steps_after(op.inputs[0], step, item)
    return None


def _constant(t: Tensor, item: int) -> int | None:
    if t.op.type != "Const" or not t.dtype.is_integer:
        return None
    values = t.op.attrs["value"].ravel()
    return int(values[item if values.size > 1 else 0])


def follows_from(t: Tensor, step: Tensor) -> bool:
    """Whether a tensor is computed from the step's number, constants and sizes alone."""
    stack, seen = [t], {t}
    while stack:
        x = stack.pop()
        if x is not step and not x.op.inputs and x.op.type not in ("Const", "Dims"):
            return False
        fresh = [y for y in x.op.inputs if y not in seen]
        seen.update(fresh)
        stack += fresh
    return True


def row_dims(t: Tensor) -> Dims:
    """The shape of a row tensor, without the axis of 1 that a slice of a sequence has before the batch."""
    assert t.dims is not None
    return t.dims[1:] if len(t.dims) == 3 else t.dims


def keeps_rows(body: Graph, variables: Sequence[Tensor]) -> bool:
    """Whether a row of the body's outputs follows from that row of the variables: each op on what a step computed is
    of a kind whose kernel reads its own row only. The batch is the first axis of all variables and outputs."""
    first = row_dims(variables[0])
    if not first or not all(_is_row(t, first[0]) for t in (*variables, *body.outputs)):
        return False
    local: set[Tensor] = set(variables)
    for op in body.operations:
        if op.type in ("Argument", "Const", "Dims"):
            continue
        if not has_native_types(op) or op.control_inputs or op.definition.stateful:
            return False
        product = op.definition.family == CONTRACTION
        if product or any(t in local for t in op.inputs):
            if not (_keeps_row(op, local, first[0])):
                return False
            local.update(op.outputs)
        elif op.definition.family not in (ELEMENTWISE, INDEX, ALIAS) and not _is_small(op):
            return False
    return True


def _is_row(t: Tensor, batch: DimLike) -> bool:
    return (t.dims is not None and t.dtype.is_native and 1 <= len(t.dims) <= 3 and row_dims(t)[0] == batch
            and (len(t.dims) < 3 or t.dims[0] == 1))


def _is_small(op: Operation) -> bool:
    """A vector of known length, such as the corner of a slice, whose elements a kernel computes one by one."""
    return op.type == "ConcatV2" and all(len(t.dims or ()) == 1 and isinstance(t.dims[0], int)  # type: ignore[index]
                                         for t in op.inputs)


def _keeps_row(op: Operation, local: Collection[Tensor], batch: DimLike) -> bool:
    out, mine = op.outputs[0], [t for t in op.inputs if t in local]
    if len(op.outputs) != 1 or not _is_row(out, batch):
        return False
    if op.definition.family == CONTRACTION:
        a, b = op.inputs
        return (a.dims is not None and len(a.dims) == 2 and a.dims[0] == batch and not op.attrs["transpose_a"]
                and b.op.type == "Argument" and len(b.dims or ()) == 2 and b not in local
                and out.dtype in NATIVE_FLOATS)
    if not all(_is_row(t, batch) for t in mine):
        return False
    rank = len(row_dims(out))
    if op.definition.family == ELEMENTWISE or op.type == "BroadcastTo":
        return all(len(row_dims(t)) == rank for t in mine)
    if op.definition.family == ALIAS:
        return _plain(row_dims(mine[0])) == _plain(row_dims(out))
    if op.type == "StridedSlice":
        begin, strides = op.attrs["begin"], op.attrs["strides"]
        return len(begin) == 2 and isinstance(begin[0], int) and begin[0] == 0 and strides[0] == 1
    return op.type == "ConcatV2" and len(out.dims or ()) == 2 and op.attrs["axis"] == 1


def _plain(dims: Dims) -> list[DimLike]:
    return [d for d in dims if not (isinstance(d, int) and d == 1)]
