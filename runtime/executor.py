"""The loop that runs the rows of any plan, compiled once. runtime/native.py loads a copy of this file from the cache.

A row is eight 8-byte words: kernel address, tasks, chunks, offset of its buffers and of its sizes (in bytes), its kind,
for a jump how many rows further it leads, and for the first row of a chain the offset of the chain's words among the
sizes (chains.py). Kernels are serial; here is the code base's only parallel region (team.py).
"""
from typing import Any

from graphflow.compiler.native.elementary import i32
from graphflow.compiler.native.memory import load_i32, load_i64, load_u8, store_i32, store_i64, word
from graphflow.compiler.native.prelude import compiled
from graphflow.compiler.native.rounding import flush_subnormals, restore_rounding
from graphflow.runtime.team import together
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
def run(row, buffers, dims, chunk, chunks):
    """A chunk of a row, or of all rows of a chain: each on a few items before the next few."""
    if word(row, 5) != CHAIN:
        tasks = word(row, 1)
        call(word(row, 0), buffers + word(row, 3), dims + word(row, 4), tasks * chunk // chunks,
             tasks * (chunk + 1) // chunks, chunk)
        return
    chain = dims + word(row, 7)
    table = lane_table(chain, buffers, chunk)
    item, end = word(chain, 4) * chunk // chunks, word(chain, 4) * (chunk + 1) // chunks
    while item < end:
        stop = min(item + word(chain, 5), end)
        place(chain, table, item)
        for i in range(word(row, 6)):
            run_items(row + 64 * i, chain, table, dims, item, stop, chunk)
        item = stop


@compiled
def run_chunk(data, chunk):
    """A chunk of a row, in one of the threads."""
    run(word(data, 0), word(data, 1), word(data, 2), chunk, word(data, 3))


@compiled
def walk(words):
    """What `execute` does, in the mode of rounding that the thread is in."""
    rows, i, end = word(words, 0), word(words, 1), word(words, 2)
    buffers, dims, status = word(words, 3), word(words, 4), word(words, 5)
    while i < end:
        row = rows + 64 * i
        kind = word(row, 5)
        if kind != KERNEL and kind != CHAIN:
            further = step(row, buffers + word(row, 3), dims + word(row, 4))
            if further == 0:
                return i
            i += further
            continue
        chunks = word(row, 2)
        if chunks == 1:
            run(row, buffers, dims, 0, 1)
        else:
            together(word(words, 6), run_chunk, chunks, values(row, buffers, dims, chunks))
        if word(status, 0) != 0:
            return i
        i += max(word(row, 6), 1)
    return i


@compiled
def execute(words):
    """Runs rows from word 1 to word 2, which it returns, or else the row where it stopped. The other words are the
    addresses of the rows (0), buffers (3), sizes (4), status (5) and the team (6)."""
    before = flush_subnormals()
    stopped = walk(words)
    restore_rounding(before)
    return stopped
