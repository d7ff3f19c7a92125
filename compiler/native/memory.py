"""Typed loads and stores on raw addresses: what a generated kernel uses instead of NumPy arrays.

A kernel receives tables of addresses, so it indexes memory itself: `load(address, index, like, scope)`. Offsets are
signed and never wrap, which keeps the loops vectorisable, and a scope states that buffers do not overlap, which spares
LLVM the run-time overlap checks (it gives up on vectorising beyond a few of them).
"""
from __future__ import annotations

from weakref import WeakKeyDictionary

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .ahead import AHEAD, MARK

I64 = ir.IntType(64)
LINE = 64  # bytes of a cache
_SCOPES: WeakKeyDictionary = WeakKeyDictionary()  # of each module: the scopes, and the lists made so far

# short name, as generated kernels spell it -> (numba type, type in memory); a bool is a byte in memory
ELEMENTS = {
    "f32": (types.float32, ir.FloatType()), "f64": (types.float64, ir.DoubleType()),
    "i8": (types.int8, ir.IntType(8)), "i16": (types.int16, ir.IntType(16)),
    "i32": (types.int32, ir.IntType(32)), "i64": (types.int64, ir.IntType(64)),
    "u8": (types.uint8, ir.IntType(8)), "u16": (types.uint16, ir.IntType(16)),
    "u32": (types.uint32, ir.IntType(32)), "u64": (types.uint64, ir.IntType(64)),
    "b1": (types.boolean, ir.IntType(8)),
}


def _scopes(module):
    domain = module.add_metadata(["graphflow"])
    return [module.add_metadata([f"graphflow.buffer{i}", domain]) for i in range(AHEAD)]


def tag(builder, instruction, scope: int) -> None:
    """A buffer belongs to its own scope and overlaps none of the others. From AHEAD on, it is marked."""
    if scope >= 0:
        module = builder.module
        if module not in _SCOPES:
            _SCOPES[module] = _scopes(module), {}
        scopes, lists = _SCOPES[module]
        if scope not in lists:
            slot = scope % AHEAD
            own = scopes[slot:slot + 1]
            if scope >= AHEAD:
                own.append(module.add_metadata([MARK, module.add_metadata(["graphflow.marks"])]))
            lists[scope] = [module.add_metadata(part) for part in (own, scopes[:slot] + scopes[slot + 1:])]
        own, others = lists[scope]
        instruction.set_metadata("alias.scope", own)
        instruction.set_metadata("noalias", others)


def element_pointer(builder, address, index, memory_type):
    base = builder.inttoptr(address, memory_type.as_pointer())
    return builder.gep(base, [index], source_etype=memory_type)


def _stepped_pointer(builder, address, index, memory_type):
    """`element_pointer`, which does not wrap where the index goes in steps that LLVM knows: it then reads whole vectors
    and picks from them, else element by element."""
    terms = sorted(_terms(index), key=_is_step)
    if not _is_step(terms[-1]):
        return element_pointer(builder, address, index, memory_type)
    pointer = builder.inttoptr(address, memory_type.as_pointer())
    for term in terms:
        pointer = builder.gep(pointer, [term], inbounds=True, source_etype=memory_type)
    return pointer


def _terms(index) -> list:
    """What it is the sum of."""
    if isinstance(index, ir.Instruction) and index.opname == "add":
        return [term for operand in index.operands for term in _terms(operand)]
    return [index]


def _is_step(index) -> bool:
    """Whether it is a multiple by a known number."""
    return isinstance(index, ir.Instruction) and index.opname == "mul" and any(
        isinstance(operand, ir.Constant) for operand in index.operands)


def _make(name: str):
    numba_type, memory_type = ELEMENTS[name]
    is_bool = name == "b1"

    @intrinsic(prefer_literal=True)
    def load(typingctx, address, index, scope):
        scope_number = scope.literal_value

        def codegen(context, builder, signature, args):
            pointer = _stepped_pointer(builder, args[0], args[1], memory_type)
            value = builder.load(pointer, typ=memory_type, align=memory_type.width // 8 if is_bool else None)
            tag(builder, value, scope_number)
            return builder.icmp_unsigned("!=", value, ir.Constant(memory_type, 0)) if is_bool else value

        return numba_type(types.int64, types.int64, scope), codegen

    @intrinsic(prefer_literal=True)
    def store(typingctx, address, index, value, scope):
        scope_number = scope.literal_value

        def codegen(context, builder, signature, args):
            value = builder.zext(args[2], memory_type) if is_bool else args[2]
            pointer = element_pointer(builder, args[0], args[1], memory_type)
            tag(builder, builder.store(value, pointer), scope_number)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, numba_type, scope), codegen

    return load, store


load_f32, store_f32 = _make("f32")
load_f64, store_f64 = _make("f64")
load_i8, store_i8 = _make("i8")
load_i16, store_i16 = _make("i16")
load_i32, store_i32 = _make("i32")
load_i64, store_i64 = _make("i64")
load_u8, store_u8 = _make("u8")
load_u16, store_u16 = _make("u16")
load_u32, store_u32 = _make("u32")
load_u64, store_u64 = _make("u64")
load_b1, store_b1 = _make("b1")


@intrinsic
def word(typingctx, table, index):
    """The 8-byte word `table[index]`, as int64: an address of the buffer table or a size of the dimension table."""
    def codegen(context, builder, signature, args):
        return builder.load(element_pointer(builder, args[0], args[1], I64), typ=I64)

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def fence(typingctx):
    """No access to memory moves across it: scopes may then say of buffers that they overlap on its other side only."""
    def codegen(context, builder, signature, args):
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], side_effect=True)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def touch(typingctx, address, count):
    """Reads a byte of each line of `count` bytes from an address on: in an order that the processor foresees."""
    def codegen(context, builder, signature, args):
        byte = ir.IntType(8)
        lines = builder.sdiv(builder.add(args[1], ir.Constant(I64, LINE - 1)), ir.Constant(I64, LINE))
        with cgutils.for_range(builder, lines) as loop:
            at = builder.mul(loop.index, ir.Constant(I64, LINE))
            value = builder.load(element_pointer(builder, args[0], at, byte), typ=byte)
            builder.asm(ir.FunctionType(ir.VoidType(), [byte]), "", "r", [value], side_effect=True)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def fetch(typingctx, address):
    """Starts to load the line at an address, which need not be valid, into the caches."""
    def codegen(context, builder, signature, args):
        byte, number = ir.IntType(8), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        reading, near, data = (ir.Constant(number, i) for i in (0, 3, 1))
        builder.call(prefetch, [builder.inttoptr(args[0], byte.as_pointer()), reading, near, data])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@intrinsic
def fetch_lines(typingctx, address, count):
    """Starts to load the lines of `count` bytes from an address on into the second-level cache."""
    def codegen(context, builder, signature, args):
        byte, i32 = ir.IntType(8), ir.IntType(32)
        prefetch = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte.as_pointer(), i32, i32, i32]), "llvm.prefetch.p0")
        lines = builder.sdiv(builder.add(args[1], ir.Constant(I64, LINE - 1)), ir.Constant(I64, LINE))
        with cgutils.for_range(builder, lines) as loop:
            at = element_pointer(builder, args[0], builder.mul(loop.index, ir.Constant(I64, LINE)), byte)
            builder.call(prefetch, [at, *(ir.Constant(i32, number) for number in (0, 2, 1))])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen
