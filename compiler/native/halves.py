"""Floats of 16 bits, which kernels compute with as float32: read, written, and rounded to."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .elementary import convert_value, kind_of
from .expression import I32, SINGLE, Value, overloaded, select
from .memory import element_pointer, tag
from .processor import isa

I16, HALF = ir.IntType(16), ir.HalfType()
QUIET, SIGN = 0x7FC00000, 0x80000000
# float16's smallest normal number, the least float32 that rounds to its infinity, what leaves its subnormals in the
# last bits of a sum, and the exponents between the two formats
NORMAL, OVERFLOW, SUBNORMAL, BIASES = 2.0 ** -14, 65520.0, 0.5, 112


def _even(bits: Value, dropped: int) -> Value:
    """Bits of a float rounded to nearest, ties to even, without the last ones."""
    return (bits + ((bits >> dropped) & 1) + ((1 << (dropped - 1)) - 1)) & (SIGN - (1 << dropped) + SIGN)


def _round_b16(x: Value) -> Value:
    rounded = select(x.is_nan(), x.bits() & SIGN | QUIET, _even(x.bits(), 16))
    return rounded.as_float(x)


def _write_b16(x: Value) -> Value:
    return (_round_b16(x).bits() >> 16).convert("trunc", I16)


def _read_b16(bits: Value) -> Value:
    return _float(bits.convert("zext", I32) << 16)


def _write_f16(x: Value) -> Value:
    if isa().float16:
        half = x.convert("fptrunc", HALF)
        return Value(half.builder, half.builder.bitcast(half.raw, half.shaped(I16)))
    size = _float(x.bits() & (SIGN - 1))
    small = (size + SUBNORMAL).bits() - size.constant(SUBNORMAL).bits()
    found = select(size < NORMAL, small, (_even(size.bits(), 13) >> 13) - (BIASES << 10))
    found = select(size.is_nan(), 0x7E00, select(size >= OVERFLOW, 0x7C00, found))
    return (found | ((x.bits() >> 16) & 0x8000)).convert("trunc", I16)


def _read_f16(bits: Value) -> Value:
    if isa().float16:
        return Value(bits.builder, bits.builder.bitcast(bits.raw, bits.shaped(HALF))).convert("fpext", SINGLE)
    wide = bits.convert("zext", I32)
    size = wide & 0x7FFF
    finite = (_float(size << 13) * 2.0 ** BIASES).bits()
    found = select(size.compare("<", 0x7C00), finite, (size << 13) | 0x7F800000)
    return _float(found | ((wide & 0x8000) << 16))


def _round_f16(x: Value) -> Value:
    return _read_f16(_write_f16(x))


def _float(bits: Value) -> Value:
    return Value(bits.builder, bits.builder.bitcast(bits.raw, bits.shaped(SINGLE)))


def _make(code: str, read: Callable[[Value], Value], write: Callable[[Value], Value],
          round_to: Callable[[Value], Value]) -> tuple[Any, Any, Any]:
    """The functions that load and store such elements, as float32, and round a number to the nearest of them."""
    @intrinsic(prefer_literal=True)
    def load(typingctx, address, index, scope):
        def codegen(context, builder, signature, args):
            bits = builder.load(element_pointer(builder, args[0], args[1], I16), typ=I16)
            tag(builder, bits, scope.literal_value)
            return read(Value(builder, bits)).raw

        return types.float32(types.int64, types.int64, scope), codegen

    @intrinsic(prefer_literal=True)
    def store(typingctx, address, index, value, scope):
        def codegen(context, builder, signature, args):
            pointer = element_pointer(builder, args[0], args[1], I16)
            tag(builder, builder.store(write(Value(builder, args[2])).raw, pointer), scope.literal_value)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.float32, scope), codegen

    def rounded(x: Any) -> Any:
        x, kind = types.unliteral(x), kind_of(x)
        return (types.float32, (x,), lambda value: round_to(convert_value(value, kind, "f", SINGLE))) if kind else None

    rounded.__name__, rounded.__doc__ = code, f"The number's float32, rounded to one that {code} has."
    return load, store, overloaded(rounded)


load_f16, store_f16, f16 = _make("f16", _read_f16, _write_f16, _round_f16)
load_fb16, store_fb16, fb16 = _make("fb16", _read_b16, _write_b16, _round_b16)

__all__ = ["f16", "fb16", "load_f16", "load_fb16", "store_f16", "store_fb16"]
