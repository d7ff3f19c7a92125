"""What the expressions of a generated kernel's text come to, in LLVM IR (statements: translate.py)."""
from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target

from . import arithmetic, vectors
from .ahead import AHEAD
from .arithmetic import REGISTERS, Number, constant
from .expression import BOOL, I64
from .memory import ELEMENTS, tag

# casts to integers of fewer than 64 bits
NARROW = {"i8", "i16", "i32", "u8", "u16", "u32"}

_literal = cache(types.literal)


@cache
def _typed(intrinsic: Any, kinds: tuple[Any, ...]) -> tuple[Any, Any]:
    """(signature, what emits the code) of an intrinsic for arguments of these types."""
    found = intrinsic.__wrapped__(None, *kinds)
    if found is None:
        raise TypeError(f"{intrinsic.__name__} takes no {', '.join(map(str, kinds))}")
    return found


class Values:
    """Emits expressions where `builder` stands."""

    def __init__(self, builder: ir.IRBuilder, names: dict[str, Any]):
        self.builder = builder
        self.names = names
        self.variables: dict[str, Number] = {}  # each with the place of its value
        self.lanes: vectors.Lanes | None = None  # of the vector that is computed, in a loop of explicit ones
        self.roots = 0  # square roots of float32 in the loop so far

    def new_block(self, name: str) -> ir.Block:
        return self.builder.append_basic_block(name)

    def number(self, node: ast.expr) -> Number:
        builder = self.builder
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return constant(value)
            case ast.Name(id=name):
                return self.variable(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                return constant(getattr(self.named(name), attribute))
            case ast.BinOp(left=left, op=op, right=right):
                return arithmetic.binary(builder, type(op), *self.numbers(left, right))
            case ast.UnaryOp(op=op, operand=operand):
                return arithmetic.unary(builder, type(op), self.number(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return arithmetic.compare(builder, type(op), *self.numbers(left, right))
            case ast.BoolOp(op=op, values=[first, *rest]):
                return Number(types.boolean, self.both(isinstance(op, ast.And), first, rest))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.choice(self.truth(test), body, orelse)
            case ast.Call():
                return self.call(node)
        raise SyntaxError(f"{ast.unparse(node)!r} is not in the language of kernels")

    def numbers(self, *nodes: ast.expr) -> list[Number]:
        """The values of expressions that are computed with one another."""
        return vectors.alike(self.builder, [self.number(node) for node in nodes])

    def variable(self, name: str) -> Number:
        if self.lanes is not None and name in self.lanes.partial:
            place = self.lanes.partial[name]
            self.lanes.values[name] = Number(self.variables[name].type, self.builder.load(place))
        if self.lanes is not None and name in self.lanes.values:
            return self.lanes.values[name]
        if name not in self.variables:
            value = self.named(name)
            if isinstance(value, ir.Function):
                value.attributes.add("noinline")  # whoever gets the address calls it beside work with its own registers
                return Number(types.int64, self.builder.ptrtoint(value, I64))
            return constant(value)
        kind, place, _ = self.variables[name]
        return Number(kind, self.builder.load(place, name, typ=REGISTERS[kind]))

    def named(self, name: str) -> Any:
        if name not in self.names:
            raise NameError(f"name {name!r} is not defined")
        return self.names[name]

    def truth(self, node: ast.expr) -> Any:
        return arithmetic.truth(self.builder, self.number(node))

    def both(self, is_and: bool, first: ast.expr, rest: Sequence[ast.expr]) -> Any:
        """LLVM's value of `first and rest` or `first or rest`, the rest computed where the first does not tell."""
        known = self.truth(first)
        if not rest:
            return known
        before = self.builder.block
        further, after = self.new_block("further"), self.new_block("told")
        self.builder.cbranch(known, *((further, after) if is_and else (after, further)))
        self.builder.position_at_end(further)
        other, end = self.both(is_and, rest[0], rest[1:]), self.builder.block
        self.builder.branch(after)
        self.builder.position_at_end(after)
        result = self.builder.phi(BOOL)
        result.add_incoming(ir.Constant(BOOL, int(not is_and)), before)
        result.add_incoming(other, end)
        return result

    def choice(self, test: Any, body: ast.expr, orelse: ast.expr) -> Number:
        """body if test else orelse."""
        yes, no, after = (self.new_block(f"choice.{part}") for part in ("yes", "no", "after"))
        self.builder.cbranch(test, yes, no)
        found = []
        for block, node in ((yes, body), (no, orelse)):
            self.builder.position_at_end(block)
            found.append((self.number(node), self.builder.block))
            self.builder.branch(after)
        self.builder.position_at_end(after)
        (one, _), (other, _) = found
        if one.type != other.type:
            raise TypeError(f"{ast.unparse(body)!r} is {one.type}, and {ast.unparse(orelse)!r} {other.type}")
        result = self.builder.phi(REGISTERS[one.type])
        for x, block in found:
            result.add_incoming(x.raw, block)
        return Number(one.type, result)

    def call(self, node: ast.Call) -> Number:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if self.lanes is not None and name.startswith(("load_", "store_")):
            roomy = ast.unparse(node.args[0]) in self.lanes.roomy
            return self.access(self.lanes._replace(mask=None) if roomy else self.lanes, name,
                               *map(self.number, node.args))
        arguments = [self.narrow(name, node.args[0])] if name in NARROW else self.numbers(*node.args)
        if name in ("min", "max") and name not in self.names:
            return arithmetic.extreme(self.builder, name, arguments)
        function = self.named(name)
        if isinstance(function, ir.Function):
            return Number(types.int64, self.builder.call(function, [x.raw for x in arguments]))
        kinds = tuple(x.type if x.literal is None else _literal(x.literal) for x in arguments)
        signature, emit = _typed(function, kinds)
        self.roots += name in ("sqrt", "rsqrt") and signature.return_type == types.float32
        values = [x.raw if wanted == kind else arithmetic.convert(self.builder, x, wanted)
                  for x, kind, wanted in zip(arguments, kinds, signature.args, strict=True)]
        raw = emit(cpu_target.target_context, self.builder, signature, values)
        return Number(signature.return_type, raw)

    def narrow(self, name: str, argument: ast.expr) -> Number:
        """What is cast to integers of few bits. Sums, differences and products of integers are computed in as many,
        with the same result: LLVM vectorises no reduction that is widened at each step."""
        match argument:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                numbers = self.numbers(left, right)
                if any(arithmetic.kind_of(x.type) not in "iu" for x in numbers):
                    return arithmetic.binary(self.builder, type(op), *numbers)
                kind = ELEMENTS[name][0]
                raws = [arithmetic.convert(self.builder, x, kind) for x in numbers]
                return Number(kind, getattr(self.builder, arithmetic.ARITHMETIC[type(op)])(*raws))
        return self.number(argument)

    def access(self, lanes: vectors.Lanes, name: str, address: Number, index: Number, *rest: Number) -> Number:
        """Load or store the present vector's elements; what follows the index is what to store, and the scope."""
        what, _, element = name.partition("_")
        *value, last = rest
        scope = last.literal or 0
        if what == "load":
            result = vectors.load(self.builder, element, address.raw, index.raw, lanes)
            instruction = result.raw
        else:
            result = value[0]
            raw = arithmetic.convert(self.builder, result, ELEMENTS[element][0])
            instruction = vectors.store(self.builder, element, address.raw, index.raw, raw, lanes)
        if scope >= AHEAD and lanes.mask is None:
            tag(self.builder, instruction, scope)
        return result
