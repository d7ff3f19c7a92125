"""The numbers that a generated kernel computes with: their types, conversions and operators.

The rules are Numba's with its error model "numpy" (tests/compiler/native/test_translate.py compares them): integers
compute in 64 bits, float32 with integers of one byte or two stays float32, an integer divided by zero gives zero.
"""
from __future__ import annotations

import ast
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types

from .elementary import convert_value, integer_division, kind_of
from .expression import BOOL, DOUBLE, Value
from .memory import ELEMENTS

REGISTERS = {kind: BOOL if name == "b1" else memory for name, (kind, memory) in ELEMENTS.items()}
COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
BITWISE = {ast.BitAnd: "and_", ast.BitOr: "or_", ast.BitXor: "xor"}
SHIFTS = {ast.LShift: "shl", ast.RShift: "shr"}


class Number(NamedTuple):
    """A type of Numba's, a value of LLVM's, and an integer's own value where the text spells it out."""

    type: Any
    raw: Any
    literal: int | None = None


def constant(value: bool | int | float) -> Number:
    """A number that the text spells out."""
    if isinstance(value, bool):
        return Number(types.boolean, ir.Constant(BOOL, int(value)))
    if isinstance(value, float):
        return Number(types.float64, ir.Constant(DOUBLE, value))
    kind = types.int64 if value < 1 << 63 else types.uint64
    return Number(kind, ir.Constant(REGISTERS[kind], value), value)


def convert(builder: ir.IRBuilder, x: Number, to: Any) -> Any:
    """LLVM's value of a number as another type."""
    if x.type == to:
        return x.raw
    return convert_value(Value(builder, x.raw), kind_of(x.type), kind_of(to), REGISTERS[to]).raw


def truth(builder: ir.IRBuilder, x: Number) -> Any:
    """LLVM's value of `bool(x)`."""
    return convert(builder, x, types.boolean)


def binary(builder: ir.IRBuilder, operator: type[ast.operator], a: Number, b: Number) -> Number:
    """a `operator` b. Raises TypeError for operands that the operator is not for."""
    if operator in BITWISE and a.type == b.type == types.boolean:
        return Number(types.boolean, getattr(builder, BITWISE[operator])(a.raw, b.raw))
    kind = _computed(a.type, b.type)
    is_float = kind_of(kind) == "f"
    if operator in SHIFTS:
        kind, is_float = _widest(a.type), is_float or kind_of(a.type) == "f"
    elif operator is ast.Div and not is_float:
        kind, is_float = types.float64, True
    left, right = (convert(builder, x, kind) for x in (a, b))
    if operator in ARITHMETIC:
        raw = getattr(builder, "f" * is_float + ARITHMETIC[operator])(left, right)
    elif is_float:
        raise TypeError(f"no {operator.__name__} of {a.type} and {b.type}")
    elif operator in BITWISE:
        raw = getattr(builder, BITWISE[operator])(left, right)
    elif operator in SHIFTS:
        signed = operator is ast.RShift and kind == types.int64
        raw = (builder.ashr if signed else builder.lshr if operator is ast.RShift else builder.shl)(left, right)
    elif operator in (ast.FloorDiv, ast.Mod):
        divide = integer_division(remainder=operator is ast.Mod, signed=kind == types.int64)
        raw = divide(Value(builder, left), Value(builder, right)).raw
    else:
        raise TypeError(f"no operator {operator.__name__}")
    return Number(kind, raw)


def unary(builder: ir.IRBuilder, operator: type[ast.unaryop], x: Number) -> Number:
    """`operator` x. Raises TypeError for an operand that the operator is not for."""
    if operator is ast.Not:
        return Number(types.boolean, builder.not_(truth(builder, x)))
    if operator is ast.Invert and x.type == types.boolean:
        return Number(x.type, builder.not_(x.raw))
    if operator is ast.USub and x.literal is not None:
        return constant(-x.literal)
    if operator is ast.USub and kind_of(x.type) == "f":
        return Number(x.type, ir.Constant(x.raw.type, -x.raw.constant) if isinstance(x.raw, ir.Constant)
                      else builder.fneg(x.raw))
    if operator is ast.UAdd or kind_of(x.type) == "f":
        raise TypeError(f"no {operator.__name__} of {x.type}")
    kind = _widest(x.type)
    raw = convert(builder, x, kind)
    return Number(kind, builder.neg(raw) if operator is ast.USub else builder.not_(raw))


def compare(builder: ir.IRBuilder, operator: type[ast.cmpop], a: Number, b: Number) -> Number:
    """a `operator` b: exact of integers, but for uint64 with signed ones, which are compared as float64."""
    sign = COMPARISONS[operator]
    kinds = {a.type, b.type}
    signed = any(kind_of(kind) == "i" for kind in kinds)
    if any(kind_of(kind) == "f" for kind in kinds):
        kind = _computed(a.type, b.type)
    elif types.uint64 in kinds and signed:
        kind = types.float64
    else:
        kind = types.int64 if signed else types.uint64
    left, right = (convert(builder, x, kind) for x in (a, b))
    if kind_of(kind) == "f":
        of = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
    else:
        of = builder.icmp_signed if signed else builder.icmp_unsigned
    return Number(types.boolean, of(sign, left, right))


def extreme(builder: ir.IRBuilder, name: str, numbers: list[Number]) -> Number:
    """Python's `min` or `max`: the first of several that are alike, or not to be compared."""
    best = numbers[0]
    for x in numbers[1:]:
        kind = x.type if x.type == best.type else _computed(best.type, x.type)
        x, best = (Number(kind, convert(builder, each, kind)) for each in (x, best))
        better = compare(builder, ast.Lt if name == "min" else ast.Gt, x, best)
        best = Number(kind, builder.select(better.raw, x.raw, best.raw))
    return best


def _widest(kind: Any) -> Any:
    """What integers of this type compute in."""
    return types.uint64 if kind_of(kind) == "u" else types.int64


def _computed(a: Any, b: Any) -> Any:
    """The type that arithmetic of these two is done in."""
    kinds = {a, b}
    floats = {kind for kind in kinds if kind_of(kind) == "f"}
    if not floats:
        return types.uint64 if {_widest(a), _widest(b)} == {types.uint64} else types.int64
    small = all(REGISTERS[kind].width <= (8 if kind_of(kind) == "u" else 16) for kind in kinds - floats)
    return types.float32 if floats == {types.float32} and small else types.float64
