"""Convolutions and their gradients against plain NumPy, over drawn geometries."""
from __future__ import annotations

import itertools
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
from graphflow.compiler.codegen import (
    conv,
    conv_filter_grad,
    direct_conv,
    pointwise,
    unit_conv,
    unit_filter_grad,
    unit_gemm,
)
from graphflow.compiler.codegen.conv import lower_conv, lower_conv_input_grad
from graphflow.compiler.codegen.conv_common import Axis, backward_axes, tile_cost
from graphflow.compiler.codegen.conv_filter_grad import lower_conv_filter_grad
from graphflow.compiler.native.processor import lanes
from graphflow.compiler.ops import taps
from graphflow.compiler.window import resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import DTYPES, guarded, run


@pytest.fixture(autouse=True, scope="module")
def without_matrix_unit():
    """The kernels of all processors; test_unit_conv.py has those of the matrix unit."""
    with ExitStack() as patches:
        for module in (unit_conv, unit_filter_grad, unit_gemm):
            patches.enter_context(mock.patch.object(module, "pays", lambda p: False))
        yield


@dataclass(frozen=True)
class Case:
    x: tuple[int, int, int, int]
    w: tuple[int, int, int, int]
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    padding: object = "VALID"
    dtype: str = "f32"

    def __post_init__(self):
        pads, sizes = resolve(self.padding, self.x[1:3], self.w[:2], self.strides, self.dilations)
        object.__setattr__(self, "pads", pads)
        object.__setattr__(self, "y", (self.x[0], *sizes, self.w[3]))

    @property
    def arguments(self):
        return dict(dtype=self.dtype, x_shape=self.x, w_shape=self.w, strides=self.strides, dilations=self.dilations,
                    padding=self.pads)

    def random(self, shape, seed):
        return np.random.default_rng(seed).standard_normal(shape).astype(DTYPES[self.dtype])

    def windows(self):
        """Index of the padded x: [n, oh, ow, kh, kw, cin]."""
        rows, cols = (np.arange(self.y[1 + i])[:, None] * self.strides[i]
                      + np.arange(self.w[i])[None, :] * self.dilations[i] for i in range(2))
        return slice(None), rows[:, None, :, None], cols[None, :, None, :]

    def pad(self, x):
        return np.pad(x.astype(np.float64), ((0, 0), *self.pads, (0, 0)))

    def forward(self, x, w):
        return np.einsum("nyxijc,ijcf->nyxf", self.pad(x)[self.windows()], w.astype(np.float64))

    def input_grad(self, dy, w):
        dx = self.pad(np.zeros(self.x))
        taps = np.einsum("nyxf,ijcf->nyxijc", dy.astype(np.float64), w.astype(np.float64))
        np.add.at(dx, self.windows(), taps)
        (top, _), (left, _) = self.pads
        return dx[:, top:top + self.x[1], left:left + self.x[2]]

    def weight_grad(self, x, dy):
        return np.einsum("nyxijc,nyxf->ijcf", self.pad(x)[self.windows()], dy.astype(np.float64))

    def close(self, got, expected):
        eps = np.finfo(DTYPES[self.dtype]).eps
        np.testing.assert_allclose(got, expected, rtol=0, atol=64 * eps * max(1, np.abs(expected).max(initial=0)))


def forward(case, x, w, cuts=(), epilogue=None):
    y = guarded(np.full(case.y, np.nan, x.dtype))
    run(lower_conv(guarded(x), guarded(w), y, **case.arguments, epilogue=epilogue), cuts)
    return y


def input_grad(case, dy, w, cuts=(), epilogue=None):
    dx = guarded(np.full(case.x, np.nan, dy.dtype))
    run(lower_conv_input_grad(guarded(dy), guarded(w), dx, **case.arguments, epilogue=epilogue), cuts)
    return dx


def weight_grad(case, x, dy, cuts=()):
    dw = guarded(np.full(case.w, np.nan, x.dtype))
    run(lower_conv_filter_grad(guarded(x), guarded(dy), dw, **case.arguments), cuts)
    return dw


def check(case, cuts=()):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    case.close(forward(case, x, w, cuts), case.forward(x, w))
    case.close(input_grad(case, dy, w, cuts), case.input_grad(dy, w))
    case.close(weight_grad(case, x, dy, cuts), case.weight_grad(x, dy))


@contextmanager
def few_kernels(**constants):
    """Few kinds of tiles and baked windows, since each takes a while to compile; other constants of the lowering."""
    def tile(dtype, rows, columns, depth, height=0, once=False):
        return rows * columns, height or (3 if rows >= 3 else 1), 2 if columns > lanes(dtype) else 1

    def dots(dtype, rows, columns, runs, length):
        return (0.0, min(rows, 2)) if columns == 3 else (np.inf, 0)

    with ExitStack() as patches:
        for name, value in {"tile_cost": tile, "dots_cost": dots, "UNROLLED_DEPTH": 2,
                            "by_images": lambda p, cycles: None, **constants}.items():
            for module in (conv, conv_filter_grad, direct_conv, pointwise):
                if hasattr(module, name):
                    patches.enter_context(mock.patch.object(module, name, value))
        yield


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
padding = st.one_of(st.sampled_from(["SAME", "VALID"]),
                    st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2))
cases = st.builds(
    lambda n, size, cin, cout, taps, strides, dilations, padding, dtype: Case(
        (n, *size, cin), (*taps, cin, cout), strides, dilations, padding, dtype),
    st.integers(1, 3), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.sampled_from([1, 2, 19]),
    st.sampled_from([1, 3, 19]), pairs, pairs, pairs, padding, st.sampled_from(["f32", "f32", "f64"]))
cuts = st.lists(st.floats(0, 1), max_size=3)


@settings(max_examples=25)
@given(cases, cuts, st.sampled_from([1, 300, 2000, 256 * 1024]), st.sampled_from([1, 512]), st.sampled_from([1, 9999]))
def test_any_geometry(case, cuts, block_bytes, partial_pixels, product_elements):
    """The block size changes which rows and images share a window in scratch; the pixels, how many partial sums."""
    with few_kernels(BLOCK_BYTES=block_bytes, PANEL_BLOCK_BYTES=block_bytes, PANEL_BYTES=block_bytes,
                     BLOCK_PIXELS=1, PARTIAL_PIXELS=partial_pixels, PRODUCT_ELEMENTS=product_elements, PRODUCT_SIDE=1,
                     MIN_PIXELS=1):
        check(case, cuts)


PLAIN = Case((2, 13, 13, 32), (3, 3, 32, 64))
GRAY = Case((3, 15, 15, 1), (3, 3, 1, 32), padding="SAME")
STRIDED = Case((2, 14, 14, 3), (7, 7, 3, 8), strides=(2, 2), padding="SAME", dtype="f64")
POINTWISE = Case((2, 7, 7, 17), (1, 1, 17, 80))
DILATED = Case((1, 12, 12, 4), (3, 3, 4, 33), dilations=(2, 2), strides=(2, 3), padding="SAME")
WHOLE_IMAGE = Case((5, 4, 4, 6), (4, 4, 6, 20))
SPARSE = Case((2, 9, 9, 8), (1, 1, 8, 8), strides=(2, 2), padding="SAME")


@pytest.mark.parametrize("case", [PLAIN, GRAY, STRIDED, POINTWISE, DILATED, WHOLE_IMAGE, SPARSE], ids=str)
def test_geometries_that_matter(case):
    check(case, (0.3, 0.7))


@pytest.mark.parametrize("case", [POINTWISE, SPARSE], ids=str)
def test_from_far(case):
    """What is touched first is touched inside its arrays, and gives the same."""
    with few_kernels(FAR_BYTES=0, BLOCK_BYTES=1):
        check(case, (0.3, 0.7))


@pytest.mark.parametrize("block_bytes, part_bytes, far_filters", [(1, 1, 1), (900, 1, 1), (900, 1200, 10**9),
                                                                  (10**9, 1, 10**9)])
@pytest.mark.parametrize("case", [
    POINTWISE, Case((3, 8, 7, 5), (1, 1, 5, 80), strides=(2, 3)),
    Case((2, 9, 6, 20), (1, 1, 20, 33), padding=((0, 1), (0, 3))),
    Case((2, 3, 17, 40), (1, 1, 40, 80), strides=(1, 2), dtype="f64")], ids=str)
def test_single_pixels_in_blocks_and_parts(case, block_bytes, part_bytes, far_filters):
    with few_kernels(BLOCK_BYTES=block_bytes, PART_BYTES=part_bytes, FAR_FILTERS=far_filters, PACKED_PIXELS=1,
                     PACKED_ANEW_PIXELS=1):
        check(case, (0.2, 0.3, 0.9))


@pytest.mark.parametrize("x, filters, stride", [((8, 14, 14, 1024), 2048, 2), ((8, 7, 7, 512), 2048, 1),
                                                ((8, 14, 14, 1024), 256, 1), ((1, 14, 14, 1024), 256, 1)])
def test_threads_share_single_pixels_evenly(x, filters, stride):
    """A task more for one of two threads, of a dozen, leaves the other waiting for a tenth of the time."""
    case = Case(x, (1, 1, x[3], filters), strides=(stride, stride))
    assert lower_conv(None, None, None, **case.arguments, stays=True)[-1].tasks % 4 == 0


# x, window, filters, groups, strides, dilations, padding: more than Case knows, against the ops' references
FURTHER = [
    ((2, 7, 7, 24), (3, 3), 12, 4, (2, 2), (1, 1), "SAME"), ((1, 5, 6, 6), (3, 2), 40, 2, (1, 1), (2, 1), "VALID"),
    ((2, 5, 6, 7, 5), (3, 3, 3), 19, 1, (1, 1, 1), (1, 1, 1), "SAME"),
    ((1, 7, 5, 6, 4), (3, 1, 3), 6, 2, (2, 1, 2), (2, 1, 1), "SAME"),
    ((2, 5, 6, 7, 8), (1, 3, 3), 8, 2, (1, 1, 1), (1, 1, 1), "SAME"),  # slices by themselves, in groups
    ((2, 5, 7, 17, 20), (3, 2, 3), 20, 20, (1, 2, 1), (2, 1, 2), "SAME"), ((2, 3, 7, 5, 9), (2, 3, 3), 6, 3, (2, 1, 2),
     (1, 2, 1), ((3, 2), (1, 1), (0, 2))), ((2, 9, 17, 24), (3, 4), 8, 4, (1, 1), (1, 3), "SAME"),
    ((2, 3, 4, 5, 3), (1, 1, 1), 20, 1, (1, 1, 1), (1, 1, 1), "VALID"),
    ((2, 5, 6, 7, 128), (1, 1, 1), 512, 1, (2, 2, 3), (1, 1, 1), "VALID"),  # pixels apart, brought together
    ((9, 4, 5, 6), (3, 3), 40, 1, (2, 1), (1, 1), "SAME"),  # along the images
    ((9, 4, 3, 5, 3), (3, 2, 3), 20, 1, (1, 2, 1), (1, 1, 1), "SAME"),
    ((9, 5, 4, 7, 3), (3, 2, 3), 20, 1, (1, 1, 1), (2, 3, 3), "VALID"),  # gradients of inputs that meet no tap
    ((2, 9, 17, 15), (3, 2), 20, 5, (1, 2), (2, 1), "SAME"),  # several groups in a vector, the last of fewer
    ((2, 30, 3, 34), (3, 2), 38, 2, (2, 1), (1, 2), "SAME"),  # turned, columns for rows
    ((3, 29, 4, 48), (4, 3), 36, 2, (2, 2), (1, 1), ((3, 2), (1, 1))), ((2, 40, 2, 32), (3, 3), 32, 2, (3, 2), (1, 1),
     "SAME"),
    ((2, 7, 6, 3), (3, 3), 102, 3, (1, 1), (1, 1), "SAME"),  # groups of more filters than any vector has, one channel
    ((2, 9, 1, 20), (3, 3), 19, 1, (2, 1), (1, 1), "SAME"),  # one wide, where some taps meet no input
    ((2, 2, 1, 3, 8), (5, 3, 4), 6, 1, (1, 2, 1), (2, 1, 1), "SAME"),
    ((2, 6, 6, 64), (5, 5), 1, 1, (2, 2), (1, 1), "SAME"), ((3, 9, 9, 1), (5, 5), 20, 1, (2, 2), (1, 1), "SAME"),
]


@pytest.mark.parametrize("x_shape, window, filters, groups, strides, dilations, padding", FURTHER)
def test_groups_volumes_and_few_filters(x_shape, window, filters, groups, strides, dilations, padding):
    pads, sizes = resolve(padding, x_shape[1:-1], window, strides, dilations)
    attrs = dict(strides=strides, dilations=dilations, padding=pads)
    w_shape, y_shape = (*window, x_shape[-1] // groups, filters), (x_shape[0], *sizes, filters)
    random = np.random.default_rng(0)
    x, w, dy = (random.standard_normal(shape).astype(np.float32) for shape in (x_shape, w_shape, y_shape))
    for lower, operands, expected in (
            (lower_conv, (x, w), taps.correlate(x, w, **attrs)),
            (lower_conv_input_grad, (dy, w), taps.input_gradient(dy, w, np.array(x_shape), **attrs)),
            (lower_conv_filter_grad, (x, dy), taps.filter_gradient(x, dy, np.array(w_shape), **attrs))):
        result = guarded(np.full(expected.shape, np.nan, np.float32))
        with few_kernels(by_images=lambda p, cycles: (3, 2) if p.images == 9 and p.channels else None, MIN_PIXELS=1,
                         TURNED=9 if x_shape[1] > 20 else 0, second_level=lambda: 0):
            run(lower(*map(guarded, operands), result, dtype="f32", x_shape=x_shape, w_shape=w_shape, **attrs), (0.4,))
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("cpu", ["avx2", "generic"])
def test_lesser_processors(cpu):
    """One of the same cases with the tiles of a lesser processor."""
    code = "import test_conv as t; from graphflow.compiler.native.processor import isa; " \
           "t.check(t.DILATED); print(isa().name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(__file__), capture_output=True, text=True,
                          env={**os.environ, "GRAPHFLOW_CPU": cpu})
    assert done.stdout == f"{cpu}\n", done.stderr


@settings(max_examples=20)
@given(st.sampled_from([PLAIN, GRAY, STRIDED, POINTWISE]), st.lists(st.floats(0, 1), max_size=6))
def test_how_tasks_are_split_changes_no_bit(case, cuts):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    np.testing.assert_array_equal(forward(case, x, w, cuts), forward(case, x, w))
    np.testing.assert_array_equal(input_grad(case, dy, w, cuts), input_grad(case, dy, w))
    np.testing.assert_array_equal(weight_grad(case, x, dy, cuts), weight_grad(case, x, dy))


@pytest.mark.parametrize("case", [
    Case((2, 2, 5, 3), (3, 3, 3, 4)),                                    # no window fits
    Case((3, 7, 1, 2), (1, 2, 2, 17), (2, 3)),
    Case((0, 5, 5, 3), (3, 3, 3, 4)),
    Case((2, 5, 5, 0), (3, 3, 0, 4)),
    Case((2, 5, 5, 3), (3, 3, 3, 0)),
    Case((2, 1, 1, 3), (2, 2, 3, 4), (4, 4), padding=((4, 4), (4, 4))),   # windows that meet padding alone
    Case((2, 0, 5, 3), (2, 2, 3, 4), padding=((2, 2), (0, 0))),
    Case((2, 6, 6, 3), (1, 1, 3, 4), (3, 3)),                            # inputs that no window meets
], ids=str)
def test_nothing_to_sum_is_zero(case):
    with few_kernels():
        check(case)


def test_an_infinity_reaches_only_the_windows_that_hold_it():
    case = Case((1, 8, 8, 2), (3, 3, 2, 3), strides=(2, 2), padding="SAME")
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    x[0, 3, 3, 0], dy[0, 1, 2, 1] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        held = np.isinf(case.pad(x)[case.windows()]).any((3, 4, 5))
    np.testing.assert_array_equal(np.isfinite(forward(case, x, w)).all(-1), ~held)
    finite = np.isfinite(input_grad(case, dy, w)).all(-1)
    np.testing.assert_array_equal(np.argwhere(~finite[0]), list(itertools.product((2, 3, 4), (4, 5, 6))))
    finite = np.isfinite(weight_grad(case, np.nan_to_num(x), dy)).all((0, 1, 2))
    np.testing.assert_array_equal(finite, [True, False, True])


@dataclass(frozen=True)
class BiasRelu:
    """y = max(c + bias[column], 0) in place, and the row's number into a buffer of its own."""

    bias: np.ndarray
    rows: np.ndarray
    key = "bias_relu"
    beside = ()
    imports = frozenset({"f32", "load_f32", "store_f32", "store_i64", "maximum", "word"})

    @property
    def buffers(self):
        return self.bias, self.rows

    @property
    def dims(self):
        return self.bias.shape

    def setup(self, buffer_slot, dim_slot):
        return [f"e_bias = word(buffers, {buffer_slot})", f"e_rows = word(buffers, {buffer_slot + 1})",
                f"e_n = word(dims, {dim_slot})"]

    def apply(self, row, begin, end, c, to=""):
        return [f"store_i64(e_rows, {row}, {row}, -1)",
                f"for j in range({begin}, {end}):",
                f"    v = load_f32({c}, {row} * e_n + j, -1) + load_f32(e_bias, j, -1)",
                f"    store_f32({to or c}, {row} * e_n + j, maximum(v, f32(0.0)), -1)"]


@pytest.mark.parametrize("case", [PLAIN, POINTWISE, SPARSE, DILATED,
                                  Case((3, 6, 2, 5), (1, 2, 5, 7), (2, 2), padding="VALID")], ids=str)  # whole rows
def test_the_epilogue_sees_every_pixel_once(case):
    x, w, dy = case.random(case.x, 0), case.random(case.w, 1), case.random(case.y, 2)
    for result, raw, shape in ((lambda e: forward(case, x, w, (0.4,), e), case.forward(x, w), case.y),
                               (lambda e: input_grad(case, dy, w, (0.4,), e), case.input_grad(dy, w), case.x)):
        bias = case.random(shape[3], 3)
        rows = np.full(int(np.prod(shape[:3])), -1)
        case.close(result(BiasRelu(bias, rows)), np.maximum(raw + bias, 0))
        np.testing.assert_array_equal(rows, np.arange(rows.size))


@given(st.sampled_from(["f32", "f64"]), st.integers(1, 300), st.integers(1, 300), st.integers(1, 5000))
def test_tiles_fit_and_waste_little(dtype, rows, columns, depth):
    _, mr, nv = tile_cost(dtype, rows, columns, depth)
    assert mr <= rows and (nv - 1) * lanes(dtype) < columns
    assert -(-rows // mr) * mr <= 1.25 * rows


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), *[st.integers(0, 4)] * 2)
def test_backward_axes_pair_inputs_with_outputs_as_the_forward_axis_does(size, taps, stride, dilation, before, after):
    (_,), (total,) = resolve([(before, after)], [size], [taps], [stride], [dilation])
    pairs = {(o * stride + t * dilation - before, o, t) for o in range(total) for t in range(taps)}
    found = [(axis.first + i * axis.step, i * axis.stride + t * axis.dilation - axis.pad, axis.tap + t * axis.tap_step)
             for axis in backward_axes(size, taps, stride, dilation, (before, after))
             for i in range(axis.count) for t in range(axis.taps)]
    assert len(found) == len(set(found))
    assert {pair for pair in found if 0 <= pair[1] < total} == {pair for pair in pairs if 0 <= pair[0] < size}


def test_an_axis_that_reads_beyond_the_image_is_padded():
    assert not Axis(size=5, total=3, count=3, stride=1, dilation=1, taps=3, pad=0).padded
    assert Axis(size=5, total=4, count=4, stride=1, dilation=1, taps=3, pad=0).padded


@pytest.mark.parametrize(("padding", "size", "window", "stride", "dilation", "pads", "output"), [
    ("SAME", 28, 3, 1, 1, (1, 1), 28),
    ("SAME", 28, 3, 2, 1, (0, 1), 14),       # the odd pad goes after
    ("same", 5, 2, 3, 1, (0, 0), 2),
    ("SAME", 7, 3, 1, 2, (2, 2), 7),
    ("VALID", 28, 3, 2, 1, (0, 0), 13),
    ("VALID", 2, 3, 1, 1, (0, 0), 0),
    ("VALID", 1, 5, 3, 1, (0, 0), 0),
    ([(2, 1)], 5, 4, 2, 1, (2, 1), 3),
    ([(3, 3)], 0, 2, 1, 1, (3, 3), 5),
])
def test_window_sizes(padding, size, window, stride, dilation, pads, output):
    assert resolve(padding, [size], [window], [stride], [dilation]) == ((pads,), (output,))


@pytest.mark.parametrize(("padding", "window", "stride", "message"), [
    ("FULL", [3, 3], [1, 1], "'SAME', 'VALID' or explicit pads, received 'FULL'"),
    ([(1, 1)], [3, 3], [1, 1], "2 axes, received"),
    ("SAME", [3, 0], [1, 1], "window: expected 2 positive integers"),
    ("SAME", [3, 3], [1], "strides: expected 2 positive integers"),
])
def test_bad_windows_are_named(padding, window, stride, message):
    with pytest.raises(ValueError, match=message):
        resolve(padding, [5, 5], window, stride)
