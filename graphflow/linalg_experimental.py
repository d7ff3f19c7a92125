"""`tf.linalg.experimental`: systems of equations solved by iteration."""
from __future__ import annotations

from typing import Any, NamedTuple

from .compiler.dtypes import int32
from .compiler.ir import Tensor
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.elementwise import logical_and
from .compiler.ops.reduction import reduce_any, reduce_sum
from .compiler.ops.view import broadcast_to, expand_dims, zeros
from .compiler.shapes import broadcast
from .control_flow import while_loop
from .framework import name_scope
from .math_ops import norm


class CGState(NamedTuple):
    """How far `conjugate_gradient` came: steps, solution, residual, direction, and r . M r."""

    i: Tensor
    x: Tensor
    r: Tensor
    p: Tensor
    gamma: Tensor


def _dot(x: Tensor, y: Tensor) -> Tensor:
    return reduce_sum(x * y, [-1])


def conjugate_gradient(operator: Any, rhs: Any, preconditioner: Any = None, x: Any = None, tol: float = 1e-5,
                       max_iter: int = 20, name: str = "conjugate_gradient") -> CGState:
    """The solution [..., n] of A x = rhs for a LinearOperator that is said to be self-adjoint and positive definite, by
    conjugate gradients (Hestenes and Stiefel 1952) from `x` (default 0).

    It ends after `max_iter` steps or when every residual is at most `tol` times its right-hand side. `preconditioner`
    approximates the inverse. Raises ValueError for an operator without these hints.
    """
    if not (operator.is_self_adjoint and operator.is_positive_definite):
        raise ValueError("Expected a self-adjoint, positive definite operator.")
    with name_scope(name):
        b = convert_to_tensor(rhs, operator.dtype)
        batch = broadcast("conjugate_gradient", *(
            shape.dims for shape in (b.shape[:-1], operator.batch_shape,
                                     *([preconditioner.batch_shape] if preconditioner is not None else []))))
        assert b.dims is not None and batch is not None
        size = (*batch, b.dims[-1])
        r = broadcast_to(b, size)
        limit = norm(r, axis=-1) * tol
        start = zeros(size, b.dtype) if x is None else broadcast_to(convert_to_tensor(x, b.dtype), size)
        if x is not None:
            r = r - operator.matvec(start)

        def conditioned(residual: Tensor) -> Tensor:
            return residual if preconditioner is None else preconditioner.matvec(residual)

        def unfinished(i: Tensor, x: Tensor, r: Tensor, p: Tensor, gamma: Tensor) -> Tensor:
            return logical_and(i < max_iter, reduce_any(norm(r, axis=-1) > limit))

        def step(i: Tensor, x: Tensor, r: Tensor, p: Tensor, gamma: Tensor) -> tuple[Tensor, ...]:
            moved = operator.matvec(p)
            alpha = expand_dims(gamma / _dot(p, moved), -1)
            residual = r - alpha * moved
            q = conditioned(residual)
            new = _dot(residual, q)
            return i + 1, x + alpha * p, residual, q + expand_dims(new / gamma, -1) * p, new

        p = conditioned(r)
        return CGState(*while_loop(unfinished, step, [constant(0, int32), start, r, p, _dot(r, p)]))


__all__ = ["conjugate_gradient"]
