"""Order: the largest elements, sorting, and searching."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import ALL, REALS, DType, as_dtype, int32, int64
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, INDEX, OpDef, no_gradient
from ..shapes import normalize_axis
from .arguments import check_dtype, convert_all
from .constant import convert_to_tensor
from .dynamic_slice import items_of
from .gather import scatter_add
from .positions import batch_offsets
from .symbolic import operand_dims, shape_operand
from .view import identity, known_rank, reshape, shape_of, transpose


def _descending(x: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k largest along the last axis, largest first, of equal elements the first one first."""
    if x.dtype.itemsize > 4:
        return np.argsort(_reversed(x), axis=-1, kind="stable")[..., :k]
    # a number for each element that tells its value and, below that, its position: sorted faster than positions are
    size = x.shape[-1]
    keys = _ordered(x) << 32 | np.arange(size - 1, -1, -1)
    if 0 < k < size:
        keys = np.partition(keys, size - k, axis=-1)[..., size - k:]
    keys.sort(axis=-1)
    return size - 1 - (keys[..., ::-1][..., :k] & 0xFFFFFFFF)


def _reversed(x: np.ndarray) -> np.ndarray:
    """What is in the opposite order."""
    return ~x if x.dtype.kind in "iu" else -x


def _ordered(x: np.ndarray) -> np.ndarray:
    """Integers in the order of the elements, of at most 32 bits; NaN is the smallest."""
    if x.dtype.kind in "iu":
        return x.astype(np.int64) - (2**31 if x.dtype.kind == "u" else 0)
    bits = (x.astype(np.float32) + np.float32(0)).view(np.int32)  # the sum makes zeros positive
    return np.where(np.isnan(x), np.iinfo(np.int32).min, np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)).astype(np.int64)


# the k largest


def _top_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    check_dtype("TopKV2", x, REALS)
    k, = operand_dims(inputs[1])  # type: ignore[misc]
    if x.dims is None:
        return [TensorType(x.dtype, None), TensorType(int32, None)]
    if not x.dims:
        raise ShapeError(f"TopKV2: Shape must be at least rank 1 but is rank 0: {x!r}")
    if isinstance(k, int) and isinstance(x.dims[-1], int) and x.dims[-1] < k:
        raise ShapeError(f"TopKV2: input must have last dimension >= k = {k} but is {x.dims[-1]}")
    return [TensorType(x.dtype, (*x.dims[:-1], k)), TensorType(int32, (*x.dims[:-1], k))]


def _top(x: np.ndarray, k: np.ndarray, sorted: bool) -> tuple[np.ndarray, np.ndarray]:
    indices = _descending(x, int(k.reshape(())))
    return np.take_along_axis(x, indices, -1), indices.astype(np.int32)


def _top_grad(op: Operation, g: Tensor | None, _: Tensor | None) -> Sequence[Tensor | None]:
    return [None if g is None else spread(g, op.outputs[1], op.inputs[0]), None]


def spread(g: Tensor, indices: Tensor, like: Tensor) -> Tensor:
    """Zeros like `like` with g[..., i] added at position indices[..., i] of the last axis."""
    *batch, size = known_rank("TopKV2", like)
    flat = indices if not batch else indices + batch_offsets(indices, tuple(batch), size)
    total = scatter_add(reshape(g, [-1]), reshape(flat, [-1]), shape_operand((dm.product((*batch, size)),)))
    return reshape(total, shape_of(like))


# `order`: what the kernel's outputs are
_top_k = OpDef("TopKV2", HOST, _top_types, _top_grad, _top, fields={"order": "both"})


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(the k largest elements along the last axis, largest first; their positions, int32). Ties keep their order."""
    x = convert_to_tensor(input)
    size, = items_of("TopKV2", "k", [k])
    count = reshape(size, [1]) if isinstance(size, Tensor) else shape_operand((size,))
    return _top_k.operation(x, count, sorted=bool(sorted), name=name).outputs  # type: ignore[return-value]


def _order(x: np.ndarray, descending: bool) -> np.ndarray:
    return _descending(x if descending else _reversed(x), x.shape[-1]).astype(np.int32)


def _in_order(x: np.ndarray, descending: bool) -> np.ndarray:
    """NumPy sorts by vectors, but only upwards; NaN is last in either order, though not of its extension types."""
    if x.dtype.itemsize == 2 and x.dtype.kind not in "iu":
        return _in_order(x.astype(np.float32), descending).astype(x.dtype)
    return _reversed(np.sort(_reversed(x), axis=-1)) if descending else np.sort(x, axis=-1)


def _sort_types(name: str, dtype: DType | None) -> Any:
    def types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], REALS)
        return [TensorType(dtype or inputs[0].dtype, inputs[0].dims)]
    return types


_argsort = OpDef("Argsort", HOST, _sort_types("Argsort", int32), lambda op, g: [None], _order,
                 fields={"order": "places"})
_sort = OpDef("Sort", HOST, _sort_types("Sort", None), lambda op, g: [spread(
    g, _argsort(op.inputs[0], **op.attrs), op.inputs[0])], _in_order, fields={"order": "values"})


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False,
            name: str | None = None) -> Tensor:
    """The positions along `axis` that sort the values, int32; always stable. Raises ValueError for a direction other
    than ASCENDING or DESCENDING."""
    return _sorted(_argsort, values, axis, direction, name or "argsort")


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """The values sorted along `axis`. Raises ValueError for a direction other than ASCENDING or DESCENDING."""
    return _sorted(_sort, values, axis, direction, name or "sort")


def _sorted(op: OpDef, values: Any, axis: int, direction: str, name: str) -> Tensor:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            f"{op.name}: `direction` should be one of ['ASCENDING', 'DESCENDING'], received {direction!r}")
    x = convert_to_tensor(values)
    rank = len(known_rank(op.name, x))
    at = normalize_axis(op.name, axis, rank)
    order = [i for i in range(rank) if i != at] + [at]
    with x.graph.name_scope(name) as scope:
        moved = x if at == rank - 1 else transpose(x, order)
        result = op(moved, descending=direction == "DESCENDING")
        return identity(result if at == rank - 1 else transpose(result, np.argsort(order)), scope)


# searching


def _search(side: str) -> Any:
    def reference(rows: np.ndarray, values: np.ndarray, out_type: DType) -> np.ndarray:
        count = math.prod(values.shape[:-1])
        pairs = zip(*(x.reshape(count, x.shape[-1]) for x in (rows, values)), strict=True)
        found = [np.searchsorted(r, v, side) for r, v in pairs]  # type: ignore[call-overload]
        return np.array(found, out_type.np).reshape(values.shape)
    return reference


def _bound_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    rows, values = inputs
    check_dtype("searchsorted", rows, ALL)
    if not rows.shape.with_rank_at_least(1)[:-1].is_compatible_with(values.shape.with_rank_at_least(1)[:-1]):
        raise ShapeError(f"searchsorted: sorted_sequence {rows.shape} and values {values.shape} must agree but for the "
                         "last axis")
    return [TensorType(attrs["out_type"], values.dims)]


def _halving(side: str) -> Any:
    """Steps of powers of two, each taken where the row goes on with what is before the value: without a branch, so that
    many values are searched for at once. NaN is after all numbers, as NumPy has it."""
    before, before_nan = ("{0} < {1}", "{0} == {0}") if side == "left" else ("{0} <= {1}", "True")
    with_nan = f"({before}) | ({{1}} != {{1}}) & ({before_nan})"

    def lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
        rows, values = op.inputs
        value, size, at = emit.element(values, index), emit.size(rows, -1), "i64(0)"
        precedes = with_nan if rows.dtype.is_floating else before
        for k in reversed(range(emit.sizes(rows.dims[-1]).bit_length())):  # type: ignore[index]
            then = f"{at} + {1 << k}"
            there = emit.let(f"select({then} <= {size}, {then}, {size}) - 1", int64)
            row = emit.element(rows, [*index[:-1], there])
            at = emit.let(f"select(({then} <= {size}) & ({precedes.format(row, value)}), {then}, {at})", int64)
        return emit.let(f"{op.output.dtype.code}({at})", op.output.dtype)
    return lower


_lower_bound, _upper_bound = (
    OpDef(name, INDEX, _bound_types, no_gradient, _search(side), lower=_halving(side))
    for name, side in (("LowerBound", "left"), ("UpperBound", "right")))


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = int32,
                 name: str | None = None) -> Tensor:
    """Where along the last axis each value would be put so that the sequence stays sorted: before ("left") or after
    ("right") elements equal to it."""
    if side not in ("left", "right"):
        raise ValueError(f"Side must be either 'right' or 'left'.  Saw: {side}.")
    rows, wanted = convert_all("searchsorted", (sorted_sequence, values))
    return (_lower_bound if side == "left" else _upper_bound)(rows, wanted, out_type=as_dtype(out_type), name=name)

