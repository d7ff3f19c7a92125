"""Images as operands of a matrix unit (matrix_unit.py): pixels split into rows of tiles of A, or strips of B."""
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from numba.core import cgutils

from .matrix_unit import HALVES, LINES, bfloat_parts, load_across, note_suspects
from .strips import CHUNK, CHUNK_BYTES, LINE_BYTES, STRIP
from .tiles import AHEAD, transposed
from .vector_code import VectorCode, i64, void_intrinsic


@cache
def split_pixels():
    """An intrinsic that splits pixels into lines of 32 channels for each part, ready to be rows of tiles of A.

    Its int64 arguments are `(source, head, lines, part, chunk, pixels, channels, apart)`: addresses, the bytes from
    part to part and from 32 channels to the next, how many pixels and channels there are, and the elements from pixel
    to pixel, whose lines are neighbours. Channels that the last line lacks are zeros.
    """
    def codegen(context, builder, signature, args):
        source, head, lines, part, step, pixels, channels, apart = args
        code = VectorCode(builder, "f32")
        source = code.pointer(source)
        whole = builder.udiv(channels, i64(CHUNK))
        done = builder.mul(whole, i64(CHUNK))
        rest = builder.sub(channels, done)
        suspects = cgutils.alloca_once_value(builder, code.zero)

        def split(at: Any, line: Any, masks: Sequence[Any]) -> None:
            x, y = (code.load(at, half, mask) for half, mask in enumerate(masks))
            parts, x, y = bfloat_parts(code, x, y)
            builder.store(code.multiply_add(x, y, builder.load(suspects)), suspects)
            for number, words in enumerate(parts):
                to = code.pointer(builder.add(line, builder.mul(part, i64(number))))
                code.store(builder.bitcast(words, code.vector), to, 0)
                code.prefetch(code.offset(to, i64(AHEAD // 2)), 3, write=True)
            for half in (0, 1):
                code.prefetch(code.offset(at, i64(AHEAD + half * STRIP)), 3)

        masks = [code.mask(rest, half * STRIP) for half in (0, 1)]
        with cgutils.for_range(builder, pixels) as pixel:
            start = code.offset(source, builder.mul(pixel.index, apart))
            first = builder.add(lines, builder.mul(pixel.index, i64(LINE_BYTES)))
            with cgutils.for_range(builder, whole) as chunk:
                split(code.offset(start, builder.mul(chunk.index, i64(CHUNK))),
                      builder.add(first, builder.mul(chunk.index, step)), (None, None))
            with builder.if_then(builder.icmp_signed(">", rest, i64(0))):
                split(code.offset(start, done), builder.add(first, builder.mul(whole, step)), masks)
        note_suspects(code, builder.load(suspects), head)
        return context.get_dummy_value()

    names = ["source", "head", "lines", "part", "chunk", "pixels", "channels", "apart"]
    return void_intrinsic("split_pixels", names, codegen)


@cache
def split_channels():
    """An intrinsic that splits pixels into rows of tiles of A, one for each of up to 16 channels: k are the pixels, in
    their order.

    Its int64 arguments are `(source, stride, head, lines, part, row, pixels, channels)`: addresses, the elements from
    pixel to pixel, the bytes from part to part and from row to row, how many pixels and channels there are. The pixels
    up to a multiple of 16 become zeros.
    """
    def codegen(context, builder, signature, args):
        source, stride, head, lines, part, row, pixels, channels = args
        code = VectorCode(builder, "f32")
        source = code.pointer(source)
        blocks = builder.udiv(builder.add(pixels, i64(STRIP - 1)), i64(STRIP))
        with cgutils.for_range(builder, blocks) as loop:
            first, suspect = builder.mul(loop.index, i64(STRIP)), code.zero
            block = transposed(code, list(load_across(code, source, stride, i64(0), first, pixels, channels)))
            for channel, x in enumerate(block):
                parts, x, _ = bfloat_parts(code, x, code.zero)
                suspect = builder.fadd(x, suspect)
                at = builder.add(builder.add(lines, builder.mul(row, i64(channel))), builder.mul(first, i64(2)))
                for number, words in enumerate(parts):
                    to = builder.inttoptr(builder.add(at, builder.mul(part, i64(number))), HALVES.as_pointer())
                    builder.store(builder.trunc(words, HALVES), to, align=2)
            note_suspects(code, suspect, head)
        return context.get_dummy_value()

    names = ["source", "stride", "head", "lines", "part", "row", "pixels", "channels"]
    return void_intrinsic("split_channels", names, codegen)


@cache
def split_pairs():
    """An intrinsic that splits pixels into strips of B, 16 channels each: k are the pixels, in their order.

    Its int64 arguments are `(source, stride, head, tiles, apart, first, pixels, channels)`: addresses, of the first
    strip's tiles, the elements from pixel to pixel, the bytes from strip to strip, the first pixel's k, which is even,
    and how many pixels and channels there are.
    """
    def codegen(context, builder, signature, args):
        source, stride, head, tiles, apart, first, pixels, channels = args
        code = VectorCode(builder, "f32")
        source = code.pointer(source)
        strips = builder.udiv(builder.add(channels, i64(STRIP - 1)), i64(STRIP))
        pairs = builder.udiv(builder.add(pixels, i64(1)), i64(2))
        with cgutils.for_range(builder, pairs) as outer, cgutils.for_range(builder, strips) as inner:
            column, pixel = builder.mul(inner.index, i64(STRIP)), builder.mul(outer.index, i64(2))
            x, y = load_across(code, source, stride, column, pixel, pixels, channels, LINES[:2])
            number = builder.udiv(builder.add(first, pixel), i64(2))
            at = builder.add(builder.mul(builder.udiv(number, i64(STRIP)), i64(CHUNK_BYTES)),
                             builder.mul(builder.urem(number, i64(STRIP)), i64(LINE_BYTES)))
            to = builder.add(builder.add(tiles, at), builder.mul(inner.index, apart))
            parts, x, y = bfloat_parts(code, x, y)
            for part, words in enumerate(parts):
                code.store(builder.bitcast(words, code.vector), code.pointer(to), part * STRIP)
            note_suspects(code, builder.fmul(x, y), head)
        return context.get_dummy_value()

    names = ["source", "stride", "head", "tiles", "apart", "first", "pixels", "channels"]
    return void_intrinsic("split_pairs", names, codegen)
