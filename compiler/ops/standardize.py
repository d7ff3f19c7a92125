"""Elements less their mean, over their deviation, times a scale: batch normalization (Ioffe and Szegedy 2015)."""
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ..dtypes import FLOATS
from ..ir import Operation, Tensor, TensorType
from .arguments import check_dtype, check_same_dtype
from .elementwise import cast, rsqrt, squared_difference
from .families import composite
from .reduction import reduce_mean, reduce_sum, size_of
from .symbolic import kept_dims
from .view import reshape, shape_of, zeros_of


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    check_dtype("Standardize", x, FLOATS)
    vector = TensorType(check_same_dtype("Standardize", inputs), kept_dims(x, attrs["axis"]))
    return [x.type, vector, vector]


def _expand(x: Tensor, *scale: Tensor, axis: tuple[int, ...], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    mean = reduce_mean(x, axis, True)
    variance = reduce_mean(squared_difference(x, mean), axis, True)
    y = (x - mean) * rsqrt(variance + epsilon)
    return (y * scale[0] if scale else y), mean, variance


def _reference(x: np.ndarray, *scale: np.ndarray, axis: tuple[int, ...], epsilon: float
               ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = np.mean(x, axis, keepdims=True)
    variance = np.mean(np.square(x - mean), axis, keepdims=True)
    y = (x - mean) / np.sqrt(variance + x.dtype.type(epsilon))
    return (y * scale[0] if scale else y).astype(x.dtype), mean, variance


def _grad(op: Operation, g: Tensor | None, g_mean: Tensor | None, g_variance: Tensor | None
          ) -> list[Tensor | None]:
    """Two sums of the gradient, then x's: what backpropagation through every step comes to."""
    x, *scale = op.inputs
    _, mean, variance = op.outputs
    axis = op.attrs["axis"]
    count = cast(size_of(x, axis), x.dtype)
    grads: list[Tensor] = []
    scale_grads: list[Tensor | None] = [None] * len(scale)
    if g is not None:
        deviation = rsqrt(variance + op.attrs["epsilon"])
        standard = (x - mean) * deviation
        product = reduce_sum(g * standard, axis, True)
        inner = g - reduce_mean(g, axis, True) - standard * (product / count)
        grads.append(inner * (deviation * scale[0] if scale else deviation))
        scale_grads = [reshape(product, shape_of(s)) for s in scale]
    if g_mean is not None:
        grads.append(zeros_of(x) + g_mean / count)
    if g_variance is not None:
        grads.append((x - mean) * (g_variance * 2 / count))
    return [reduce(add, grads), *scale_grads]


# (y, mean, variance) of x and, if there is one, a scale with an element for each of the means: y is standardized over
# the axes `axis`, which mean and variance (the population's) keep as 1
standardize = composite("Standardize", infer=_types, expand=_expand, reference=_reference, grad=_grad)
