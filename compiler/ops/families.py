"""Constructors of the op families: what the members share (shape rule, broadcasting, its gradient) stands here once."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..dims import DimLike
from ..dtypes import FLOATS, NUMBERS, DType, bool_
from ..errors import DTypeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import COMPOSITE, ELEMENTWISE, REDUCTION, OpDef
from ..shapes import Dims, broadcast, normalize_axis
from .constant import convert_to_tensor

Grad = Callable[..., Any]


def convert_all(op: str, values: Sequence[Any]) -> list[Tensor]:
    """Tensors of one dtype: that of the first tensor among the values, which Python numbers then take on."""
    like = next((v.dtype for v in values if isinstance(v, Tensor) or hasattr(v, "_as_graph_element")), None)
    if like is None:
        first = convert_to_tensor(values[0])
        return [first, *(convert_to_tensor(v, preferred_dtype=first.dtype) for v in values[1:])]
    try:
        return [convert_to_tensor(v, None if isinstance(v, Tensor) or hasattr(v, "_as_graph_element") else like)
                for v in values]
    except TypeError as error:
        raise DTypeError(f"{op}: {error}") from None


def check_dtype(op: str, tensor: Tensor, allowed: Sequence[DType]) -> None:
    if tensor.dtype not in allowed:
        raise DTypeError(f"{op}: {tensor!r} has dtype {tensor.dtype.name}, "
                         f"expected one of {', '.join(d.name for d in allowed)}")


def check_same_dtype(op: str, inputs: Sequence[Tensor]) -> DType:
    first = inputs[0].dtype
    for tensor in inputs[1:]:
        if tensor.dtype != first:
            raise DTypeError(f"{op}: inputs must have the same dtype, received "
                             f"{' and '.join(t.dtype.name for t in inputs)}")
    return first


# elementwise

def elementwise(name: str, arity: int, *, lower: str, reference: Callable[..., Any], grad: Grad | None = None,
                dtypes: Sequence[DType] = NUMBERS, result: DType | None = None, same: slice = slice(None)) -> OpDef:
    """An op on corresponding elements, with broadcasting.

    `lower` is the source of one element, `{0}`, `{1}` standing for the inputs' and `{t}` for the result's type code.
    `grad(g, y, *inputs)` gives the inputs' gradients (one value for a unary op), before broadcasting is undone.
    `result` is the output dtype if it is not the inputs'; `same` says which inputs must agree in dtype.
    """
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        dtype = check_same_dtype(name, inputs[same])
        check_dtype(name, inputs[same][0], dtypes)
        return [TensorType(result or dtype, broadcast(name, *(t.dims for t in inputs)))]

    def op_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
        assert grad is not None
        grads = grad(g, op.output, *op.inputs)
        if arity == 1:
            grads = (grads,)
        return [None if d is None else sum_to(d, x) for d, x in zip(grads, op.inputs, strict=True)]

    return OpDef(name, ELEMENTWISE, infer, op_grad if grad else None, reference, lower)


def unary(name: str, *, lower: str, reference: Callable[..., Any], grad: Grad | None = None,
          dtypes: Sequence[DType] = FLOATS, result: DType | None = None) -> Callable[..., Tensor]:
    op = elementwise(name, 1, lower=lower, reference=reference, grad=grad, dtypes=dtypes, result=result)

    def build(x: Any, name: str | None = None) -> Tensor:
        return op(convert_to_tensor(x), name=name)

    build.op = op  # type: ignore[attr-defined]
    return build


def binary(name: str, *, lower: str, reference: Callable[..., Any], grad: Grad | None = None,
           dtypes: Sequence[DType] = NUMBERS, result: DType | None = None) -> Callable[..., Tensor]:
    op = elementwise(name, 2, lower=lower, reference=reference, grad=grad, dtypes=dtypes, result=result)

    def build(x: Any, y: Any, name: str | None = None) -> Tensor:
        return op(*convert_all(op.name, (x, y)), name=name)

    build.op = op  # type: ignore[attr-defined]
    return build


def comparison(name: str, *, lower: str, reference: Callable[..., Any],
               dtypes: Sequence[DType] = NUMBERS) -> Callable[..., Tensor]:
    return binary(name, lower=lower, reference=reference, dtypes=dtypes, result=bool_)


def sum_to(g: Tensor, x: Tensor) -> Tensor:
    """Undo broadcasting: `g` summed over the axes along which `x` was repeated. The one place that does so."""
    if g.dims is not None and x.dims is not None:
        if g.dims == x.dims:
            return g
        lead = len(g.dims) - len(x.dims)
        pairs = list(zip(g.dims[lead:], x.dims, strict=True))
        if all(a == b or b == 1 for a, b in pairs):
            from .reduction import reduce_sum
            from .view import reshape
            axes = [*range(lead), *(lead + i for i, (a, b) in enumerate(pairs) if a != b)]
            total = reduce_sum(g, axes, keepdims=True) if axes else g
            return reshape(total, x.dims) if lead else total
    from .reduction import sum_to_shape_of
    return sum_to_shape_of(g, x)


# reductions

def reduced_dims(op: str, dims: Dims | None, axis: tuple[int, ...] | None, keepdims: bool) -> Dims | None:
    """The shape after reducing `axis` (None: every axis)."""
    if dims is None:
        return () if axis is None and not keepdims else None
    axes = set(range(len(dims))) if axis is None else {normalize_axis(op, a, len(dims)) for a in axis}
    one: DimLike = 1
    return tuple(one if i in axes else d for i, d in enumerate(dims) if keepdims or i not in axes)


def canonical_axes(op: str, x: Tensor, axis: Any) -> tuple[int, ...] | None:
    """The axis argument of a reduction (None, int, sequence, or constant tensor) as a sorted tuple, None for all."""
    from .symbolic import static_value
    if isinstance(axis, Tensor):
        value = static_value(axis)
        if value is None:
            raise ValueError(f"{op}: axis must be known while the graph is built, received {axis!r}")
        axis = value
    if axis is None:
        return None if x.dims is None else tuple(range(len(x.dims)))
    axes = tuple(int(a) for a in axis) if hasattr(axis, "__iter__") else (axis,)
    if x.dims is None:
        return tuple(sorted(axes))
    normal = tuple(sorted(normalize_axis(op, a, len(x.dims)) for a in axes))
    if len(set(normal)) != len(normal):
        raise ValueError(f"{op}: axis {axis!r} names an axis twice")
    return normal


def reduction(name: str, *, combine: str, identity: str, reference: Callable[..., Any], grad: Grad | None = None,
              dtypes: Sequence[DType] = NUMBERS) -> Callable[..., Tensor]:
    """A reduction by a monoid. `combine` is the source of one step (`{0}` the accumulator, `{1}` an element),
    `identity` the source of its neutral element, `{t}` the type code. `grad(op, g, y)` gets g and y with the reduced
    axes kept as 1."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], dtypes)
        return [TensorType(inputs[0].dtype, reduced_dims(name, inputs[0].dims, attrs["axis"], attrs["keepdims"]))]

    def op_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
        from .view import reshape
        assert grad is not None
        y, x = op.output, op.inputs[0]
        if not op.attrs["keepdims"] and x.dims is not None:
            from .symbolic import kept_shape
            kept = kept_shape(x, op.attrs["axis"])
            g, y = reshape(g, kept), reshape(y, kept)
        return [grad(op, g, y)]

    op = OpDef(name, REDUCTION, infer, op_grad if grad else None,
               lambda x, axis, keepdims: reference(x, axis=axis, keepdims=keepdims),
               fields={"combine": combine, "identity": identity})

    def build(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input_tensor)
        return op(x, axis=canonical_axes(op.name, x, axis), keepdims=bool(keepdims), name=name)

    build.op = op  # type: ignore[attr-defined]
    return build


# composites

def composite(name: str, *, infer: Callable[..., list[TensorType]], expand: Callable[..., Any],
              reference: Callable[..., Any], grad: Callable[..., Any]) -> OpDef:
    """An op for stability or legibility, which the compiler replaces by `expand(*inputs, **attrs)`."""
    return OpDef(name, COMPOSITE, infer, grad, reference, expand=expand)


def same_type(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    """The shape rule of an op whose output is like its first input."""
    return [inputs[0].type]


