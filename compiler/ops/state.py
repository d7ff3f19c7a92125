"""Placeholders, variables and effects.

A variable is a handle; reading and assigning it are ops. A read that does not depend on an assignment through data or
control edges sees the value from before the run's assignments (see passes/order.py).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..dtypes import DType
from ..errors import DTypeError, ShapeError
from ..ir import Operation, Tensor, TensorType, building_graph
from ..opdef import ALIAS, EFFECT, SOURCE, OpDef, no_gradient
from ..shapes import TensorShape, format_dims
from .arguments import same_type
from .constant import convert_to_tensor
from .elementwise import add, subtract

_placeholder = OpDef("Placeholder", SOURCE, lambda inputs, attrs: [TensorType(attrs["dtype"], attrs["dims"])])


def placeholder(dtype: DType, shape: Any = None, name: str | None = None) -> Tensor:
    """A value fed to each run. None in the shape is a size that may differ from run to run."""
    return _placeholder(dtype=dtype, dims=TensorShape(shape).dims, name=name or "Placeholder")


# without a feed it is its input; the user's graph gives it the shape that may be fed
_placeholder_with_default = OpDef("PlaceholderWithDefault", ALIAS, same_type, lambda op, g: [g], lambda x: x,
                                  fields={"feedable": True})


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input`, unless another value of `shape` is fed. Raises ShapeError if the input does not have the shape."""
    x = convert_to_tensor(input, name="PlaceholderWithDefault/input")
    wanted = TensorShape(shape)
    if not wanted.is_compatible_with(x.shape):
        raise ShapeError(f"PlaceholderWithDefault: {x!r} does not have the shape {wanted}")
    output = _placeholder_with_default(x, name=name)
    output.dims = wanted.dims
    return output


# the handle's output stands for the variable itself: it feeds reads and assignments only
variable_handle = OpDef("VariableV2", SOURCE, lambda inputs, attrs: [TensorType(attrs["dtype"], attrs["dims"])],
                        stateful=True)
read_variable = OpDef("ReadVariableOp", SOURCE, lambda inputs, attrs: [inputs[0].type],
                      lambda op, g: [g], stateful=True, fields={"sparse_grad": True})


def _assigning(name: str) -> Callable[[Sequence[Tensor], dict[str, Any]], list[TensorType]]:
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        variable, value = inputs
        if variable.dtype != value.dtype:
            raise DTypeError(f"{name}: the variable {variable.op.name!r} has dtype {variable.dtype.name}, the value "
                             f"{value!r} has {value.dtype.name}")
        if attrs.get("validate_shape", True) and not variable.shape.is_compatible_with(value.shape):
            raise ShapeError(f"{name} requires shapes of both tensors to match: the variable {variable.op.name!r} has "
                             f"shape {format_dims(variable.dims)}, the value {value!r} has {format_dims(value.dims)}")
        # without validation the variable takes on the value's shape
        kept = attrs.get("validate_shape", True) and variable.dims is not None
        return [TensorType(value.dtype, variable.dims if kept else value.dims)]
    return infer


# stores its second input in the variable; the output is the variable's new value
assign = OpDef("Assign", EFFECT, _assigning("Assign"), no_gradient, stateful=True)

# add to and subtract from what the variable holds when they run, so that two in one run both count (passes/update.py)
assign_add = OpDef("AssignAdd", EFFECT, _assigning("AssignAdd"), no_gradient, stateful=True, fields={"update": add})
assign_sub = OpDef("AssignSub", EFFECT, _assigning("AssignSub"), no_gradient, stateful=True,
                   fields={"update": subtract})

no_op = OpDef("NoOp", EFFECT, lambda inputs, attrs: [], stateful=True)


def group(*inputs: Any, name: str | None = None) -> Operation:
    """An operation that has run when all inputs (operations, tensors, or lists of them) have."""
    ops: list[Operation] = []

    def collect(value: Any) -> None:
        if isinstance(value, (list, tuple)):
            for v in value:
                collect(v)
        elif value is not None:
            convert = getattr(value, "_as_graph_element", None)
            element = convert() if convert else value
            op = element.op if isinstance(element, Tensor) else element
            if not isinstance(op, Operation):
                raise TypeError(f"group() expects operations or tensors, received {type(value).__name__}: {value!r}")
            ops.append(op)

    collect(inputs)
    target = building_graph(*ops[:1])
    control = list(dict.fromkeys([*target._control_stack, *ops]))
    return target.add(no_op, (), {}, name or "group_deps", control_inputs=control)
