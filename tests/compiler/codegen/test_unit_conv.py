"""Convolutions on a matrix unit against plain NumPy, over drawn geometries."""
from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from graphflow.compiler.codegen import unit_conv, unit_filter_grad
from graphflow.compiler.codegen.conv import lower_conv
from graphflow.compiler.codegen.conv_common import Windows, forward_axes, three_axes
from graphflow.compiler.native.processor import isa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conv import Case, forward, input_grad, weight_grad

import graphflow as gf

pytestmark = pytest.mark.skipif(not isa().matrix_unit, reason="the processor has no matrix unit")


@contextmanager
def always():
    """All that the matrix unit can do is done there."""
    with mock.patch.multiple(unit_conv, LEAST_FILTERS=1, VECTOR_CYCLES=1e9), \
            mock.patch.object(unit_filter_grad, "VECTOR_CYCLES", 1e9):
        yield


def check(case, cuts=()):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    with always():
        calls = lower_conv("x", "w", "y", **case.arguments)
        assert all("matrix unit" in call.source for call in calls if call.name == "conv")
        case.close(forward(case, x, w, cuts), case.forward(x, w))
        case.close(input_grad(case, dy, w, cuts), case.input_grad(dy, w))
        case.close(weight_grad(case, x, dy, cuts), case.weight_grad(x, dy))


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
cases = st.builds(
    lambda n, size, cin, cout, taps, strides, dilation, padding: Case(
        (n, *size, cin), (*taps, cin, cout), strides, (dilation, 1), padding),
    st.integers(1, 3), st.tuples(st.integers(1, 9), st.integers(1, 40)), st.sampled_from([2, 17, 40]),
    st.sampled_from([3, 17, 33, 50]), pairs, pairs, st.integers(1, 2),
    st.one_of(st.sampled_from(["SAME", "VALID"]), st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2)))


@settings(max_examples=60)
@given(cases, st.lists(st.floats(0, 1), max_size=3), st.sampled_from([1, 20_000, 640 * 1024]))
def test_any_geometry(case, cuts, band_bytes):
    """How much a task works on at a time changes which rows and images are beside each other."""
    with mock.patch.object(unit_conv, "BAND_BYTES", band_bytes), mock.patch.multiple(
            unit_filter_grad, BAND_PIXELS=band_bytes // 100, GROUP_BYTES=band_bytes):
        check(case, cuts)


@pytest.mark.parametrize("case", [
    Case((2, 13, 13, 32), (3, 3, 32, 64)), Case((9, 7, 7, 64), (3, 3, 64, 40), padding="SAME"),
    Case((2, 28, 28, 20), (5, 5, 20, 33), strides=(2, 2), padding="SAME"),
    Case((3, 9, 9, 40), (1, 1, 40, 150)), Case((3, 9, 9, 40), (1, 1, 40, 70), strides=(2, 2)),
    Case((1, 1, 30, 2), (1, 1, 2, 17), padding=((0, 0), (1, 2)))], ids=str)  # outputs of padding alone
def test_geometries_that_matter(case):
    check(case, (0.3, 0.7))


def test_single_pixels_of_more_channels_than_filters_are_products():
    def name(channels, filters):
        calls = lower_conv("x", "w", "y", dtype="f32", x_shape=(4, 28, 28, channels), w_shape=(1, 1, channels, filters),
                           strides=(1, 1), dilations=(1, 1), padding=((0, 0), (0, 0)))
        return calls[-1].name

    assert name(256, 64) == name(256, 256) == "gemm_unit" and name(64, 256) == "conv"


def test_infinity_and_nan_stay_in_their_windows():
    case = Case((1, 9, 20, 32), (3, 3, 32, 33), padding="SAME")
    x, w = np.ones(case.x, np.float32), np.full(case.w, 3, np.float32)
    x[0, 4, 4, 3], x[0, 8, 15, 0] = np.inf, np.nan
    with always():
        got = forward(case, x, w)
        gradient = weight_grad(case, x, np.ones(case.y, np.float32))
    plain = np.full(case.y, 9 * 32 * 3, np.float32)
    assert np.isinf(got[0, 3:6, 3:6]).all() and np.isnan(got[0, 7:, 14:17]).all()
    np.testing.assert_array_equal(got[0, 1:3, 1:19], plain[0, 1:3, 1:19])
    assert np.isinf(gradient[:, :, 3]).all() and np.isfinite(gradient[:, :, 5]).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_outputs_are_finished_while_the_next_ones_are_multiplied(stride):
    rng = np.random.default_rng(0)
    x, w, bias = (rng.normal(size=shape).astype("f") for shape in ((9, 11, 13, 70), (1, 1, 70, 150), (150,)))
    plain = x[:, ::stride, ::stride] @ w[0, 0]
    residual = rng.normal(size=plain.shape).astype("f")
    with gf.Graph().as_default(), always(), mock.patch.object(unit_conv, "source", wraps=unit_conv.source) as source:
        given = [gf.placeholder("float32", a.shape) for a in (x, w, bias, residual)]
        y = gf.nn.relu(gf.nn.conv2d(given[0], given[1], stride, "SAME") + given[2] + given[3])
        got = gf.Session().run(y, dict(zip(given, (x, w, bias, residual), strict=True)))
    assert [call.args[2] for call in source.call_args_list] == [True]
    np.testing.assert_allclose(got, np.maximum(plain + bias + residual, 0), rtol=1e-4, atol=1e-4)


def test_deep_convolutions_pay():
    def convolution(channels, filters, pixels):
        return Windows("f32", 1, channels, filters, 1, three_axes(forward_axes(
            (pixels, pixels), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))))

    for pays in (unit_conv.pays, unit_filter_grad.pays):
        assert pays(convolution(64, 64, 56)) and pays(convolution(256, 256, 14))
        assert not pays(convolution(3, 64, 56)) and not pays(convolution(64, 8, 56))
