"""Cases of matrix ops and complex numbers."""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from example import F32, case, floats
from graphflow.compiler.ops import complex as cx
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import factorization as fa
from graphflow.compiler.ops import linalg as la
from graphflow.compiler.ops import matrix_functions as mf
from graphflow.compiler.ops.contraction import matmul

EYE = np.eye(3, dtype=F32)


def regular(*batch: int, seed: int = 0) -> np.ndarray:
    """Well-conditioned matrices [..., 3, 3]."""
    return floats((*batch, 3, 3), -0.5, 0.5, seed=seed) + 2 * EYE


def definite(x: Any) -> Any:
    """x x^T + 1, positive definite."""
    return matmul(x, x, transpose_b=True) + EYE


def _definite(x: np.ndarray) -> np.ndarray:
    return x @ np.swapaxes(x, -1, -2) + EYE


def turned(x: Any) -> Any:
    """A complex tensor of a real one."""
    return cx.complex_(x, ew.sin(x * 2))


def _turned(x: np.ndarray) -> np.ndarray:
    return x + 1j * np.sin(2 * x)


for _batch in ((), (2,)):
    for _adjoint in (False, True):
        case("MatrixInverse", partial(la.matrix_inverse, adjoint=_adjoint), regular(*_batch), known_rank=True,
             expect=lambda x, a=_adjoint: np.linalg.inv(np.swapaxes(x, -1, -2) if a else x), second=True)
        case("MatrixSolve", partial(la.matrix_solve, adjoint=_adjoint), regular(*_batch), floats((*_batch, 3, 2)),
             expect=lambda x, b, a=_adjoint: np.linalg.solve(np.swapaxes(x, -1, -2) if a else x, b), known_rank=True)
    case("MatrixDeterminant", la.matrix_determinant, regular(*_batch), expect=np.linalg.det, known_rank=True,
         second=not _batch)
    case("LogMatrixDeterminant", lambda x: list(la.log_matrix_determinant(x)), -regular(*_batch), known_rank=True,
         expect=lambda x: list(np.linalg.slogdet(x)))
    case("Cholesky", lambda x: fa.cholesky(definite(x)), regular(*_batch), known_rank=True, second=not _batch,
         expect=lambda x: np.linalg.cholesky(_definite(x)))
    case("Qr", lambda x: matmul(ew.square(fa.qr(x)[0]), ew.square(fa.qr(x)[1])), floats((*_batch, 4, 3), seed=2),
         known_rank=True, expect=lambda x: (lambda q, r: q**2 @ r**2)(*np.linalg.qr(x)))
    case("Svd", lambda x: fa.svd(x, compute_uv=False), floats((*_batch, 4, 3)), known_rank=True, second=not _batch,
         expect=lambda x: np.linalg.svd(x, compute_uv=False))
    case("SelfAdjointEigV2", lambda x: fa.self_adjoint_eigvals(definite(x)), regular(*_batch), known_rank=True,
         expect=lambda x: np.linalg.eigvalsh(_definite(x)), second=not _batch)
for _lower in (True, False):
    for _adjoint in (False, True):
        case("MatrixTriangularSolve", partial(la.matrix_triangular_solve, lower=_lower, adjoint=_adjoint), regular(),
             floats((3, 2)), known_rank=True, second=_lower,
             expect=lambda x, b, lo=_lower, a=_adjoint: np.linalg.solve(
                 (np.tril(x) if lo else np.triu(x)).T if a else (np.tril(x) if lo else np.triu(x)), b))
case("Qr", lambda x: ew.abs_(fa.qr(x, full_matrices=True)[1]), floats((4, 2)), known_rank=True, grad=False,
     expect=lambda x: np.abs(np.linalg.qr(x, "complete")[1]))
# what is invariant to the signs of the vectors
case("Svd", lambda x: (lambda s, u, v: [s, matmul(ew.square(u), ew.square(v), transpose_b=True)])(*fa.svd(x)),
     floats((3, 4), seed=1), known_rank=True,
     expect=lambda x: (lambda u, s, v: [s, u**2 @ v**2])(*np.linalg.svd(x, full_matrices=False)))
case("SelfAdjointEigV2", lambda x: (lambda e, v: matmul(ew.square(v), ew.square(v)) * e)(
    *fa.self_adjoint_eig(definite(x))), regular(), known_rank=True,
    expect=lambda x: (lambda e, v: v**2 @ v**2 * e)(*np.linalg.eigh(_definite(x))))
case("Lu", lambda x: fa.lu(x)[0], np.roll(regular(2), 1, -2), known_rank=True,
     expect=lambda x: np.stack([np.roll(m, -1, 0) * 0 + fa._lu_reference(m, fa.int32)[0] for m in x]))
for _name, _build in (("MatrixExponential", mf.matrix_exponential), ("MatrixLogarithm", mf.matrix_logarithm),
                      ("MatrixSquareRoot", mf.matrix_square_root)):
    case(_name, _build, regular(2), known_rank=True)
    case(_name, lambda x, b=_build: b(definite(x)), regular(), known_rank=True, second=_name == "MatrixExponential")
case("MatrixExponential", mf.matrix_exponential, np.diag([0.1, 2, 9]).astype(F32), known_rank=True, grad=False,
     expect=lambda x: np.diag(np.exp(np.diag(x))))
case("MatrixSolveLs", partial(mf.matrix_solve_ls, fast=False), floats((4, 3)), floats((4, 2)), known_rank=True,
     grad=False, expect=lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0])
case("TridiagonalSolve", partial(mf.tridiagonal_solve, partial_pivoting=True), floats((2, 3, 5), seed=3),
     floats((2, 5, 2)), known_rank=True,
     expect=lambda d, b: np.linalg.solve(np.stack([np.diag(m[1]) + np.diag(m[0, :-1], 1) + np.diag(m[2, 1:], -1)
                                                   for m in d]), b))

# complex numbers

case("Complex", lambda x, y: cx.real(cx.complex_(x, y)) * cx.imag(cx.complex_(x, y)), floats((2, 3)),
     floats((3,), seed=1), expect=lambda x, y: x * y, second=True)
for _name, _build, _numpy in (("Real", cx.real, np.real), ("Imag", cx.imag, np.imag), ("Angle", cx.angle, np.angle),
                              ("ComplexAbs", ew.abs_, np.abs)):
    case(_name, lambda x, b=_build: b(turned(x)), floats((2, 3), 0.3, 1), expect=lambda x, f=_numpy: f(_turned(x)),
         second=True)
case("Conj", lambda x: cx.imag(ew.exp(cx.conj(turned(x)))), floats((4,)), second=True,
     expect=lambda x: np.imag(np.exp(np.conj(_turned(x)))))
case("ComplexSign", lambda x: cx.real(ew.sign(turned(x))), floats((4,), 0.3, 1), second=True,
     expect=lambda x: np.real(_turned(x) / np.abs(_turned(x))))
case("ComplexDivNoNan", lambda x, y: cx.real(cx.safe_divide(turned(x), turned(y))), floats((4,)), floats((4,), 0.3, 1),
     expect=lambda x, y: np.real(_turned(x) / _turned(y)), second=True)
case("Eig", fa.eig, np.array([[0, 1], [-1, 0]], F32), grad=False, known_rank=True, expect=np.linalg.eig)
