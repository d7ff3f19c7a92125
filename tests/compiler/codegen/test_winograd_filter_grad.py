"""Gradients of filters by Winograd's minimal filtering against plain NumPy in float64, over drawn geometries."""
from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from graphflow.compiler.codegen import unit_filter_grad, winograd, winograd_filter_grad
from graphflow.compiler.codegen.conv_filter_grad import lower_conv_filter_grad
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conv import Case, weight_grad
from test_winograd import cases, cuts


@contextmanager
def always(n, block=5, chunk=16, tasks=20, part_tiles=7):
    """All that it suits has tiles of n x n inputs, if there are any."""
    def choose(p):
        return next((winograd_filter_grad.Shares.of(p, tiling) for tiling in winograd.tilings(p) if tiling.side == n),
                    None)

    with mock.patch.multiple(winograd_filter_grad, BLOCK=block, CHUNK=chunk, TASKS=tasks, PART_TILES=part_tiles,
                             choose=choose), mock.patch.object(unit_filter_grad, "pays", lambda p: False):
        yield


def check(case, cuts=()):
    x, dy = case.random(case.x, 0), case.random(case.y, 2)
    exact = case.weight_grad(x, dy)
    np.testing.assert_allclose(weight_grad(case, x, dy, cuts), exact, rtol=1e-4, atol=1e-5 * max(1, exact.std()))


@settings(max_examples=25)
@given(cases, cuts, st.sampled_from([4, 5, 6]), st.sampled_from([1, 5, 64]), st.sampled_from([16, 64]),
       st.sampled_from([1, 20]))
def test_any_geometry(case, cuts, n, block, chunk, tasks):
    with always(n, block, chunk, tasks):
        check(case, cuts)


@settings(max_examples=10)
@given(cases, st.lists(st.floats(0, 1), min_size=1, max_size=6), st.sampled_from([4, 5, 6]))
def test_how_tasks_are_split_changes_no_bit(case, cuts, n):
    x, dy = case.random(case.x, 0), case.random(case.y, 2)
    with always(n):
        np.testing.assert_array_equal(weight_grad(case, x, dy, cuts), weight_grad(case, x, dy))


@pytest.mark.parametrize("n, taps, times", [(4, 3, 1.5), (6, 3, 5), (5, 2, 5), (6, 5, 5)])
def test_sums_are_about_as_accurate_as_direct_ones(n, taps, times):
    case = Case((8, 20, 20, 16), (taps, taps, 16, 32), padding="SAME")
    x, dy = case.random(case.x, 0), case.random(case.y, 2)
    exact = case.weight_grad(x, dy)
    with mock.patch.object(winograd_filter_grad, "choose", lambda p: None):
        direct = np.abs(weight_grad(case, x, dy) - exact)
    with always(n, 32, part_tiles=128):
        error = np.abs(weight_grad(case, x, dy) - exact)
    assert np.sqrt(np.mean(error ** 2)) < times * np.sqrt(np.mean(direct ** 2))
    assert np.all(error < 1e-4 * np.abs(exact) + 1e-5 * exact.std())


@pytest.mark.parametrize("cpu", ["avx2", "generic"])
def test_lesser_processors(cpu):
    code = "import test_winograd_filter_grad as t; from graphflow.compiler.native.processor import isa\n" \
           "with t.always(5): t.check(t.Case((2, 7, 9, 18), (4, 4, 18, 19), (2, 2)), (0.3,)); print(isa().name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(__file__), capture_output=True, text=True,
                          env={**os.environ, "GRAPHFLOW_CPU": cpu})
    assert done.stdout == f"{cpu}\n", done.stderr


def test_large_gradients_take_it(monkeypatch):
    def taken(x, w, stride=1, dtype="f32"):
        calls = lower_conv_filter_grad("x", "dy", "dw", dtype=dtype, x_shape=x, w_shape=w, strides=(stride, stride),
                                       dilations=(1, 1), padding=((1, 1), (1, 1)))
        return calls[-1].name == "conv_filter_grad.taps"

    vectors = replace(winograd.isa(), matrix_unit=False)
    with mock.patch.object(winograd, "isa", lambda: vectors), mock.patch.object(unit_filter_grad, "pays",
                                                                                lambda p: False):
        assert taken((8, 56, 56, 64), (3, 3, 64, 64))
        assert taken((64, 14, 14, 64), (4, 4, 64, 128), 2)
        assert not taken((64, 28, 28, 1), (4, 4, 1, 64), 2)  # few channels
        assert not taken((8, 56, 56, 64), (3, 3, 64, 64), 2)  # phases of few taps
        assert not taken((8, 56, 56, 64), (3, 3, 64, 64), dtype="f64")
        assert not taken((2, 9, 9, 32), (3, 3, 32, 32))  # little work
        monkeypatch.setenv("TF_ENABLE_WINOGRAD_NONFUSED", "0")
        assert not taken((8, 56, 56, 64), (3, 3, 64, 64))
