"""Discrete Fourier transforms over chosen axes: one axis after another."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .compiler import dims as dm
from .compiler.dims import DimLike
from .compiler.dtypes import as_dtype, complex64, float32
from .compiler.ir import Tensor
from .compiler.ops import spectral as transforms
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast
from .compiler.ops.matrix_parts import size_tensor
from .compiler.ops.spectral import fitted
from .compiler.ops.symbolic import static_dims, static_ints
from .compiler.ops.view import identity, known_rank, transpose
from .compiler.shapes import normalize_axis
from .framework import name_scope

# the power of the number of elements that a norm multiplies the forward transform by; the inverse has its opposite
NORMS = {None: 0.0, "backward": 0.0, "ortho": -0.5, "forward": -1.0}


def _along(x: Tensor, axis: int, transform: Callable[[Tensor], Tensor]) -> Tensor:
    """`transform`, which works on the last axis, over another."""
    order = list(range(len(known_rank("fftnd", x))))
    order[axis], order[-1] = order[-1], order[axis]
    return transpose(transform(transpose(x, order)), order)


def _settled(op: str, x: Tensor, fft_length: Any, axes: Any, half: bool = False) -> tuple[list[int], list[DimLike]]:
    """(axes from the front, their lengths); `half`: the last of them holds half a spectrum."""
    dims = known_rank(op, x)
    given = range(len(dims)) if axes is None else static_ints(op, "axes", axes)
    at = [normalize_axis(op, a, len(dims)) for a in given]
    if len(set(at)) != len(at):
        raise ValueError(f"{op}: axes must be different, received {axes!r}")
    if fft_length is not None:
        lengths = list(static_dims(op, "fft_length", fft_length))
        if len(lengths) != len(at):
            raise ValueError(f"{op}: fft_length must have an element for each of the {len(at)} axes, received "
                             f"{fft_length!r}")
        return at, lengths
    lengths = [dims[a] for a in at]
    return at, [*lengths[:-1], dm.maximum(2 * (lengths[-1] - 1), 0)] if half else lengths


def _scaled(x: Tensor, lengths: list[DimLike], norm: str | None, inverse: bool, name: str) -> Tensor:
    if norm not in NORMS:
        raise ValueError(f"norm must be one of 'backward', 'ortho' and 'forward', received {norm!r}")
    power = -NORMS[norm] if inverse else NORMS[norm]
    if not power:
        return identity(x, name)
    count = cast(convert_to_tensor(size_tensor(dm.product(lengths))), x.dtype.real_dtype)
    return identity(x * cast(count ** power, x.dtype), name)


def _complex(op: str, inverse: bool, input_tensor: Any, fft_length: Any, axes: Any, norm: str | None,
             name: str | None) -> Tensor:
    with name_scope(name, op, [input_tensor]) as scope:
        x = convert_to_tensor(input_tensor, preferred_dtype=complex64)
        at, lengths = _settled(op, x, fft_length, axes)
        for axis, length in zip(at, lengths, strict=True):
            x = _along(x, axis, lambda t, n=length: transforms.fft(fitted(t, (n,)), 1, inverse))  # type: ignore[misc]
        return _scaled(x, lengths, norm, inverse, scope)


def fftnd(input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None,
          name: str | None = None) -> Tensor:
    """The discrete Fourier transform of a complex tensor over `axes` (default: all), each first cut or filled up with
    zeros to its `fft_length`.

    `norm`: "backward" (default) does not scale, "ortho" divides by the root of the number of elements transformed,
    "forward" by that number. Raises ValueError for another norm and for lengths that are not one for each axis.
    """
    return _complex("fftnd", False, input_tensor, fft_length, axes, norm, name)


def ifftnd(input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None,
           name: str | None = None) -> Tensor:
    """The inverse of fftnd."""
    return _complex("ifftnd", True, input_tensor, fft_length, axes, norm, name)


def rfftnd(input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None,
           name: str | None = None) -> Tensor:
    """fftnd of a real tensor: complex, with the first n // 2 + 1 coefficients in the last of the axes (of length n)."""
    with name_scope(name, "rfftnd", [input_tensor]) as scope:
        x = convert_to_tensor(input_tensor, preferred_dtype=float32)
        at, lengths = _settled("rfftnd", x, fft_length, axes)
        x = _along(x, at[-1], lambda t: transforms.rfft(t, [lengths[-1]]))
        return _scaled(_complex("fftnd", False, x, lengths[:-1], at[:-1], None, None), lengths, norm, False, scope)


def irfftnd(input_tensor: Any, fft_length: Any = None, axes: Any = None, norm: str | None = None,
            name: str | None = None) -> Tensor:
    """The inverse of rfftnd: real; the last of the axes has by default length 2 (k - 1) for k coefficients."""
    with name_scope(name, "irfftnd", [input_tensor]) as scope:
        x = convert_to_tensor(input_tensor, preferred_dtype=complex64)
        at, lengths = _settled("irfftnd", x, fft_length, axes, half=True)
        x = _complex("ifftnd", True, x, lengths[:-1], at[:-1], None, None)
        return _scaled(_along(x, at[-1], lambda t: transforms.irfft(t, [lengths[-1]])), lengths, norm, True, scope)


# under the names of the ops


def fftnd_op(input: Any, fft_length: Any, axes: Any, name: str | None = None) -> Tensor:
    """fftnd with its lengths and axes given."""
    return fftnd(input, fft_length, axes, name=name)


def ifftnd_op(input: Any, fft_length: Any, axes: Any, name: str | None = None) -> Tensor:
    """ifftnd with its lengths and axes given."""
    return ifftnd(input, fft_length, axes, name=name)


def rfftnd_op(input: Any, fft_length: Any, axes: Any, Tcomplex: Any = complex64, name: str | None = None) -> Tensor:
    """rfftnd with its lengths and axes given, and the dtype of its result."""
    return cast(rfftnd(cast(input, as_dtype(Tcomplex).real_dtype), fft_length, axes, name=name), Tcomplex)


def irfftnd_op(input: Any, fft_length: Any, axes: Any, Treal: Any = float32, name: str | None = None) -> Tensor:
    """irfftnd with its lengths and axes given, and the dtype of its result."""
    return cast(irfftnd(input, fft_length, axes, name=name), Treal)
