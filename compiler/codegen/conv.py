"""Convolutions and their gradients for the inputs: the choice among their kernels.

Filters are packed into panels as wide as a tile, once for all runs where they stay. The gradient for the inputs is a
convolution by the filters turned round, one for each phase of the strides.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import ceil, prod
from typing import Any

from ..native.processor import ELEMENT_BYTES, lanes, second_level
from . import grouped, unit_conv, unit_gemm, winograd
from .conv_common import Windows, aligned, arranged, backward_axes, flattened, forward_axes, whole_axes
from .conv_images import by_images, images_call
from .conv_pack import pack_dots_source, pack_source, pack_unit_source
from .direct_conv import Tile, direct_call, turned
from .epilogue import Epilogue, Joined
from .gemm import lower_gemm, product_of
from .kernel import KernelCall, Scratch
from .pointwise import by_pixels, pixels_call

# pixels from which packing the filters pays in a plain product too, once for all runs and in each
PACKED_PIXELS, PACKED_ANEW_PIXELS = 32, 1024


def lower_conv(x: Any, w: Any, y: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
               strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
               epilogue: Epilogue | None = None, stays: bool = False) -> list[KernelCall]:
    """y[n, ..., cout] = x[n, ..., cin] convolved with w[..., cin / groups, cout], over two or three axes.

    `padding` is (before, after) for each axis; `stays` says whether w is the same from run to run. No calls when y is
    empty.
    """
    x_shape, w_shape, strides = whole_axes(x_shape, w_shape, strides, dilations, padding)
    axes = arranged(forward_axes(x_shape[1:-1], w_shape[:-2], strides, dilations, padding), w_shape[:-2])
    p = Windows.of(dtype, x_shape[0], x_shape[-1], w_shape[-1], x_shape[-1] // max(w_shape[-2], 1) or 1, axes)
    if _is_best_product(p, w_shape, PACKED_PIXELS if stays else PACKED_ANEW_PIXELS):
        return lower_gemm(x, w, y, dtype=dtype, m=p.outputs, n=p.filters, k=p.channels, epilogue=epilogue)
    return _lower(x, w, y, p, tuple(w_shape), False, epilogue, "conv", stays)


def lower_conv_input_grad(dy: Any, w: Any, dx: Any, *, dtype: str, x_shape: Sequence[int], w_shape: Sequence[int],
                          strides: Sequence[int], dilations: Sequence[int], padding: Sequence[Sequence[int]],
                          epilogue: Epilogue | None = None) -> list[KernelCall]:
    """dx[n, ..., cin] of dy[n, ..., cout]: `lower_conv`'s transpose, with its arguments.

    A transposed convolution is the same computation, hence the epilogue, whose rows are the pixels of dx.
    """
    channels = x_shape[-1]
    x_shape, w_shape, strides = whole_axes(x_shape, w_shape, strides, dilations, padding)
    if epilogue and x_shape[-1] > channels:
        epilogue = Joined(epilogue, x_shape[-1] // channels, channels)
    groups = x_shape[-1] // max(w_shape[-2], 1) or 1
    phases = (backward_axes(*axis)
              for axis in zip(x_shape[1:-1], w_shape[:-2], strides, dilations, padding, strict=True))
    calls = []
    for axes in product(*phases):
        p = Windows.of(dtype, x_shape[0], w_shape[-1], x_shape[-1], groups, arranged(axes, w_shape[:-2]))
        if _is_best_product(p, w_shape, PACKED_ANEW_PIXELS):
            return lower_gemm(dy, w, dx, dtype=dtype, m=p.outputs, n=p.filters, k=p.channels, transpose_b=True,
                              epilogue=epilogue)
        calls += _lower(dy, w, dx, p, tuple(w_shape), True, epilogue, "conv_input_grad")
    # phases take turns where the filters of all of them stay near
    if groups > 1 and prod(w_shape) * ELEMENT_BYTES[dtype] <= second_level():
        calls = [replace(call, phase=not call.prepares) for call in sorted(calls, key=lambda call: not call.prepares)]
    return calls


def _is_best_product(p: Windows, w_shape: Sequence[int], packed_pixels: int) -> bool:
    """Whether a plain matrix product by all of w computes it fastest: one of too few pixels for packed filters or, on
    the matrix unit, one that reads more than it writes, as products pack pixels while they multiply."""
    return p.is_product and prod(w_shape[:-2]) == 1 and (
        p.outputs < packed_pixels or p.channels >= p.filters and unit_gemm.pays(
            product_of(None, None, None, p.dtype, p.outputs, p.filters, p.channels, (), (), (), False, False)))


def _lower(x: Any, w: Any, y: Any, p: Windows, w_shape: tuple[int, ...], transposed: bool, epilogue: Epilogue | None,
           name: str, stays: bool = False) -> list[KernelCall]:
    """One dense convolution of x by taps of w, or by w with its channels exchanged (`transposed`), into y's pixels."""
    if 0 in (p.images, p.filters, *(axis.count for axis in p.axes)):
        return []
    if not p.taps * p.channels:
        p = replace(p, groups=1, axes=(p.axes[0], replace(p.axes[1], taps=0), replace(p.axes[2], taps=0)))
    (channels, filters), flat = p.each, flattened(p)
    inner, last = w_shape[-2:]
    pack_dims = (inner * last, last, last // p.groups, channels, filters, sum(axis.tap for axis in p.axes), *_taps(p))
    if unit_conv.pays(flat):
        return unit_conv.lower(x, w, y, flat, pack_unit_source(transposed), pack_dims, epilogue, name)
    if grouped.pays(p):
        return grouped.lower(x, w, y, p, transposed, pack_dims, epilogue, name)
    if tiling := winograd.choose(p, stays):
        return winograd.lower(x, w, y, p, tiling, transposed, pack_dims, epilogue, name)
    if across := turned(p):
        p = flat = across
        pack_dims = (*pack_dims[:6], *_taps(p))
    tile = Tile.choose(flat)
    pixelwise = None if tile.dots or tile.rest else by_pixels(flat)
    along_images = None if pixelwise or tile.rest else by_images(flat, tile.cycles)
    if chosen := pixelwise or along_images:
        tile = Tile(p.dtype, *chosen)
    depth, wide, rest = channels * p.taps, tile.wide, tile.rest.nv if tile.rest else 0
    panels = 1 if tile.dots else ceil((filters - rest) / wide)
    # a transposed panel is written in whole blocks
    panel_size = (depth + lanes(p.dtype) * (transposed and not tile.dots)) * wide
    packs = [(0, filters - rest, p.groups * panels, panel_size, tile.dots)]
    packs += [(filters - rest, rest, 1, depth * rest, True)] * bool(rest)
    packed, calls = [], []
    for first, columns, count, block, dots in packs:
        packed.append(Scratch(aligned(count * block * ELEMENT_BYTES[p.dtype])))
        source = pack_dots_source(p.dtype, transposed) if dots else pack_source(p.dtype, tile.nv, transposed)
        dims = (first if dots else panels, block, *pack_dims[:4], columns, *pack_dims[5:])
        if depth:
            calls.append(KernelCall(f"{name}.pack", source, (w, packed[-1]), dims, count, nbytes=2 * packed[-1].nbytes,
                                    writes=(1,), prepares=True))
    if pixelwise:
        return [*calls, pixels_call(flat, *pixelwise, x, packed[0], y, panel_size, epilogue, name)]
    if along_images:
        return [*calls, images_call(p, *along_images, x, packed[0], y, panel_size, epilogue, name)]
    return [*calls, direct_call(flat, tile, x, packed, y, panel_size, epilogue, name, across is not None)]


def _taps(p: Windows) -> list[int]:
    """How many taps each axis has and their steps, in the order in which filters are packed."""
    return [n for axis in p.axes for n in (axis.taps, axis.tap_step)]
