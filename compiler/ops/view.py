"""Ops that give elements another shape or order: reshapes (no data moves), repetition, permuted and reversed axes.

The `lower` of an INDEX op is `lower(emit, op, index)`: given the output index as source expressions it returns the
source of the element, asking `emit` for input elements and sizes (see codegen/loops.py).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import Dim, DimLike
from ..dtypes import as_dtype, float32, int32
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import ALIAS, INDEX, SOURCE, OpDef
from ..shapes import Dims, format_dims, normalize_axis
from .arguments import same_type
from .constant import constant, convert_to_tensor
from .symbolic import dims_vector, operand_dims, shape_operand, sizes_of, static_ints, symbolic_value

# shapes as values

_shape = OpDef("Shape", SOURCE,
               lambda inputs, attrs: [TensorType(attrs["out_type"],
                                                 (dm.fresh() if inputs[0].dims is None else len(inputs[0].dims),))],
               lambda op, g: [None], lambda x, out_type: np.array(x.shape, out_type.np))


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape as an integer vector, known when the graph runs."""
    return _shape(convert_to_tensor(input), out_type=as_dtype(out_type), name=name)


def shape_of(x: Tensor) -> Tensor:
    """The shape of `x` as a shape operand: without touching `x` where its shape is known up to symbols."""
    return shape(x) if x.dims is None else shape_operand(x.dims)


def known_rank(op: str, x: Tensor) -> Dims:
    """The dims of `x`. Raises ShapeError when even its rank is unknown."""
    if x.dims is None:
        raise ShapeError(f"{op}: the rank of {x!r} must be known")
    return x.dims


# the same elements under another shape


def _resolved(x: Tensor, dims: Dims) -> Dims:
    """Reshape's `dims` with what stands for -1: a quotient, or a fresh symbol where that is unknown. Checks sizes."""
    known = [d for d in dims if not (isinstance(d, int) and d == -1)]
    if len(dims) - len(known) > 1:
        raise ShapeError(f"Reshape: only one size may be -1, received {_show(dims)}")
    if any(isinstance(d, int) and d < 0 for d in known):
        raise ShapeError(f"Reshape: sizes must be non-negative or -1, received {_show(dims)}")
    given = dm.product(known)
    total = None if x.dims is None else dm.product(x.dims)
    if len(known) == len(dims):
        if isinstance(total, int) and isinstance(given, int) and total != given:
            raise ShapeError(f"Reshape: Cannot reshape a tensor with {total} elements to shape {_show(dims)} ({given} "
                             f"elements): Input to reshape is a tensor with {total} values, but the requested shape "
                             f"has {given}: {x!r}")
        return dims
    if isinstance(given, int) and given == 0:
        raise ShapeError(f"Reshape: the size that -1 stands for is undetermined where another is 0, received "
                         f"{_show(dims)}")
    if total is None:
        rest: DimLike = dm.fresh()
    elif isinstance(total, int) and isinstance(given, int) and total % given:
        raise ShapeError(f"Reshape: Dimension size must be evenly divisible by {given} but is {total}: Input to "
                         f"reshape is a tensor with {total} values, but the requested shape requires a multiple of "
                         f"{given}: {x!r} to {_show(dims)}")
    else:
        rest = total // given
    return tuple(rest if isinstance(d, int) and d == -1 else d for d in dims)


def _show(dims: Dims) -> str:
    return str([d if isinstance(d, int) else None for d in dims])


def _reshape_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, wanted = inputs
    dims = operand_dims(wanted)
    if dims is not None and symbolic_value(wanted) is not None:
        dims = _resolved(x, dims)
    elif dims is not None:  # what stands for -1 depends on data
        dims = tuple(dm.fresh() if isinstance(d, int) and d == -1 else d for d in dims)
    return [TensorType(x.dtype, dims)]


_reshape = OpDef("Reshape", ALIAS, _reshape_types, lambda op, g: [reshape(g, shape_of(op.inputs[0])), None],
                 lambda x, shape: np.reshape(x, tuple(shape)), fields={"shape_operand": 1})


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements of `tensor` in the same order under `shape`; one size may be -1. Raises ShapeError."""
    x = convert_to_tensor(tensor, name="Reshape/tensor")
    if isinstance(shape, (tuple, list)):
        shape = [-1 if d is None else d for d in shape]
    return _reshape(x, shape_operand(shape, "Reshape"), name=name)


def dim_scalar(dim: DimLike) -> Tensor:
    """A size as an int32 scalar."""
    if isinstance(dim, Dim):
        return reshape(dims_vector(dims=(dim,)), ())
    return constant(np.array(dim, np.int32), name="size")


def _expand_dims_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x = inputs[0]
    if x.dims is None:
        return [TensorType(x.dtype, None)]
    axis = attrs["axis"] = normalize_axis("ExpandDims", attrs["axis"], len(x.dims) + 1)
    return [TensorType(x.dtype, (*x.dims[:axis], 1, *x.dims[axis:]))]


def _back(op: Operation, g: Tensor) -> Sequence[Tensor]:
    return [reshape(g, shape_of(op.inputs[0]))]


_expand_dims = OpDef("ExpandDims", ALIAS, _expand_dims_types, _back, lambda x, axis: np.expand_dims(x, axis))


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """A new axis of size 1 at position `axis`."""
    x = convert_to_tensor(input, name="ExpandDims/input")
    axis = static_ints("ExpandDims", "axis", dim if axis is None else axis)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return _expand_dims(x, axis=int(np.reshape(axis, ())), name=name)


def _squeeze_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, axes = inputs[0], attrs["axis"]
    if x.dims is None:
        return [TensorType(x.dtype, None)]
    if axes:
        axes = attrs["axis"] = tuple(normalize_axis("Squeeze", a, len(x.dims)) for a in axes)
        for a in axes:
            if isinstance(x.dims[a], int) and x.dims[a] != 1:
                raise ShapeError(f"Squeeze: Can not squeeze dim[{a}] of {x!r}, expected a dimension of 1, got "
                                 f"{x.dims[a]}")
    else:
        axes = [i for i, d in enumerate(x.dims) if isinstance(d, int) and d == 1]
    return [TensorType(x.dtype, tuple(d for i, d in enumerate(x.dims) if i not in axes))]


_squeeze = OpDef("Squeeze", ALIAS, _squeeze_types, _back, lambda x, axis: np.squeeze(x, axis or None))


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """Without the axes of size 1, or only without those in `axis`. Raises ShapeError if one of these is not 1.

    Without `axis` the rank is known only where every size is.
    """
    x = convert_to_tensor(input, name="Squeeze/input")
    axis = static_ints("Squeeze", "axis", squeeze_dims if axis is None else axis)
    axes = () if axis is None else tuple(axis) if hasattr(axis, "__iter__") else (axis,)
    result = _squeeze(x, axis=axes, name=name)
    if not axes and any(isinstance(d, Dim) for d in x.dims or ()):
        result.dims = None  # a size may turn out to be 1
    return result


_identity = OpDef("Identity", ALIAS, same_type, lambda op, g: [g], lambda x: x, fields={"sparse_grad": True})
_stop_gradient = OpDef("StopGradient", ALIAS, same_type, lambda op, g: [None], lambda x: x)


def identity(input: Any, name: str | None = None) -> Tensor:
    """A tensor (or SparseTensor) with the value, shape and dtype of `input`, as an operation of its own."""
    if hasattr(input, "map_values"):
        return input.map_values(lambda values: identity(values, name))
    return _identity(convert_to_tensor(input), name=name)


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value, through which no gradient flows."""
    return _stop_gradient(convert_to_tensor(input), name=name)


# repetition: `gradients` sums over the axes that broadcasting repeats (see autodiff.py)


def _broadcast_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, dims = inputs[0], sizes_of("BroadcastTo", inputs[1])
    if dims is not None and x.dims is not None:
        aligned = zip(x.dims[::-1], dims[::-1], strict=False)
        if len(x.dims) > len(dims) or any(
                isinstance(a, int) and isinstance(b, int) and a not in (1, b) for a, b in aligned):
            raise ShapeError(f"BroadcastTo: {x!r} does not broadcast to {format_dims(dims)}")
    return [TensorType(x.dtype, dims)]


_broadcast_to = OpDef("BroadcastTo", INDEX, _broadcast_types, lambda op, g: [g, None],
                      lambda x, shape: np.broadcast_to(x, tuple(shape)),
                      lower=lambda emit, op, index: emit.broadcast_element(op.inputs[0], index, op.output.dims),
                      fields={"shape_operand": 1})


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by NumPy's broadcasting rule."""
    x, wanted = convert_to_tensor(input, name="BroadcastTo/input"), shape_operand(shape, "BroadcastTo")
    if name is None and x.dims is not None and operand_dims(wanted) == x.dims:
        return x
    return _broadcast_to(x, wanted, name=name)


_fill = OpDef("Fill", INDEX, lambda inputs, attrs: [TensorType(inputs[0].dtype, sizes_of("Fill", inputs[1]))],
              lambda op, g: [g, None], lambda value, shape: np.full(tuple(shape), value),
              lower=lambda emit, op, index: emit.element(op.inputs[0], ()), fields={"shape_operand": 1})


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` with every element `value`."""
    scalar = convert_to_tensor(value, name="Fill/value")
    if scalar.dims is None or len(scalar.dims):
        raise ShapeError(f"Fill: the value must be a scalar, received shape {format_dims(scalar.dims)}")
    return _fill(scalar, shape_operand(dims, "Fill"), name=name)


def zeros_of(like: Tensor) -> Tensor:
    """The scalar 0 of the dtype of `like`."""
    return constant(np.zeros((), like.dtype.np), like.dtype, name="zero")


def ones_of(like: Tensor) -> Tensor:
    """The scalar 1 of the dtype of `like`."""
    return constant(np.ones((), like.dtype.np), like.dtype, name="one")


def zeros(shape: Any, dtype: Any = float32, name: str = "zeros") -> Tensor:
    element = as_dtype(dtype)
    zero = b"" if element.is_string else np.zeros((), element.np)
    return fill(shape, constant(zero, element, name="zeros/value"), name=name)


def ones(shape: Any, dtype: Any = float32, name: str = "ones") -> Tensor:
    return fill(shape, constant(np.ones((), as_dtype(dtype).np), dtype, name="ones/value"), name=name)


def zeros_like(tensor: Any, dtype: Any = None, name: str = "zeros_like") -> Tensor:
    """Zeros in the shape of `tensor`, and in its dtype unless another is given."""
    x = convert_to_tensor(tensor)
    return zeros(shape_of(x), x.dtype if dtype is None else dtype, name=name)


def ones_like(tensor: Any, dtype: Any = None, name: str = "ones_like") -> Tensor:
    """Ones in the shape of `tensor`, and in its dtype unless another is given."""
    x = convert_to_tensor(tensor)
    return ones(shape_of(x), x.dtype if dtype is None else dtype, name=name)


# the order of axes and along axes


def _transpose_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, perm = inputs[0], attrs["perm"]
    if x.dims is None:
        return [TensorType(x.dtype, None if perm is None else tuple(dm.fresh() for _ in perm))]
    rank = len(x.dims)
    order = tuple(reversed(range(rank))) if perm is None else tuple(int(p) for p in perm)
    if len(order) != rank:
        raise ShapeError(f"Transpose: Dimension must be {rank} but is {len(order)}: perm {order} names other axes than "
                         f"those of {x!r}")
    order = attrs["perm"] = tuple(normalize_axis("Transpose", p, rank) for p in order)
    if sorted(order) != list(range(rank)):
        raise ShapeError(f"Transpose: perm {order} is not a permutation of the {rank} axes of {x!r}")
    return [TensorType(x.dtype, tuple(x.dims[a] for a in order))]


_transpose = OpDef(
    "Transpose", INDEX, _transpose_types,
    lambda op, g: [transpose(g, None if op.attrs["perm"] is None else np.argsort(op.attrs["perm"]))],
    lambda x, perm: np.asarray(np.transpose(x, perm), order="C"),
    lower=lambda emit, op, index: emit.element(
        op.inputs[0], [index[op.attrs["perm"].index(a)] for a in range(len(index))]), fields={"permutes": "perm"})


def transpose(a: Any, perm: Any = None, name: str = "transpose") -> Tensor:
    """Axes permuted: axis i of the result is axis perm[i] of `a`; reversed when `perm` is None."""
    x = convert_to_tensor(a, name="transpose/a")
    axes = None if perm is None else tuple(int(p) for p in static_ints("Transpose", "perm", perm))
    return _transpose(x, perm=axes, name=name)


def _reverse_index(emit: Any, op: Operation, index: Sequence[str]) -> str:
    x = op.inputs[0]
    return emit.element(x, [f"{emit.size(x, a)} - 1 - ({i})" if a in op.attrs["axis"] else i
                            for a, i in enumerate(index)])


def _reverse_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    x, axis = inputs[0], attrs["axis"]
    if x.dims is not None:
        axis = attrs["axis"] = tuple(normalize_axis("Reverse", a, len(x.dims)) for a in axis)
    if len(set(axis)) != len(axis):
        raise ShapeError(f"Reverse: axis {axis!r} names an axis twice")
    return [x.type]


_reverse = OpDef("ReverseV2", INDEX, _reverse_types, lambda op, g: [reverse(g, op.attrs["axis"])],
                 lambda x, axis: np.flip(x, axis), lower=_reverse_index)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements in reverse order along each axis in `axis`."""
    x = convert_to_tensor(tensor, name="Reverse/tensor")
    axis = static_ints("Reverse", "axis", axis)
    return _reverse(x, axis=tuple(int(a) for a in (axis if hasattr(axis, "__iter__") else (axis,))), name=name)
