"""The 64-bit hashes of byte strings that TensorFlow's buckets are made of.

`fingerprint` is FarmHash's Fingerprint64 (farmhashna, Pike 2014); `hash64` MurmurHash64A (Appleby 2008) with
TensorFlow's seed; `siphash` SipHash-2-4 (Aumasson and Bernstein, 2012) under a key of two words.
"""
from __future__ import annotations

import struct
from collections.abc import Sequence

MASK = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
MURMUR, MURMUR_SEED = 0xC6A4A7935BD1E995, 0xDECAFCAFFE


def _word(s: bytes, at: int) -> int:
    return struct.unpack_from("<Q", s, at)[0]


def _half_word(s: bytes, at: int) -> int:
    return struct.unpack_from("<I", s, at)[0]


def _rotate(x: int, bits: int) -> int:
    """To the right."""
    x &= MASK
    return (x >> bits | x << 64 - bits) & MASK


def _shift_mix(x: int) -> int:
    x &= MASK
    return x ^ x >> 47


def _mix(u: int, v: int, factor: int) -> int:
    a = _shift_mix((u ^ v) * factor)
    return _shift_mix((v ^ a) * factor) * factor & MASK


def _up_to_16(s: bytes) -> int:
    n = len(s)
    factor = K2 + n * 2
    if n >= 8:
        a, b = _word(s, 0) + K2 & MASK, _word(s, n - 8)
        return _mix(_rotate(b, 37) * factor + a & MASK, (_rotate(a, 25) + b) * factor & MASK, factor)
    if n >= 4:
        return _mix(n + (_half_word(s, 0) << 3), _half_word(s, n - 4), factor)
    if n:
        return _shift_mix((s[0] + (s[n >> 1] << 8)) * K2 ^ (n + (s[-1] << 2)) * K0) * K2 & MASK
    return K2


def _up_to_64(s: bytes) -> int:
    n = len(s)
    factor = K2 + n * 2
    a, b = _word(s, 0) * (K1 if n <= 32 else K2) & MASK, _word(s, 8)
    c, d = _word(s, n - 8) * factor & MASK, _word(s, n - 16) * K2 & MASK
    y = _rotate(a + b, 43) + _rotate(c, 30) + d & MASK
    z = _mix(y, a + _rotate(b + K2, 18) + c & MASK, factor)
    if n <= 32:
        return z
    e, f = _word(s, 16) * factor & MASK, _word(s, 24)
    g, h = (y + _word(s, n - 32)) * factor & MASK, (z + _word(s, n - 24)) * factor & MASK
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h & MASK, e + _rotate(f + a, 18) + g & MASK, factor)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Two words of 32 bytes from `at` on and two seeds."""
    w, x, y, z = struct.unpack_from("<4Q", s, at)
    a = a + w & MASK
    b = _rotate(b + a + z, 21)
    c = a
    a = a + x + y & MASK
    b = b + _rotate(a, 44) & MASK
    return a + z & MASK, b + c & MASK


def fingerprint(s: bytes) -> int:
    """FarmHash's Fingerprint64."""
    n = len(s)
    if n <= 16:
        return _up_to_16(s)
    if n <= 64:
        return _up_to_64(s)
    y = 81 * K1 + 113 & MASK
    z = _shift_mix(y * K2 + 113) * K2 & MASK
    x = 81 * K2 + _word(s, 0) & MASK
    v, w = (0, 0), (0, 0)

    def block(at: int, factor: int, weight: int) -> None:
        nonlocal x, y, z, v, w
        x = _rotate(x + y + v[0] + _word(s, at + 8), 37) * factor & MASK
        y = _rotate(y + v[1] + _word(s, at + 48), 42) * factor & MASK
        x ^= w[1] * weight & MASK
        y = y + v[0] * weight + _word(s, at + 40) & MASK
        z = _rotate(z + w[0], 33) * factor & MASK
        v = _weak(s, at, v[1] * factor & MASK, x + w[0] & MASK)
        w = _weak(s, at + 32, z + w[1] & MASK, y + _word(s, at + 16) & MASK)
        x, z = z, x

    for at in range(0, (n - 1) // 64 * 64, 64):
        block(at, K1, 1)
    factor = K1 + ((z & 0xFF) << 1)
    w = (w[0] + ((n - 1) & 63) & MASK, w[1])
    v = (v[0] + w[0] & MASK, v[1])
    w = (w[0] + v[0] & MASK, w[1])
    block(n - 64, factor, 9)
    return _mix(_mix(v[0], w[0], factor) + _shift_mix(y) * K0 + z & MASK, _mix(v[1], w[1], factor) + x & MASK, factor)


def hash64(s: bytes) -> int:
    """MurmurHash64A with the seed of TensorFlow's Hash64."""
    h = MURMUR_SEED ^ len(s) * MURMUR & MASK
    whole = len(s) // 8 * 8
    for (k,) in struct.iter_unpack("<Q", s[:whole]):
        k = k * MURMUR & MASK
        k = (k ^ k >> 47) * MURMUR & MASK
        h = (h ^ k) * MURMUR & MASK
    if len(s) > whole:
        h = (h ^ int.from_bytes(s[whole:], "little")) * MURMUR & MASK
    h = (h ^ h >> 47) * MURMUR & MASK
    return h ^ h >> 47


def siphash(s: bytes, key: Sequence[int]) -> int:
    """SipHash-2-4 under the key (two 64-bit words)."""
    k0, k1 = (int(k) & MASK for k in key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0] = v[0] + v[1] & MASK
            v[1] = _rotate(v[1], 51) ^ v[0]
            v[0] = _rotate(v[0], 32)
            v[2] = v[2] + v[3] & MASK
            v[3] = _rotate(v[3], 48) ^ v[2]
            v[0] = v[0] + v[3] & MASK
            v[3] = _rotate(v[3], 43) ^ v[0]
            v[2] = v[2] + v[1] & MASK
            v[1] = _rotate(v[1], 47) ^ v[2]
            v[2] = _rotate(v[2], 32)

    whole = len(s) // 8 * 8
    last = int.from_bytes(s[whole:], "little") | (len(s) & 0xFF) << 56
    for word in (*(w for (w,) in struct.iter_unpack("<Q", s[:whole])), last):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def fingerprint_of_two(first: int, second: int) -> int:
    """TensorFlow's fingerprint of two fingerprints, as crossed columns use it."""
    h = first ^ MURMUR ^ _shift_mix(second * MURMUR & MASK) * MURMUR & MASK
    return _shift_mix(_shift_mix(h * MURMUR & MASK) * MURMUR & MASK)
