"""`K.*`: arithmetic, comparisons, reductions and products."""
from __future__ import annotations

from typing import Any

from ... import math as tfm
from ...array_ops import one_hot as _one_hot
from ...clip_ops import clip_by_value
from ...compiler.dtypes import as_dtype, bool_
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.gather import range_
from ...compiler.ops.view import expand_dims, known_rank, reshape, squeeze
from ...compiler.ops.view import transpose as _transpose
from ...framework import is_tensor
from ...indexing import gather as _gather
from ...math_ops import matmul
from ...sparse_math import sparse_tensor_dense_matmul
from .settings import floatx
from .tensors import int_shape, is_sparse


def square(x: Any) -> Tensor:
    """x * x."""
    return ew.square(x)


def abs(x: Any) -> Tensor:
    """The absolute values."""
    return ew.abs_(x)


def sqrt(x: Any) -> Tensor:
    """The square roots, 0 for negative values."""
    tensor = convert_to_tensor(x)
    return ew.sqrt(clip_by_value(tensor, 0.0, float("inf")))


def exp(x: Any) -> Tensor:
    """e to the power of x."""
    return ew.exp(x)


def log(x: Any) -> Tensor:
    """The natural logarithm."""
    return ew.log(x)


def round(x: Any) -> Tensor:
    """The nearest integers, halves to even ones."""
    return tfm.round(x)


def sign(x: Any) -> Tensor:
    """-1, 0 or 1."""
    return ew.sign(x)


def sin(x: Any) -> Tensor:
    """The sine of radians."""
    return ew.sin(x)


def cos(x: Any) -> Tensor:
    """The cosine of radians."""
    return ew.cos(x)


def pow(x: Any, a: Any) -> Tensor:
    """x to the power of a."""
    return tfm.pow(x, a)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """x cut to [min_value, max_value]: numbers (None is no limit) or tensors."""
    if not is_tensor(min_value) and not is_tensor(max_value) and None not in (min_value, max_value):
        max_value = max_value if max_value >= min_value else min_value
    return clip_by_value(x, -float("inf") if min_value is None else min_value,
                         float("inf") if max_value is None else max_value)


def equal(x: Any, y: Any) -> Tensor:
    """Where x and y are equal: bool."""
    return ew.equal(x, y)


def not_equal(x: Any, y: Any) -> Tensor:
    """Where x and y differ: bool."""
    return ew.not_equal(x, y)


def greater(x: Any, y: Any) -> Tensor:
    """Where x > y: bool."""
    return ew.greater(x, y)


def greater_equal(x: Any, y: Any) -> Tensor:
    """Where x >= y: bool."""
    return ew.greater_equal(x, y)


def less(x: Any, y: Any) -> Tensor:
    """Where x < y: bool."""
    return ew.less(x, y)


def less_equal(x: Any, y: Any) -> Tensor:
    """Where x <= y: bool."""
    return ew.less_equal(x, y)


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of each pair."""
    return ew.maximum(x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of each pair."""
    return ew.minimum(x, y)


# reductions: over all axes, or those in `axis`


def _number(x: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    return ew.cast(tensor, floatx()) if tensor.dtype == bool_ else tensor


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest element."""
    return tfm.reduce_max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest element."""
    return tfm.reduce_min(x, axis, keepdims)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum."""
    return tfm.reduce_sum(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product."""
    return tfm.reduce_prod(x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean; of bools, the share of True."""
    return tfm.reduce_mean(_number(x), axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean squared distance from the mean."""
    tensor = _number(x)
    return tfm.reduce_mean(ew.square(tensor - tfm.reduce_mean(tensor, axis, True)), axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation."""
    return ew.sqrt(var(x, axis, keepdims))


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether an element is not 0: bool."""
    return tfm.reduce_any(ew.cast(x, bool_), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether no element is 0: bool."""
    return tfm.reduce_all(ew.cast(x, bool_), axis, keepdims)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))), without overflow."""
    return tfm.reduce_logsumexp(x, axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The index of the largest element along `axis`: int64."""
    return tfm.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The index of the smallest element along `axis`: int64."""
    return tfm.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """Running sums along `axis`."""
    return tfm.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Tensor:
    """Running products along `axis`."""
    return tfm.cumprod(x, axis)


# products


def transpose(x: Any) -> Tensor:
    """The axes in reverse order."""
    return _transpose(x)


def dot(x: Any, y: Any) -> Tensor:
    """The product over the last axis of x and the last but one of y: (..., n) and (..., n, m) give (..., ..., m)."""
    if is_sparse(x):
        return sparse_tensor_dense_matmul(x, convert_to_tensor(y))
    a, b = convert_to_tensor(x), convert_to_tensor(y)
    if a.dims is None or b.dims is None or len(a.dims) <= 2 and len(b.dims) <= 2:
        return matmul(a, b)
    rank = len(b.dims)
    first = _transpose(b, (rank - 2, *range(rank - 2), rank - 1))
    product = matmul(reshape(a, (-1, a.dims[-1])), reshape(first, (b.dims[-2], -1)))
    return reshape(product, (*a.dims[:-1], *b.dims[:-2], b.dims[-1]))


def _batch_axes(x: Any, y: Any, axes: Any) -> tuple[int, int]:
    """The axes over which `batch_dot` sums, checked."""
    shapes = int_shape(x) or (), int_shape(y) or ()
    ranks = [len(s) for s in shapes]
    told = f"Received inputs with shapes {shapes[0]} and {shapes[1]}"
    if ranks[0] < 2 or ranks[1] < 2:
        raise ValueError(f"Can not do batch_dot on inputs with rank < 2. {told}.")
    if None not in (shapes[0][0], shapes[1][0]) and shapes[0][0] != shapes[1][0]:
        raise ValueError(f"Can not do batch_dot on inputs with different batch sizes. {told}.")
    if isinstance(axes, int):
        axes = (axes, axes)
    elif axes is None:
        axes = (ranks[0] - 1, ranks[1] - 1 if ranks[1] == 2 else ranks[1] - 2)
    if len(axes) != 2 or not (hasattr(axes[0], "__index__") and hasattr(axes[1], "__index__")):
        raise ValueError("Multiple target dimensions are not supported. Expected: None, int, (int, int), Provided: "
                         f"{axes}")
    first, second = (int(a) + r if a < 0 else int(a) for a, r in zip(axes, ranks, strict=True))
    if 0 in (first, second):
        raise ValueError("Can not perform batch_dot over axis 0. If your inputs are not batched, add a dummy batch "
                         "dimension to your inputs using K.expand_dims(x, 0)")
    sizes = shapes[0][first], shapes[1][second]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(f"Can not do batch_dot on inputs of these shapes with axes={axes}. {told}: x.shape[{first}] "
                         f"!= y.shape[{second}] ({sizes[0]} != {sizes[1]}).")
    return first, second


def batch_dot(x: Any, y: Any, axes: Any = None) -> Tensor:
    """The product of each sample of x with the same sample of y, over one axis of each.

    By default the last axis of x and the last but one of y (the last of a y of two axes). What is left of x's axes
    comes first; two inputs of two axes give (batch, 1). As of Keras 2.3: no other axis counts as samples.
    """
    first, second = _batch_axes(x, y, axes)
    a, b = convert_to_tensor(x), convert_to_tensor(y)
    ranks = len(known_rank("batch_dot", a)), len(known_rank("batch_dot", b))
    if ranks[0] == 2:
        a, first = expand_dims(a, 1), 2
    if ranks[1] == 2:
        b = expand_dims(b, 2)
    left = known_rank("batch_dot", a)
    right = known_rank("batch_dot", b)
    a = _transpose(a, [i for i in range(len(left)) if i != first] + [first])
    b = _transpose(b, [0, second] + [i for i in range(1, len(right)) if i != second])
    mine = [d for i, d in enumerate(left) if i not in (0, first)]
    other = [d for i, d in enumerate(right) if i not in (0, second)]
    product = matmul(reshape(a, (left[0], _product(mine), left[first])),
                     reshape(b, (right[0], right[second], _product(other))))
    result = reshape(product, (left[0], *mine, *other))
    return squeeze(result, 1) if ranks[0] == 2 else squeeze(result, -1) if ranks[1] == 2 else result


def _product(sizes: list[Any]) -> Any:
    total: Any = 1
    for size in sizes:
        total = total * size
    return total


def gather(reference: Any, indices: Any) -> Tensor:
    """The rows of `reference` at `indices`."""
    return _gather(reference, indices)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Each integer as a row of zeros with a 1 at its place."""
    return _one_hot(indices, num_classes, axis=-1)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    """Numbers from `start` (0, where only one bound is given: then that is the end) up to `stop`."""
    if stop is None:
        start, stop = 0, ew.maximum(start, 0) if is_tensor(start) else start if start > 0 else 0
    return ew.cast(range_(start, stop, step), as_dtype(dtype))


