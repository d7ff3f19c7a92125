"""`tf.initializers`: how variables begin. An initializer is called with a shape and a dtype and gives a tensor."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .array_ops import ones as _ones
from .array_ops import zeros as _zeros
from .compiler.dtypes import FLOATS, DType, as_dtype, float32
from .compiler.ir import Tensor
from .compiler.ops.random import random_key
from .compiler.shapes import TensorShape
from .framework import constant as _constant
from .random_ops import random_normal as _random_normal
from .random_ops import random_uniform as _random_uniform
from .random_ops import truncated_normal as _truncated_normal
from .variable_lists import global_variables_initializer as global_variables
from .variable_lists import local_variables_initializer as local_variables
from .variable_lists import tables_initializer
from .variable_lists import variables_initializer as variables

__all__ = [
    "Initializer", "constant", "global_variables", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "identity", "lecun_normal", "lecun_uniform", "local_variables", "ones", "orthogonal", "random_normal",
    "random_uniform", "tables_initializer", "truncated_normal", "uniform_unit_scaling", "variables",
    "variance_scaling", "zeros",
]


def _float(dtype: Any) -> DType:
    element = as_dtype(dtype)
    if element not in FLOATS:
        raise ValueError(f"Expected floating point type, got {element}.")
    return element


class Initializer:
    """Base of the initializers: what they were made with is their configuration."""

    dtype: DType = float32

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__")

    def get_config(self) -> dict[str, Any]:
        return {k: v.name if isinstance(v, DType) else v for k, v in vars(self).items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**config)


class zeros(Initializer):
    """All elements 0."""

    def __init__(self, dtype: Any = float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _zeros(shape, self.dtype if dtype is None else dtype)


class ones(Initializer):
    """All elements 1."""

    def __init__(self, dtype: Any = float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _ones(shape, self.dtype if dtype is None else dtype)


class constant(Initializer):
    """The given value: a scalar, or a list or array with as many elements (fewer: the last is repeated)."""

    def __init__(self, value: Any = 0, dtype: Any = float32, verify_shape: bool = False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(f"Invalid type for initial value: {type(value)} (expected Python scalar, list or tuple of "
                            "values, or numpy.ndarray).")
        self.value = value
        self.dtype = as_dtype(dtype)
        self.verify_shape = verify_shape

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None,
                 verify_shape: bool | None = None) -> Tensor:
        element = self.dtype if dtype is None else as_dtype(dtype)
        check = self.verify_shape if verify_shape is None else verify_shape
        value = np.asarray(self.value)
        if value.dtype.kind in "iufb" and element.np.kind in "iufb":
            value = value.astype(element.np)
        return _constant(value, element, shape, verify_shape=check)


class random_uniform(Initializer):
    """Uniform in [minval, maxval), by default [0, 1)."""

    def __init__(self, minval: Any = 0.0, maxval: Any = None, seed: int | None = None, dtype: Any = float32):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _random_uniform(shape, self.minval, self.maxval, self.dtype if dtype is None else dtype, self.seed)


class random_normal(Initializer):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = float32):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _random_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, self.seed)


class truncated_normal(random_normal):
    """Normal, with values further than two standard deviations from the mean drawn again."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _truncated_normal(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, self.seed)


class uniform_unit_scaling(Initializer):
    """Uniform, scaled so that a linear layer keeps the scale of its input."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = float32):
        self.factor = factor
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        inputs = max(1.0, math.prod(_sizes(shape)[:-1]))
        limit = math.sqrt(3 / inputs) * self.factor
        return _random_uniform(shape, -limit, limit, self.dtype if dtype is None else dtype, self.seed)


STD_OF_TRUNCATED = 0.87962566103423978  # of a unit normal truncated to (-2, 2)


class variance_scaling(Initializer):
    """Random with variance scale / n, where n is the number of inputs, of outputs, or their mean.

    `mode` is "fan_in", "fan_out" or "fan_avg"; `distribution` "truncated_normal" (or "normal"), "untruncated_normal" or
    "uniform". A shape [..., in, out] has in and out times the product of the other sizes as inputs and outputs.
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
                 seed: int | None = None, dtype: Any = float32):
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float, received {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode!r}")
        if distribution.lower() not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution!r}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution.lower()
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        element = self.dtype if dtype is None else dtype
        inputs, outputs = compute_fans(_sizes(shape))
        fan = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return _random_uniform(shape, -limit, limit, element, self.seed)
        if self.distribution == "untruncated_normal":
            return _random_normal(shape, 0.0, math.sqrt(variance), element, self.seed)
        return _truncated_normal(shape, 0.0, math.sqrt(variance) / STD_OF_TRUNCATED, element, self.seed)


def compute_fans(shape: Sequence[int]) -> tuple[float, float]:
    """(inputs, outputs) of a layer whose weights have this shape."""
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    receptive = math.prod(shape[:-2])
    return float(shape[-2] * receptive), float(shape[-1] * receptive)


def _sizes(shape: Any) -> list[int]:
    sizes = TensorShape(shape).as_list()
    if None in sizes:
        raise ValueError(f"The shape must be fully known to initialize a variable, received {sizes}")
    return sizes  # type: ignore[return-value]


class glorot_uniform(variance_scaling):
    """Uniform within sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010)."""

    def __init__(self, seed: int | None = None, dtype: Any = float32):
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed, "dtype": self.dtype.name}


class glorot_normal(glorot_uniform):
    """Truncated normal with variance 2 / (inputs + outputs) (Glorot and Bengio 2010)."""

    def __init__(self, seed: int | None = None, dtype: Any = float32):
        super().__init__(seed, dtype)
        self.distribution = "truncated_normal"


def he_normal(seed: int | None = None) -> variance_scaling:
    """Truncated normal with variance 2 / inputs (He et al. 2015)."""
    return variance_scaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> variance_scaling:
    """Uniform with variance 2 / inputs (He et al. 2015)."""
    return variance_scaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: int | None = None) -> variance_scaling:
    """Truncated normal with variance 1 / inputs (LeCun et al. 1998)."""
    return variance_scaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> variance_scaling:
    """Uniform with variance 1 / inputs (LeCun et al. 1998)."""
    return variance_scaling(1.0, "fan_in", "uniform", seed)


class orthogonal(Initializer):
    """`gain` times a random matrix with orthonormal rows or columns, uniformly distributed (Saxe et al. 2013).

    Axes before the last are taken together as rows. The matrix is drawn while the graph is built.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = float32):
        self.gain = gain
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        sizes = _sizes(shape)
        if len(sizes) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        drawn = np.random.default_rng(random_key(self.seed)).standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(drawn)
        q *= np.sign(np.diag(r))  # makes the decomposition unique, and so the distribution uniform
        matrix = q if rows >= columns else q.T
        element = self.dtype if dtype is None else as_dtype(dtype)
        return _constant((self.gain * matrix).reshape(sizes).astype(element.np))


class identity(Initializer):
    """`gain` times the identity matrix; the shape must have two axes."""

    def __init__(self, gain: float = 1.0, dtype: Any = float32):
        self.gain = gain
        self.dtype = _float(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        sizes = _sizes(shape)
        if len(sizes) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        element = self.dtype if dtype is None else as_dtype(dtype)
        return _constant((self.gain * np.eye(sizes[0], sizes[1])).astype(element.np))
