"""Exponential, logarithm and square root of square matrices; least squares; tridiagonal systems.

The gradient of a matrix function f is its Frechet derivative at A^H in the direction of the incoming gradient, the
upper right block of f([[A^H, G], [0, A^H]]) (Mathias, "A chain rule for matrix functions and applications", 1996), so
it is graph of the same function and can be differentiated again.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import broadcast, format_dims
from .arguments import check_same_dtype, convert_all
from .complex import conj
from .constant import convert_to_tensor
from .contraction import matmul
from .elementwise import cast
from .factorization import cholesky
from .linalg import cholesky_solve, each, like_square, matrices, square_matrices
from .matrix_parts import adjoint, diag, matrix_transpose
from .reduction import reduce_sum
from .slicing import concat, pad, slice_axis, stack
from .view import ones, zeros_of

# coefficients of the diagonal Pade approximants of exp, by degree, and the largest 1-norm that each serves in double
# precision (Higham, "The scaling and squaring method for the matrix exponential revisited", 2005)
PADE = {3: (120, 60, 12, 1), 5: (30240, 15120, 3360, 420, 30, 1),
        7: (17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1),
        9: (17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1),
        13: (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
             670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)}
PADE_NORM = {3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1, 9: 2.097847961257068,
             13: 5.371920351148152}


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _expm(x: np.ndarray) -> np.ndarray:
    a = _wide(x)
    if not a.size:
        return x.copy()
    norm = float(np.max(np.sum(np.abs(a), -2)))
    if not np.isfinite(norm):
        return np.full_like(x, np.nan)
    degree = next((d for d, limit in PADE_NORM.items() if norm <= limit), 13)
    halvings = max(0, int(np.ceil(np.log2(norm / PADE_NORM[13])))) if norm else 0
    a = a / 2.0 ** halvings
    power, square = np.broadcast_to(np.eye(a.shape[-1]), a.shape), a @ a
    even, odd = np.zeros_like(a), np.zeros_like(a)
    for i in range(0, degree, 2):
        even, odd = even + PADE[degree][i] * power, odd + PADE[degree][i + 1] * power
        power = power @ square
    odd = a @ odd
    result = np.linalg.solve(even - odd, even + odd)
    for _ in range(halvings):
        result = result @ result
    return result.astype(x.dtype)


def _sqrtm(x: np.ndarray) -> np.ndarray:
    """The scaled product form of the Denman-Beavers iteration (Higham, "Functions of matrices", 2008, 6.29)."""
    root = product = _wide(x)
    n = x.shape[-1]
    identity = np.eye(n)
    if not x.size:
        return x.copy()
    for _ in range(100):
        inverse = each(np.linalg.inv, product)
        scale = np.abs(np.linalg.det(product)) ** (-0.5 / n)
        scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)[..., None, None]
        far = np.max(np.abs(product - identity), axis=(-1, -2), keepdims=True) > 1e-2
        scale = np.where(far, scale, 1.0)
        root = 0.5 * scale * (root + root @ inverse / scale ** 2)
        product = 0.5 * (identity + 0.5 * (scale ** 2 * product + inverse / scale ** 2))
        if np.max(np.abs(product - identity)) < 1e-15 * n:
            break
    return root.astype(x.dtype)


def _logm(x: np.ndarray) -> np.ndarray:
    """Inverse scaling and squaring: log A = 2^k log A^(1/2^k), the latter by Gauss-Legendre quadrature of its integral
    representation, which is its diagonal Pade approximant (Dieci, Morini and Papini, 1996)."""
    root, roots, identity = _wide(x), 0, np.eye(x.shape[-1])
    if not x.size:
        return x.copy()
    while np.max(np.sum(np.abs(root - identity), -2)) > 0.25:
        root, roots = _sqrtm(root), roots + 1
        if roots > 60 or not np.all(np.isfinite(root)):
            raise InvalidArgumentError("MatrixLogarithm: the matrix has no logarithm that can be computed")
    nodes, weights = np.polynomial.legendre.leggauss(8)
    near = root - identity
    total = sum(w / 2 * np.linalg.solve(identity + (t + 1) / 2 * near, near)
                for t, w in zip(nodes, weights, strict=True))
    return (total * 2.0 ** roots).astype(x.dtype)  # type: ignore[union-attr]


def _function(name: str, reference: Callable[[np.ndarray], np.ndarray]) -> OpDef:
    def grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
        a = adjoint(op.inputs[0])
        n, rows, columns = square_matrices(name, a)[-1], -2 % len(a.dims or ()), -1 % len(a.dims or ())
        block = concat([concat([a, g], columns), concat([a * zeros_of(a), a], columns)], rows)
        return [slice_axis(slice_axis(op.definition(block), rows, 0, n), columns, n, n)]

    return OpDef(name, HOST, like_square(name), grad, reference)


_matrix_exponential = _function("MatrixExponential", _expm)
_matrix_logarithm = _function("MatrixLogarithm", _logm)
_matrix_square_root = _function("MatrixSquareRoot", _sqrtm)


def matrix_exponential(input: Any, name: str | None = None) -> Tensor:
    """The sum of input^k / k! for each square matrix."""
    return _matrix_exponential(convert_to_tensor(input), name=name or "matrix_exponential")


def matrix_logarithm(input: Any, name: str | None = None) -> Tensor:
    """The principal logarithm of each square matrix, none of whose eigenvalues may be 0 or negative."""
    return _matrix_logarithm(convert_to_tensor(input), name=name)


def matrix_square_root(input: Any, name: str | None = None) -> Tensor:
    """The principal square root of each square matrix, none of whose eigenvalues may be 0 or negative."""
    return _matrix_square_root(convert_to_tensor(input), name=name)


# least squares


def matrix_solve_ls(matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True,
                    name: str | None = None) -> Tensor:
    """The x [..., n, k] that minimises |matrix x - rhs|^2 + l2_regularizer |x|^2, for [..., m, n] and [..., m, k].

    With fewer rows than columns the one of least norm. Where the sizes are unknown, as many rows as columns at least
    are expected. `fast` solves the normal equations by Cholesky; without it singular values serve, for matrices of any
    rank, and the regularizer is ignored, as in TensorFlow.
    """
    a, b = convert_all("MatrixSolveLs", (matrix, rhs))
    m, n = matrices("MatrixSolveLs", a)[-2:]
    rows = matrices("MatrixSolveLs", b)[-2]
    if isinstance(m, int) and isinstance(rows, int) and m != rows:
        raise ShapeError(f"MatrixSolveLs: Dimensions must be equal, but are {m} and {rows}: {format_dims(a.dims)} and "
                         f"{format_dims(b.dims)}")
    if not fast:
        return _least_squares(a, b, name=name or "MatrixSolveLs")
    wide = isinstance(m, int) and isinstance(n, int) and m < n
    gram = matmul(a, adjoint(a)) if wide else matmul(adjoint(a), a)
    weight = convert_to_tensor(l2_regularizer, a.dtype.real_dtype)
    size = matrices("MatrixSolveLs", gram)[-1]
    gram = gram + cast(weight, a.dtype) * diag(ones((size,), a.dtype))
    factor = cholesky(gram)
    if wide:
        return matmul(adjoint(a), cholesky_solve(factor, b), name=name)
    return cholesky_solve(factor, matmul(adjoint(a), b), name=name)


def _ls_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype = check_same_dtype("MatrixSolveLs", inputs)
    a, b = matrices("MatrixSolveLs", inputs[0]), matrices("MatrixSolveLs", inputs[1])
    batch = broadcast("MatrixSolveLs", a[:-2], b[:-2])
    assert batch is not None
    return [TensorType(dtype, (*batch, a[-1], b[-1]))]


_least_squares = OpDef("MatrixSolveLs", HOST, _ls_types, None, lambda a, b: np.linalg.pinv(a) @ b)


# tridiagonal systems: diagonals [..., 3, n] from the upper one on, its last and the lower one's first element unused


def _tridiagonal_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype = check_same_dtype("TridiagonalSolve", inputs)
    d, b = matrices("TridiagonalSolve", inputs[0]), matrices("TridiagonalSolve", inputs[1])
    if isinstance(d[-1], int) and isinstance(b[-2], int) and d[-1] != b[-2] or isinstance(d[-2], int) and d[-2] != 3:
        raise ShapeError(f"TridiagonalSolve: Expected diagonals [..., 3, n] and right-hand sides [..., n, k], received "
                         f"{format_dims(d)} and {format_dims(b)}")
    return [TensorType(dtype, b)]


def _tridiagonal_reference(diagonals: np.ndarray, rhs: np.ndarray, partial_pivoting: bool) -> np.ndarray:
    """Thomas's elimination; with pivoting the rows keep a second upper diagonal."""
    upper, main, lower = (np.moveaxis(diagonals[..., k, :], -1, 0).copy() for k in range(3))
    second, x, n = np.zeros_like(upper), np.moveaxis(rhs, -2, 0).copy(), diagonals.shape[-1]
    if n:
        upper[-1] = 0
    with np.errstate(all="ignore"):
        for i in range(n - 1):
            swap = partial_pivoting & (np.abs(main[i]) < np.abs(lower[i + 1]))
            below = lower[i + 1], main[i + 1], upper[i + 1], np.zeros_like(second[i]), x[i + 1]
            here = main[i], upper[i], second[i], np.zeros_like(second[i]), x[i]
            top = [np.where(swap[..., None] if a.ndim > swap.ndim else swap, b, a)
                   for a, b in zip(here, below, strict=True)]
            bottom = [np.where(swap[..., None] if a.ndim > swap.ndim else swap, a, b)
                      for a, b in zip(here, below, strict=True)]
            factor = bottom[0] / top[0]
            main[i], upper[i], second[i], x[i] = top[0], top[1], top[2], top[4]
            main[i + 1], upper[i + 1] = bottom[1] - factor * top[1], bottom[2] - factor * top[2]
            x[i + 1] = bottom[4] - factor[..., None] * top[4]
        if np.any(main == 0):
            raise InvalidArgumentError("TridiagonalSolve: Input matrix is not invertible.")
        for i in range(n - 1, -1, -1):
            if i + 1 < n:
                x[i] -= upper[i][..., None] * x[i + 1]
            if i + 2 < n:
                x[i] -= second[i][..., None] * x[i + 2]
            x[i] /= main[i][..., None]
    return np.moveaxis(x, 0, -2)


def shifted(x: Tensor, by: int) -> Tensor:
    """Elements moved along the last axis, 0 moved in."""
    last = len(matrices("TridiagonalSolve", x)) - 1
    n = (x.dims or ())[-1]
    kept = slice_axis(x, last, max(-by, 0), n - abs(by))
    return pad(kept, [*[(0, 0)] * last, (max(by, 0), max(-by, 0))])


def _tridiagonal_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    """g_b solves the adjoint system; minus g_b x^H on the three diagonals is that of the matrix."""
    x, diagonals = op.output, op.inputs[0]
    rows = len(matrices("TridiagonalSolve", diagonals)) - 2
    upper, main, lower = (slice_axis(diagonals, rows, k, 1) for k in range(3))
    flipped = conj(concat([shifted(lower, -1), main, shifted(upper, 1)], rows))
    g_b = tridiagonal_solve(flipped, g, **op.attrs)
    b_t, x_t = matrix_transpose(g_b), adjoint(x)  # [..., k, n]
    parts = [-reduce_sum(b_t * moved, -2) for moved in (shifted(x_t, -1), x_t, shifted(x_t, 1))]
    return [stack(parts, rows), g_b]


tridiagonal_solve: OpDef = OpDef("TridiagonalSolve", HOST, _tridiagonal_types, _tridiagonal_grad,
                                    _tridiagonal_reference)
