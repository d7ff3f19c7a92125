"""Rounding, comparison, selection, casts and integer division: the intrinsics that are one to ten instructions."""
from __future__ import annotations

from typing import Any

from llvmlite.ir import FunctionType, VoidType
from llvmlite.ir.instructions import FastMathFlags, Instruction
from numba import types

from .expression import BOOL, DOUBLE, FLOATS, FORMATS, I32, I64, Value, elementwise, exact_fma, overloaded
from .expression import copysign as _copysign
from .expression import fabs as _fabs
from .expression import select as _select
from .expression import sqrt as _sqrt
from .memory import ELEMENTS
from .processor import isa

INFINITY = float("inf")
NOTHING = FunctionType(VoidType(), [])
LARGEST = 2.0 ** 63 - 2.0 ** 10  # float64 below what int64 holds


def kind_of(numba_type: Any) -> str:
    """'f', 'i', 'u' or 'b' as in NumPy, of a type or of a literal's type; '' of anything else."""
    numba_type = types.unliteral(numba_type)
    if numba_type in FLOATS:
        return "f"
    if isinstance(numba_type, types.Boolean):
        return "b"
    return ("i" if numba_type.signed else "u") if isinstance(numba_type, types.Integer) else ""


def _same(a: Any, b: Any, kinds: str = "fiu") -> Any:
    """The common type of two arguments, None if they differ or are of none of these kinds."""
    a, b = types.unliteral(a), types.unliteral(b)
    return a if a == b and kind_of(a) and kind_of(a) in kinds else None


# Rounding and signs

sqrt, fabs, copysign = elementwise(_sqrt), elementwise(_fabs), elementwise(_copysign)


@elementwise
def rsqrt(x: Value) -> Value:
    """1 / sqrt(x), two roundings (1 ulp)."""
    return 1.0 / _sqrt(x)


@elementwise
def floor(x: Value) -> Value:
    return x.call("llvm.floor")


@elementwise
def ceil(x: Value) -> Value:
    return x.call("llvm.ceil")


@elementwise
def trunc(x: Value) -> Value:
    return x.call("llvm.trunc")


@elementwise
def rint(x: Value) -> Value:
    """Nearest integer, half to even."""
    return x.call("llvm.rint")


# Classification, selection, extremes

def _predicate(formula: Any) -> Any:
    def of(x: Any) -> Any:
        return (types.boolean, (x,), formula) if x in FLOATS else None

    of.__name__, of.__doc__ = formula.__name__, formula.__doc__
    return overloaded(of)


@_predicate
def isnan(x: Value) -> Value:
    return x.is_nan()


@_predicate
def isinf(x: Value) -> Value:
    return _fabs(x).equals(INFINITY)


@_predicate
def isfinite(x: Value) -> Value:
    return _fabs(x) < INFINITY


@overloaded
def select(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`, without a branch: both are computed. Both of one type, any."""
    common = _same(yes, no, "fiub")
    return (common, (types.boolean, common, common), _select) if common else None


@overloaded
def absolute(x: Any) -> Any:
    """np.absolute of any number: of the smallest signed integer, itself."""
    x, kind = types.unliteral(x), kind_of(x)

    def formula(value: Value) -> Value:
        match kind:
            case "f":
                return _fabs(value)
            case "i":
                return _select(value < 0, -value, value)
        return value

    return (x, (x,), formula) if kind else None


@overloaded
def sign(x: Any) -> Any:
    """-1, 0 or 1; NaN of NaN."""
    x, kind = types.unliteral(x), kind_of(x)
    if not kind or kind == "b":
        return None

    def formula(value: Value) -> Value:
        negative = _select(value < 0, value.constant(-1), value.constant(0)) if kind != "u" else value.constant(0)
        result = _select(value.compare(">", 0, signed=kind != "u"), 1, negative)
        return _select(value.is_nan(), value, result) if kind == "f" else result

    return x, (x,), formula


def _extreme(name: str, integer: str, floating: str) -> Any:
    def of(a: Any, b: Any) -> Any:
        common = _same(a, b, "fiub")
        if not common:
            return None

        def formula(left: Value, right: Value) -> Value:
            match kind_of(common):
                case "f":
                    result = left.call(floating, right)
                    result.raw.fastmath = FastMathFlags(("nsz",))  # which zero is free: spares x86 three instructions
                case "b":
                    result = (left & right) if name == "minimum" else (left | right)
                case kind:
                    result = left.call(f"llvm.{'s' if kind == 'i' else 'u'}{integer}", right)
            return result

        return common, (common, common), formula

    of.__name__ = name
    of.__doc__ = f"np.{name}: NaN wins. Any one type; of booleans, logical."
    return overloaded(of)


maximum = _extreme("maximum", "max", "llvm.maximum")
minimum = _extreme("minimum", "min", "llvm.minimum")


# Casts

def _freeze(x: Value) -> Value:
    """Some fixed value instead of poison: a float that does not fit converts to what the processor gives."""
    raw = Instruction(x.builder.block, x.type, "freeze", [x.raw])
    x.builder._insert(raw)
    return Value(x.builder, raw)


def convert_value(x: Value, source: str, target: str, memory_type: Any) -> Value:
    """NumPy's astype between kinds 'f', 'i', 'u', 'b', given the target's type."""
    match source, target:
        case "f", "f":
            narrower = FORMATS[memory_type].mantissa < x.format.mantissa
            return x if x.element == memory_type else x.convert("fptrunc" if narrower else "fpext", memory_type)
        case "f", "b":
            return ~x.equals(0.0)
        case "f", _:
            # as C compilers do: through the signed integer that holds the target's range; u64 has none
            if target == "u" and memory_type.width == 64:
                return _freeze(x.convert("fptoui", memory_type))
            wide = I64 if memory_type.width == 64 or (target == "u" and memory_type.width == 32) else I32
            integer = _freeze(x.convert("fptosi", wide))
            return integer if wide == memory_type else integer.convert("trunc", memory_type)
        case _, "f":
            return x.convert("sitofp" if source == "i" else "uitofp", memory_type)
        case "b", "b":
            return x
        case _, "b":
            return x.compare("!=", 0)
    if x.element.width == memory_type.width:
        return x
    if x.element.width > memory_type.width:
        return x.convert("trunc", memory_type)
    return x.convert("sext" if source == "i" else "zext", memory_type)


def _cast(name: str) -> Any:
    result, memory_type = ELEMENTS[name]
    target = kind_of(result)
    register_type = BOOL if target == "b" else memory_type

    def of(x: Any) -> Any:
        x, source = types.unliteral(x), kind_of(x)
        return (result, (x,), lambda value: convert_value(value, source, target, register_type)) if source else None

    of.__name__ = name
    of.__doc__ = f"x.astype({result}), from any number, boolean or literal. Out of range, as unspecified as in NumPy."
    return overloaded(of)


f32, f64, b1 = _cast("f32"), _cast("f64"), _cast("b1")
i8, i16, i32, i64 = _cast("i8"), _cast("i16"), _cast("i32"), _cast("i64")
u8, u16, u32, u64 = _cast("u8"), _cast("u16"), _cast("u32"), _cast("u64")


# Division

def _truncated_division(n: Value, d: Value, signed: bool) -> tuple[Value, Value]:
    """Quotient rounded to zero, and the divisor made harmless: 0 and MIN / -1 would trap, so they divide by 1.

    Up to 32 bits the division is done in float64, where the truncated quotient is exact and the loop vectorises.
    """
    harmless = d.equals(0)
    if signed:
        harmless = harmless | (d.equals(-1) & n.equals(-(1 << (n.type.width - 1))))
    divisor = _select(harmless, 1, d)
    if n.type.width > 32:
        return n._binary("sdiv" if signed else "udiv", divisor), divisor
    as_float, as_integer = ("sitofp", "fptosi") if signed else ("uitofp", "fptoui")
    quotient = n.convert(as_float, DOUBLE) / divisor.convert(as_float, DOUBLE)
    return quotient.convert(as_integer, n.type), divisor


def _floored(n: Value, d: Value) -> tuple[Value, Value]:
    """Quotient and remainder of 64-bit integers, rounded to minus infinity, for a harmless divisor: in float64, whose
    quotient is at most 2**12 off, and once more for what is left. Before the instruction, which is slow, LLVM puts a
    branch that depends on signs."""
    quotient, rest = n.constant(0), n
    inverse = 1.0 / d.convert("sitofp", DOUBLE)
    for _ in range(2):
        ratio = rest.convert("sitofp", DOUBLE) * inverse
        step = _select(ratio >= LARGEST, LARGEST, ratio).convert("fptosi", n.type)
        quotient, rest = quotient + step, rest - step * d
    above = _select(d < 0, rest <= d, rest >= d)
    quotient, rest = _select(above, quotient + 1, quotient), _select(above, rest - d, rest)
    below = ((rest ^ d) < 0) & ~rest.equals(0)
    return _select(below, quotient - 1, quotient), _select(below, rest + d, rest)


def _long_division(remainder: bool) -> Any:
    """As `integer_division` of signed integers, for many of 64 bits."""
    def formula(n: Value, d: Value) -> Value:
        harmless = d.equals(0) | (d.equals(-1) & n.equals(-1 << 63))
        quotient, rest = _floored(n, _select(harmless, 1, d))
        return _select(d.equals(0), 0, rest if remainder else quotient)

    return formula


def integer_division(remainder: bool, signed: bool) -> Any:
    def formula(n: Value, d: Value) -> Value:
        quotient, divisor = _truncated_division(n, d, signed)
        rest = n - quotient * divisor
        result = rest if remainder else quotient
        if signed:  # round to minus infinity: the remainder takes the divisor's sign
            adjust = (rest ^ divisor).compare("<", 0) & rest.compare("!=", 0)
            result = _select(adjust, rest + divisor if remainder else quotient - 1, result)
        return _select(d.equals(0), 0, result)

    return formula


def _double_fmod(n: Value, d: Value) -> Value:
    builder, size, divisor = n.builder, _fabs(n), _fabs(d)
    ratio = size / divisor
    once = (ratio < 2.0 ** 51) & (divisor < INFINITY)
    with builder.if_else(once.raw, likely=True) as (near, far):
        with near:
            rest = exact_fma(ratio.call("llvm.trunc"), -divisor, size)
            rest = _copysign(_select(rest < 0, rest + divisor, rest), n)
            after_near = builder.block
        with far:
            builder.asm(NOTHING, "", "", [], side_effect=True)  # or LLVM would call it for all
            called = n._binary("frem", d)
            after_far = builder.block
    result = builder.phi(n.type)
    result.add_incoming(rest.raw, after_near)
    result.add_incoming(called.raw, after_far)
    return Value(builder, result)


def _fmod(n: Value, d: Value) -> Value:
    """C's fmod, exact: n - trunc(n / d) * d.

    float32: in float64, where a quotient below 2**51 is at most 1 off and its remainder exact (n - q d fits), and a
    larger one loses 51 bits a step; six steps cover the format, with no branch. float64: one step, or for a larger
    quotient LLVM's frem, a library call.
    """
    if n.type == DOUBLE:
        return _double_fmod(n, d) if isa().fma else n._binary("frem", d)
    divisor = _fabs(d).convert("fpext", DOUBLE)
    rest = _fabs(n).convert("fpext", DOUBLE)
    inverse = 1.0 / divisor
    for _ in range(6):
        rest = exact_fma((rest * inverse).call("llvm.trunc"), -divisor, rest)
    rest = _select(rest < 0, rest + divisor, rest)
    rest = _select(rest >= divisor, rest - divisor, rest)
    rest = _select(_fabs(d).equals(INFINITY) & (_fabs(n) < INFINITY), _fabs(n).convert("fpext", DOUBLE), rest)
    return _copysign(rest.convert("fptrunc", n.type), n)


def _float_mod(n: Value, d: Value) -> Value:
    rest = _fmod(n, d)
    shifted = _select((rest < 0) ^ (d < 0), rest + d, rest)
    return _select(rest.equals(0), _copysign(rest.constant(0), d), shifted)


def _float_floordiv(n: Value, d: Value) -> Value:
    """npy_floor_divide: (n - mod) / d is near an integer; snap to it."""
    rest = _fmod(n, d)
    quotient = (n - rest) / d
    quotient = _select(~rest.equals(0) & ((rest < 0) ^ (d < 0)), quotient - 1, quotient)
    down = quotient.call("llvm.floor")
    snapped = _select(quotient - down > 0.5, down + 1, down)
    snapped = _select(quotient.equals(0), _copysign(n.constant(0), n / d), snapped)
    return _select(d.equals(0), n / d, snapped)


def _division(floating: Any, remainder: bool, name: str, doc: str) -> Any:
    def of(n: Any, d: Any) -> Any:
        common = _same(n, d)
        if not common:
            return None
        if common == types.int64:
            return common, (common, common), _long_division(remainder)
        formula = floating if kind_of(common) == "f" else integer_division(remainder, kind_of(common) == "i")
        return common, (common, common), formula

    of.__name__, of.__doc__ = name, doc
    return overloaded(of)


floordiv = _division(_float_floordiv, False, "floordiv", "np.floor_divide; integers by 0 give 0 and never trap.")
mod = _division(_float_mod, True, "mod", "np.mod: the remainder has the divisor's sign; integers modulo 0 give 0.")
fmod = elementwise(_fmod)


@overloaded
def ipow(base: Any, exponent: Any) -> Any:
    """Integer power by repeated squaring, wrapping as NumPy's. A negative exponent truncates 1 / base**-exponent."""
    common = _same(base, exponent, "iu")
    if not common:
        return None
    signed = kind_of(common) == "i"

    def formula(value: Value, power: Value) -> Value:
        builder, one = value.builder, value.constant(1)
        entry, loop, done = builder.block, builder.append_basic_block("ipow"), builder.append_basic_block("ipow.done")
        builder.branch(loop)
        builder.position_at_end(loop)
        phis = [builder.phi(value.type) for _ in range(3)]
        result, square, left = (Value(builder, phi) for phi in phis)
        following = _select((left & 1).equals(0), result, result * square), square * square, left >> 1
        for phi, first, then in zip(phis, (one, value, power), following, strict=True):
            phi.add_incoming(first.raw, entry)
            phi.add_incoming(then.raw, loop)
        builder.cbranch(following[2].equals(0).raw, done, loop)
        builder.position_at_end(done)
        answer = following[0]
        if signed:
            sign_power = _select((power & 1).equals(0), one, -1)
            unit = _select(value.equals(1), one, _select(value.equals(-1), sign_power, 0))
            answer = _select(power < 0, unit, answer)
        return answer

    return common, (common, common), formula


__all__ = [
    "absolute", "b1", "ceil",
    "copysign", "f32", "f64", "fabs", "floor", "floordiv", "fmod", "i16", "i32", "i64", "i8", "ipow",
    "isfinite", "isinf", "isnan", "maximum", "minimum", "mod", "rint", "rsqrt", "select", "sign", "sqrt", "trunc",
    "u16", "u32", "u64", "u8",
]
