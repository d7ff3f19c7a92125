"""Factorizations of batches of matrices: Cholesky, QR, LU, singular values, eigenvalues of self-adjoint matrices.

Gradients, as graph, in TensorFlow's convention for complex matrices: Murray, "Differentiation of the Cholesky
decomposition" (2016); Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2012) for QR and
LU; Giles (2008) and Townsend, "Differentiating the singular value decomposition" (2016).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import DType, as_dtype, int32
from ..errors import InvalidArgumentError, UnimplementedError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from .complex import complex_of, conj, safe_divide
from .constant import convert_to_tensor
from .contraction import matmul
from .elementwise import cast, equal, where
from .linalg import SINGULAR, each, herm, in_single, like_square, matrices, matrix_triangular_solve, square_matrices
from .matrix_parts import adjoint, band_part, diag, diag_part, set_diag, size_tensor
from .view import expand_dims, ones_of, zeros_of

# Cholesky

NOT_DEFINITE = "Cholesky decomposition was not successful. The input might not be valid."


def _cholesky_reference(x: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(NOT_DEFINITE) from None


def _half_diagonal(x: Tensor) -> Tensor:
    """The lower triangle, with half the diagonal."""
    return band_part(set_diag(x, diag_part(x) * 0.5), -1, 0)


def _cholesky_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    """1/2 (S + S^H) with S = L^-H phi(L^H g) L^-1, phi the lower triangle with half the diagonal."""
    factor = op.output
    middle = _half_diagonal(matmul(adjoint(factor), band_part(g, -1, 0)))
    left = matrix_triangular_solve(factor, middle, adjoint=True)
    total = adjoint(matrix_triangular_solve(factor, adjoint(left), adjoint=True))
    return [(total + adjoint(total)) * 0.5]


_cholesky = OpDef("Cholesky", HOST, like_square("Cholesky"), _cholesky_grad, _cholesky_reference,
                  fields={"fault": lambda *where: NOT_DEFINITE})


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular L with L L^H = input, for positive definite matrices (only the lower triangle is read).

    Raises InvalidArgumentError when the graph runs with another matrix.
    """
    return _cholesky(convert_to_tensor(input, name="Cholesky/input"), name=name)


# QR


def _qr_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    *batch, m, n = matrices("Qr", x)
    inner = dm.minimum(m, n)
    if attrs["full_matrices"]:
        return [TensorType(x.dtype, (*batch, m, m)), TensorType(x.dtype, (*batch, m, n))]
    return [TensorType(x.dtype, (*batch, m, inner)), TensorType(x.dtype, (*batch, inner, n))]


def _qr_reference(x: np.ndarray, full_matrices: bool) -> tuple[np.ndarray, ...]:
    m, n = x.shape[-2:]
    inner = m if full_matrices else min(m, n)
    if x.size == 0:
        q = np.broadcast_to(np.eye(m, inner, dtype=x.dtype), (*x.shape[:-2], m, inner))
        return q, np.zeros((*x.shape[:-2], inner, n), x.dtype)
    q, r = np.linalg.qr(x, "complete" if full_matrices else "reduced")
    return q, r


def _qr_grad(op: Operation, g_q: Tensor | None, g_r: Tensor | None) -> Sequence[Tensor]:
    q, r = op.outputs
    m, n = matrices("Qr", op.inputs[0])[-2:]
    if op.attrs["full_matrices"] and m != n or isinstance(m, int) and isinstance(n, int) and m < n:
        raise UnimplementedError("Qr: the gradient needs at least as many rows as columns, and full_matrices=False "
                                 f"unless they are equal; received {op.inputs[0]!r}")
    g_q = q * zeros_of(q) if g_q is None else g_q
    g_r = r * zeros_of(r) if g_r is None else g_r
    middle = matmul(r, adjoint(g_r)) - matmul(adjoint(g_q), q)
    lower = band_part(middle, -1, 0)
    symmetric = lower + adjoint(lower)
    symmetric = set_diag(symmetric, diag_part(lower))
    total = g_q + matmul(q, symmetric)
    return [adjoint(matrix_triangular_solve(r, adjoint(total), lower=False))]


_qr = OpDef("Qr", HOST, _qr_types, _qr_grad, _qr_reference)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(q, r) with orthonormal columns in q and upper triangular r, of shapes [..., m, p] and [..., p, n] for
    [..., m, n], p the smaller of both or with `full_matrices` m."""
    q, r = _qr.operation(convert_to_tensor(input, name="Qr/input"), full_matrices=bool(full_matrices),
                         name=name).outputs
    return q, r


# LU


def _lu_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims = square_matrices("Lu", inputs[0])
    return [TensorType(inputs[0].dtype, dims), TensorType(attrs["output_idx_type"], dims[:-1])]


def _lu_reference(x: np.ndarray, output_idx_type: DType) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian elimination with partial pivoting (Golub and Van Loan, algorithm 3.4.1), over the batch at once."""
    n = x.shape[-1]
    lu = x.reshape(-1, n, n).copy()
    perm = np.tile(np.arange(n), (len(lu), 1))
    batch = np.arange(len(lu))
    for k in range(n):
        pivot = k + np.argmax(np.abs(lu[:, k:, k]), axis=1)
        lu[batch, k], lu[batch, pivot] = lu[batch, pivot], lu[batch, k].copy()
        perm[batch, k], perm[batch, pivot] = perm[batch, pivot], perm[batch, k].copy()
        if np.any(lu[:, k, k] == 0):
            raise InvalidArgumentError(SINGULAR["fault"]())
        lu[:, k + 1:, k] /= lu[:, k, k, None]
        lu[:, k + 1:, k + 1:] -= lu[:, k + 1:, k, None] * lu[:, k, None, k + 1:]
    return lu.reshape(x.shape), perm.reshape(x.shape[:-1]).astype(output_idx_type.np)


def _lu_grad(op: Operation, g: Tensor | None, _: Tensor | None) -> Sequence[Tensor | None]:
    """P^T L^-H (strictly lower(L^H g_L) + upper(g_U U^H)) U^-H."""
    if g is None:
        return [None]
    lu, perm = op.outputs
    lower = set_diag(band_part(lu, -1, 0), diag_part(lu) * zeros_of(lu) + ones_of(lu))
    upper = band_part(lu, 0, -1)
    g_lower = band_part(g, -1, 0) - diag(diag_part(g))
    left = matmul(adjoint(lower), g_lower)
    middle = band_part(left, -1, 0) - diag(diag_part(left)) + band_part(
        matmul(band_part(g, 0, -1), adjoint(upper)), 0, -1)
    solved = matrix_triangular_solve(lower, middle, adjoint=True)
    permuted = adjoint(matrix_triangular_solve(upper, adjoint(solved), lower=False))
    rows = cast(equal(expand_dims(perm, -2), expand_dims(_positions(perm), -1)), lu.dtype)
    return [matmul(rows, permuted)]


def _positions(perm: Tensor) -> Tensor:
    from .gather import range_
    assert perm.dims is not None
    return cast(range_(0, size_tensor(perm.dims[-1])), perm.dtype)


_lu = OpDef("Lu", HOST, _lu_types, _lu_grad, _lu_reference, fields=SINGULAR)


def lu(input: Any, output_idx_type: Any = int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(the factors in one matrix: U, and L below its unit diagonal; the row of `input` that each row came from).

    Raises InvalidArgumentError when the graph runs with a singular matrix.
    """
    factors, perm = _lu.operation(convert_to_tensor(input, name="Lu/input"), output_idx_type=as_dtype(output_idx_type),
                                  name=name).outputs
    return factors, perm


# singular values


def _svd_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    *batch, m, n = matrices("Svd", x)
    inner = dm.minimum(m, n)
    s = TensorType(x.dtype.real_dtype, (*batch, inner))
    if not attrs["compute_uv"]:
        return [s]
    full = attrs["full_matrices"]
    return [s, TensorType(x.dtype, (*batch, m, m if full else inner)),
            TensorType(x.dtype, (*batch, n, n if full else inner))]


def _svd_reference(x: np.ndarray, compute_uv: bool, full_matrices: bool) -> Any:
    if not compute_uv:
        return each(lambda a: in_single("svd", "f", a, lambda a: np.linalg.svd(a, compute_uv=False)), x)
    name = "svd_f" if full_matrices else "svd_s"
    u, s, vh = each(lambda a: in_single(name, "xfx", a, lambda a: np.linalg.svd(a, full_matrices)), x)
    return s, u, herm(vh)


def _svd_grad(op: Operation, g_s: Tensor | None, g_u: Tensor | None = None, g_v: Tensor | None = None
              ) -> Sequence[Tensor]:
    """Townsend (2016), with the gauge of TensorFlow's for complex matrices."""
    x, = op.inputs
    if not op.attrs["compute_uv"]:
        assert g_s is not None
        _, u, v = svd(x)
        return [matmul(u * expand_dims(cast(g_s, x.dtype), -2), adjoint(v))]
    m, n = matrices("Svd", x)[-2:]
    if op.attrs["full_matrices"] and m != n:
        raise UnimplementedError(f"Svd: the gradient is not defined for full_matrices=True unless the matrices are "
                                 f"square; received {x!r}")
    s, u, v = op.outputs
    s_mat = diag(cast(s, x.dtype))
    total = _zero(s_mat) if g_s is None else diag(cast(g_s, x.dtype))
    squares = cast(s * s, x.dtype)
    gaps = expand_dims(squares, -2) - expand_dims(squares, -1)  # s_j^2 - s_i^2
    f = _reciprocal(gaps)
    inverse = expand_dims(_reciprocal(cast(s, x.dtype)), -2)
    result = None
    if g_u is not None:
        projected = matmul(adjoint(u), g_u)
        half = matmul(f * (projected - adjoint(projected)), s_mat)
        total = total + half
        if x.dtype.is_complex:
            total = total + _gauge(projected, inverse)
        beyond = (g_u - matmul(u, projected)) * inverse
        result = matmul(beyond, adjoint(v))
    if g_v is not None:
        projected = matmul(adjoint(v), g_v)
        total = total + matmul(s_mat, f * (projected - adjoint(projected)))
        beyond = (g_v - matmul(v, projected)) * inverse
        part = matmul(u, adjoint(beyond))
        result = part if result is None else result + part
    inner = matmul(matmul(u, total), adjoint(v))
    return [inner if result is None else result + inner]


def _gauge(projected: Tensor, inverse: Tensor) -> Tensor:
    """The imaginary part of the diagonal, over the singular values."""
    phases = diag_part(projected)
    return diag((phases - conj(phases)) * 0.5) * inverse


def _zero(x: Tensor) -> Tensor:
    return x * zeros_of(x)


def _reciprocal(x: Tensor) -> Tensor:
    """1 / x, 0 where x is 0."""
    if x.dtype.is_complex:
        return safe_divide(ones_of(x), x)
    zero = equal(x, zeros_of(x))
    return where(zero, zeros_of(x), ones_of(x) / where(zero, ones_of(x), x))


_svd = OpDef("Svd", HOST, _svd_types, _svd_grad, _svd_reference)


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """(s, u, v) with tensor = u diag(s) v^H and s falling; only s without `compute_uv`.

    For [..., m, n] and p the smaller of both: s [..., p], u [..., m, p], v [..., n, p], with `full_matrices` square.
    """
    results = _svd.operation(convert_to_tensor(tensor, name="Svd/input"), compute_uv=bool(compute_uv),
                             full_matrices=bool(full_matrices), name=name).outputs
    return results if compute_uv else results[0]


# eigenvalues of self-adjoint matrices


def _eigh_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    dims = square_matrices("SelfAdjointEigV2", x)
    values = TensorType(x.dtype, dims[:-1])  # complex for complex matrices too, as in TensorFlow
    return [values, TensorType(x.dtype, dims)] if attrs["compute_v"] else [values]


def _eigh_grad(op: Operation, g_e: Tensor | None, g_v: Tensor | None = None) -> Sequence[Tensor]:
    """V (diag(g_e) + F o (V^H g_v)) V^H, onto the lower triangle, which alone is read (TensorFlow's convention)."""
    x, = op.inputs
    e, v = op.outputs if op.attrs["compute_v"] else self_adjoint_eig(x)
    middle = _zero(v) if g_e is None else diag(g_e)
    if g_v is not None:
        gaps = expand_dims(e, -2) - expand_dims(e, -1)
        middle = middle + _reciprocal(gaps) * matmul(adjoint(v), g_v)
    total = matmul(matmul(v, middle), adjoint(v))
    lower = band_part(total + adjoint(total), -1, 0)
    return [set_diag(lower, diag_part(lower) * 0.5)]


def _eigh_reference(x: np.ndarray, compute_v: bool) -> Any:
    if not compute_v:
        return each(lambda a: in_single("eigvalsh_lo", "f", a, np.linalg.eigvalsh), x)
    return tuple(each(lambda a: in_single("eigh_lo", "fx", a, np.linalg.eigh), x))


_eigh = OpDef("SelfAdjointEigV2", HOST, _eigh_types, _eigh_grad, _eigh_reference)


def self_adjoint_eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(eigenvalues e [..., n], rising; eigenvectors v as columns [..., n, n]): tensor = v diag(e) v^H. Only the lower
    triangle is read."""
    e, v = _eigh.operation(convert_to_tensor(tensor, name="SelfAdjointEigV2/input"), compute_v=True, name=name).outputs
    return e, v


def self_adjoint_eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of self-adjoint matrices, rising."""
    return _eigh(convert_to_tensor(tensor, name="SelfAdjointEigV2/input"), compute_v=False, name=name)


# eigenvalues of any square matrices


def _eig_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dims = square_matrices("Eig", inputs[0])
    dtype = complex_of(inputs[0].dtype)
    return [TensorType(dtype, dims[:-1]), TensorType(dtype, dims)]


def _eig_reference(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kind = np.result_type(x.dtype, np.complex64)
    values, vectors = np.linalg.eig(x)
    return values.astype(kind), vectors.astype(kind)


_eig = OpDef("Eig", HOST, _eig_types, lambda op, *g: [None], _eig_reference)


def eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(eigenvalues [..., n], unit eigenvectors as columns [..., n, n]) of square matrices, complex, without gradient.
    """
    return _eig.operation(convert_to_tensor(tensor), name=name).outputs  # type: ignore[return-value]
