"""`tf.audio`, and what `tf.contrib.framework.python.ops.audio_ops` has: WAV files, spectrograms, cepstra."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .compiler.dtypes import float32, int32
from .compiler.ir import Tensor
from .compiler.ops import audio as _ops
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.elementwise import abs_, square
from .compiler.ops.view import transpose
from .framework import name_scope
from .signal import frame, rfft

__all__ = ["DecodeWav", "audio_spectrogram", "decode_wav", "encode_wav", "mfcc"]


class DecodeWav(NamedTuple):
    """A sound: `audio` [samples, channels], float32 in [-1, 1), and `sample_rate` in Hz, int32."""

    audio: Tensor
    sample_rate: Tensor


def decode_wav(contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None
               ) -> DecodeWav:
    """The sound in a WAV file's bytes (16-bit PCM), cut or filled up with silence to `desired_samples` (-1: as it is).

    Raises InvalidArgumentError when the graph runs for other bytes.
    """
    op = _ops.decode_wav.operation(convert_to_tensor(contents), desired_channels=int(desired_channels),
                                   desired_samples=int(desired_samples), name=name)
    return DecodeWav(*op.outputs)


def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Tensor:
    """The bytes of a WAV file (16-bit PCM) with the sound [samples, channels]; samples are clipped to [-1, 1)."""
    return _ops.encode_wav(convert_to_tensor(audio, float32), convert_to_tensor(sample_rate, int32), name=name)


def audio_spectrogram(input: Any, window_size: int, stride: int, magnitude_squared: bool = False,
                      name: str | None = None) -> Tensor:
    """Magnitudes [channels, frames, bins] of the spectra of windows (Hann's) of a sound [samples, channels].

    Windows of `window_size` samples begin `stride` apart; each is filled up to a power of two.
    """
    with name_scope(name, "AudioSpectrogram"):
        sound = transpose(convert_to_tensor(input, float32))
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window_size) / window_size)
        frames = frame(sound, window_size, stride) * constant(window.astype(np.float32))
        magnitudes = abs_(rfft(frames, [1 << max(window_size - 1, 1).bit_length()]))
        return square(magnitudes) if magnitude_squared else magnitudes


def mfcc(spectrogram: Any, sample_rate: Any, upper_frequency_limit: float = 4000, lower_frequency_limit: float = 20,
         filterbank_channel_count: int = 40, dct_coefficient_count: int = 13, name: str | None = None) -> Tensor:
    """Mel-frequency cepstral coefficients [channels, frames, coefficients] of squared magnitudes (as
    `audio_spectrogram` gives them with `magnitude_squared`); frequencies in Hz."""
    return _ops.mfcc(convert_to_tensor(spectrogram, float32), convert_to_tensor(sample_rate, int32), name=name,
                     upper_frequency_limit=float(upper_frequency_limit),
                     lower_frequency_limit=float(lower_frequency_limit),
                     filterbank_channel_count=int(filterbank_channel_count),
                     dct_coefficient_count=int(dct_coefficient_count))
