"""Sound as spectrograms."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....compiler import dims as dm
from ....compiler.ir import Tensor
from ....compiler.ops.constant import convert_to_tensor
from ....compiler.ops.contraction import tensordot
from ....compiler.ops.elementwise import atan2, cast, log, maximum, power, sqrt, square
from ....compiler.ops.reduction import reduce_max
from ....compiler.ops.slicing import concat, pad, place
from ....compiler.ops.spectral import rfft
from ....compiler.ops.view import known_rank, reshape, transpose
from ....compiler.site import warn
from ....signal import frame
from ... import backend, initializers
from ..arguments import data_format_word, padding_word
from ..input_spec import InputSpec
from ..layer import Layer
from .data_layer import DataLayer

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """The short-time Fourier transform of signals (batch, time, channels), by kernels that can be trained.

    `mode` says what of it: "log" of the magnitude, "magnitude", "psd" (power), "real", "imag", "angle", or "stft"
    (real and imaginary parts). The output is (batch, frames, channels * bins), or with `expand_dims` (batch, frames,
    bins, channels).
    """

    def __init__(self, mode: str = "log", frame_length: int = 256, frame_step: int | None = None,
                 fft_length: int | None = None, window: Any = "hann", periodic: bool = False,
                 scaling: str | None = "density", padding: str = "valid", expand_dims: bool = False,
                 data_format: str | None = None, **kwargs: Any):
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError("`frame_step` should be a positive integer not greater than `frame_length`. Received "
                             f"frame_step={frame_step}, frame_length={frame_length}")
        if fft_length is not None and fft_length < frame_length:
            raise ValueError("`fft_length` should be not less than `frame_length`. Received "
                             f"fft_length={fft_length}, frame_length={frame_length}")
        if fft_length is not None and fft_length & -fft_length != fft_length:
            warn(f"`fft_length` is recommended to be a power of two. Received fft_length={fft_length}")
        if mode not in _MODES:
            raise ValueError(f"Output mode is invalid, it must be one of {', '.join(_MODES)}. Received: mode={mode}")
        super().__init__(**kwargs)
        self.mode, self.frame_length, self.frame_step, self.fft_length = mode, frame_length, frame_step, fft_length
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self.padding, self.expand_dims = padding_word(padding), expand_dims
        self.data_format = data_format_word(data_format)
        self.input_spec = InputSpec(ndim=3)
        self._step = frame_step or frame_length // 2
        self._bins = (fft_length or 2 ** math.ceil(math.log2(frame_length))) // 2 + 1
        self._sides = [side for side, other in (("real", "imag"), ("imag", "real")) if mode != other]
        self._kernels = {side: initializers.STFT(side, window, scaling, periodic) for side in self._sides}

    def build(self, input_shape: Any) -> None:
        for side, initializer in self._kernels.items():
            setattr(self, f"{side}_kernel", self.add_weight((self.frame_length, 1, self._bins), initializer,
                                                            name=f"{side}_kernel"))

    def call(self, inputs: Tensor) -> Tensor:
        if not inputs.dtype.is_floating:
            raise TypeError("Invalid input type. Expected `float16`, `float32` or `float64`. Received: input "
                            f"type={inputs.dtype.name}")
        x = transpose(inputs, (0, 2, 1)) if self.data_format == "channels_last" else inputs
        frames = frame(self._padded(x), self.frame_length, self._step)
        parts = [tensordot(frames, reshape(getattr(self, f"{s}_kernel").value(), (self.frame_length, self._bins)), 1)
                 for s in self._sides]
        return self._arranged(self._spectrum(*parts))

    def _padded(self, x: Tensor) -> Tensor:
        if self.padding == "valid":
            return x
        assert x.dims is not None
        time = x.dims[-1]
        more = dm.maximum((dm.ceil_div(time, self._step) - 1) * self._step + self.frame_length - time, 0)
        return place(x, (*x.dims[:-1], time + more), (0, 0, more // 2))

    def _spectrum(self, real: Tensor, imag: Any = None) -> Tensor:
        """What `mode` says, (batch, channels, frames, bins)."""
        if imag is None:
            return real
        if self.mode == "angle":
            return atan2(imag, real)
        if self.mode == "stft":
            return concat([real, imag], -1)
        energy = square(real) + square(imag)
        if self.mode == "psd":
            return energy + pad(energy[..., 1:-1], [[0, 0], [0, 0], [0, 0], [1, 1]])
        magnitude = sqrt(maximum(energy, backend.epsilon()))
        return magnitude if self.mode == "magnitude" else log(maximum(magnitude, backend.epsilon()))

    def _arranged(self, x: Tensor) -> Tensor:
        assert x.dims is not None
        batch, channels, frames, bins = x.dims
        if self.data_format == "channels_first":
            return x if self.expand_dims else reshape(transpose(x, (0, 1, 3, 2)), (batch, channels * bins, frames))
        if self.expand_dims:
            return transpose(x, (0, 2, 3, 1))
        return reshape(transpose(x, (0, 2, 1, 3)), (batch, frames, channels * bins))

    def get_config(self) -> dict[str, Any]:
        names = ("mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding",
                 "data_format", "expand_dims")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


class MelSpectrogram(DataLayer):
    """The mel spectrogram (batch, mel bins, frames) of signals (batch, time), in decibels if `power_to_db`."""

    def __init__(self, fft_length: int = 2048, sequence_stride: int = 512, sequence_length: int | None = None,
                 window: Any = "hann", sampling_rate: int = 16000, num_mel_bins: int = 128, min_freq: float = 20.0,
                 max_freq: float | None = None, power_to_db: bool = True, top_db: float = 80.0, mag_exp: float = 2.0,
                 min_power: float = 1e-10, ref_power: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.fft_length, self.sequence_stride = fft_length, sequence_stride
        self.sequence_length = sequence_length or fft_length
        if fft_length < self.sequence_length:
            raise ValueError("`fft_length` must be greater than or equal to `sequence_length`. Received: "
                             f"`sequence_length`={sequence_length}, `fft_length`={fft_length}.")
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs: Any) -> Tensor:
        x = cast(convert_to_tensor(inputs), self.compute_dtype)
        half, rank = self.fft_length // 2, len(known_rank("MelSpectrogram", x))
        x = pad(x, [[0, 0]] * (rank - 1) + [[half, half]], mode="REFLECT")
        spectrum = rfft(frame(x, self.fft_length, self.sequence_stride) * self._window(), [self.fft_length])
        magnitude = abs(spectrum)
        mel = tensordot(power(magnitude, self.mag_exp), self._mel_weights(), 1)
        if self.power_to_db:
            mel = _decibels(mel, self.min_power) - _decibels(
                convert_to_tensor(abs(self.ref_power), mel.dtype), self.min_power)
            mel = maximum(mel, reduce_max(mel) - self.top_db)
        return transpose(mel, (*range(rank - 1), rank, rank - 1))

    def _window(self) -> np.ndarray:
        """The window in the middle of a frame of `fft_length`."""
        rest = self.fft_length - self.sequence_length
        window = np.ones(self.sequence_length) if self.window is None else initializers.window_array(
            self.window, self.sequence_length, periodic=True)
        return np.pad(window, (rest // 2, rest - rest // 2)).astype(self.compute_dtype)

    def _mel_weights(self) -> np.ndarray:
        """[frequency bins, mel bins]: triangles between neighbours on the mel scale (HTK); bin 0 counts nowhere."""
        def mel(hertz: Any) -> Any:
            return 1127.0 * np.log(1.0 + hertz / 700.0)

        points = mel(np.linspace(0, self.sampling_rate / 2, self.fft_length // 2 + 1)[1:])[:, None]
        edges = np.linspace(mel(self.min_freq), mel(self.max_freq), self.num_mel_bins + 2)
        lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
        slopes = np.minimum((points - lower) / (centre - lower), (upper - points) / (upper - centre))
        return np.pad(np.maximum(slopes, 0), ((1, 0), (0, 0))).astype(self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins",
                 "min_freq", "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


def _decibels(x: Tensor, least: float) -> Tensor:
    return log(maximum(x, least)) * (10.0 / math.log(10.0))
