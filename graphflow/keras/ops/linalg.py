"""Matrices: factorizations, equations, norms. Every function takes batches of them in the last two axes."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import linalg as gl
from ...compiler import dims as dm
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import factorization, sorting, view
from ...compiler.ops import reduction as red
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.contraction import matmul
from ...compiler.ops.matrix_parts import size_tensor
from .axes import moveaxis, rank_of
from .core import jvp
from .dtypes import as_tensor, floating
from .numpy.creation import eye


def _matrices(name: str, *values: Any) -> Any:
    """Tensors of at least two axes, the first of square matrices unless the name ends in a star. Raises ValueError."""
    tensors = [convert_to_tensor(v) for v in values]
    first = tensors[0]
    rank = rank_of(name, first)
    if rank < 2:
        raise ValueError(f"Expected input to have rank >= 2. Received input with shape {first.shape}.")
    if not name.endswith("*") and None not in first.shape[-2:].as_list() and first.shape[-1] != first.shape[-2]:
        raise ValueError("Expected a square matrix. Received non-square input with shape "
                         f"{tuple(first.shape.as_list())}")
    return tensors if len(tensors) > 1 else first


def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangular L with x = L L^H, or its adjoint. Raises InvalidArgumentError at run time."""
    factor = gl.cholesky(_matrices("cholesky", x))
    return gl.adjoint(factor) if upper else factor


def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor is `x`, lower triangular unless `upper`."""
    factor = _matrices("cholesky_inverse", x)
    *batch, n, _ = view.known_rank("cholesky_inverse", factor)
    one = view.broadcast_to(eye(n, dtype=factor.dtype), [*batch, n, n])
    inverse = gl.triangular_solve(factor, one, lower=not upper)
    return matmul(inverse, inverse, transpose_b=True) if upper else matmul(inverse, inverse, transpose_a=True)


def det(x: Any) -> Tensor:
    """The determinant: [...]."""
    return gl.det(_matrices("det", x))


def logdet(x: Any) -> Tensor:
    """The logarithm of the determinant of positive definite matrices: [...]."""
    return gl.logdet(convert_to_tensor(x))


def eig(x: Any) -> tuple[Tensor, Tensor]:
    """(eigenvalues [..., n], eigenvectors as columns [..., n, n]), complex. They have no gradient."""
    return factorization.eig(_matrices("eig", x))


def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """(eigenvalues in ascending order [..., n], eigenvectors as columns [..., n, n]) of self-adjoint matrices."""
    return gl.eigh(_matrices("eigh", x))


def inv(x: Any) -> Tensor:
    """The inverse of each square matrix: [..., n, n]."""
    return gl.inv(_matrices("inv", x))


def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """(L and U in one matrix, without the ones of L's diagonal; the order of the rows that x = P L U has)."""
    factors, order = factorization.lu(_matrices("lu_factor*", x))
    return factors, sorting.argsort(order, -1)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The norm over `axis` (None: all): of vectors for one axis, of matrices for two.

    `ord` is None, a number or infinity, or for matrices "fro", "nuc", 1, 2, infinity and their negatives. Raises
    ValueError for others.
    """
    tensor = floating(x)
    rank = rank_of("norm", tensor)
    axes = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -rank <= a < rank for a in axes):
        raise ValueError("All `axis` values must be in the range [-ndim, ndim). Received inputs with "
                         f"ndim={rank}, while axis={axis}")
    axes = tuple(a % rank for a in axes)
    if len(axes) not in (1, 2):
        raise ValueError(f"Invalid axis values. Received: axis={axes}")
    size = ew.abs_(tensor)
    if ord is None or ord == (2 if len(axes) == 1 else "fro"):
        return ew.sqrt(red.reduce_sum(ew.square(size), axes, keepdims=keepdims))
    return (_vector_norm if len(axes) == 1 else _matrix_norm)(tensor, size, ord, axes, keepdims)


def _vector_norm(x: Tensor, size: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"Invalid `ord` argument for vector norm. Received: ord={ord}")
    if abs(ord) == math.inf:
        return (red.reduce_max if ord > 0 else red.reduce_min)(size, axes, keepdims=keepdims)
    if ord == 0:
        return red.reduce_sum(as_tensor(ew.not_equal(size, view.zeros_of(size)), size.dtype), axes, keepdims=keepdims)
    power = as_tensor(ord, size.dtype)
    return ew.power(red.reduce_sum(ew.power(size, power), axes, keepdims=keepdims), 1.0 / power)


def _matrix_norm(x: Tensor, size: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    row, column = axes
    if ord in (1, -1, math.inf, -math.inf):
        inner, outer = (row, column) if abs(ord) == 1 else (column, row)
        totals = red.reduce_sum(size, inner, keepdims=True)
        found = (red.reduce_max if ord > 0 else red.reduce_min)(totals, outer, keepdims=True)
        return found if keepdims else view.squeeze(found, axes)
    if ord not in ("nuc", 2, -2):
        raise ValueError(f"Invalid `ord` argument for matrix norm. Received: ord={ord}")
    values = factorization.svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
    combine = {"nuc": red.reduce_sum, 2: red.reduce_max, -2: red.reduce_min}[ord]
    found = combine(values, -1)
    for a in sorted(axes) if keepdims else ():
        found = view.expand_dims(found, a)
    return found


def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """(Q, R) with x = Q R; `mode` "complete" gives a square Q. Raises ValueError for another mode."""
    if mode not in ("reduced", "complete"):
        raise ValueError("`mode` argument value not supported. Expected one of {'reduced', 'complete'}. "
                         f"Received: mode={mode}")
    return factorization.qr(_matrices("qr*", x), full_matrices=mode == "complete")


def _solved(name: str, solve: Any, a: Any, b: Any) -> Tensor:
    matrix, right = _matrices(name, a, b)
    if rank_of(name, right) == rank_of(name, matrix) - 1:
        return view.squeeze(solve(matrix, view.expand_dims(right, -1)), [-1])
    return solve(matrix, right)


def solve(a: Any, b: Any) -> Tensor:
    """x with a x = b, for vectors or matrices b."""
    return _solved("solve", gl.solve, a, b)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """x with a x = b, where only the upper (or lower) triangle of `a` counts."""
    return _solved("solve_triangular", lambda m, r: gl.triangular_solve(m, r, lower=lower), a, b)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """(U, singular values, V^H) with x = U diag(s) V^H; the singular values alone without `compute_uv`."""
    matrix = _matrices("svd*", x)
    if not compute_uv:
        return factorization.svd(matrix, full_matrices, False)
    s, u, v = factorization.svd(matrix, full_matrices)
    return u, s, gl.adjoint(v)


def lstsq(a: Any, b: Any, rcond: Any = None) -> Tensor:
    """The shortest x for which a x is nearest to b: a [m, n], b [m] or [m, k].

    Singular values below `rcond` (default: eps times the larger size) of the largest count as 0. Raises ValueError for
    sizes that differ, TypeError for other ranks.
    """
    matrix, right = convert_to_tensor(a), convert_to_tensor(b)
    if rank_of("lstsq", matrix) != 2 or rank_of("lstsq", right) not in (1, 2):
        raise TypeError(f"Expected a matrix and a vector or matrix. Received: a.shape={matrix.shape}, "
                        f"b.shape={right.shape}")
    if not matrix.shape[:1].is_compatible_with(right.shape[:1]):
        raise ValueError("Leading dimensions of input arrays must match")
    eps = float(np.finfo(matrix.dtype.np).eps)
    if rcond is None:
        limit: Any = as_tensor(size_tensor(dm.maximum(*view.known_rank("lstsq", matrix))), matrix.dtype) * eps
    else:
        limit = rcond if rcond >= 0 else eps
    columns = view.expand_dims(right, 1) if rank_of("lstsq", right) == 1 else right
    u, s, vh = svd(matrix, full_matrices=False)
    kept = s >= s[0] * limit
    inverse = ew.where(kept, 1.0 / ew.where(kept, s, view.ones_of(s)), view.zeros_of(s))
    found = matmul(gl.adjoint(vh), view.expand_dims(as_tensor(inverse, u.dtype), 1) * matmul(gl.adjoint(u), columns))
    return view.reshape(found, (-1,)) if columns is not right else found


def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """The number of singular values above `tol`: int32 [...]."""
    return gl.matrix_rank(_matrices("matrix_rank*", x), tol)


def pinv(x: Any, rcond: Any = None) -> Tensor:
    """The Moore-Penrose inverse; singular values up to `rcond` times the largest count as 0."""
    return gl.pinv(_matrices("pinv*", x), rcond)


__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "logdet", "lstsq", "lu_factor", "matrix_rank",
    "norm", "pinv", "qr", "solve", "solve_triangular", "svd",
]
