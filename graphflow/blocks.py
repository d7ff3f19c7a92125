"""Arrays cut into blocks, rolled, repeated and reversed by length, under TensorFlow 1's names."""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .arguments import renamed
from .compiler import dims as dm
from .compiler.errors import ShapeError
from .compiler.ir import Tensor
from .compiler.ops import slicing
from .compiler.ops.constant import constant, convert_to_tensor
from .compiler.ops.dynamic_slice import is_data, items_of, scalar_of, vector_of
from .compiler.ops.elementwise import cast, check_index, where
from .compiler.ops.gather import gather, range_
from .compiler.ops.positions import gather_nd
from .compiler.ops.reduction import reduce_max
from .compiler.ops.selection import where_true
from .compiler.ops.slices import roll as roll_known
from .compiler.ops.symbolic import static_ints, static_value
from .compiler.ops.view import broadcast_to, expand_dims, identity, known_rank, reshape, shape, transpose
from .compiler.shapes import normalize_axis
from .framework import name_scope
from .late import ranked

# blocks of space as examples of the batch (Chen et al. 2017, "Rethinking Atrous Convolution")


@partial(ranked, count=1)
def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """[batch, *space, ...] padded with zeros by `paddings` and cut into blocks of `block_shape`, whose elements go
    into the batch: [batch * prod(block), *space / block, ...]. Raises ValueError where a block does not divide."""
    x = convert_to_tensor(input)
    blocks = [int(b) for b in static_ints("SpaceToBatchND", "block_shape", block_shape)]
    pads = [[int(n) for n in p] for p in static_ints("SpaceToBatchND", "paddings", paddings)]
    count = len(blocks)
    with name_scope(name, "SpaceToBatchND", [x]) as scope:
        rest = len(known_rank("SpaceToBatchND", x)) - 1 - count
        padded = slicing.pad(x, [[0, 0], *pads, *[[0, 0]] * rest])
        batch, *dims = known_rank("SpaceToBatchND", padded)
        space, after = dims[:count], dims[count:]
        for d, b in zip(space, blocks, strict=True):
            if isinstance(d, int) and d % b:
                raise ShapeError(f"SpaceToBatchND: Dimension size must be evenly divisible by {b} but is {d}, in the "
                                 f"padded shape {padded.shape}")
        split = reshape(padded, [batch, *[n for d, b in zip(space, blocks, strict=True) for n in (d // b, b)], *after])
        order = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count + 1, 2),
                 *range(2 * count + 1, 2 * count + 1 + len(after))]
        return reshape(transpose(split, order), [batch * dm.product(blocks),
                                                 *[d // b for d, b in zip(space, blocks, strict=True)], *after], scope)


@partial(ranked, count=1)
def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """The inverse of `space_to_batch_nd`: blocks put back into space, from which `crops` is then cut off."""
    x = convert_to_tensor(input)
    blocks = [int(b) for b in static_ints("BatchToSpaceND", "block_shape", block_shape)]
    cuts = [[int(n) for n in p] for p in static_ints("BatchToSpaceND", "crops", crops)]
    count = len(blocks)
    with name_scope(name, "BatchToSpaceND", [x]) as scope:
        batch, *dims = known_rank("BatchToSpaceND", x)
        space, after = dims[:count], dims[count:]
        if isinstance(batch, int) and batch % dm.product(blocks):
            raise ShapeError(f"BatchToSpaceND: Dimension size must be evenly divisible by {dm.product(blocks)} but is "
                             f"{batch}")
        examples = batch // dm.product(blocks)
        split = reshape(x, [*blocks, examples, *space, *after])
        order = [count, *[n for k in range(count) for n in (count + 1 + k, k)],
                 *range(2 * count + 1, 2 * count + 1 + len(after))]
        joined = [d * b for d, b in zip(space, blocks, strict=True)]
        whole = reshape(transpose(split, order), [examples, *joined, *after])
        begin = [0, *[c[0] for c in cuts], *[0] * len(after)]
        size = [-1, *[d - c[0] - c[1] for d, c in zip(joined, cuts, strict=True)], *[-1] * len(after)]
        return slicing.slice_(whole, begin, size, scope)


def space_to_batch(input: Any, paddings: Any, block_size: Any = None, name: str | None = None,
                   block_shape: Any = None) -> Tensor:
    """`space_to_batch_nd` with square blocks over height and width."""
    size = static_ints("SpaceToBatch", "block_size", renamed("block_shape", block_shape, "block_size", block_size))
    return space_to_batch_nd(input, [size, size] if np.ndim(size) == 0 else size, paddings, name or "SpaceToBatch")


def batch_to_space(input: Any, crops: Any, block_size: Any = None, name: str | None = None,
                   block_shape: Any = None) -> Tensor:
    """`batch_to_space_nd` with square blocks over height and width."""
    size = static_ints("BatchToSpace", "block_size", renamed("block_shape", block_shape, "block_size", block_size))
    return batch_to_space_nd(input, [size, size] if np.ndim(size) == 0 else size, crops, name or "BatchToSpace")


def required_space_to_batch_paddings(input_shape: Any, block_shape: Any, base_paddings: Any = None,
                                     name: str | None = None) -> tuple[Tensor, Tensor]:
    """(paddings that make `input_shape` a multiple of `block_shape`, the crops that take them off again)."""
    with name_scope(name, "required_space_to_batch_paddings"):
        sizes, blocks = (np.array(static_ints("required_space_to_batch_paddings", "sizes", v)).reshape(-1)
                         for v in (input_shape, block_shape))
        base = np.zeros((len(sizes), 2), np.int64) if base_paddings is None else np.array(
            static_ints("required_space_to_batch_paddings", "base_paddings", base_paddings)).reshape(-1, 2)
        extra = -(sizes + base.sum(1)) % blocks
        pads = np.stack([base[:, 0], base[:, 1] + extra], 1).astype(np.int32)
        crops = np.stack([np.zeros_like(extra), extra], 1).astype(np.int32)
        return constant(pads, name="paddings"), constant(crops, name="crops")


# moved and repeated


@partial(ranked, count=1)
def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements moved on by `shift` along `axis` (or several), those at the end returning to the start."""
    x = convert_to_tensor(input)
    axes = np.atleast_1d(static_ints("Roll", "axis", axis)).tolist()
    shifts = items_of("Roll", "shift", shift if np.ndim(axis) else [shift])
    dims = known_rank("Roll", x)
    axes = [normalize_axis("Roll", at, len(dims)) for at in axes]
    if all(isinstance(by, int) for by in shifts):
        return roll_known(x, [sum(by for by, at in zip(shifts, axes, strict=True) if at == k)  # type: ignore[misc]
                              for k in range(len(dims))], name)
    with name_scope(name, "Roll", [x]) as scope:
        for by, k in zip(shifts, axes, strict=True):
            x = gather(x, (range_(dims[k]) - cast(scalar_of(by), "int32")) % scalar_of(dims[k]), k)
        return identity(x, scope)


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Each element (or slice along `axis`) `repeats` times, one number for all or one for each; flat without axis."""
    x = convert_to_tensor(input)
    with name_scope(name, "Repeat", [x]) as scope:
        if axis is None:
            x, axis = reshape(x, [-1]), 0
        dims = known_rank("Repeat", x)
        at = normalize_axis("Repeat", static_ints("Repeat", "axis", axis), len(dims))
        times = convert_to_tensor(repeats)
        if times.dims == () or times.dims == (1,):
            one = times if times.dims == () else reshape(times, ())
            count, = items_of("Repeat", "repeats", [one])
            wide = broadcast_to(expand_dims(x, at + 1), vector_of([*dims[:at + 1], count, *dims[at + 1:]]))
            total = dims[at] * count if not is_data([count]) else scalar_of(dims[at]) * cast(scalar_of(count), "int32")
            return reshape(wide, vector_of([*dims[:at], total, *dims[at + 1:]]), scope)
        rows = known_rank("Repeat", times)[0]
        hits = range_(reduce_max(times)) < expand_dims(times, -1)
        index = broadcast_to(expand_dims(range_(rows), -1), shape(hits))
        return gather(x, gather_nd(index, where_true(hits)), at, name=scope)


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """`stack` along the first axis of tensors whose shapes are known."""
    return slicing.stack([convert_to_tensor(v) for v in values], 0, name)


@partial(ranked, count=1)
def reverse_sequence(input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None,
                     name: str | None = None, seq_dim: Any = None, batch_dim: Any = None) -> Tensor:
    """The first seq_lengths[i] elements along `seq_axis` of example i (along `batch_axis`, default 0) in reverse."""
    x, lengths = convert_to_tensor(input), convert_to_tensor(seq_lengths)
    dims = known_rank("ReverseSequence", x)
    along = renamed("seq_axis", seq_axis, "seq_dim", seq_dim)
    if along is None:
        raise ValueError("seq_axis must be specified")
    time = normalize_axis("ReverseSequence", along, len(dims))
    batch = normalize_axis("ReverseSequence", renamed("batch_axis", batch_axis, "batch_dim", batch_dim) or 0, len(dims))
    if time == batch:
        raise ValueError(f"ReverseSequence: batch_dim == seq_dim == {time}")
    with name_scope(name, "ReverseSequence", [x]) as scope:
        # examples first and steps second; each step is gathered from its place, as a flat row
        rest = [k for k in range(len(dims)) if k not in (batch, time)]
        order = [batch, time, *rest]
        moved = transpose(x, order) if order != sorted(order) else x
        count, steps, *others = known_rank("ReverseSequence", moved)
        at, ends = expand_dims(range_(steps), 0), expand_dims(cast(lengths, "int32"), 1)
        ends = check_index(ends, scalar_of(steps) + 1, "seq_lens: {0} is not between 0 and the number of steps")
        source = where(at < ends, ends - 1 - at, at) + expand_dims(range_(count), 1) * scalar_of(steps)
        turned = gather(reshape(moved, (count * steps, *others)), source)
        if moved is x:
            result = identity(turned, scope)
        else:
            result = transpose(turned, np.argsort(order), scope)
        result.set_shape(x.shape)
        return result


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None) -> Tensor:
    """For each length a row of `maxlen` elements (default: the largest length), true before that length."""
    x = convert_to_tensor(lengths)
    with name_scope(name, "SequenceMask", [x]):
        if maxlen is None:
            value = static_value(x)
            limit: Any = reduce_max(x) if value is None else int(value.max(initial=0))
        else:
            limit = maxlen
        return cast(cast(range_(limit), x.dtype) < expand_dims(x, -1), dtype)


