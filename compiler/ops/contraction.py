"""Matrix products."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import COMPLEX, FLOATS, int32, int64
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import CONTRACTION, OpDef
from ..shapes import Dims, broadcast, format_dims, normalize_axis
from .arguments import check_dtype, check_same_dtype, convert_all
from .complex import conj
from .view import reshape, transpose


def _matmul_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    a, b = inputs
    dtype = check_same_dtype("MatMul", inputs)
    check_dtype("MatMul", a, (*FLOATS, *COMPLEX, int32, int64))
    if a.dims is None or b.dims is None:
        return [TensorType(dtype, _half_known(a.dims, b.dims, attrs))]
    if len(a.dims) < 2 or len(b.dims) < 2:
        raise ShapeError(f"MatMul: Shape must be rank 2 but is rank {min(len(a.dims), len(b.dims))}: inputs must have "
                         f"rank 2 or more, received {format_dims(a.dims)} and "
                         f"{format_dims(b.dims)}")
    m, k = _matrix(a.dims, attrs["transpose_a"])
    inner, n = _matrix(b.dims, attrs["transpose_b"])
    if isinstance(k, int) and isinstance(inner, int) and k != inner:
        raise ShapeError(f"MatMul: Dimensions must be equal, but are {k} and {inner}, the inner sizes of "
                         f"{format_dims(a.dims)}"
                         f"{' transposed' if attrs['transpose_a'] else ''} and {format_dims(b.dims)}"
                         f"{' transposed' if attrs['transpose_b'] else ''} "
                         f"(Matrix size-incompatible: In[0]: {_bare(a)}, In[1]: {_bare(b)})")
    batch = broadcast("MatMul", a.dims[:-2], b.dims[:-2])
    assert batch is not None
    return [TensorType(dtype, (*batch, m, n))]


def _bare(x: Tensor) -> str:
    return str(x.shape.as_list()).replace(" ", "")


def _half_known(a: Dims | None, b: Dims | None, attrs: dict[str, Any]) -> Dims | None:
    """Where one input is a matrix and the other's rank is unknown, that is taken for a matrix too, as TensorFlow 1
    does: placeholders without a shape feed dense layers."""
    if b is not None and len(b) == 2:
        return dm.fresh(), _matrix(b, attrs["transpose_b"])[1]
    if a is not None and len(a) == 2:
        return _matrix(a, attrs["transpose_a"])[0], dm.fresh()
    return None


def _matrix(dims: Dims, transposed: bool) -> Dims:
    return dims[:-3:-1] if transposed else dims[-2:]


def _matmul_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    a, b = op.inputs
    a, b = conj(a), conj(b)
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    da = matmul(b, g, tb, True) if ta else matmul(g, b, False, not tb)
    if not ta and a.dims is not None and b.dims is not None and len(a.dims) > len(b.dims) == 2:
        # all rows of a batch meet the same matrix, whose gradient is one product of them, not a sum of many
        a, g = (reshape(t, (dm.product(rows), last)) for t, (*rows, last) in ((a, a.dims), (g, op.output.dims or ())))
    db = matmul(g, a, True, ta) if tb else matmul(a, g, not ta, False)
    return da, db


def _swap(x: np.ndarray, transposed: bool) -> np.ndarray:
    return np.swapaxes(x, -1, -2) if transposed else x


_matmul = OpDef("MatMul", CONTRACTION, _matmul_types, _matmul_grad,
                lambda a, b, transpose_a, transpose_b: np.matmul(_swap(a, transpose_a), _swap(b, transpose_b)))


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None) -> Tensor:
    """The matrix product of [..., m, k] and [..., k, n], leading axes broadcast. Raises ShapeError."""
    x, y = convert_all("MatMul", (a, b))
    return _matmul(x, y, transpose_a=bool(transpose_a), transpose_b=bool(transpose_b), name=name)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Contraction of `axes` (a number of last and first axes, or a pair of axis lists), as np.tensordot."""
    x, y = convert_all("tensordot", (a, b))
    if x.dims is None or y.dims is None:
        raise ShapeError(f"tensordot: the ranks of {x!r} and {y!r} must be known")
    rank_x, rank_y = len(x.dims), len(y.dims)
    if isinstance(axes, (int, np.integer)):
        pairs = [list(range(rank_x - int(axes), rank_x)), list(range(int(axes)))]
    else:
        pairs = [[int(i) for i in np.ravel(side)] for side in axes]
    xs = [normalize_axis("tensordot", i, rank_x) for i in pairs[0]]
    ys = [normalize_axis("tensordot", i, rank_y) for i in pairs[1]]
    free_x = [i for i in range(rank_x) if i not in xs]
    free_y = [i for i in range(rank_y) if i not in ys]
    inner = dm.product(x.dims[i] for i in xs)
    with x.graph.name_scope(name or "Tensordot") as scope:
        left = reshape(transpose(x, free_x + xs), (dm.product(x.dims[i] for i in free_x), inner))
        right = reshape(transpose(y, ys + free_y), (inner, dm.product(y.dims[i] for i in free_y)))
        return reshape(matmul(left, right), (*(x.dims[i] for i in free_x), *(y.dims[i] for i in free_y)), scope)


