"""The mode in which a thread rounds: results too small for a normal number become zero while kernels run.

On x86 each operation that makes or meets a subnormal number takes some 150 cycles instead of 4, and gradients that
vanish over hundreds of steps are full of them, as are the moments of weights that no longer learn. TensorFlow's and
XLA's threads flush them too. Those that are fed are still read as they are. Other processors lose nothing to them, and
keep them.
"""
from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD, CONTROL, POINTER = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
FLUSH_TO_ZERO = 1 << 15  # of MXCSR (Intel's manual, volume 1, section 10.2.3)
HAS_MXCSR = platform.machine().lower() in ("x86_64", "amd64")


def _through_memory(builder: Any, name: str) -> tuple[Any, Any]:
    """(x86's instruction of this name, a place in memory for it to read or to write)."""
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    return (cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}"),
            cgutils.alloca_once(builder, CONTROL))


def _set(builder: Any, control: Any) -> None:
    instruction, place = _through_memory(builder, "ldmxcsr")
    builder.store(control, place)
    builder.call(instruction, [builder.bitcast(place, POINTER)])


@intrinsic
def flush_subnormals(typingctx: Any) -> Any:
    """From now on this thread flushes; returns what `restore_rounding` takes."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not HAS_MXCSR:
            return WORD(0)
        instruction, place = _through_memory(builder, "stmxcsr")
        builder.call(instruction, [builder.bitcast(place, POINTER)])
        before = builder.load(place)
        _set(builder, builder.or_(before, CONTROL(FLUSH_TO_ZERO)))
        return builder.zext(before, WORD)

    return types.int64(), codegen


@intrinsic
def restore_rounding(typingctx: Any, before: Any) -> Any:
    """Round as before `flush_subnormals`."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if HAS_MXCSR:
            _set(builder, builder.trunc(args[0], CONTROL))
        return context.get_dummy_value()

    return types.void(types.int64), codegen
