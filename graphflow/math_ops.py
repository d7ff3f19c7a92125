"""Mathematics under TensorFlow 1's names and argument names. What already has them is re-exported in `__init__`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arguments import before_name, renamed
from .compiler.dtypes import as_dtype, bfloat16, complex64, complex128, float32, float64, int32, int64
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.names import named, to_snake_case
from .compiler.ops import contraction, elementwise, gather, operators, reduction, view
from .compiler.ops.arguments import convert_all
from .compiler.ops.complex import conj, real
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.dynamic_slice import items_of, scalar_of
from .compiler.ops.elementwise import abs_, equal, sqrt, square
from .compiler.ops.factorization import svd
from .compiler.ops.view import identity, ones_of, zeros_of
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .late import late, ranked

range_ = gather.range_

# arithmetic


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x + y by elements, with broadcasting."""
    return elementwise.add(x, y, name or "Add")


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python divides: integers give floats."""
    return operators.divide(x, y, name or "truediv")


truediv = divide
div = operators.div


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x // y, towards minus infinity."""
    return elementwise.floordiv(x, y, name or "floordiv")


def pow_(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ** y by elements."""
    return elementwise.power(x, y, name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """`add_n`. Raises ValueError where the sum cannot have this shape or dtype."""
    total = add_n(inputs, name or "AccumulateNV2")
    if shape is not None and not total.shape.is_compatible_with(shape) or (
            tensor_dtype is not None and total.dtype != as_dtype(tensor_dtype)):
        raise ValueError(f"accumulate_n: expected shape {shape} and dtype {tensor_dtype}, received {total!r}")
    return total


def arg_max(input: Any, dimension: Any, output_type: Any = int64, name: str | None = None) -> Tensor:
    """`argmax` with its arguments in an older order."""
    return argmax(input, dimension, name, output_type=output_type)


def arg_min(input: Any, dimension: Any, output_type: Any = int64, name: str | None = None) -> Tensor:
    """`argmin` with its arguments in an older order."""
    return argmin(input, dimension, name, output_type=output_type)


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype. Raises ValueError for an empty list or other shapes."""
    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    if not inputs:
        raise ValueError("inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and "
                         "shape")
    tensors = convert_all("AddN", inputs)
    for t in tensors[1:]:
        if not t.shape.is_compatible_with(tensors[0].shape):
            raise ShapeError(f"AddN: shapes must be equal, received {tensors[0].shape} and {t.shape}")
    with name_scope(name, "AddN", tensors) as scope:
        total = tensors[0]
        for t in tensors[1:-1]:
            total = total + t
        return elementwise.add(total, tensors[-1], scope) if len(tensors) > 1 else identity(total, scope)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """scalar * x; the scalar must have rank 0."""
    tensor = convert_to_tensor(x)
    factor = convert_to_tensor(scalar, tensor.dtype)
    if factor.dims != ():
        raise ValueError(f"Only scalar multiply works, got shape {factor.shape}")
    return elementwise.multiply(factor, tensor, name)


def round_(x: Any, name: str | None = None) -> Tensor:
    """To the nearest integer, halves to the even one."""
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype.is_integer else elementwise.round_half_even(tensor, name)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(1 / (1 + exp(-x))), without overflow."""
    tensor = convert_to_tensor(x)
    with name_scope(name, "LogSigmoid", [tensor]) as scope:
        return elementwise.negative(elementwise.softplus(-tensor), scope)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """`num` evenly spaced values from `start` to `stop`, both included, along a new `axis`. All may be data.

    Integers become floats.
    """
    count, = items_of("LinSpace", "num", [num])
    if isinstance(count, int) and count < 1:
        raise ValueError(f"LinSpace: Requires num > 0: {count}")
    first, last = (operators.as_floats(t) for t in convert_all("LinSpace", (start, stop)))
    with name_scope(name, "LinSpace", [first, last]) as scope:
        if isinstance(count, int):
            at = constant(np.arange(count, dtype=first.dtype.np) / first.dtype.np.type(max(count - 1, 1)))
        else:
            steps = elementwise.maximum(cast(scalar_of(count), first.dtype) - 1, ones_of(first))
            at = cast(range_(count), first.dtype) / steps
        rank = max(len(view.known_rank("LinSpace", t)) for t in (first, last))
        if rank:
            position = normalize_axis("LinSpace", axis, rank + 1)
            at = view.reshape(at, [-1 if k == position else 1 for k in range(rank + 1)])
            first, last = view.expand_dims(first, position), view.expand_dims(last, position)
        return elementwise.add(first, at * (last - first), scope)


# casts


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """`x` with elements converted to `dtype`, by C's rules (floats truncate towards zero). Of a SparseTensor or
    IndexedSlices, the same with other values."""
    if hasattr(x, "indices") and hasattr(x, "dense_shape") and isinstance(x.values, Tensor):
        parts = {"indices": x.indices, "values": elementwise.cast(x.values, dtype, name), "dense_shape": x.dense_shape}
        return type(x)(**parts)
    return elementwise.cast(x, dtype, name)


def _to(dtype: Any, default_name: str) -> Callable[..., Tensor]:
    def convert(x: Any, name: str = default_name) -> Tensor:
        return cast(x, dtype, name)
    return named(to_snake_case(default_name), convert, f"`cast(x, tf.{as_dtype(dtype).name})`.")


to_float = _to(float32, "ToFloat")
to_double = _to(float64, "ToDouble")
to_int32 = _to(int32, "ToInt32")
to_int64 = _to(int64, "ToInt64")
to_bfloat16 = _to(bfloat16, "ToBFloat16")
to_complex64 = _to(complex64, "ToComplex64")
to_complex128 = _to(complex128, "ToComplex128")


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`cast`, with values outside the range of `dtype` moved to its ends."""
    x, target = convert_to_tensor(value), as_dtype(dtype)
    with name_scope(name, "saturate_cast", [x]) as scope:
        if x.dtype.min < target.min:
            x = elementwise.maximum(x, convert_to_tensor(np.array(target.min, x.dtype.np)))
        if x.dtype.max > target.max:
            x = elementwise.minimum(x, convert_to_tensor(np.array(target.max, x.dtype.np)))
        return cast(x, target, scope)


# reductions


def _reduction(build: Callable[..., Tensor], doc: str) -> Callable[..., Tensor]:
    def reduce(input_tensor: Any, axis: Any = None, keepdims: bool | None = None, name: str | None = None,
               reduction_indices: Any = None, keep_dims: bool | None = None) -> Tensor:
        axis = renamed("axis", axis, "reduction_indices", reduction_indices)
        keep = renamed("keepdims", keepdims, "keep_dims", keep_dims)
        return build(input_tensor, axis, bool(keep), name)
    return late("axis")(named(build.__name__, reduce, (
        f"{doc} over `axis` (an int, several, or None for all); `keepdims` keeps reduced axes with size 1.")))


reduce_sum = _reduction(reduction.reduce_sum, "The sum")
reduce_mean = _reduction(reduction.reduce_mean, "The mean")
reduce_max = _reduction(reduction.reduce_max, "The largest element")
reduce_min = _reduction(reduction.reduce_min, "The smallest element")
reduce_prod = _reduction(reduction.reduce_prod, "The product")
reduce_any = _reduction(reduction.reduce_any, "Logical or")
reduce_all = _reduction(reduction.reduce_all, "Logical and")
reduce_logsumexp = _reduction(reduction.reduce_logsumexp, "log(sum(exp(x)))")


def _squares(x: Tensor) -> Tensor:
    """|x| ** 2, a real tensor."""
    return real(x * conj(x)) if x.dtype.is_complex else square(x)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean squared distance from the mean over `axis`."""
    x = convert_to_tensor(input_tensor)
    with name_scope(name, "reduce_variance", [x]) as scope:
        if x.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex. Received integer type {x.dtype}.")
        return reduction.reduce_mean(_squares(x - reduction.reduce_mean(x, axis, True)), axis, keepdims, scope)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The square root of the variance over `axis`."""
    x = convert_to_tensor(input_tensor)
    with name_scope(name, "reduce_std", [x]) as scope:
        return sqrt(reduce_variance(x, axis, keepdims), scope)


def reduce_euclidean_norm(input_tensor: Any, axis: Any = None, keepdims: bool = False,
                          name: str | None = None) -> Tensor:
    """The square root of the sum of squares over `axis`."""
    x = convert_to_tensor(input_tensor)
    with name_scope(name, "EuclideanNorm", [x]) as scope:
        if x.dtype.is_integer:
            return cast(sqrt(reduction.reduce_sum(square(cast(x, float64)), axis, keepdims)), x.dtype, scope)
        return cast(sqrt(reduction.reduce_sum(_squares(x), axis, keepdims)), x.dtype, scope)


def count_nonzero(input_tensor: Any = None, axis: Any = None, keepdims: bool | None = None, dtype: Any = int64,
                  name: str | None = None, reduction_indices: Any = None, keep_dims: bool | None = None,
                  input: Any = None) -> Tensor:
    """The number of elements that are not zero over `axis`."""
    x = convert_to_tensor(renamed("input_tensor", input_tensor, "input", input))
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "count_nonzero", [x]):
        hits = x if x.dtype.is_bool else elementwise.not_equal(x, zeros_of(x))
        return cast(reduction.reduce_sum(cast(hits, int64), axis, keep), dtype)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The fraction of elements that are zero, float32."""
    x = convert_to_tensor(value)
    with name_scope(name, "zero_fraction", [x]) as scope:
        zeros = reduction.reduce_sum(cast(equal(x, zeros_of(x)), float32))
        return elementwise.real_divide(zeros, cast(reduction.size_of(x), float32), scope)


@late("axis", rank=lambda rank: rank - 1, dtype=int64)
def argmax(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None,
           output_type: Any = int64) -> Tensor:
    """The index of the first largest element along `axis` (default 0)."""
    return reduction.argmax(input, renamed("axis", axis, "dimension", dimension), name, output_type)


@late("axis", rank=lambda rank: rank - 1, dtype=int64)
def argmin(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None,
           output_type: Any = int64) -> Tensor:
    """The index of the first smallest element along `axis` (default 0)."""
    return reduction.argmin(input, renamed("axis", axis, "dimension", dimension), name, output_type)


# products


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
           adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None,
           grad_a: bool = False, grad_b: bool = False, name: str | None = None) -> Tensor:
    """The matrix product over the last two axes, leading axes broadcast; the hints on sparsity and gradients are not
    used.

    `output_type` is the dtype that products are summed in (int32 for int8, say). Raises ValueError for shapes that do
    not fit, or when a matrix is to be both transposed and adjoint.
    """
    output_type, name = before_name(output_type, name, None)
    if output_type is not None:
        a, b = (elementwise.cast(x, output_type) for x in convert_all("MatMul", (a, b)))
    for side, transpose, adjoint in (("a", transpose_a, adjoint_a), ("b", transpose_b, adjoint_b)):
        if transpose and adjoint:
            raise ValueError(f"Only one of transpose_{side} and adjoint_{side} can be True.")
    return contraction.matmul(conj(a) if adjoint_a else a, conj(b) if adjoint_b else b, transpose_a or adjoint_a,
                              transpose_b or adjoint_b, name)


tensordot = ranked(contraction.tensordot)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None,
         keep_dims: bool | None = None) -> Tensor:
    """The norm of vectors along an int `axis` (None: of all elements): "euclidean", 1, 2, inf, or any p > 0.

    Along two axes, the Frobenius norm ("euclidean" or "fro"), or 1, 2 and inf as of a matrix. Raises ValueError
    otherwise.
    """
    x = convert_to_tensor(tensor)
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    pair: Sequence[int] | None = list(axis) if isinstance(axis, (list, tuple)) and len(axis) == 2 else None
    with name_scope(name, "norm", [x]):
        if ord in ("euclidean", "fro") or (ord == 2 and pair is None):
            if ord == "fro" and pair is None:
                raise ValueError("'fro' is a matrix norm: axis must be a pair")
            return cast(sqrt(reduction.reduce_sum(_squares(x), axis, keep)), x.dtype)
        if pair is not None:
            if ord == 2:
                return _spectral_norm(x, pair, keep)
            if ord not in (1, np.inf):
                raise ValueError(f"Unsupported matrix norm: {ord!r}")
            rows = pair[0] if ord == 1 else pair[1]
            sums = reduction.reduce_sum(abs_(x), rows, keepdims=True)
            return reduction.reduce_max(sums, pair, keep)
        if ord == np.inf:
            return reduction.reduce_max(abs_(x), axis, keep)
        if isinstance(ord, str) or not ord > 0:
            raise ValueError(f"'ord' must be a supported vector norm, got {ord!r}")
        return elementwise.power(reduction.reduce_sum(elementwise.power(abs_(x), float(ord)), axis, keep), 1.0 / ord)


def _spectral_norm(x: Tensor, axes: Sequence[int], keep: bool) -> Tensor:
    """The largest singular value of the matrices in these two axes."""
    rank = len(view.known_rank("norm", x))
    rows, columns = (normalize_axis("norm", a, rank) for a in axes)
    order = [*(a for a in range(rank) if a not in (rows, columns)), rows, columns]
    largest = reduction.reduce_max(svd(view.transpose(x, order), compute_uv=False), -1)
    if not keep:
        return largest
    for axis in sorted((rows, columns)):
        largest = view.expand_dims(largest, axis)
    return largest

