"""Invertible functions of tensors with the determinants of their Jacobians: `tf.contrib.distributions.bijectors`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import abs_, exp, expm1, log, log1p, sigmoid, softplus, sqrt, square
from ..compiler.ops.gather import gather
from ..compiler.ops.linalg import matrix_triangular_solve
from ..compiler.ops.matrix_parts import diag_part
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.symbolic import static_value
from ..compiler.ops.view import expand_dims, known_rank, ones_like, squeeze, zeros_like
from ..compiler.shapes import TensorShape
from ..framework import name_scope
from ..math_ops import matmul

__all__ = ["AbsoluteValue", "Affine", "AffineScalar", "Bijector", "Chain", "Exp", "Identity", "Inline", "Invert",
           "Permute", "PowerTransform", "Sigmoid", "Softplus", "Square"]


class Bijector:
    """A function with an inverse. A subclass defines `_forward(x)`, `_inverse(y)` and one of
    `_forward_log_det_jacobian(x)`, `_inverse_log_det_jacobian(y)`: the logarithm of the absolute determinant for events
    of rank `forward_min_event_ndims` (0: elementwise).

    What was computed from one tensor is not computed again from it, nor inverted.
    """

    def __init__(self, graph_parents: Any = None, is_constant_jacobian: bool = False, validate_args: bool = False,
                 dtype: Any = None, forward_min_event_ndims: int | None = None,
                 inverse_min_event_ndims: int | None = None, name: str | None = None, event_ndims: int | None = None):
        self.validate_args, self.dtype, self.is_constant_jacobian = validate_args, dtype, is_constant_jacobian
        given = [n for n in (forward_min_event_ndims, inverse_min_event_ndims, event_ndims) if n is not None]
        self.forward_min_event_ndims = given[0] if given else 0
        self.inverse_min_event_ndims = inverse_min_event_ndims if inverse_min_event_ndims is not None else (
            self.forward_min_event_ndims)
        self._name = name or type(self).__name__.lower()
        self._known: dict[str, list[tuple[Tensor, Tensor]]] = {"forward": [], "inverse": []}

    @property
    def name(self) -> str:
        return self._name

    def forward(self, x: Any, name: str = "forward") -> Tensor:
        """y = g(x)."""
        return self._through("forward", "inverse", x, name)

    def inverse(self, y: Any, name: str = "inverse") -> Tensor:
        """x with g(x) = y."""
        return self._through("inverse", "forward", y, name)

    def _through(self, way: str, back: str, value: Any, name: str) -> Tensor:
        tensor = convert_to_tensor(value, None if hasattr(value, "dtype") else self.dtype)
        for before, after in self._known[way]:
            if before is tensor and after.graph is before.graph:  # not what a loop's body made
                return after
        with name_scope(f"{self._name}/{name}"):
            method: Callable[[Tensor], Tensor] | None = getattr(self, f"_{way}", None)
            if method is None:
                raise NotImplementedError(f"{way} is not implemented: {type(self).__name__}")
            result = method(tensor)
        self._known[way].append((tensor, result))
        self._known[back].append((result, tensor))
        return result

    def forward_log_det_jacobian(self, x: Any, event_ndims: Any = None, name: str = "forward_log_det_jacobian"
                                 ) -> Tensor:
        """log |det dy/dx|, summed over the last `event_ndims` axes of x. Raises NotImplementedError without one."""
        tensor = convert_to_tensor(x, None if hasattr(x, "dtype") else self.dtype)
        with name_scope(f"{self._name}/{name}"):
            if hasattr(self, "_forward_log_det_jacobian"):
                found, like = self._forward_log_det_jacobian(tensor), tensor
            elif hasattr(self, "_inverse_log_det_jacobian"):
                like = self.forward(tensor)
                found = -self._inverse_log_det_jacobian(like)
            else:
                raise NotImplementedError(f"forward_log_det_jacobian is not implemented: {type(self).__name__}")
            return _summed(found, like, event_ndims, self.forward_min_event_ndims)

    def inverse_log_det_jacobian(self, y: Any, event_ndims: Any = None, name: str = "inverse_log_det_jacobian"
                                 ) -> Tensor:
        """log |det dx/dy|, summed over the last `event_ndims` axes of y."""
        tensor = convert_to_tensor(y, None if hasattr(y, "dtype") else self.dtype)
        with name_scope(f"{self._name}/{name}"):
            if hasattr(self, "_inverse_log_det_jacobian"):
                return _summed(self._inverse_log_det_jacobian(tensor), tensor, event_ndims,
                               self.inverse_min_event_ndims)
            x = self.inverse(tensor)
            if not hasattr(self, "_forward_log_det_jacobian"):
                raise NotImplementedError(f"inverse_log_det_jacobian is not implemented: {type(self).__name__}")
            return -_summed(self._forward_log_det_jacobian(x), x, event_ndims, self.forward_min_event_ndims)

    def forward_event_shape(self, input_shape: Any) -> TensorShape:
        """The shape of g of an event of that shape."""
        return TensorShape(input_shape)

    inverse_event_shape = forward_event_shape


def _summed(value: Tensor, like: Tensor, event_ndims: Any, least: int) -> Tensor:
    """A determinant for events of rank `least` as that of events of rank `event_ndims`."""
    if event_ndims is None:
        return value
    ndims = int(event_ndims) if isinstance(event_ndims, int) else int(static_value(convert_to_tensor(event_ndims)))  # type: ignore[arg-type]
    if ndims < least:
        raise ValueError(f"event_ndims ({ndims}) must be larger than min_event_ndims ({least})")
    rank = len(known_rank("log_det_jacobian", like))
    if ndims == least:
        return value
    if least == 0:  # a determinant that is the same everywhere counts for every element
        value = value + zeros_like(like)
    batch = rank - ndims
    return reduce_sum(value, list(range(batch, len(known_rank("log_det_jacobian", value)))))


class Identity(Bijector):
    """g(x) = x."""

    def __init__(self, validate_args: bool = False, event_ndims: int | None = None, name: str = "identity"):
        super().__init__(validate_args=validate_args, is_constant_jacobian=True, name=name)

    def _forward(self, x: Tensor) -> Tensor:
        return x * 1

    def _inverse(self, y: Tensor) -> Tensor:
        return y * 1

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return zeros_like(x)


class Inline(Bijector):
    """The functions that it is given."""

    def __init__(self, forward_fn: Any = None, inverse_fn: Any = None, inverse_log_det_jacobian_fn: Any = None,
                 forward_log_det_jacobian_fn: Any = None, forward_event_shape_fn: Any = None,
                 forward_event_shape_tensor_fn: Any = None, inverse_event_shape_fn: Any = None,
                 inverse_event_shape_tensor_fn: Any = None, is_constant_jacobian: bool = False,
                 validate_args: bool = False, forward_min_event_ndims: int | None = None,
                 inverse_min_event_ndims: int | None = None, name: str = "inline"):
        super().__init__(None, is_constant_jacobian, validate_args, None, forward_min_event_ndims,
                         inverse_min_event_ndims, name)
        given = {"_forward": forward_fn, "_inverse": inverse_fn, "_inverse_log_det_jacobian":
                 inverse_log_det_jacobian_fn, "_forward_log_det_jacobian": forward_log_det_jacobian_fn}
        self.__dict__.update({name: function for name, function in given.items() if function is not None})


class PowerTransform(Bijector):
    """g(x) = (1 + c x) ** (1 / c), of which the limit for c = 0 is exp(x)."""

    def __init__(self, power: float = 0.0, event_ndims: int | None = None, validate_args: bool = False,
                 name: str = "power_transform"):
        if power < 0:
            raise ValueError("`power` must be a non-negative number")
        super().__init__(validate_args=validate_args, name=name)
        self.power = power

    def _forward(self, x: Tensor) -> Tensor:
        return exp(x) if self.power == 0 else exp(log1p(x * self.power) / self.power)

    def _inverse(self, y: Tensor) -> Tensor:
        return log(y) if self.power == 0 else expm1(log(y) * self.power) / self.power

    def _inverse_log_det_jacobian(self, y: Tensor) -> Tensor:
        return (self.power - 1) * log(y)

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return x * 1 if self.power == 0 else (1 / self.power - 1) * log1p(x * self.power)


class Exp(PowerTransform):
    """g(x) = exp(x)."""

    def __init__(self, event_ndims: int | None = None, validate_args: bool = False, name: str = "exp"):
        super().__init__(0.0, None, validate_args, name)


class Sigmoid(Bijector):
    """g(x) = 1 / (1 + exp(-x))."""

    def __init__(self, validate_args: bool = False, name: str = "sigmoid"):
        super().__init__(validate_args=validate_args, name=name)

    def _forward(self, x: Tensor) -> Tensor:
        return sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return log(y) - log1p(-y)

    def _inverse_log_det_jacobian(self, y: Tensor) -> Tensor:
        return -log1p(-y) - log(y)

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return -softplus(-x) - softplus(x)


class Softplus(Bijector):
    """g(x) = c log(1 + exp(x / c)), c = `hinge_softness` (1)."""

    def __init__(self, event_ndims: int | None = None, hinge_softness: Any = None, validate_args: bool = False,
                 name: str = "softplus"):
        super().__init__(validate_args=validate_args, name=name)
        self.hinge_softness = 1.0 if hinge_softness is None else hinge_softness

    def _forward(self, x: Tensor) -> Tensor:
        return self.hinge_softness * softplus(x / self.hinge_softness)

    def _inverse(self, y: Tensor) -> Tensor:
        z = y / self.hinge_softness
        return self.hinge_softness * (z + log(-expm1(-z)))

    def _inverse_log_det_jacobian(self, y: Tensor) -> Tensor:
        return -log(-expm1(-y / self.hinge_softness))

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return -softplus(-x / self.hinge_softness)


class Square(Bijector):
    """g(x) = x ** 2 for x >= 0."""

    def __init__(self, validate_args: bool = False, name: str = "square"):
        super().__init__(validate_args=validate_args, name=name)

    def _forward(self, x: Tensor) -> Tensor:
        return square(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return sqrt(y)

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return np.log(2.0) + log(x)


class AbsoluteValue(Bijector):
    """g(x) = |x|; the inverse is the pair (-y, y)."""

    def __init__(self, event_ndims: int | None = None, validate_args: bool = False, name: str = "absolute_value"):
        super().__init__(validate_args=validate_args, name=name)

    def _forward(self, x: Tensor) -> Tensor:
        return abs_(x)

    def inverse(self, y: Any, name: str = "inverse") -> Any:
        tensor = convert_to_tensor(y)
        return -tensor, tensor


class AffineScalar(Bijector):
    """g(x) = scale x + shift, by elements."""

    def __init__(self, shift: Any = None, scale: Any = None, validate_args: bool = False,
                 name: str = "affine_scalar"):
        super().__init__(validate_args=validate_args, is_constant_jacobian=True, name=name)
        self.shift = None if shift is None else convert_to_tensor(shift)
        self.scale = None if scale is None else convert_to_tensor(scale)

    def _forward(self, x: Tensor) -> Tensor:
        y = x * (1.0 if self.scale is None else self.scale)
        return y if self.shift is None else y + self.shift

    def _inverse(self, y: Tensor) -> Tensor:
        x = y if self.shift is None else y - self.shift
        return x / (1.0 if self.scale is None else self.scale)

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return zeros_like(x) if self.scale is None else log(abs_(self.scale)) + zeros_like(x)


class Affine(Bijector):
    """g(x) = A x + shift of vectors, A the sum of `scale_identity_multiplier` I, diag(`scale_diag`) and the lower
    triangular `scale_tril` (I when none is given). Perturbations of low rank are refused with ValueError."""

    def __init__(self, shift: Any = None, scale_identity_multiplier: Any = None, scale_diag: Any = None,
                 scale_tril: Any = None, scale_perturb_factor: Any = None, scale_perturb_diag: Any = None,
                 validate_args: bool = False, name: str = "affine", dtype: Any = None, event_ndims: int | None = None):
        if scale_perturb_factor is not None or scale_perturb_diag is not None:
            raise ValueError("Affine: perturbations of low rank are not implemented; give scale_tril")
        super().__init__(validate_args=validate_args, is_constant_jacobian=True, forward_min_event_ndims=1, name=name)
        self.shift = None if shift is None else convert_to_tensor(shift)
        diagonal: Any = 1.0 if scale_identity_multiplier is None and scale_diag is None and scale_tril is None else 0.0
        if scale_identity_multiplier is not None:
            diagonal = diagonal + expand_dims(convert_to_tensor(scale_identity_multiplier), -1)
        if scale_diag is not None:
            diagonal = diagonal + convert_to_tensor(scale_diag)
        self._diagonal: Any = diagonal
        self._tril = None if scale_tril is None else convert_to_tensor(scale_tril)
        if self._tril is not None and (scale_identity_multiplier is not None or scale_diag is not None):
            from ..linalg import set_diag  # which is of no use to the others
            self._tril = set_diag(self._tril, diag_part(self._tril) + diagonal)

    def _forward(self, x: Tensor) -> Tensor:
        y = x * self._diagonal if self._tril is None else squeeze(matmul(self._tril, expand_dims(x, -1)), [-1])
        return y if self.shift is None else y + self.shift

    def _inverse(self, y: Tensor) -> Tensor:
        x = y if self.shift is None else y - self.shift
        if self._tril is None:
            return x / self._diagonal
        return squeeze(matrix_triangular_solve(self._tril, expand_dims(x, -1)), [-1])

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        diagonal = diag_part(self._tril) if self._tril is not None else ones_like(x) * self._diagonal
        return reduce_sum(log(abs_(diagonal)), -1)


class Permute(Bijector):
    """The elements of a vector in another order: y[i] = x[permutation[i]]."""

    def __init__(self, permutation: Any, validate_args: bool = False, name: str | None = None):
        super().__init__(validate_args=validate_args, is_constant_jacobian=True, forward_min_event_ndims=1,
                         name=name or "permute")
        self.permutation = convert_to_tensor(permutation)

    def _forward(self, x: Tensor) -> Tensor:
        return gather(x, self.permutation, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        from ..indexing import invert_permutation
        return gather(y, invert_permutation(self.permutation), -1)

    def _forward_log_det_jacobian(self, x: Tensor) -> Tensor:
        return constant(np.zeros((), x.dtype.np))


class Invert(Bijector):
    """A bijector the other way round."""

    def __init__(self, bijector: Bijector, validate_args: bool = False, name: str | None = None):
        super().__init__(validate_args=validate_args, forward_min_event_ndims=bijector.inverse_min_event_ndims,
                         inverse_min_event_ndims=bijector.forward_min_event_ndims,
                         name=name or f"invert_{bijector.name}")
        self.bijector = bijector

    def forward(self, x: Any, name: str = "forward") -> Tensor:
        return self.bijector.inverse(x, name)

    def inverse(self, y: Any, name: str = "inverse") -> Tensor:
        return self.bijector.forward(y, name)

    def forward_log_det_jacobian(self, x: Any, event_ndims: Any = None, name: str = "forward_log_det_jacobian"
                                 ) -> Tensor:
        return self.bijector.inverse_log_det_jacobian(x, event_ndims, name)

    def inverse_log_det_jacobian(self, y: Any, event_ndims: Any = None, name: str = "inverse_log_det_jacobian"
                                 ) -> Tensor:
        return self.bijector.forward_log_det_jacobian(y, event_ndims, name)


class Chain(Bijector):
    """The bijectors one after another, the last one first: g(x) = b[0](b[1](...(x)))."""

    def __init__(self, bijectors: Sequence[Bijector] | None = None, validate_args: bool = False,
                 name: str | None = None):
        self.bijectors = list(bijectors or ())
        least = max((b.forward_min_event_ndims for b in self.bijectors), default=0)
        super().__init__(validate_args=validate_args, forward_min_event_ndims=least,
                         name=name or "_of_".join(["chain", *(b.name for b in self.bijectors)]))

    def _forward(self, x: Tensor) -> Tensor:
        for bijector in reversed(self.bijectors):
            x = bijector.forward(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for bijector in self.bijectors:
            y = bijector.inverse(y)
        return y

    def _log_det(self, value: Any, event_ndims: Any, way: str, chain: Sequence[Bijector]) -> Tensor:
        value = convert_to_tensor(value)
        ndims = self.forward_min_event_ndims if event_ndims is None else event_ndims
        total: Any = None
        for bijector in chain:
            part = getattr(bijector, f"{way}_log_det_jacobian")(value, ndims)
            total = part if total is None else total + part
            value = getattr(bijector, way)(value)
        return zeros_like(value) if total is None else total

    def forward_log_det_jacobian(self, x: Any, event_ndims: Any = None, name: str = "forward_log_det_jacobian"
                                 ) -> Tensor:
        return self._log_det(x, event_ndims, "forward", self.bijectors[::-1])

    def inverse_log_det_jacobian(self, y: Any, event_ndims: Any = None, name: str = "inverse_log_det_jacobian"
                                 ) -> Tensor:
        return self._log_det(y, event_ndims, "inverse", self.bijectors)
