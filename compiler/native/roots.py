"""Square roots of float32 where they bound a loop: some by the divider, some by multiplications, so that both work at
once. Every one is correctly rounded, so which is which does not show.

The multiplications: AVX-512's estimate of 1 / sqrt(x) to 14 bits, one step of Newton's for the root and for the
inverse, and a last step from the exact remainder (Markstein, IBM Journal of Research and Development 34, 1990). Where
that would be subnormal, and for zero, infinity and what is below zero, the divider takes all vectors beside it, too.
"""
from __future__ import annotations

import re
from functools import reduce
from itertools import count
from types import SimpleNamespace

from llvmlite import ir
from numba.core import cgutils

from .expression import SINGLE, Value, fma, sqrt
from .processor import isa

# square roots in a loop's body that make the divider its bound, and vectors in flight that hide the longer way
SEVERAL, IN_FLIGHT = 4, 8
ROOT = r"(%[\w.]+) = (?:tail )?call (?:[a-z]+ )*<16 x float> @llvm\.sqrt\.v16f32\(<16 x float> (%[\w.]+)\)"
# vectors that are looked at together for what the multiplications are not for
TOGETHER = 4
SIDE_BY_SIDE = re.compile(r"\n +".join([ROOT] * TOGETHER))
VECTORS = [ir.VectorType(SINGLE, 16)] * TOGETHER
ALL, MASK = ir.LiteralStructType(VECTORS), ir.IntType(16)
LEAST, INFINITY, EXPONENT = 31 << 23, 255 << 23, 1 << 23  # bits of 2**-96, of infinity, of an exponent's 1
RARELY = SimpleNamespace(get_reference=lambda: '!{!"branch_weights", i32 1, i32 2000}')


def shared(text: str) -> str | None:
    """LLVM's text of a module with some of its square roots replaced, None where the divider keeps up.

    What one operation leaves to the divider, the multipliers take at the next.
    """
    if len(re.findall(ROOT, text)) < SEVERAL * IN_FLIGHT:
        return None
    # how many are multiplied, in turn: with multipliers of half a vector, the divider is ahead of them
    turns = (2, 2, 2, 1) if isa().halves else (2,)
    numbers = count()

    def replaced(found: re.Match[str]) -> str:
        k, names = next(numbers), found.groups()
        many, shift = turns[k % len(turns)], k // (IN_FLIGHT // TOGETHER)
        first = sorted((i * TOGETHER // many + shift) % TOGETHER for i in range(many))
        order = first + [i for i in range(TOGETHER) if i not in first]
        given = ", ".join(f"{VECTORS[0]} {names[2 * i + 1]}" for i in order)
        return "\n  ".join([f'%roots.{k} = call {ALL} @"roots.{many}"({given})', *(
            f"{names[2 * i]} = extractvalue {ALL} %roots.{k}, {order.index(i)}" for i in range(TOGETHER))])

    text = SIDE_BY_SIDE.sub(replaced, text)
    functions = [f for many in {*turns} for f in _function(many).module.functions]
    declared = {f.name: str(f) for f in functions if f.is_declaration and f.name not in text}
    return "\n".join([text, *(str(f) for f in functions if not f.is_declaration), *declared.values()])


def _function(many: int) -> ir.Function:
    """The roots of vectors, of the first so many by multiplication. A function, else the divider's would be
    computed where they are used, next to what waits for them."""
    function = ir.Function(ir.Module(), ir.FunctionType(ALL, VECTORS), f"roots.{many}")
    function.linkage = "internal"
    function.attributes.add("alwaysinline")
    builder, divider, both = (ir.IRBuilder(function.append_basic_block(name)) for name in ("all", "divider", "both"))
    above = (Value(builder, x).bits() - LEAST for x in function.args[:many])
    outside = reduce(lambda a, b: a.call("llvm.umax", b), above).compare(">=", INFINITY - LEAST, signed=False)
    mask = builder.bitcast(outside.raw, MASK)
    builder.cbranch(builder.icmp_unsigned("!=", mask, MASK(0)), divider.block, both.block).set_metadata("prof", RARELY)
    _give(divider, [sqrt(Value(divider, x)) for x in function.args])
    divided = [sqrt(Value(both, x)) for x in function.args[many:]]
    _give(both, [_multiplied(Value(both, x)) for x in function.args[:many]] + divided)
    return function


def _multiplied(x: Value) -> Value:
    estimate = cgutils.get_or_insert_function(
        x.builder.module, ir.FunctionType(x.type, [x.type, x.type, MASK]), "llvm.x86.avx512.rsqrt14.ps.512")
    y = Value(x.builder, x.builder.call(estimate, [x.raw, x.constant(0.0).raw, MASK(-1)]))
    half = (y.bits() - EXPONENT).as_float(y)
    root = x * y
    rest = fma(-root, half, 0.5)
    root, half = fma(root, rest, root), fma(half, rest, half)
    return fma(fma(-root, root, x), half, root)


def _give(builder: ir.IRBuilder, roots: list[Value]) -> None:
    together = ir.Constant(ALL, ir.Undefined)
    for i, root in enumerate(roots):
        together = builder.insert_value(together, root.raw, i)
    builder.ret(together)
