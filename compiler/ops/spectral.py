"""Discrete Fourier transforms over the last axes.

The transforms are linear, so each gradient is another transform: of the complex ones the inverse without its scaling
(TensorFlow's convention for complex gradients, see complex.py), of the real ones the adjoint below.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import COMPLEX, as_dtype, float32, float64
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from ..shapes import Dims
from .arguments import check_dtype
from .complex import complex_, complex_of, real
from .constant import convert_to_tensor
from .elementwise import cast, equal, logical_or, where
from .gather import range_
from .matrix_parts import size_tensor
from .slicing import place, slice_axis
from .symbolic import static_dims
from .view import known_rank, ones_of, zeros_of


def _known(op: str, x: Tensor, axes: int) -> Dims:
    dims = known_rank(op, x)
    if len(dims) < axes:
        raise ShapeError(f"{op}: Shape must be at least rank {axes} but is rank {len(dims)}, received {x!r}")
    return dims


def _axes(x: np.ndarray, axes: int) -> tuple[int, ...]:
    return tuple(range(x.ndim - axes, x.ndim))


def _count(x: Tensor, axes: int) -> Tensor:
    """The number of elements in the transformed axes, in the dtype of `x`."""
    assert x.dims is not None
    total = size_tensor(dm.product(x.dims[len(x.dims) - axes:]))
    return cast(convert_to_tensor(total), x.dtype)


# complex to complex


def _complex_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    name = attrs["kind"]
    check_dtype(name, inputs[0], COMPLEX)
    _known(name, inputs[0], attrs["axes"])
    return [inputs[0].type]


def _complex_reference(x: np.ndarray, kind: str, axes: int) -> np.ndarray:
    transform = np.fft.ifftn if kind.startswith("I") else np.fft.fftn
    return transform(x, axes=_axes(x, axes)).astype(x.dtype, copy=False)


def _complex_transforms(suffix: str, axes: int) -> tuple[OpDef, OpDef]:
    """(forward, inverse) over the last `axes` axes."""
    forward, inverse = f"FFT{suffix}", f"IFFT{suffix}"

    def forward_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
        return [backward(g, kind=inverse, axes=axes) * _count(g, axes)]

    def inverse_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
        return [ahead(g, kind=forward, axes=axes) / _count(g, axes)]

    ahead = OpDef(forward, HOST, _complex_types, forward_grad, _complex_reference)
    backward = OpDef(inverse, HOST, _complex_types, inverse_grad, _complex_reference)
    return ahead, backward


# real to the first half of the complex spectrum, and back


def _half(length: DimLike) -> DimLike:
    return length // 2 + 1


def _real_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    check_dtype("RFFT", x, (float32, float64))
    dims = _known("RFFT", x, attrs["axes"])
    return [TensorType(complex_of(x.dtype), (*dims[:-1], _half(dims[-1])))]


def _inverse_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    check_dtype("IRFFT", x, COMPLEX)
    dims = _known("IRFFT", x, attrs["axes"])
    return [TensorType(x.dtype.real_dtype, (*dims[:-1], attrs["length"]))]


def _real_reference(x: np.ndarray, axes: int) -> np.ndarray:
    return np.fft.rfftn(x, axes=_axes(x, axes)).astype(complex_of(as_dtype(x.dtype)).np, copy=False)


def _inverse_reference(x: np.ndarray, axes: int, length: int) -> np.ndarray:
    sizes = (*x.shape[x.ndim - axes:-1], length)
    if 0 in sizes:
        return np.zeros((*x.shape[:-1], length), x.real.dtype)
    return np.fft.irfftn(x, sizes, axes=_axes(x, axes)).astype(x.real.dtype, copy=False)


def _real_transforms(suffix: str, axes: int) -> tuple[OpDef, OpDef]:
    """(forward, inverse) over the last `axes` axes; the inverse has the length of its last axis as attribute."""
    def forward_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
        """Re(sum_k g_k W^-kn): the inverse complex transform of g with zeros for the half that was left out."""
        assert op.inputs[0].dims is not None and g.dims is not None
        whole = place(g, (*g.dims[:-1], op.inputs[0].dims[-1]), (0,) * len(g.dims))
        return [real(_COMPLEX[axes][1](whole, kind=f"IFFT{suffix}", axes=axes) * _count(whole, axes))]

    def inverse_grad(op: Operation, g: Tensor) -> Sequence[Tensor]:
        """The spectrum of g over the size, twice where a coefficient also stands for its mirror image."""
        length = op.attrs["length"]
        spectrum = ahead(g, axes=axes)
        k = range_(0, size_tensor(_half(length)))
        alone = logical_or(equal(k, 0), equal(k * 2, size_tensor(length)))
        one = ones_of(g)
        weight = where(alone, one, one + one) / _count(g, axes)
        return [spectrum * complex_(weight, weight * zeros_of(weight))]

    ahead = OpDef(f"RFFT{suffix}", HOST, _real_types, forward_grad, _real_reference)
    backward = OpDef(f"IRFFT{suffix}", HOST, _inverse_types, inverse_grad, _inverse_reference)
    return ahead, backward


_COMPLEX = {1: _complex_transforms("", 1), 2: _complex_transforms("2D", 2), 3: _complex_transforms("3D", 3)}
_REAL = {1: _real_transforms("", 1), 2: _real_transforms("2D", 2), 3: _real_transforms("3D", 3)}


def fft(input: Any, axes: int = 1, inverse: bool = False, name: str | None = None) -> Tensor:
    """The discrete Fourier transform of a complex tensor over its last `axes` axes (1 to 3), or its inverse."""
    op = _COMPLEX[axes][inverse]
    return op(convert_to_tensor(input, name=f"{op.name}/input"), kind=op.name, axes=axes, name=name)


def rfft(input: Any, fft_length: Any = None, axes: int = 1, name: str | None = None) -> Tensor:
    """The coefficients 0 to n // 2 (in the last axis) of the transform of a real tensor, first cut or filled up with
    zeros to `fft_length` in the last `axes` axes."""
    op = _REAL[axes][0]
    x = convert_to_tensor(input, name=f"{op.name}/input")
    if x.dtype not in (float32, float64):
        raise ValueError(f"{op.name} requires float32 or float64 inputs, got: {x!r}")
    if fft_length is not None:
        x = fitted(x, _lengths(op.name, fft_length, axes))
    return op(x, axes=axes, name=name)


def irfft(input: Any, fft_length: Any = None, axes: int = 1, name: str | None = None) -> Tensor:
    """The real tensor whose transform begins with `input`; the last axis has length 2 (k - 1) unless `fft_length` says
    otherwise, to which the input is cut or filled up with zeros."""
    op = _REAL[axes][1]
    x = convert_to_tensor(input, name=f"{op.name}/input")
    dims = _known(op.name, x, axes)
    lengths = (*dims[len(dims) - axes:-1], dm.maximum(2 * (dims[-1] - 1), 0))
    if fft_length is not None:
        lengths = _lengths(op.name, fft_length, axes)
        x = fitted(x, (*lengths[:-1], _half(lengths[-1])))
    return op(x, axes=axes, length=lengths[-1], name=name)


def _lengths(op: str, fft_length: Any, axes: int) -> Dims:
    lengths = static_dims(op, "fft_length", fft_length)
    if len(lengths) != axes:
        raise ShapeError(f"{op}: fft_length must have {axes} elements, received {fft_length!r}")
    return lengths


def fitted(x: Tensor, lengths: Dims) -> Tensor:
    """Cut or filled up with zeros at the end of the last axes to these lengths."""
    dims = _known("fft_length", x, len(lengths))
    for axis, length in enumerate(lengths, len(dims) - len(lengths)):
        assert x.dims is not None
        if x.dims[axis] == length:
            continue
        kept = dm.minimum(x.dims[axis], length)
        if kept != x.dims[axis]:
            x = slice_axis(x, axis, 0, kept)
        if kept != length:
            x = place(x, (*x.dims[:axis], length, *x.dims[axis + 1:]), (0,) * len(dims))  # type: ignore[index]
    return x
