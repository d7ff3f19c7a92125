"""Convolutions by Winograd's minimal filtering against plain NumPy in float64, over drawn geometries."""
from __future__ import annotations

import itertools
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from graphflow.compiler.codegen import unit_conv, winograd
from graphflow.compiler.codegen.conv import lower_conv, lower_conv_input_grad
from graphflow.compiler.codegen.conv_common import Axis, Windows, three_axes
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conv import BiasRelu, Case, forward, input_grad


@contextmanager
def always(n, block=9, part_bytes=1, few_tasks=1, gathered=False):
    """All that it suits has tiles of n x n inputs, if there are any, in blocks and parts of this size; `gathered` if
    there is more than one phase to gather."""
    def choose(p, stays):
        among = winograd.tilings(p, gathered and p.axes[1].stride > 1)
        return next((tiling for tiling in among if tiling.side == n), None)

    with mock.patch.multiple(winograd, BLOCK_BYTES=1, MIN_BLOCK=block, PART_BYTES=part_bytes,
                             FEW_TASKS=few_tasks, choose=choose):
        with mock.patch.object(unit_conv, "pays", lambda p: False):
            yield


def check(case, cuts=()):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    for result, exact in ((forward(case, x, w, cuts), case.forward(x, w)),
                          (input_grad(case, dy, w, cuts), case.input_grad(dy, w))):
        np.testing.assert_allclose(result, exact, rtol=1e-4, atol=1e-5 * max(1, exact.std()))


padding = st.one_of(st.sampled_from(["SAME", "VALID"]),
                    st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2))
windows = st.sampled_from([((3, 3), 1), ((3, 2), 1), ((4, 4), 2), ((3, 5), 2), ((5, 6), 3),
                           ((1, 3), 1), ((1, 5), 1)])
cases = st.builds(
    lambda n, size, window, channels, filters, padding: Case(
        (n, *size, channels), (*window[0], channels, filters), (window[1],) * 2, padding=padding),
    st.sampled_from([1, 2, 7]), st.tuples(st.integers(6, 13), st.integers(6, 13)), windows,
    st.sampled_from([1, 3, 16, 17, 33]), st.sampled_from([3, 16, 33, 80]), padding)
cuts = st.lists(st.floats(0, 1), max_size=3)


@settings(max_examples=40)
@given(cases, cuts, st.sampled_from([4, 5, 6]), st.sampled_from([1, 9, 64]), st.sampled_from([1, 50_000, 10**9]),
       st.sampled_from([1, 20]), st.booleans())
def test_any_geometry(case, cuts, n, block, part_bytes, few_tasks, gathered):
    with always(n, block, part_bytes, few_tasks, gathered):
        check(case, cuts)


@settings(max_examples=10)
@given(cases, st.lists(st.floats(0, 1), min_size=1, max_size=6), st.sampled_from([4, 5, 6]), st.booleans())
def test_how_tasks_are_split_changes_no_bit(case, cuts, n, gathered):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    with always(n, gathered=gathered):
        np.testing.assert_array_equal(forward(case, x, w, cuts), forward(case, x, w))
        np.testing.assert_array_equal(input_grad(case, dy, w, cuts), input_grad(case, dy, w))


@pytest.mark.parametrize("n", [4, 5, 6])
@pytest.mark.parametrize("case", [Case((2, 13, 10, 17), (3, 3, 17, 33), padding="SAME"),
                                  Case((2, 13, 10, 17), (5, 4, 17, 33), (2, 2), padding="SAME"),
                                  Case((7, 6, 7, 20), (3, 3, 20, 70))], ids=str)
def test_the_epilogue_sees_every_pixel_once_for_all_its_filters(case, n):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    for result, raw, shape in ((lambda e: forward(case, x, w, (0.4,), e), case.forward(x, w), case.y),
                               (lambda e: input_grad(case, dy, w, (0.4,), e), case.input_grad(dy, w), case.x)):
        bias, rows = case.random(shape[3], 3), np.full(int(np.prod(shape[:3])), -1)
        with always(n):
            np.testing.assert_allclose(result(BiasRelu(bias, rows)), np.maximum(raw + bias, 0), rtol=1e-4, atol=1e-3)
        np.testing.assert_array_equal(rows, np.arange(rows.size))


@pytest.mark.parametrize("n, taps, channels, times", [(4, 3, 64, 1.5), (6, 3, 64, 3), (6, 3, 512, 3), (5, 2, 512, 3),
                                                      (6, 2, 512, 4), (6, 5, 256, 3)])
@pytest.mark.usefixtures("without_matrix_unit")  # its sums are closer than vectors' direct ones
def test_sums_are_about_as_accurate_as_direct_ones(n, taps, channels, times):
    case = Case((2, 10, 10, channels), (taps, taps, channels, 32), padding="SAME")
    x, w = case.random(case.x, 0), case.random(case.w, 1)
    exact = case.forward(x, w)
    with mock.patch.object(winograd, "choose", lambda p, stays: None):
        direct = np.abs(forward(case, x, w) - exact)
    with always(n, 64):
        error = np.abs(forward(case, x, w) - exact)
    assert np.sqrt(np.mean(error ** 2)) < times * np.sqrt(np.mean(direct ** 2))
    assert np.all(error < 1e-4 * np.abs(exact) + 1e-5 * exact.std())


def test_the_last_tiles_are_a_row_or_column_less_and_take_fewer_points():
    def tiling(rows, columns):
        axes = [Axis(size, size, size, 1, 1, 3, 1) for size in (rows, columns)]
        return winograd.Tiling.of(Windows("f32", 1, 32, 32, 1, three_axes(axes)), 4, 3)

    assert [(t.rows, t.tall, t.columns, t.broad) for t in (tiling(7, 8), tiling(14, 13), tiling(5, 2))] == [
        (2, 1, 2, 2), (4, 2, 4, 1), (2, 0, 1, 0)]
    assert (tiling(8, 8).points, tiling(7, 7).points, tiling(14, 8).points) == (36, 11 ** 2 / 4, 22 * 12 / 8)


def test_windows_of_a_row_have_tiles_of_a_row():
    axes = [Axis(size, size, size, 1, 1, taps, taps // 2) for size, taps in ((7, 1), (13, 3))]
    tiling = winograd.Tiling.of(Windows("f32", 2, 32, 32, 1, three_axes(axes)), 4, 3)
    assert (tiling.rows, tiling.columns, tiling.broad, tiling.count, tiling.points) == (7, 4, 1, 56, 5.25)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_an_infinity_reaches_only_the_tiles_that_read_it(m):
    case = Case((2, 12, 12, 16), (3, 3, 16, 16), padding="SAME")
    x, w = case.random(case.x, 0), case.random(case.w, 1)
    x[1, 4, 6, 3], x[0, 0, 11, 5] = np.inf, np.nan
    with always(m + 2):
        finite = np.isfinite(forward(case, x, w)).all(-1)
    held = ~np.isfinite(case.pad(x)[case.windows()]).all((3, 4, 5))
    reached = np.zeros((2, 12, 12), bool)
    for image, *place in ((1, 4, 6), (0, 0, 11)):  # the tile that starts at output s reads inputs s - 1 to s + m
        rows, columns = ([s for s in range(0, 12, m) if s - 1 <= at <= s + m] for at in place)
        for top, left in itertools.product(rows, columns):
            reached[image, top:top + m, left:left + m] = True
    assert np.all(held <= ~finite) and np.all(~finite <= reached)


@pytest.mark.parametrize("cpu", ["avx2", "generic"])
def test_lesser_processors(cpu):
    code = "import test_winograd as t; from graphflow.compiler.native.processor import isa\n" \
           "with t.always(5): t.check(t.Case((2, 7, 9, 18), (4, 4, 18, 19), (2, 2)), (0.3,)); print(isa().name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(__file__), capture_output=True, text=True,
                          env={**os.environ, "GRAPHFLOW_CPU": cpu})
    assert done.stdout == f"{cpu}\n", done.stderr


def taken(lower, x, w, dtype="f32", strides=(1, 1), dilations=(1, 1), **more):
    calls = lower("x", "w", "y", dtype=dtype, x_shape=x, w_shape=w, strides=strides, dilations=dilations,
                  padding=((1, 1), (1, 1)), **more)
    return "Winograd" in calls[-1].source


@pytest.fixture
def without_matrix_unit():
    vectors = replace(winograd.isa(), matrix_unit=False)
    with mock.patch.object(winograd, "isa", lambda: vectors), mock.patch.object(unit_conv, "pays", lambda p: False):
        yield


@pytest.mark.usefixtures("without_matrix_unit")
def test_large_convolutions_take_it():
    for lower in (lower_conv, lower_conv_input_grad):
        assert taken(lower, (8, 56, 56, 64), (3, 3, 64, 64))
        assert not taken(lower, (8, 56, 56, 64), (3, 3, 64, 64), dtype="f64")
        assert taken(lower, (64, 14, 14, 64), (4, 4, 64, 128), strides=(2, 2))
        assert taken(lower, (16, 32, 32, 64), (5, 5, 64, 128), strides=(2, 2))
        assert not taken(lower, (8, 56, 56, 64), (3, 3, 64, 64), dilations=(2, 2))
        assert not taken(lower, (8, 56, 56, 64), (3, 3, 8, 64))  # groups
        assert taken(lower, (8, 56, 56, 64), (5, 5, 64, 64))
        assert not taken(lower, (8, 56, 56, 64), (7, 7, 64, 64))
        assert taken(lower, (8, 17, 17, 192), (1, 3, 192, 192))
        assert not taken(lower, (2, 9, 9, 32), (3, 3, 32, 32))  # little work
    assert not taken(lower_conv, (8, 224, 224, 3), (3, 3, 3, 64))
    assert taken(lower_conv, (8, 224, 224, 3), (7, 7, 3, 64), strides=(2, 2), stays=True)  # of 12 channels
    assert taken(lower_conv, (1, 14, 14, 256), (3, 3, 256, 256), stays=True)
    if winograd.isa().vector_bytes == 64:  # the fewer products pay for more where narrower vectors compute these
        assert not taken(lower_conv, (8, 56, 56, 64), (3, 3, 64, 64), strides=(2, 2))  # phases of few taps
        assert not taken(lower_conv, (8, 56, 56, 64), (4, 4, 64, 64), strides=(2, 1))
        for stays in (False, True):  # the filters take longer than the sums
            assert not taken(lower_conv, (1, 7, 7, 512), (3, 3, 512, 512), stays=stays)


@pytest.mark.usefixtures("without_matrix_unit")
def test_a_variable_turns_it_off(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_WINOGRAD_NONFUSED", "0")
    assert not taken(lower_conv, (8, 56, 56, 64), (3, 3, 64, 64))
    monkeypatch.setenv("TF_ENABLE_WINOGRAD_NONFUSED", "1")
    assert taken(lower_conv, (8, 56, 56, 64), (3, 3, 64, 64))
