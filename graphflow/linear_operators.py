"""Further `tf.linalg.LinearOperator*`: structured matrices, and matrices made of operators.

`promises` are LinearOperator's is_non_singular, is_self_adjoint, is_positive_definite, is_square and name.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from . import spectral
from .array_ops import one_hot, zeros
from .compiler.dtypes import as_dtype, complex64, complex128, float32, float64
from .compiler.ir import Tensor
from .compiler.ops.complex import conj, real
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.elementwise import cast
from .compiler.ops.factorization import cholesky as _cholesky
from .compiler.ops.gather import gather
from .compiler.ops.linalg import matrix_inverse
from .compiler.ops.matrix_parts import adjoint, diag
from .compiler.ops.reduction import reduce_prod, reduce_sum
from .compiler.ops.slicing import concat
from .compiler.ops.view import expand_dims, known_rank, reshape
from .linear_operator import LinearOperator
from .math_ops import matmul

__all__ = [
    "LinearOperatorAdjoint", "LinearOperatorBlockDiag", "LinearOperatorBlockLowerTriangular",
    "LinearOperatorCirculant", "LinearOperatorCirculant2D", "LinearOperatorCirculant3D", "LinearOperatorHouseholder",
    "LinearOperatorInversion", "LinearOperatorKronecker", "LinearOperatorLowRankUpdate", "LinearOperatorPermutation",
    "LinearOperatorToeplitz", "LinearOperatorTridiag", "LinearOperatorZeros",
]


def _size(op: str, x: Tensor, axis: int = -1) -> int:
    """A size that the matrix depends on. Raises ValueError where it is unknown."""
    size = known_rank(op, x)[axis]
    if not isinstance(size, int):
        raise ValueError(f"{op}: the size of axis {axis} of {x!r} must be known")
    return size


class LinearOperatorAdjoint(LinearOperator):
    """The adjoint (conjugate transpose) of an operator."""

    def __init__(self, operator: LinearOperator, **promises: Any):
        self.operator = operator
        super().__init__(operator.dtype, **promises)

    def _dense(self) -> Tensor:
        return adjoint(self.operator.to_dense())

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        return self.operator.matmul(x, adjoint=not adjoint)

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        return self.operator.solve(rhs, adjoint=not adjoint)


class LinearOperatorInversion(LinearOperator):
    """The inverse of an operator, which is computed by solving."""

    def __init__(self, operator: LinearOperator, **promises: Any):
        self.operator = operator
        super().__init__(operator.dtype, **promises)

    def _dense(self) -> Tensor:
        return matrix_inverse(self.operator.to_dense())

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        return self.operator.solve(x, adjoint=adjoint)

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        return self.operator.matmul(rhs, adjoint=adjoint)


def _joined(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    return concat([concat(list(row), -1) for row in rows], -2)


class LinearOperatorBlockLowerTriangular(LinearOperator):
    """Operators as blocks: operators[i][j] in row i and column j <= i, zeros above."""

    def __init__(self, operators: Sequence[Sequence[LinearOperator]], **promises: Any):
        if not operators or any(len(row) != i for i, row in enumerate(operators, 1)):
            raise ValueError("operators must be rows of 1, 2, ... operators")
        self.operators = operators
        super().__init__(operators[0][0].dtype, **promises)

    def _dense(self) -> Tensor:
        blocks = [[operator.to_dense() for operator in row] for row in self.operators]
        widths = [_size("BlockLowerTriangular", row[-1]) for row in blocks]
        return _joined([[*row, *(zeros([*row[-1].shape.as_list()[:-1], w], self.dtype) for w in widths[len(row):])]
                        for row in blocks])


class LinearOperatorBlockDiag(LinearOperator):
    """Operators as blocks along the diagonal."""

    def __init__(self, operators: Sequence[LinearOperator], **promises: Any):
        if not operators:
            raise ValueError("Expected a non-empty list of operators.")
        self.operators = list(operators)
        super().__init__(self.operators[0].dtype, **promises)

    def _dense(self) -> Tensor:
        blocks = [operator.to_dense() for operator in self.operators]
        widths = [_size("BlockDiag", b) for b in blocks]
        return _joined([[b if i == j else zeros([*b.shape.as_list()[:-1], w], self.dtype)
                         for j, w in enumerate(widths)] for i, b in enumerate(blocks)])

    def _determinant(self) -> Tensor:
        return reduce(lambda a, b: a * b, [operator.determinant() for operator in self.operators])

    def _log_abs_determinant(self) -> Tensor:
        return reduce(lambda a, b: a + b, [operator.log_abs_determinant() for operator in self.operators])


class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product of operators."""

    def __init__(self, operators: Sequence[LinearOperator], **promises: Any):
        if not operators:
            raise ValueError("Expected a list of >=1 operators.")
        self.operators = list(operators)
        super().__init__(self.operators[0].dtype, **promises)

    def _dense(self) -> Tensor:
        return reduce(_kronecker, [operator.to_dense() for operator in self.operators])


def _kronecker(a: Tensor, b: Tensor) -> Tensor:
    (m, n), (p, q) = ([_size("Kronecker", t, axis) for axis in (-2, -1)] for t in (a, b))
    product = expand_dims(expand_dims(a, -1), -3) * expand_dims(expand_dims(b, -2), -4)
    return reshape(product, [*a.shape.as_list()[:-2], m * p, n * q])


class LinearOperatorHouseholder(LinearOperator):
    """The reflection I - 2 v v^H, of the normalized `reflection_axis` [..., n]."""

    def __init__(self, reflection_axis: Any, **promises: Any):
        self.reflection_axis = convert_to_tensor(reflection_axis)
        super().__init__(self.reflection_axis.dtype, **{"is_non_singular": True, "is_self_adjoint": True, **promises})

    def _dense(self) -> Tensor:
        v = self.reflection_axis
        unit = expand_dims(v / reduce_sum(v * conj(v), -1, True) ** 0.5, -1)
        return constant(np.eye(_size("Householder", v)), self.dtype) - 2 * matmul(unit, unit, adjoint_b=True)


class LinearOperatorPermutation(LinearOperator):
    """The matrix that puts row perm[i] in row i."""

    def __init__(self, perm: Any, dtype: Any = float32, **promises: Any):
        self.perm = convert_to_tensor(perm)
        super().__init__(dtype, **{"is_non_singular": True, "is_square": True, **promises})

    def _dense(self) -> Tensor:
        return one_hot(self.perm, _size("Permutation", self.perm), dtype=self.dtype)


class LinearOperatorZeros(LinearOperator):
    """All zeros, [batch_shape, num_rows, num_columns]."""

    def __init__(self, num_rows: int, num_columns: int | None = None, batch_shape: Any = None, dtype: Any = None,
                 **promises: Any):
        self._sizes = [*(batch_shape or ()), num_rows, num_rows if num_columns is None else num_columns]
        super().__init__(float32 if dtype is None else dtype, **{"is_non_singular": False, **promises})

    def _dense(self) -> Tensor:
        return zeros(self._sizes, self.dtype)


class LinearOperatorToeplitz(LinearOperator):
    """Constant along each diagonal: the first column is `col` [..., n], the first row `row` [..., n]."""

    def __init__(self, col: Any, row: Any, **promises: Any):
        self.col, self.row = convert_to_tensor(col), convert_to_tensor(row)
        super().__init__(self.col.dtype, **promises)

    def _dense(self) -> Tensor:
        n = _size("Toeplitz", self.col)
        values = concat([self.col, self.row[..., 1:]], -1)
        offsets = np.arange(n)[:, None] - np.arange(n)[None, :]
        return gather(values, np.where(offsets >= 0, offsets, n - 1 - offsets), -1)


class LinearOperatorTridiag(LinearOperator):
    """Zero but for three diagonals, given as matrices ("sequence": [superdiag, diag, subdiag]; "compact": these
    stacked along axis -2; "matrix": the matrix itself)."""

    def __init__(self, diagonals: Any, diagonals_format: str = "compact", **promises: Any):
        if diagonals_format not in ("compact", "matrix", "sequence"):
            raise ValueError(f"Diagonals Format must be one of compact, matrix, sequence, got : {diagonals_format}")
        self.diagonals_format = diagonals_format
        self.diagonals = ([convert_to_tensor(d) for d in diagonals] if diagonals_format == "sequence"
                          else convert_to_tensor(diagonals))
        first = self.diagonals[0] if isinstance(self.diagonals, list) else self.diagonals
        super().__init__(first.dtype, **promises)

    def _dense(self) -> Tensor:
        if self.diagonals_format == "matrix":
            assert isinstance(self.diagonals, Tensor)
            return self.diagonals
        above, main, below = (self.diagonals[..., k, :] if isinstance(self.diagonals, Tensor) else self.diagonals[k]
                              for k in range(3))
        n = _size("Tridiag", main)
        return diag(main) + diag(above[..., :n - 1], k=1) + diag(below[..., _size("Tridiag", below) - n + 1:], k=-1)


class LinearOperatorLowRankUpdate(LinearOperator):
    """base + u diag(diag_update) v^H, u [..., m, k], v [..., n, k] (u where it is not given)."""

    _unchecked = True

    def __init__(self, base_operator: LinearOperator, u: Any, diag_update: Any = None, v: Any = None,
                 is_diag_update_positive: bool | None = None, **promises: Any):
        self.base_operator, self.u = base_operator, convert_to_tensor(u)
        self.v = self.u if v is None else convert_to_tensor(v)
        self.diag_update = None if diag_update is None else convert_to_tensor(diag_update)
        super().__init__(base_operator.dtype, **promises)

    def _dense(self) -> Tensor:
        scaled = self.u if self.diag_update is None else self.u * expand_dims(self.diag_update, -2)
        return self.base_operator.to_dense() + matmul(scaled, self.v, adjoint_b=True)

    def cholesky(self, name: str = "cholesky") -> Tensor:
        """The lower triangular factor of a positive definite operator."""
        return _cholesky(self._dense())


class LinearOperatorCirculant(LinearOperator):
    """The convolution (in `axes` dimensions) whose transform is `spectrum`; a matrix of `input_output_dtype`."""

    axes = 1

    def __init__(self, spectrum: Any, input_output_dtype: Any = complex64, **promises: Any):
        given = convert_to_tensor(spectrum)
        whole = complex128 if given.dtype in (float64, complex128) else complex64
        self.spectrum = cast(given, whole)
        super().__init__(as_dtype(input_output_dtype), **promises)

    def _dense(self) -> Tensor:
        inverse = (spectral.ifft, spectral.ifft2d, spectral.ifft3d)[self.axes - 1]
        kernel = inverse(self.spectrum)
        sizes = [_size("Circulant", kernel, axis) for axis in range(-self.axes, 0)]
        count = int(np.prod(sizes))
        at = np.stack(np.unravel_index(np.arange(count), sizes))
        wrapped = (at[:, :, None] - at[:, None, :]) % np.array(sizes)[:, None, None]
        flat = reshape(kernel, [*kernel.shape.as_list()[:-self.axes], count])
        matrix = gather(flat, np.ravel_multi_index(tuple(wrapped), sizes), -1)
        return cast(matrix if self.dtype.is_complex else real(matrix), self.dtype)

    def _determinant(self) -> Tensor:
        product = reduce_prod(self.spectrum, list(range(-self.axes, 0)))
        return cast(product if self.dtype.is_complex else real(product), self.dtype)


class LinearOperatorCirculant2D(LinearOperatorCirculant):
    """A two-dimensional convolution."""

    axes = 2


class LinearOperatorCirculant3D(LinearOperatorCirculant):
    """A three-dimensional convolution."""

    axes = 3
