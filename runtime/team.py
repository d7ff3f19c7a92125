"""The threads that run a row together. runtime/native.py loads this file's text before executor.py's.

The thread that runs a plan posts a job to each helper, does its own part, takes back what no helper has begun, and
waits for the rest. A helper polls for some time after a job, which takes a tenth of a microsecond to notice the next,
and sleeps after that, which takes tens to be woken from. One run at a time has the helpers; others do without.

What there is to do is shared out in units of a few tasks (`share`, `take`). Each part of a job has as many, the same
in each run, so that a core finds in its cache what it left there; the thread whose core is slower just then (it may
serve another machine too) loses units from the end of its part to the others.

The team's words are whether a run has it (0), how many helpers there are (1), whether they shall leave (2), and the
addresses of the C functions that acquire (3) and release (4) a lock and that tell the time (5). Each helper's follow,
in cache lines of their own: what it is doing (0), the job's function, its data and its part (1 to 3), the lock on which
it sleeps (4), the one on which the poster sleeps until the job is done (5), and the team's address (6).
"""
from __future__ import annotations

import platform
from typing import Any

from graphflow.compiler.native.memory import store_i64, word
from graphflow.compiler.native.prelude import compiled
from graphflow.compiler.native.rounding import flush_subnormals
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
HELPER_BYTES = 128  # two lines: processors fetch them in pairs
# what a helper is doing; in WAITED, a job whose poster sleeps
IDLE, ASLEEP, POSTED, TAKEN, WAITED = range(5)
# nanoseconds that a thread polls before it sleeps: longer than Python takes between the steps of a loop
POLLING = 200_000
# the bytes that each lane's range of units has for itself, and the bits of its beginning: its end is in the upper ones
LANE_BYTES, HALF = 128, (1 << 32) - 1
# LLVM's name of the instruction that leaves a core to others for a moment
PAUSE = {"x86_64": "llvm.x86.sse2.pause", "amd64": "llvm.x86.sse2.pause"}.get(platform.machine().lower(), "")


def _place(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, WORD.as_pointer())


@intrinsic
def look(typingctx: Any, address: Any) -> Any:
    """The word at an address, which another thread may change."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_place(builder, args[0]), "acquire", 8, typ=WORD)

    return types.int64(types.int64), codegen


@intrinsic
def exchange(typingctx: Any, address: Any, value: Any) -> Any:
    """Set the word at an address; returns what it was."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("xchg", _place(builder, args[0]), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def change(typingctx: Any, address: Any, before: Any, after: Any) -> Any:
    """Set the word at an address if it is `before`; returns whether it was."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = builder.cmpxchg(_place(builder, args[0]), args[1], args[2], "seq_cst", "seq_cst")
        return builder.extract_value(found, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


@intrinsic
def relax(typingctx: Any) -> Any:
    """Leave the core to others for a moment."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if PAUSE:
            builder.call(builder.module.declare_intrinsic(PAUSE, (), ir.FunctionType(ir.VoidType(), [])), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def now(typingctx: Any, clock: Any) -> Any:
    """Nanoseconds, of a C function that returns them or writes them to where its argument points."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        slot = cgutils.alloca_once(builder, WORD)
        builder.store(WORD(0), slot)
        function = ir.FunctionType(WORD, [WORD.as_pointer()]).as_pointer()
        returned = builder.call(builder.inttoptr(args[0], function), [slot])
        written = builder.load(slot)
        return builder.select(builder.icmp_signed("!=", written, WORD(0)), written, returned)

    return types.int64(types.int64), codegen


@intrinsic
def acquire(typingctx: Any, function: Any, lock: Any) -> Any:
    """Sleep until a lock is released; `function` is Python's PyThread_acquire_lock."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        flag = ir.IntType(32)
        kind = ir.FunctionType(flag, [WORD, flag]).as_pointer()
        builder.call(builder.inttoptr(args[0], kind), [args[1], flag(1)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def release(typingctx: Any, function: Any, lock: Any) -> Any:
    """Wake who sleeps on a lock; `function` is Python's PyThread_release_lock."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.call(builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), [WORD]).as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def do(typingctx: Any, function: Any, data: Any, part: Any) -> Any:
    """A part of a job: function(data, part)."""
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.call(builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), [WORD] * 2).as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), codegen


@compiled
def share(shares, lanes, units):
    """Give each lane as many units, in this memory."""
    for lane in range(lanes):
        store_i64(shares, lane * (LANE_BYTES // 8), units * lane // lanes | units * (lane + 1) // lanes << 32, -1)


@compiled
def take(shares, lanes, lane):
    """The range of units that a lane does next, half of what it has left, from the front, or half of what another has,
    from the end; 0 if there are none. It ends or begins with a pair of units, where it can."""
    for i in range(lanes):
        place = shares + LANE_BYTES * ((lane + i) % lanes)
        left = look(place)
        while left & HALF < left >> 32:
            first, end = left & HALF, left >> 32
            middle = (first + end + (i == 0)) // 2
            if i == 0:
                cut = min(middle + (middle & 1), end)
                taken, rest = first | cut << 32, cut | end << 32
            else:
                cut = max(middle - (middle & 1), first)
                taken, rest = cut | end << 32, first | cut << 32
            if change(place, left, rest):
                return taken
            left = look(place)
    return 0


@compiled
def post(team, helper, function, data, part):
    """Give a helper its part of a job."""
    store_i64(helper, 1, function, -1)
    store_i64(helper, 2, data, -1)
    store_i64(helper, 3, part, -1)
    if exchange(helper, POSTED) == ASLEEP:
        release(word(team, 4), word(helper, 4))


@compiled
def finish(team, helper):
    """See to it that a helper's part is done: by the helper or, if it has not begun, here."""
    if change(helper, POSTED, IDLE):
        do(word(helper, 1), word(helper, 2), word(helper, 3))
        return
    since = now(word(team, 5))
    while look(helper) > POSTED:
        if now(word(team, 5)) - since < POLLING:
            relax()
        elif change(helper, TAKEN, WAITED):
            acquire(word(team, 3), word(helper, 5))


@compiled
def together(team, function, parts, data):
    """function(data, part) for all parts, in as many threads if no other run has the helpers."""
    helpers = min(parts - 1, word(team, 1))
    if helpers > 0 and not change(team, 0, 1):
        helpers = 0
    for i in range(helpers):
        post(team, team + HELPER_BYTES * (i + 1), function, data, i + 1)
    do(function, data, 0)
    for part in range(helpers + 1, parts):
        do(function, data, part)
    for i in range(helpers):
        finish(team, team + HELPER_BYTES * (i + 1))
    if helpers > 0:
        exchange(team, 0)


@compiled
def serve(helper):
    """What a helper's thread does until it shall leave."""
    flush_subnormals()
    team = word(helper, 6)
    since = now(word(team, 5))
    while look(team + 16) == 0:
        if look(helper) == POSTED and change(helper, POSTED, TAKEN):
            do(word(helper, 1), word(helper, 2), word(helper, 3))
            if exchange(helper, IDLE) == WAITED:
                release(word(team, 4), word(helper, 5))
            since = now(word(team, 5))
        elif now(word(team, 5)) - since < POLLING:
            relax()
        elif change(helper, IDLE, ASLEEP):
            acquire(word(team, 3), word(helper, 4))
            since = now(word(team, 5))
