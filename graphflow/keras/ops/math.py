"""Segments, largest elements, Fourier transforms and special functions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import nn_ops, ordering, signal, signal_windows, spectral
from ...compiler.ir import Tensor
from ...compiler.ops import complex as cx
from ...compiler.ops import elementwise as ew
from ...compiler.ops import reduction as red
from ...compiler.ops import segment, selection, slicing, special, view
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.reduction import size_of
from .axes import rank_of
from .dtypes import as_tensor, floating, strong
from .naming import named, unary
from .numpy.reductions import logsumexp

rsqrt = unary("rsqrt", ew.rsqrt, "1 / sqrt(x)")
erf, erfc = unary("erf", ew.erf, "The error function"), unary("erfc", ew.erfc, "1 - erf(x)")
erfinv = unary("erfinv", special.erfinv, "The inverse of the error function")


def _segments(name: str, in_order: Any, in_any_order: Any, doc: str) -> Callable[..., Tensor]:
    def operation(data: Any, segment_ids: Any, num_segments: Any = None, sorted: bool = False) -> Tensor:
        values, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        if sorted:
            if num_segments is not None:
                raise ValueError("Argument `num_segments` cannot be set when sorted is True. "
                                 f"Received: num_segments={num_segments}, sorted={sorted}.")
            return in_order(values, ids)
        if num_segments is None:
            num_segments = size_of(selection.unique(ids)[0]) if name == "segment_sum" else as_tensor(
                red.reduce_max(ids) + 1, "int32")
        return in_any_order(values, ids, num_segments)
    return named(name, operation, (f"The {doc} of the slices of `data` that have the same id: [num_segments, ...]. "
                                   "`sorted` ids ascend, and there are as many segments as they say."))


segment_sum = _segments("segment_sum", segment.segment_sum, segment.unsorted_segment_sum, "sum")
segment_prod = _segments("segment_prod", segment.segment_prod, segment.unsorted_segment_prod, "product")
segment_max = _segments("segment_max", segment.segment_max, segment.unsorted_segment_max, "maximum")
segment_min = _segments("segment_min", segment.segment_min, segment.unsorted_segment_min, "minimum")


def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """(the k largest elements along the last axis, largest first; their positions, int32)."""
    return ordering.top_k(x, k, sorted)


def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether each target class is among the k with the largest predictions [batch, classes]: bool [batch]."""
    return nn_ops.in_top_k(as_tensor(predictions, "float32"), convert_to_tensor(targets), k)


def cdist(x: Any, y: Any) -> Tensor:
    """The distances between the rows of `x` [..., m, d] and those of `y` [..., n, d]: [..., m, n]. Raises ValueError.
    """
    a, b = strong(x, y)
    if min(rank_of("cdist", a), rank_of("cdist", b)) < 2:
        raise ValueError("`cdist` inputs must have rank >= 2")
    if a.shape[-1] != b.shape[-1]:
        raise ValueError("Last dimension of inputs to `cdist` must match")
    apart = view.expand_dims(a, -2) - view.expand_dims(b, rank_of("cdist", b) - 2)
    return ew.sqrt(red.reduce_sum(ew.square(apart), -1))


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """The parts of that length of the last axis, starting every `sequence_stride` elements: [..., parts, length]."""
    return signal.frame(convert_to_tensor(x), sequence_length, sequence_stride)


# Fourier transforms of (real part, imaginary part)

def _complex(x: Any) -> Tensor:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"Input `x` should be a tuple of two tensors - real and imaginary. Received: x={x}")
    parts = [convert_to_tensor(p) for p in x]
    if not parts[0].shape.is_compatible_with(parts[1].shape):
        raise ValueError("Input `x` should be a tuple of two tensors - real and imaginary. Both the real and imaginary "
                         f"parts should have the same shape. Received: x[0].shape = {parts[0].shape}, x[1].shape = "
                         f"{parts[1].shape}")
    if not all(p.dtype.is_floating for p in parts):
        raise ValueError(f"At least one tensor in input `x` is not of type float. Received: x={x}.")
    real, imaginary = parts
    return cx.complex_(real, imaginary)


def _parts(x: Tensor) -> tuple[Tensor, Tensor]:
    return cx.real(x), cx.imag(x)


def fft(x: Any) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last axis, of and as (real part, imaginary part)."""
    return _parts(spectral.fft(_complex(x)))


def fft2(x: Any) -> tuple[Tensor, Tensor]:
    """The Fourier transform along the last two axes, of and as (real part, imaginary part)."""
    return _parts(spectral.fft2d(_complex(x)))


def ifft2(x: Any) -> tuple[Tensor, Tensor]:
    """The inverse of `fft2`."""
    return _parts(spectral.ifft2d(_complex(x)))


def rfft(x: Any, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The transform of real numbers along the last axis: (real part, imaginary part) [..., fft_length // 2 + 1]."""
    return _parts(spectral.rfft(floating(x), None if fft_length is None else [fft_length]))


def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """The inverse of `rfft`, of (real part, imaginary part)."""
    return spectral.irfft(_complex(x), None if fft_length is None else [fft_length])


def _window(window: Any, length: int, width: int, dtype: Any) -> Tensor | None:
    """The window of `length` in the middle of `width` zeros; None for none."""
    if window is None:
        return None
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError('If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`. '
                             f"Received: window={window}")
        made = getattr(signal_windows, f"{window}_window")(length, periodic=True, dtype=dtype)
    else:
        made = as_tensor(window, dtype)
    if made.shape.as_list() != [length]:
        raise ValueError("The shape of `window` must be equal to [sequence_length]. Received: window shape="
                         f"{made.shape}")
    left = (width - length) // 2
    return slicing.pad(made, [(left, width - length - left)])


def stft(x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann",
         center: bool = True) -> tuple[Tensor, Tensor]:
    """The short-time Fourier transform along the last axis: (real part, imaginary part) [..., parts, bins].

    `window` is "hann", "hamming", a vector of `sequence_length` or None. With `center` the ends are continued by
    reflection, so that a part lies around its time. Raises TypeError for other than floats, ValueError for bad sizes.
    """
    tensor = convert_to_tensor(x)
    if tensor.dtype.name not in ("float32", "float64"):
        raise TypeError("Invalid input type. Expected `float32` or `float64`. Received: input type="
                        f"{tensor.dtype.name}")
    if fft_length < sequence_length:
        raise ValueError("`fft_length` must equal or larger than `sequence_length`. Received: sequence_length="
                         f"{sequence_length}, fft_length={fft_length}")
    if center:
        rank = rank_of("stft", tensor)
        tensor = slicing.pad(tensor, [(0, 0)] * (rank - 1) + [(fft_length // 2, fft_length // 2)], "REFLECT")
    made = _window(window, sequence_length, fft_length, tensor.dtype)
    return _parts(signal.stft(tensor, fft_length, sequence_stride, fft_length,
                              None if made is None else lambda *_, **__: made))


def istft(x: Any, sequence_length: int, sequence_stride: int, fft_length: int, length: int | None = None,
          window: Any = "hann", center: bool = True) -> Tensor:
    """The signal whose `stft` is nearest to `x` (real part, imaginary part), cut to `length` if that is given."""
    spectrum = _complex(x)
    made = _window(window, sequence_length, fft_length, cx.real(spectrum).dtype)
    inverse = None if made is None else signal.inverse_stft_window_fn(sequence_stride, lambda *_, **__: made)
    found = signal.inverse_stft(spectrum, fft_length, sequence_stride, fft_length, inverse)
    start = fft_length // 2 if center else 0
    if length is not None:
        return found[..., start:start + length]
    return found[..., start:-(fft_length // 2)] if center else found


# complex numbers as pairs

def view_as_complex(x: Any) -> Tensor:
    """The complex numbers of pairs in the last axis. Raises ValueError if that is not of size 2."""
    tensor = convert_to_tensor(x)
    if not rank_of("view_as_complex", tensor) or tensor.shape[-1] != 2:
        raise ValueError("Last dimension of input must be size 2 (real and imaginary). Received shape: "
                         f"{tensor.shape}")
    return cx.complex_(tensor[..., 0], tensor[..., 1])


def view_as_real(x: Any) -> Tensor:
    """The real and imaginary parts of complex numbers along a new last axis."""
    tensor = convert_to_tensor(x)
    return slicing.stack([cx.real(tensor), cx.imag(tensor)], -1)


__all__ = [
    "cdist", "erf", "erfc", "erfinv", "extract_sequences", "fft", "fft2", "ifft2", "in_top_k", "irfft", "istft",
    "logsumexp", "rfft", "rsqrt", "segment_max", "segment_min", "segment_prod", "segment_sum", "stft", "top_k",
    "view_as_complex", "view_as_real",
]
