"""Cases of sound and of fingerprints; the numbers are TensorFlow 2.21's."""
from __future__ import annotations

import numpy as np
from cases_strings import counted, texts
from example import F32, case
from graphflow.compiler.ops import audio
from graphflow.compiler.ops import fingerprint as fp
from graphflow.compiler.ops.constant import convert_to_tensor
from graphflow.compiler.ops.texts import text

HEADER = b"RIFF*\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x06\0\0\0"
WAV = HEADER + b"\0\x40\0\x80\xff\x7f"
SPECTRA = np.linspace(0, 9, 18, dtype=F32).reshape(1, 2, 9)
RATE = np.int32(8000)

case("EncodeWav", lambda x: audio.encode_wav(x, convert_to_tensor(RATE)), np.array([[0.5], [-1], [2]], F32), grad=False,
     expect=lambda x: text(WAV))
case("DecodeWav", lambda x: audio.decode_wav.operation(x, desired_channels=2, desired_samples=4).outputs,
     text(WAV), expect=lambda x: [np.array([[0.5] * 2, [-1] * 2, [1 - 2**-15] * 2, [0] * 2], F32), RATE])
case("Mfcc", lambda x: audio.mfcc(x, convert_to_tensor(RATE), upper_frequency_limit=4000.0, lower_frequency_limit=20.0,
                                  filterbank_channel_count=4, dct_coefficient_count=3), SPECTRA, grad=False,
     expect=lambda x: np.array([[[1.0427641, -1.6312233, -0.10240005], [3.3538275, -1.1377048, -0.08521064]]], F32))

case("Fingerprint", lambda x: fp.fingerprint(x, convert_to_tensor(b"farmhash64")), np.array([[1, 2], [3, 4]], np.int16),
     expect=lambda x: np.array([[30, 74, 90, 197, 31, 172, 150, 144], [152, 117, 58, 129, 189, 143, 215, 124]],
                               np.uint8))
case("Fingerprint", lambda x: fp.fingerprint(x, convert_to_tensor(b"farmhash64")), texts("a", "b").reshape(1, 2),
     expect=lambda x: np.array([[122, 64, 59, 169, 136, 60, 55, 83]], np.uint8))

INDICES, SHAPE = np.array([[0, 0], [1, 0], [1, 1]]), np.array([2, 2])
AT = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 2], [1, 3]])


def crossed(key: int | None) -> object:
    """A sparse matrix crossed with a dense one."""
    def build(values, dense):
        op = fp.cross.operation(convert_to_tensor(INDICES), values, convert_to_tensor(SHAPE), dense,
                                sparse=(True, False), separator=b"-", hash_key=key, buckets=100)
        return counted(*zip(op.outputs, ((6, 2), (6,), (2,)), strict=True))
    return build


for _key, _values in ((7, np.array([8, 37, 42, 71, 73, 38])),
                      (None, texts("a-x", "a-y", "b-z", "b-w", "c-z", "c-w"))):
    case("SparseCrossV2", crossed(_key), texts("a", "b", "c"), texts("x", "y", "z", "w").reshape(2, 2),
         expect=lambda v, d, found=_values: [AT, found, np.array([2, 4])])
