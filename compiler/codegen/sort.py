"""Kernels that put rows in order, or the first of what that would give: by bytes of a key from the last to the first,
each pass keeping the order of the one before. Keys are whole numbers that ascend as the elements are to come."""
from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any

from ..dtypes import DType
from ..ir import Operation, Tensor
from .kernel import KernelCall, Scratch
from .source import calls
from .text import NATIVE

SHORT = 48  # elements up to which each is put into its place among those before it
NUMPYS = 256  # elements up to which NumPy, which sorts them by vectors, is faster where no places are wanted
# candidates of which the best are kept, at least, and for each one wanted: fewer are put in order more often
CANDIDATES, EACH = 4096, 4
# the bits of infinity
INFINITIES = {"f16": 0x7C00, "fb16": 0x7F80, "f32": 0x7F800000, "f64": 0x7FF << 52}

# the key of bits: NaN comes last, zeros are equal where places tell them apart; and the bits of a key
FLOAT_KEY = '''    size = bits & {most}
    key = bits ^ ((0 - (bits >> {last} & 1)) | {sign}) ^ flip
    key = select(size == 0, {sign} ^ flip, key)
    return select(size > {infinity}, {mask}, key & {mask})'''
ZEROS_EQUAL = FLOAT_KEY.splitlines(keepends=True)[2]
FLOAT_BITS = '''    own = key ^ flip
    return select(own & {sign} != 0, own ^ {sign}, ~own) & {mask}'''
WHOLE = "    return ({0} ^ flip ^ {{sign}}) & {{mask}}"

# two halves take turns; says which one the last pass wrote
ORDERED = '''"""in order"""
from {native}.prelude import {names}


@compiled
def key_of(bits, flip):
{key}


@compiled
def bits_of(key, flip):
{bits}


@compiled
def ordered(keys, places, counts, size, half):
    if size <= {short}:
        for i in range(1, size):
            key = load_{code}(keys, i, -1)
            place = load_i32(places, i, -1)
            at = i
            while at > 0 and load_{code}(keys, at - 1, -1) > key:
                store_{code}(keys, at, load_{code}(keys, at - 1, -1), -1)
                store_i32(places, at, load_i32(places, at - 1, -1), -1)
                at -= 1
            store_{code}(keys, at, key, -1)
            store_i32(places, at, place, -1)
        return 0
    for i in range({digits} * 256):
        store_i64(counts, i, 0, -1)
    for i in range(size):
        key = load_{code}(keys, i, -1)
        for digit in range({digits}):
            at = digit * 256 + (i64(key) >> digit * 8 & 255)
            store_i64(counts, at, load_i64(counts, at, -1) + 1, -1)
    turn = 0
    for digit in range({digits}):
        source = keys + turn * half * {digits}
        target = keys + (1 - turn) * half * {digits}
        from_places = places + turn * half * 4
        to_places = places + (1 - turn) * half * 4
        own = counts + digit * 2048
        if load_i64(own, i64(load_{code}(source, 0, -1)) >> digit * 8 & 255, -1) != size:
            total = 0
            for value in range(256):
                count = load_i64(own, value, -1)
                store_i64(own, value, total, -1)
                total += count
            for i in range(size):
                key = load_{code}(source, i, -1)
                value = i64(key) >> digit * 8 & 255
                at = load_i64(own, value, -1)
                store_i64(own, value, at + 1, -1)
                store_{code}(target, at, key, -1)
                store_i32(to_places, at, load_i32(from_places, i, -1), -1)
            turn = 1 - turn
    return turn


@compiled
def kernel(buffers, dims, begin, end, lane):
    x = word(buffers, 0)
    size = word(dims, 0)
    k = word(dims, 1)
    most = word(dims, 2)
    flip = word(dims, 3)
    counts = word(buffers, {scratch}) + lane * word(dims, 4)
    keys = counts + {digits} * 2048
    places = keys + most * {digits} * 2
    for row in range(begin, end):
        count = 0
        full = 0
        turn = 0
        worst = {code}(0)
        for i in range(size):
            key = {code}(key_of(i64(load_{code}(x, row * size + i, -1)), flip))
            if full == 0 or key < worst:
                store_{code}(keys, count, key, -1)
                store_i32(places, count, i, -1)
                count += 1
                if count == most and i + 1 < size:
                    if ordered(keys, places, counts, count, most) == 1:
                        for j in range(k):
                            store_{code}(keys, j, load_{code}(keys, most + j, -1), -1)
                            store_i32(places, j, load_i32(places, most + j, -1), -1)
                    worst = load_{code}(keys, k - 1, -1)
                    full = 1
                    count = k
        turn = ordered(keys, places, counts, count, most) * most
        for j in range(k):
{stores}
'''
PLACE = "            store_i32(word(buffers, {0}), row * k + j, load_i32(places, turn + j, -1), -1)\n"
ELEMENT = '''            element = load_{code}(x, row * size + i64(load_i32(places, turn + j, -1)), -1)
            store_{code}(word(buffers, 1), row * k + j, element, -1)
'''
VALUE = '''            bits = bits_of(i64(load_{code}(keys, turn + j, -1)), flip)
            store_{code}(word(buffers, 1), row * k + j, {code}(bits), -1)
'''
NO_PLACES = re.compile(r"^ *(?:place = |(?:from|to)_places = |store_i32\().*\n", re.MULTILINE)


def lower_sort(op: Operation, shape_of: Callable[[Tensor], tuple[int, ...]]) -> list[KernelCall] | None:
    """Tasks are the rows. The outputs are sorted elements, their places, or both of the first ones. None of what the
    host sorts."""
    x, outputs = op.inputs[0], op.outputs
    shape, k = shape_of(x), shape_of(outputs[0])[-1]
    *rows, size = shape
    if not k * prod(rows):
        return []
    descending = op.attrs.get("descending", True)
    most = -(-min(size, max(CANDIDATES, EACH * k)) // 8) * 8
    source, values_only = _source(x.dtype, op.definition.fields["order"])
    if values_only and size <= NUMPYS:
        return None
    width = x.dtype.size
    scratch = Scratch(width * 2048 + most * 2 * (width + 4 * (not values_only)), per_lane=True)
    flip = (1 << 8 * width) - 1 if descending else 0
    written = tuple(range(1, len(outputs) + 1))
    return [KernelCall(op.name, source, (x, *outputs, scratch),
                       (size, k, most, flip - (1 << 64) if flip >> 63 else flip, scratch.apart), prod(rows),
                       flops=prod(shape) * width * 4, nbytes=prod(shape) * width, writes=(*written, written[-1] + 1))]


def _source(dtype: DType, order: str) -> tuple[str, bool]:
    """The text, and whether elements are made of keys, without places."""
    bits = 8 * dtype.size
    names: dict[str, Any] = {
        "code": f"u{bits}", "digits": dtype.size, "short": SHORT, "last": bits - 1, "native": NATIVE,
        "most": (1 << bits - 1) - 1, "infinity": INFINITIES[dtype.code] if dtype.is_floating else 0,
        "mask": (1 << bits) - 1 if bits < 64 else -1,
        "sign": 0 if dtype.is_unsigned else 1 << bits - 1 if bits < 64 else -1 << 63}
    outputs = {"values": VALUE, "places": PLACE.format(1), "both": ELEMENT + PLACE.format(2)}[order]
    key, back = (FLOAT_KEY, FLOAT_BITS) if dtype.is_floating else (WHOLE.format("bits"), WHOLE.format("key"))
    text = ORDERED.format(**names, key=key.format(**names), bits=back.format(**names), names="{names}",
                          stores=outputs.format(**names), scratch=3 if order == "both" else 2)
    if order == "values":
        text = NO_PLACES.sub("", text).replace(ZEROS_EQUAL.format(**names), "")
    own = {"key_of", "bits_of", "ordered", "kernel"}
    return text.replace("{names}", ", ".join(sorted({"compiled", *calls(text)} - own))), order == "values"
