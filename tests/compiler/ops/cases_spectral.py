"""Cases of the Fourier transforms."""
from __future__ import annotations

from typing import Any

import numpy as np
from cases_linalg import _turned, turned
from example import case, floats
from graphflow.compiler.ops import complex as cx
from graphflow.compiler.ops import spectral as sp
from graphflow.compiler.ops.elementwise import square


def parts(z: Any) -> Any:
    """What tells real and imaginary parts apart, real."""
    return [square(cx.real(z)) + cx.imag(z), cx.imag(z)]


def _parts(z: np.ndarray) -> Any:
    return [z.real**2 + z.imag, z.imag]


for _axes, _suffix, _shape in ((1, "", (2, 5)), (2, "2D", (2, 3, 4)), (3, "3D", (2, 3, 2))):
    _last = tuple(range(-_axes, 0))
    for _inverse in (False, True):
        case(f"{'I' * _inverse}FFT{_suffix}", lambda x, a=_axes, i=_inverse: parts(sp.fft(turned(x), a, i)),
             floats(_shape), known_rank=True, second=_axes == 1,
             expect=lambda x, a=_last, i=_inverse: _parts((np.fft.ifftn if i else np.fft.fftn)(_turned(x), axes=a)))
    case(f"RFFT{_suffix}", lambda x, a=_axes: parts(sp.rfft(x, axes=a)), floats(_shape), known_rank=True,
         second=_axes == 1, expect=lambda x, a=_last: _parts(np.fft.rfftn(x, axes=a)))
    case(f"IRFFT{_suffix}", lambda x, a=_axes: square(sp.irfft(turned(x), axes=a)), floats((*_shape[:-1], 3)),
         known_rank=True, second=_axes == 1, expect=lambda x, a=_last: np.fft.irfftn(_turned(x), axes=a) ** 2)
for _length in (4, 7):
    case("RFFT", lambda x, n=_length: parts(sp.rfft(x, [n])), floats((2, 5)), known_rank=True,
         expect=lambda x, n=_length: _parts(np.fft.rfft(x, n)))
    case("IRFFT", lambda x, n=_length: sp.irfft(turned(x), [n]), floats((2, 4)), known_rank=True,
         expect=lambda x, n=_length: np.fft.irfft(_turned(x), n))
