"""The loop that runs the rows of any plan, compiled once. runtime/native.py loads a copy of this file from the cache.

A row is eight 8-byte words: kernel address, tasks, chunks, offset of its buffers and of its sizes (in bytes), its kind,
for a jump how many rows further it leads, and one to spare that keeps a row in one cache line. Kernels are serial; here
is the code base's only parallel region.
"""
from __future__ import annotations

from typing import Any

from graphflow.compiler.native.cached import native
from graphflow.compiler.native.memory import load_i32, load_i64, load_u8, store_i32, store_i64, word
from llvmlite import ir
from numba import int32 as i32
from numba import prange, types
from numba.extending import intrinsic

PARALLEL = True  # replaced by native.py where there is one thread
# kinds of rows, as in flow.py
KERNEL, JUMP, UNLESS, AGAIN, UNLESS_LESS, HOST, RESERVE, ADVANCE = range(8)


@intrinsic
def call(typingctx: Any, address: Any, buffers: Any, dims: Any, begin: Any, end: Any, lane: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 5).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), codegen


@native("int64(int64, int64, int64)")
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


@native("int64(int64, int64, int64, int64, int64, int64)", parallel=PARALLEL)
def execute(rows, begin, end, buffers, dims, status):
    """Runs the rows from `begin`; returns `end`, or the row where it stopped."""
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
        if chunks == 1:
            call(kernel, b, d, 0, tasks, 0)
        else:
            for c in prange(chunks):
                call(kernel, b, d, tasks * c // chunks, tasks * (c + 1) // chunks, c)
        if word(status, 0) != 0:
            return i
        i += 1
    return i
