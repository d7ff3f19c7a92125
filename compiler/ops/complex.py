"""Complex numbers: parts, conjugate, argument, modulus.

The gradient of a real loss for a complex x is dL/d(real x) + i dL/d(imag x), TensorFlow's convention: through a
holomorphic f it is g * conj(f'(x)).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import COMPLEX, DType, as_dtype, complex64, complex128, float32, float64
from ..errors import DTypeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import broadcast
from .arguments import check_dtype, check_same_dtype, convert_all
from .constant import convert_to_tensor
from .view import stop_gradient, zeros_of

WHOLE = {float32: complex64, float64: complex128}


def _complex_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dtype = check_same_dtype("Complex", inputs)
    check_dtype("Complex", inputs[0], tuple(WHOLE))
    return [TensorType(WHOLE[dtype], broadcast("Complex", *(t.dims for t in inputs)))]


def _part(name: str, reference: Callable[[np.ndarray], np.ndarray], grad: Callable[[Tensor, Operation], Tensor]
          ) -> OpDef:
    """A real-valued function of a complex input."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], COMPLEX)
        return [TensorType(inputs[0].dtype.real_dtype, inputs[0].dims)]

    return OpDef(name, HOST, infer, lambda op, g: [grad(g, op)], reference)


def _angle_grad(g: Tensor, op: Operation) -> Tensor:
    x, = op.inputs
    return -_as_complex(g) / _complex(imag(x), real(x))


def _abs_grad(g: Tensor, op: Operation) -> Tensor:
    return _as_complex(g) * complex_sign(op.inputs[0])


def _complex_reference(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    out = np.empty(np.broadcast_shapes(re.shape, im.shape), WHOLE[as_dtype(re.dtype)].np)
    out.real, out.imag = re, im
    return out


_complex = OpDef("Complex", HOST, _complex_types, lambda op, g: [real(g), imag(g)], _complex_reference)
_real = _part("Real", np.real, lambda g, op: _as_complex(g))
_imag = _part("Imag", np.imag, lambda g, op: _complex(zeros_of(g), g))
_angle = _part("Angle", np.angle, _angle_grad)
complex_abs = _part("ComplexAbs", np.abs, _abs_grad)
_conj = OpDef("Conj", HOST, lambda inputs, attrs: [inputs[0].type], lambda op, g: [conj(g)], np.conj)


def _sign_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
    """d(x/|x|): what of g is along the circle, over |x|."""
    x, y = op.inputs[0], op.output
    radius = complex_abs(x)
    return [safe_divide(g - y * _as_complex(real(g * conj(y))), _as_complex(radius))]


def _safe_quotient(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.divide(x, y, out=np.zeros(np.broadcast_shapes(x.shape, y.shape), x.dtype), where=y != 0)


# x / |x|, 0 at 0
complex_sign: OpDef = OpDef("ComplexSign", HOST, lambda inputs, attrs: [inputs[0].type], _sign_grad,
                            lambda x: _safe_quotient(x, np.abs(x).astype(x.dtype)))
# x / y, 0 where y is
safe_divide: OpDef = OpDef(
    "ComplexDivNoNan", HOST,
    lambda inputs, attrs: [TensorType(check_same_dtype("DivNoNan", inputs),
                                      broadcast("DivNoNan", inputs[0].dims, inputs[1].dims))],
    lambda op, g: [safe_divide(g, conj(op.inputs[1])), safe_divide(-g * conj(op.output), conj(op.inputs[1]))],
    _safe_quotient)


def _as_complex(x: Tensor) -> Tensor:
    return _complex(x, zeros_of(x))


def complex_(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """real + i imag: complex64 of float32 parts, complex128 of float64 ones. Raises DTypeError otherwise."""
    return _complex(*convert_all("Complex", (real, imag)), name=name or "Complex")


def _of_complex(op: OpDef, x: Any, name: str | None, otherwise: Callable[[Tensor], Tensor]) -> Tensor:
    tensor = convert_to_tensor(x)
    if tensor.dtype.is_complex:
        return op(tensor, name=name)
    if tensor.dtype.is_bool or tensor.dtype.is_string:
        raise DTypeError(f"{op.name}: expected a numeric tensor, received {tensor!r}")
    return otherwise(tensor)


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part; a real tensor is its own."""
    return _of_complex(_real, input, name, lambda x: x)


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part, 0 of a real tensor."""
    return _of_complex(_imag, input, name, lambda x: stop_gradient(x * zeros_of(x)))


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; a real tensor is its own."""
    tensor = convert_to_tensor(x)
    if name is None and tensor.op.type == "Conj":
        return tensor.op.inputs[0]
    return _of_complex(_conj, tensor, name, lambda t: t)


def angle(input: Any, name: str | None = None) -> Tensor:
    """The argument of a complex tensor, in (-pi, pi]."""
    return _angle(convert_to_tensor(input), name=name)


def complex_of(dtype: DType) -> DType:
    """The complex type with parts of this type. Raises DTypeError where there is none."""
    if dtype.is_complex:
        return dtype
    if dtype not in WHOLE:
        raise DTypeError(f"no complex type has parts of dtype {dtype.name}; expected float32 or float64")
    return WHOLE[dtype]
