"""`tf.signal`: frames, spectrograms and their inverses, mel scales; and what `tf.spectral` has."""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .array_ops import roll
from .compiler import dims as dm
from .compiler.dims import DimLike
from .compiler.dtypes import DType, as_dtype, complex64, complex128, float32, float64, int32
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops.arguments import is_tensor
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.elementwise import cast, maximum, rsqrt
from .compiler.ops.gather import gather, range_, scatter_add
from .compiler.ops.matrix_parts import size_tensor
from .compiler.ops.slicing import concat, pad, place, split
from .compiler.ops.spectral import fitted
from .compiler.ops.symbolic import static_ints, static_value
from .compiler.ops.view import expand_dims, known_rank, reshape, reverse
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .late import ranked
from .signal_windows import (
    WindowFunction,
    hamming_window,
    hann_window,
    kaiser_bessel_derived_window,
    kaiser_window,
    vorbis_window,
)
from .spectral import (
    dct,
    fft,
    fft2d,
    fft3d,
    idct,
    ifft,
    ifft2d,
    ifft3d,
    irfft,
    irfft2d,
    irfft3d,
    rfft,
    rfft2d,
    rfft3d,
)
from .spectral_nd import fftnd, ifftnd, irfftnd, rfftnd


def _positive(what: str, value: Any) -> int:
    size = int(static_ints("signal", what, value))
    if size < 1:
        raise ValueError(f"{what} must be positive, received {size}")
    return size


# frames


@partial(ranked, count=1)
def frame(signal: Any, frame_length: Any, frame_step: Any, pad_end: bool = False, pad_value: float = 0, axis: int = -1,
          name: str | None = None) -> Tensor:
    """Windows of `frame_length` elements along `axis`, `frame_step` apart: [..., n, ...] becomes [..., frames,
    frame_length, ...]. What is left at the end is dropped, or with `pad_end` filled up with `pad_value`."""
    with name_scope(name, "frame", [signal]):
        x = convert_to_tensor(signal)
        dims = known_rank("frame", x)
        axis = normalize_axis("frame", axis, len(dims))
        if any(is_tensor(v) and static_value(convert_to_tensor(v)) is None for v in (frame_length, frame_step)):
            fed_length, fed_step = (reshape(cast(v, int32), ()) for v in (frame_length, frame_step))
            return _frame_as_fed(x, fed_length, fed_step, pad_end, pad_value, axis)
        length, step = _positive("frame_length", frame_length), _positive("frame_step", frame_step)
        frames: DimLike
        if pad_end:
            frames = dm.ceil_div(dims[axis], step)
            needed = dm.maximum((frames - 1) * step + length, dims[axis])
            if needed != dims[axis]:
                x = place(x, (*dims[:axis], needed, *dims[axis + 1:]), (0,) * len(dims), value=pad_value)
        else:
            frames = dm.maximum((dims[axis] - length) // step + 1, 0)
        return gather(x, _positions(frames, length, step), axis)


def _frame_as_fed(x: Tensor, length: Tensor, step: Tensor, pad_end: bool, pad_value: float, axis: int) -> Tensor:
    """`frame` where the length of the frames or their distance is known only at the run."""
    size = convert_to_tensor(size_tensor(known_rank("frame", x)[axis]))
    frames = (size + step - 1) // step if pad_end else maximum((size - length) // step + 1, 0)
    if pad_end:
        more = maximum((frames - 1) * step + length - size, 0)
        x = pad(x, [[0, more if i == axis else 0] for i in range(len(known_rank("frame", x)))],
                constant_values=pad_value)
    return gather(x, _positions(frames, length, step), axis)


def _positions(frames: Any, length: Any, step: Any) -> Tensor:
    """Where element j of frame i stands in the signal, [frames, length]."""
    return expand_dims(range_(0, size_tensor(frames)) * step, 1) + expand_dims(range_(0, length), 0)


def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """Frames [..., frames, length] summed at distances of `frame_step`: [..., (frames - 1) frame_step + length]."""
    with name_scope(name, "overlap_and_add", [signal]):
        x, step = convert_to_tensor(signal), _positive("frame_step", frame_step)
        *batch, frames, length = known_rank("overlap_and_add", x)
        if not isinstance(length, int):
            raise ShapeError(f"overlap_and_add: the frame length of {x!r} must be known")
        return scatter_add(x, _positions(frames, length, step), (*batch, (frames - 1) * step + length), len(batch))


# short-time Fourier transform


def _enclosing_power_of_two(value: int) -> int:
    return 1 << max(value - 1, 0).bit_length()


def _spectrum_dtype(signals: Any, *args: Any, **kwargs: Any) -> DType:
    return complex128 if convert_to_tensor(signals).dtype == float64 else complex64


@partial(ranked, count=1, dtype=_spectrum_dtype)
def stft(signals: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
         window_fn: WindowFunction | None = hann_window, pad_end: bool = False, name: str | None = None) -> Tensor:
    """The spectra [..., frames, fft_length // 2 + 1] of windowed frames of real signals [..., n].

    `fft_length` is by default the smallest power of two that encloses a frame.
    """
    with name_scope(name, "stft", [signals]):
        length = _positive("frame_length", frame_length)
        size = _enclosing_power_of_two(length) if fft_length is None else _positive("fft_length", fft_length)
        framed = frame(signals, length, frame_step, pad_end)
        if window_fn is not None:
            framed = framed * window_fn(length, dtype=framed.dtype)
        return rfft(framed, [size])


def inverse_stft_window_fn(frame_step: Any, forward_window_fn: WindowFunction = hann_window,
                           name: str | None = None) -> WindowFunction:
    """The window for inverse_stft with which it undoes an stft with `forward_window_fn` exactly."""
    def inverse_window(frame_length: Any, dtype: Any) -> Tensor:
        """The forward window over the sum of the squares of those that overlap it."""
        with name_scope(name, "inverse_stft_window_fn"):
            length, step = _positive("frame_length", frame_length), _positive("frame_step", frame_step)
            window = forward_window_fn(length, dtype=dtype)
            positions = constant(np.arange(length, dtype=np.int32) % step)
            return window / gather(scatter_add(window * window, positions, (step,)), positions)

    return inverse_window


def inverse_stft(stfts: Any, frame_length: Any, frame_step: Any, fft_length: Any = None,
                 window_fn: WindowFunction | None = hann_window, name: str | None = None) -> Tensor:
    """The signals [..., n] whose frames have these spectra, weighted by `window_fn` and added where they overlap."""
    with name_scope(name, "inverse_stft", [stfts]):
        length = _positive("frame_length", frame_length)
        size = _enclosing_power_of_two(length) if fft_length is None else _positive("fft_length", fft_length)
        frames = fitted(irfft(stfts, [size]), (length,))
        if window_fn is not None:
            frames = frames * window_fn(length, dtype=frames.dtype)
        return overlap_and_add(frames, frame_step)


# modified discrete cosine transform (Princen, Johnson and Bradley, 1987)


def mdct(signals: Any, frame_length: Any, window_fn: WindowFunction | None = vorbis_window, pad_end: bool = False,
         norm: str | None = None, name: str | None = None) -> Tensor:
    """The modified cosine transform [..., frames, frame_length // 2] of half-overlapping frames of signals [..., n]."""
    with name_scope(name, "mdct", [signals]):
        length = _positive("frame_length", frame_length)
        if length % 4:
            raise ValueError(f"mdct: frame_length must be a multiple of 4, received {length}")
        framed = frame(signals, length, length // 2, pad_end)
        framed = framed * (np.sqrt(0.5) if window_fn is None else window_fn(length, dtype=framed.dtype))
        a, b, c, d = split(framed, 4, -1)
        return dct(concat([-reverse(c, [-1]) - d, a - reverse(b, [-1])], -1), 4, norm=norm)


def inverse_mdct(mdcts: Any, window_fn: WindowFunction | None = vorbis_window, norm: str | None = None,
                 name: str | None = None) -> Tensor:
    """The signals of which these are the modified cosine transforms."""
    with name_scope(name, "inverse_mdct", [mdcts]):
        half = static_ints("inverse_mdct", "the frame length", known_rank("inverse_mdct", convert_to_tensor(mdcts))[-1])
        coefficients = dct(mdcts, 4, norm=norm)
        if norm is None:
            coefficients = coefficients * (0.5 / half)
        first, second = split(coefficients, 2, -1)
        frames = concat([second, -reverse(second, [-1]), -reverse(first, [-1]), -first], -1)
        frames = frames * (np.sqrt(0.5) if window_fn is None else window_fn(2 * half, dtype=frames.dtype))
        return overlap_and_add(frames, half)


# the mel scale


def _mel(hertz: Any) -> Any:
    """Of O'Shaughnessy (1987)."""
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def linear_to_mel_weight_matrix(num_mel_bins: int = 20, num_spectrogram_bins: Any = 129, sample_rate: Any = 8000,
                                lower_edge_hertz: float = 125.0, upper_edge_hertz: float = 3800.0,
                                dtype: Any = float32, name: str | None = None) -> Tensor:
    """[num_spectrogram_bins, num_mel_bins] weights that turn a spectrogram's linear frequency bins into mel bins,
    triangles between edges that are evenly spaced on the mel scale. Raises ValueError for edges that do not fit."""
    bins, rate = (static_ints("mel", "bins and rate", v) for v in (num_spectrogram_bins, sample_rate))
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if lower_edge_hertz < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower_edge_hertz}")
    if lower_edge_hertz >= upper_edge_hertz:
        raise ValueError(f"lower_edge_hertz {lower_edge_hertz:.1f} >= upper_edge_hertz {upper_edge_hertz:.1f}")
    if rate <= 0.0:
        raise ValueError(f"sample_rate must be positive. Got: {rate}")
    if upper_edge_hertz > rate / 2:
        raise ValueError(f"upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got "
                         f"{upper_edge_hertz} for sample_rate: {rate}")
    mels = _mel(np.linspace(0.0, rate / 2, bins)[1:])[:, None]  # the first bin, of frequency 0, counts nowhere
    edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    weights = np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((1, 0), (0, 0)))
    return constant(weights.astype(as_dtype(dtype).np), name=name or "linear_to_mel_weight_matrix")


@ranked
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """The cosine transform of log mel spectrograms [..., bins], scaled as in the HTK book (Young et al., 2006)."""
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        x = convert_to_tensor(log_mel_spectrograms)
        bins = known_rank("mfccs", x)[-1]
        if bins == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {x!r}")
        return dct(x, 2) * rsqrt(cast(convert_to_tensor(size_tensor(bins)), x.dtype) * 2)


# the zero frequency to the middle and back


def _shifts(x: Tensor, axes: Any, sign: int) -> tuple[list[Any], list[int]]:
    dims = known_rank("fftshift", x)
    chosen = range(len(dims)) if axes is None else axes if hasattr(axes, "__iter__") else [axes]
    order = [normalize_axis("fftshift", int(a), len(dims)) for a in chosen]
    halves = (dims[a] // 2 * sign for a in order)
    return [size_tensor(half) if isinstance(half, dm.Dim) else half for half in halves], order


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """The frequency 0 moved to the middle of the axes (default all)."""
    tensor = convert_to_tensor(x)
    return roll(tensor, *_shifts(tensor, axes, 1), name=name or "fftshift")


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `fftshift`: the zero frequency from the middle to the beginning."""
    tensor = convert_to_tensor(x)
    return roll(tensor, *_shifts(tensor, axes, -1), name=name or "ifftshift")


__all__ = [
    "dct", "fft", "fft2d", "fft3d", "fftnd", "fftshift", "frame", "hamming_window", "hann_window", "idct", "ifft",
    "ifft2d", "ifft3d", "ifftnd", "ifftshift", "inverse_mdct", "inverse_stft", "inverse_stft_window_fn", "irfft",
    "irfft2d", "irfft3d", "irfftnd", "kaiser_bessel_derived_window", "kaiser_window",
    "linear_to_mel_weight_matrix", "mdct", "mfccs_from_log_mel_spectrograms", "overlap_and_add", "rfft", "rfft2d",
    "rfft3d", "rfftnd", "stft", "vorbis_window",
]
