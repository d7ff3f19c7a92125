"""Instructions of AVX-512 that no operation of LLVM's stands for, in loops that LLVM vectorises.

A formula calls one as a function of numbers, which says that it has variants for vectors (LLVM's attribute
"vector-function-abi-variant"). The vectorizer picks the variant for its width; only then do the functions get their
bodies, of one instruction each, and vanish into the loop.
"""
from __future__ import annotations

import re
from itertools import product
from typing import Any

from llvmlite import ir

# names of types, and how many numbers of each a register of 64 bytes holds
TYPES = {"f32": (ir.FloatType(), 16), "f64": (ir.DoubleType(), 8)}
# LLVM's name ({s} is ps or pd) and operands: {v} are full registers, %a and %b the function's, {k} a mask of all
INSTRUCTIONS = {
    # a * 2**floor(b), rounded once
    "scalef": ("mask.scalef.{s}.512", "{v} %a, {v} %b, {v} zeroinitializer, {k} -1, i32 4"),
}
CALLED = re.compile(r"@gf\.(\w+)\.(f32|f64)(?:\.x(\d+))?\(")
USED = "llvm.compiler.used"


def instruction(builder: ir.IRBuilder, name: str, *operands: Any) -> Any:
    """One of INSTRUCTIONS, of values of float or double, or of vectors of them of a width that has a variant."""
    given = operands[0].type
    element = given.element if isinstance(given, ir.VectorType) else given
    kind, (_, full) = next(item for item in TYPES.items() if item[1][0] == element)
    if USED not in builder.module.globals:
        _declare(builder.module)
    scalar = f"gf.{name}.{kind}"
    if isinstance(given, ir.VectorType):
        return builder.call(builder.module.globals[f"{scalar}.x{given.count}"], operands)
    call = builder.call(builder.module.globals[scalar], operands)
    variants = ",".join(f"_ZGV_LLVM_N{n}{'v' * len(operands)}_{scalar}({scalar}.x{n})" for n in _widths(full))
    set.add(call.attributes, f'"vector-function-abi-variant"="{variants}"')  # which llvmlite does not know
    return call


def _widths(full: int) -> list[int]:
    return [full, full // 2, full // 4]


def _declare(module: ir.Module) -> None:
    """The functions and their variants, which must not be dropped before the vectorizer looks for them."""
    variants = []
    for (name, (_, operands)), (kind, (number, full)) in product(INSTRUCTIONS.items(), TYPES.items()):
        for lanes, of in [("", number), *((f".x{n}", ir.VectorType(number, n)) for n in _widths(full))]:
            function = ir.Function(module, ir.FunctionType(of, [of] * operands.count("%")), f"gf.{name}.{kind}{lanes}")
            for attribute in ("nounwind", "willreturn", "speculatable", "memory(none)"):
                set.add(function.attributes, attribute)
            if lanes:
                variants.append(function)
    pointer = ir.PointerType()
    used = ir.GlobalVariable(module, ir.ArrayType(pointer, len(variants)), USED)
    used.linkage, used.section = "appending", "llvm.metadata"
    used.initializer = ir.Constant(used.value_type, [f.bitcast(pointer) for f in variants])


def with_bodies(text: str) -> str | None:
    """LLVM's text of a module with the instructions that it calls; None where there are none."""
    if USED not in text:
        return None
    lines = [line for line in text.splitlines()
             if not (line.startswith(f"@{USED}") or line.startswith("declare") and "@gf." in line)]
    called = dict.fromkeys(found.groups() for line in lines for found in CALLED.finditer(line))
    return "\n".join([*lines, *dict.fromkeys(text for name, kind, n in called for text in _body(name, kind, n))])


def _body(name: str, kind: str, lanes: str | None) -> list[str]:
    """LLVM's declaration of an instruction, and a function that does it on a number or a vector: in a full register."""
    number, full = TYPES[kind]
    own = f"<{lanes} x {number}>" if lanes else str(number)
    vector = f"<{full} x {number}>"
    llvm_name, operands = INSTRUCTIONS[name]
    operands = operands.format(v=vector, k=f"i{full}")
    callee = f"{vector} @llvm.x86.avx512.{llvm_name.format(s={'f32': 'ps', 'f64': 'pd'}[kind])}"
    taken = "ab"[:operands.count("%")]
    n = int(lanes or 1)
    widened = ", ".join(f"i32 {i if i < n else 'poison'}" for i in range(full))
    narrowed = ", ".join(f"i32 {i}" for i in range(n))
    if lanes:
        wide = [f"%{x} = shufflevector {own} %{x}.own, {own} poison, <{full} x i32> <{widened}>" for x in taken]
        result = f"shufflevector {vector} %wide, {vector} poison, <{n} x i32> <{narrowed}>"
    else:
        wide = [f"%{x} = insertelement {vector} poison, {own} %{x}.own, i64 0" for x in taken]
        result = f"extractelement {vector} %wide, i64 0"
    function = f"@gf.{name}.{kind}" + (f".x{lanes}" if lanes else "")
    types = ", ".join(operand.rsplit(" ", 1)[0] for operand in operands.split(", "))
    return [f"declare {callee}({types})", "\n".join([
        f"define internal {own} {function}({', '.join(f'{own} %{x}.own' for x in taken)}) alwaysinline {{",
        *wide, f"%wide = call {callee}({operands})", f"%result = {result}", f"ret {own} %result", "}"])]
