"""Linear systems, inverses and determinants of batches of matrices, real and complex.

Gradients: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008);
for complex matrices in TensorFlow's convention (see complex.py).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import Dims, broadcast, format_dims
from .arguments import check_same_dtype, convert_all
from .complex import conj
from .constant import convert_to_tensor
from .contraction import matmul
from .matrix_parts import adjoint, band_part, matrix_dims
from .view import expand_dims

NOT_INVERTIBLE = "Input matrix is not invertible."
SINGULAR = {"fault": lambda *where: "Input is not invertible."}

# shapes


def matrices(op: str, x: Tensor) -> Dims:
    """The dims of floating or complex matrices. Raises DTypeError and ShapeError."""
    if not x.dtype.is_differentiable:
        raise DTypeError(f"{op}: expected floating or complex matrices, received {x!r}")
    return matrix_dims(op, x)


def square_matrices(op: str, x: Tensor) -> Dims:
    """The dims of square matrices. Raises DTypeError and ShapeError."""
    dims = matrices(op, x)
    m, n = dims[-2:]
    if isinstance(m, int) and isinstance(n, int) and m != n:
        raise ShapeError(f"{op}: Dimensions must be equal, but are {m} and {n}: expected square matrices, received "
                         f"{format_dims(dims)}")
    return (*dims[:-1], m if isinstance(n, dm.Dim) else n) if isinstance(m, int) else (*dims[:-2], n, n)


def like_square(name: str) -> Callable[..., list[TensorType]]:
    """The shape rule of a function from square matrices to such."""
    return lambda inputs, attrs: [TensorType(inputs[0].dtype, square_matrices(name, inputs[0]))]


def _solve_types(name: str) -> Callable[..., list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        dtype = check_same_dtype(name, inputs)
        a, b = square_matrices(name, inputs[0]), matrices(name, inputs[1])
        if isinstance(a[-1], int) and isinstance(b[-2], int) and a[-1] != b[-2]:
            raise ShapeError(f"{name}: Dimensions must be equal, but are {a[-1]} and {b[-2]}: matrices "
                             f"{format_dims(a)} and right-hand sides {format_dims(b)}")
        batch = broadcast(name, a[:-2], b[:-2])
        assert batch is not None
        return [TensorType(dtype, (*batch, b[-2] if isinstance(b[-2], int) else a[-1], b[-1]))]
    return infer


# references


def herm(x: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(x, -1, -2))


def each(function: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """A LAPACK call, whose failure becomes an InvalidArgumentError."""
    try:
        return function(*arrays)
    except (np.linalg.LinAlgError, FloatingPointError):
        raise InvalidArgumentError(SINGULAR["fault"]()) from None


def in_single(name: str, results: str, x: np.ndarray, otherwise: Callable[[np.ndarray], Any]) -> Any:
    """LAPACK's function for matrices of single precision, for which numpy.linalg converts to double and takes that
    one, for twice the time; `otherwise` for others. `results` are their types, "x" that of the matrices."""
    function = getattr(getattr(np.linalg, "_umath_linalg", None), name, None)
    if x.dtype.char not in "fF" or function is None:
        return otherwise(x)
    with np.errstate(all="ignore", invalid="raise"):
        return function(x, signature=f"{x.dtype.char}->{results.replace('x', x.dtype.char)}")


def _inverse(x: np.ndarray, adjoint: bool) -> np.ndarray:
    return each(np.linalg.inv, herm(x) if adjoint else x)


def _solve(a: np.ndarray, b: np.ndarray, adjoint: bool) -> np.ndarray:
    return each(np.linalg.solve, herm(a) if adjoint else a, b)


def _triangular_solve(a: np.ndarray, b: np.ndarray, lower: bool, adjoint: bool) -> np.ndarray:
    if np.any(np.diagonal(a, axis1=-2, axis2=-1) == 0):
        raise InvalidArgumentError(NOT_INVERTIBLE)
    a = np.tril(a) if lower else np.triu(a)
    return np.linalg.solve(herm(a) if adjoint else a, b)


def _det_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    x, det = op.inputs[0], op.output
    return [expand_dims(expand_dims(g * conj(det), -1), -1) * matrix_inverse(x, adjoint=True)]


def _slogdet_grad(op: Operation, g_sign: Tensor | None, g_log: Tensor | None) -> Sequence[Tensor | None]:
    """Through the logarithm alone; the sign counts as constant, as TensorFlow has it."""
    if g_log is None:
        return [None]
    return [expand_dims(expand_dims(g_log, -1), -1) * matrix_inverse(op.inputs[0], adjoint=True)]


def _slogdet_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    batch = square_matrices("LogMatrixDeterminant", inputs[0])[:-2]
    return [TensorType(inputs[0].dtype, batch)] * 2


def _inverse_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    y = op.output
    if op.attrs["adjoint"]:
        return [-matmul(y, matmul(adjoint(g), y))]
    return [-matmul(adjoint(y), matmul(g, adjoint(y)))]


def _solve_grad(solve: Callable[..., Tensor], part: Callable[[Operation, Tensor], Tensor]) -> Callable[..., Any]:
    def grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
        a, _ = op.inputs
        x, flip = op.output, op.attrs["adjoint"]
        attrs = op.attrs | {"adjoint": not flip}
        g_b = solve(a, g, **attrs)
        g_a = matmul(x, adjoint(g_b)) if flip else matmul(g_b, adjoint(x))
        return [part(op, -g_a), g_b]
    return grad


def _triangle(op: Operation, g: Tensor) -> Tensor:
    return band_part(g, -1, 0) if op.attrs["lower"] else band_part(g, 0, -1)


# ops

_matrix_inverse = OpDef("MatrixInverse", HOST, like_square("MatrixInverse"), _inverse_grad, _inverse,
                        fields=SINGULAR)
_determinant = OpDef(
    "MatrixDeterminant", HOST,
    lambda inputs, attrs: [TensorType(inputs[0].dtype, square_matrices("MatrixDeterminant", inputs[0])[:-2])],
    _det_grad, np.linalg.det)
_slogdet = OpDef("LogMatrixDeterminant", HOST, _slogdet_types, _slogdet_grad, lambda x: tuple(np.linalg.slogdet(x)))
_matrix_solve: OpDef = OpDef(
    "MatrixSolve", HOST, _solve_types("MatrixSolve"),
    _solve_grad(lambda a, b, **attrs: _matrix_solve(a, b, **attrs), lambda op, g: g), _solve, fields=SINGULAR)
_matrix_triangular_solve: OpDef = OpDef(
    "MatrixTriangularSolve", HOST, _solve_types("MatrixTriangularSolve"),
    _solve_grad(lambda a, b, **attrs: _matrix_triangular_solve(a, b, **attrs), _triangle), _triangular_solve,
    fields={"fault": lambda *where: NOT_INVERTIBLE})


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse (of the adjoint) of each square matrix [..., m, m].

    Raises ShapeError, and InvalidArgumentError when the graph runs with a singular matrix.
    """
    return _matrix_inverse(convert_to_tensor(input, name="MatrixInverse/input"), adjoint=bool(adjoint), name=name)


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinant of each square matrix."""
    return _determinant(convert_to_tensor(input, name="MatrixDeterminant/input"), name=name)


def log_matrix_determinant(input: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(sign, log of the absolute value) of the determinant of each square matrix."""
    sign, log_abs = _slogdet.operation(convert_to_tensor(input, name="LogMatrixDeterminant/input"), name=name).outputs
    return sign, log_abs


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """x with matrix x = rhs (with the adjoint of `matrix` if `adjoint`), for [..., m, m] and [..., m, k].

    Raises ShapeError, and InvalidArgumentError when the graph runs with a singular matrix.
    """
    return _matrix_solve(*convert_all("MatrixSolve", (matrix, rhs)), adjoint=bool(adjoint), name=name)


def matrix_triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False,
                            name: str | None = None) -> Tensor:
    """As matrix_solve, for matrices of which only the lower (or upper) triangle is read."""
    return _matrix_triangular_solve(*convert_all("MatrixTriangularSolve", (matrix, rhs)), lower=bool(lower),
                                    adjoint=bool(adjoint), name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """x with chol chol^H x = rhs, from the lower triangular factor."""
    factor, b = convert_all("cholesky_solve", (chol, rhs))
    y = matrix_triangular_solve(factor, b, name=f"{name or 'cholesky_solve'}/forward")
    return matrix_triangular_solve(factor, y, adjoint=True, name=name or "cholesky_solve")
