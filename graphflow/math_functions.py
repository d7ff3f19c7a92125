"""Further mathematics under TensorFlow 1's names: divisions towards zero, functions made of others, Sobol's points."""
from __future__ import annotations

from typing import Any

import numpy as np

from .compiler.dtypes import as_dtype, float32
from .compiler.ir import Tensor
from .compiler.ops import elementwise, reduction, sobol, special
from .compiler.ops.arguments import convert_all
from .compiler.ops.complex import angle as complex_angle
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import abs_, cast
from .compiler.ops.view import ones_of, zeros_of
from .framework import name_scope


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y towards zero, as C divides integers."""
    a, b = convert_all("TruncateDiv", (x, y))
    with name_scope(name, "TruncateDiv", [a, b]) as scope:
        if a.dtype.is_floating:
            quotient = a / b
            zero = zeros_of(quotient)
            return elementwise.where(quotient < zero, elementwise.ceil(quotient), elementwise.floor(quotient), scope)
        return elementwise.add(elementwise.floordiv(a, b), cast(_rounds_down(a, b), a.dtype), scope)


def _rounds_down(a: Tensor, b: Tensor) -> Tensor:
    """Where the floor of a quotient of integers is not what is nearest to zero."""
    zero = zeros_of(a)
    return elementwise.logical_and(elementwise.not_equal(elementwise.mod(a, b), zero),
                                   elementwise.logical_xor(a < zero, b < zero))


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The rest of `truncatediv`: it has the sign of x."""
    a, b = convert_all("TruncateMod", (x, y))
    if a.dtype.is_floating:
        return elementwise.truncate_mod(a, b, name)
    with name_scope(name, "TruncateMod", [a, b]) as scope:
        return elementwise.subtract(elementwise.mod(a, b), b * cast(_rounds_down(a, b), a.dtype), scope)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the point (x, y), in [-pi, pi]."""
    return elementwise.atan2(y, x, name)


def angle(input: Any, name: str | None = None) -> Tensor:
    """The argument of complex numbers, in (-pi, pi]; of real ones pi where they are negative, else 0."""
    tensor = convert_to_tensor(input)
    if tensor.dtype.is_complex:
        return complex_angle(tensor, name)
    with name_scope(name, "Angle", [tensor]) as scope:
        zero = zeros_of(tensor)
        return elementwise.where(tensor < zero, zero + np.pi, zero, scope)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, but 0 where x is 0."""
    tensor = convert_to_tensor(x)
    with name_scope(name, "reciprocal_no_nan", [tensor]) as scope:
        return special.div_no_nan(ones_of(tensor), tensor, scope)


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the multivariate beta function over the last axis; a vector gives a scalar, -inf for none."""
    tensor = convert_to_tensor(x)
    with name_scope(name, "lbeta", [tensor]) as scope:
        total = reduction.reduce_sum(special.lgamma(tensor), -1)
        return elementwise.subtract(total, special.lgamma(reduction.reduce_sum(tensor, -1)), scope)


def erfcinv(x: Any, name: str | None = None) -> Tensor:
    """The inverse of erfc."""
    tensor = convert_to_tensor(x)
    with name_scope(name, "erfcinv", [tensor]) as scope:
        return elementwise.multiply(special.ndtri(0.5 * tensor), -float(np.sqrt(0.5)), scope)


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """The polynomial with these coefficients, that of the highest power first, by Horner's rule."""
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    tensor = convert_to_tensor(x)
    with name_scope(name, "polyval", [tensor]):
        terms = [convert_to_tensor(c, tensor.dtype) for c in coeffs]
        total = terms[0] if terms else zeros_of(tensor)
        for c in terms[1:]:
            total = c + total * tensor
        return total


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5, name: str | None = None) -> Tensor:
    """Whether |x - y| is below `tolerance`."""
    a, b = convert_all("ApproximateEqual", (x, y))
    with name_scope(name, "ApproximateEqual", [a, b]) as scope:
        return elementwise.less(abs_(a - b), tolerance, scope)


def sobol_sample(dim: Any, num_results: Any, skip: Any = 0, dtype: Any = float32, name: str | None = None) -> Tensor:
    """`num_results` points of Sobol's sequence in `dim` dimensions, after the origin and the first `skip`: [n, dim] in
    [0, 1). The direction numbers are those of Joe and Kuo (2008) in SciPy (`pip install graphflow[scipy]`)."""
    operands = [convert_to_tensor(v, "int32") for v in (dim, num_results, skip)]
    return sobol.sobol_sample(*operands, dtype=as_dtype(dtype), name=name)
