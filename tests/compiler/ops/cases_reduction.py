"""Cases of the reductions, softmax and the cross-entropies."""
from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from example import F32, bools, case, distinct, floats, ints
from graphflow.compiler.ops import nn, reduction

# reductions

AXES: tuple[tuple[tuple[int, ...], Any, bool], ...] = (
    ((2, 3, 4), None, False), ((2, 3, 4), None, True), ((2, 3, 4), 1, False), ((2, 3, 4), (0, 2), True),
    ((2, 3, 4), -1, False), ((5,), 0, True), ((), None, False), ((3, 1), 1, False), ((2, 3), (), False),
    ((2, 5), 0, False), ((4, 3, 2), (0, 1), False))


def _tuple(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def _logsumexp(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    return np.log(np.sum(np.exp(x), axis, keepdims=keepdims))


for _name, _build, _numpy in (("Sum", reduction.reduce_sum, np.sum), ("Prod", reduction.reduce_prod, np.prod),
                              ("Max", reduction.reduce_max, np.max), ("Min", reduction.reduce_min, np.min),
                              ("Mean", reduction.reduce_mean, np.mean),
                              ("LogSumExp", reduction.reduce_logsumexp, _logsumexp)):
    for _n, (_shape, _axis, _keep) in enumerate(AXES):
        case(_name, partial(_build, axis=_axis, keepdims=_keep), distinct(_shape, seed=_n),
             expect=lambda x, a=_axis, k=_keep, f=_numpy: f(x, _tuple(a), keepdims=k),
             second=_n == 2 and _name in ("Sum", "Mean", "LogSumExp"))
    if _name != "LogSumExp":
        for _dtype in (np.int32, np.int64):
            _f: Any = _numpy if _name != "Mean" else lambda x, a: np.sum(x, a) // x.shape[a]
            case(_name, partial(_build, axis=1), ints((3, 4), 1, 5, _dtype),
                 expect=lambda x, f=_f: f(x, 1).astype(x.dtype))
for _name, _build, _empty in (("Sum", reduction.reduce_sum, 0), ("Prod", reduction.reduce_prod, 1),
                              ("Max", reduction.reduce_max, -np.inf), ("Min", reduction.reduce_min, np.inf),
                              ("Mean", reduction.reduce_mean, np.nan),
                              ("LogSumExp", reduction.reduce_logsumexp, -np.inf)):
    case(_name, partial(_build, axis=1), floats((2, 0)), expect=lambda x, e=_empty: np.full(2, e), grad=False)
    case(_name, partial(_build, axis=0), floats((0, 3)), expect=lambda x, e=_empty: np.full(3, e), grad=False)
    case(_name, partial(_build, axis=1), floats((0, 3)), expect=lambda x: np.zeros(0))
for _name, _build, _numpy in (("Any", reduction.reduce_any, np.any), ("All", reduction.reduce_all, np.all)):
    for _shape, _axis, _keep in AXES:
        case(_name, partial(_build, axis=_axis, keepdims=_keep), bools(_shape),
             expect=lambda x, a=_axis, k=_keep, f=_numpy: f(x, _tuple(a), keepdims=k))
case("Prod", partial(reduction.reduce_prod, axis=1), np.array([[2, 0, 3], [0, 1, 0], [1, 2, 4]], F32),
     expect=lambda x: np.prod(x, 1))
case("Max", reduction.reduce_max, np.array([1, np.nan, 2], F32), expect=np.max, grad=False)
case("Max", partial(reduction.reduce_max, axis=0), np.array([[-np.inf], [-np.inf]], F32), expect=lambda x: x[0],
     grad=False)
case("LogSumExp", partial(reduction.reduce_logsumexp, axis=1),
     np.array([[1000, 1000], [-np.inf, -np.inf], [np.inf, 0], [-1000, -1001]], F32), grad=False,
     expect=lambda x: np.array([1000 + math.log(2), -np.inf, np.inf, -1000 + math.log1p(math.exp(-1))]))
for _name, _build, _numpy in (("ArgMax", reduction.argmax, np.argmax), ("ArgMin", reduction.argmin, np.argmin)):
    for _axis in (0, 1, -1):
        case(_name, partial(_build, axis=_axis), distinct((3, 4, 2)), expect=lambda x, a=_axis, f=_numpy: f(x, a))
    case(_name, partial(_build, axis=1, output_type="int32"), ints((4, 5), 0, 2),
         expect=lambda x, f=_numpy: f(x, 1).astype(np.int32))
    case(_name, _build, np.array([1, np.nan, 2, np.nan], F32), expect=lambda x, f=_numpy: f(x, 0))
    case(_name, partial(_build, axis=1), floats((0, 3)), expect=lambda x: np.zeros(0, np.int64))
case("SumTo", lambda g, x: reduction.sum_to(g, x), floats((4, 2, 3)), floats((2, 1)),
     expect=lambda g, x: g.sum((0, 2), keepdims=True)[0])
case("SumTo", lambda g, x: reduction.sum_to(g, x), floats((2, 3)), floats((2, 3)), expect=lambda g, x: g)

# softmax and cross-entropies


def _log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return x - np.log(np.sum(np.exp(x), axis, keepdims=True))


for _shape, _axis in (((3, 4), -1), ((2, 3, 2), 1), ((5,), 0), ((2, 1), -1), ((0, 3), -1)):
    case("Softmax", partial(nn.softmax, axis=_axis), floats(_shape), second=_shape == (3, 4),
         expect=lambda x, a=_axis: np.exp(_log_softmax(x, a)))
    case("LogSoftmax", partial(nn.log_softmax, axis=_axis), floats(_shape), second=_shape == (3, 4),
         expect=lambda x, a=_axis: _log_softmax(x, a))
case("Softmax", nn.softmax, np.array([[1e4, 0, -1e4], [-np.inf, 0, 0]], F32), grad=False,
     expect=lambda x: np.array([[1, 0, 0], [0, 0.5, 0.5]]))
case("LogSoftmax", nn.log_softmax, np.array([[1e4, 0, -1e4]], F32), grad=False,
     expect=lambda x: np.array([[0, -1e4, -2e4]]))


def _one_per_row(labels: Any) -> Any:
    """Labels that sum to 1: then the gradient for the logits is exact."""
    return nn.softmax(labels)


case("SoftmaxCrossEntropyWithLogits",
     lambda x, z: nn.softmax_cross_entropy_with_logits_v2(_one_per_row(z), x), floats((3, 4)), floats((3, 4), seed=1),
     expect=lambda x, z: -np.sum(np.exp(_log_softmax(z)) * _log_softmax(x), -1), second=True)
case("SoftmaxCrossEntropyWithLogits",
     lambda x, z: nn.softmax_cross_entropy_with_logits_v2(_one_per_row(z), x), floats((2, 3, 4)),
     floats((2, 3, 4), seed=1), expect=lambda x, z: -np.sum(np.exp(_log_softmax(z)) * _log_softmax(x), -1))
for _labels, _logits in (((3,), (3, 4)), ((2, 3), (2, 3, 5)), ((), (4,)), ((0,), (0, 3))):
    case("SparseSoftmaxCrossEntropyWithLogits",
         lambda x, z: nn.sparse_softmax_cross_entropy_with_logits(labels=z, logits=x), floats(_logits),
         ints(_labels, 0, 4), second=_labels == (3,),
         expect=lambda x, z: -np.take_along_axis(_log_softmax(x), z[..., None], -1)[..., 0])
for _shape in ((), (3,), (2, 4), (0, 2)):
    case("SigmoidCrossEntropyWithLogits",
         lambda x, z: nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x), floats(_shape),
         floats(_shape, 0, 1, seed=1),
         expect=lambda x, z: -z * np.log(1 / (1 + np.exp(-x))) - (1 - z) * np.log(1 - 1 / (1 + np.exp(-x))),
         second=_shape == (3,))
