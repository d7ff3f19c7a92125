"""Products of vectors, matrices and tensors; diagonals."""
from __future__ import annotations

import math
from typing import Any

from .... import array_ops, convolution, linalg
from ....compiler import dims as dm
from ....compiler.ir import Tensor
from ....compiler.ops import complex as cx
from ....compiler.ops import elementwise as ew
from ....compiler.ops import reduction as red
from ....compiler.ops import slicing, view
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.contraction import matmul as _matmul
from ....compiler.ops.contraction import tensordot as _tensordot
from ....compiler.ops.einsum import einsum as _einsum
from ... import backend
from ..axes import moveaxis, rank_of
from ..dtypes import as_tensor, floating_wide, result_type, strong, summable
from .creation import diagonal_offsets


def _through_floats(x1: Any, x2: Any) -> tuple[Tensor, Tensor, str]:
    """(both as floats, the dtype of their product): Keras multiplies integers as floats."""
    a, b = convert_to_tensor(x1), convert_to_tensor(x2)
    wanted = result_type(a.dtype, b.dtype)
    exact = result_type(wanted, float)
    return as_tensor(a, exact), as_tensor(b, exact), wanted


def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product over the last axis of x1 and the last but one (or only one) of x2.

    Two int8 tensors give int32.
    """
    a, b, wanted = _through_floats(x1, x2)
    ranks = rank_of("matmul", a), rank_of("matmul", b)
    names = {convert_to_tensor(x).dtype.name for x in (x1, x2)}
    if names == {"int8"} and 1 not in ranks:
        wanted = "int32"
    a = view.expand_dims(a, 0) if ranks[0] == 1 else a
    b = view.expand_dims(b, 1) if ranks[1] == 1 else b
    product = _matmul(a, b)
    gone = [-2] * (ranks[0] == 1) + [-1] * (ranks[1] == 1)
    return as_tensor(view.squeeze(product, gone) if gone else product, wanted)


def dot(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last axis of x1 and the last but one (or only one) of x2."""
    a, b, wanted = _through_floats(x1, x2)
    if not (rank_of("dot", a) and rank_of("dot", b)):
        return as_tensor(a * b, wanted)
    return as_tensor(_tensordot(a, b, [[-1], [-1 if rank_of("dot", b) == 1 else -2]]), wanted)


def inner(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last axes."""
    a, b, wanted = _through_floats(x1, x2)
    single = not (rank_of("inner", a) and rank_of("inner", b))
    return as_tensor(a * b if single else _tensordot(a, b, [[-1], [-1]]), wanted)


def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of all elements."""
    a, b, wanted = _through_floats(x1, x2)
    return as_tensor(red.reduce_sum(view.reshape(a, (-1,)) * view.reshape(b, (-1,))), wanted)


def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The sum of products over that many last axes of x1 and first of x2, or over (axes of x1, axes of x2)."""
    a, b, wanted = _through_floats(x1, x2)
    return as_tensor(_tensordot(a, b, axes), wanted)


def outer(x1: Any, x2: Any) -> Tensor:
    """The products of every element of x1 with every one of x2: a matrix."""
    a, b = strong(x1, x2)
    return view.reshape(a, (-1, 1)) * view.reshape(b, (-1,))


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """The sum of products that the subscripts say, as "ij,jk->ik". int8 tensors give int32."""
    tensors = [convert_to_tensor(o) for o in operands]
    wanted = "int32" if {t.dtype.name for t in tensors} == {"int8"} else result_type(*(t.dtype for t in tensors))
    exact = result_type(wanted, float) if "int" in wanted or wanted == "bool" else wanted
    return as_tensor(_einsum(subscripts, *(as_tensor(t, exact) for t in tensors), **kwargs), wanted)


def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: every element of x1 times the whole of x2."""
    a, b = strong(x1, x2)
    dims, own = view.known_rank("kron", a), view.known_rank("kron", b)
    rank = max(len(dims), len(own))
    dims, own = (1,) * (rank - len(dims)) + dims, (1,) * (rank - len(own)) + own
    spread = view.reshape(a, [n for d in dims for n in (d, 1)]) * view.reshape(b, [n for d in own for n in (1, d)])
    return view.reshape(spread, [d * o for d, o in zip(dims, own, strict=True)])


def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The vector product of vectors of 3 elements, or of 2 with a third of 0; of two such only the third element.

    The vectors stand along `axisa` and `axisb`, the result along `axisc`; `axis` means all three.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = strong(x1, x2)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    flat = [t.shape[-1] == 2 for t in (a, b)]
    a, b = (slicing.pad(t, [(0, 0)] * (rank_of("cross", t) - 1) + [(0, 1)]) if f else t
            for t, f in zip((a, b), flat, strict=True))
    product = linalg.cross(a, b)
    return product[..., 2] if all(flat) else moveaxis(product, -1, axisc)


# diagonals

def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal `offset` (above the main one if positive) of the matrices that two axes make, as the last axis."""
    moved = moveaxis(x, (axis1, axis2), (-2, -1))
    *lead, rows, columns = view.known_rank("diagonal", moved)
    if isinstance(rows, int) and isinstance(columns, int) and not -rows < offset < columns:
        return view.zeros([*lead, 0], moved.dtype)
    return linalg.diag_part(moved, k=offset)


def diag(x: Any, k: int = 0) -> Tensor:
    """The matrix with a vector on its k-th diagonal; the k-th diagonal of a matrix. Raises ValueError otherwise."""
    tensor = convert_to_tensor(x)
    match rank_of("diag", tensor):
        case 1:
            return linalg.diag(tensor, k=k)
        case 2:
            return diagonal(tensor, k)
    raise ValueError(f"`x` must be 1d or 2d. Received: x.shape={tensor.shape}")


def diagflat(x: Any, k: int = 0) -> Tensor:
    """The matrix with all elements on its k-th diagonal."""
    return diag(view.reshape(x, (-1,)), k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal `offset` of the matrices that two axes make; small integers are summed as int32."""
    moved = moveaxis(summable(x), (axis1, axis2), (-2, -1))
    on = ew.equal(diagonal_offsets(*view.known_rank("trace", moved)[-2:]), offset)
    return red.reduce_sum(ew.where(on, moved, view.zeros_of(moved)), (-2, -1))


def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """(the sign of the determinant of each matrix, the logarithm of its absolute value)."""
    sign, logarithm = linalg.slogdet(convert_to_tensor(x))
    return sign, logarithm


# correlation

def corrcoef(x: Any) -> Tensor:
    """The correlations between the rows of `x`, whose last axis are observations."""
    tensor = convert_to_tensor(x)
    tensor = tensor if tensor.dtype.is_floating or tensor.dtype.is_complex else as_tensor(tensor, backend.floatx())
    if not rank_of("corrcoef", tensor):
        return convert_to_tensor(math.nan)
    rows = tensor if rank_of("corrcoef", tensor) > 1 else view.expand_dims(tensor, 0)
    centred = rows - red.reduce_mean(rows, -1, keepdims=True)
    covariance = _matmul(centred, cx.conj(array_ops.matrix_transpose(centred)))
    spread = ew.sqrt(cx.real(linalg.diag_part(covariance)))
    both = as_tensor(view.expand_dims(spread, -1) * view.expand_dims(spread, -2), covariance.dtype)
    found = covariance / both

    def limited(part: Tensor) -> Tensor:
        return ew.minimum(ew.maximum(part, -1.0), 1.0)

    found = cx.complex_(limited(cx.real(found)), limited(cx.imag(found))) if found.dtype.is_complex else limited(found)
    return found if rows is tensor else view.reshape(found, ())


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The products of vector x1 with x2 moved along it: where both overlap wholly ("valid"), as many as the longer one
    has elements ("same"), or wherever they overlap ("full"). Raises ValueError for another mode."""
    a, b = floating_wide(x1, x2)
    (n,), (m,) = (view.known_rank("correlate", t) for t in (a, b))
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"Invalid mode: '{mode}'. Mode must be one of: 'full', 'same', 'valid'.")
    if mode != "valid":
        a = slicing.pad(a, [(m - 1, m - 1)])
    found = convolution.conv1d(view.reshape(a, (1, -1, 1)), view.reshape(b, (-1, 1, 1)), 1, "VALID")
    found = view.reshape(found, (-1,))
    if mode == "same":
        length = dm.maximum(n, m)
        found = slicing.slice_axis(found, 0, (n + m - 1 - length) // 2, length)
    return found


__all__ = [
    "corrcoef", "correlate", "cross", "diag", "diagflat", "diagonal", "dot", "einsum", "inner", "kron", "matmul",
    "outer", "slogdet", "tensordot", "trace", "vdot",
]
