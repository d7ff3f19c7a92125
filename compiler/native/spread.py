"""Channels of groups, each brought to the lanes of the filters that read it."""
from __future__ import annotations

from functools import cache

from numba.core import cgutils

from .vector_code import VectorCode, i64, void_intrinsic


@cache
def spread_groups(dtype: str, channels: int, filters: int, groups: int):
    """An intrinsic that writes, for each pixel, as many vectors as a group has channels: vector k has channel k of its
    group in the lane of each filter.

    A vector is so many `groups` of `filters`; their channels fill at most two. Its int64 arguments are `(source, apart,
    target, pixels, present, ahead)`: addresses, the elements from pixel to pixel, how many pixels, how many channels of
    all groups there are to read, and how many elements further what is read next, which is fetched. Lanes without a
    filter repeat what others have.
    """
    def codegen(context, builder, signature, args):
        source, apart, target, pixels, present, ahead = args
        code = VectorCode(builder, dtype)
        source, target = code.pointer(source), code.pointer(target)
        halves = range(-(-channels * groups // code.width))
        masks = [code.mask(present, half * code.width) for half in halves]
        with cgutils.for_range(builder, pixels) as pixel:
            at = code.offset(source, builder.mul(pixel.index, apart))
            read = [code.load(at, half, masks[half]) for half in halves]
            code.prefetch(code.offset(at, ahead), 3)
            to = code.offset(target, builder.mul(pixel.index, i64(channels * code.width)))
            for k in range(channels):
                lanes = [min(lane // filters, groups - 1) * channels + k for lane in range(code.width)]
                code.store(code.shuffle(read[0], read[-1], lanes), to, k)
        return context.get_dummy_value()

    return void_intrinsic(f"spread_groups_{dtype}_{channels}_{filters}_{groups}",
                          ["source", "apart", "target", "pixels", "present", "ahead"], codegen)
