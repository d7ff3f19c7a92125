"""Write a formula as Python arithmetic, get straight-line LLVM IR: the ground under the vectorisable math.

A `Value` wraps one SSA value and overloads the operators, so that an algorithm reads as in its paper and is generic
over float32 and float64. `elementwise` turns such a formula into a `numba.extending.intrinsic`. Nothing here branches
or calls a library, so a loop around the result vectorises; and no Python helper is compiled, so a kernel compiles
fast.

The kernels are compiled with fast-math flags, which Numba writes onto every instruction of the module after the fact.
Compensated arithmetic would not survive `reassoc`, so the instructions made here are sealed against it.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Union

from llvmlite import ir
from llvmlite.ir.instructions import FastMathFlags, Instruction
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .instructions import instruction
from .processor import isa

Number = Union["Value", float, int]


class Format(NamedTuple):
    """An IEEE binary format: what bit-level algorithms need to know of it."""

    bits: Any           # the integer type of the same width
    mantissa: int       # stored mantissa bits
    bias: int           # exponent bias
    smallest: float     # the smallest normal number
    dtype: Any


FORMATS = {
    ir.FloatType(): Format(ir.IntType(32), 23, 127, 2.0 ** -126, types.float32),
    ir.DoubleType(): Format(ir.IntType(64), 52, 1023, 2.0 ** -1022, types.float64),
}
FLOATS = (types.float32, types.float64)
BOOL = ir.IntType(1)
I32, I64 = ir.IntType(32), ir.IntType(64)
SINGLE, DOUBLE = ir.FloatType(), ir.DoubleType()


class _SealedFlags(list[str]):
    """Fast-math flags of an arithmetic instruction that takes none: Numba adds its own only where there are none."""

    def __bool__(self) -> bool:
        return True


class _SealedCallFlags(FastMathFlags):
    """Fast-math flags of a call that takes none: Numba adds its own to every call."""

    def add(self, name: str) -> None:
        """Refuse the flag."""


_SEALED, _SEALED_CALL = _SealedFlags(), _SealedCallFlags()


class Value:
    """One SSA value of float or integer type, or a vector of them; operators emit instructions and lift Python numbers
    to its type."""

    __slots__ = ("builder", "raw")

    def __init__(self, builder: ir.IRBuilder, raw: Any) -> None:
        self.builder, self.raw = builder, raw

    @property
    def type(self) -> Any:
        return self.raw.type

    @property
    def element(self) -> Any:
        return self.type.element if isinstance(self.type, ir.VectorType) else self.type

    def shaped(self, element: Any) -> Any:
        """The type of as many of these elements as there are here."""
        return ir.VectorType(element, self.type.count) if isinstance(self.type, ir.VectorType) else element

    @property
    def is_float(self) -> bool:
        return self.element in FORMATS

    @property
    def format(self) -> Format:
        return FORMATS[self.element]

    def pick(self, single: Any, double: Any) -> Any:
        """What stands for this value's precision: coefficients, thresholds."""
        return single if self.element == SINGLE else double

    def constant(self, value: float | int) -> Value:
        one = ir.Constant(self.element, value)
        return Value(self.builder, ir.Constant(self.type, [one] * self.type.count)
                     if isinstance(self.type, ir.VectorType) else one)

    def lift(self, other: Number) -> Value:
        return other if isinstance(other, Value) else self.constant(other)

    def _binary(self, name: str, other: Number, swap: bool = False) -> Value:
        pair = (self.raw, self.lift(other).raw)
        raw = getattr(self.builder, name)(*(pair[::-1] if swap else pair))
        if name[0] == "f" and isinstance(raw, Instruction):
            raw.flags = _SEALED
        return Value(self.builder, raw)

    def _arithmetic(self, name: str, other: Number, swap: bool = False) -> Value:
        return self._binary("f" + name if self.is_float else name, other, swap)

    def __add__(self, other: Number) -> Value:
        return self._arithmetic("add", other)

    def __sub__(self, other: Number) -> Value:
        return self._arithmetic("sub", other)

    def __rsub__(self, other: Number) -> Value:
        return self._arithmetic("sub", other, swap=True)

    def __mul__(self, other: Number) -> Value:
        return self._arithmetic("mul", other)

    def __truediv__(self, other: Number) -> Value:
        return self._binary("fdiv", other)

    def __rtruediv__(self, other: Number) -> Value:
        return self._binary("fdiv", other, swap=True)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Value:
        raw = self.builder.fneg(self.raw) if self.is_float else self.builder.neg(self.raw)
        return Value(self.builder, raw)

    def __and__(self, other: Number) -> Value:
        return self._binary("and_", other)

    def __or__(self, other: Number) -> Value:
        return self._binary("or_", other)

    def __xor__(self, other: Number) -> Value:
        return self._binary("xor", other)

    def __invert__(self) -> Value:
        return Value(self.builder, self.builder.not_(self.raw))

    def __lshift__(self, count: Number) -> Value:
        return self._binary("shl", count)

    def __rshift__(self, count: Number) -> Value:
        """Logical shift: zeros come in from the left."""
        return self._binary("lshr", count)

    def arithmetic_shift(self, count: int) -> Value:
        return self._binary("ashr", count)

    def compare(self, operator: str, other: Number, signed: bool = True) -> Value:
        """Ordered comparison of floats (false where either is NaN), signed or unsigned of integers."""
        if self.is_float:
            raw = self.builder.fcmp_ordered(operator, self.raw, self.lift(other).raw)
            raw.flags = _SEALED
        else:
            kind = self.builder.icmp_signed if signed else self.builder.icmp_unsigned
            raw = kind(operator, self.raw, self.lift(other).raw)
        return Value(self.builder, raw)

    def __lt__(self, other: Number) -> Value:
        return self.compare("<", other)

    def __le__(self, other: Number) -> Value:
        return self.compare("<=", other)

    def __gt__(self, other: Number) -> Value:
        return self.compare(">", other)

    def __ge__(self, other: Number) -> Value:
        return self.compare(">=", other)

    def equals(self, other: Number) -> Value:
        return self.compare("==", other)

    def is_nan(self) -> Value:
        raw = self.builder.fcmp_unordered("uno", self.raw, self.raw)
        raw.flags = _SEALED
        return Value(self.builder, raw)

    def bits(self) -> Value:
        """The integer of the same bits."""
        return Value(self.builder, self.builder.bitcast(self.raw, self.shaped(self.format.bits)))

    def as_float(self, like: Value) -> Value:
        """The float of the same bits, in the precision of `like`."""
        return Value(self.builder, self.builder.bitcast(self.raw, like.type))

    def convert(self, name: str, target: Any) -> Value:
        """One of LLVM's conversions: sext, zext, trunc, fpext, fptrunc, sitofp, uitofp, fptosi, fptoui."""
        return Value(self.builder, getattr(self.builder, name)(self.raw, self.shaped(target)))

    def call(self, name: str, *others: Number) -> Value:
        """An LLVM intrinsic overloaded on this type, such as `llvm.floor`."""
        function_type = ir.FunctionType(self.type, [self.type] * (1 + len(others)))
        full = f"{name}.{mangled(self.type)}"
        function = cgutils.get_or_insert_function(self.builder.module, function_type, full)
        raw = self.builder.call(function, [self.raw, *(self.lift(other).raw for other in others)])
        raw.fastmath = _SEALED_CALL
        return Value(self.builder, raw)


def mangled(kind: Any) -> str:
    """A type as it stands in the name of an overloaded intrinsic."""
    return f"v{kind.count}{kind.element.intrinsic_name}" if isinstance(kind, ir.VectorType) else kind.intrinsic_name


def select(condition: Value, yes: Number, no: Number) -> Value:
    """`yes` where the condition holds, else `no`; both are computed."""
    like = yes if isinstance(yes, Value) else no
    assert isinstance(like, Value)
    return Value(like.builder, like.builder.select(condition.raw, like.lift(yes).raw, like.lift(no).raw))


def fma(a: Value, b: Number, c: Number) -> Value:
    """a * b + c rounded once; twice on an x86 processor older than FMA (2013), where the error bounds grow."""
    return a.call("llvm.fma", b, c) if isa().fma else a * b + c


def exact_fma(a: Value, b: Number, c: Number) -> Value:
    """a * b + c for reductions and remainders, which cancel: as if rounded once, with or without the instruction."""
    if isa().fma:
        return fma(a, b, c)
    product, low = two_product(a, a.lift(b))
    total, rest = two_sum(product, a.lift(c))
    return total + (rest + low)


def use_full_vectors(builder: ir.IRBuilder) -> None:
    """Have the loops of this kernel vectorised at 512 bits where the processor has them.

    LLVM stays at 256 on many such processors, for fear of their clock; arithmetic as dense as ours gains 15 to 40 %.
    llvmlite does not know the attribute, so it enters the set past the check.
    """
    if isa().vector_bytes == 64:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')


def horner(x: Value, coefficients: Iterable[float]) -> Value:
    """The polynomial with these coefficients, constant term first."""
    use_full_vectors(x.builder)
    highest, *rest = reversed(list(coefficients))
    result = x.constant(highest)
    for coefficient in rest:
        result = fma(result, x, coefficient)
    return result


def small_integer(x: Value) -> Value:
    """A whole number below 2**(mantissa - 1) as an integer: in the low bits of its sum with 1.5 * 2**mantissa."""
    magic = x.constant(1.5 * 2.0 ** x.format.mantissa)
    return (x + magic).bits() - magic.bits()


def power_of_two(n: Value) -> Value:
    """2**n for a whole n within the normal exponents of its precision."""
    if isa().vector_bytes == 64:
        return scale(n.constant(1.0), n)
    return ((small_integer(n) + n.format.bias) << n.format.mantissa).as_float(n)


def scale(x: Value, n: Value) -> Value:
    """x * 2**n for a whole n to twice the exponent range, rounded once: an instruction of AVX-512, else two exact
    steps."""
    if isa().vector_bytes == 64:
        return Value(x.builder, instruction(x.builder, "scalef", x.raw, n.raw))
    form = x.format
    # the exponents of both steps together: half of it each, the second one rounded up
    doubled = small_integer(n) + 2 * form.bias
    first = (doubled << (form.mantissa - 1)) & (-1 << form.mantissa)
    return x * first.as_float(x) * ((doubled << form.mantissa) - first).as_float(x)


def fabs(x: Value) -> Value:
    return x.call("llvm.fabs")


def sqrt(x: Value) -> Value:
    return x.call("llvm.sqrt")


def copysign(x: Value, sign: Number) -> Value:
    return x.call("llvm.copysign", sign)


def sign_bit(x: Value) -> Value:
    """Is the sign bit set? True of -0."""
    return x.bits().compare("<", 0)


def round_to_integer(x: Value, factor: float = 1.0) -> tuple[Value, Value]:
    """x * factor rounded half to even, as float and as integer, if below 2**(mantissa - 1); of NaN, any integer.

    Adding 1.5 * 2**mantissa leaves the integer in the low bits: no conversion instruction, whose NaN would be poison.
    """
    magic = x.constant(1.5 * 2.0 ** x.format.mantissa)
    shifted = fma(x, factor, magic)
    return shifted - magic, shifted.bits() - magic.bits()


def two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """a + b and its rounding error (Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """a + b and its rounding error where |a| >= |b| (Dekker 1971)."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Value, b: Value) -> tuple[Value, Value]:
    """a * b and its rounding error; without FMA by splitting the factors into halves (Dekker 1971, Veltkamp)."""
    product = a * b
    if isa().fma:
        return product, fma(a, b, -product)
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(x: Value) -> tuple[Value, Value]:
    scaled = x * (2.0 ** ((x.format.mantissa + 2) // 2) + 1.0)
    high = scaled - (scaled - x)
    return high, x - high


def overloaded(choose: Callable[..., Any]) -> Any:
    """An intrinsic of one to five arguments, named as `choose`, which maps their Numba types to
    (result type, types to convert the arguments to, formula on Values), or to None where it has no meaning for them.
    """
    def typed(*arguments: Any) -> Any:
        chosen = choose(*arguments)
        if chosen is None:
            return None
        returned, accepted, formula = chosen

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return formula(*(Value(builder, value) for value in values)).raw

        return returned(*accepted), codegen

    by_arity: list[Callable[..., Any]] = [
        lambda typingctx, a: typed(a),
        lambda typingctx, a, b: typed(a, b),
        lambda typingctx, a, b, c: typed(a, b, c),
        lambda typingctx, a, b, c, d: typed(a, b, c, d),
        lambda typingctx, a, b, c, d, e: typed(a, b, c, d, e),
    ]
    function = by_arity[len(inspect.signature(choose).parameters) - 1]
    function.__name__ = function.__qualname__ = choose.__name__
    function.__doc__ = choose.__doc__
    return intrinsic(function)


def elementwise(formula: Callable[..., Value]) -> Any:
    """The intrinsic that computes `formula` on float32 or float64 arguments, all of one type, with a result of that
    type."""
    def of(first: Any, *others: Any) -> Any:
        same = first in FLOATS and all(other == first for other in others)
        return (first, (first, *others), formula) if same else None

    of.__signature__ = inspect.signature(formula)  # type: ignore[attr-defined]
    of.__name__, of.__doc__ = formula.__name__.strip("_"), formula.__doc__
    return overloaded(of)
