"""Loops within a formula: of a number, or of a vector until all its elements are done."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from .expression import BOOL, DOUBLE, Value, select
from .vectors import halves, joined

WIDEST = 8  # elements of double precision in a register
NEAR = (2.0 ** -32, 2.0 ** -53)  # of float32 and float64


def iterate(going: Value, state: Sequence[Value], step: Callable[..., tuple[Value, Sequence[Value]]], most: int
            ) -> list[Value]:
    """The state after up to `most` steps: step(k, *state), k = 1.0, 2.0, ..., says whether to go on, and gives the next
    state. An element that need not go on keeps its own, whatever the vector's others do."""
    builder, before = going.builder, going.builder.block
    begin, after = (builder.append_basic_block(f"iterate.{part}") for part in ("step", "done"))
    count = state[0].constant(1.0)
    builder.cbranch(_any(going), begin, after)
    builder.position_at_end(begin)
    names = [count, going, *state]
    k, active, *current = [Value(builder, builder.phi(value.type)) for value in names]
    further, following = step(k, *current)
    further = active & further & (k < most)
    following = [select(active, new, old) for new, old in zip(following, current, strict=True)]
    end = builder.block
    for phi, first, then in zip((k, active, *current), names, (k + 1.0, further, *following), strict=True):
        phi.raw.add_incoming(first.raw, before)
        phi.raw.add_incoming(then.raw, end)
    builder.cbranch(_any(further), begin, after)
    builder.position_at_end(after)
    return [_either(builder, (first, before), (then, end)) for first, then in zip(state, following, strict=True)]


def _either(builder: ir.IRBuilder, *values: tuple[Value, Any]) -> Value:
    phi = builder.phi(values[0][0].type)
    for value, block in values:
        phi.add_incoming(value.raw, block)
    return Value(builder, phi)


def _any(condition: Value) -> Any:
    """Whether it holds for any element."""
    if condition.type == BOOL:
        return condition.raw
    bits = ir.IntType(condition.type.count)
    return condition.builder.icmp_unsigned("!=", condition.builder.bitcast(condition.raw, bits), bits(0))


def in_double(function: Callable[..., Value]) -> Callable[..., Value]:
    """The formula, whose last argument is how near, relative to the result, its loops come, in double precision: of no
    more elements at a time than a register holds."""
    def of(*arguments: Value) -> Value:
        near = arguments[0].pick(*NEAR)
        wide = [x if x.element == DOUBLE else x.convert("fpext", DOUBLE) for x in arguments]
        kind = wide[0].type
        if not isinstance(kind, ir.VectorType) or kind.count <= WIDEST:
            result = function(*wide, near)
        else:
            builder = wide[0].builder
            parts = zip(*(halves(builder, x.raw) for x in wide), strict=True)
            low, high = (function(*(Value(builder, raw) for raw in part), near) for part in parts)
            result = Value(builder, joined(builder, low.raw, high.raw))
        element = arguments[0].element
        return result if element == DOUBLE else result.convert("fptrunc", element)

    of.__signature__ = inspect.Signature(list(inspect.signature(function).parameters.values())[:-1])  # type: ignore[attr-defined]
    of.__name__, of.__doc__ = function.__name__, function.__doc__
    return of
