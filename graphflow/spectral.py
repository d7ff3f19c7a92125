"""`tf.spectral`: Fourier and cosine transforms."""
from __future__ import annotations

from typing import Any

import numpy as np

from .compiler.dtypes import float32, float64
from .compiler.errors import DTypeError
from .compiler.ir import Tensor
from .compiler.ops import spectral as transforms
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.elementwise import cast, cos, equal, where
from .compiler.ops.gather import range_
from .compiler.ops.matrix_parts import size_tensor
from .compiler.ops.spectral import fitted
from .compiler.ops.view import expand_dims, known_rank
from .framework import name_scope
from .math_ops import tensordot


def fft(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform over the last axis of a complex tensor, same shape."""
    return transforms.fft(input, 1, False, name)


def ifft(input: Any, name: str | None = None) -> Tensor:
    """The inverse of fft."""
    return transforms.fft(input, 1, True, name)


def fft2d(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform over the last two axes of a complex tensor, same shape."""
    return transforms.fft(input, 2, False, name)


def ifft2d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of fft2d."""
    return transforms.fft(input, 2, True, name)


def fft3d(input: Any, name: str | None = None) -> Tensor:
    """The discrete Fourier transform over the last three axes of a complex tensor, same shape."""
    return transforms.fft(input, 3, False, name)


def ifft3d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of fft3d."""
    return transforms.fft(input, 3, True, name)


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The first n // 2 + 1 coefficients of the transform of a real tensor [..., n], complex; `fft_length` ([n]) cuts
    the last axis or fills it up with zeros first."""
    return transforms.rfft(input_tensor, fft_length, 1, name)


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The real tensor [..., n] whose rfft is given; n is `fft_length` ([n]), by default 2 (k - 1) for k coefficients.
    """
    return transforms.irfft(input_tensor, fft_length, 1, name)


def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """rfft over the last axis and fft over the one before."""
    return transforms.rfft(input_tensor, fft_length, 2, name)


def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of rfft2d."""
    return transforms.irfft(input_tensor, fft_length, 2, name)


def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """rfft over the last axis and fft over the two before."""
    return transforms.rfft(input_tensor, fft_length, 3, name)


def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of rfft3d."""
    return transforms.irfft(input_tensor, fft_length, 3, name)


# cosine transforms: products with their matrix, which is as fast as GEMM


def dct(input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None,
        name: str | None = None) -> Tensor:
    """The discrete cosine transform of type 1, 2, 3 or 4 over the last axis of a real tensor [..., n].

    Type 2: y_k = 2 sum_j x_j cos(pi k (2 j + 1) / 2n); type 3: y_k = x_0 + 2 sum_{j>0} x_j cos(pi j (2 k + 1) / 2n);
    norm="ortho" makes types 2, 3 and 4 orthonormal. `n` cuts the axis or fills it up with zeros first. Raises
    ValueError for other arguments.
    """
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if type not in (1, 2, 3, 4):
        raise ValueError(f"Types I, II, III and IV (I)DCT are supported. Got: {type}")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    with name_scope(name, "dct", [input]):
        x = convert_to_tensor(input)
        if x.dtype not in (float32, float64):
            raise DTypeError(f"dct: expected a float32 or float64 tensor, received {x!r}")
        if n is not None:
            x = fitted(x, (int(n),))
        length = known_rank("dct", x)[-1]
        matrix = _dct_matrix(length, type, norm, x.dtype.np) if isinstance(length, int) else _dct_graph(
            length, type, norm, x.dtype)
        return tensordot(x, matrix, 1)


def _dct_matrix(n: int, type: int, norm: str | None, dtype: Any) -> Tensor:
    """[n, n], with input index first."""
    j, k = np.arange(n)[:, None], np.arange(n)[None, :]
    if type == 1:
        if n < 2:
            raise ValueError("DCT-I requires the dimension to be greater than one.")
        matrix = 2 * np.cos(np.pi * j * k / (n - 1))
        matrix[[0, -1]] /= 2
    elif type == 2:
        matrix = 2 * np.cos(np.pi * (2 * j + 1) * k / (2 * n))
    elif type == 3:
        matrix = 2 * np.cos(np.pi * j * (2 * k + 1) / (2 * n))
        if norm is None:
            matrix[0] /= 2
    else:
        matrix = 2 * np.cos(np.pi * (2 * j + 1) * (2 * k + 1) / (4 * n))
    if norm == "ortho":
        matrix *= np.sqrt(1 / (2 * n))
        if type == 2:
            matrix[:, 0] *= np.sqrt(0.5)
        elif type == 3:
            matrix[0] *= np.sqrt(0.5)
    return constant(matrix.astype(dtype), name="dct/matrix")


def _dct_graph(length: Any, type: int, norm: str | None, dtype: Any) -> Tensor:
    """The same matrix for a length that is known only when the graph runs."""
    n = size_tensor(length)
    row = range_(0, n)
    j, k = expand_dims(row, 1), expand_dims(row, 0)
    first = cast(equal(j if type in (1, 3) else k, 0), dtype)
    # angles in whole steps modulo a turn, so that they stay exact
    if type == 1:
        steps, turn = j * k, 2 * (n - 1)
        first = first + cast(equal(j, n - 1), dtype)
    elif type == 4:
        steps, turn = (2 * j + 1) * (2 * k + 1), 8 * n
    else:
        steps, turn = ((2 * j + 1) * k if type == 2 else j * (2 * k + 1)), 4 * n
    matrix = 2 * cos(cast(steps % turn, dtype) * (2 * np.pi) / cast(turn, dtype))
    if norm == "ortho":
        scale = (2 * cast(n, dtype)) ** -0.5
        matrix = matrix * scale
        return matrix if type == 4 else where(first > 0, matrix * np.sqrt(0.5), matrix)
    return where(first > 0, matrix * 0.5, matrix) if type in (1, 3) else matrix


def idct(input: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None,
         name: str | None = None) -> Tensor:
    """The inverse of dct with norm="ortho"; without it the inverse but for a factor 2n (2 (n - 1) for type 1): the
    transform of type 3 for 2 and the reverse. `n` must be None. Raises ValueError for other arguments."""
    if n is not None:
        raise ValueError("`n` argument must be None for idct")
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}.get(type, type), n, axis, norm, name or "idct")


__all__ = ["dct", "fft", "fft2d", "fft3d", "idct", "ifft", "ifft2d", "ifft3d", "irfft", "irfft2d", "irfft3d", "rfft",
           "rfft2d", "rfft3d"]
