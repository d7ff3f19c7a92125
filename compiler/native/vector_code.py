"""Vectors as LLVM code: memory access and arithmetic for kernels whose inner loops are written out."""
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .processor import ELEMENT_BYTES, isa, lanes

I32, I64 = ir.IntType(32), ir.IntType(64)
ELEMENT = {"f32": ir.FloatType(), "f64": ir.DoubleType(), "i8": ir.IntType(8), "i16": ir.IntType(16), "i32": I32,
           "i64": I64}


def void_intrinsic(name: str, parameters: list[str], codegen):
    """A void intrinsic over int64 parameters; Numba wants them named one by one."""
    signature = types.void(*[types.int64] * len(parameters))
    scope: dict = {"signature": signature, "codegen": codegen}
    exec(f"def {name}(typingctx, {', '.join(parameters)}):\n    return signature, codegen", scope)
    return intrinsic(scope[name])


def i64(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


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
