"""Loops that are explicit vectors of elements (translate.py): what a vector of them reads, computes and stores.

LLVM's own vectorizer leaves what fills no vector to scalar code, which for rows of 77 or 300 elements and an
exponential takes as long as all the rest; here those elements are a last vector's, under a mask.
"""
from __future__ import annotations

import ast
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils

from .arithmetic import Number
from .expression import BOOL, I32, I64, mangled
from .memory import ELEMENTS
from .processor import isa


class Lanes(NamedTuple):
    """A vector of elements: how many, the loop's variable, what is known so far by name, where the partial results of
    reductions are, which lanes there are (None: all), and which buffers have room for those that are not."""

    size: int
    variable: str
    values: dict[str, Number]
    partial: dict[str, Any]
    mask: Any = None
    roomy: Container[str] = ()


def width(body: Sequence[ast.stmt]) -> int:
    """Elements of a vector, for a loop's body: as many as the widest type has."""
    names = {node.func.id for part in body for node in ast.walk(part)
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return isa().vector_bytes // (8 if any(name.endswith("f64") for name in names) else 4)


def reductions(body: Sequence[ast.stmt]) -> dict[str, ast.expr]:
    """The variables of a loop's body whose new value follows from the one before, and how."""
    found = {}
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if any(
                    isinstance(part, ast.Name) and part.id == name for part in ast.walk(value)):
                found[name] = value
    return found


def first(builder: ir.IRBuilder, count: int, present: Any) -> Any:
    """The mask of this many lanes, of which so many are present."""
    index = ir.VectorType(I32, count)
    present = builder.trunc(present, I32)
    return builder.icmp_signed("<", ir.Constant(index, [I32(i) for i in range(count)]), splat(builder, present, count))


def counted(builder: ir.IRBuilder, start: Any, count: int) -> Any:
    """The integers from the start on."""
    index = ir.VectorType(I64, count)
    return builder.add(splat(builder, start, count), ir.Constant(index, [I64(i) for i in range(count)]))


def splat(builder: ir.IRBuilder, raw: Any, count: int) -> Any:
    """A vector of so many times this value."""
    vector = ir.VectorType(raw.type, count)
    if isinstance(raw, ir.Constant):
        return ir.Constant(vector, [raw] * count)
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, raw, I32(0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, count), [I32(0)] * count))


def alike(builder: ir.IRBuilder, numbers: Sequence[Number]) -> list[Number]:
    """The numbers, all of them vectors if any is."""
    counts = [x.raw.type.count for x in numbers if isinstance(x.raw.type, ir.VectorType)]
    return [x if not counts or isinstance(x.raw.type, ir.VectorType) else
            Number(x.type, splat(builder, x.raw, counts[0])) for x in numbers]


def halves(builder: ir.IRBuilder, raw: Any) -> list[Any]:
    """The lower and the upper half of a vector; of two elements, these."""
    half = raw.type.count // 2
    if half == 1:
        return [builder.extract_element(raw, I32(i)) for i in (0, 1)]
    lanes = ir.VectorType(I32, half)
    return [builder.shuffle_vector(raw, raw, ir.Constant(lanes, [I32(start + i) for i in range(half)]))
            for start in (0, half)]


def joined(builder: ir.IRBuilder, low: Any, high: Any) -> Any:
    """The vector of which these are the halves."""
    count = 2 * low.type.count
    return builder.shuffle_vector(low, high, ir.Constant(ir.VectorType(I32, count), [I32(i) for i in range(count)]))


def load(builder: ir.IRBuilder, name: str, address: Any, index: Any, lanes: Lanes) -> Number:
    """Elements of a buffer from the index on; lanes that are not there are zero and not read."""
    kind, memory = ELEMENTS[name]
    vector, place = _place(builder, memory, address, index, lanes.size)
    if lanes.mask is None:
        raw = builder.load(place, align=_bytes(name), typ=vector)
    else:
        zero = ir.Constant(vector, [ir.Constant(memory, 0)] * lanes.size)
        raw = _masked(builder, "load", vector, vector, [place, I32(_bytes(name)), lanes.mask, zero])
    return Number(kind, builder.icmp_unsigned("!=", raw, ir.Constant(vector, [memory(0)] * lanes.size))
                  if name == "b1" else raw)


def store(builder: ir.IRBuilder, name: str, address: Any, index: Any, value: Any, lanes: Lanes) -> Any:
    """The lanes that are there, to a buffer from the index on. Returns the instruction."""
    memory = ELEMENTS[name][1]
    vector, place = _place(builder, memory, address, index, lanes.size)
    if not isinstance(value.type, ir.VectorType):
        value = splat(builder, value, lanes.size)
    if value.type.element == BOOL:
        value = builder.zext(value, vector)
    if lanes.mask is None:
        return builder.store(value, place, align=_bytes(name))
    return _masked(builder, "store", vector, ir.VoidType(), [value, place, I32(_bytes(name)), lanes.mask])


def _bytes(name: str) -> int:
    return int(name[1:]) // 8 or 1


def _place(builder: ir.IRBuilder, memory: Any, address: Any, index: Any, count: int) -> tuple[Any, Any]:
    vector = ir.VectorType(memory, count)
    element = builder.gep(builder.inttoptr(address, memory.as_pointer()), [index], source_etype=memory)
    return vector, builder.bitcast(element, vector.as_pointer())


def _masked(builder: ir.IRBuilder, what: str, vector: Any, result: Any, arguments: list[Any]) -> Any:
    kind = ir.FunctionType(result, [x.type for x in arguments])
    name = f"llvm.masked.{what}.{mangled(vector)}.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
