"""The loop that runs the rows of any plan, compiled once. runtime/native.py loads a copy of this file from the cache.

A row is eight 8-byte words: kernel address, tasks, lanes, offset of its buffers and of its sizes (in bytes), its kind,
for a jump how many rows further it leads, and how many tasks are a unit of what lanes share or, for the first row of a
chain, the offset of the chain's words among the sizes (chains.py). Kernels are serial; here is the code base's only
parallel region (team.py).
"""
from typing import Any

from graphflow.compiler.native.elementary import i32
from graphflow.compiler.native.memory import load_i32, load_i64, load_u8, store_i32, store_i64, word
from graphflow.compiler.native.prelude import compiled
from graphflow.compiler.native.rounding import flush_subnormals, restore_rounding
from graphflow.runtime.team import HALF, share, take, together
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# kinds of rows, as in flow.py
KERNEL, JUMP, UNLESS, AGAIN, UNLESS_LESS, HOST, RESERVE, ADVANCE, CHAIN = range(9)
WORD = ir.IntType(64)


@intrinsic
def call(typingctx: Any, address: Any, buffers: Any, dims: Any, begin: Any, end: Any, lane: Any) -> Any:
    """Call a kernel."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [WORD] * 5).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), codegen


@intrinsic
def values(typingctx: Any, *words: Any) -> Any:
    """The address of a table of these words, which lasts as long as the function that makes it."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table = cgutils.alloca_once(builder, WORD, len(args))
        for i, value in enumerate(args):
            builder.store(value, builder.gep(table, [WORD(i)], source_etype=WORD))
        return builder.ptrtoint(table, WORD)

    return types.int64(*[types.int64] * len(words)), codegen


def _of_python(name: str) -> Any:
    """A function of Python's C interface, of words, that returns one."""
    @intrinsic
    def function(typingctx: Any, *words: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(WORD, [WORD] * len(args))
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

        return types.int64(*[types.int64] * len(words)), codegen
    return function


number_of, python_number = _of_python("PyLong_AsLongLong"), _of_python("PyLong_FromLongLong")
let_go, take_back = _of_python("PyEval_SaveThread"), _of_python("PyEval_RestoreThread")


@compiled
def step(row, table, dims):
    """How many rows further a row leads that is no kernel (see flow.py); 0: Python has something to do."""
    kind, target = word(row, 5), word(row, 6)
    if kind == JUMP:
        return target
    if kind == UNLESS:
        return 1 if load_u8(word(table, 0), 0, -1) else target
    if kind == AGAIN:
        store_i32(word(table, 0), 0, load_i32(word(table, 0), 0, -1) + i32(1), -1)
        return target
    if kind == UNLESS_LESS:
        return 1 if load_i32(word(table, 0), 0, -1) < load_i32(word(table, 1), 0, -1) else target
    if kind == RESERVE:
        return 1 if load_i32(word(table, 0), 0, -1) < target else 0
    if kind == ADVANCE:
        store_i64(dims, target, load_i64(dims, target, -1) + 1, -1)
        return 1
    return 0


@compiled
def lane_table(chain, buffers, lane):
    """The buffers of a chain's rows for one chunk: a copy, in the chunk's own memory."""
    table = word(chain, 0) + word(chain, 1) * lane
    for i in range(word(chain, 3)):
        store_i64(table, i, word(buffers + word(chain, 2), i), -1)
    return table


@compiled
def place(chain, table, item):
    """Put the buffers that hold only a few items where the kernels find item number `item` at their beginning."""
    for i in range(word(chain, 6)):
        local = chain + 56 + 24 * i
        store_i64(table, word(local, 0), table + word(local, 1) - word(local, 2) * item, -1)


@compiled
def run_items(row, chain, table, dims, item, stop, lane):
    """A row of a chain on the items [item, stop)."""
    tasks = word(row, 1) // word(chain, 4)
    call(word(row, 0), table + word(row, 3) - word(chain, 2), dims + word(row, 4), tasks * item, tasks * stop, lane)


@compiled
def run_tasks(data, lane):
    """What one lane does of a row."""
    row, buffers, dims, shares = word(data, 0), word(data, 1), word(data, 2), word(data, 3)
    lanes, unit = word(row, 2), word(row, 7)
    taken = take(shares, lanes, lane)
    while taken != 0:
        call(word(row, 0), buffers + word(row, 3), dims + word(row, 4), unit * (taken & HALF),
             min(unit * (taken >> 32), word(row, 1)), lane)
        taken = take(shares, lanes, lane)


@compiled
def run_chain(data, lane):
    """What one lane does of all rows of a chain: each runs on the items of a unit before the next unit."""
    row, buffers, dims, shares = word(data, 0), word(data, 1), word(data, 2), word(data, 3)
    chain, lanes = dims + word(row, 7), word(row, 2)
    table, unit = lane_table(chain, buffers, lane), word(chain, 5)
    taken = take(shares, lanes, lane)
    while taken != 0:
        for number in range(taken & HALF, taken >> 32):
            item, stop = unit * number, min(unit * (number + 1), word(chain, 4))
            place(chain, table, item)
            for i in range(word(row, 6)):
                run_items(row + 64 * i, chain, table, dims, item, stop, lane)
        taken = take(shares, lanes, lane)


@compiled
def share_row(row, dims, shares):
    """Share a row out, or the rows of a chain."""
    total, unit = word(row, 1), word(row, 7)
    if word(row, 5) == CHAIN:
        total, unit = word(dims + unit, 4), word(dims + unit, 5)
    share(shares, word(row, 2), (total + unit - 1) // unit)


@compiled
def walk(words):
    """What `execute` does, in the mode of rounding that the thread is in."""
    rows, i, end = word(words, 0), word(words, 1), word(words, 2)
    buffers, dims, status, shares = word(words, 3), word(words, 4), word(words, 5), word(words, 8)
    while i < end:
        row = rows + 64 * i
        kind = word(row, 5)
        if kind != KERNEL and kind != CHAIN:
            further = step(row, buffers + word(row, 3), dims + word(row, 4))
            if further == 0:
                return i
            i += further
            continue
        lanes = word(row, 2)
        if lanes > 1 or kind == CHAIN:
            share_row(row, dims, shares)
        if kind == CHAIN:
            together(word(words, 6), run_chain, lanes, values(row, buffers, dims, shares))
        elif lanes > 1:
            together(word(words, 6), run_tasks, lanes, values(row, buffers, dims, shares))
        else:
            call(word(row, 0), buffers + word(row, 3), dims + word(row, 4), 0, word(row, 1), 0)
        if word(status, 0) != 0:
            return i
        i += max(word(row, 6), 1)
    return i


@compiled
def execute(words):
    """Runs rows from word 1 to word 2, which it returns, or else the row where it stopped. The other words are the
    addresses of the rows (0), buffers (3), sizes (4), status (5), the team (6) and what lanes share a row in (8)."""
    before = flush_subnormals()
    stopped = walk(words)
    restore_rounding(before)
    return stopped


@compiled
def called(module, words):
    """`execute` as Python calls it, with a number, while other threads may run Python."""
    address = number_of(words)
    state = let_go()
    stopped = execute(address)
    take_back(state)
    return python_number(stopped)
