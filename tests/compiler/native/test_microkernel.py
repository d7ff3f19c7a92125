"""The micro-kernels and panel packers on their own, next to the sums they stand for."""
from __future__ import annotations

import platform

import numpy as np
import pytest
from graphflow.compiler.native import processor
from graphflow.compiler.native.microkernel import microkernel
from graphflow.compiler.native.processor import lanes
from graphflow.compiler.native.tiles import copy_panel, transpose_panel
from numba import njit

DTYPES = {"f32": np.float32, "f64": np.float64}
TOLERANCE = {"f32": 1e-4, "f64": 1e-12}


def jitted(native, arity: int):
    """A Python function of `arity` integers that calls an intrinsic."""
    names = ", ".join(f"x{i}" for i in range(arity))
    scope = {"native": native}
    exec(f"def call({names}):\n    native({names})", scope)
    return njit(scope["call"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("accumulate", [0, 1])
def test_segments_walk_the_rows_of_a_window(dtype, accumulate):
    """Three segments of five k, as a window over three rows of an image."""
    mr, nv, segments, length = 5, 2, 3, 5
    columns = nv * lanes(dtype)
    random = np.random.default_rng(0)
    image = random.standard_normal((segments, mr + length)).astype(DTYPES[dtype])
    b = random.standard_normal((segments, length, columns)).astype(DTYPES[dtype])
    c = random.standard_normal((mr, columns + 3)).astype(DTYPES[dtype])
    before = c.copy()
    windows = np.lib.stride_tricks.sliding_window_view(image, length, axis=1)[:, :mr]
    expected = np.einsum("sik,skj->ij", windows, b) + accumulate * before[:, :columns]
    kernel = jitted(microkernel(dtype, mr, nv), 12)
    kernel(image.ctypes.data, 1, 1, mr + length, segments, length, b.ctypes.data, columns, length * columns,
           c.ctypes.data, columns + 3, accumulate)
    np.testing.assert_allclose(c[:, :columns], expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    np.testing.assert_array_equal(c[:, columns:], before[:, columns:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("narrow", [False, pytest.param(True, marks=pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="x86's registers"))])
def test_masked_and_clamped_leave_the_rest_of_c_alone(dtype, narrow):
    mr, nv, k = 4, 2, 7
    width = lanes(dtype)
    kernel = jitted(microkernel(dtype, mr, nv, masked=True, clamped=True, narrow=narrow), 14)
    random = np.random.default_rng(0)
    for rows in range(1, mr + 1):
        for columns in range(width + 1, (3 * width // 2 if narrow else 2 * width) + 1):
            a = random.standard_normal((rows, k)).astype(DTYPES[dtype])
            b = random.standard_normal((k, columns)).astype(DTYPES[dtype])
            c = np.full((mr, 2 * width), 7, DTYPES[dtype])
            kernel(a.ctypes.data, k, 1, 0, 1, k, b.ctypes.data, columns, 0, c.ctypes.data, 2 * width, 0, columns, rows)
            np.testing.assert_allclose(c[:rows, :columns], a @ b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
            assert (c[rows:] == 7).all() and (c[:, columns:] == 7).all()


def test_an_empty_sum_is_zero_or_c():
    kernel = jitted(microkernel("f32", 2, 1), 12)
    c = np.ones((2, lanes("f32")), np.float32)
    kernel(0, 0, 0, 0, 1, 0, 0, 0, 0, c.ctypes.data, lanes("f32"), 1)
    assert (c == 1).all()
    kernel(0, 0, 0, 0, 0, 5, 0, 0, 0, c.ctypes.data, lanes("f32"), 0)
    assert (c == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nv", [1, 3])
def test_packers_agree(dtype, nv):
    width = lanes(dtype)
    by_copy, by_transpose = jitted(copy_panel(dtype, nv), 5), jitted(transpose_panel(dtype, nv), 5)
    for depth in (1, width - 1, width, 2 * width + 1):
        for columns in {1, nv * width - 1, nv * width}:
            b = np.random.default_rng(depth).standard_normal((depth, columns)).astype(DTYPES[dtype])
            transposed = np.ascontiguousarray(b.T)
            copied, turned = np.full((2, depth + width, nv * width), 7, DTYPES[dtype])
            by_copy(b.ctypes.data, columns, copied.ctypes.data, depth, columns)
            by_transpose(transposed.ctypes.data, depth, turned.ctypes.data, depth, columns)
            np.testing.assert_array_equal(copied[:depth, :columns], b)
            np.testing.assert_array_equal(turned[:depth, :columns], b)
            assert (copied[:depth, columns:] == 0).all() and (copied[depth:] == 7).all()


@pytest.mark.parametrize("features, wanted, name", [
    ("+avx2,+fma,+f16c,+avx512f,+avx512vl,+avx512dq", "", "avx512"),
    ("+avx2,+fma,+f16c,+avx512f,+avx512vl,+avx512dq", "avx2", "avx2"),
    ("+avx2,+fma,+f16c,+avx512f,+avx512vl,+avx512dq,+amx-tile,+amx-bf16", "", "amx"),
    ("+avx2,+fma,+f16c,+avx512f,+avx512vl,+avx512dq,+amx-tile,+amx-bf16", "avx512", "avx512"),
    ("+avx2,+fma,+f16c", "avx512", "avx2"), ("+avx2,-fma", "", "generic"), ("+avx2,+fma,+f16c", "generic", "generic"),
    ("+avx2,+fma,-f16c", "", "generic")])
def test_the_instruction_set_is_the_best_allowed(monkeypatch, features, wanted, name):
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    monkeypatch.setattr(processor, "_grants_matrix_unit", lambda: True)
    monkeypatch.setenv("GRAPHFLOW_CPU", wanted)
    assert processor.isa.__wrapped__().name == name
