"""Pooling and its gradients against plain NumPy, over drawn geometries, with ties and NaN."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from graphflow.compiler.codegen.pool import lower_pool2d
from graphflow.compiler.codegen.pool_grad import lower_avg_pool2d_grad, lower_max_pool2d_grad
from graphflow.compiler.window import resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import DTYPES, guarded, run


@dataclass(frozen=True)
class Case:
    x: tuple[int, int, int, int]
    window: tuple[int, int]
    strides: tuple[int, int]
    padding: object = "VALID"
    dtype: str = "f32"

    def __post_init__(self):
        pads, sizes = resolve(self.padding, self.x[1:3], self.window, self.strides)
        object.__setattr__(self, "pads", pads)
        object.__setattr__(self, "y", (self.x[0], *sizes, self.x[3]))

    @property
    def arguments(self):
        return dict(dtype=self.dtype, x_shape=self.x, window=self.window, strides=self.strides, padding=self.pads)

    def inputs(self, nan: bool = False):
        """x of few values, so that maxima tie; dy."""
        random, dtype = np.random.default_rng(0), DTYPES[self.dtype]
        x = random.integers(-2, 3, self.x).astype(dtype)
        if nan:
            x[random.random(self.x) < 0.1] = np.nan
            x[random.random(self.x) < 0.1] = -np.inf
        return x, random.standard_normal(self.y).astype(dtype)

    def windows(self):
        """For each output pixel: its place, and the slices of the inputs that its window covers."""
        for n, row, col in np.ndindex(*self.y[:3] if self.y[3] else (0,) * 3):
            starts = [place * stride - pad for place, stride, (pad, _) in
                      zip((row, col), self.strides, self.pads, strict=True)]
            yield (n, row, col), (n, *(slice(max(start, 0), max(start + taps, 0))
                                       for start, taps in zip(starts, self.window, strict=True)))

    def pool(self, x, kind):
        y = np.empty(self.y)
        with np.errstate(invalid="ignore"):
            for place, window in self.windows():
                covered = x[window].reshape(-1, self.x[3]).astype(np.float64)
                y[place] = covered.max(0, initial=-np.inf) if kind == "max" else covered.sum(0) / len(covered)
        return y

    def max_grad(self, x, dy):
        dx = np.zeros(self.x)
        for place, window in self.windows():
            if x[window].size:
                # argmax takes the first of several, and the first NaN before any number
                first = x[window].reshape(-1, self.x[3]).argmax(0)
                share = np.zeros((x[window].size // self.x[3], self.x[3]))
                share[first, np.arange(self.x[3])] = dy[place]
                dx[window] += share.reshape(x[window].shape)
        return dx

    def avg_grad(self, dy):
        dx = np.zeros(self.x)
        for place, window in self.windows():
            if dx[window].size:
                dx[window] += dy[place] / (dx[window].size // self.x[3])
        return dx

    def close(self, got, expected):
        eps = np.finfo(DTYPES[self.dtype]).eps
        np.testing.assert_allclose(got, expected, rtol=8 * eps, atol=32 * eps)


def pool(case, x, kind, cuts=()):
    y = guarded(np.full(case.y, 7, x.dtype))
    run(lower_pool2d(guarded(x), y, kind=kind, **case.arguments), cuts)
    return y


def max_grad(case, x, dy, cuts=()):
    dx = guarded(np.full(case.x, 7, x.dtype))
    y = pool(case, x, "max")
    run(lower_max_pool2d_grad(guarded(x), y, guarded(dy), dx, **case.arguments), cuts)
    return dx


def avg_grad(case, dy, cuts=()):
    dx = guarded(np.full(case.x, 7, dy.dtype))
    run(lower_avg_pool2d_grad(guarded(dy), dx, **case.arguments), cuts)
    return dx


def check(case, cuts=(), nan=False):
    x, dy = case.inputs(nan)
    np.testing.assert_array_equal(pool(case, x, "max", cuts), case.pool(x, "max"))
    case.close(max_grad(case, x, dy, cuts), case.max_grad(x, dy))
    x, dy = case.inputs()
    case.close(pool(case, x, "avg", cuts), case.pool(x, "avg"))
    case.close(avg_grad(case, dy, cuts), case.avg_grad(dy))


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
cases = st.builds(
    lambda n, size, channels, *rest: Case((n, *size, channels), *rest),
    st.integers(1, 3), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.sampled_from([1, 3, 5, 17]), pairs, pairs,
    st.one_of(st.sampled_from(["SAME", "VALID"]), st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * 2)),
    st.sampled_from(["f32", "f32", "f64"]))
cuts = st.lists(st.floats(0, 1), max_size=3)


@settings(max_examples=40)
@given(cases, cuts, st.booleans())
def test_any_geometry(case, cuts, nan):
    check(case, cuts, nan)


@pytest.mark.parametrize("case", [
    Case((2, 26, 26, 32), (2, 2), (2, 2)),
    Case((2, 25, 25, 3), (3, 3), (2, 2), "SAME"),
    Case((2, 40, 7, 20), (5, 4), (1, 1), "SAME"),       # several bands of overlapping windows
    Case((1, 11, 400, 3), (3, 3), (1, 1), "SAME"),      # two runs of windows side by side
    Case((2, 21, 9, 40), (7, 5), (2, 1), "SAME"),       # rows and columns separately
    Case((1, 30, 9, 70), (9, 9), (3, 3), ((4, 4), (4, 4))),
    Case((2, 7, 7, 70), (7, 7), (1, 1)),                # the whole image
    Case((1, 3, 3, 5), (2, 2), (3, 3), ((3, 0), (0, 3))),   # windows of padding alone
    Case((2, 2, 2, 3), (3, 3), (1, 1)),                 # no window fits
    Case((0, 4, 4, 3), (2, 2), (2, 2)),
    Case((2, 4, 4, 0), (2, 2), (2, 2)),
    Case((2, 0, 4, 3), (1, 1), (1, 1), ((1, 1), (0, 0))),
], ids=str)
def test_geometries_that_matter(case):
    check(case, (0.3, 0.7))


def test_the_first_of_equal_maxima_gets_the_gradient():
    case = Case((1, 2, 4, 1), (2, 2), (1, 2))
    x = np.array([1, 2, 5, 5, 2, 2, 5, 5], np.float32).reshape(case.x)
    dx = max_grad(case, x, np.array([3, 4], np.float32).reshape(case.y))
    np.testing.assert_array_equal(dx.reshape(2, 4), [[0, 3, 4, 0], [0, 0, 0, 0]])


def test_a_nan_is_the_maximum_and_gets_the_gradient():
    case = Case((1, 1, 4, 1), (1, 4), (1, 1))
    x = np.array([9, np.nan, 1, np.nan], np.float32).reshape(case.x)
    assert np.isnan(pool(case, x, "max")).all()
    np.testing.assert_array_equal(max_grad(case, x, np.full(case.y, 3, np.float32)).ravel(), [0, 3, 0, 0])


def test_an_infinite_gradient_goes_to_one_input():
    case = Case((1, 2, 2, 8), (2, 2), (2, 2))
    x, dy = np.zeros(case.x, np.float32), np.full(case.y, np.inf, np.float32)
    dx = max_grad(case, x, dy)
    assert np.isinf(dx[0, 0, 0]).all() and not dx.reshape(4, 8)[1:].any()
