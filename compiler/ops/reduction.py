"""Reductions over axes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import FLOATS, NUMBERS, REALS, DType, as_dtype, bool_, int32, int64, uint8
from ..ir import Operation, Tensor, TensorType
from ..opdef import COMPOSITE, OpDef
from ..shapes import normalize_axis
from .arguments import check_dtype
from .constant import convert_to_tensor
from .elementwise import cast, equal, exp, is_finite, is_nan, log, logical_or, real_divide, where
from .families import axis_argument, composite, keep_axes, reduced_dims, reduction
from .gather import range_
from .symbolic import static_ints
from .view import broadcast_to, dim_scalar, ones, ones_of, reshape, shape, shape_of, zeros_of


def _extremum_grad(op: Operation, g: Tensor, y: Tensor) -> Tensor:
    """Equal elements share the gradient evenly, as TensorFlow has it."""
    hits = cast(equal(op.inputs[0], y), g.dtype)
    return hits / reduce_sum(hits, op.attrs["axis"], keepdims=True) * g


def _prod_grad(op: Operation, g: Tensor, y: Tensor) -> Tensor:
    """The product of the other elements: y / x, but at a sole zero the product of the nonzero ones."""
    x, axis = op.inputs[0], op.attrs["axis"]
    zero = equal(x, zeros_of(x))
    count = reduce_sum(cast(zero, x.dtype), axis, keepdims=True)
    safe = where(zero, ones_of(x), x)
    nonzero = reduce_prod(safe, axis, keepdims=True)
    at_zero = where(equal(count, ones_of(x)), nonzero, zeros_of(x))
    return g * where(zero, at_zero, where(equal(count, zeros_of(x)), nonzero / safe, zeros_of(x)))


reduce_sum = reduction("Sum", combine="{0} + {1}", identity="{t}(0)",
                       reference=lambda x, axis, keepdims: np.sum(x, axis, keepdims=keepdims, dtype=x.dtype),
                       grad=lambda op, g, y: broadcast_to(g, shape_of(op.inputs[0])))
reduce_prod = reduction("Prod", combine="{0} * {1}", identity="{t}(1)",
                        reference=lambda x, axis, keepdims: np.prod(x, axis, keepdims=keepdims, dtype=x.dtype),
                        grad=_prod_grad)
reduce_max = reduction("Max", combine="maximum({0}, {1})", identity="lowest_{t}", grad=_extremum_grad, dtypes=REALS,
                       reference=lambda x, axis, keepdims: np.max(x, axis, keepdims=keepdims, initial=_lowest(x)))
reduce_min = reduction("Min", combine="minimum({0}, {1})", identity="highest_{t}", grad=_extremum_grad, dtypes=REALS,
                       reference=lambda x, axis, keepdims: np.min(x, axis, keepdims=keepdims, initial=_highest(x)))
reduce_any = reduction("Any", combine="{0} | {1}", identity="False", dtypes=(bool_,),
                       reference=lambda x, axis, keepdims: np.any(x, axis, keepdims=keepdims))
reduce_all = reduction("All", combine="{0} & {1}", identity="True", dtypes=(bool_,),
                       reference=lambda x, axis, keepdims: np.all(x, axis, keepdims=keepdims))


def _lowest(x: np.ndarray) -> Any:
    return -np.inf if x.dtype.kind == "f" else as_dtype(x.dtype).min


def _highest(x: np.ndarray) -> Any:
    return np.inf if x.dtype.kind == "f" else as_dtype(x.dtype).max


# mean: a composite of sum and division, so that it fuses like them

def size_of(x: Tensor, axis: tuple[int, ...] | None = None) -> Tensor:
    """The number of elements of `x` (along `axis`) as int32: a scalar, or for unknown rank what broadcasts like one."""
    if x.dims is None:
        return reduce_sum(ones(shape(x), int32), axis, keepdims=axis is not None)
    axes = range(len(x.dims)) if axis is None else axis
    return dim_scalar(dm.product(x.dims[a] for a in axes))


def _mean_expand(x: Tensor, axis: tuple[int, ...] | None, keepdims: bool) -> Tensor:
    total = reduce_sum(x, axis, keepdims)
    count = size_of(x, axis)
    number = cast(count, x.dtype)
    if x.dtype.is_differentiable:
        return real_divide(total, number)
    return total // number if x.dtype.is_unsigned else where(total < 0, -(-total // number), total // number)


def _mean_reference(x: np.ndarray, axis: tuple[int, ...] | None, keepdims: bool) -> np.ndarray:
    with np.errstate(all="ignore"):
        total = np.sum(x, axis, keepdims=keepdims, dtype=x.dtype)
        count = x.size // max(total.size, 1) if total.size else 0
        if x.dtype.kind in "iu":
            return np.asarray((np.abs(total) // max(count, 1) * np.sign(total)).astype(x.dtype))
        return np.asarray(total / x.dtype.type(count))


def _mean_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    x, = op.inputs
    g, = keep_axes(op, g)
    return [broadcast_to(g / cast(size_of(x, op.attrs["axis"]), x.dtype), shape_of(x))]


def _reduction_types(name: str, dtypes: Any) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], dtypes)
        return [TensorType(inputs[0].dtype, reduced_dims(name, inputs[0], attrs))]
    return infer


_mean = composite("Mean", infer=_reduction_types("Mean", NUMBERS), expand=_mean_expand, reference=_mean_reference,
                  grad=_mean_grad)


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The arithmetic mean over `axis` (all axes when None). Integers divide towards zero."""
    x = convert_to_tensor(input_tensor)
    return _mean(x, axis=axis_argument("Mean", axis), keepdims=bool(keepdims), name=name)


# logsumexp

def _logsumexp_expand(x: Tensor, axis: tuple[int, ...] | None, keepdims: bool) -> Tensor:
    peak = reduce_max(x, axis, keepdims=True)
    safe = where(is_finite(peak), peak, zeros_of(peak))  # all -inf gives -inf, not NaN
    total = log(reduce_sum(exp(x - safe), axis, keepdims=True)) + safe
    return total if keepdims else reshape(total, shape_of(reduce_max(x, axis)))


def _logsumexp_reference(x: np.ndarray, axis: tuple[int, ...] | None, keepdims: bool) -> np.ndarray:
    with np.errstate(all="ignore"):
        peak = np.max(x, axis, keepdims=True, initial=-np.inf)
        safe = np.where(np.isfinite(peak), peak, 0).astype(x.dtype)
        total = np.log(np.sum(np.exp(x - safe), axis, keepdims=True)) + safe
    return total if keepdims else np.squeeze(total, axis)


def _logsumexp_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    g, y = keep_axes(op, g, op.output)
    return [g * exp(op.inputs[0] - y)]


_logsumexp = composite("LogSumExp", infer=_reduction_types("LogSumExp", FLOATS), expand=_logsumexp_expand,
                       reference=_logsumexp_reference, grad=_logsumexp_grad)


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """log(sum(exp(x))) over `axis`, without overflow."""
    x = convert_to_tensor(input_tensor)
    return _logsumexp(x, axis=axis_argument("LogSumExp", axis), keepdims=bool(keepdims), name=name)


# arguments of extrema: the first one; NaN counts as the extremum, as in NumPy

def _arg_types(name: str) -> Any:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], (*REALS, bool_))
        dims = inputs[0].dims
        if dims is None:
            return [TensorType(attrs["output_type"], None)]
        axis = attrs["axis"] = normalize_axis(name, attrs["axis"], len(dims))
        return [TensorType(attrs["output_type"], (*dims[:axis], *dims[axis + 1:]))]
    return infer


def _arg(name: str, extremum: Any, reference: Any) -> OpDef:
    """The extremum, then the first position where it stands: both loops run in vectors, and the second often in
    the cache."""
    def expand(x: Tensor, axis: int, output_type: DType) -> Tensor:
        if x.dtype.is_bool:
            x = cast(x, uint8)
        assert x.dims is not None
        size = dim_scalar(x.dims[axis])
        positions = reshape(range_(size), [-1 if a == axis else 1 for a in range(len(x.dims))])
        found = equal(x, extremum(x, axis, keepdims=True))
        if x.dtype.is_floating:
            found = logical_or(found, is_nan(x))
        return cast(reduce_min(where(found, positions, size), axis), output_type)

    return composite(name, infer=_arg_types(name), expand=expand, grad=None,
                     reference=lambda x, axis, output_type: reference(x, axis).astype(output_type.np))


_argmax, _argmin = _arg("ArgMax", reduce_max, np.argmax), _arg("ArgMin", reduce_min, np.argmin)


def argmax(input: Any, axis: Any = None, name: str | None = None, output_type: Any = int64) -> Tensor:
    """The index of the first largest element along `axis` (default 0)."""
    axis = static_ints("ArgMax", "axis", 0 if axis is None else axis)
    x = convert_to_tensor(input, name="ArgMax/input")
    return _argmax(x, axis=axis, output_type=as_dtype(output_type), name=name)


def argmin(input: Any, axis: Any = None, name: str | None = None, output_type: Any = int64) -> Tensor:
    """The index of the first smallest element along `axis` (default 0)."""
    axis = static_ints("ArgMin", "axis", 0 if axis is None else axis)
    x = convert_to_tensor(input, name="ArgMin/input")
    return _argmin(x, axis=axis, output_type=as_dtype(output_type), name=name)


# undoing a broadcast: what is its gradient


def sum_to(g: Tensor, x: Tensor) -> Tensor:
    """`g` summed over the axes along which `x` was repeated to the shape of `g`."""
    if g.dims is not None and g.dims == x.dims:
        return g
    if g.dims is not None and x.dims is not None:
        pairs = zip(g.dims[len(g.dims) - len(x.dims):], x.dims, strict=True)
        if all(a == b or (isinstance(b, int) and b == 1) for a, b in pairs):
            return _sum_to_expand(g, x)
    return _sum_to(g, x)


def _sum_to_expand(g: Tensor, x: Tensor) -> Tensor:
    """With both shapes known up to symbols; a size of `x` that is not known to be 1 is not."""
    assert g.dims is not None and x.dims is not None
    lead = len(g.dims) - len(x.dims)
    repeated = [i for i, d in enumerate(x.dims, lead) if isinstance(d, int) and d == 1 and g.dims[i] != 1]
    total = reduce_sum(g, [*range(lead), *repeated], keepdims=True) if lead or repeated else g
    return total if total.dims == x.dims else reshape(total, x.dims)


def _sum_to_reference(g: np.ndarray, x: np.ndarray) -> np.ndarray:
    lead = g.ndim - x.ndim
    axes = (*range(lead), *(lead + i for i, d in enumerate(x.shape) if d == 1 and g.shape[lead + i] != 1))
    return np.sum(g, axes, keepdims=True, dtype=g.dtype).reshape(x.shape)


# only the shape of the second input matters; expanded when both shapes are known
_sum_to = OpDef("SumTo", COMPOSITE, lambda inputs, attrs: [TensorType(inputs[0].dtype, inputs[1].dims)],
                lambda op, g: [broadcast_to(g, shape_of(op.inputs[0])), None], _sum_to_reference,
                expand=_sum_to_expand)
