"""Kernels of transposes by themselves, which walk two axes in blocks: those that are fastest in the input and in the
output. Elements are transposed in vector registers, so that whole vectors are read and written; what keeps the last
axes is copied piece by piece, in the order of the input, so that it is read as one stream and written as few."""
from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod

from ..native.processor import ELEMENT_BYTES, isa, lanes
from .emitter import SplitRun
from .kernel import KernelCall
from .loop_group import LoopGroup
from .text import NATIVE, indent, words

# blocks of rows that a task takes at most, and blocks of columns and elements at least, if there are so many: lines of
# the input that two blocks share are read but once
BLOCKS, SPAN, ELEMENTS = 32, 4, 1 << 12
# rows, and elements of rows and columns, from which on this is always the fastest
FEWEST_ROWS, SMALL = 4, 64
WORD, FEWER = 4, 16  # bytes of a float, and lanes of vectors of what is smaller
# streams that a task writes at most, and the elements that it copies at least
STREAMS, COPIED = 16, 1 << 14
DIMS = ["rows", "row", "row_parts", "columns", "column", "column_parts", "span", "near", "near_from", "near_to"]
COPY_DIMS = ["long", "long_from", "long_to", "long_parts", "height", "short", "short_from", "short_to", "short_parts",
             "count"]

Axis = tuple[int, int, int]  # its size, its steps in the input and in the output


def merged(shape: Sequence[int], perm: Sequence[int]) -> list[Axis]:
    """The axes of the output of a transpose, those of 1 dropped and those joined that stay neighbours."""
    axes: list[Axis] = []
    for k, source in enumerate(perm):
        size, near, far = shape[source], prod(shape[source + 1:]), prod(shape[p] for p in perm[k + 1:])
        if axes and axes[-1][1] == size * near:
            axes[-1] = axes[-1][0] * size, near, far
        elif size != 1:
            axes.append((size, near, far))
    return axes


def lower_transpose(group: LoopGroup, small: bool = False) -> list[KernelCall]:
    """The call of a group that just transposes. Raises SplitRun for others, for elements smaller than a float where the
    processor masks none or few of them lie together, and where rows and columns are one axis or, unless `small`,
    short."""
    ops = [op for op in group.body.operations if op.type != "Parameter"]
    if (len(ops) != 1 or group.full != [ops[0].output] or "permutes" not in ops[0].definition.fields
            or not group.elements or ops[0].inputs[0].op.type != "Parameter"):
        raise SplitRun
    op = ops[0]
    x, size = op.inputs[0], op.output.dtype.size
    assert x.dims is not None
    axes = merged([group.sizes(d) for d in x.dims], op.attrs[op.definition.fields["permutes"]])
    if len(axes) < 2:
        raise SplitRun
    if axes[-1][1] == 1:
        text, sizes, tasks = _copied(*_in_words(axes, size))
    elif size < WORD and not isa().masks:
        raise SplitRun
    else:
        text, sizes, tasks = _transposed(axes, f"{'i' if size < WORD else 'f'}{8 * size}", small)
    return [KernelCall(group.name, text, (group.handle(x), group.handle(op.output)), sizes, tasks, nbytes=group.nbytes,
                       writes=(1,))]


def _in_words(axes: list[Axis], size: int) -> tuple[list[Axis], str]:
    """The axes in units as large as a float at least, and what these are."""
    *outer, (count, _, _) = axes
    units = max(WORD // size, 1)
    if count % units:
        raise SplitRun
    axes = [*((n, near // units, far // units) for n, near, far in outer), (count // units, 1, 1)]
    return axes, f"f{8 * size * units}"


def _copied(axes: list[Axis], code: str) -> tuple[str, tuple[int, ...], int]:
    """Pieces along the last axis. The two axes next to it in the output and in the input are the long one and, walked
    within it, the short one: what is not one stream of memory is a few."""
    size = int(code[1:]) // 8
    count, _, _ = axes.pop()
    short, long = axes.pop(), axes.pop(min(range(len(axes)), key=lambda k: axes[k][1]))
    if long[0] <= STREAMS:
        short, long = long, short
    height = ceil(COPIED / (count * min(short[0], STREAMS)))
    parts = ceil(long[0] / height), ceil(short[0] / STREAMS)
    text = _source(f"copied = copy_block({code!r})", COPY_DIMS, len(axes), f'''
        top = task % long_parts * height
        rest = task // long_parts
        left = rest % short_parts * {STREAMS}
        rest = rest // short_parts
        source = top * long_from + left * short_from
        target = top * long_to + left * short_to
''', f'''
        copied(x + source * {size}, long_from, short_from, out + target * {size}, long_to, short_to,
               min(long - top, height), min(short - left, {STREAMS}), count)
''')
    sizes = (*long, parts[0], height, *short, parts[1], count)
    return text, (*sizes, *(n for axis in axes for n in axis)), prod(parts) * prod(n for n, _, _ in axes)


def _transposed(axes: list[Axis], code: str, small: bool) -> tuple[str, tuple[int, ...], int]:
    """Rows are along the output's last axis, columns along the input's. What an axis between the two has, if there is
    one, is next to the rows, so that these fill lines of the output together."""
    size = ELEMENT_BYTES[code]
    width = lanes(code) if size >= WORD else FEWER
    rows, row, _ = axes.pop()
    near = axes.pop() if axes[-1][1] != 1 else (1, 0, 0)
    columns, _, column = axes.pop(next(k for k, (_, step, _) in enumerate(axes) if step == 1))
    if not small and (rows < FEWEST_ROWS or rows * columns < SMALL):
        raise SplitRun
    span = width * max(SPAN, ceil(ELEMENTS / (width * min(rows, width * BLOCKS) * near[0])))
    parts = ceil(rows / (width * BLOCKS)), ceil(columns / span)
    sizes = (rows, row, parts[0], columns, column, parts[1], span, *near)
    text = _source(f"transposed = transpose_block({code!r}, {width})", DIMS, len(axes), f'''
        top = task % row_parts * {width * BLOCKS}
        rest = task // row_parts
        left = rest % column_parts * span
        rest = rest // column_parts
        source = top * row + left
        target = left * column + top
''', f'''
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
''')
    return text, (*sizes, *(n for axis in axes for n in axis)), prod(parts) * prod(n for n, _, _ in axes)


def _source(native: str, dims: Sequence[str], outer: int, begin: str, block: str) -> str:
    """A kernel whose tasks are blocks, each at its place along the other axes."""
    names = [f"{name}{k}" for k in range(outer) for name in ("size", "from", "to")]
    places = [line for k in reversed(range(outer)) for line in (
        f"source += rest % size{k} * from{k}", f"target += rest % size{k} * to{k}", f"rest = rest // size{k}")]
    name = native.split(" = ")[1].split("(")[0]
    return f'''"""transpose"""
from {NATIVE}.prelude import compiled, word
from {NATIVE}.tiles import {name}

{native}


@compiled
def kernel(buffers, dims, begin, end, lane):
{indent(words("buffers", ["x", "out"]), 1)}
{indent(words("dims", [*dims, *names]), 1)}
    for task in range(begin, end):{begin.rstrip()}
{indent(places, 2)}{block}'''
