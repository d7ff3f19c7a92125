"""Generalized divisive normalization (Ballé, Laparra and Simoncelli 2016, "Density modeling of images")."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...array_ops import transpose
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast, greater_equal, less, logical_or, maximum, sqrt, square
from ...custom_gradients import custom_gradient
from ...initializers import constant
from ...math_ops import tensordot
from ...variable_scope import get_variable, variable_scope

__all__ = ["gdn"]


def _at_least(x: Any, bound: float) -> Tensor:
    """The larger of x and the bound; a gradient that leads back above the bound passes."""
    @custom_gradient
    def bounded(x: Tensor) -> tuple[Tensor, Any]:
        def grad(g: Tensor) -> Tensor:
            return g * cast(logical_or(greater_equal(x, bound), less(g, 0.0)), g.dtype)
        return maximum(x, bound), grad
    return bounded(convert_to_tensor(x))


def gdn(inputs: Any, inverse: bool = False, beta_min: float = 1e-6, gamma_init: float = 0.1,
        reparam_offset: float = 2**-18, data_format: str = "channels_last", activity_regularizer: Any = None,
        trainable: bool = True, name: str | None = None, reuse: Any = None) -> Tensor:
    """x_i / sqrt(beta_i + sum_j gamma_ji x_j^2) over channels, or with `inverse` the product; the shape of `inputs`.

    Beta, at least `beta_min`, begins as 1, gamma, at least 0, as `gamma_init` times the identity; the variables
    "reparam_beta" and "reparam_gamma" hold their square roots. Raises ValueError for another data_format or channels
    whose number is not known.
    """
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Unknown data format {data_format!r}: it must be channels_first or channels_last")
    x = convert_to_tensor(inputs)
    rank, first = len(x.shape), data_format == "channels_first"
    if first:
        x = transpose(x, [0, *range(2, rank), 1])
    channels = x.shape.as_list()[-1]
    if channels is None:
        raise ValueError("The channel dimension of the inputs to `GDN` must be defined.")
    pedestal = reparam_offset**2
    with variable_scope(name, "gdn", [x], reuse=reuse):
        beta = get_variable("reparam_beta", [channels], x.dtype, constant(math.sqrt(1 + pedestal)),
                            trainable=trainable)
        gamma = get_variable("reparam_gamma", [channels, channels], x.dtype,
                             constant(np.sqrt(np.eye(channels) * gamma_init + pedestal)), trainable=trainable)
        beta = square(_at_least(beta, math.sqrt(beta_min + pedestal))) - pedestal
        gamma = square(_at_least(gamma, reparam_offset)) - pedestal
        norm = sqrt(tensordot(square(x), gamma, [[rank - 1], [0]]) + beta)
        result = x * norm if inverse else x / norm
    return transpose(result, [0, rank - 1, *range(1, rank - 1)]) if first else result
