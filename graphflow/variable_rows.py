"""Rows and slices of variables changed where they are: `tf.scatter_update` and its kin."""
from __future__ import annotations

from typing import Any

from .compiler.ir import Tensor
from .compiler.opdef import OpDef
from .compiler.ops import scatter
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.positions import flat_positions
from .compiler.ops.view import broadcast_to


def handle_of(ref: Any) -> Tensor:
    """The variable behind a Variable, its handle, or a read of it. Raises AttributeError for anything else."""
    if hasattr(ref, "handle"):
        return ref.handle
    if isinstance(ref, Tensor):
        if ref.op.type == "VariableV2":
            return ref
        if ref.op.inputs and ref.op.inputs[0].op.type == "VariableV2":  # a read, or what an assignment gives
            return ref.op.inputs[0]
    raise AttributeError(f"Only a variable can be assigned to, received {ref!r}")


def change_rows(op: OpDef, ref: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """Change rows of a variable with a row op (see compiler/ops/scatter.py); the result is the new value.

    `updates` have the shape indices.shape + ref.shape[1:], or are one number. Raises ValueError for other shapes,
    InvalidArgumentError when the graph runs with an index outside the variable.
    """
    handle, at = handle_of(ref), convert_to_tensor(indices)
    new = convert_to_tensor(updates, handle.dtype)
    if new.dims == () and at.dims is not None and handle.dims is not None and len(at.dims) + len(handle.dims) > 1:
        new = broadcast_to(new, (*at.dims, *handle.dims[1:]))
    return op(handle, at, new, depth=1, name=name)


def change_slices(op: OpDef, ref: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """As `change_rows`, at the positions that the last axis of `indices` holds."""
    handle, at = handle_of(ref), convert_to_tensor(indices)
    if handle.dims is None:
        raise ValueError(f"{op.name}: the rank of the variable {handle.op.name!r} must be known")
    flat, depth = flat_positions(op.name, at, handle.dims)
    return op(handle, flat, convert_to_tensor(updates, handle.dtype), depth=depth, name=name)


def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Tensor:
    """ref[indices[i]] = updates[i] for each i in turn; the result is the new value."""
    return change_rows(scatter.scatter_update, ref, indices, updates, name)


def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices[i]] += updates[i] for each i; the result is the new value."""
    return change_rows(scatter.scatter_add, ref, indices, updates, name)


def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices[i]] -= updates[i] for each i; the result is the new value."""
    return change_rows(scatter.scatter_sub, ref, indices, updates, name)


def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices[i]] *= updates[i] for each i; the result is the new value."""
    return change_rows(scatter.scatter_mul, ref, indices, updates, name)


def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices[i]] /= updates[i] for each i; the result is the new value."""
    return change_rows(scatter.scatter_div, ref, indices, updates, name)


def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices[i]] = min(ref[indices[i]], updates[i]) for each i; the result is the new value."""
    return change_rows(scatter.scatter_min, ref, indices, updates, name)


def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """ref[indices[i]] = max(ref[indices[i]], updates[i]) for each i; the result is the new value."""
    return change_rows(scatter.scatter_max, ref, indices, updates, name)


def scatter_nd_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True,
                      name: str | None = None) -> Tensor:
    """Store `updates` at the positions in the last axis of `indices`; the result is the new value."""
    return change_slices(scatter.scatter_update, ref, indices, updates, name)


def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Add `updates` at the positions in the last axis of `indices`; the result is the new value."""
    return change_slices(scatter.scatter_add, ref, indices, updates, name)


def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """Subtract `updates` at the positions in the last axis of `indices`; the result is the new value."""
    return change_slices(scatter.scatter_sub, ref, indices, updates, name)
