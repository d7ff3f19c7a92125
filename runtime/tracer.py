"""The executor's loop with a clock: what runs in place of executor.py while someone traces. runtime/trace.py loads it.

A trace is a table of words: the address of a clock, how many events there are, for how many there is room, the address
of the events, and that of the rows' totals. An event is four words: the row, the chunk, when it began and ended. A
row's total is three: calls, nanoseconds, and the nanoseconds of the longest call.
"""
from __future__ import annotations

from typing import Any

from graphflow.compiler.native.cached import native
from graphflow.compiler.native.memory import load_i64, store_i64, word
from graphflow.runtime.executor import KERNEL, call, step
from llvmlite import ir
from numba import prange, types
from numba.extending import intrinsic

PARALLEL = True  # as the executor that this one stands in for


@intrinsic
def now(typingctx: Any, clock: Any) -> Any:
    """Nanoseconds, of a C function that returns them or writes them to where its argument points."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        slot = builder.alloca(word)
        builder.store(ir.Constant(word, 0), slot)
        function = ir.FunctionType(word, [word.as_pointer()]).as_pointer()
        returned = builder.call(builder.inttoptr(args[0], function), [slot])
        written = builder.load(slot)
        return builder.select(builder.icmp_signed("!=", written, ir.Constant(word, 0)), written, returned)

    return types.int64(types.int64), codegen


@native("void(int64, int64, int64, int64, int64, int64)")
def note(trace, event, row, chunk, begin, end):
    """Write an event, if there is room."""
    if event < word(trace, 2):
        at = word(trace, 3) + 32 * event
        store_i64(at, 0, row, -1)
        store_i64(at, 1, chunk, -1)
        store_i64(at, 2, begin, -1)
        store_i64(at, 3, end, -1)


@native("void(int64, int64, int64)")
def add(trace, row, nanoseconds):
    """Count a call of a row."""
    at = word(trace, 4) + 24 * row
    store_i64(at, 0, load_i64(at, 0, -1) + 1, -1)
    store_i64(at, 1, load_i64(at, 1, -1) + nanoseconds, -1)
    store_i64(at, 2, max(load_i64(at, 2, -1), nanoseconds), -1)


@native("int64(int64, int64, int64, int64, int64, int64, int64)", parallel=PARALLEL)
def execute(rows, begin, end, buffers, dims, status, trace):
    """As the executor's."""
    clock = word(trace, 0)
    i = begin
    while i < end:
        row = rows + 64 * i
        b, d = buffers + word(row, 3), dims + word(row, 4)
        if word(row, 5) != KERNEL:
            further = step(row, b, d)
            if further == 0:
                return i
            i += further
            continue
        kernel, tasks, chunks = word(row, 0), word(row, 1), word(row, 2)
        event = word(trace, 1)
        start = now(clock)
        if chunks == 1:
            call(kernel, b, d, 0, tasks, 0)
            stop = now(clock)
            note(trace, event, i, 0, start, stop)
        else:
            for c in prange(chunks):
                since = now(clock)
                call(kernel, b, d, tasks * c // chunks, tasks * (c + 1) // chunks, c)
                note(trace, event + c, i, c, since, now(clock))
            stop = now(clock)
        store_i64(trace, 1, event + chunks, -1)
        add(trace, i, stop - start)
        if word(status, 0) != 0:
            return i
        i += 1
    return i
