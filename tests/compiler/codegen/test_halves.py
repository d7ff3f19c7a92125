"""Floats of 16 bits: what kernels read, compute and write is what NumPy does, which rounds after each operation too."""
from __future__ import annotations

import os
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from compiled import compiled, kernels
from graphflow.compiler.dtypes import as_dtype, float32
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.cumulative import cumsum
from graphflow.compiler.ops.gather import gather, range_
from graphflow.compiler.ops.reduction import reduce_mean, reduce_sum
from graphflow.compiler.ops.slicing import concat
from graphflow.compiler.ops.view import transpose
from graphflow.compiler.ops.window import conv2d

import graphflow as gf

RNG = np.random.default_rng(0)
ALL = np.arange(1 << 16, dtype=np.uint16)  # as bits
WIDE = np.concatenate([(RNG.standard_normal(5000) * 10.0 ** RNG.integers(-9, 6, 5000)).astype("f4"),
                       np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 65519.0, 65520.0, -65521.0, 2.0 ** -24, 3.4e38,
                                   2.0 ** -25, 3 * 2.0 ** -26, -2.0 ** -14, 2.0 ** -14 * (1 - 2.0 ** -12)])])
halves = pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])


def same(found, expected):
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.astype("f4"), expected.astype("f4"))


@halves
def test_casts(dtype):
    with np.errstate(all="ignore"):
        edges = ALL.view(dtype).astype("f4").view("u4")[:, None] + np.uint32([0, 0x7FF, 0x1000, 0x7FFF, 0x8000])
        for x in (WIDE, edges.view("f4")):
            same(compiled(lambda x: ew.cast(x, as_dtype(np.dtype(dtype))), x), x.astype(dtype))
    same(compiled(lambda x: ew.cast(x, float32), ALL.view(dtype)), ALL.view(dtype).astype("f4"))
    same(compiled(lambda x: ew.cast(x, as_dtype(np.dtype(dtype))), np.arange(5000)), np.arange(5000).astype(dtype))


@halves
@pytest.mark.parametrize("compute", [
    lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: (x * y + x) * y - x,
    lambda x, y: abs(x) - y])
def test_arithmetic_rounds_after_each_operation(dtype, compute):
    with np.errstate(all="ignore"):
        x = WIDE.astype(dtype)
        y = RNG.permutation(x)
        same(compiled(compute, x, y), compute(x, y))


@halves
def test_what_only_moves(dtype):
    x = ALL.view(dtype)[:0x7000].reshape(7, 64, 64)
    places = np.int32([3, 0, 6])
    same(compiled(lambda x: transpose(x, [2, 0, 1]), x), x.transpose(2, 0, 1))
    same(compiled(lambda x: concat([x, x[:, 1:]], 1), x), np.concatenate([x, x[:, 1:]], 1))
    same(compiled(gather, x, places), x[places])
    same(compiled(lambda x: x[::2, ::-1, 3], x), x[::2, ::-1, 3])
    same(compiled(lambda x: range_(x[0, 0, 0], 9), x), np.arange(9).astype(dtype))
    assert all(len(kernels(build, x)) == 1 for build in (lambda x: transpose(x, [2, 0, 1]), lambda x: x + x))


@halves
def test_sums_and_products_are_those_of_float32(dtype):
    x, filters = RNG.integers(-9, 9, (2, 9, 8, 5)).astype(dtype), RNG.standard_normal((3, 3, 5, 7)).astype(dtype)
    wide = x.astype("f4")
    same(compiled(lambda x: reduce_sum(x, [1, 2]), x), wide.sum((1, 2)).astype(dtype))
    same(compiled(lambda x, y: matmul(x, y, transpose_b=True) + 1, x[0, 0], x[1, 0]),
         (wide[0, 0] @ wide[1, 0].T).astype(dtype) + dtype(1))
    found = compiled(lambda x, f: conv2d(x, f, 1, "SAME"), x, filters, known=True)
    expected = compiled(lambda x, f: conv2d(x, f, 1, "SAME"), wide, filters.astype("f4"), known=True)
    same(found, expected.astype(dtype))
    same(compiled(lambda x: cumsum(x, 1), x), np.add.accumulate(x, 1))
    assert compiled(lambda x: reduce_mean(gf.nn.softmax(x)), x).dtype == dtype


@halves
def test_variables_and_random_numbers(dtype):
    element = as_dtype(np.dtype(dtype))
    weights = gf.Variable(np.ones((3, 4), dtype), dtype=element)
    added = weights.assign_add(gf.ones([3, 4], element) / 3)
    row = gf.scatter_add(weights, [1], gf.ones([1, 4], element))
    noise = gf.random_normal([1000], dtype=element, seed=1)
    session = gf.Session()
    session.run(gf.global_variables_initializer())
    third = dtype(1) + dtype(1) / dtype(3)
    same(session.run(added), np.full((3, 4), third))
    same(session.run(row)[1], np.full(4, third + dtype(1)))
    drawn = session.run(noise)
    assert drawn.dtype == dtype and 0.9 < drawn.astype("f4").std() < 1.1


def test_a_processor_without_conversions():
    code = ("import test_halves as t\nfor dtype in t.np.float16, t.ml_dtypes.bfloat16: t.test_casts(dtype)\n"
            "print(__import__('graphflow.compiler.native.processor', fromlist=['isa']).isa().name)")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=os.path.dirname(__file__),
                         env={**os.environ, "GRAPHFLOW_CPU": "generic"})
    assert run.stdout.strip() == "generic", run.stderr
