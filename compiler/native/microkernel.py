"""Register-blocked micro-kernels: the inner loop of matrix products and direct convolutions, as LLVM vector code.

A tile of C, `mr` rows by `nv` vectors, stays in registers while k runs; each step broadcasts `mr` values of A and loads
`nv` vectors of B. The k dimension is a list of segments, so that a convolution walks the rows of its window without
im2col; a matrix product has one segment.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from llvmlite import ir

from .vector_code import I64, VectorCode, i64, void_intrinsic

AHEAD, LINE = 8192, 64  # bytes


@dataclass(frozen=True)
class Kind:
    """What distinguishes micro-kernels; `microkernel` says what it means."""

    dtype: str
    mr: int
    nv: int
    masked: bool = False
    clamped: bool = False
    channelwise: bool = False
    grid: int = 0
    stream: bool = False
    fetch: str = ""
    claim: int = 0
    narrow: bool = False
    beside: int = 0

    @property
    def parameters(self) -> list[str]:
        return ["a", "a_row", "a_k", "a_segment", "segments", "segment_len", "b", "b_k", "b_segment", "c", "c_row",
                "accumulate", *["columns"] * self.masked, *["ahead"] * bool(self.fetch),
                *(f"claimed_{i}" for i in range(1, self.claim)), *["rows"] * self.clamped,
                *(f"{name}_{i}" for i in range(self.beside) for name in ("beside", "step")),
                *["a_block"] * bool(self.grid), *["b_ahead"] * self.stream]


@cache
def microkernel(dtype: str, mr: int, nv: int, **options: Any):
    """An intrinsic that computes one tile, `mr` rows by `nv * lanes(dtype)` columns, with these options of its `Kind`.

    Its int64 arguments are
    `(a, a_row, a_k, a_segment, segments, segment_len, b, b_k, b_segment, c, c_row, accumulate)`:
    addresses a, b, c; strides in elements. It sets

        C[i, j] = (C[i, j] if accumulate else 0) + sum over s < segments and k < segment_len of
                  A[i*a_row + k*a_k + s*a_segment] * B[k*b_k + s*b_segment + j]

    A `masked` kernel takes one more, `columns`, in ((nv-1)*lanes, nv*lanes]: it neither reads nor writes past them.
    To `fetch`, one takes `ahead`: how many elements past A's first row lies what is fetched into the caches, "along"
    that row (other rows of packed or transposed A are in the same lines) or "tile" by tile, `mr` elements with each k;
    or how many elements past B's, whose "rows" are fetched into the second-level cache.
    To `claim` C is to fetch its lines, to be written at the end: stores wait for one another's lines. If they are many,
    one is fetched with each k: loads of B would wait for all at once. To claim more than one matrix is to fetch others
    that lie like C, too: for each it takes, after `ahead`, how many elements it lies past C.
    A `clamped` kernel takes `rows` last, in [1, mr]: rows beyond compute and store the last row once more, which costs
    time but no second kernel for each remainder.
    A `channelwise` kernel multiplies column by column: A has an element of its own, [... + j], for each j.
    In a `stream` of tiles, B is fetched into the caches AHEAD of its use, and a line of each row of the B that is
    `b_ahead` bytes, the last argument, further: from memory alone it would take longer than the sums.
    With each k, a line is fetched from each of so many places `beside`: their addresses, and the bytes from k to k,
    come two by two before the argument `b_ahead`.
    A `narrow` kernel's last vector is half as wide: columns are in ((nv-1)*lanes, (nv-0.5)*lanes].
    The rows of A in a `grid` are that many a_row apart, and then the next ones `a_block`, the last argument, further.
    """
    kind = Kind(dtype, mr, nv, **options)

    def codegen(context, builder, signature, args):
        Tile(kind, builder, dict(zip(kind.parameters, args, strict=True))).compute()
        return context.get_dummy_value()

    return void_intrinsic(f"microkernel_{dtype}_{mr}x{nv}", kind.parameters, codegen)


class Row:
    """A row of a tile, as a list of vectors; the last one may be masked, and half as wide as the others."""

    def __init__(self, code: VectorCode, kind: Kind, columns: Any):
        self.code, last = code, (kind.nv - 1) * code.width
        end = VectorCode(code.builder, kind.dtype, code.width // 2) if kind.narrow else code
        self.parts = [code] * (kind.nv - 1) + [end]
        self.masks = [None] * (kind.nv - 1) + [end.mask(columns, last) if kind.masked else None]
        self.starts = [i64(start) for start in range(0, last + 1, code.width)]
        self.zero = [part.zero for part in self.parts]

    def load(self, pointer: Any) -> list:
        return [part.load(self.code.offset(pointer, start), 0, mask)
                for part, start, mask in zip(self.parts, self.starts, self.masks, strict=True)]

    def store(self, values: list, pointer: Any) -> None:
        for part, start, mask, value in zip(self.parts, self.starts, self.masks, values, strict=True):
            part.store(value, self.code.offset(pointer, start), 0, mask)

    def splat(self, value: Any) -> list:
        first, last, builder = self.parts[0], self.parts[-1], self.code.builder
        x = first.splat(value)
        if last is first:
            return [x] * len(self.parts)
        # opaque: seeing through it, LLVM would broadcast the half, and that once more to the whole
        x = builder.asm(ir.FunctionType(x.type, [x.type]), "", "=v,0", [x], False)
        return [x] * (len(self.parts) - 1) + [first.shuffle(x, x, list(range(last.width)))]

    def multiply_add(self, xs: list, ys: list, sums: list) -> list:
        return [part.multiply_add(*each) for part, *each in zip(self.parts, xs, ys, sums, strict=True)]


class Tile:
    """The code of a micro-kernel, `given` its arguments by their names."""

    def __init__(self, kind: Kind, builder: ir.IRBuilder, given: dict[str, Any]):
        self.kind, self.builder, self.given = kind, builder, given
        self.code = code = VectorCode(builder, kind.dtype)
        self.row = Row(code, kind, given.get("columns"))
        self.a, self.b, self.c = (code.pointer(given[name]) for name in "abc")
        rows = [i64(i) for i in range(kind.mr)]
        self.last = builder.sub(given["rows"], i64(1)) if kind.clamped else rows[-1]
        if kind.clamped:
            rows = [code.minimum(row, self.last) for row in rows]
        a_row = given["a_row"]
        self.offsets = [builder.add(builder.mul(a_row, i64(i % kind.grid)),
                                    builder.mul(given["a_block"], i64(i // kind.grid)))
                        for i in range(kind.mr)] if kind.grid else [builder.mul(a_row, row) for row in rows]
        self.c_rows = [code.offset(self.c, builder.mul(given["c_row"], row)) for row in rows]
        self.lines = -(-kind.nv * code.width * code.size // LINE)  # of each row of C

    def compute(self) -> None:
        builder, given, row = self.builder, self.given, self.row
        if self.kind.claim:
            self.claim_few()
        new = builder.icmp_signed("==", given["accumulate"], i64(0))
        sums = _rows_unless(builder, new, [row.zero] * self.kind.mr,
                            lambda: [row.load(pointer) for pointer in self.c_rows])
        empty = builder.icmp_signed("<=", builder.mul(given["segments"], given["segment_len"]), i64(0))
        sums = _rows_unless(builder, empty, sums, lambda: _loop(builder, given["segments"], sums, self.segment))
        for pointer, values in zip(self.c_rows, sums, strict=True):
            row.store(values, pointer)

    def segment(self, s: Any, sums: list) -> list:
        """The sums with those of a segment."""
        code, builder, given, kind = self.code, self.builder, self.given, self.kind
        a = code.offset(self.a, builder.mul(s, given["a_segment"]))
        a_rows = [code.offset(a, offset) for offset in self.offsets]
        b = code.offset(self.b, builder.mul(s, given["b_segment"]))
        far = code.offset(b if kind.fetch == "rows" else a_rows[0], given["ahead"]) if kind.fetch else None

        def step(k: Any, sums: list) -> list:
            b_row = code.offset(b, builder.mul(k, given["b_k"]))
            b_vectors = self.row.load(b_row)
            self.pass_by(k, b_row)
            a_offset = builder.mul(k, given["a_k"])
            self.fetch(k, a_offset, far)
            if kind.claim and self.lines > 1:
                self.claim_one(k)
            places = [code.offset(pointer, a_offset) for pointer in a_rows]
            if not (kind.clamped or kind.grid):
                places = _one_below_the_other(code, places[0], given["a_row"], kind.mr)
            return [self.row.multiply_add(self.of_a(at), b_vectors, row_sums)
                    for at, row_sums in zip(places, sums, strict=True)]

        return _loop(builder, given["segment_len"], sums, step)

    def of_a(self, at: Any) -> list:
        """What multiplies a row of B."""
        return self.row.load(at) if self.kind.channelwise else self.row.splat(
            self.builder.load(at, typ=self.code.element))

    def pass_by(self, k: Any, b_row: Any) -> None:
        """Fetch with a k what comes later in a stream, and places beside it."""
        code, builder, given, kind = self.code, self.builder, self.given, self.kind
        if kind.stream:
            for j in range(kind.nv):
                code.prefetch(code.offset(b_row, i64(AHEAD // code.size + j * code.width)), 3)
            code.prefetch(code.offset(b_row, builder.sdiv(given["b_ahead"], i64(code.size))), 2)
        for i in range(kind.beside):
            at = builder.add(given[f"beside_{i}"], builder.mul(k, given[f"step_{i}"]))
            code.prefetch(builder.inttoptr(at, ir.IntType(8).as_pointer()), 2)

    def fetch(self, k: Any, a_offset: Any, far: Any) -> None:
        """Fetch with a k what lies so far ahead."""
        code, builder, kind = self.code, self.builder, self.kind
        if kind.fetch == "rows":
            row_ahead = code.offset(far, builder.mul(k, self.given["b_k"]))
            for at in self.row.starts:
                code.prefetch(code.offset(row_ahead, at), 2)
        elif kind.fetch:
            code.prefetch(code.offset(far, a_offset if kind.fetch == "along" else builder.mul(k, i64(kind.mr))), 3)

    def claim_few(self) -> None:
        """Fetch all lines of C, unless there are k enough to do so one by one."""
        code, builder = self.code, self.builder
        few = i64(self.kind.mr * self.lines)
        few = builder.icmp_signed("<", self.given["segment_len"], few) if self.lines > 1 else ir.IntType(1)(1)
        with builder.if_then(few):
            for pointer, line in product(self.c_rows, range(self.lines)):
                code.prefetch(code.offset(pointer, i64(line * LINE // code.size)), 3, write=True)

    def claim_one(self, k: Any) -> None:
        """Fetch a line of C, and of what lies like it."""
        code, builder, mr = self.code, self.builder, i64(self.kind.mr)
        row, line = builder.urem(k, mr), builder.urem(builder.udiv(k, mr), i64(self.lines))
        row = code.minimum(row, self.last) if self.kind.clamped else row
        own = builder.add(builder.mul(self.given["c_row"], row), builder.mul(line, i64(LINE // code.size)))
        for place in (i64(0), *(self.given[f"claimed_{i}"] for i in range(1, self.kind.claim))):
            code.prefetch(code.offset(self.c, builder.add(own, place)), 3, write=True)


def _rows_unless(builder: ir.IRBuilder, condition: Any, rows: list, compute: Callable[[], list]) -> list:
    """These rows of vectors if a condition holds, computed ones if not."""
    before, block = builder.block, builder.append_basic_block("unless")
    builder.position_at_end(block)
    computed, inside, after = compute(), builder.block, builder.append_basic_block("then")
    builder.branch(after)
    builder.position_at_end(before)
    builder.cbranch(condition, after, block)
    builder.position_at_end(after)
    chosen = _phis(builder, rows, before)
    _feed(chosen, computed, inside)
    return chosen


def _loop(builder: ir.IRBuilder, count: Any, rows: list, body: Callable[[Any, list], list]) -> list:
    """The rows of vectors that a loop ends with: `body` takes its number and the rows before; at least one round."""
    before, block = builder.block, builder.append_basic_block("loop")
    builder.branch(block)
    builder.position_at_end(block)
    number = builder.phi(I64)
    number.add_incoming(i64(0), before)
    carried = _phis(builder, rows, before)
    updated = body(number, carried)
    following, end, after = builder.add(number, i64(1)), builder.block, builder.append_basic_block("after")
    number.add_incoming(following, end)
    _feed(carried, updated, end)
    builder.cbranch(builder.icmp_signed("<", following, count), block, after)
    builder.position_at_end(after)
    return updated


def _phis(builder: ir.IRBuilder, rows: list, block: ir.Block) -> list:
    """What is these rows of vectors where a block precedes."""
    phis = [[builder.phi(value.type) for value in row] for row in rows]
    _feed(phis, rows, block)
    return phis


def _one_below_the_other(code: VectorCode, first, step, count: int) -> list:
    """The addresses of rows that are a step apart. LLVM cannot look through that of every third one: for tiles of 11 or
    12 rows it would keep one address for each, more than there are registers."""
    places = [first]
    for i in range(1, count):
        beyond = (i - 1) % 3 + 1
        place = code.offset(places[i - beyond], code.builder.mul(step, i64(beyond)))
        if beyond == 3:
            place = code.builder.asm(ir.FunctionType(place.type, [place.type]), "", "=r,0", [place], side_effect=False)
        places.append(place)
    return places


def _feed(phis, values, block) -> None:
    for phi_row, value_row in zip(phis, values, strict=True):
        for phi, value in zip(phi_row, value_row, strict=True):
            phi.add_incoming(value, block)
