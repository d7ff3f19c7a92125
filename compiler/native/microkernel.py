"""Register-blocked micro-kernels: the inner loop of matrix products and direct convolutions, as LLVM vector code.

A tile of C, `mr` rows by `nv` vectors, stays in registers while k runs; each step broadcasts `mr` values of A and loads
`nv` vectors of B. The k dimension is a list of segments, so that a convolution walks the rows of its window without
im2col; a matrix product has one segment.
"""
from __future__ import annotations

from functools import cache, reduce
from itertools import product

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .processor import ELEMENT_BYTES, isa, lanes

AHEAD, LINE = 8192, 64  # bytes
# rows of dot products that do not fill a vector, and the sums that each then has
FEW_ROWS = 4
BOOL, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
ELEMENT = {"f32": ir.FloatType(), "f64": ir.DoubleType(), "i32": I32, "i64": I64}


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


@cache
def dot_kernel(dtype: str, mr: int, columns: int):
    """An intrinsic that computes a tile of few columns, `mr` rows by `columns`, its vectors running along k.

    Its int64 arguments are
    `(a, a_row, a_segment, segments, segment_len, b, b_column, b_segment, c, c_row, accumulate)`, as `microkernel`'s:

        C[i, j] = (C[i, j] if accumulate else 0) + sum over s < segments and k < segment_len of
                  A[i*a_row + s*a_segment + k] * B[j*b_column + s*b_segment + k]
    """
    def codegen(context, builder, signature, args):
        a, a_row, a_segment, segments, length, b, b_column, b_segment, c, c_row, accumulate = args
        code = VectorCode(builder, dtype)
        a, b, c = (code.pointer(address) for address in (a, b, c))
        sums = [[cgutils.alloca_once_value(builder, code.zero) for _ in range(columns)] for _ in range(mr)]

        def add(offset_a, offset_b, mask=None):
            ys = [code.load(code.offset(b, builder.add(offset_b, builder.mul(b_column, i64(j)))), 0, mask)
                  for j in range(columns)]
            for i in range(mr):
                x = code.load(code.offset(a, builder.add(offset_a, builder.mul(a_row, i64(i)))), 0, mask)
                for total, y in zip(sums[i], ys, strict=True):
                    builder.store(code.multiply_add(x, y, builder.load(total)), total)

        whole = builder.sdiv(length, i64(code.width))
        done = builder.mul(whole, i64(code.width))
        rest = builder.sub(length, done)
        mask = code.mask(rest)
        with cgutils.for_range(builder, segments) as segment:
            at_a, at_b = builder.mul(segment.index, a_segment), builder.mul(segment.index, b_segment)
            with cgutils.for_range(builder, whole) as loop:
                k = builder.mul(loop.index, i64(code.width))
                add(builder.add(at_a, k), builder.add(at_b, k))
            with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
                add(builder.add(at_a, done), builder.add(at_b, done), mask)
        kept = builder.icmp_signed("!=", accumulate, i64(0))
        for i, j in product(range(mr), range(columns)):
            target = code.offset(c, builder.add(builder.mul(c_row, i64(i)), i64(j)))
            total = code.sum(builder.load(sums[i][j]))
            with builder.if_else(kept) as (then, otherwise):
                with then:
                    builder.store(builder.fadd(builder.load(target, typ=code.element), total), target)
                with otherwise:
                    builder.store(total, target)
        return context.get_dummy_value()

    names = ["a", "a_row", "a_segment", "segments", "segment_len", "b", "b_column", "b_segment", "c", "c_row",
             "accumulate"]
    return void_intrinsic(f"dot_kernel_{dtype}_{mr}x{columns}", names, codegen)


@cache
def dots(dtype: str):
    """An intrinsic that multiplies rows by a vector: target[i] = sum over k < depth of rows[i*stride + k] * x[k].

    Its int64 arguments are `(rows, stride, x, target, count, depth)`: addresses, a stride in elements. As many rows as
    a vector has lanes run side by side, then few, with several sums each.
    """
    def codegen(context, builder, signature, args):
        rows, stride, x, target, count, depth = args
        code = VectorCode(builder, dtype)
        rows, x, target = (code.pointer(address) for address in (rows, x, target))
        width = code.width
        whole = builder.mul(builder.sdiv(count, i64(width)), i64(width))
        few = min(FEW_ROWS, width)
        for begin, end, side, copies in ((i64(0), whole, width, 1), (whole, count, few, FEW_ROWS)):
            with cgutils.for_range_slice(builder, begin, end, i64(side)) as (first, _):
                left = builder.sub(end, first)
                last = builder.sub(left, i64(1))
                places = [code.offset(rows, builder.mul(builder.add(first, code.minimum(i64(i), last)), stride))
                          for i in range(side)]
                sums = [[cgutils.alloca_once_value(builder, code.zero) for _ in places] for _ in range(copies)]
                done = i64(0)
                for step in (copies, 1) if copies > 1 else (1,):
                    stop = builder.mul(builder.sdiv(depth, i64(step * width)), i64(step * width))
                    with cgutils.for_range_slice(builder, done, stop, i64(step * width)) as (k, _):
                        for copy in range(step):
                            _add_dots(code, sums[copy], places, x, builder.add(k, i64(copy * width)))
                    done = stop
                rest = builder.sub(depth, done)
                with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
                    _add_dots(code, sums[0], places, x, done, code.mask(rest))
                total = code.sums([reduce(code.add, map(builder.load, row)) for row in zip(*sums, strict=True)])
                part = VectorCode(builder, dtype, side)
                part.store(total, part.offset(target, first), 0, part.mask(left))
        return context.get_dummy_value()

    return void_intrinsic(f"dots_{dtype}", ["rows", "stride", "x", "target", "count", "depth"], codegen)


def _add_dots(code: VectorCode, sums: list, rows: list, x, k, mask=None) -> None:
    """Add to the sums of rows what a vector of k contributes."""
    factor = code.load(code.offset(x, k), 0, mask)
    for total, row in zip(sums, rows, strict=True):
        product = code.multiply_add(code.load(code.offset(row, k), 0, mask), factor, code.builder.load(total))
        code.builder.store(product, total)


def void_intrinsic(name: str, parameters: list[str], codegen):
    """A void intrinsic over int64 parameters; Numba wants them named one by one."""
    signature = types.void(*[types.int64] * len(parameters))
    scope: dict = {"signature": signature, "codegen": codegen}
    exec(f"def {name}(typingctx, {', '.join(parameters)}):\n    return signature, codegen", scope)
    return intrinsic(scope[name])


def i64(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


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


class VectorCode:
    """Emits vector memory access and arithmetic for one dtype, by vectors of `width`, by default the processor's.

    `j` counts whole vectors from a pointer.
    """

    def __init__(self, builder, dtype: str, width: int = 0):
        self.builder = builder
        self.element, self.size = ELEMENT[dtype], ELEMENT_BYTES[dtype]
        self.width = width or lanes(dtype)
        self.vector = ir.VectorType(self.element, self.width)
        self.whole = dtype.startswith("i")
        self.zero = ir.Constant(self.vector, [ir.Constant(self.element, 0)] * self.width)
        self.suffix = f"v{self.width}{dtype}"

    def pointer(self, address):
        return self.builder.inttoptr(address, self.element.as_pointer())

    def offset(self, pointer, elements):
        return self.builder.gep(pointer, [elements], source_etype=self.element)

    def minimum(self, x, y):
        return self.builder.select(self.builder.icmp_signed("<", x, y), x, y)

    def splat(self, value, vector=None):
        vector = vector or self.vector
        undefined = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(I32, 0))
        return self.shuffle(first, undefined, [0] * vector.count)

    def shuffle(self, x, y, lanes_of_both: list[int]):
        selection = ir.Constant(ir.VectorType(I32, len(lanes_of_both)), [ir.Constant(I32, i) for i in lanes_of_both])
        return self.builder.shuffle_vector(x, y, selection)

    def mask(self, count, first: int = 0):
        """Which lanes of the vector that starts at element `first` are among the first `count` elements."""
        index = ir.VectorType(I64, self.width)
        lane = ir.Constant(index, [i64(first + i) for i in range(self.width)])
        return self.builder.icmp_signed("<", lane, self.splat(count, index))

    def load(self, pointer, j: int, mask=None):
        """Vector j, without alignment; masked lanes are zero and not read."""
        address = self._at(pointer, j)
        if mask is None:
            return self.builder.load(address, align=self.size, typ=self.vector)
        load = self._function(f"llvm.masked.load.{self.suffix}.p0", self.vector,
                              [address.type, I32, mask.type, self.vector])
        return self.builder.call(load, [address, ir.Constant(I32, self.size), mask, self.zero])

    def store(self, value, pointer, j: int, mask=None) -> None:
        address = self._at(pointer, j)
        if mask is None:
            self.builder.store(value, address, align=self.size)
            return
        store = self._function(f"llvm.masked.store.{self.suffix}.p0", ir.VoidType(),
                               [self.vector, address.type, I32, mask.type])
        self.builder.call(store, [value, address, ir.Constant(I32, self.size), mask])

    def prefetch(self, pointer, locality: int, write: bool = False) -> None:
        """Fetch a line into the caches, all of them (3) or from the second level on (2), perhaps to write it."""
        at = self.builder.bitcast(pointer, ir.IntType(8).as_pointer())
        function = self._function("llvm.prefetch.p0", ir.VoidType(), [at.type, I32, I32, I32])
        self.builder.call(function, [at, ir.Constant(I32, int(write)), ir.Constant(I32, locality), ir.Constant(I32, 1)])

    def sum(self, vector):
        """Of all lanes, in pairs."""
        width = self.width
        while width > 1:
            width //= 2
            halves = [self.shuffle(vector, vector, list(range(start, start + width))) for start in (0, width)]
            vector = self.builder.fadd(*halves)
        return self.builder.extract_element(vector, ir.Constant(I32, 0))

    def sums(self, vectors: list):
        """A vector of the sums of all lanes of each of these: in each step one takes another in, then shrinks."""
        group = self.width  # lanes of a sum
        while group > 1:
            group //= 2
            half = max(len(vectors) // 2, 1)
            pairs = list(zip(vectors[:half], vectors[half:] or vectors, strict=True))
            starts = range(0, vectors[0].type.count, 2 * group)
            width = vectors[0].type.count if len(vectors) > 1 else 0
            low = [at + i for start in starts for at in (start, width + start)[:1 + (width > 0)] for i in range(group)]
            high = [lane + group for lane in low]
            vectors = [self.add(self.shuffle(x, y, low), self.shuffle(x, y, high)) for x, y in pairs]
        return vectors[0]

    def add(self, x, y):
        return self.builder.add(x, y) if self.whole else self.builder.fadd(x, y)

    def multiply_add(self, x, y, addend):
        if self.whole:
            return self.add(self.builder.mul(x, y), addend)
        if not isa().fma:
            return self.builder.fadd(self.builder.fmul(x, y), addend)
        fma = self._function(f"llvm.fma.{self.suffix}", self.vector, [self.vector] * 3)
        return self.builder.call(fma, [x, y, addend])

    def _at(self, pointer, j: int):
        return self.builder.bitcast(self.offset(pointer, i64(j * self.width)), self.vector.as_pointer())

    def _function(self, name: str, result, arguments):
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, arguments), name)
