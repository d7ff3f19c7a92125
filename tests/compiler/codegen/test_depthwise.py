"""Depthwise convolutions and their gradients, as kernels, against the ops' references."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.codegen import depthwise as kernels
from graphflow.compiler.ops import depthwise as ops
from graphflow.compiler.window import resolve
from plans import DTYPES, guarded, run

# x, window, multiplier, strides, dilations, padding, dtype
CASES = [
    ((2, 7, 14, 33), (3, 3), 1, (1, 1), (1, 1), "SAME", "f32"),  # a masked panel, borders, several images
    ((1, 8, 9, 17), (3, 3), 2, (2, 2), (1, 1), "SAME", "f32"),  # channels filtered twice, phases
    ((2, 3, 4, 3), (5, 5), 1, (1, 1), (2, 1), "SAME", "f64"),  # every pixel is at a border
    ((1, 6, 9, 64), (2, 3), 1, (3, 2), (1, 2), ((2, 0), (3, 4)), "f32"),  # windows outside the image
    ((2, 4, 31, 19), (2, 5), 1, (1, 1), (1, 2), "SAME", "f32"),  # tiles of pixels that overlap
    ((2, 9, 15, 20), (3, 3), 1, (2, 2), (1, 1), ((3, 4), (0, 1)), "f32"),  # rows of outputs wholly outside
    ((1, 9, 30, 17), (7, 7), 1, (1, 1), (1, 1), "SAME", "f32"),  # too many taps to roll
    ((1, 9, 15, 17), (5, 5), 1, (2, 1), (1, 1), "SAME", "f32"),  # several rows of outputs in registers
    ((2, 3, 5, 80), (1, 1), 3, (1, 1), (1, 1), "VALID", "f32"),  # all filters of some channels, less than a vector
    ((2, 7, 9, 5), (3, 3), 19, (1, 2), (1, 1), "SAME", "f32"),  # filters of a channel that fill more than a vector
    ((1, 6, 9, 11), (3, 2), 3, (2, 1), (1, 1), "SAME", "f64"),
]


@pytest.mark.parametrize("x_shape, window, multiplier, strides, dilations, padding, dtype", CASES)
def test_against_the_references(x_shape, window, multiplier, strides, dilations, padding, dtype):
    pads, sizes = resolve(padding, x_shape[1:3], window, strides, dilations)
    attrs = dict(strides=strides, dilations=dilations, padding=pads)
    w_shape, y_shape = (*window, x_shape[3], multiplier), (x_shape[0], *sizes, x_shape[3] * multiplier)
    random = np.random.default_rng(0)
    x, w, dy = (random.standard_normal(shape).astype(DTYPES[dtype]) for shape in (x_shape, w_shape, y_shape))
    options = dict(attrs, dtype=dtype, x_shape=x_shape, w_shape=w_shape)

    def check(lower, operands, shape, expected):
        result = guarded(np.full(shape, np.nan, x.dtype))
        run(lower(*map(guarded, operands), result, **options), (0.3, 0.7))
        np.testing.assert_allclose(result, expected, rtol=0, atol=64 * np.finfo(x.dtype).eps * np.abs(expected).max())

    check(kernels.lower_depthwise, (x, w), y_shape, ops._forward_reference(x, w, **attrs))
    check(kernels.lower_depthwise_input_grad, (dy, w), x_shape, ops._input_reference(dy, w, np.array(x_shape), **attrs))
    check(kernels.lower_depthwise_filter_grad, (x, dy), w_shape,
          ops._filter_reference(x, dy, np.array(w_shape), **attrs))


@pytest.mark.parametrize("case", CASES[:2] + CASES[4:6])
def test_row_by_row(case, monkeypatch):
    """Where too few rows stay in the cache for windows to roll down."""
    monkeypatch.setattr(kernels, "ROLLING_DEPTH", 0)
    test_against_the_references(*case)


def test_blocks_of_rows(monkeypatch):
    monkeypatch.setattr(kernels, "second_level", lambda: 6 * (2 * 9 + 9) * 17 * 4)
    test_against_the_references((2, 15, 9, 17), (3, 3), 1, (1, 1), (1, 1), "SAME", "f32")


@pytest.mark.parametrize("case", [CASES[1], CASES[3]])
def test_from_far(case, monkeypatch):
    """What is touched first is touched inside its arrays, and gives the same."""
    monkeypatch.setattr(kernels, "FAR_BYTES", 0)
    test_against_the_references(*case)
