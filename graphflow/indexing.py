"""Indexing under TensorFlow 1's names: gather, scatter, masks, sets, partitions."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .arguments import before_name
from .compiler import dims as dm
from .compiler.dtypes import int32
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.names import named
from .compiler.opdef import OpDef
from .compiler.ops import gather as _gather
from .compiler.ops import positions, scatter, selection
from .compiler.ops.arguments import convert_all
from .compiler.ops.constant import convert_to_tensor
from .compiler.ops.elementwise import cast, logical_and
from .compiler.ops.elementwise import where as select
from .compiler.ops.reduction import reduce_all
from .compiler.ops.slicing import concat, stack, unstack
from .compiler.ops.symbolic import static_ints
from .compiler.ops.view import broadcast_to, expand_dims, known_rank, reshape, shape_of, transpose, zeros_of
from .compiler.shapes import normalize_axis, unequal
from .framework import name_scope
from .late import late, ranked
from .variables import change_rows, change_slices

boolean_mask = selection.boolean_mask
unique = selection.unique
unique_with_counts = selection.unique_with_counts
dynamic_partition = selection.dynamic_partition
dynamic_stitch = selection.dynamic_stitch
invert_permutation = selection.invert_permutation
tensor_scatter_update = positions.tensor_scatter_update
tensor_scatter_nd_update = tensor_scatter_update
POLICIES = ("", "DEFAULT", "ERROR", "IGNORE")


def setdiff1d(x: Any, y: Any, index_dtype: Any = int32, name: str | None = None) -> Any:
    """(elements of vector `x` that are not in `y`, their positions)."""
    return selection.setdiff1d(x, y, index_dtype, name)


@late("axis")
def gather(params: Any, indices: Any, validate_indices: Any = None, name: str | None = None, axis: Any = None,
           batch_dims: int = 0) -> Any:
    """Slices of `params` along `axis` (default: the first after the batch axes) at `indices`.

    The first `batch_dims` axes of both count examples, each of which is gathered from by itself. Raises
    InvalidArgumentError at run time for an index outside the axis.
    """
    position = batch_dims if axis is None else static_ints("GatherV2", "axis", axis)
    if not batch_dims:
        return _gather.gather(params, indices, position, name or "GatherV2")
    x, wanted = convert_to_tensor(params), convert_to_tensor(indices)
    dims, own = known_rank("GatherV2", x), known_rank("GatherV2", wanted)
    at = normalize_axis("GatherV2", position, len(dims))
    count = batch_dims if batch_dims >= 0 else batch_dims + len(own)
    if not 0 <= count <= min(len(own), at):
        raise ValueError(f"batch_dims = {batch_dims} must be at most axis = {at} and the rank of the indices")
    with name_scope(name, "GatherV2", [x]):
        # the gathered axis first after the batch, where those of the indices take its place; then back
        moved = transpose(x, [*range(count), at, *range(count, at), *range(at + 1, len(dims))]) if at > count else x
        batch, rest = dims[:count], [d for k, d in enumerate(dims) if k >= count and k != at]
        checked = select(wanted >= 0, wanted, cast(convert_to_tensor(2**31 - 1), wanted.dtype))
        flat = checked + positions.batch_offsets(wanted, batch, dims[at])
        found = _gather.gather(reshape(moved, (dm.product((*batch, dims[at])), *rest)), flat)
        middle, width = at - count, len(own) - count
        order = [*range(count), *range(count + width, count + width + middle), *range(count, count + width),
                 *range(count + width + middle, len(own) + len(rest))]
        return transpose(found, order) if middle else found


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """Slices at `indices`, all of whose axes but the last count examples."""
    wanted = convert_to_tensor(indices)
    count = len(known_rank("batch_gather", wanted)) - 1
    if count < 0:
        raise ValueError("batch_gather does not allow indices with unknown shape.")
    return gather(params, wanted, name=name or "BatchGatherV2", batch_dims=count)


def _depth(indices: Tensor) -> Tensor | None:
    """How many axes the last axis of the indices addresses, where only the run tells."""
    known = indices.dims is not None and (not indices.dims or isinstance(indices.dims[-1], int))
    return None if known else shape_of(indices)[-1]


def _deep(indices: Any, depth: int | None) -> Tensor:
    found = convert_to_tensor(indices)
    return found if depth is None else reshape(found, (*known_rank("GatherNd", found)[:-1], depth))


@late("depth")
@ranked
def _gather_nd(params: Any, indices: Any, depth: int | None, batch_dims: int, name: str | None = None) -> Tensor:
    return positions.gather_nd(params, _deep(indices, depth), batch_dims, name or "GatherNd")


@late("depth")
@partial(ranked, count=2)
def _scatter_nd(updates: Any, indices: Any, depth: int | None, shape: Any, name: str | None = None) -> Tensor:
    return positions.scatter_nd(_deep(indices, depth), updates, shape, name or "ScatterNd")


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0,
              bad_indices_policy: str = "") -> Tensor:
    """The elements or slices at the positions that the last axis of `indices` holds.

    A position outside raises InvalidArgumentError when the graph runs; `bad_indices_policy="IGNORE"` gives 0 there.
    """
    at = convert_to_tensor(indices, name="GatherNd/indices")
    if bad_indices_policy == "IGNORE":
        x = convert_to_tensor(params)
        sizes = cast(shape_of(x)[batch_dims:][:known_rank("GatherNd", at)[-1]], at.dtype)
        inside = reduce_all(logical_and(at >= 0, at < sizes), -1)
        found = _gather_nd(x, select(expand_dims(inside, -1), at, zeros_of(at)), _depth(at), batch_dims)
        kept = inside
        for _ in range(len(known_rank("GatherNd", found)) - len(known_rank("GatherNd", inside))):
            kept = expand_dims(kept, -1)
        return select(kept, found, zeros_of(found), name=name or "GatherNd")
    return _gather_nd(params, at, _depth(at), batch_dims, name=name or "GatherNd")


def scatter_nd(indices: Any, updates: Any, shape: Any, bad_indices_policy: str = "", name: str | None = None) -> Tensor:
    """Zeros of `shape` with `updates` added at the positions that the last axis of `indices` holds.

    A position outside raises InvalidArgumentError when the graph runs; `bad_indices_policy="IGNORE"` leaves it out.
    """
    policy, name = before_name(bad_indices_policy, name, "", POLICIES)
    at = convert_to_tensor(indices, name="ScatterNd/indices")
    if policy == "IGNORE":
        at, updates = _inside(at, updates, convert_to_tensor(shape))
    return _scatter_nd(updates, at, _depth(at), shape, name=name or "ScatterNd")


def _inside(indices: Tensor, updates: Any, dims: Tensor) -> tuple[Tensor, Tensor]:
    """The positions that lie within `dims`, and their updates."""
    values = convert_to_tensor(updates)
    sizes = cast(dims[:known_rank("ScatterNd", indices)[-1]], indices.dtype)
    inside = reduce_all(logical_and(indices >= 0, indices < sizes), -1)
    return boolean_mask(indices, inside), boolean_mask(values, inside)


def _scattered(build: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`build` with a `bad_indices_policy` (see scatter_nd) before the name."""
    def scatter(tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "",
                name: str | None = None) -> Tensor:
        policy, name = before_name(bad_indices_policy, name, "", POLICIES)
        if policy != "IGNORE":
            return build(tensor, indices, updates, name)
        x = convert_to_tensor(tensor)
        return build(x, *_inside(convert_to_tensor(indices), convert_to_tensor(updates, x.dtype), shape_of(x)), name)
    return named(build.__name__, scatter, (
        f"{build.__doc__}\nA position outside raises InvalidArgumentError when the graph runs; "
        '`bad_indices_policy="IGNORE"` leaves it out.'))


tensor_scatter_add = tensor_scatter_nd_add = _scattered(positions.tensor_scatter_add)
tensor_scatter_sub = tensor_scatter_nd_sub = _scattered(positions.tensor_scatter_sub)
tensor_scatter_nd_max = _scattered(positions.tensor_scatter_max)
tensor_scatter_nd_min = _scattered(positions.tensor_scatter_min)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Elements of `x` where `condition` holds, of `y` elsewhere; without both, the positions of true elements.

    `x` and `y` have one shape; the condition has the same, or is a vector that selects rows. A scalar beside a tensor
    is broadcast, as TensorFlow 2 does, where TensorFlow 1 refuses it. Positions are int64 [count, rank]. Raises
    ValueError when only one of `x` and `y` is given.
    """
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        return selection.where_true(condition, name or "Where")
    test = convert_to_tensor(condition)
    a, b = convert_all("where", (x, y))
    if a.dims != b.dims and () in (a.dims, b.dims):
        return select(test, a, b, name=name or "SelectV2")
    if not a.shape.is_compatible_with(b.shape):
        raise ShapeError(f"Select: {unequal(a.dims, b.dims)}: x has shape {a.shape}, y {b.shape}")
    if test.dims is not None and a.dims is not None and len(test.dims) == 1 and len(a.dims) > 1:
        if not a.shape[:1].is_compatible_with(test.shape):
            raise ShapeError(f"Select: {unequal(test.dims, a.dims[:1])}: the condition has shape {test.shape}, x "
                             f"{a.shape}")
        test = reshape(test, (test.dims[0], *[1] * (len(a.dims) - 1)))
    chosen = select(test, a, b, name=name or "Select")
    if test.dims is None:
        chosen.set_shape(a.shape.merge_with(b.shape))
    return chosen


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """`where` with NumPy's broadcasting of all three."""
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        return selection.where_true(condition, name or "Where")
    return select(condition, x, y, name=name or "SelectV2")


# rows of variables


def _rows(name: str, change: Callable[..., Tensor], op: OpDef, doc: str) -> Callable[..., Tensor]:
    def update(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        return change(op, ref, indices, updates, name)
    return named(name, update, f"{doc} at `indices`, one after another; the result is the variable's new value.")


scatter_update = _rows("scatter_update", change_rows, scatter.scatter_update, "Replace rows of a variable by `updates`")
scatter_add = _rows("scatter_add", change_rows, scatter.scatter_add, "Add `updates` to rows of a variable")
scatter_sub = _rows("scatter_sub", change_rows, scatter.scatter_sub, "Subtract `updates` from rows of a variable")
scatter_mul = _rows("scatter_mul", change_rows, scatter.scatter_mul, "Multiply rows of a variable by `updates`")
scatter_div = _rows("scatter_div", change_rows, scatter.scatter_div, "Divide rows of a variable by `updates`")
scatter_min = _rows("scatter_min", change_rows, scatter.scatter_min, "The smaller of a variable's rows and `updates`")
scatter_max = _rows("scatter_max", change_rows, scatter.scatter_max, "The larger of a variable's rows and `updates`")
scatter_nd_update = _rows("scatter_nd_update", change_slices, scatter.scatter_update, "Replace parts of a variable")
scatter_nd_add = _rows("scatter_nd_add", change_slices, scatter.scatter_add, "Add to parts of a variable")
scatter_nd_sub = _rows("scatter_nd_sub", change_slices, scatter.scatter_sub, "Subtract from parts of a variable")


def batch_scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True,
                         name: str | None = None) -> Tensor:
    """`scatter_update` of each example by itself: all axes of `indices` but the last count them."""
    rows = convert_to_tensor(indices)
    own = known_rank("batch_scatter_update", rows)
    count = len(own) - 1
    grid = [cast(expand_dims(axis, -1), rows.dtype) for axis in _grid(own)[:count]]
    return scatter_nd_update(ref, concat([*grid, expand_dims(rows, -1)], -1), updates, name=name)


def _grid(dims: Any) -> list[Tensor]:
    return [broadcast_to(reshape(_gather.range_(d), [-1 if k == axis else 1 for k in range(len(dims))]), dims)
            for axis, d in enumerate(dims)]


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Flat positions as one row of coordinates for each axis of a tensor of shape `dims`."""
    flat = convert_to_tensor(indices)
    sizes = convert_to_tensor(dims, flat.dtype)
    with name_scope(name, "UnravelIndex", [flat]) as scope:
        rest, rows = flat, []
        for size in reversed(unstack(sizes)):
            rows.append(rest % size)
            rest = rest // size
        return stack(rows[::-1], 0, scope)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """The variable's value, which grows by one. Raises OutOfRangeError when the run finds it at `limit`."""
    return ref.count_up_to(limit)
