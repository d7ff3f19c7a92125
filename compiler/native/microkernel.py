"""Register-blocked micro-kernels: the inner loop of matrix products and direct convolutions, as LLVM vector code.

A tile of C, `mr` rows by `nv` vectors, stays in registers while k runs; each step broadcasts `mr` values of A and loads
`nv` vectors of B. The k dimension is a list of segments, so that a convolution walks the rows of its window without
im2col; a matrix product has one segment. Vector width and tile follow the processor: `GRAPHFLOW_CPU` (avx512, avx2,
generic) assumes a lesser one.
"""
from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
ELEMENT = {"f32": (ir.FloatType(), 4), "f64": (ir.DoubleType(), 8)}


@dataclass(frozen=True)
class Isa:
    """What a micro-kernel needs to know of a processor; `mr` x `nv` is the tile that fills its registers."""

    name: str
    vector_bytes: int
    fma: bool
    mr: int
    nv: int


# 8x3: 24 accumulators, 3 vectors of B and spare for A out of 32 registers. 6x2 and 4x2 leave as much out of 16.
AVX512 = Isa("avx512", 64, True, 8, 3)
AVX2 = Isa("avx2", 32, True, 6, 2)
NEON = Isa("neon", 16, True, 8, 3)
GENERIC = Isa("generic", 16, False, 4, 2)


@cache
def isa() -> Isa:
    """The instruction set to generate for: the processor's (as Numba sees it), or a lesser one that is asked for."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        candidates = [NEON, GENERIC]
    else:
        features = _features()
        candidates = [GENERIC]
        if {"avx2", "fma"} <= features:
            candidates.insert(0, AVX2)
        if {"avx512f", "avx512vl", "avx512dq"} <= features:
            candidates.insert(0, AVX512)
    wanted = os.environ.get("GRAPHFLOW_CPU", "").lower()
    return next((candidate for candidate in candidates if candidate.name == wanted), candidates[0])


def _features() -> set[str]:
    if config.CPU_FEATURES is not None:
        return {feature[1:] for feature in config.CPU_FEATURES.split(",") if feature.startswith("+")}
    if config.CPU_NAME == "generic":
        return set()
    return {feature for feature, present in llvm.get_host_cpu_features().items() if present}


def lanes(dtype: str) -> int:
    """Elements of one vector."""
    return isa().vector_bytes // ELEMENT[dtype][1]


@cache
def microkernel(dtype: str, mr: int, nv: int, masked: bool = False, clamped: bool = False):
    """An intrinsic that computes one tile, `mr` rows by `nv * lanes(dtype)` columns.

    Its int64 arguments are
    `(a, a_row, a_k, a_segment, segments, segment_len, b, b_k, b_segment, c, c_row, accumulate)`:
    addresses a, b, c; strides in elements. It sets

        C[i, j] = (C[i, j] if accumulate else 0) + sum over s < segments and k < segment_len of
                  A[i*a_row + k*a_k + s*a_segment] * B[k*b_k + s*b_segment + j]

    A `masked` kernel takes one more, `columns`, in ((nv-1)*lanes, nv*lanes]: it neither reads nor writes past them.
    A `clamped` kernel takes `rows` last, in [1, mr]: rows beyond compute and store the last row once more, which costs
    time but no second kernel for each remainder.
    """
    element, size = ELEMENT[dtype]
    width = lanes(dtype)
    vector = ir.VectorType(element, width)
    zero = ir.Constant(vector, [ir.Constant(element, 0.0)] * width)
    def codegen(context, builder, signature, args):
        a, a_row, a_k, a_segment, segments, segment_len, b, b_k, b_segment, c, c_row, accumulate = args[:12]
        tile = _Tile(builder, element, size, width, args[12] if masked else None, nv)
        a, b, c = (builder.inttoptr(address, element.as_pointer()) for address in (a, b, c))
        rows = [_i64(i) for i in range(mr)]
        if clamped:
            last = builder.sub(args[-1], _i64(1))
            rows = [builder.select(builder.icmp_signed("<", row, last), row, last) for row in rows]
        c_rows = [tile.offset(c, builder.mul(c_row, row)) for row in rows]

        # accumulators: C or zero
        entry = builder.block
        initial, loop, segment, inner, latch, done = (
            builder.append_basic_block(name) for name in ("initial", "loop", "segment", "k", "latch", "done"))
        builder.cbranch(builder.icmp_signed("!=", accumulate, _i64(0)), initial, loop)
        builder.position_at_end(initial)
        loaded = [[tile.load(c_rows[i], j) for j in range(nv)] for i in range(mr)]
        builder.branch(loop)

        builder.position_at_end(loop)
        start = _phis(builder, vector, mr, nv)
        _feed(start, [[zero] * nv] * mr, entry)
        _feed(start, loaded, initial)
        empty = builder.icmp_signed("<=", builder.mul(segments, segment_len), _i64(0))
        builder.cbranch(empty, done, segment)

        builder.position_at_end(segment)
        s = builder.phi(I64)
        s.add_incoming(_i64(0), loop)
        outer = _phis(builder, vector, mr, nv)
        _feed(outer, start, loop)
        a_base = tile.offset(a, builder.mul(s, a_segment))
        a_rows = [tile.offset(a_base, builder.mul(a_row, row)) for row in rows]
        b_base = tile.offset(b, builder.mul(s, b_segment))
        builder.branch(inner)

        builder.position_at_end(inner)
        k = builder.phi(I64)
        k.add_incoming(_i64(0), segment)
        sums = _phis(builder, vector, mr, nv)
        _feed(sums, outer, segment)
        b_row = tile.offset(b_base, builder.mul(k, b_k))
        b_vectors = [tile.load(b_row, j) for j in range(nv)]
        a_offset = builder.mul(k, a_k)
        updated = []
        for i in range(mr):
            x = tile.broadcast(tile.offset(a_rows[i], a_offset))
            updated.append([tile.multiply_add(x, b_vectors[j], sums[i][j]) for j in range(nv)])
        k_next = builder.add(k, _i64(1))
        k.add_incoming(k_next, inner)
        _feed(sums, updated, inner)
        builder.cbranch(builder.icmp_signed("<", k_next, segment_len), inner, latch)

        builder.position_at_end(latch)
        s_next = builder.add(s, _i64(1))
        s.add_incoming(s_next, latch)
        _feed(outer, updated, latch)
        builder.cbranch(builder.icmp_signed("<", s_next, segments), segment, done)

        builder.position_at_end(done)
        result = _phis(builder, vector, mr, nv)
        _feed(result, start, loop)
        _feed(result, updated, latch)
        for i in range(mr):
            for j in range(nv):
                tile.store(result[i][j], c_rows[i], j)
        return context.get_dummy_value()

    names = ["a", "a_row", "a_k", "a_segment", "segments", "segment_len", "b", "b_k", "b_segment", "c", "c_row",
             "accumulate"] + ["columns"] * masked + ["rows"] * clamped
    return void_intrinsic(f"microkernel_{dtype}_{mr}x{nv}", names, codegen)


def void_intrinsic(name: str, parameters: list[str], codegen):
    """A void intrinsic over int64 parameters; Numba wants them named one by one."""
    signature = types.void(*[types.int64] * len(parameters))
    scope: dict = {"signature": signature, "codegen": codegen}
    exec(f"def {name}(typingctx, {', '.join(parameters)}):\n    return signature, codegen", scope)
    return intrinsic(scope[name])


def _i64(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def _phis(builder, vector, mr: int, nv: int) -> list[list]:
    return [[builder.phi(vector) for _ in range(nv)] for _ in range(mr)]


def _feed(phis, values, block) -> None:
    for phi_row, value_row in zip(phis, values, strict=True):
        for phi, value in zip(phi_row, value_row, strict=True):
            phi.add_incoming(value, block)


class _Tile:
    """Vector memory access and arithmetic; with `columns`, the last of `nv` vectors is masked."""

    def __init__(self, builder, element, size: int, width: int, columns, nv: int):
        self.builder, self.element, self.size, self.width, self.last = builder, element, size, width, nv - 1
        self.vector = ir.VectorType(element, width)
        self.suffix = f"v{width}f{8 * size}"
        self.mask = None
        if columns is not None:
            index = ir.VectorType(I64, width)
            lane = ir.Constant(index, [_i64(self.last * width + i) for i in range(width)])
            self.mask = builder.icmp_signed("<", lane, self._splat(columns, index))

    def _splat(self, value, vector):
        undefined = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(I32, 0))
        lanes_zero = ir.Constant(ir.VectorType(I32, vector.count), [ir.Constant(I32, 0)] * vector.count)
        return self.builder.shuffle_vector(first, undefined, lanes_zero)

    def _function(self, name: str, result, arguments):
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), name)

    def offset(self, pointer, elements):
        return self.builder.gep(pointer, [elements], source_etype=self.element)

    def _at(self, pointer, j: int):
        address = self.offset(pointer, _i64(j * self.width))
        return self.builder.bitcast(address, self.vector.as_pointer())

    def load(self, pointer, j: int):
        address = self._at(pointer, j)
        if self.mask is None or j != self.last:
            return self.builder.load(address, align=self.size, typ=self.vector)
        load = self._function(f"llvm.masked.load.{self.suffix}.p0", self.vector,
                              [address.type, I32, self.mask.type, self.vector])
        zero = ir.Constant(self.vector, [ir.Constant(self.element, 0.0)] * self.width)
        return self.builder.call(load, [address, ir.Constant(I32, self.size), self.mask, zero])

    def store(self, value, pointer, j: int) -> None:
        address = self._at(pointer, j)
        if self.mask is None or j != self.last:
            self.builder.store(value, address, align=self.size)
            return
        store = self._function(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(),
                               [self.vector, address.type, I32, self.mask.type])
        self.builder.call(store, [value, address, ir.Constant(I32, self.size), self.mask])

    def broadcast(self, pointer):
        return self._splat(self.builder.load(pointer, typ=self.element), self.vector)

    def multiply_add(self, x, y, addend):
        if not isa().fma:
            return self.builder.fadd(self.builder.fmul(x, y), addend)
        fma = self._function(f"llvm.fma.{self.suffix}", self.vector, [self.vector] * 3)
        return self.builder.call(fma, [x, y, addend])
