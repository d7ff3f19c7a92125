"""Cases of random variates: their moments, since the same seed gives the same numbers everywhere."""
from __future__ import annotations

from typing import Any

import numpy as np
from example import F32, case, floats
from graphflow.compiler.dtypes import float32, float64, int32
from graphflow.compiler.ops import distributions as ds
from graphflow.compiler.ops import sobol
from graphflow.compiler.ops.constant import convert_to_tensor
from graphflow.compiler.ops.view import shape

SEED = np.array([7, 11])


def sampled(op: Any, *parameters: Any, dtype: Any = float32) -> Any:
    """Variates in the shape of the first input, under the seed in the second."""
    return lambda x, seed, *more: op(ds.seed_bits(seed), shape(x), *(convert_to_tensor(p) for p in parameters), *more,
                                     dtype=dtype)


case("RandomGamma", sampled(ds.random_gamma), floats((4, 2)), SEED, np.array([0.5, 3], F32), grad=False)
case("RandomPoissonV2", sampled(ds.random_poisson, np.array([3, 40], F32)), floats((4, 2)), SEED, grad=False)
case("RandomBinomial", sampled(ds.random_binomial, F32(9), F32(0.3), dtype=int32), floats((4, 2)), SEED, grad=False)
for _name, _op in (("StatelessRandomUniform", ds.stateless_uniform), ("StatelessRandomNormal", ds.stateless_normal),
                   ("StatelessTruncatedNormal", ds.stateless_truncated_normal)):
    for _dtype in (float32, float64):
        case(_name, lambda x, seed, o=_op, d=_dtype: o(shape(x), seed, dtype=d), floats((3, 4)), SEED, grad=False)
case("StatelessRandomUniformInt", lambda x, seed, low: ds.stateless_uniform_int(
    shape(x), seed, low, convert_to_tensor(9, "int64"), dtype=int32), floats((3, 4)), SEED, np.array(-2), grad=False)
case("SobolSample", lambda skip: sobol.sobol_sample(convert_to_tensor(2), convert_to_tensor(3), skip, dtype=float64),
     np.int32(1), expect=lambda skip: np.array([[0.75, 0.25], [0.25, 0.75], [0.375, 0.375]]))
