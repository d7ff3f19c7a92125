"""Constructors of the op families: what the members share (shape rule, broadcasting, its gradient) stands here once."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..dims import DimLike
from ..dtypes import FLOATS, NUMBERS, DType, bool_
from ..errors import ShapeError
from ..ir import Operation, Tensor, TensorType
from ..names import named, to_snake_case
from ..opdef import COMPOSITE, ELEMENTWISE, REDUCTION, OpDef
from ..shapes import Dims, broadcast, normalize_axis
from .arguments import check_dtype, check_same_dtype, convert_all
from .arguments import same_type as same_type
from .complex import conj
from .constant import convert_to_tensor
from .symbolic import kept_dims, static_ints
from .view import reshape, shape

Grad = Callable[..., Any]
Build = Callable[..., Tensor]

# elementwise

def elementwise(name: str, arity: int, *, lower: Any, reference: Callable[..., Any], grad: Grad | None = None,
                dtypes: Sequence[DType] = NUMBERS, result: DType | None = None, same: slice = slice(None),
                fields: dict[str, Any] | None = None) -> OpDef:
    """An op on corresponding elements, with broadcasting.

    `lower` is the source of one element, `{0}`, `{1}` standing for the inputs' and `{t}` for the result's type code.
    `grad(g, y, *inputs)` gives the inputs' gradients (one value for a unary op), which `gradients` sums over the axes
    along which an input was repeated.
    `result` is the output dtype if it is not the inputs'; `same` says which inputs must agree in dtype.
    """
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        dtype = check_same_dtype(name, inputs[same])
        check_dtype(name, inputs[same][0], dtypes)
        return [TensorType(result or dtype, broadcast(name, *(t.dims for t in inputs)))]

    def op_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
        assert grad is not None
        # for complex numbers the formulas, of holomorphic functions, hold between conjugated gradients (see complex.py)
        grads = grad(conj(g) if g.dtype.is_complex else g, op.output, *op.inputs)
        grads = (grads,) if arity == 1 else grads
        return [conj(d) if d is not None and d.dtype.is_complex else d for d in grads]

    return OpDef(name, ELEMENTWISE, infer, op_grad if grad else None, reference, lower, fields=fields or {})


def described(op: OpDef, arguments: str, dtypes: Sequence[DType], result: DType | None) -> str:
    """The docstring of an elementwise op's function: what its declaration says."""
    lower = op.lower if isinstance(op.lower, str) and "\n" not in op.lower else ""
    formula = f": `{lower.format(*arguments.split(', '), t='')}`" if lower else ""
    gradient = "It has a gradient" if op.grad else "It has no gradient"
    return (f"{op.name}, element by element{formula}.\n\n"
            f"`{arguments}`: {', '.join(dtype.name for dtype in dtypes)}{'; of one dtype' * (', ' in arguments)}. The "
            f"result has the {'shape of both, broadcast' if ', ' in arguments else 'same shape'}, and is "
            f"{result.name if result else 'of the same dtype'}. {gradient}.\n"
            f"Raises TypeError for other dtypes"
            f"{', ValueError for shapes that do not broadcast' * (', ' in arguments)}.")


OF_SPARSE = ("Abs", "Erf", "Neg", "Sign", "Sin", "Sqrt", "Square", "Tanh")  # taken of a SparseTensor's values


def unary(name: str, *, lower: str, reference: Callable[..., Any], grad: Grad | None = None,
          dtypes: Sequence[DType] = FLOATS, result: DType | None = None, if_complex: OpDef | None = None) -> Build:
    """An elementwise op of one input; `if_complex` is the op for complex numbers, where that is another."""
    op = elementwise(name, 1, lower=lower, reference=reference, grad=grad, dtypes=dtypes, result=result)
    of_sparse = name in OF_SPARSE

    def build(x: Any, name: str | None = None) -> Tensor:
        if of_sparse and hasattr(x, "map_values"):
            return x.map_values(lambda values: build(values, name))
        tensor = convert_to_tensor(x, name=f"{op.name}/x")
        return (if_complex if if_complex is not None and tensor.dtype.is_complex else op)(tensor, name=name)

    build.op = op  # type: ignore[attr-defined]
    return named(to_snake_case(op.name), build, described(op, "x", dtypes, result))


def binary(name: str, *, lower: Any, reference: Callable[..., Any], grad: Grad | None = None,
           dtypes: Sequence[DType] = NUMBERS, result: DType | None = None,
           fields: dict[str, Any] | None = None) -> Build:
    op = elementwise(name, 2, lower=lower, reference=reference, grad=grad, dtypes=dtypes, result=result, fields=fields)

    def build(x: Any, y: Any, name: str | None = None) -> Tensor:
        return op(*convert_all(op.name, (x, y), name or op.name), name=name)

    build.op = op  # type: ignore[attr-defined]
    return named(to_snake_case(op.name), build, described(op, "x, y", dtypes, result))


def comparison(name: str, *, lower: str, reference: Callable[..., Any],
               dtypes: Sequence[DType] = NUMBERS) -> Build:
    return binary(name, lower=lower, reference=reference, dtypes=dtypes, result=bool_)


# reductions

def reduced_dims(op: str, x: Tensor, attrs: dict[str, Any]) -> Dims | None:
    """The shape of `x` with attrs["axis"] (None: every axis) reduced; settles that to sorted axes from the front."""
    axis, keepdims = attrs["axis"], attrs["keepdims"]
    if x.dims is None:
        return () if axis is None and not keepdims else None
    rank = len(x.dims)
    axes = tuple(range(rank)) if axis is None else tuple(sorted(normalize_axis(op, a, rank) for a in axis))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{op}: axis {axis!r} names an axis twice")
    attrs["axis"] = axes
    one: DimLike = 1
    return tuple(one if i in axes else d for i, d in enumerate(x.dims) if keepdims or i not in axes)


def axis_argument(op: str, axis: Any) -> tuple[int, ...] | None:
    """The axis argument of a reduction (None, int, sequence, or constant tensor) as a tuple, None for all."""
    axis = static_ints(op, "axis", axis)
    return None if axis is None else tuple(axis) if hasattr(axis, "__iter__") else (axis,)


def keep_axes(op: Operation, *tensors: Tensor) -> Sequence[Tensor]:
    """Tensors shaped like a reduction's output, with the reduced axes back as axes of size 1."""
    if op.attrs["keepdims"]:
        return tensors
    x, axis = op.inputs[0], op.attrs["axis"]
    kept = kept_dims(x, axis) if x.dims is not None else shape(op.definition(x, axis=axis, keepdims=True))
    return [reshape(t, kept) for t in tensors]


def reduction(name: str, *, combine: str, identity: str, reference: Callable[..., Any], grad: Grad | None = None,
              dtypes: Sequence[DType] = NUMBERS) -> Build:
    """A reduction by a monoid. `combine` is the source of one step (`{0}` the accumulator, `{1}` an element),
    `identity` the source of its neutral element, `{t}` the type code. `grad(op, g, y)` gets g and y with the reduced
    axes kept as 1."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check_dtype(name, inputs[0], dtypes, "input")
        return [TensorType(inputs[0].dtype, reduced_dims(name, inputs[0], attrs))]

    def op_grad(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
        assert grad is not None
        g, y = keep_axes(op, g, op.output)
        return [conj(grad(op, conj(g), y)) if g.dtype.is_complex else grad(op, g, y)]

    op = OpDef(name, REDUCTION, infer, op_grad if grad else None,
               lambda x, axis, keepdims: reference(x, axis=axis, keepdims=keepdims),
               fields={"combine": combine, "identity": identity})

    def build(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input_tensor, name=f"{op.name}/x")
        return op(x, axis=axis_argument(op.name, axis), keepdims=bool(keepdims), name=name)

    build.op = op  # type: ignore[attr-defined]
    return named(f"reduce_{name.lower()}", build, f"{name} over `axis` (all axes when None).")


# composites

def composite(name: str, *, infer: Callable[..., list[TensorType]], expand: Callable[..., Any],
              reference: Callable[..., Any], grad: Callable[..., Any] | None) -> OpDef:
    """An op for stability or legibility, which the compiler replaces by `expand(*inputs, **attrs)`."""
    return OpDef(name, COMPOSITE, infer, grad, reference, expand=expand)
