"""Values of small integer tensors while the graph is built: what a shape operand says, with unknown sizes as Dims."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import Dim, DimLike
from ..dtypes import int32
from ..errors import DTypeError, OpError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import SOURCE, OpDef
from ..shapes import Dims, TensorShape, as_dim
from .arguments import is_tensor
from .constant import constant, convert_to_tensor

MAX_ELEMENTS = 64

# a vector (or a scalar of that shape) whose elements are dimensions of the graph, known only when it is fed
dims_vector = OpDef(
    "Dims",
    SOURCE,
    infer=lambda inputs, attrs: [TensorType(attrs.get("dtype", int32), attrs.get("shape", (len(attrs["dims"]),)))],
    reference=lambda dims, dtype=int32, shape=None: np.array(dims, dtype.np).reshape(
        len(dims) if shape is None else shape
    ),
)

# ops whose references also work on object arrays of dimensions, or what does so in their place
_FOLLOWED: dict[str, Callable[..., Any] | None] = {
    "Maximum": np.frompyfunc(dm.maximum, 2, 1), "Minimum": np.frompyfunc(dm.minimum, 2, 1),
    "GatherV2": lambda x, indices, axis: np.take(x, indices.astype(int), axis),
    **dict.fromkeys(("AddV2", "Sub", "Mul", "FloorDiv", "FloorMod", "Neg", "ConcatV2", "StridedSlice", "Reshape",
                     "Prod", "Sum", "Identity", "ReverseV2", "Transpose", "Place", "BroadcastTo", "Fill", "Pack",
                     "Unpack", "Split", "SplitV", "Squeeze", "ExpandDims")),
}


def symbolic_value(tensor: Tensor) -> np.ndarray | None:
    """The elements of a small integer tensor as ints and Dims (an object array), or None when they are data."""
    return _follow(tensor, {})


def _follow(tensor: Tensor, known: dict[Tensor, np.ndarray | None]) -> np.ndarray | None:
    if tensor not in known:
        known[tensor] = None
        if _is_small(tensor):
            value = tensor.eager_value  # whose op need not have its inputs any more
            known[tensor] = value.astype(object) if value is not None else _value(tensor.op, tensor.index, known)
    return known[tensor]


def is_followed(op: Operation) -> bool:
    """Whether the values of the op's outputs may be known from those of its inputs even where they are unknown
    sizes."""
    return op.type in _FOLLOWED or op.type == "Cast"


def _is_small(tensor: Tensor) -> bool:
    if tensor.dims is None or tensor.dtype.is_floating or any(isinstance(d, Dim) for d in tensor.dims):
        return False
    size = dm.product(tensor.dims)
    return isinstance(size, int) and size <= MAX_ELEMENTS


def _value(op: Operation, index: int, known: dict[Tensor, np.ndarray | None]) -> np.ndarray | None:
    kind = op.type
    if kind == "Const":
        return op.attrs["value"].astype(object)
    if kind == "Dims":
        return objects(op.attrs["dims"]).reshape(op.output.dims)  # type: ignore[arg-type]
    if kind == "Shape":
        dims = op.inputs[0].dims
        return None if dims is None else objects(dims)
    if kind == "Cast":
        return _follow(op.inputs[0], known)
    if op.definition.stateful or op.definition.reference is None or not op.inputs or kind == "PlaceholderWithDefault":
        return None
    operands = [_follow(t, known) for t in op.inputs]
    values = [o for o in operands if o is not None]
    if len(values) < len(operands):
        return None
    if not any(isinstance(v, Dim) for o in values for v in o.flat):
        return _fold(op, index, values)
    return _symbolic(op, index, values) if kind in _FOLLOWED else None


def _fold(op: Operation, index: int, values: list[np.ndarray]) -> np.ndarray | None:
    """The value of an op whose operands are all integers."""
    arrays = [v.astype(t.dtype.np) for v, t in zip(values, op.inputs, strict=True)]
    try:
        with np.errstate(all="ignore"):
            result = op.definition.reference(*arrays, **op.attrs)  # type: ignore[misc]
    except (OpError, TypeError, ValueError):  # left to the run, which says where it happened
        return None
    return np.asarray(result[index] if len(op.outputs) > 1 else result).astype(object)


def _symbolic(op: Operation, index: int, values: list[np.ndarray]) -> np.ndarray | None:
    function = _FOLLOWED[op.type] or op.definition.reference
    try:
        result = function(*values, **op.attrs)  # type: ignore[misc]
    except (TypeError, IndexError):  # an unknown size where an integer must stand
        return None
    if len(op.outputs) > 1:
        result = result[index]
    return result if isinstance(result, np.ndarray) and result.dtype == object else objects(result)


def objects(values: Any) -> np.ndarray:
    """A scalar or vector of ints and Dims as an object array."""
    shape = (len(values),) if isinstance(values, (tuple, list)) else ()
    array = np.empty(shape, object)
    array[...] = values if shape else values
    return array


def static_value(tensor: Tensor) -> np.ndarray | None:
    """The value of a constant expression of integers, else None."""
    if tensor.eager_value is not None:
        return tensor.eager_value
    if tensor.op.type == "Const":
        return tensor.op.attrs["value"]
    value = symbolic_value(tensor)
    if value is None or any(isinstance(v, Dim) for v in value.flat):
        return None
    return value.astype(tensor.dtype.np)


def static_ints(op: str, what: str, value: Any) -> Any:
    """An argument that must be known while the graph is built, given as ints or a constant tensor of them.

    Raises ShapeError when it depends on fed data.
    """
    if not is_tensor(value):
        return value
    tensor = convert_to_tensor(value)
    known = static_value(tensor)
    if known is None:
        raise ShapeError(f"{op}: {what} must be known while the graph is built, received {tensor!r}")
    return known.tolist()


def static_dims(op: str, what: str, value: Any) -> Dims:
    """A vector argument as ints and Dims: it may depend on shapes, but raises ShapeError if it depends on fed data."""
    if not is_tensor(value):
        items = list(value) if hasattr(value, "__iter__") else [value]
        if not any(is_tensor(v) for v in items):
            return tuple(v if isinstance(v, Dim) else int(v) for v in items)
        value = items
    known = symbolic_value(convert_to_tensor(value))
    if known is None:
        raise ShapeError(f"{op}: {what} must not depend on fed data, received {value!r}")
    return tuple(v if isinstance(v, Dim) else int(v) for v in known.ravel())


def shape_operand(shape: Any, op: str = "Shape") -> Tensor:
    """A shape argument (TensorShape, ints, None or Dims, tensors among them) as an integer vector."""
    name = f"{op}/shape"
    if isinstance(shape, TensorShape):
        shape = shape.dims
        if shape is None:
            raise ValueError(f"{op}: the shape must have a known rank")
    if is_tensor(shape):
        tensor = convert_to_tensor(shape)
        if not tensor.dtype.is_integer:
            raise DTypeError(f"{op}: sizes must be integers, received {tensor!r}")
        return tensor
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    items = list(shape) if hasattr(shape, "__iter__") else [shape]
    if any(is_tensor(d) for d in items):
        like = next(convert_to_tensor(d).dtype for d in items if is_tensor(d))
        return convert_to_tensor([d if is_tensor(d) else constant(int(d), like, name=name) for d in items], name=name)
    if any(isinstance(d, Dim) for d in items):
        return dims_vector(dims=tuple(d if isinstance(d, Dim) else int(d) for d in items), name=name)
    if any(d is None for d in items):
        raise ValueError(f"{op}: cannot convert a partially known shape to a tensor: {tuple(items)}")
    if any(isinstance(d, bool) or not hasattr(d, "__index__") for d in items):
        raise DTypeError(f"{op}: sizes must be integers, received {shape!r}")
    return constant(np.array(items, np.int64 if any(abs(d) > 2**31 - 1 for d in items) else np.int32), name=name)


def operand_dims(shape: Tensor) -> Dims | None:
    """The dims that a shape operand stands for; unknown elements become fresh symbols, an unknown length None."""
    value = symbolic_value(shape)
    if value is not None:
        return tuple(v if isinstance(v, Dim) else int(v) for v in value.ravel())
    parts: list[Dims | None] = [None]
    if shape.op.type == "Pack":  # of scalars, even where their rank is not known
        parts = [operand_dims(t) if t.dims is not None else (as_dim(None),) for t in shape.op.inputs]
    elif shape.op.type == "ConcatV2":
        parts = [operand_dims(t) for t in shape.op.inputs]
    if all(p is not None for p in parts):  # what is known of a vector put together
        return tuple(d for p in parts for d in p or ())
    if shape.dims == ():
        return (as_dim(None),)
    if not shape.dims or isinstance(shape.dims[0], Dim):
        return None
    return tuple(as_dim(None) for _ in range(shape.dims[0]))


def sizes_of(op: str, shape: Tensor) -> Dims | None:
    """As operand_dims, for a shape whose sizes are all given: raises ShapeError for a negative one."""
    dims = operand_dims(shape)
    if dims is not None and any(isinstance(d, int) and d < 0 for d in dims):
        raise ShapeError(f"{op}: sizes must be non-negative, received "
                         f"{[d if isinstance(d, int) else None for d in dims]}")
    return dims


def kept_dims(x: Tensor, axis: Sequence[int] | None) -> Dims | None:
    """The dims of `x` with the reduced axes as 1, None when its rank is unknown."""
    if x.dims is None:
        return None
    axes = range(len(x.dims)) if axis is None else [a % len(x.dims) for a in axis]
    kept: list[DimLike] = [1 if i in axes else d for i, d in enumerate(x.dims)]
    return tuple(kept)
