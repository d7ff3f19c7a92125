"""Products of float32 matrices on a processor's matrix unit (Intel AMX), which multiplies tiles of bfloat16.

A float32 has 24 bits: it is the sum of three bfloat16 of 8 bits each, without error. Of the nine products of two such
sums six are made, and added in float32; the three left out are below 2^-23 of the whole, about a rounding of float32
(G. Henry, P. T. P. Tang, A. Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
Computations", ARITH 2019). The unit takes numbers below 2^-126 for zeros. Infinities do not survive the split, as
inf - inf is NaN: strips say whether they hold any, for their products to be made otherwise.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from .expression import use_full_vectors
from .strips import CHUNK, CHUNK_BYTES, EDGE_BYTES, LINE_BYTES, PARTS, STRIP, TILE_BYTES
from .tiles import transposed
from .vector_code import I32, I64, VectorCode, i64, void_intrinsic

EDGE_ROW = i64(2 * STRIP * 4)
# tile registers: four of C, two of A, two of B
FIRST_A, FIRST_B = 4, 6
# (part of A, part of B), the smallest products first; neighbours share a part, which stays in its registers
ORDER = ((0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0))
LINES = [i64(j) for j in range(STRIP)]
BYTE, HALF, WORDS, HALVES = ir.IntType(8), ir.IntType(16), ir.VectorType(I32, 16), ir.VectorType(ir.IntType(16), 16)


@cache
def open_unit():
    """An intrinsic without arguments that readies the unit's registers, as eight tiles of 16 rows of 64 bytes."""
    table = bytes([1, *[0] * 15, *[64, 0] * 8, *[0] * 16, *[16] * 8, *[0] * 8])

    def codegen(context, builder, signature, args):
        text = ir.Constant(ir.ArrayType(BYTE, len(table)), bytearray(table))
        value = cgutils.global_constant(builder, "tiles", text)
        _unit(builder, "ldtilecfg", [builder.bitcast(value, BYTE.as_pointer())])
        return context.get_dummy_value()

    return void_intrinsic("open_unit", [], codegen)


@cache
def close_unit():
    """An intrinsic without arguments after which the system need not keep the unit's registers."""
    def codegen(context, builder, signature, args):
        _unit(builder, "tilerelease", [])
        return context.get_dummy_value()

    return void_intrinsic("close_unit", [], codegen)


@cache
def full_vectors():
    """An intrinsic without arguments that has the loops of its function work on the longest vectors there are."""
    def codegen(context, builder, signature, args):
        use_full_vectors(builder)
        return context.get_dummy_value()

    return void_intrinsic("full_vectors", [], codegen)


@cache
def pack_strips(of_a: bool, k_inside: bool):
    """An intrinsic that packs strips of A or of B, by rows or columns that are contiguous along k, or lie across it.

    Its int64 arguments are `(source, stride, heads, tiles, depth, count, apart)`: addresses, of the first strip's head
    and of where its tiles go, a stride in elements, how many k and how many rows or columns (at least 1), and the bytes
    from strip to strip. Row or column j has element k at source[j*stride + k] if k is inside, else at
    source[k*stride + j]. What the last strip lacks of 16 is filled with the last row or column, or with zeros. Heads
    keep what they say already; what is packed next is fetched.
    """
    def codegen(context, builder, signature, args):
        source, stride, heads, tiles, depth, count, apart = args
        code = VectorCode(builder, "f32")
        strips = builder.udiv(builder.add(count, i64(STRIP - 1)), i64(STRIP))
        chunks = builder.udiv(builder.add(depth, i64(CHUNK - 1)), i64(CHUNK))
        # rows are read along, whichever way they lie
        bounds = (strips, chunks) if k_inside else (chunks, strips)
        with cgutils.for_range(builder, bounds[0]) as outer, cgutils.for_range(builder, bounds[1]) as inner:
            strip, chunk = (outer.index, inner.index) if k_inside else (inner.index, outer.index)
            list(_pack_chunk(code, of_a, k_inside, strip, chunk, args, in_loop=k_inside == of_a))
        return context.get_dummy_value()

    name = f"pack_strips_{'a' if of_a else 'b'}_{'inside' if k_inside else 'across'}"
    return void_intrinsic(name, ["source", "stride", "heads", "tiles", "depth", "count", "apart"], codegen)


@cache
def pack_job(of_a: bool, k_inside: bool):
    """An intrinsic that packs what is left of the job at the address that is its argument (strips.py)."""
    def codegen(context, builder, signature, args):
        code = VectorCode(builder, "f32")
        with cgutils.for_range(builder, _left(builder, args[0])):
            list(_pack_next(code, of_a, k_inside, args[0]))
        return context.get_dummy_value()

    return void_intrinsic(f"pack_job_{'a' if of_a else 'b'}_{'inside' if k_inside else 'across'}", ["job"], codegen)


def _left(builder: ir.IRBuilder, job: Any) -> Any:
    """How many chunks of a job are to be packed."""
    return builder.load(builder.inttoptr(job, I64.as_pointer()), typ=I64)


def _pack_next(code: VectorCode, of_a: bool, k_inside: bool, job: Any) -> Iterator[None]:
    """A chunk of what is left of a job, of which there is some, in pieces."""
    builder = code.builder
    words = [builder.inttoptr(builder.add(job, i64(8 * i)), I64.as_pointer()) for i in range(10)]
    left, number, inner, *arguments = (builder.load(word, typ=I64) for word in words)
    builder.store(builder.sub(left, i64(1)), words[0])
    builder.store(builder.add(number, i64(1)), words[1])
    outer = builder.udiv(number, inner)
    place = outer, builder.sub(number, builder.mul(outer, inner))
    yield from _pack_chunk(code, of_a, k_inside, *(place if k_inside else place[::-1]), arguments)


def _pack_chunk(code: VectorCode, of_a: bool, k_inside: bool, strip: Any, chunk: Any, arguments: Sequence[Any],
                in_loop: bool = False) -> Iterator[None]:
    """A chunk of a strip, for these arguments of pack_strips, in pieces: what is emitted between them may run in the
    shadow of something slow. A loop over the lines, where they are no transposed ones, takes less time to compile."""
    builder, (_, _, heads, tiles, _, _, apart) = code.builder, arguments
    skipped = builder.mul(strip, apart)
    tile = code.pointer(builder.add(builder.add(tiles, skipped), builder.mul(chunk, i64(CHUNK_BYTES))))
    suspects = cgutils.alloca_once_value(builder, code.zero)
    if in_loop:
        with cgutils.for_range(builder, i64(STRIP)) as loop:
            list(_pack_lines(code, of_a, k_inside, strip, chunk, arguments, [loop.index], tile, suspects))
    else:
        yield from _pack_lines(code, of_a, k_inside, strip, chunk, arguments, LINES, tile, suspects)
    note_suspects(code, builder.load(suspects), builder.add(heads, skipped))


def _pack_lines(code: VectorCode, of_a: bool, k_inside: bool, strip: Any, chunk: Any, arguments: Sequence[Any],
                lines: Sequence[Any], tile: Any, suspects: Any) -> Iterator[None]:
    """These lines of a chunk's tiles, in pieces."""
    builder, (source, stride, _, _, depth, count, _) = code.builder, arguments
    first, k = builder.mul(strip, i64(STRIP)), builder.mul(chunk, i64(CHUNK))
    rows = []
    for half in (0, 1):
        load = _along if k_inside else load_across
        block = load(code, code.pointer(source), stride, first, builder.add(k, i64(half * STRIP)), depth, count, lines)
        if k_inside != of_a:
            loaded = list(block)
            yield
            block = iter(transposed(code, loaded))
            yield
        rows.append(block)
    for line, x, y in zip(lines, *rows, strict=True):
        parts, x, y = bfloat_parts(code, x, y)
        builder.store(code.multiply_add(x, y, builder.load(suspects)), suspects)
        at = code.offset(tile, builder.mul(line, i64(STRIP)))
        for part, words in enumerate(parts):
            code.store(builder.bitcast(words, code.vector), at, part * STRIP)
        yield


def _along(code: VectorCode, source: Any, stride: Any, first: Any, k: Any, depth: Any, count: Any,
           lines: Sequence[Any]) -> Iterator[Any]:
    """16 elements from k on of each of these rows after the first, the last row again where there are no more."""
    builder = code.builder
    mask, last = code.mask(builder.sub(depth, k)), builder.sub(count, i64(1))
    for line in lines:
        row = builder.mul(code.minimum(builder.add(first, line), last), stride)
        start = code.offset(source, builder.add(row, k))
        code.prefetch(code.offset(start, builder.mul(stride, i64(STRIP))), 2)
        yield code.load(start, 0, mask)


def load_across(code: VectorCode, source: Any, stride: Any, first: Any, k: Any, depth: Any, count: Any,
            lines: Sequence[Any] = LINES) -> Iterator[Any]:
    """16 elements from the first on of each of these rows after k, zeros from `depth` on, where nothing is read."""
    builder = code.builder
    present = code.mask(builder.sub(count, first))
    for line in lines:
        row = builder.add(k, line)
        inside = builder.icmp_signed("<", row, depth)
        mask = builder.select(inside, present, ir.Constant(present.type, [0] * STRIP))
        start = code.offset(source, builder.add(builder.mul(row, stride), first))
        code.prefetch(code.offset(start, builder.mul(stride, i64(CHUNK))), 2)
        yield code.load(start, 0, mask)


def bfloat_parts(code: VectorCode, x: Any, y: Any) -> tuple[list, Any, Any]:
    """The three parts of two vectors, in words of a bfloat16 of x and, above it, one of y; and what of x and y the
    last part is made of, which is NaN where they are infinite or NaN."""
    builder, upper, parts = code.builder, ir.Constant(WORDS, [0xFFFF0000] * STRIP), []
    while True:
        high_x, high_y = (builder.and_(builder.bitcast(v, WORDS), upper) for v in (x, y))
        parts.append(builder.or_(builder.lshr(high_x, ir.Constant(WORDS, [16] * STRIP)), high_y))
        if len(parts) == PARTS:
            return parts, x, y
        x, y = (builder.fsub(v, builder.bitcast(high, code.vector)) for v, high in ((x, high_x), (y, high_y)))


def note_suspects(code: VectorCode, x: Any, head: Any) -> None:
    """Have the word at the address of a head say so if any lane is NaN."""
    builder = code.builder
    found = builder.zext(builder.bitcast(builder.fcmp_unordered("uno", x, x), HALF), I64)
    word = builder.inttoptr(head, I64.as_pointer())
    builder.store(builder.or_(builder.load(word, typ=I64), found), word)


@cache
def multiply_tiles(rows: int, columns: int, scattered: bool = False, packs: tuple[bool, bool] | None = None,
                   finishes: bool = False):
    """An intrinsic that computes `rows` by `columns` tiles of 16 by 16 of C, each 1 or 2.

    Its int64 arguments are `(a, a_row, a_part, a_strip, a_chunk, a_segment, b, b_strip, segments, chunks, c, c_row,
    accumulate, m, n, edge, infinite)`: addresses and strides in bytes. k comes in segments of so many chunks each, side
    by side in B. m rows and n columns of C are there, at most 16 a tile; where they are fewer, the tiles pass through
    `edge`, of EDGE_BYTES. It sets C = (C if accumulate else 0) + A B. If a strip may hold an infinity, NaN is replaced
    by what the upper parts alone give: a smaller part that is zero would make NaN of it. Of `scattered` segments of A,
    `a_segment` is the address of a table of their places, in bytes from A, and the next chunk of B is fetched. One that
    `packs` (of A or not, inside or not, as in pack_strips) has a job's address (strips.py) for its last argument, of
    which it does a chunk with each of its own: the unit is busy for so long with what takes few instructions. One that
    `finishes` an epilogue meanwhile has two more: the function that does a piece of what is left, and its argument,
    the address of the number of pieces.
    """
    def codegen(context, builder, signature, args):
        a, a_row, a_part, a_strip, a_chunk, a_segment, b, b_strip = args[:8]
        segments, chunks, c, c_row, accumulate, m, n, edge, infinite, *more = args[8:]
        job, late = (more[:1], more[1:]) if packs else ([], more)
        code = VectorCode(builder, "f32")
        whole = builder.and_(builder.icmp_signed(">=", m, i64(STRIP * rows)),
                             builder.icmp_signed(">=", n, i64(STRIP * columns)))
        target = builder.select(whole, c, edge)
        pitch = builder.select(whole, c_row, EDGE_ROW)
        adds = builder.icmp_signed("!=", accumulate, i64(0))
        tiles = [(i, j) for i in range(rows) for j in range(columns)]
        upper = builder.add(edge, i64(EDGE_BYTES // 2))
        table = builder.inttoptr(a_segment, I64.as_pointer())

        def place(i: int, j: int, base: Any, row: Any) -> Any:
            return builder.add(base, builder.add(builder.mul(row, i64(STRIP * i)), i64(STRIP * 4 * j)))

        def sum_up(order: Sequence[tuple[int, int]], base: Any, row: Any, job: Sequence[Any] = (),
                   late: Sequence[Any] = ()) -> None:
            """C, and the products of these parts, to where the base is."""
            with builder.if_else(adds) as (then, otherwise):
                with then:
                    for i, j in tiles:
                        _load(builder, 2 * i + j, place(i, j, target, pitch), pitch)
                with otherwise:
                    for i, j in tiles:
                        _unit(builder, "tilezero", [BYTE(2 * i + j)])
            with cgutils.for_range(builder, segments) as outer, cgutils.for_range(builder, chunks) as inner:
                segment = (builder.load(builder.gep(table, [outer.index], source_etype=I64), typ=I64) if scattered
                           else builder.mul(outer.index, a_segment))
                at_a = builder.add(segment, builder.mul(inner.index, a_chunk))
                chunk = builder.add(builder.mul(outer.index, chunks), inner.index)
                at_b = builder.add(b, builder.mul(chunk, i64(CHUNK_BYTES)))
                operands = (builder.add(a, at_a), a_row, a_part, a_strip), (at_b, b_strip)
                finish = _finish(builder, *late) if late else ()
                if packs and job:
                    with builder.if_else(builder.icmp_signed(">", _left(builder, *job), i64(0))) as (then, otherwise):
                        with then:
                            _multiply(builder, order, *operands, tiles, _pack_next(code, *packs, *job))
                        with otherwise:
                            _multiply(builder, order, *operands, tiles, finish)
                else:
                    _multiply(builder, order, *operands, tiles, finish)
                if scattered:
                    for j, line in product(range(columns), range(0, CHUNK_BYTES, LINE_BYTES)):
                        ahead = builder.add(builder.mul(b_strip, i64(j)), i64(CHUNK_BYTES + line))
                        code.prefetch(code.pointer(builder.add(at_b, ahead)), 3)
            for i, j in tiles:
                _unit(builder, "tilestored64", [BYTE(2 * i + j), _pointer(builder, place(i, j, base, row)), row])

        with builder.if_else(adds) as (then, otherwise):
            with then, builder.if_then(builder.not_(whole)):
                _copy(code, c, c_row, edge, EDGE_ROW, m, n)
            with otherwise:
                _fetch_to_write(code, target, pitch, STRIP * rows, columns)
        suspect = builder.icmp_signed("!=", infinite, i64(0))
        with builder.if_then(suspect, likely=False):
            sum_up(((0, 0),), upper, EDGE_ROW)
        sum_up(ORDER, target, pitch, job, late)
        with builder.if_then(suspect, likely=False):
            _replace_nan(code, target, pitch, upper, rows, columns)
        with builder.if_then(builder.not_(whole)):
            _copy(code, edge, EDGE_ROW, c, c_row, m, n)
        return context.get_dummy_value()

    names = ["a", "a_row", "a_part", "a_strip", "a_chunk", "a_segment", "b", "b_strip", "segments", "chunks", "c",
             "c_row", "accumulate", "m", "n", "edge", "infinite", *["job"] * bool(packs),
             *["function", "late"] * finishes]
    return void_intrinsic(f"multiply_tiles_{rows}x{columns}{'_packs' * bool(packs)}", names, codegen)


def _finish(builder: ir.IRBuilder, function: Any, late: Any) -> Iterator[None]:
    """Pieces of an epilogue, one every few products."""
    finish = builder.inttoptr(function, ir.FunctionType(ir.VoidType(), [I64]).as_pointer())
    for i in range(len(ORDER) * 4):
        if i % 4 == 0:
            with builder.if_then(builder.icmp_signed(">", _left(builder, late), i64(0))):
                builder.call(finish, [late])
        yield


def _multiply(builder: ir.IRBuilder, order: Sequence[tuple[int, int]], a: Sequence[Any], b: Sequence[Any],
              tiles: Sequence[tuple[int, int]], aside: Iterable[None] = ()) -> None:
    """Add the products of these parts of a chunk to the tiles. What is done aside is emitted between them."""
    aside = iter(aside)
    (at_a, a_row, a_part, a_strip), (at_b, b_strip) = a, b
    rows, columns = (last + 1 for last in tiles[-1])

    def load_a(i: int, part: int) -> None:
        offset = builder.add(builder.mul(a_part, i64(part)), builder.mul(a_strip, i64(i)))
        _load(builder, FIRST_A + i, builder.add(at_a, offset), a_row)

    def load_b(j: int, part: int) -> None:
        offset = builder.add(builder.mul(b_strip, i64(j)), i64(part * TILE_BYTES))
        _load(builder, FIRST_B + j, builder.add(at_b, offset), i64(LINE_BYTES))

    for i in range(rows):
        load_a(i, order[0][0])
    for j in range(columns):
        load_b(j, order[0][1])
    for (of_a, of_b), (next_a, next_b) in zip(order, (*order[1:], order[-1]), strict=True):
        # a tile is fetched as soon as nothing needs the one before it in its register
        for i, j in tiles if of_a != next_a else sorted(tiles, key=lambda tile: tile[1]):
            _unit(builder, "tdpbf16ps", [BYTE(2 * i + j), BYTE(FIRST_A + i), BYTE(FIRST_B + j)])
            next(aside, None)
            if of_a != next_a and j == columns - 1:
                load_a(i, next_a)
            elif of_b != next_b and i == rows - 1:
                load_b(j, next_b)
    list(aside)


def _replace_nan(code: VectorCode, address: Any, pitch: Any, others: Any, rows: int, columns: int) -> None:
    """NaN in the tiles at an address by what is at its place in the others."""
    builder = code.builder
    with cgutils.for_range(builder, i64(STRIP * rows)) as loop:
        row, other = (code.pointer(builder.add(base, builder.mul(loop.index, step)))
                      for base, step in ((address, pitch), (others, EDGE_ROW)))
        for j in range(columns):
            value = code.load(row, j)
            code.store(builder.select(builder.fcmp_unordered("uno", value, value), code.load(other, j), value), row, j)


def _fetch_to_write(code: VectorCode, address: Any, pitch: Any, rows: int, lines: int) -> None:
    """Have the lines of C in the cache by the time they are stored: by themselves their stores wait for one another."""
    with cgutils.for_range(code.builder, i64(rows)) as loop:
        row = code.builder.add(address, code.builder.mul(pitch, loop.index))
        for j in range(lines):
            code.prefetch(code.pointer(code.builder.add(row, i64(LINE_BYTES * j))), 3, write=True)


def _copy(code: VectorCode, source: Any, source_row: Any, target: Any, target_row: Any, m: Any, n: Any) -> None:
    """m rows of n elements, at most 32."""
    builder = code.builder
    masks = [code.mask(n), code.mask(n, STRIP)]
    with cgutils.for_range(builder, m) as loop:
        row, to = (code.pointer(builder.add(base, builder.mul(loop.index, step)))
                   for base, step in ((source, source_row), (target, target_row)))
        for j, mask in enumerate(masks):
            code.store(code.load(row, j, mask), to, j, mask)


def _load(builder: ir.IRBuilder, tile: int, address: Any, row_bytes: Any) -> None:
    _unit(builder, "tileloadd64", [BYTE(tile), _pointer(builder, address), row_bytes])


def _unit(builder: ir.IRBuilder, name: str, arguments: list) -> None:
    builder.call(_function(builder, f"llvm.x86.{name}", ir.VoidType(), [x.type for x in arguments]), arguments)


def _pointer(builder: ir.IRBuilder, address: Any) -> Any:
    return builder.inttoptr(address, BYTE.as_pointer())


def _function(builder: ir.IRBuilder, name: str, result: Any, arguments: list) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)
