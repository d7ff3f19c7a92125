"""`tf.linalg.LinearOperator*`: matrices by what is known of them, each with its own way to multiply and to solve."""
from __future__ import annotations

from typing import Any

from .compiler.dtypes import as_dtype, float32
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops.complex import conj
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import abs_, log
from .compiler.ops.factorization import cholesky
from .compiler.ops.linalg import (
    cholesky_solve,
    log_matrix_determinant,
    matrix_determinant,
    matrix_solve,
    matrix_triangular_solve,
)
from .compiler.ops.matrix_parts import adjoint, band_part, diag, diag_part, matrix_dims
from .compiler.ops.reduction import reduce_prod, reduce_sum
from .compiler.ops.view import broadcast_to, expand_dims, known_rank, ones, shape_of, squeeze
from .compiler.shapes import TensorShape
from .framework import name_scope
from .math_ops import matmul


class LinearOperator:
    """A batch of matrices [..., m, n].

    `is_non_singular`, `is_self_adjoint`, `is_positive_definite` and `is_square` are what the caller promises (None:
    not known). Subclasses define `_dense`, and what they can do without it.
    """

    _unchecked = False  # whether TensorFlow's does not factor it, so that a wrong promise of positivity goes unnoticed

    def __init__(self, dtype: Any, graph_parents: Any = None, is_non_singular: bool | None = None,
                 is_self_adjoint: bool | None = None, is_positive_definite: bool | None = None,
                 is_square: bool | None = None, name: str | None = None, parameters: Any = None):
        if is_positive_definite and is_self_adjoint is None:
            is_self_adjoint = True
        if (is_positive_definite or is_self_adjoint) and is_square is False:
            raise ValueError("A self-adjoint or positive definite operator is square")
        self.dtype = as_dtype(dtype)
        self.is_non_singular = True if is_positive_definite else is_non_singular
        self.is_self_adjoint, self.is_positive_definite = is_self_adjoint, is_positive_definite
        self.is_square = True if self.is_non_singular or is_self_adjoint else is_square
        self.name = name or type(self).__name__

    @property
    def graph_parents(self) -> list[Tensor]:
        """The tensors that the operator is made of."""
        return [value for value in vars(self).values() if isinstance(value, Tensor)]

    def _dense(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not define its matrix")

    # shapes

    @property
    def shape(self) -> TensorShape:
        return self._dense().shape

    @property
    def batch_shape(self) -> TensorShape:
        return self.shape[:-2]

    @property
    def tensor_rank(self) -> int | None:
        return self.shape.rank

    @property
    def range_dimension(self) -> Any:
        return self.shape[-2]

    @property
    def domain_dimension(self) -> Any:
        return self.shape[-1]

    def shape_tensor(self, name: str = "shape_tensor") -> Tensor:
        """The shape when the graph runs, int32."""
        return shape_of(self._dense())

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Tensor:
        """The batch's shape when the graph runs, int32."""
        return self.shape_tensor()[:-2]

    def range_dimension_tensor(self, name: str = "range_dimension_tensor") -> Tensor:
        """The number of rows when the graph runs, int32."""
        return self.shape_tensor()[-2]

    def domain_dimension_tensor(self, name: str = "domain_dimension_tensor") -> Tensor:
        """The number of columns when the graph runs, int32."""
        return self.shape_tensor()[-1]

    def tensor_rank_tensor(self, name: str = "tensor_rank_tensor") -> Tensor:
        """The number of axes when the graph runs, int32."""
        return shape_of(self.shape_tensor())[0]

    # what can be asked of it

    def to_dense(self, name: str = "to_dense") -> Tensor:
        """The matrices themselves."""
        with name_scope(f"{self.name}/{name}"):
            return self._dense()

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Tensor:
        """The product with matrices [..., n, k] (of the adjoints, where asked for)."""
        with name_scope(f"{self.name}/{name}"):
            given = convert_to_tensor(x, self.dtype)
            return self._matmul(_adjoint(given) if adjoint_arg else given, adjoint)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Tensor:
        """The product with vectors [..., n]."""
        return squeeze(self.matmul(expand_dims(convert_to_tensor(x, self.dtype), -1), adjoint, name=name), [-1])

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Tensor:
        """x with A x = rhs [..., n, k]. Raises NotImplementedError where the operator is said to be singular."""
        if self.is_non_singular is False or self.is_square is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to be singular.")
        with name_scope(f"{self.name}/{name}"):
            given = convert_to_tensor(rhs, self.dtype)
            return self._solve(_adjoint(given) if adjoint_arg else given, adjoint)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solvevec") -> Tensor:
        """x with A x = rhs [..., n]."""
        return squeeze(self.solve(expand_dims(convert_to_tensor(rhs, self.dtype), -1), adjoint, name=name), [-1])

    def determinant(self, name: str = "det") -> Tensor:
        with name_scope(f"{self.name}/{name}"):
            return self._determinant()

    def log_abs_determinant(self, name: str = "log_abs_det") -> Tensor:
        with name_scope(f"{self.name}/{name}"):
            return self._log_abs_determinant()

    def diag_part(self, name: str = "diag_part") -> Tensor:
        """The main diagonal."""
        with name_scope(f"{self.name}/{name}"):
            return self._diagonal()

    def trace(self, name: str = "trace") -> Tensor:
        """The sum of the main diagonal."""
        return reduce_sum(self.diag_part(), -1)

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Tensor:
        """The matrices plus `x`."""
        return self.to_dense() + convert_to_tensor(x, self.dtype)

    # the ways of a general matrix

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        return matmul(self._dense(), x, adjoint_a=adjoint)

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        dense = self._dense()
        if self.is_positive_definite and not self._unchecked:
            factor = cholesky(dense)
            return cholesky_solve(*_batched(factor, rhs))
        return matrix_solve(*_batched(dense, rhs), adjoint=adjoint)

    def _determinant(self) -> Tensor:
        return matrix_determinant(self._dense())

    def _log_abs_determinant(self) -> Tensor:
        return log_matrix_determinant(self._dense())[1]

    def _diagonal(self) -> Tensor:
        return diag_part(self._dense())


_adjoint = adjoint


def _batched(matrix: Tensor, rhs: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the batch axes of the one that has more."""
    m, b = matrix_dims("solve", matrix), matrix_dims("solve", rhs)
    if len(m) < len(b):
        return broadcast_to(matrix, (*b[:-2], *m[-2:])), rhs
    return (matrix, rhs) if len(m) == len(b) else (matrix, broadcast_to(rhs, (*m[:-2], *b[-2:])))


class LinearOperatorFullMatrix(LinearOperator):
    """Any matrices [..., m, n]."""

    def __init__(self, matrix: Any, is_non_singular: bool | None = None, is_self_adjoint: bool | None = None,
                 is_positive_definite: bool | None = None, is_square: bool | None = None,
                 name: str = "LinearOperatorFullMatrix"):
        self.matrix = convert_to_tensor(matrix)
        matrix_dims(name, self.matrix)
        super().__init__(self.matrix.dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square,
                         name)

    def _dense(self) -> Tensor:
        return self.matrix


class LinearOperatorLowerTriangular(LinearOperator):
    """The lower triangles of matrices [..., n, n], of which the rest is not read."""

    def __init__(self, tril: Any, is_non_singular: bool | None = None, is_self_adjoint: bool | None = None,
                 is_positive_definite: bool | None = None, is_square: bool | None = None,
                 name: str = "LinearOperatorLowerTriangular"):
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        given = convert_to_tensor(tril)
        matrix_dims(name, given)
        self._tril = band_part(given, -1, 0)
        super().__init__(given.dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, True, name)

    def _dense(self) -> Tensor:
        return self._tril

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        return matrix_triangular_solve(*_batched(self._tril, rhs), lower=True, adjoint=adjoint)

    def _determinant(self) -> Tensor:
        return reduce_prod(self._diagonal(), -1)

    def _log_abs_determinant(self) -> Tensor:
        return reduce_sum(log(abs_(self._diagonal())), -1)


class LinearOperatorDiag(LinearOperator):
    """Diagonal matrices, by their diagonals [..., n]."""

    def __init__(self, diag: Any, is_non_singular: bool | None = None, is_self_adjoint: bool | None = None,
                 is_positive_definite: bool | None = None, is_square: bool | None = None,
                 name: str = "LinearOperatorDiag"):
        if is_square is False:
            raise ValueError("Only square diagonal operators currently supported.")
        self.diag = convert_to_tensor(diag)
        if not known_rank(name, self.diag):
            raise ShapeError(f"{name}: Argument diag must have at least 1 dimension. Found: {self.diag!r}")
        real = not self.diag.dtype.is_complex
        super().__init__(self.diag.dtype, None, is_non_singular, True if real else is_self_adjoint,
                         is_positive_definite, True, name)

    def _dense(self) -> Tensor:
        return diag(self.diag)

    def _column(self, adjoint: bool) -> Tensor:
        return expand_dims(conj(self.diag) if adjoint else self.diag, -1)

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        return self._column(adjoint) * x

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        return rhs / self._column(adjoint)

    def _determinant(self) -> Tensor:
        return reduce_prod(self.diag, -1)

    def _log_abs_determinant(self) -> Tensor:
        return reduce_sum(log(abs_(self.diag)), -1)

    def _diagonal(self) -> Tensor:
        return self.diag * 1


class LinearOperatorScaledIdentity(LinearOperatorDiag):
    """`multiplier` [...] times the identity matrix of `num_rows` rows."""

    def __init__(self, num_rows: int, multiplier: Any, is_non_singular: bool | None = None,
                 is_self_adjoint: bool | None = None, is_positive_definite: bool | None = None,
                 is_square: bool | None = True, assert_proper_shapes: bool = False,
                 name: str = "LinearOperatorScaledIdentity"):
        self.multiplier = convert_to_tensor(multiplier)
        unit = ones((num_rows,), self.multiplier.dtype)
        super().__init__(expand_dims(self.multiplier, -1) * unit, is_non_singular, is_self_adjoint,
                         is_positive_definite, is_square, name)


class LinearOperatorIdentity(LinearOperatorDiag):
    """The identity matrix of `num_rows` rows, for each element of `batch_shape`."""

    def __init__(self, num_rows: int, batch_shape: Any = None, dtype: Any = None, is_non_singular: bool | None = True,
                 is_self_adjoint: bool | None = True, is_positive_definite: bool | None = True,
                 is_square: bool | None = True, assert_proper_shapes: bool = False,
                 name: str = "LinearOperatorIdentity"):
        if not (is_non_singular and is_self_adjoint and is_positive_definite and is_square):
            raise ValueError("An identity operator is always non-singular, self-adjoint and positive definite")
        batch = () if batch_shape is None else tuple(TensorShape(batch_shape).as_list())
        element = float32 if dtype is None else as_dtype(dtype)
        super().__init__(ones((*batch, num_rows), element), True, True, True, True, name)


class LinearOperatorComposition(LinearOperator):
    """The product of operators, the last of which acts first."""

    def __init__(self, operators: Any, is_non_singular: bool | None = None, is_self_adjoint: bool | None = None,
                 is_positive_definite: bool | None = None, is_square: bool | None = None, name: str | None = None):
        self.operators = list(operators)
        if not self.operators:
            raise ValueError("Expected a non-empty list of operators. Found: []")
        every = all(op.is_non_singular for op in self.operators) or None
        super().__init__(self.operators[0].dtype, None, every if is_non_singular is None else is_non_singular,
                         is_self_adjoint, is_positive_definite, is_square,
                         name or "_o_".join(op.name for op in self.operators))

    def _dense(self) -> Tensor:
        product = self.operators[-1].to_dense()
        for op in self.operators[-2::-1]:
            product = op.matmul(product)
        return product

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        for op in self.operators if adjoint else self.operators[::-1]:
            x = op.matmul(x, adjoint)
        return x

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        for op in self.operators[::-1] if adjoint else self.operators:
            rhs = op.solve(rhs, adjoint)
        return rhs

    def _determinant(self) -> Tensor:
        total = self.operators[0].determinant()
        for op in self.operators[1:]:
            total = total * op.determinant()
        return total

    def _log_abs_determinant(self) -> Tensor:
        total = self.operators[0].log_abs_determinant()
        for op in self.operators[1:]:
            total = total + op.log_abs_determinant()
        return total
