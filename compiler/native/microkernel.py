"""Register-blocked micro-kernels: the inner loop of matrix products and direct convolutions, as LLVM vector code.

A tile of C, `mr` rows by `nv` vectors, stays in registers while k runs; each step broadcasts `mr` values of A and loads
`nv` vectors of B. The k dimension is a list of segments, so that a convolution walks the rows of its window without
im2col; a matrix product has one segment.
"""
from __future__ import annotations

from functools import cache
from itertools import product

from llvmlite import ir

from .vector_code import I64, VectorCode, i64, void_intrinsic

AHEAD, LINE = 8192, 64  # bytes
BOOL = ir.IntType(1)


@cache
def microkernel(dtype: str, mr: int, nv: int, masked: bool = False, clamped: bool = False, channelwise: bool = False,
                grid: int = 0, stream: bool = False, fetch: str = "", claim: int = 0,
                narrow: bool = False, beside: int = 0):
    """An intrinsic that computes one tile, `mr` rows by `nv * lanes(dtype)` columns.

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
    `ahead` bytes, the last argument, further: from memory alone it would take longer than the sums.
    With each k, a line is fetched from each of so many places `beside`: their addresses, and the bytes from k to k,
    come two by two before the argument `ahead`.
    A `narrow` kernel's last vector is half as wide: columns are in ((nv-1)*lanes, (nv-0.5)*lanes].
    The rows of A in a `grid` are that many a_row apart, and then the next ones `a_block`, the last argument, further.
    """
    def codegen(context, builder, signature, args):
        a, a_row, a_k, a_segment, segments, segment_len, b, b_k, b_segment, c, c_row, accumulate = args[:12]
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        codes = [code] * (nv - 1) + [VectorCode(builder, dtype, code.width // 2) if narrow else code]
        masks = [None] * (nv - 1) + [codes[-1].mask(args[12], (nv - 1) * code.width) if masked else None]
        starts = [i64(j * code.width) for j in range(nv)]

        def load(pointer):
            return [part.load(code.offset(pointer, start), 0, mask)
                    for part, start, mask in zip(codes, starts, masks, strict=True)]

        def phis():
            return [[builder.phi(part.vector) for part in codes] for _ in range(mr)]

        def splats(value):
            x = codes[0].splat(value)
            if not narrow or nv == 1:
                return [x] * nv
            # opaque: seeing through it, LLVM would broadcast the half, and that once more to the whole
            x = builder.asm(ir.FunctionType(x.type, [x.type]), "", "=v,0", [x], False)
            return [x] * (nv - 1) + [code.shuffle(x, x, list(range(codes[-1].width)))]

        rows = [i64(i) for i in range(mr)]
        if clamped:
            last = builder.sub(args[-1], i64(1))
            rows = [code.minimum(row, last) for row in rows]
        offsets = [builder.add(builder.mul(a_row, i64(i % grid)), builder.mul(args[-1], i64(i // grid)))
                   for i in range(mr)] if grid else [builder.mul(a_row, row) for row in rows]
        c_rows = [code.offset(c, builder.mul(c_row, row)) for row in rows]
        lines = -(-nv * code.width * code.size // LINE)  # of each row of C
        if claim:
            few = builder.icmp_signed("<", segment_len, i64(mr * lines)) if lines > 1 else BOOL(1)
            with builder.if_then(few):
                for pointer, line in product(c_rows, range(lines)):
                    code.prefetch(code.offset(pointer, i64(line * LINE // code.size)), 3, write=True)

        # accumulators: C or zero
        entry = builder.block
        initial, loop, segment, inner, latch, done = (
            builder.append_basic_block(name) for name in ("initial", "loop", "segment", "k", "latch", "done"))
        builder.cbranch(builder.icmp_signed("!=", accumulate, i64(0)), initial, loop)
        builder.position_at_end(initial)
        loaded = [load(pointer) for pointer in c_rows]
        builder.branch(loop)

        builder.position_at_end(loop)
        start = phis()
        _feed(start, [[part.zero for part in codes]] * mr, entry)
        _feed(start, loaded, initial)
        empty = builder.icmp_signed("<=", builder.mul(segments, segment_len), i64(0))
        builder.cbranch(empty, done, segment)

        builder.position_at_end(segment)
        s = builder.phi(I64)
        s.add_incoming(i64(0), loop)
        outer = phis()
        _feed(outer, start, loop)
        a_base = code.offset(a, builder.mul(s, a_segment))
        a_rows = [code.offset(a_base, offset) for offset in offsets]
        b_base = code.offset(b, builder.mul(s, b_segment))
        far = code.offset(b_base if fetch == "rows" else a_rows[0], args[12 + masked]) if fetch else None
        builder.branch(inner)

        builder.position_at_end(inner)
        k = builder.phi(I64)
        k.add_incoming(i64(0), segment)
        sums = phis()
        _feed(sums, outer, segment)
        b_row = code.offset(b_base, builder.mul(k, b_k))
        b_vectors = load(b_row)
        if stream:
            for j in range(nv):
                code.prefetch(code.offset(b_row, i64(AHEAD // code.size + j * code.width)), 3)
            code.prefetch(code.offset(b_row, builder.sdiv(args[-1], i64(code.size))), 2)
        for address, step in zip(args[-1 - 2 * beside:-1:2], args[-2 * beside:-1:2], strict=True) if beside else ():
            at = builder.add(address, builder.mul(k, step))
            code.prefetch(builder.inttoptr(at, ir.IntType(8).as_pointer()), 2)
        a_offset = builder.mul(k, a_k)
        if fetch == "rows":
            row_ahead = code.offset(far, builder.mul(k, b_k))
            for at in starts:
                code.prefetch(code.offset(row_ahead, at), 2)
        elif fetch:
            code.prefetch(code.offset(far, a_offset if fetch == "along" else builder.mul(k, i64(mr))), 3)
        if claim and lines > 1:
            row, line = builder.urem(k, i64(mr)), builder.urem(builder.udiv(k, i64(mr)), i64(lines))
            own = builder.add(builder.mul(c_row, code.minimum(row, last) if clamped else row),
                              builder.mul(line, i64(LINE // code.size)))
            for place in (i64(0), *args[12 + masked + bool(fetch):][:claim - 1]):
                code.prefetch(code.offset(c, builder.add(own, place)), 3, write=True)
        places = [code.offset(pointer, a_offset) for pointer in a_rows]
        if not (clamped or grid):
            places = _one_below_the_other(code, places[0], a_row, mr)
        updated = []
        for at, row_sums in zip(places, sums, strict=True):
            xs = load(at) if channelwise else splats(builder.load(at, typ=code.element))
            updated.append([part.multiply_add(*each)
                            for part, *each in zip(codes, xs, b_vectors, row_sums, strict=True)])
        k_next = builder.add(k, i64(1))
        k.add_incoming(k_next, inner)
        _feed(sums, updated, inner)
        builder.cbranch(builder.icmp_signed("<", k_next, segment_len), inner, latch)

        builder.position_at_end(latch)
        s_next = builder.add(s, i64(1))
        s.add_incoming(s_next, latch)
        _feed(outer, updated, latch)
        builder.cbranch(builder.icmp_signed("<", s_next, segments), segment, done)

        builder.position_at_end(done)
        result = phis()
        _feed(result, start, loop)
        _feed(result, updated, latch)
        for pointer, values in zip(c_rows, result, strict=True):
            for part, start, mask, value in zip(codes, starts, masks, values, strict=True):
                part.store(value, code.offset(pointer, start), 0, mask)
        return context.get_dummy_value()

    names = ["a", "a_row", "a_k", "a_segment", "segments", "segment_len", "b", "b_k", "b_segment", "c", "c_row",
             "accumulate"] + ["columns"] * masked + ["ahead"] * bool(fetch)
    names += [f"claimed_{i}" for i in range(claim - 1)] + ["rows"] * clamped
    names += [name for i in range(beside) for name in (f"beside_{i}", f"step_{i}")]
    names += ["a_block"] * bool(grid) + ["b_ahead"] * stream
    return void_intrinsic(f"microkernel_{dtype}_{mr}x{nv}", names, codegen)


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
