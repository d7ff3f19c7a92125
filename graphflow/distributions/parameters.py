"""What the distributions make of their parameters."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.dtypes import float32
from ..compiler.errors import DTypeError
from ..compiler.ir import Tensor
from ..compiler.ops.arguments import is_tensor
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, log, log1p, sigmoid, where
from ..compiler.ops.nn import softmax
from ..compiler.ops.reduction import reduce_sum
from ..compiler.ops.special import lgamma


def floats(*values: Any) -> list[Tensor]:
    """Parameters as tensors of one floating type: that of the tensors and float arrays among them, else float32.

    Raises DTypeError for tensors of different types.
    """
    typed = [v for v in values if is_tensor(v) or getattr(v, "dtype", None) in (np.float32, np.float64)]
    known = [convert_to_tensor(v) for v in typed]
    dtype = next((t.dtype for t in known if t.dtype.is_floating), float32)
    found = [convert_to_tensor(v) if is_tensor(v) else cast(convert_to_tensor(v), dtype) for v in values]
    if len({t.dtype for t in found}) > 1:
        raise DTypeError(f"The parameters of a distribution must have one dtype, received "
                         f"{', '.join(t.dtype.name for t in found)}")
    return found


def logits_and_probs(logits: Any, probs: Any, name: str, multiple: bool) -> tuple[Tensor, Tensor]:
    """Both, from the one that is given: of one probability each, or (`multiple`) of classes along the last axis.

    Raises ValueError unless just one is given.
    """
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: Must pass probs or logits, but not both.")
    if logits is not None:
        given, = floats(logits)
        return given, (softmax(given) if multiple else sigmoid(given))
    given, = floats(probs)
    return (log(given) if multiple else log(given) - log1p(-given)), given


def nan_where(undefined: Tensor, value: Tensor) -> Tensor:
    return where(undefined, constant(np.asarray(np.nan, value.dtype.np)), value)


def lbeta(x: Tensor) -> Tensor:
    """log of the multivariate beta function of the last axis."""
    return reduce_sum(lgamma(x), -1) - lgamma(reduce_sum(x, -1))


def log_combinations(total: Tensor, counts: Tensor) -> Tensor:
    """log of total! over the product of the counts' factorials (last axis)."""
    return lgamma(total + 1) - reduce_sum(lgamma(counts + 1), -1)
