"""Values of small integer tensors while the graph is built: what a shape operand says, with unknown sizes as Dims."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dims import Dim, DimLike
from ..dtypes import int32
from ..ir import Operation, Tensor, TensorType
from ..opdef import SOURCE, OpDef
from ..shapes import Dims, TensorShape, as_dim, format_dims
from .constant import constant, convert_to_tensor

MAX_ELEMENTS = 64

# a vector whose elements are dimensions of the graph, known only when it is fed
dims_vector = OpDef(
    "Dims", SOURCE,
    infer=lambda inputs, attrs: [TensorType(int32, (len(attrs["dims"]),))],
    reference=lambda dims: np.array(dims, np.int32),
)

# ops whose references also work on object arrays of dimensions
_FOLLOWED = {"AddV2", "Sub", "Mul", "FloorDiv", "Mod", "Neg", "Maximum", "Minimum", "Pack", "ConcatV2", "StridedSlice",
             "Reshape", "Prod", "Sum", "Squeeze", "ExpandDims", "Identity", "GatherV2", "Reverse", "Unpack"}


def symbolic_value(tensor: Tensor) -> np.ndarray | None:
    """The elements of a small integer tensor as ints and Dims (an object array), or None when they are data."""
    if not tensor.dtype.is_integer or tensor.dims is None:
        return None
    if any(isinstance(d, Dim) or d > MAX_ELEMENTS for d in tensor.dims):
        return None
    return _value(tensor.op, tensor.index)


def _value(op: Operation, index: int) -> np.ndarray | None:
    kind = op.type
    if kind == "Const":
        return op.attrs["value"].astype(object)
    if kind == "Dims":
        return _objects(op.attrs["dims"])
    if kind == "Shape":
        dims = op.inputs[0].dims
        return None if dims is None else _objects(dims)
    if kind == "Cast":
        return symbolic_value(op.inputs[0])
    if kind not in _FOLLOWED:
        return None
    operands = [symbolic_value(t) for t in op.inputs]
    if any(o is None for o in operands):
        return None
    try:
        result = op.definition.reference(*operands, **op.attrs)  # type: ignore[misc]
    except TypeError:  # comparing unknown sizes, say
        return None
    result = result[index] if len(op.outputs) > 1 else result
    return result if isinstance(result, np.ndarray) else _objects(result)


def _objects(values: Any) -> np.ndarray:
    shape = (len(values),) if isinstance(values, (tuple, list)) else ()
    array = np.empty(shape, object)
    array[...] = values if shape else values
    return array


def static_value(tensor: Tensor) -> np.ndarray | None:
    """The value of a constant expression of integers, else None."""
    value = symbolic_value(tensor)
    if value is None:
        return tensor.op.attrs["value"] if tensor.op.type == "Const" else None
    if any(isinstance(v, Dim) for v in value.ravel()):
        return None
    return value.astype(tensor.dtype.np)


def shape_operand(shape: Any) -> Tensor:
    """A shape argument (TensorShape, ints, None or Dims, tensors among them) as an integer vector."""
    if isinstance(shape, TensorShape):
        shape = shape.dims
    if isinstance(shape, Tensor) or hasattr(shape, "_as_graph_element"):
        return convert_to_tensor(shape)
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if not isinstance(shape, (tuple, list)):
        shape = (shape,)
    if any(isinstance(d, Tensor) for d in shape):
        return convert_to_tensor([d if isinstance(d, Tensor) else constant(int(d), int32) for d in shape])
    if any(isinstance(d, Dim) for d in shape):
        return dims_vector(dims=tuple(d if isinstance(d, Dim) else int(d) for d in shape))
    if any(d is None for d in shape):
        raise ValueError(f"Cannot convert a partially known shape to a tensor: {shape}")
    return constant(np.array(shape, np.int64 if any(int(d) > 2**31 - 1 for d in shape) else np.int32))


def operand_dims(shape: Tensor) -> Dims | None:
    """The dims that a shape operand stands for; unknown elements become fresh symbols, an unknown length None."""
    value = symbolic_value(shape)
    if value is not None:
        return tuple(v if isinstance(v, Dim) else int(v) for v in value.ravel())
    if shape.dims is None or isinstance(shape.dims[0], Dim):
        return None
    return tuple(as_dim(None) for _ in range(shape.dims[0]))


def kept_shape(x: Tensor, axis: Sequence[int] | None) -> Tensor:
    """The shape of `x` with the reduced axes as 1, as a shape operand."""
    from .view import shape_of
    if x.dims is not None:
        axes = range(len(x.dims)) if axis is None else axis
        kept: list[DimLike] = [1 if i in axes else d for i, d in enumerate(x.dims)]
        return shape_operand(tuple(kept))
    raise ValueError(f"The gradient of a reduction needs the rank of {x!r}, but its shape is "
                     f"{format_dims(x.dims)}; {shape_of(x).name} is known only when the graph is fed.")

