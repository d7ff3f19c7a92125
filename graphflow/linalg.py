"""`tf.linalg`: matrices in the last two axes, any number of batch axes before; real and complex."""
from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .array_ops import eye, matrix_transpose
from .clip_ops import global_norm
from .compiler import dims as dm
from .compiler.dtypes import int32
from .compiler.ir import Tensor
from .compiler.ops import factorization, matrix_parts
from .compiler.ops.arguments import convert_all, is_tensor
from .compiler.ops.complex import conj, real
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.einsum import einsum as _einsum
from .compiler.ops.elementwise import cast, log, where
from .compiler.ops.factorization import cholesky, lu
from .compiler.ops.gather import range_
from .compiler.ops.linalg import (
    cholesky_solve,
    log_matrix_determinant,
    matrix_determinant,
    matrix_inverse,
    matrix_solve,
    matrix_triangular_solve,
)
from .compiler.ops.matrix_functions import matrix_exponential as expm
from .compiler.ops.matrix_functions import matrix_logarithm as logm
from .compiler.ops.matrix_functions import matrix_solve_ls as lstsq
from .compiler.ops.matrix_functions import matrix_square_root as sqrtm
from .compiler.ops.matrix_functions import shifted
from .compiler.ops.matrix_functions import tridiagonal_solve as _tridiagonal_solve
from .compiler.ops.matrix_parts import adjoint, band_part, trace
from .compiler.ops.matrix_parts import set_diag as _set_diag
from .compiler.ops.reduction import argmax, reduce_max, reduce_sum
from .compiler.ops.slicing import concat, slice_axis, stack, unstack
from .compiler.ops.view import expand_dims, identity, ones_of, squeeze, zeros_of
from .framework import name_scope
from .late import of_rank, ranked, tensor_diag, tensor_diag_part
from .lazy import Names
from .linear_operator import (
    LinearOperator,
    LinearOperatorComposition,
    LinearOperatorDiag,
    LinearOperatorFullMatrix,
    LinearOperatorIdentity,
    LinearOperatorLowerTriangular,
    LinearOperatorScaledIdentity,
)
from .math_ops import matmul, norm, tensordot
from .nn import l2_normalize

cholesky, matrix_inverse, matrix_determinant = ranked(cholesky), ranked(matrix_inverse), ranked(matrix_determinant)
matrix_triangular_solve, matrix_solve = ranked(matrix_triangular_solve), ranked(matrix_solve)
cholesky_solve = ranked(cholesky_solve)


def _pair(tensor: Any, *_: Any, **__: Any) -> Any:
    return (convert_to_tensor(tensor).dtype,) * 2


def _svd_results(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    dtype = convert_to_tensor(tensor).dtype
    return (dtype,) * 3 if compute_uv else dtype


qr, svd = ranked(factorization.qr, 1, _pair), ranked(factorization.svd, 1, _svd_results)
self_adjoint_eig = ranked(factorization.self_adjoint_eig, 1, _pair)
self_adjoint_eigvals = ranked(factorization.self_adjoint_eigvals, 1)
det, inv, solve, slogdet = matrix_determinant, matrix_inverse, matrix_solve, log_matrix_determinant
triangular_solve, eigh, eigvalsh, transpose = (matrix_triangular_solve, self_adjoint_eig, self_adjoint_eigvals,
                                               matrix_transpose)
# the names of these at the top level of tf
band_part = ranked(band_part, 1)
matrix_band_part, matrix_solve_ls, matrix_square_root = band_part, lstsq, sqrtm


@ranked
def diag(diagonal: Any, name: str | None = "diag", k: Any = 0, num_rows: int = -1, num_cols: int = -1,
         padding_value: Any = 0, align: str = "RIGHT_LEFT") -> Tensor:
    """Matrices with `diagonal` [..., n] on diagonal `k` (0 the main one, 1 above it) and `padding_value` elsewhere.

    k = (lowest, highest) places several, packed as rows of `diagonal` from the highest on; `align` says at which side
    the shorter ones are filled up. The matrices are the smallest that hold them unless `num_rows` or `num_cols` is
    given. Raises ShapeError.
    """
    return matrix_parts.diag(diagonal, k, num_rows, num_cols, padding_value, align, name)


@ranked
def diag_part(input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0,
              align: str = "RIGHT_LEFT") -> Tensor:
    """The diagonal `k` of matrices [..., m, n]; several, packed, for k = (lowest, highest). Raises ShapeError."""
    return matrix_parts.diag_part(input, k, padding_value, align, name)


@ranked
def set_diag(input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0,
             align: str = "RIGHT_LEFT") -> Tensor:
    """Matrices with their diagonal(s) `k` replaced. Raises ShapeError for a diagonal of another length."""
    return _set_diag(input, diagonal, k, align, name)


matrix_diag, matrix_diag_part, matrix_set_diag = diag, diag_part, set_diag


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The vector product of vectors of 3 elements in the last axis. Raises ShapeError for other sizes."""
    x, y = convert_all("Cross", (a, b))
    for t in (x, y):
        if t.dims is not None and (not t.dims or (isinstance(t.dims[-1], int) and t.dims[-1] != 3)):
            raise ValueError(f"Cross: inner-most dimension must be 3, received {t!r}")
    with name_scope(name, "Cross", [x, y]) as scope:
        (x0, x1, x2), (y0, y1, y2) = unstack(x, 3, -1), unstack(y, 3, -1)
        parts = stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], -1)
        return identity(parts, scope)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """log of the determinant of positive definite matrices, through their Cholesky factor."""
    with name_scope(name, "logdet"):
        diagonal = matrix_parts.diag_part(cholesky(matrix))
        return reduce_sum(log(real(diagonal)), -1) * 2.0


def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
           b_is_sparse: bool = False, name: str | None = None) -> Tensor:
    """Matrices [..., m, k] times vectors [..., k]."""
    with name_scope(name, "MatVec"):
        a, b = convert_all("MatVec", (a, b))
        return squeeze(matmul(a, expand_dims(b, -1), transpose_a=transpose_a, adjoint_a=adjoint_a), [-1])


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(tensor / norm, norm), with the norm's axes kept."""
    with name_scope(name, "normalize"):
        x = convert_to_tensor(tensor)
        size = norm(x, ord, axis, keepdims=True)
        return x / cast(size, x.dtype), size


@functools.wraps(_einsum)
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    given = list(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) else list(inputs)
    if not isinstance(equation, str):
        raise TypeError(f"einsum: the equation must be a string, received {equation!r}")
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    for k, (x, term) in enumerate(zip(given, terms, strict=False)):
        if is_tensor(x) and "..." not in term:  # which tells the rank
            given[k] = of_rank(convert_to_tensor(x), len(term))
    return ranked(_einsum)(equation, *given, **kwargs)


# factorizations put to use


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The Moore-Penrose inverse; singular values up to `rcond` (default 10 max(m, n) eps) times the largest count as 0.
    """
    with name_scope(name or "pinv", values=[a]):
        x = convert_to_tensor(a)
        m, n = matrix_parts.matrix_dims("pinv", x)[-2:]
        kind = x.dtype.real_dtype
        if rcond is None:
            rcond = cast(matrix_parts.size_tensor(dm.maximum(m, n)), kind) * float(10 * np.finfo(kind.np).eps)
        s, u, v = svd(x)
        cutoff = convert_to_tensor(rcond, kind) * reduce_max(s, -1)
        large = s > expand_dims(cutoff, -1)
        inverse = where(large, ones_of(s) / where(large, s, ones_of(s)), zeros_of(s))
        return matmul(v * expand_dims(cast(inverse, x.dtype), -2), u, adjoint_b=True)


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The number of singular values above `tol` (default max(m, n) eps times the largest), int32."""
    with name_scope(name or "matrix_rank", values=[a]):
        x = convert_to_tensor(a)
        m, n = matrix_parts.matrix_dims("matrix_rank", x)[-2:]
        s = svd(x, compute_uv=False)
        if tol is None:
            size = cast(matrix_parts.size_tensor(dm.maximum(m, n)), s.dtype)
            tol = size * float(np.finfo(s.dtype.np).eps) * reduce_max(s, -1, keepdims=True)
        return reduce_sum(cast(s > tol, int32), -1)


def _factors(lower_upper: Any) -> tuple[Tensor, Tensor]:
    """(unit lower, upper) triangular factors."""
    packed = convert_to_tensor(lower_upper)
    lower = band_part(packed, -1, 0)
    return _set_diag(lower, matrix_parts.diag_part(packed) * zeros_of(packed) + ones_of(packed)), band_part(
        packed, 0, -1)


def _rows(x: Tensor, order: Tensor) -> Tensor:
    """The rows of each matrix in this order."""
    positions = range_(0, matrix_parts.size_tensor(order.dims[-1]))  # type: ignore[index]
    chosen = cast(expand_dims(order, -1), int32)
    return matmul(cast(matrix_parts.equal(chosen, positions), x.dtype), x)


def _inverse_order(perm: Any) -> Tensor:
    order = convert_to_tensor(perm)
    positions = expand_dims(range_(0, matrix_parts.size_tensor(order.dims[-1])), -1)  # type: ignore[index]
    return argmax(cast(matrix_parts.equal(positions, expand_dims(cast(order, int32), -2)), int32), -1,
                  output_type=int32)


def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The matrices that `lu` took apart."""
    with name_scope(name or "lu_reconstruct", values=[lower_upper, perm]):
        lower, upper = _factors(lower_upper)
        return _rows(matmul(lower, upper), _inverse_order(perm))


def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """x with a x = rhs, from the factors of `a`."""
    with name_scope(name or "lu_solve", values=[lower_upper, perm, rhs]):
        lower, upper = _factors(lower_upper)
        moved = _rows(convert_to_tensor(rhs, lower.dtype), convert_to_tensor(perm))
        return triangular_solve(upper, triangular_solve(lower, moved), lower=False)


def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The inverse of the matrices that `lu` took apart."""
    with name_scope(name or "lu_matrix_inverse", values=[lower_upper, perm]):
        packed = convert_to_tensor(lower_upper)
        unit = matrix_parts.diag(matrix_parts.diag_part(packed) * zeros_of(packed) + ones_of(packed))
        return lu_solve(packed, perm, unit)


# tridiagonal matrices


def _compact(diagonals: Any, diagonals_format: str) -> Tensor:
    """Diagonals [..., 3, n] from the upper one on, whatever form they were given in."""
    if diagonals_format == "compact":
        return convert_to_tensor(diagonals)
    if diagonals_format == "matrix":
        return matrix_parts.diag_part(diagonals, k=(-1, 1), align="LEFT_RIGHT")
    if diagonals_format != "sequence":
        raise ValueError(f"Expected diagonals_format to be one of ['compact', 'sequence', 'matrix'], got "
                         f"{diagonals_format}")
    upper, main, lower = convert_all("diagonals", diagonals)
    n, last = main.dims[-1], len(main.dims) - 1  # type: ignore[index,arg-type]
    zero = slice_axis(main, last, 0, 1) * zeros_of(main)
    if upper.dims is not None and upper.dims[-1] != n:
        upper = concat([upper, zero], last)
    if lower.dims is not None and lower.dims[-1] != n:
        lower = concat([zero, lower], last)
    return stack([upper, main, lower], -2)


def tridiagonal_solve(diagonals: Any, rhs: Any, diagonals_format: str = "compact", transpose_rhs: bool = False,
                      conjugate_rhs: bool = False, name: str | None = None, partial_pivoting: bool = True,
                      perturb_singular: bool = False) -> Tensor:
    """x with a x = rhs for tridiagonal matrices: vectors [..., n] or matrices [..., n, k].

    `diagonals` are "compact" [..., 3, n] (upper, main, lower; the upper one's last and the lower one's first element
    are not read), a "sequence" of the three, or full matrices ("matrix").
    """
    with name_scope(name or "tridiagonal_solve"):
        d, b = convert_all("tridiagonal_solve", (_compact(diagonals, diagonals_format), rhs))
        vectors = b.dims is not None and d.dims is not None and len(b.dims) == len(d.dims) - 1
        if vectors:
            b = expand_dims(b, -1)
        elif transpose_rhs:
            b = matrix_transpose(b)
        if conjugate_rhs:
            b = conj(b)
        x = _tridiagonal_solve(d, b, partial_pivoting=bool(partial_pivoting))
        return squeeze(x, [-1]) if vectors else x


def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None) -> Tensor:
    """Tridiagonal matrices times matrices [..., n, k]; forms of `diagonals` as in tridiagonal_solve."""
    with name_scope(name or "tridiagonal_matmul"):
        d, b = convert_all("tridiagonal_matmul", (_compact(diagonals, diagonals_format), rhs))
        columns = matrix_transpose(b)
        upper, main, lower = (slice_axis(d, len(d.dims) - 2, k, 1) for k in range(3))  # type: ignore[arg-type]
        return matrix_transpose(upper * shifted(columns, -1) + main * columns + lower * shifted(columns, 1))


def eigh_tridiagonal(alpha: Any, beta: Any, eigvals_only: bool = True, select: str = "a", select_range: Any = None,
                     tol: Any = None, name: str | None = None) -> Any:
    """Eigenvalues (and vectors) of symmetric tridiagonal matrices with diagonals `alpha` [n] and `beta` [n - 1].

    `select` "i" keeps those numbered select_range[0] to select_range[1]; "a" all. Raises ValueError for "v", whose
    number would depend on the data.
    """
    if select not in ("a", "i"):
        raise ValueError(f"eigh_tridiagonal: select must be 'a' or 'i', received {select!r}")
    with name_scope(name or "eigh_tridiagonal"):
        main, beside = convert_all("eigh_tridiagonal", (alpha, beta))
        full = matrix_parts.diag(main) + matrix_parts.diag(beside, 1) + matrix_parts.diag(conj(beside), -1)
        values, vectors = self_adjoint_eig(full)
        if select == "i":
            first, last = (int(i) for i in select_range)
            values, vectors = values[first:last + 1], vectors[:, first:last + 1]
        return real(values) if eigvals_only else (real(values), vectors)


__all__ = [
    "LinearOperator", "LinearOperatorComposition", "LinearOperatorDiag", "LinearOperatorFullMatrix",
    "LinearOperatorIdentity", "LinearOperatorLowerTriangular", "LinearOperatorScaledIdentity",
    "adjoint", "band_part", "cholesky", "cholesky_solve", "cross", "det", "diag", "diag_part", "eigh", "einsum",
    "eigh_tridiagonal", "eigvalsh", "expm", "eye", "global_norm", "inv", "l2_normalize", "logdet", "logm", "lstsq",
    "lu", "lu_matrix_inverse", "lu_reconstruct", "lu_solve", "matmul", "matrix_rank", "matrix_transpose", "matvec",
    "norm", "normalize", "pinv", "qr", "set_diag", "slogdet", "solve", "sqrtm", "svd", "tensor_diag",
    "tensor_diag_part", "tensordot", "trace", "transpose", "triangular_solve", "tridiagonal_matmul",
    "tridiagonal_solve",
]

_names = Names(globals(), {
    "linalg_experimental": "experimental",
    "linear_operators": "LinearOperatorAdjoint LinearOperatorBlockDiag LinearOperatorBlockLowerTriangular "
                        "LinearOperatorCirculant LinearOperatorCirculant2D LinearOperatorCirculant3D "
                        "LinearOperatorHouseholder LinearOperatorInversion LinearOperatorKronecker "
                        "LinearOperatorLowRankUpdate LinearOperatorPermutation LinearOperatorToeplitz "
                        "LinearOperatorTridiag LinearOperatorZeros",
})
__all__ += _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)
