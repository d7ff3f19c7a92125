"""The loop that runs the rows of any plan, compiled once. runtime/native.py loads a copy of this file from the cache.

A row is eight 8-byte words: kernel address, tasks, chunks, offset of its buffers and of its sizes (in bytes), and three
to spare that keep a row in one cache line. Kernels are serial; here is the code base's only parallel region.
"""
from __future__ import annotations

from typing import Any

from graphflow.compiler.native.memory import word
from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic


@intrinsic
def call(typingctx: Any, address: Any, buffers: Any, dims: Any, begin: Any, end: Any, lane: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 5).as_pointer()
        builder.call(builder.inttoptr(args[0], function), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), codegen


@njit("int64(int64, int64, int64, int64, int64)", parallel=True, nogil=True, cache=True)
def execute(rows, count, buffers, dims, status):
    for i in range(count):
        row = rows + 64 * i
        kernel, tasks, chunks = word(row, 0), word(row, 1), word(row, 2)
        b, d = buffers + word(row, 3), dims + word(row, 4)
        if chunks == 1:
            call(kernel, b, d, 0, tasks, 0)
        else:
            for c in prange(chunks):
                call(kernel, b, d, tasks * c // chunks, tasks * (c + 1) // chunks, c)
        if word(status, 0) != 0:
            return i
    return -1


@njit("int64(int64, int64, int64, int64, int64)", nogil=True, cache=True)
def execute_serially(rows, count, buffers, dims, status):
    for i in range(count):
        row = rows + 64 * i
        b, d = buffers + word(row, 3), dims + word(row, 4)
        for c in range(word(row, 2)):
            call(word(row, 0), b, d, word(row, 1) * c // word(row, 2), word(row, 1) * (c + 1) // word(row, 2), c)
        if word(status, 0) != 0:
            return i
    return -1
