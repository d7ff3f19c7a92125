"""Kernels of transposes by themselves: square blocks of the axes that are fastest in the input and in the output, each
transposed in registers, so that whole vectors are read and written."""
from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod

from ..native.processor import lanes
from ..opdef import crosses
from .conv_common import NATIVE, indent, words
from .emitter import SplitRun
from .kernel import KernelCall
from .loop_group import LoopGroup

# blocks of rows that a task takes at most, and blocks of columns and elements at least, if there are so many: lines of
# the input that two blocks share are read but once
BLOCKS, SPAN, ELEMENTS = 32, 4, 1 << 12
# rows, and elements of rows and columns, from which on this is always the fastest
FEWEST_ROWS, SMALL = 4, 64
DIMS = ["rows", "row", "row_parts", "columns", "column", "column_parts", "span", "near", "near_from", "near_to"]


def merged(shape: Sequence[int], perm: Sequence[int]) -> list[tuple[int, int, int]]:
    """(size, step in the input, step in the output) of each axis of the output of a transpose, those of 1 dropped and
    those joined that stay neighbours."""
    axes: list[tuple[int, int, int]] = []
    for k, source in enumerate(perm):
        size, near, far = shape[source], prod(shape[source + 1:]), prod(shape[p] for p in perm[k + 1:])
        if axes and axes[-1][1] == size * near:
            axes[-1] = axes[-1][0] * size, near, far
        elif size != 1:
            axes.append((size, near, far))
    return axes


def lower_transpose(group: LoopGroup, small: bool = False) -> list[KernelCall]:
    """Rows are along the output's last axis, columns along the input's. What an axis between the two has, if there is
    one, is next to the rows, so that these fill lines of the output together. Raises SplitRun where the group does not
    just transpose elements as large as a float's, and where rows and columns are one axis or, unless `small`, short."""
    ops = [op for op in group.body.operations if op.type != "Parameter"]
    if (len(ops) != 1 or group.full != [ops[0].output] or not crosses(ops[0]) or not group.elements
            or ops[0].inputs[0].op.type != "Parameter" or ops[0].output.dtype.size not in (4, 8)):
        raise SplitRun
    op = ops[0]
    x, size = op.inputs[0], op.output.dtype.size
    assert x.dims is not None
    axes = merged([group.sizes(d) for d in x.dims], op.attrs[op.definition.fields["permutes"]])
    if len(axes) < 2 or axes[-1][1] == 1:
        raise SplitRun
    rows, row, _ = axes.pop()
    near = axes.pop() if axes[-1][1] != 1 else (1, 0, 0)
    columns, _, column = axes.pop(next(k for k, (_, step, _) in enumerate(axes) if step == 1))
    if not small and (rows < FEWEST_ROWS or rows * columns < SMALL):
        raise SplitRun
    code, width = f"f{8 * size}", lanes(f"f{8 * size}")
    span = width * max(SPAN, ceil(ELEMENTS / (width * min(rows, width * BLOCKS) * near[0])))
    parts = ceil(rows / (width * BLOCKS)), ceil(columns / span)
    sizes = (rows, row, parts[0], columns, column, parts[1], span, *near, *(n for axis in axes for n in axis))
    return [KernelCall(group.name, _source(code, width, size, len(axes)), (group.handle(x), group.handle(op.output)),
                       sizes, prod(parts) * prod(n for n, _, _ in axes), nbytes=group.nbytes, writes=(1,))]


def _source(code: str, width: int, size: int, outer: int) -> str:
    names = [f"{name}{k}" for k in range(outer) for name in ("size", "from", "to")]
    places = [line for k in reversed(range(outer)) for line in (
        f"source += rest % size{k} * from{k}", f"target += rest % size{k} * to{k}", f"rest = rest // size{k}")]
    return f'''"""transpose"""
from {NATIVE}.prelude import compiled, word
from {NATIVE}.tiles import transpose_block

transposed = transpose_block({code!r})


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "out"]), 1)}
{indent(words("dims", DIMS + names), 1)}
    for task in range(begin, end):
        top = task % row_parts * {width * BLOCKS}
        rest = task // row_parts
        left = rest % column_parts * span
        rest = rest // column_parts
        source = top * row + left
        target = left * column + top
{indent(places, 2)}
        height = min(rows - top, {width * BLOCKS})
        breadth = min(columns - left, span)
        for k in range(near):
            for block in range((height + {width - 1}) // {width}):
                first = block * {width}
                for part in range((breadth + {width - 1}) // {width}):
                    beside = part * {width}
                    transposed(x + (source + k * near_from + first * row + beside) * {size}, row,
                               out + (target + k * near_to + first + beside * column) * {size}, column,
                               min(height - first, {width}), min(breadth - beside, {width}))
'''
