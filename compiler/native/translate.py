"""From the text of a generated kernel to LLVM IR, in one walk over its syntax tree.

Kernels are written in a few statements of Python over numbers: assignments, `for` over ranges that count up, `while`,
`if`, and calls of intrinsics and of each other; parameters and results are int64, and a function's name is its address.
Of such a text every type follows from what stands before it, so nothing is inferred: Numba's passes over the same text
take twenty times as long. A variable has one type throughout. `for i in masked(...)` is `range(...)` for loops that may
be shorter than a vector: they run as one under a mask; `vectors(...)` are explicit ones (vectors.py).
"""
from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.cpu_options import FastMathOptions
from numba.core.fastmathpass import rewrite_module

from . import arithmetic, vectors
from .arithmetic import REGISTERS, Number, constant
from .expression import BOOL, I32, I64, use_full_vectors
from .roots import FEW_IN_FLIGHT, IN_FLIGHT, SEVERAL
from .values import Values

# NaN and infinity must survive: neither nnan nor ninf, and what a loop adds up alone is added in any order, as to LLVM
# x + y - y is x then even where y is NaN
FASTMATH = FastMathOptions({"contract", "nsz", "arcp"})
ANY_ORDER = [*sorted(FASTMATH.flags), "reassoc"]
# instructions of a loop's body past which the processor sees too little of the next vector, and how many vectors are
# then computed side by side
LONG, ABREAST = 90, 4


def translate(text: str, names: dict[str, Any], name: str) -> ir.Module:
    """The functions of a module's text that are `@compiled`, as a module of LLVM's. The last one is called `name`, the
    others are its own. `names` are what the text imports and defines beside them.

    Raises NameError, TypeError and SyntaxError for what is not in the language above.
    """
    definitions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and
                   any(isinstance(mark, ast.Name) and mark.id == "compiled" for mark in node.decorator_list)]
    module = ir.Module(name)
    known = dict(names)
    for node in definitions:
        returns = any(isinstance(part, ast.Return) and part.value for part in ast.walk(node))
        kind = ir.FunctionType(I64 if returns else ir.VoidType(), [I64] * len(node.args.args))
        known[node.name] = function = ir.Function(module, kind, name if node is definitions[-1] else node.name)
        function.linkage = "external" if node is definitions[-1] else "internal"
        Translator(function, known).define(node)
    rewrite_module(module, FASTMATH)
    return module


def _is_innermost(body: Sequence[ast.stmt]) -> bool:
    """Whether a loop's body has no loop."""
    return not any(isinstance(part, ast.For | ast.While) for node in body for part in ast.walk(node))


def _in_any_order(raw: Any) -> None:
    """Let LLVM add, or multiply, what a loop accumulates side by side: the operations from a result back to what it is
    accumulated on."""
    while isinstance(raw, ir.Instruction) and raw.opname in ("fadd", "fsub", "fmul") and not raw.flags:
        raw.flags = ANY_ORDER
        raw = raw.operands[0]


class Translator(Values):
    """Emits statements into a function."""

    def __init__(self, function: ir.Function, names: dict[str, Any]):
        self.entry = ir.IRBuilder(function.append_basic_block("variables"))
        super().__init__(ir.IRBuilder(function.append_basic_block("body")), names)
        self.leave = self.entry.branch(self.builder.block)
        self.entry.position_before(self.leave)
        self.next: list[ir.Block] = []  # where `continue` leads, of the loops around

    def define(self, node: ast.FunctionDef) -> None:
        """The function's body."""
        function = self.builder.function
        for parameter, value in zip(node.args.args, function.args, strict=True):
            self.assign(parameter.arg, Number(types.int64, value))
        self.block(node.body)
        if not self.builder.block.is_terminated:
            if function.return_value.type == I64:
                self.builder.unreachable()
            else:
                self.builder.ret_void()

    def go(self, block: ir.Block) -> None:
        """Branch to a block unless the present one has ended."""
        if not self.builder.block.is_terminated:
            self.builder.branch(block)

    def assign(self, name: str, x: Number) -> None:
        """Set a variable. Raises TypeError for a type that it does not have."""
        if self.lanes is not None:
            return self.assign_lanes(self.lanes, name, x)
        if name not in self.variables:
            self.variables[name] = Number(x.type, self.entry.alloca(REGISTERS[x.type], name=name))
        kind, place, _ = self.variables[name]
        if kind != x.type:
            raise TypeError(f"{name} is {kind}, and is assigned {x.type}")
        self.builder.store(x.raw, place)

    # statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if not self.builder.block.is_terminated:
                self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                x = self.number(value)
                if any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(value)):
                    _in_any_order(x.raw)
                self.assign(name, x)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target, x in zip(targets, [self.number(value) for value in values], strict=True):
                    self.assign(target.id, x)  # type: ignore[attr-defined]
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                x = arithmetic.binary(self.builder, type(op), self.variable(name), self.number(value))
                _in_any_order(x.raw)
                self.assign(name, x)
            case ast.Expr(value=ast.Call() as call):
                self.call(call)
            case ast.For(target=ast.Name(id=name), orelse=[],
                         iter=ast.Call(func=ast.Name(id="range" | "masked" | "few" | "vectors" as kind), args=bounds)):
                self.loop(name, [self.number(bound) for bound in bounds], node.body, kind)
            case ast.While(test=test, body=body, orelse=[]):
                self.while_(test, body)
            case ast.If(test=test, body=body, orelse=orelse):
                self.if_(test, body, orelse)
            case ast.Return(value=ast.expr() as value):
                self.builder.ret(arithmetic.convert(self.builder, self.number(value), types.int64))
            case ast.Return(value=None):
                self.builder.ret_void()
            case ast.Continue():
                self.builder.branch(self.next[-1])
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise SyntaxError(f"{ast.unparse(node)!r} is not in the language of kernels")

    def loop(self, name: str, bounds: Sequence[Number], body: Sequence[ast.stmt], kind: str) -> None:
        """for name in range(*bounds), with a step above 0. `masked`: what a vector is not full of is masked, not left
        to scalar code; `few`: too short for several vectors side by side."""
        if kind == "vectors":
            copies, *roomy = (bound.literal for bound in bounds[2:])
            return self.vector_loop(name, bounds[0].raw, bounds[1].raw, copies or 1, {f"p{slot}" for slot in roomy},
                                    body)
        builder = self.builder
        start, stop, step = (arithmetic.convert(builder, x, types.int64) for x in (
            *([constant(0)] if len(bounds) == 1 else []), *bounds, *([constant(1)] if len(bounds) < 3 else [])))
        before = builder.block
        begin, following, after = (self.new_block(f"{name}.{part}") for part in ("body", "next", "after"))
        builder.cbranch(builder.icmp_signed("<", start, stop), begin, after)
        builder.position_at_end(begin)
        i = builder.phi(I64, name)
        i.add_incoming(start, before)
        self.assign(name, Number(types.int64, i))
        roots, self.roots = self.roots, 0
        self.body(body, following)
        builder.position_at_end(following)
        i_next = builder.add(i, step, flags=["nsw"])
        i.add_incoming(i_next, following)
        again = builder.cbranch(builder.icmp_signed("<", i_next, stop), begin, after)
        if kind == "masked":
            again.set_metadata("llvm.loop", self.hint("llvm.loop.vectorize.predicate.enable", BOOL(1)))
        elif kind == "few":
            again.set_metadata("llvm.loop", self.hint("llvm.loop.interleave.count", I32(1)))
        elif self.roots and _is_innermost(body):
            use_full_vectors(builder)
            many = IN_FLIGHT if self.roots >= SEVERAL else FEW_IN_FLIGHT
            again.set_metadata("llvm.loop", self.hint("llvm.loop.interleave.count", I32(many)))
        elif _is_innermost(body) and self.size_from(begin) >= LONG:
            again.set_metadata("llvm.loop", self.hint("llvm.loop.interleave.count", I32(ABREAST)))
        self.roots = roots
        builder.position_at_end(after)

    def vector_loop(self, name: str, first: Any, stop: Any, copies: int, roomy: set[str],
                    body: Sequence[ast.stmt]) -> None:
        """for name in vectors(first, stop, copies, *slots): so many vectors at a time, then one by one, the last
        one masked. What it reduces into is the neutral element before. The buffers of these slots have room for a last
        vector."""
        builder, count = self.builder, vectors.width(body)
        reduced = vectors.reductions(body)
        starts = {total: vectors.splat(builder, self.variable(total).raw, count) for total in reduced}
        partial = [{total: cgutils.alloca_once_value(builder, raw) for total, raw in starts.items()}
                   for _ in range(copies)]
        step = I64(count * copies)
        whole = builder.add(first, builder.mul(builder.sdiv(builder.sub(stop, first), step), step))
        for start, end, many in ((first, whole, copies), (whole, stop, 1)):
            with cgutils.for_range_slice(builder, start, end, I64(count * many), I64) as (index, _):
                for copy in range(many):
                    j = builder.add(index, I64(copy * count))
                    mask = vectors.first(builder, count, builder.sub(stop, j)) if many == 1 else None
                    self.lanes = vectors.Lanes(count, name, {name: Number(types.int64, j)}, partial[copy], mask, roomy)
                    self.block(body)
                    self.lanes = None
        for total, formula in reduced.items():
            kind, parts = self.variables[total].type, [builder.load(places[total]) for places in partial]
            while len(parts) > 1 or isinstance(parts[0].type, ir.VectorType):
                a, b, *parts = parts if len(parts) > 1 else vectors.halves(builder, parts[0])
                parts.append(self.combined(total, formula, Number(kind, a), Number(kind, b)).raw)
            self.assign(total, Number(kind, parts[0]))

    def combined(self, total: str, formula: ast.expr, a: Number, b: Number) -> Number:
        """What a reduction's formula makes of two partial results."""
        names = {node.id for node in ast.walk(formula) if isinstance(node, ast.Name)} - self.names.keys()
        self.lanes = vectors.Lanes(0, "", dict.fromkeys(names, b) | {total: a}, {})
        result = self.number(formula)
        self.lanes = None
        return result

    def assign_lanes(self, lanes: vectors.Lanes, name: str, x: Number) -> None:
        """Set a variable of the present vector, or add it to a reduction."""
        if name not in lanes.partial:
            own = x.raw is lanes.values[lanes.variable].raw  # the loop's variable itself
            lanes.values[name] = Number(x.type, vectors.counted(self.builder, x.raw, lanes.size)) if own else x
            return
        raw, place = vectors.alike(self.builder, [x, lanes.values[name]])[0].raw, lanes.partial[name]
        self.builder.store(raw if lanes.mask is None else
                           self.builder.select(lanes.mask, raw, self.builder.load(place)), place)

    def size_from(self, block: ir.Block) -> int:
        """Instructions from this block on."""
        blocks = self.builder.function.blocks
        return sum(len(block.instructions) for block in blocks[blocks.index(block):])

    def hint(self, name: str, value: ir.Constant) -> ir.MDValue:
        """A loop's metadata: itself, so that it is no other loop's, and a wish of LLVM's vectorizer."""
        module = self.builder.module
        wish = module.add_metadata([ir.MetaDataString(module, name), value])
        own = ir.MDValue(module, [], str(len(module.metadata)))
        own.operands = (own, wish)
        return own

    def while_(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        check, begin, after = (self.new_block(f"while.{part}") for part in ("test", "body", "after"))
        self.builder.branch(check)
        self.builder.position_at_end(check)
        self.builder.cbranch(self.truth(test), begin, after)
        self.builder.position_at_end(begin)
        self.body(body, check)
        self.builder.position_at_end(after)

    def body(self, statements: Sequence[ast.stmt], following: ir.Block) -> None:
        """What a loop repeats."""
        self.next.append(following)
        self.block(statements)
        self.go(following)
        self.next.pop()

    def if_(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        yes, no, after = (self.new_block(f"if.{part}") for part in ("yes", "no", "after"))
        self.builder.cbranch(self.truth(test), yes, no)
        for block, statements in ((yes, body), (no, orelse)):
            self.builder.position_at_end(block)
            self.block(statements)
            self.go(after)
        self.builder.position_at_end(after)
