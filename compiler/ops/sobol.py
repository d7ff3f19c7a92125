"""Sobol's sequence of points that fill a cube evenly (Sobol 1967; direction numbers of Joe and Kuo 2008)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from .symbolic import static_value

MOST = 2 ** 31 - 1  # points


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    dim, count = (static_value(t) for t in inputs[:2])
    return [TensorType(attrs["dtype"], tuple(dm.fresh() if v is None else int(v) for v in (count, dim)))]


def _sample(dim: np.ndarray, count: np.ndarray, skip: np.ndarray, dtype: DType) -> np.ndarray:
    if dim < 1 or count < 1 or skip < 0 or int(count) + int(skip) >= MOST:
        raise InvalidArgumentError("SobolSample: dim and num_results must be at least 1, skip at least 0 and their sum "
                                   f"less than 2^31 - 1, received {dim}, {count} and {skip}")
    try:
        from scipy.stats import qmc
    except ImportError:
        raise ImportError("Sobol's sequence needs SciPy's direction numbers: pip install graphflow[scipy]") from None
    engine = qmc.Sobol(int(dim), scramble=False, bits=32)
    return engine.fast_forward(int(skip) + 1).random(int(count)).astype(dtype.np)


# dim, num_results, skip -> points [num_results, dim]
sobol_sample = OpDef("SobolSample", HOST, _types, lambda op, g: [None] * 3, _sample)
