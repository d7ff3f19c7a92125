"""Values, dtypes, shapes, and parts of tensors."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import control_flow, custom_gradients, indexing, math_ops
from ...compiler import dims as dm
from ...compiler.dtypes import as_dtype, int32
from ...compiler.ir import Tensor
from ...compiler.ops import elementwise as ew
from ...compiler.ops import positions, segment, slicing, view
from ...compiler.ops.constant import convert_to_tensor as _tensor
from ...compiler.ops.dynamic_slice import overwrite
from ...compiler.ops.view import dim_scalar
from ...gradient_tape import GradientTape
from .. import backend
from ..nest import flatten, map_structure, pack
from .dtypes import as_tensor, standardize_dtype


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Tensor:
    """The tensor of an array, number, variable or tensor, in that dtype if one is given.

    `sparse` and `ragged` are accepted: tensors are dense.
    """
    return as_tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """The value of a tensor that needs no feeds, or of a variable."""
    return np.asarray(backend.eval(x))


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of a graph."""
    return isinstance(x, Tensor)


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype."""
    return ew.cast(_tensor(x), as_dtype(standardize_dtype(dtype)))


def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype, values outside its range as the nearest inside."""
    return math_ops.saturate_cast(x, as_dtype(standardize_dtype(dtype)))


def dtype(x: Any) -> str:
    """The name of the dtype of `x`."""
    return _tensor(x).dtype.name


def shape(x: Any) -> Any:
    """The sizes as a tuple: integers where they are known, scalar tensors where they are not."""
    tensor = _tensor(x)
    if tensor.dims is None:
        return view.shape(tensor)
    return tuple(d if isinstance(d, int) else dim_scalar(d) for d in tensor.dims)


def stop_gradient(variable: Any) -> Tensor:
    """The same value, through which no gradient flows."""
    return view.stop_gradient(variable)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, whose size `num` says if it is unknown."""
    return slicing.unstack(x, num, axis)


# parts

def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The part of that shape that starts there."""
    return slicing.slice_(inputs, start_indices, shape)


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """`inputs` with the part that starts there replaced by `updates`."""
    tensor = _tensor(inputs)
    starts = as_tensor(start_indices, "int32")
    new = as_tensor(updates, tensor.dtype)
    return overwrite(tensor, starts, new, (1,) * len(view.known_rank("slice_update", new)))


def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros of that shape, to which `values` are added at the positions that the last axis of `indices` holds."""
    return indexing.scatter_nd(_integers(indices), _tensor(values), shape)


def _integers(indices: Any) -> Tensor:
    tensor = _tensor(indices)
    return tensor if tensor.dtype.name in ("int32", "int64") else ew.cast(tensor, int32)


_UPDATES: dict[str | None, Callable[..., Tensor]] = {
    None: positions.tensor_scatter_update, "add": positions.tensor_scatter_add, "max": positions.tensor_scatter_max,
    "min": positions.tensor_scatter_min}


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """`inputs` with `updates` at the positions that the last axis of `indices` holds.

    They replace what stands there, or are combined with it by `reduction`: "add", "max", "min" or "mul". Raises
    ValueError for another.
    """
    tensor, places = _tensor(inputs), _integers(indices)
    new = as_tensor(updates, tensor.dtype)
    if reduction == "mul":
        return _multiplied(tensor, places, new)
    if reduction not in _UPDATES:
        raise ValueError(f"Unsupported reduction: {reduction}. Expected one of None, 'add', 'max', 'min', 'mul'.")
    return _UPDATES[reduction](tensor, places, new)


def _multiplied(tensor: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    dims = view.known_rank("scatter_update", tensor)
    flat, depth = positions.flat_positions("scatter_update", indices, dims)
    rows, inner = dm.product(dims[:depth]), dm.product(dims[depth:])
    factors = segment.unsorted_segment_prod(view.reshape(updates, (-1, inner)), view.reshape(flat, (-1,)),
                                            dim_scalar(rows))
    return tensor * view.reshape(factors, dims)


# gradients

def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose `f(*args)` gives (outputs, function from the outputs' gradients to those of the arguments)."""
    return custom_gradients.custom_gradient(f)


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """(fun(*primals), how its outputs change as the primals change by the tangents[, what else `fun` gave]).

    The derivative along the tangents is the gradient of a gradient: that of the outputs, which is linear in the
    weights of the outputs, by these weights.
    """
    inputs = map_structure(_tensor, tuple(primals))
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(inputs)
            result = fun(*inputs)
        outputs, aux = result if has_aux else (result, None)
        flat = flatten(outputs)
        weights = [view.ones_like(y) for y in flat]
        outer.watch(weights)
        back = inner.gradient(flat, flatten(inputs), weights)
    known = [(g, as_tensor(t, g.dtype)) for g, t in zip(back, flatten(tangents), strict=True) if g is not None]
    forward = outer.gradient([g for g, _ in known], weights, [t for _, t in known]) if known else [None] * len(flat)
    found = pack(outputs, [view.zeros_like(y) if d is None else d for d, y in zip(forward, flat, strict=True)])
    return (outputs, found, aux) if has_aux else (outputs, found)


# axes by name

def _groups(pattern: str) -> list[list[str]]:
    return [re.findall(r"\w+", axis) for axis in re.findall(r"\w+|\(.*?\)", pattern)]


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """The axes in another order, split and joined as einops writes it: "b (h w) c -> b c h w", h=4.

    Raises ValueError for a pattern that does not fit.
    """
    x = _tensor(tensor)
    left, arrow, right = pattern.partition("->")
    before, after = _groups(left), _groups(right)
    names = [name for group in before for name in group]
    dims = view.known_rank("rearrange", x)
    if not arrow or len(before) != len(dims) or sorted(names) != sorted(name for group in after for name in group):
        raise ValueError(f"The pattern {pattern!r} does not fit a tensor of shape {x.shape}, or names other axes on "
                         "one side than on the other.")
    sizes: dict[str, Any] = dict(axes_lengths)
    for group, size in zip(before, dims, strict=True):
        unknown = [name for name in group if name not in sizes]
        if len(unknown) > 1:
            raise ValueError(f"The sizes of axes {unknown} in pattern {pattern!r} must be given.")
        if unknown:
            sizes[unknown[0]] = size // dm.product(sizes[name] for name in group if name in sizes)
    split = view.reshape(x, [sizes[name] for name in names])
    moved = view.transpose(split, [names.index(name) for group in after for name in group])
    return view.reshape(moved, [dm.product(sizes[name] for name in group) for group in after])


__all__ = [
    "cast", "convert_to_numpy", "convert_to_tensor", "custom_gradient", "dtype", "is_tensor", "jvp", "rearrange",
    "saturate_cast", "scatter", "scatter_update", "shape", "slice", "slice_update", "stop_gradient", "unstack",
]


def cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    """`true_fn()` where `pred` holds, else `false_fn()`."""
    return control_flow.cond(pred, true_fn, false_fn)


def while_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any = None) -> Any:
    """`loop_vars = body(*loop_vars)` while `cond(*loop_vars)`."""
    return control_flow.while_loop(cond, body, loop_vars, maximum_iterations=maximum_iterations)
