"""Sound: WAV files as samples and back, and the mel-frequency cepstrum of a spectrogram, as TensorFlow computes it."""
from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import float32, int32, string
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .arguments import check_dtype
from .texts import text

_PCM = 1
_SCALE = 2.0 ** 15  # samples are 16-bit integers in a file, in [-1, 1) outside it


def _check_rank(op: str, tensor: Tensor, rank: int, what: str) -> None:
    if tensor.dims is not None and len(tensor.dims) != rank:
        raise ShapeError(f"{op}: Shape must be rank {rank} but is rank {len(tensor.dims)} for {what} {tensor!r}")


def _decode_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("DecodeWav", inputs[0], (string,), "contents")
    _check_rank("DecodeWav", inputs[0], 0, "contents")
    dims = tuple(dm.fresh() if n < 0 else n for n in (attrs["desired_samples"], attrs["desired_channels"]))
    return [TensorType(float32, dims), TensorType(int32, ())]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of each chunk of a RIFF file."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise InvalidArgumentError(f"DecodeWav: Header mismatch: Expected RIFF ... WAVE but found {data[:12]!r}")
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8:at + 8 + size]
        at += 8 + size + size % 2


def _decode(contents: np.ndarray, desired_channels: int, desired_samples: int) -> tuple[np.ndarray, np.ndarray]:
    data: bytes = contents.item()
    parts = dict(_chunks(data))
    if b"fmt " not in parts or b"data" not in parts or len(parts[b"fmt "]) < 16:
        raise InvalidArgumentError("DecodeWav: Bad audio file: a format and a data chunk are needed")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", parts[b"fmt "])
    if kind != _PCM or bits != 16 or not channels:
        raise InvalidArgumentError("DecodeWav: Bad audio format for WAV: Expected 1 (PCM) with 16 bits and at least "
                                   f"one channel, but got {kind} with {bits} bits and {channels} channels")
    raw = parts[b"data"]
    samples = np.frombuffer(raw[:len(raw) // (2 * channels) * 2 * channels], "<i2").reshape(-1, channels)
    count = len(samples) if desired_samples < 0 else desired_samples
    width = channels if desired_channels < 0 else desired_channels
    out = np.zeros((count, width), np.float32)
    kept = samples[:count].astype(np.float32) / np.float32(_SCALE)
    # channels beyond those in the file repeat its last one
    out[:len(kept)] = kept[:, np.minimum(np.arange(width), channels - 1)]
    return out, np.array(rate, np.int32)


decode_wav = OpDef("DecodeWav", HOST, _decode_types, None, _decode)


def _encode_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("EncodeWav", inputs[0], (float32,), "audio")
    check_dtype("EncodeWav", inputs[1], (int32,), "sample_rate")
    _check_rank("EncodeWav", inputs[0], 2, "audio")
    return [TensorType(string, ())]


def _encode(audio: np.ndarray, sample_rate: np.ndarray) -> np.ndarray:
    count, channels = audio.shape
    if not 0 < channels < 2 ** 16 or sample_rate <= 0:
        raise InvalidArgumentError("EncodeWav: sample_rate must be positive and channels between 1 and 65535, "
                                   f"received {sample_rate} and {channels}")
    scaled = audio * np.float32(_SCALE)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))  # halves away from zero, as C's roundf
    data = np.clip(rounded, -_SCALE, _SCALE - 1).astype("<i2").tobytes()
    rate, frame = int(sample_rate), 2 * channels
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, _PCM, channels, rate,
                         rate * frame, frame, 16, b"data", len(data))
    return text(header + data)


encode_wav = OpDef("EncodeWav", HOST, _encode_types, None, _encode)


# the cepstrum (Davis and Mermelstein 1980): the cosine transform of the logarithms of the energies in mel bands


def _mel(frequency: Any) -> Any:
    return 1127.0 * np.log1p(frequency / 700.0)


def mel_weights(bins: int, sample_rate: float, lower: float, upper: float, channels: int) -> np.ndarray:
    """[bins, channels]: how much of each bin of a spectrum falls into each of the triangular bands."""
    edges = _mel(lower) + (_mel(upper) - _mel(lower)) / (channels + 1) * np.arange(1, channels + 2)
    width = 0.5 * sample_rate / (bins - 1)
    first, last = int(1.5 + lower / width), int(upper / width)
    weights = np.zeros((bins, channels))
    for k in range(first, min(last, bins - 1) + 1):
        mel = _mel(k * width)
        band = int(np.searchsorted(edges, mel, "left")) - 1  # the last band whose centre lies below
        if band + 1 > channels:
            continue
        below = edges[band] if band >= 0 else _mel(lower)
        share = (edges[band + 1] - mel) / (edges[band + 1] - below)
        if band >= 0:
            weights[k, band] += share
        if band + 1 < channels:
            weights[k, band + 1] += 1.0 - share
    return weights


def _mfcc_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("Mfcc", inputs[0], (float32,), "spectrogram")
    check_dtype("Mfcc", inputs[1], (int32,), "sample_rate")
    _check_rank("Mfcc", inputs[0], 3, "spectrogram")
    dims = inputs[0].dims
    return [TensorType(float32, None if dims is None else (*dims[:2], attrs["dct_coefficient_count"]))]


def _mfcc(spectrogram: np.ndarray, sample_rate: np.ndarray, upper_frequency_limit: float,
          lower_frequency_limit: float, filterbank_channel_count: int, dct_coefficient_count: int) -> np.ndarray:
    channels = filterbank_channel_count
    if channels < 1 or not 0 <= lower_frequency_limit < upper_frequency_limit or sample_rate <= 0:
        raise InvalidArgumentError("Mfcc: there must be bands between frequency limits 0 <= lower < upper and a "
                                   f"positive sample rate, received {channels}, {lower_frequency_limit}, "
                                   f"{upper_frequency_limit} and {sample_rate}")
    weights = mel_weights(spectrogram.shape[-1], float(sample_rate), lower_frequency_limit, upper_frequency_limit,
                          channels)
    energies = np.log(np.maximum(np.sqrt(spectrogram.astype(np.float64)) @ weights, 1e-12))
    cosines = np.cos(np.pi / channels * np.arange(dct_coefficient_count)[:, None] * (np.arange(channels) + 0.5))
    return (energies @ cosines.T * np.sqrt(2.0 / channels)).astype(np.float32)


mfcc = OpDef("Mfcc", HOST, _mfcc_types, None, _mfcc)
