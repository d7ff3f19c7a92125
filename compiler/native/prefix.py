"""Sums of all elements up to each one of a row, by vectors."""
from __future__ import annotations

from functools import cache

from llvmlite import ir
from numba.core import cgutils

from .vector_code import VectorCode, i64, void_intrinsic


@cache
def prefix_sums(dtype: str, exclusive: bool, reverse: bool):
    """An intrinsic that sets target[k] to the sum of source[0] to source[k], `exclusive` to source[k - 1], for each k
    below `count`; in `reverse` from the last element on.

    Its int64 arguments are `(source, target, count)`, addresses first. From vector to vector only the sum of all before
    is handed on, to which a vector's own is added: an addition is all that the next one waits for.
    """
    def codegen(context, builder, signature, args):
        source, target, count = args
        code = VectorCode(builder, dtype)
        width, vector = code.width, code.vector
        source, target = code.pointer(source), code.pointer(target)
        # opaque: for lanes known to be 0, LLVM would take an instruction several times as slow
        nothing = builder.asm(ir.FunctionType(vector, [vector]), "", "=v,0", [code.zero], False)
        before = cgutils.alloca_once_value(builder, code.zero)

        def shifted(x, by: int):
            """Each lane's value from so many lanes before, or 0."""
            pair, first = ((x, nothing), by) if reverse else ((nothing, x), width - by)
            return code.shuffle(*pair, list(range(first, first + width)))

        def add(at, mask=None) -> None:
            sums, by = code.load(code.offset(source, at), 0, mask), 1
            while by < width:
                sums = code.add(sums, shifted(sums, by))
                by *= 2
            known = builder.load(before, typ=vector)
            own = shifted(sums, 1) if exclusive else sums
            code.store(code.add(own, known), code.offset(target, at), 0, mask)
            everything = code.shuffle(sums, sums, [0 if reverse else width - 1] * width)
            builder.store(code.add(known, everything), before)

        def whole_vectors() -> None:
            with cgutils.for_range(builder, whole) as loop:
                k = builder.sub(builder.sub(whole, i64(1)), loop.index) if reverse else loop.index
                add(builder.mul(k, i64(width)))

        whole = builder.sdiv(count, i64(width))
        done = builder.mul(whole, i64(width))
        rest = builder.sub(count, done)
        if not reverse:
            whole_vectors()
        with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
            add(done, code.mask(rest))
        if reverse:
            whole_vectors()
        return context.get_dummy_value()

    name = f"prefix_sums_{dtype}{'_exclusive' * exclusive}{'_reverse' * reverse}"
    return void_intrinsic(name, ["source", "target", "count"], codegen)
