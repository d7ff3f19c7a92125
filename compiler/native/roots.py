"""Square roots of float32 where they bound a loop: some by the divider, some by multiplications, so that both work at
once. Every one is correctly rounded, so which is which does not show.

The multiplications: AVX-512's estimate of 1 / sqrt(x) to 14 bits, one step of Newton's for the root and for the
inverse, and a last step from the exact remainder (Markstein, IBM Journal of Research and Development 34, 1990). Where
that would be subnormal, and for zero, infinity and what is below zero, the divider takes the vectors beside it, too.
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

# vectors in flight: two, or, from so many square roots in a loop's body on, what hides the longer way
SEVERAL, IN_FLIGHT, FEW_IN_FLIGHT = 4, 8, 2
ROOT = r"(%[\w.]+) = (?:tail )?call (?:[a-z]+ )*<16 x float> @llvm\.sqrt\.v16f32\(<16 x float> (%[\w.]+)\)"
# vectors that are looked at together for what the multiplications are not for
TOGETHER = (4, 2)
# other instructions of floats for each root, beyond which the multipliers have enough to do
ARITHMETIC, OTHERS = r"= (?:f(?:mul|add|sub)\b.* <16 x float>|.*@llvm\.fma\.v16f32)", 16
VECTOR, MASK = ir.VectorType(SINGLE, 16), ir.IntType(16)
LEAST, INFINITY, EXPONENT = 31 << 23, 255 << 23, 1 << 23  # bits of 2**-96, of infinity, of an exponent's 1
RARELY = SimpleNamespace(get_reference=lambda: '!{!"branch_weights", i32 1, i32 2000}')


def shared(text: str) -> str | None:
    """LLVM's text of a module with some of its square roots replaced, None where the divider keeps up.

    What one operation leaves to the divider, the multipliers take at the next.
    """
    if len(re.findall(ARITHMETIC, text)) > OTHERS * len(re.findall(ROOT, text)):
        return None
    functions: dict[str, ir.Function] = {}
    numbers = count()

    def replaced(found: re.Match[str]) -> str:
        k, names = next(numbers), found.groups()
        n = len(names) // 2
        # half of them are multiplied; with multipliers of half a vector a little less, as the divider is ahead of them
        many = 1 if n < 4 or isa().halves and k % 4 == 3 else 2
        first = sorted((i * n // many + k // 2) % n for i in range(many))
        order = first + [i for i in range(n) if i not in first]
        name = f"roots.{n}.{many}"
        functions[name] = function = functions.get(name) or _function(name, n, many)
        given = ", ".join(f"{VECTOR} {names[2 * i + 1]}" for i in order)
        kind = function.return_value.type
        return "\n  ".join([f'%roots.{k} = call {kind} @"{name}"({given})', *(
            f"{names[2 * i]} = extractvalue {kind} %roots.{k}, {order.index(i)}" for i in range(n))])

    for n in TOGETHER:
        text = re.sub(r"\n +".join([ROOT] * n), replaced, text)
    if not functions:
        return None
    members = [f for function in functions.values() for f in function.module.functions]
    declared = {f.name: str(f) for f in members if f.is_declaration and f.name not in text}
    return "\n".join([text, *map(str, functions.values()), *declared.values()])


def _function(name: str, n: int, many: int) -> ir.Function:
    """The roots of n vectors, of the first so many by multiplication. A function, else the divider's would be computed
    where they are used, next to what waits for them."""
    kind = ir.FunctionType(ir.LiteralStructType([VECTOR] * n), [VECTOR] * n)
    function = ir.Function(ir.Module(), kind, name)
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
    together = ir.Constant(builder.function.return_value.type, ir.Undefined)
    for i, root in enumerate(roots):
        together = builder.insert_value(together, root.raw, i)
    builder.ret(together)
