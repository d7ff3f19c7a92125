"""TensorArrays: a dense array [size, *element] whose rows are written one by one; each write makes a new array.

A row is written once, so the gradient of the array before a write is that of the array after it.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dims import DimLike
from ..dtypes import ALL, INTEGERS, NUMBERS, DType
from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import ALIAS, COPY, HOST, INDEX, OpDef
from ..shapes import Dims, TensorShape, format_dims
from .arguments import check_dtype, same_type
from .gather import IndexedSlices, gather
from .symbolic import symbolic_value
from .view import expand_dims, shape_of


def _array_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    value = symbolic_value(inputs[0])
    size = dm.fresh() if value is None else value.item()
    element = attrs["element"]
    if isinstance(size, (int, np.integer)) and size < 0:
        raise ShapeError(f"TensorArrayV3: Size should be >= 0, received {size}")
    return [TensorType(attrs["dtype"], None if element is None else (size, *element))]


def _empty(dtype: np.dtype, shape: Sequence[Any]) -> np.ndarray:
    return np.full(shape, b"", object) if dtype.kind == "O" else np.zeros(shape, dtype)


def _array_reference(size: np.ndarray, dtype: DType, element: Dims | None, written: Any, array: str) -> np.ndarray:
    # while the shape of its elements is not known, an array holds elements of no numbers
    if element is None:
        element = (0,) if written is None or written.dims is None else tuple(
            d if isinstance(d, int) else 0 for d in written.dims)
    return _empty(dtype.np, (int(size), *element))


array = OpDef("TensorArrayV3", INDEX, _array_types, lambda op, g: [None], _array_reference,
              lower=lambda emit, op, index: emit.let("0", op.output.dtype),
              fields={"in_python": lambda op: op.output.dims is None, "shape_operand": 0})


def new_array(dtype: DType, size: Tensor, element: Dims | None, name: str, array_name: str) -> Tensor:
    """Zeros [size, *element], the content of a new TensorArray; `element` None: not known yet."""
    return array(size, dtype=dtype, element=element, written=None, name=name, array=array_name)


def settle(flow: Tensor, element: Dims, known: bool) -> None:
    """Give the array that `flow` was made as the shape of its elements, if it has none. What is not `known` there, but
    in the loop that writes them, is kept until sizes are (see settle_with)."""
    op = flow.op
    if op.type == "TensorArrayV3" and op.attrs["element"] is None:
        # in an object that hides it: sizes in attributes must be known where the op is
        op.attrs.update({"element": element} if known else {"written": TensorShape(element)})
        op.outputs[0].dims = _array_types(op.inputs, op.attrs)[0].dims


def settle_with(flow: Tensor, sizes: Mapping[dm.Atom, DimLike]) -> None:
    """As settle, in a compiler's graph where a loop's sizes have been learned."""
    op = flow.op
    if op.type == "TensorArrayV3" and flow.dims is None and op.attrs["written"] is not None:
        op.attrs["element"] = tuple(dm.substitute(d, sizes) for d in op.attrs["written"].dims)
        flow.dims = _array_types(op.inputs, op.attrs)[0].dims


def _row_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    flow, index = inputs
    check_dtype("TensorArrayReadV3", index, INTEGERS)
    return [TensorType(flow.dtype, None if flow.dims is None else flow.dims[1:])]


def _row_reference(flow: np.ndarray, index: np.ndarray) -> np.ndarray:
    if not 0 <= index < len(flow):
        raise InvalidArgumentError(f"TensorArray: Tried to read from index {index} but array size is: {len(flow)}")
    return flow[int(index)]


def _row_grad(op: Operation, g: Tensor) -> Sequence[Any]:
    flow, index = op.inputs
    return [IndexedSlices(expand_dims(g, 0), expand_dims(index, 0), shape_of(flow)), None]


def _row_lower(emit: Any, op: Operation, index: Sequence[str]) -> str:
    flow, position = op.inputs
    row = emit.checked_index(emit.element(position, ()), emit.size(flow, 0), op)
    return emit.element(flow, [row, *index])


read_row = OpDef(
    "TensorArrayReadV3", INDEX, _row_types, _row_grad, _row_reference, lower=_row_lower, fields={
        "fault": lambda op, value, limit, at: (
            f"TensorArray: Tried to read from index {value} but array size is: {limit}")})


# the same elements, of a number that the user's graph does not know
listed = OpDef("TensorArrayGatherV3", ALIAS, same_type, lambda op, g: [g], lambda x: x, fields={"feedable": True})


def _rows(name: str, combine: str, dtypes: Sequence[DType], at: Callable[..., Any]) -> OpDef:
    """An op `(array, indices, values)`: the array with combine(row, values[i]) in each row indices[i]."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        flow, indices, values = inputs
        check_dtype(name, indices, INTEGERS)
        check_dtype(name, flow, dtypes)
        if flow.dtype != values.dtype:
            raise DTypeError(f"TensorArray dtype is {flow.dtype.name} but Op is trying to write dtype "
                             f"{values.dtype.name}.")
        if flow.dims is None or values.dims is None or _is_blank(flow.dims, values.dims):
            return [TensorType(flow.dtype, None)]
        if not TensorShape(values.dims[1:]).is_compatible_with(flow.dims[1:]):
            raise ShapeError(f"{name}: Inconsistent shapes: saw {format_dims(values.dims[1:])} but expected "
                             f"{format_dims(flow.dims[1:])}")
        return [flow.type]

    def reference(flow: np.ndarray, indices: np.ndarray, values: np.ndarray, depth: int) -> np.ndarray:
        if _is_blank(flow.shape, values.shape):
            flow = _empty(flow.dtype, (len(flow), *values.shape[1:]))
        bad = indices[(indices < 0) | (indices >= len(flow))]
        if bad.size:
            raise InvalidArgumentError(_written_outside(None, bad[0], len(flow), 0))
        out = flow.copy()
        at(out, indices, values)
        return out

    return OpDef(name, COPY, infer, _passed_on, reference, fields={
        "copied_rows": combine, "fault": _written_outside, "exact_grad": True,
        "in_python": lambda op: op.output.dims is None or _is_blank(op.inputs[0].dims or (), op.inputs[2].dims or ())})


def _is_blank(flow: Sequence[Any], values: Sequence[Any]) -> bool:
    """Whether an array of this shape still waits for the shape of its elements, which is the values'."""
    return 0 in flow[1:] and flow[1:] != values[1:]


def _written_outside(op: Any, value: int, limit: int, at: int) -> str:
    return f"TensorArray: Tried to write to index {value} but array is not resizeable and size is: {limit}"


def _passed_on(op: Operation, g: Tensor) -> Sequence[Tensor | None]:
    return [g, None, gather(g, op.inputs[1])]


_set_rows = _rows("SetRows", "{1}", ALL, np.ndarray.__setitem__)
_add_rows = _rows("AddRows", "{0} + {1}", NUMBERS, np.add.at)


def set_rows(flow: Tensor, indices: Tensor, values: Tensor, name: str | None = None) -> Tensor:
    """`flow` with the rows `values` at `indices`."""
    return _set_rows(flow, indices, values, depth=1, name=name)


def add_rows(flow: Tensor, indices: Tensor, values: Tensor) -> Tensor:
    """`flow` with `values` added to its rows at `indices`."""
    return _add_rows(flow, indices, values, depth=1)


def _grown_reference(flow: np.ndarray, last: np.ndarray) -> np.ndarray:
    more = max(0, int(last) + 1 - len(flow))
    return np.concatenate([flow, _empty(flow.dtype, (more, *flow.shape[1:]))])


# rows of zeros added so that row `last` exists; the gradient has rows that the array before did not, which are 0 there
grown = OpDef("TensorArrayGrow", HOST,
              lambda inputs, attrs: [TensorType(inputs[0].dtype, None if inputs[0].dims is None else (
                  dm.fresh(), *inputs[0].dims[1:]))],
              lambda op, g: [cut_to(g, op.inputs[0]), None], _grown_reference, fields={"exact_grad": True})

# the first rows of an array, as many as another has
cut_to: OpDef = OpDef("TensorArrayCut", HOST, lambda inputs, attrs: [inputs[1].type], lambda op, g: [None, None],
               lambda x, like: x[:len(like)])
