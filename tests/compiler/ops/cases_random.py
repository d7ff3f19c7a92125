"""Cases of random variates: their moments, since the same seed gives the same numbers everywhere."""
from __future__ import annotations

from typing import Any

import numpy as np
from example import F32, case, floats
from graphflow.compiler.dtypes import float32, float64, int32, int64
from graphflow.compiler.ops import distributions as ds
from graphflow.compiler.ops import sobol, stateless
from graphflow.compiler.ops.constant import convert_to_tensor
from graphflow.compiler.ops.view import shape

SEED = np.array([7, 11])


def sampled(op: Any, *parameters: Any, dtype: Any = float32) -> Any:
    """Variates in the shape of the first input, under the seed in the second."""
    return lambda x, seed, *more: op(seed, shape(x), *(convert_to_tensor(p) for p in parameters), *more, dtype=dtype)


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
case("StatelessParameterizedTruncatedNormal", sampled(
    ds.random_truncated, *(np.array(v, F32) for v in ([0, 100, 0], 1, [-1, -1, 2], [1, 1, 9]))), floats((4, 3)), SEED,
    grad=False)

# TensorFlow's own numbers
STATE = np.array([1234, 0, 0])


def _under(op: Any, dtype: Any, *bounds: Any) -> Any:
    return lambda x, state: op(state, shape(x), *(convert_to_tensor(b, dtype) for b in bounds), dtype=dtype)


for _name, _op, _dtype, _bounds, _values in (
        ("StatelessRandomNormalV2", stateless.normal, float64, (), np.array([-0.113015157, -0.526177620])),
        ("StatelessRandomNormalV2", stateless.normal, float32, (), F32([0.93566096, 1.0854305, -0.937884])),
        ("StatelessRandomUniformV2", stateless.uniform, float32, (), F32([0.3581475, 0.11322761, 0.56670904])),
        ("StatelessTruncatedNormalV2", stateless.truncated_normal, float32, (),
         F32([0.93566096, 1.0854305, -0.937884])),
        ("StatelessRandomUniformIntV2", stateless.uniform_int, int32, (0, 10), np.int32([9, 6, 4])),
        ("StatelessRandomUniformFullIntV2", stateless.full_int, int64, (),
         np.array([472453817354278855, 4059409125917362668]))):
    case(_name, _under(_op, _dtype, *_bounds), np.zeros(len(_values), bool), STATE, grad=False,
         expect=None if _dtype is float64 else lambda x, state, v=_values: v)
case("StatelessRandomGetKeyCounter", lambda seed: stateless.full_int(
    stateless.seed_state(seed), convert_to_tensor([3]), dtype=int32), np.array([1, 2]),
     expect=lambda seed: np.int32([1105988140, 1738052849, -335576002]))
case("StatelessShuffle", lambda x, seed: stateless.shuffle(stateless.seed_state(seed), x), np.arange(10),
     np.array([1, 2]), expect=lambda x, seed: np.array([0, 3, 8, 1, 5, 4, 9, 7, 6, 2]))
case("StatelessMultinomial", lambda x, seed: stateless.multinomial(
    stateless.seed_state(seed), x, convert_to_tensor(5), dtype=int32), np.log(F32([[.1, .2, .7], [.5, .4, .1]])),
     np.array([3, 4]), grad=False, expect=lambda x, seed: np.int32([[2, 2, 1, 2, 2], [1, 0, 0, 1, 0]]))
case("RandomIndexShuffle", lambda i, seed: stateless.index_shuffle(i, seed, convert_to_tensor(9), rounds=4),
     np.arange(10, dtype=np.int32), np.array([1, 2, 3]),
     expect=lambda i, seed: np.int32([2, 0, 6, 4, 8, 1, 7, 9, 5, 3]))
