"""Kernels of ops that address rows by value: tasks own ranges of rows, so that none collide."""
from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..ir import Operation, Tensor
from .boxes import HEADER, SCATTER_TASKS
from .emitter import STATUS
from .kernel import KernelCall, Scratch

# a call scans all indices for the rows of its tasks
SCAN = '''    {first} = word(buffers, 0)
    indices = word(buffers, 1)
    out = word(buffers, 2)
    status = word(buffers, 3)
    count = word(dims, 0)
    rows = word(dims, 1)
    inner = word(dims, 2)
    parts = word(dims, 3)
    fault = word(dims, 4)
{more}    low = rows * begin // parts
    high = rows * end // parts
'''
ROW = '''    for {order}:
        row = i64(load_{index}(indices, i, 1))
'''
CHECK = '''        if row < 0 or row >= rows:
            store_i64(status, 1, row, -1)
            store_i64(status, 2, rows, -1)
            store_i64(status, 3, {place}, -1)
            store_i64(status, 0, fault, -1)
'''
FORWARD, BACKWARD = "i in range(count)", "k in range(count)"

# an index out of range leaves all rows alone
UPDATE = SCAN + ROW + CHECK + '''    if load_i64(status, 0, -1) != 0:
        count = 0
    source = 0
    left = repeat
''' + ROW + '''        if row >= low and row < high:
            for j in range(inner):
                store_{code}(out, row * inner + j, {combined}, 2)
        left -= 1
        if left == 0:
            source += inner
            left = repeat
'''

# `seen` holds for each row of a task where its index stands first; entries of rows without an index are never read
SUM_EQUAL = SCAN + ROW.replace("{order}", BACKWARD).replace("indices, i,", "indices, count - 1 - k,") + CHECK.replace(
    "{place}", "count - 1 - k") + '''\
        elif row >= low and row < high:
            store_i64(seen, row, count - 1 - k, 4)
''' + ROW + '''        if row >= low and row < high:
            at = load_i64(seen, row, 4) * inner
            for j in range(inner):
                value = load_{code}(values, i * inner + j, 0)
                if at != i * inner:
                    value = {code}(value + load_{code}(out, at + j, 2))
                store_{code}(out, at + j, value, 2)
''' + ROW + '''        if row >= low and row < high:
            at = load_i64(seen, row, 4) * inner
            if at != i * inner:
                for j in range(inner):
                    store_{code}(out, i * inner + j, load_{code}(out, at + j, 2), 2)
'''


def _header(title: str, code: str, index: str, *more: str) -> str:
    names = {"compiled", "word", "i64", f"load_{code}", f"store_{code}", f"load_{index}", "store_i64", *more}
    return HEADER.format(title=title, names=", ".join(sorted(names)))


def lower_row_update(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]],
                     fault_id: Callable[[Operation], int]) -> list[KernelCall]:
    """variable[indices[i]] = combine(variable[indices[i]], updates[i]) for each i in turn, in the output's memory."""
    combine = op.definition.fields.get("rows") or op.definition.fields["copied_rows"]
    variable, indices, updates = op.inputs
    shape, depth = shape_of(variable), op.attrs["depth"]
    count, rows, inner = prod(shape_of(indices)), prod(shape[:depth]), prod(shape[depth:])
    if not count * inner:
        return []
    code, index = variable.dtype.code, indices.dtype.code
    held, update = f"load_{code}(out, row * inner + j, 2)", f"load_{code}(updates, source + j, 0)"
    combined = combine.format(held, update)
    plain = combine == "{1}"
    names = ["load_i64", *([] if plain else [code, "maximum", "minimum"])]
    source = _header("change rows", code, index, *names) + UPDATE.format(
        first="updates", more="    repeat = word(dims, 5)\n", order=FORWARD, place="i", code=code, index=index,
        combined=combined if plain else f"{code}({combined})")
    parts = min(SCATTER_TASKS, rows)
    repeat = count // shape_of(updates)[0] if "repeated" in op.attrs else 1
    return [KernelCall(op.name, source, (updates, indices, op.output, STATUS),
                       (count, rows, inner, parts, fault_id(op), repeat), parts, flops=count * inner,
                       nbytes=3 * count * inner * variable.dtype.size, writes=(2,))]


def lower_sum_equal_rows(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]], rows: int,
                         fault_id: Callable[[Operation], int]) -> list[KernelCall]:
    """out[i] = the sum of the values[j] with indices[j] == indices[i]."""
    values, indices = op.inputs
    shape = shape_of(values)
    if not prod(shape):
        return []
    code, index = values.dtype.code, indices.dtype.code
    source = _header("sum rows of equal index", code, index, code, "load_i64") + SUM_EQUAL.format(
        first="values", more="    seen = word(buffers, 4)\n", order=FORWARD, code=code, index=index)
    count, inner, parts = shape[0], prod(shape[1:]), min(SCATTER_TASKS, rows)
    return [KernelCall(op.name, source, (values, indices, op.output, STATUS, Scratch(8 * rows)),
                       (count, rows, inner, parts, fault_id(op)), parts, flops=count * inner,
                       nbytes=3 * prod(shape) * values.dtype.size, writes=(2, 4))]
