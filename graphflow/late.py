"""Arguments that shape a graph (an axis, a permutation) and are data: what they come to is built when they are known.

The run stops where such a value is computed, and what depends on it is compiled for that value (runtime/pieces.py).
"""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compiler import dims as dm
from .compiler.autodiff import gradients
from .compiler.dtypes import DType, as_dtype
from .compiler.errors import DTypeError, InvalidArgumentError, ShapeError
from .compiler.ir import Graph, Operation, Tensor, TensorType
from .compiler.opdef import COMPOSITE, OpDef
from .compiler.ops import cumulative, matrix_parts, slicing, view
from .compiler.ops.arguments import is_tensor
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.state import placeholder
from .compiler.ops.symbolic import static_value
from .runtime.interpreter import interpret

Build = Callable[..., Sequence[Tensor]]  # (the value as an int or a list, the tensors) -> the results


def _types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    value = static_value(inputs[0])
    if value is None or attrs["ranked"] and any(t.dims is None for t in inputs):
        return [TensorType(dtype, None) for dtype in attrs["dtypes"]]
    with Graph().as_default():
        try:
            stand_ins = [placeholder(t.dtype, t.shape) for t in inputs[1:]]
            return [t.type for t in attrs["build"](value.tolist(), *stand_ins)]
        except ShapeError as error:
            raise InvalidArgumentError(error.message) from None


def _expand(value: Tensor, *xs: Tensor, build: Build, dtypes: Any, ranked: bool) -> Sequence[Tensor]:
    known = static_value(value)
    assert known is not None  # a shape operand: the op is compiled when it is there
    return build(known.tolist(), *xs)


def _reference(value: np.ndarray, *xs: np.ndarray, build: Build, dtypes: Any, ranked: bool) -> tuple[np.ndarray, ...]:
    graph = Graph()
    with graph.as_default():
        fed = {placeholder(as_dtype(x.dtype), x.shape): x for x in xs}
        graph.outputs = tuple(build(value.tolist(), *fed))
    return tuple(interpret(graph, fed))


def _grad(op: Operation, *grads: Tensor | None) -> Sequence[Tensor | None]:
    xs, count = op.inputs[1:], len(op.inputs) - 1
    known = [g is not None for g in grads]
    wanted = [k for k, x in enumerate(xs) if x.dtype.is_differentiable]

    def build(value: Any, *tensors: Tensor) -> Sequence[Tensor]:
        ys = [y for y, k in zip(op.attrs["build"](value, *tensors[:count]), known, strict=True) if k]
        # one operand may be made of another, whose gradient that is not
        found = gradients(ys, [tensors[k] for k in wanted], list(tensors[count:]), stop_gradients=tensors[:count])
        return [view.zeros_like(tensors[k]) if g is None else g for k, g in zip(wanted, found, strict=True)]

    given = [g for g in grads if g is not None]
    results: list[Tensor | None] = [None] * (count + 1)
    if wanted and op.outputs[0].dtype.is_differentiable:
        found = _late.operation(op.inputs[0], *xs, *given, build=build, ranked=op.attrs["ranked"],
                                dtypes=tuple(xs[k].dtype for k in wanted))
        for k, g in zip(wanted, found.outputs, strict=True):
            g.dims = xs[k].dims
            results[k + 1] = g
    return results


_late = OpDef("Late", COMPOSITE, _types, _grad, _reference, expand=_expand, fields={"shape_operand": 0})


def late(argument: str, rank: Callable[[int], int] | None = None, dtype: DType | None = None, elements: bool = False
         ) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Let a function's argument be data. Its first argument, a tensor or a list of them, goes through the graph; `rank`
    gives the result's rank from the first one's. The result has that one's dtype unless `dtype` is given. With
    `elements` the function itself takes data of which it knows the shape.

    Raises InvalidArgumentError when the graph runs with a value that the function refuses.
    """
    def decorate(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Tensor:
            # most calls give numbers
            if not any(_may_be_data(a) for a in (*args[1:], *kwargs.values())):
                return function(*args, **kwargs)
            given = signature.bind(*args, **kwargs).arguments
            value = given.get(argument)
            if isinstance(value, (list, tuple)) and any(
                    is_tensor(v) and convert_to_tensor(v).dtype.is_floating for v in value):
                raise DTypeError(f"{function.__name__}: `{argument}` must be of integers. Received: {value}")
            data = convert_to_tensor(value) if _may_be_data(value) else None
            if data is None or not data.dtype.is_integer or static_value(data) is not None or (
                    elements and data.shape.is_fully_defined()):
                return function(*args, **kwargs)
            first = next(iter(signature.parameters))
            return _build(function, data, first, argument, given, rank, dtype)
        return call
    return decorate


def ranked(function: Callable[..., Any], count: int | None = None,
           dtype: Callable[..., DType | tuple[DType, ...]] | None = None) -> Callable[..., Any]:
    """Let a function that must know the ranks of its first `count` arguments (None: of all that are tensors) be called
    before they are known. Its result has the dtype of the first tensor, or what `dtype` says of the arguments: a tuple
    for several results."""
    names = list(inspect.signature(function).parameters)
    asked = {*range(len(names)), *names} if count is None else {*range(count), *names[:count]}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        tensors = {}  # by argument and, in a list, place there
        for key, value in given.items():
            for place, item in enumerate(value if isinstance(value, (list, tuple)) else [value]):
                if is_tensor(item):
                    tensors[key, place] = convert_to_tensor(item)
        if all(t.dims is not None for (key, _), t in tensors.items() if key in asked):
            return function(*args, **kwargs)

        def build(_: int, *values: Tensor) -> Sequence[Tensor]:
            known = {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in given.items()}
            for (key, place), value in zip(tensors, values, strict=True):
                if isinstance(known[key], list):
                    known[key][place] = value
                else:
                    known[key] = value
            found = function(*(known[k] for k in range(len(args))), **{k: known[k] for k in kwargs})
            return list(found) if isinstance(found, (list, tuple)) else [found]

        xs = list(tensors.values())
        element = xs[0].dtype if dtype is None else dtype(*args, **kwargs)
        dtypes = element if isinstance(element, tuple) else (element,)
        results = _late.operation(constant(0), *xs, build=build, ranked=True, dtypes=dtypes,
                                  name=kwargs.get("name") or function.__name__).outputs
        return tuple(results) if isinstance(element, tuple) else results[0]
    return call


def when_known(value: Tensor, xs: Sequence[Tensor], build: Build, dtypes: tuple[DType, ...]) -> Sequence[Tensor]:
    """What `build` makes of an integer scalar, as an int, and of `xs`, when the scalar is known."""
    return _late.operation(value, *xs, build=build, ranked=False, dtypes=dtypes).outputs


def of_rank(x: Tensor, rank: int) -> Tensor:
    """`x`, of which nothing is known, as a tensor of the only rank that an op takes."""
    if x.dims is None:
        x = view.identity(x)
        x.set_shape([None] * rank)
    return x


def _may_be_data(value: Any) -> bool:
    return is_tensor(value) or isinstance(value, (list, tuple)) and any(is_tensor(v) for v in value)


def _build(function: Callable[..., Tensor], data: Tensor, first: str, argument: str, given: dict[str, Any],
           rank: Callable[[int], int] | None, dtype: DType | None) -> Tensor:
    operands = given[first]
    many = isinstance(operands, (list, tuple)) and any(is_tensor(x) for x in operands)
    xs = [convert_to_tensor(x) for x in (operands if many else [operands])]
    rest = {k: v for k, v in given.items() if k not in (first, argument, "name")}
    others = {k: convert_to_tensor(v) for k, v in rest.items() if is_tensor(v)}

    def build(value: Any, *tensors: Tensor) -> Sequence[Tensor]:
        operand = list(tensors[:len(xs)]) if many else tensors[0]
        return [function(**{first: operand, argument: value, **rest}
                         | dict(zip(others, tensors[len(xs):], strict=True)))]

    result = _late(data, *xs, *others.values(), build=build, ranked=False, name=given.get("name") or function.__name__,
                   dtypes=(as_dtype(given.get("output_type", dtype or xs[0].dtype)),))
    if rank is not None and xs[0].dims is not None:
        result.dims = tuple(dm.fresh() for _ in range(rank(len(xs[0].dims))))
    return result


_same = int  # the rank of the result is the first tensor's

concat = late("axis", _same)(ranked(slicing.concat, 1))
pad = late("paddings", _same, elements=True)(slicing.pad)
tile = late("multiples", _same, elements=True)(ranked(slicing.tile, 1))
reverse = late("axis", _same)(view.reverse)
expand_dims = late("axis", lambda rank: rank + 1)(view.expand_dims)
cumsum = late("axis", _same)(cumulative.cumsum)
cumprod = late("axis", _same)(cumulative.cumprod)
tensor_diag, tensor_diag_part = ranked(matrix_parts.tensor_diag), ranked(matrix_parts.tensor_diag_part)
