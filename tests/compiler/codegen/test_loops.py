"""Loop kernels against NumPy: every subset of axes, every element type, empty and single axes, several stages."""
from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from compiled import Function, compiled, kernels
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.errors import InvalidArgumentError
from graphflow.compiler.ir import Tensor
from graphflow.compiler.native import machine
from graphflow.compiler.native.processor import isa
from graphflow.compiler.native.translate import translate
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import gather, nn, reduction, slicing, view
from graphflow.compiler.ops import random as rnd
from graphflow.compiler.ops.contraction import matmul
from graphflow.runtime.session import Session

RNG = np.random.default_rng(11)
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
KINDS = {"sum": (reduction.reduce_sum, np.sum), "prod": (reduction.reduce_prod, np.prod),
         "max": (reduction.reduce_max, np.max), "min": (reduction.reduce_min, np.min)}


def subsets(rank):
    return [axes for k in range(1, rank + 1) for axes in itertools.combinations(range(rank), k)]


def close(value, want, rtol=1e-5):
    want = np.asarray(want)
    assert value.shape == want.shape and value.dtype == want.dtype
    if want.dtype.kind == "f":
        np.testing.assert_allclose(value, want, rtol=rtol, atol=rtol * float(np.max(np.abs(want), initial=1)))
    else:
        np.testing.assert_array_equal(value, want)


# which axes


# one function for all subsets of a rank, so that kernels differ in their loops only
@pytest.mark.parametrize("shape", [(7,), (3, 5), (5, 1), (1, 5), (2, 3, 4), (1, 3, 1), (2, 3, 2, 3), (0, 3), (3, 0),
                                   (0,), (2, 0, 3), (1,), (1, 1, 1, 1)])
def test_sums_over_every_subset_of_axes(shape):
    x = RNG.standard_normal(shape).astype(np.float32)
    cases = [(axes, keep) for axes in subsets(x.ndim) for keep in (False, True)]
    values = compiled(lambda t: [reduction.reduce_sum(t, axes, keep) for axes, keep in cases], x)
    for (axes, keep), value in zip(cases, values, strict=True):
        close(value, np.sum(x, axes, keepdims=keep))


@pytest.mark.parametrize("axes, calls", [((0, 2), 2), ((1, 3), 2), ((0, 2, 3), 2), ((1, 2), 1), ((2, 3), 1)])
def test_axes_with_others_between_them_are_reduced_one_after_another(axes, calls):
    """The last ones first; a reduction that is one loop over neighbours stays one."""
    x = RNG.standard_normal((3, 5, 4, 6)).astype(np.float32)
    assert len(kernels(lambda t: reduction.reduce_sum(t, axes), x, known=True)) == calls
    for reduce, want in KINDS.values():
        close(compiled(lambda t, reduce=reduce: reduce(t, axes), x, known=True), want(x, axes), 1e-4)
    rows = RNG.standard_normal((3, 5, 300)).astype(np.float32)  # long ones are read in one loop
    assert len(kernels(lambda t: reduction.reduce_sum(t, (0, 2)), rows, known=True)) == 1


@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 4), (2, 3, 2, 3)])
def test_normalising_over_every_subset_of_axes(shape):
    """Three stages: the mean, the deviations from it, and what is divided by them."""
    x = RNG.standard_normal(shape)

    def build(t):
        results = []
        for axes in subsets(x.ndim):
            d = t - reduction.reduce_mean(t, axes, True)
            results.append(d / ew.sqrt(reduction.reduce_mean(d * d, axes, True) + 0.1))
        return results

    for axes, value in zip(subsets(x.ndim), compiled(build, x), strict=True):
        d = x - x.mean(axes, keepdims=True)
        close(value, d / np.sqrt((d * d).mean(axes, keepdims=True) + 0.1), 1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax_over_each_axis(axis):
    x = RNG.standard_normal((4, 5, 6)).astype(np.float32)
    e = np.exp(x - x.max(axis, keepdims=True))
    close(compiled(lambda t: nn.softmax(t, axis), x), e / e.sum(axis, keepdims=True))


@pytest.mark.parametrize("width", [2, 3, 8])
def test_loops_over_short_rows_are_unrolled(width):
    """Their length is in the source, and nothing of a row is kept in memory between its loops."""
    x = RNG.standard_normal((50, width)).astype(np.float32)
    e = np.exp(x - x.max(1, keepdims=True))
    softmax = e / e.sum(1, keepdims=True)
    known = np.arange(width, dtype=np.float32)
    for build, want in (
            (lambda t: nn.softmax(t, 1), softmax), (lambda t: t + known, x + known),
            (lambda t: t - reduction.reduce_mean(t, 0), x - x.mean(0)),
            (lambda t: reduction.argmax(t, 1), x.argmax(1))):
        function = Function(build, x.dtype, shapes=[(None, width)])
        close(function(x), want, 1e-5)
        runner = function.session.runner(function.fetches, function.inputs)
        first = runner.frame((x.shape,)).binding.steps[0].call
        assert f"range({width})" in first.source
        assert all(isinstance(buffer, Tensor) for buffer in first.buffers)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("rows, width", [(32, 9), (64, 10), (100, 12), (321, 11), (150, 2), (131, 24)])
def test_rows_too_short_for_vectors_are_computed_side_by_side(rows, width, dtype):
    """Known widths and unknown ones, by themselves and below other axes; NaN and infinity stay in their rows."""
    x, y = RNG.standard_normal((2, rows, width)).astype(dtype)
    labels = RNG.integers(0, width, rows).astype(np.int32)
    x[3, 0], x[5] = np.nan, -np.inf
    x[7, 1] = np.inf
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(1, keepdims=True))
        softmax = e / e.sum(1, keepdims=True)
        log_softmax = x - x.max(1, keepdims=True) - np.log(e.sum(1, keepdims=True))
    fine = np.isfinite(x).all(1)
    deviation = y - y.mean(1, keepdims=True)
    normal = deviation / np.sqrt((deviation ** 2).mean(1, keepdims=True) + 1e-3)

    def normalised(t):
        rest = t - reduction.reduce_mean(t, 1, True)
        return rest * ew.rsqrt(reduction.reduce_mean(ew.square(rest), 1, True) + 1e-3)

    for known in (True, False):
        value = compiled(lambda t: nn.softmax(t), x, known=known)
        close(value[fine], softmax[fine])
        assert (np.isnan(value) == np.isnan(softmax)).all()
        close(compiled(lambda t: nn.log_softmax(t), x, known=known)[fine], log_softmax[fine])
        close(compiled(normalised, y, known=known), normal, 1e-4)
        close(compiled(lambda t: reduction.argmax(t, 1), y, known=known), y.argmax(1))
        loss, share = compiled(lambda t, u, i: [nn.sparse_softmax_cross_entropy_with_logits(logits=t, labels=i),
                                                nn.softmax(u) * t], x, y, labels, known=known)
        close(loss[fine], -log_softmax[np.arange(rows), labels][fine])
        own = np.exp(y - y.max(1, keepdims=True))
        close(share[fine], (own / own.sum(1, keepdims=True) * x)[fine])
    split = compiled(lambda t: nn.softmax(t), x[:96].reshape(-1, 4, 2, width)) if rows >= 96 else softmax
    close(split.reshape(-1, width)[fine[:96]], softmax[:96][fine[:96]])
    if width * x.itemsize <= 96:
        call, = kernels(lambda t: nn.softmax(t), x)
        assert "transpose_block" in call.source and call.tasks == -(-rows // 64)


def test_what_is_kept_of_a_row_waits_where_the_output_will_be():
    """Exponentials in the softmax's own rows; beside a second output that reads them later; not over a value in use."""
    x = RNG.standard_normal((20, 1000)).astype(np.float32)
    e = np.exp(x - x.max(1, keepdims=True))
    softmax = e / e.sum(1, keepdims=True)
    [call] = kernels(lambda t: nn.softmax(t), x)
    assert all(isinstance(buffer, Tensor) for buffer in call.buffers)
    close(compiled(lambda t: nn.softmax(t), x), softmax)
    log_sum = np.log(e.sum(1, keepdims=True)) + x.max(1, keepdims=True)
    values = compiled(lambda t: [nn.softmax(t), nn.log_softmax(t), nn.softmax(ew.tanh(nn.softmax(t)) * t)], x)
    inner = np.exp(np.tanh(softmax) * x)
    for value, want in zip(values, (softmax, x - log_sum, inner / inner.sum(1, keepdims=True)), strict=True):
        close(value, want)


def test_a_scalar_is_its_own_reduction():
    x = np.float32(3)
    for value in compiled(lambda t: [f(t * 1) for f, _ in KINDS.values()], np.asarray(x)):
        close(np.asarray(value), x)


# which elements


@pytest.mark.parametrize("dtype", [*INTEGERS, "f4", "f8"])
def test_reductions_of_each_type_wrap_as_numpy(dtype):
    x = (RNG.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (9, 7), dtype, endpoint=True)
         if dtype[0] != "f" else RNG.standard_normal((9, 7)).astype(dtype))
    axes = [0, 1, None]
    with np.errstate(over="ignore"):
        values = compiled(lambda t: [f(t, axis) for f, _ in KINDS.values() for axis in axes], x)
        wanted = [f(x, axis, **({"dtype": x.dtype} if name in ("sum", "prod") else {}))
                  for name, (_, f) in KINDS.items() for axis in axes]
    for value, want in zip(values, wanted, strict=True):
        close(np.asarray(value), want)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_arithmetic_wraps_as_numpy(dtype):
    x = RNG.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, 50, dtype, endpoint=True)
    close(compiled(lambda t: t * t + t - 3 * t, x), x * x + x - x * x.dtype.type(3))


def test_reductions_of_bools():
    x = RNG.random((9, 7)) < 0.7
    values = compiled(lambda t: [reduction.reduce_any(t, 0), reduction.reduce_all(t, 1), reduction.reduce_any(t),
                                 reduction.reduce_all(t), reduction.reduce_any(ew.logical_not(t), 1)], x)
    for value, want in zip(values, [x.any(0), x.all(1), x.any(), x.all(), (~x).any(1)], strict=True):
        close(np.asarray(value), want)


@pytest.mark.parametrize("known", [True, False])
def test_empty_reductions_give_the_neutral_element(known):
    x = np.zeros((0, 3), np.float32)
    total, product, top, bottom, mean, everything, none = compiled(
        lambda t: [f(t, 0) for f, _ in KINDS.values()] + [reduction.reduce_mean(t, 0), reduction.reduce_mean(t),
                                                          reduction.reduce_sum(t, 1)], x, known=known)
    close(total, np.zeros(3, np.float32))
    close(product, np.ones(3, np.float32))
    assert (top == -np.inf).all() and (bottom == np.inf).all()
    assert np.isnan(mean).all() and mean.shape == (3,) and np.isnan(everything)
    assert none.shape == (0,)


# extrema and where they are


@pytest.mark.parametrize("dtype", [*INTEGERS, "f4", "f8", "?"])
def test_positions_of_extrema_with_ties(dtype):
    x = RNG.integers(0, 2 if dtype == "?" else 4, (8, 7)).astype(dtype)
    functions = [(reduction.argmax, np.argmax), (reduction.argmin, np.argmin)]
    values = compiled(lambda t: [f(t, axis) for f, _ in functions for axis in (0, 1)], x)
    for value, want in zip(values, [f(x, axis) for _, f in functions for axis in (0, 1)], strict=True):
        close(value, want)


def test_positions_and_values_of_extrema_with_nan_and_infinities():
    x = RNG.standard_normal((9, 7)).astype(np.float32)
    x[3, 4] = x[3, 5] = x[8, 0] = np.nan
    x[5], x[6], x[7] = -np.inf, np.inf, 1
    values = compiled(lambda t: [f(t, axis) for axis in (0, 1) for f in (
        reduction.argmax, reduction.argmin, reduction.reduce_max, reduction.reduce_min)], x)
    for value, want in zip(values, [f(x, axis) for axis in (0, 1) for f in (np.argmax, np.argmin, np.max, np.min)],
                           strict=True):
        np.testing.assert_array_equal(value, want)


def test_nan_passes_through():
    x = np.array([1, np.nan, -1, np.inf], np.float32)
    values = compiled(lambda t: [ew.relu(t), ew.maximum(t, 0), ew.minimum(t, 0), t * 0, t - t, nn.softmax(t),
                                 reduction.reduce_sum(t), ew.where(t > 0, t, -t)], x)
    with np.errstate(invalid="ignore"):
        wanted = [np.maximum(x, 0), np.maximum(x, 0), np.minimum(x, 0), x * 0, x - x, x * np.nan, np.float32(np.nan),
                  np.where(x > 0, x, -x)]
    for value, want in zip(values, wanted, strict=True):
        np.testing.assert_array_equal(value, want)


# many elements: several blocks, several threads


def test_reductions_of_many_elements_are_split_and_combined():
    x = RNG.integers(-4, 5, (1 << 21) + 7).astype(np.float32)  # sums of integers are exact in any order

    def build(t):
        return [reduction.reduce_sum(t), reduction.reduce_max(t), reduction.reduce_min(t * 2), t + 1]

    calls = kernels(build, x)
    assert any(call.name.endswith("/combine") for call in calls) and max(call.tasks for call in calls) > 1
    for value, want in zip(compiled(build, x), [x.sum(), x.max(), 2 * x.min(), x + 1], strict=True):
        close(np.asarray(value), np.float32(want) if np.ndim(want) == 0 else want)


@pytest.mark.parametrize("shape", [(3000, 133), (70000, 3), (3, 70000), (2, 40000, 2), (2, 3, 2500)])
def test_reductions_of_many_rows_and_columns(shape):
    x = RNG.integers(-4, 5, shape).astype(np.float32)
    values = compiled(lambda t: [reduction.reduce_sum(t, axis) for axis in range(x.ndim)] +
                      [reduction.argmax(t, 0), reduction.reduce_sum(t)], x)
    for value, want in zip(values, [x.sum(axis) for axis in range(x.ndim)] + [x.argmax(0), x.sum()], strict=True):
        close(np.asarray(value), want)


# broadcasting


@pytest.mark.parametrize("shape", [(7, 37, 40, 33), (3, 5, 4, 6), (2, 0, 5, 3), (0, 6, 6, 3), (40, 4, 4, 70)])
def test_sums_over_images_of_what_differs_from_image_to_image(shape):
    x, y = (RNG.integers(-4, 5, s).astype(np.float32) for s in (shape, (shape[0], 1, 1, shape[-1])))

    def build(x, y):
        return [reduction.reduce_sum(x * y, (0, 1, 2)), reduction.reduce_max(x - y, (0, 1, 2)), x + y]

    sums, maxima, both = compiled(build, x, y, known=True)
    close(sums, np.sum(x * y, (0, 1, 2)))
    close(maxima, np.max(x - y, (0, 1, 2), initial=-np.inf))
    close(both, x + y)


def test_every_pattern_of_broadcasting_that_turns_up_at_run_time():
    """One graph whose sizes are all unknown."""
    function = Function(lambda a, b: [a * b + a, ew.maximum(b, a)], "f4", "f4", shapes=[(None, None)] * 2)
    for m, n in itertools.product([1, 4], [1, 5]):
        for k, j in itertools.product([1, 4], [1, 5]):
            a, b = RNG.standard_normal((m, n)).astype("f4"), RNG.standard_normal((k, j)).astype("f4")
            for value, want in zip(function(a, b), [a * b + a, np.maximum(a, b)], strict=True):
                close(value, want)


@pytest.mark.parametrize("shapes", [((0, 5), (5,)), ((0, 5), (1, 5)), ((0, 1), (1, 5)), ((4, 0), (4, 1)), ((0,), ())])
def test_broadcasting_with_nothing(shapes):
    a, b = (np.ones(s, np.float32) for s in shapes)
    assert compiled(lambda x, y: x + y, a, b).shape == np.broadcast_shapes(*shapes)


def test_sizes_computed_from_unknown_ones_that_turn_out_to_be_one():
    function = Function(lambda a, b: [a[::2] + b, a[1:] * 2 + a[:-1], reduction.reduce_sum(a[1:])], "f4", "f4",
                        shapes=[(None,)] * 2)
    for n, m in [(2, 5), (1, 3), (2, 1), (10, 5)]:
        a, b = np.arange(n, dtype="f4"), np.arange(m, dtype="f4")
        first, second, total = function(a, b)
        close(first, a[::2] + b)
        close(second, a[1:] * 2 + a[:-1])
        assert total == a[1:].sum()


def test_gradients_of_sizes_that_turn_out_to_be_one():
    function = Function(lambda a, b: gradients(reduction.reduce_sum((a[::2] + b) * b), [a]), "f4", "f4",
                        shapes=[(None,)] * 2)
    b = np.arange(5, dtype="f4")
    assert function(np.ones(2, "f4"), b)[0].tolist() == [10, 0]
    assert function(np.ones(9, "f4"), b)[0].tolist() == [0, 0, 1, 0, 2, 0, 3, 0, 4]
    assert function(np.ones(1, "f4"), b)[0].tolist() == [10]


def test_axes_of_equal_size_are_told_apart():
    x, y = RNG.standard_normal((5, 5)), RNG.standard_normal(5)
    value = compiled(lambda a, b: a * reduction.reduce_sum(a, 0) + reduction.reduce_sum(a, 1)
                     + b * reduction.reduce_sum(a, 1, True), x, y)
    close(value, x * x.sum(0) + x.sum(1) + y * x.sum(1, keepdims=True), 1e-12)


# index maps in loops


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("width", [9, 17, 32, 33, 48])
def test_loops_over_short_rows_take_strips_of_them(width, dtype):
    x = RNG.standard_normal((2, 35, width)).astype(dtype)
    x[0, 0], x[0, 1, :3], x[1, 33, 2], x[1, 34, 1] = -np.inf, -np.inf, np.inf, np.nan

    def build(t):
        spread = ew.sqrt(reduction.reduce_sum(ew.square(ew.sin(t)), -1, True))
        return [nn.log_softmax(t), ew.tanh(ew.sin(t) / spread) * spread, reduction.reduce_logsumexp(t, -1),
                reduction.reduce_max(ew.exp(t) - reduction.reduce_max(t, -1, True), -1)]

    with np.errstate(invalid="ignore", divide="ignore"):
        top = x.max(-1, keepdims=True)
        log_sum = np.log(np.exp(x - np.where(np.isfinite(top), top, 0)).sum(-1, keepdims=True)) + np.where(
            np.isfinite(top), top, 0)
        spread = np.sqrt((np.sin(x) ** 2).sum(-1, keepdims=True))
        want = [(x - top) - np.log(np.exp(x - top).sum(-1, keepdims=True)), np.tanh(np.sin(x) / spread) * spread,
                log_sum[..., 0], (np.exp(x) - top).max(-1)]
    for value, wanted in zip(compiled(build, x), want, strict=True):
        np.testing.assert_allclose(value, wanted, 2e-5, 2e-5)
    call, = kernels(lambda t: nn.log_softmax(t), x)
    assert "for low in" in call.source or width < 32 or not isa().masks


def test_index_maps_fuse_with_what_surrounds_them():
    x = RNG.standard_normal((4, 6)).astype(np.float32)
    at = np.array([3, 0, 3], np.int32)

    def build(t, i):
        return [ew.tanh(view.transpose(t)) + 1, reduction.reduce_sum(view.reverse(t, [0, 1]) * t, 1),
                slicing.tile(t, [2, 3]) * 2, view.transpose(t)[1:5:2, ::-1] - 1, gather.gather(t * 2, i) + 1,
                gather.gather(t, i, 1) * 3, reduction.reduce_sum(gather.one_hot(i, 4) * 2, 0),
                ew.cast(gather.range_(6), "float32") * t, reduction.reduce_max(view.transpose(t), 1),
                view.broadcast_to(t[:1], [4, 6]) + t]

    wanted = [np.tanh(x.T) + 1, (x[::-1, ::-1] * x).sum(1), np.tile(x, (2, 3)) * 2, x.T[1:5:2, ::-1] - 1, x[at] * 2 + 1,
              x[:, at] * 3, (np.eye(4)[at] * 2).sum(0).astype("f4"), np.arange(6, dtype="f4") * x, x.max(0), x[:1] + x]
    for value, want in zip(compiled(build, x, at), wanted, strict=True):
        close(value, want)
    assert len(kernels(lambda t: reduction.reduce_sum(view.reverse(t, [0]) * 2 + 1), x)) == 1


@pytest.mark.parametrize("perm", list(itertools.permutations(range(3))))
def test_transposes(perm):
    x = RNG.standard_normal((2, 3, 4)).astype(np.float32)
    close(compiled(lambda t: ew.exp(view.transpose(t, perm)) + 1, x), np.exp(np.transpose(x, perm)) + 1)


@pytest.mark.parametrize("shape, perm", [
    ((37, 50), (1, 0)), ((3, 35, 5, 7), (0, 2, 3, 1)), ((2, 5, 9, 21), (0, 3, 1, 2))])
def test_transposes_of_several_tiles_in_groups_and_beside_reductions(shape, perm):
    x = RNG.standard_normal(shape).astype(np.float32)
    leading = tuple(range(len(shape) - 1))

    def build(t):
        moved = view.transpose(t, perm)
        return [moved * 2 + 1, reduction.reduce_sum(moved, leading), reduction.reduce_max(moved, -1)]

    want = np.transpose(x, perm)
    for value, wanted in zip(compiled(build, x), [want * 2 + 1, want.sum(leading), want.max(-1)], strict=True):
        close(value, wanted)


@pytest.mark.parametrize("dtype", ["f4", "i4", "f8", "u8", "i2", "u1"])
@pytest.mark.parametrize("shape, perm", [
    ((37, 50), (1, 0)), ((9, 1, 600), (2, 1, 0)), ((7, 3, 5, 17), (3, 2, 1, 0)), ((33, 2, 3, 40), (1, 3, 2, 0)),
    ((2, 3, 4, 5, 6), (4, 3, 2, 1, 0)), ((20, 3), (1, 0)), ((3, 4, 3), (2, 1, 0)), ((0, 20, 17), (2, 1, 0))])
def test_transposes_by_themselves_are_of_blocks(shape, perm, dtype):
    """Every remainder of rows and columns, axes in between, and every bit of the elements."""
    bits = RNG.integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
    x = np.ascontiguousarray(bits).view(dtype)[..., 0]
    value = compiled(lambda t: view.transpose(t, perm), x)
    assert value.tobytes() == np.transpose(x, perm).tobytes()
    if math.prod(shape) > 1000 and (x.itemsize >= 4 or isa().masks):
        call, = kernels(lambda t: view.transpose(t, perm), x)
        assert "transpose_block" in call.source and call.tasks > 0


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1"])
@pytest.mark.parametrize("channels", [2, 3, 7])
def test_transposes_of_a_short_axis_write_it_out(channels, dtype):
    """Images to channels first and back, of more than one task's part, and columns to rows."""
    for shape, perm in (((2, 70, 61, channels), (0, 3, 1, 2)), ((2, channels, 70, 61), (0, 2, 3, 1)),
                        ((channels, 5000), (1, 0)), ((1, 1, 3, channels), (0, 3, 1, 2))):
        x = RNG.integers(0, 200, shape).astype(dtype)
        function = Function(lambda t: view.transpose(t, perm), x.dtype, shapes=[shape])  # noqa: B023
        np.testing.assert_array_equal(function(x), np.transpose(x, perm))
        call, = kernels(lambda t: view.transpose(t, perm), x, known=True)  # noqa: B023
        assert f"in range({channels})" in call.source and "4096" in call.source


@pytest.mark.parametrize("dtype", ["f4", "i8", "u8", "i2", "u1"])
@pytest.mark.parametrize("shape, perm", [
    ((3, 40, 5, 32), (0, 2, 1, 3)), ((3, 5, 40, 33), (0, 2, 1, 3)), ((200, 37, 7), (1, 0, 2)), ((2, 3, 4, 5, 6), (
        2, 0, 3, 1, 4)), ((21, 1000, 2), (1, 0, 2)), ((4, 3, 2, 5), (2, 1, 0, 3)), ((0, 3, 4), (1, 0, 2))])
def test_transposes_that_keep_the_last_axis_copy_pieces(shape, perm, dtype):
    """Short and long axes of more and fewer streams, and pieces of every remainder."""
    bits = RNG.integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
    x = np.ascontiguousarray(bits).view(dtype)[..., 0]
    value = compiled(lambda t: view.transpose(t, perm), x)
    assert value.tobytes() == np.transpose(x, perm).tobytes()
    if x.size and shape[-1] * x.itemsize % 4 == 0:
        call, = kernels(lambda t: view.transpose(t, perm), x)
        assert "copy_block" in call.source


def test_a_sum_over_leading_axes_of_what_is_split_and_permuted_goes_row_by_row():
    x = RNG.standard_normal((3, 2, 5, 4)).astype(np.float32)

    def build(t):
        moved = view.transpose(t, (0, 2, 1, 3))
        return [moved, reduction.reduce_sum(moved, (0, 1))]

    want = np.transpose(x, (0, 2, 1, 3))
    for value, wanted in zip(compiled(build, x), [want, want.sum((0, 1))], strict=True):
        close(value, wanted)
    first, *_ = kernels(build, x)
    assert "for task in range" in first.source, "tasks are blocks of the leading axes, not columns"


@pytest.mark.skipif(not isa().masks, reason="the processor masks no elements of vectors")
def test_functions_that_branch_are_explicit_vectors():
    x, y = RNG.standard_normal((7, 300)).astype(np.float32), RNG.standard_normal(300).astype(np.float32)
    for build, arrays, begin in ((lambda t: ew.sin(t) * t, [x], "begin"), (lambda t, u: ew.sin(t) * u, [x, y], "0")):
        call, = kernels(build, *arrays, known=True)
        assert f"in vectors({begin}, " in call.source
        close(compiled(build, *arrays), np.sin(x) * arrays[-1])


@pytest.mark.skipif(not isa().masks, reason="the processor masks no elements of vectors")
@pytest.mark.parametrize("columns, copies, in_place", [(10, 1, False), (77, 2, False), (64, 0, True), (300, 4, True)])
def test_rows_that_fill_no_vectors_are_explicit_ones(columns, copies, in_place):
    """The last one masked; short rows do not begin where the masked end of the row before is being written."""
    x = RNG.standard_normal((5, columns)).astype(np.float32)
    labels = RNG.integers(0, columns, 5).astype(np.int32)

    def build(t, chosen):
        return nn.softmax(t) - gather.one_hot(chosen, columns)

    call, = kernels(build, x, labels, known=True)
    assert call.source.count("in vectors(0, n0, ") == (3 if copies else 0) and bool(call.in_place) == in_place
    assert f"vectors(0, n0, {copies}" in call.source or not copies
    e = np.exp(x - x.max(-1, keepdims=True))
    close(compiled(build, x, labels), e / e.sum(-1, keepdims=True) - np.eye(columns, dtype="f4")[labels])


# indices out of range


@pytest.mark.parametrize("cut", [np.s_[::2], np.s_[:, 1::2], np.s_[:, ::3]])
def test_slices_in_steps_read_whole_vectors(cut):
    x = np.arange(300 * 301, dtype=np.float32).reshape(300, 301)
    np.testing.assert_array_equal(compiled(lambda a: a[cut], x), x[cut])
    if isinstance(cut, tuple) and isa().masks:  # AVX-512's own instruction
        call, = kernels(lambda a: a[cut], x)
        names: dict[str, object] = {}
        exec(call.source, names)
        assembly = machine.target().emit_assembly(machine.optimised(translate(call.source, names, "kernel")))
        assert "vpermt2ps" in assembly


@pytest.mark.parametrize("bad", [[5], [-1], [0] * 50_000 + [2**31 - 1]])
def test_an_index_out_of_range_is_an_error_after_which_the_session_works(bad):
    function = Function(lambda x, i: gather.gather(x, i) * 2, "f4", "i4", shapes=[(None, 3), (None,)])
    x = np.ones((5, 3), np.float32)
    with pytest.raises(InvalidArgumentError, match=rf"{bad[-1]} .*\[0, 5\).*test_loops.py"):
        function(x, np.array(bad, np.int32))
    assert function(x, np.array([4], np.int32)).tolist() == [[2, 2, 2]]


@pytest.mark.parametrize("axis, places", [(0, (7, 700)), (1, (3, 900)), (0, (999,))])
def test_the_first_index_out_of_range_is_named(axis, places):
    """Where elements are gathered, and the result may take the indices' place."""
    indices = np.arange(1000, dtype="i4") % 5
    indices[list(places)] = [50 + place for place in places]
    build = Function(lambda x, i: gather.gather(x, i + 1, axis), "i4", "i4", shapes=[(None,) * (axis + 1), (1000,)])
    x = np.arange(6, dtype="i4") if axis == 0 else np.arange(18, dtype="i4").reshape(3, 6)
    with pytest.raises(InvalidArgumentError, match=rf"indices\[{places[0]}\] = {51 + places[0]} is not in \[0, 6\)"):
        build(x, indices)
    np.testing.assert_array_equal(build(x, indices % 5), x.take(indices % 5 + 1, axis))


def test_loops_whose_divisors_are_checked_are_vectors():
    x, y = np.arange(-50, 50, dtype="i4"), np.resize(np.array([1, -7, 3], "i4"), 100)
    np.testing.assert_array_equal(compiled(ew.mod, x, y), x % y)
    with pytest.raises(InvalidArgumentError, match="division by zero"):
        compiled(ew.mod, x, np.where(np.arange(100) == 77, 0, y))
    source, = (call.source for call in kernels(ew.mod, x, y))
    assert re.search(r"for i in range\(begin, end\):(\n        .*)*\n    if failed", source)


def test_a_label_out_of_range():
    function = Function(lambda x, y: nn.sparse_softmax_cross_entropy_with_logits(logits=x, labels=y), "f4", "i4",
                        shapes=[(None, 3), (None,)])
    with pytest.raises(InvalidArgumentError, match=r"3.*\[0, 3\)"):
        function(np.ones((2, 3), "f4"), np.array([0, 3], "i4"))
    close(function(np.ones((2, 3), "f4"), np.array([0, 2], "i4")), np.full(2, np.log(3), "f4"))


def test_no_indices():
    assert compiled(lambda x, i: gather.gather(x, i), np.ones((5, 3), "f4"), np.zeros(0, "i4")).shape == (0, 3)


@pytest.mark.parametrize("count", [1, 5, 100])
def test_rows_of_large_tables_are_fetched_ahead(count):
    table, at = RNG.normal(size=(3000, 101)).astype("f4"), RNG.integers(0, 3000, (2, count))
    sums, rows = (lambda x, i: reduction.reduce_sum(gather.gather(x, i), 1)), (lambda x, i: gather.gather(x, i) * 2)
    np.testing.assert_allclose(compiled(sums, table, at), table[at].sum(1), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(compiled(rows, table, at), table[at] * 2)
    assert all("fetch(" in kernels(build, table, at)[0].source for build in (sums, rows))
    at[1, -1] = 3000
    with pytest.raises(InvalidArgumentError, match=r" = 3000 is not in \[0, 3000\)"):
        compiled(sums, table, at)


def test_indices_of_rows_to_be_summed_are_checked_once_a_row():
    table, at = RNG.normal(size=(30, 17)).astype("f4"), RNG.integers(0, 30, (2, 11))
    call, = kernels(lambda x, i: reduction.reduce_sum(gather.gather(x, i), 1), table, at)
    loops = re.findall(r"^( +)for j in .*\n((?:\1 +.*\n)+)", call.source, re.M)
    assert len(loops) == 3 and not any("store_i64" in body for _, body in loops)


# empty batches


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_layer_and_its_gradients_on_few_rows(rows):
    def build(x, w, b):
        y = nn.softmax(ew.relu(matmul(x, w) + b))
        return [y, *gradients(reduction.reduce_sum(y * y), [x, w, b])]

    x, w, b = np.ones((rows, 3), "f4"), np.ones((3, 4), "f4"), np.arange(4, dtype="f4")
    y, dx, dw, db = compiled(build, x, w, b)
    assert (y.shape, dx.shape, dw.shape, db.shape) == ((rows, 4), (rows, 3), (3, 4), (4,))
    assert np.isfinite(dw).all() and (rows or not dw.any())


# random numbers


def draws(threads=0, **seeds):
    def build():
        return [rnd.random_uniform([40_000], seed=1), rnd.random_normal([40_000], seed=2),
                rnd.truncated_normal([40_000], seed=3), rnd.random_uniform([40_000], 3, 9, "int32", seed=4)]

    class Config:
        intra_op_parallelism_threads = threads

    function = Function(build)
    function.session = Session(graph=function.graph, config=Config)
    return function


def test_random_numbers_have_their_distribution():
    uniform, normal, truncated, integers = draws()()
    assert 0 <= uniform.min() and uniform.max() < 1 and abs(uniform.mean() - 0.5) < 0.01
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02
    assert np.abs(truncated).max() <= 2 and abs(truncated.mean()) < 0.02
    assert np.unique(integers).tolist() == [3, 4, 5, 6, 7, 8]


def test_random_numbers_do_not_depend_on_the_threads():
    for one, several in zip(draws(1)(), draws(2)(), strict=True):
        np.testing.assert_array_equal(one, several)


def test_random_numbers_differ_from_run_to_run_and_repeat_in_a_new_session():
    function, other = draws(), draws()
    runs = [function()[0] for _ in range(3)]
    assert len({run.tobytes() for run in runs}) == 3
    for run in runs:
        np.testing.assert_array_equal(run, other()[0])


def test_one_draw_has_one_value_in_a_run():
    def build(x):
        noise = rnd.random_uniform([6, 5], seed=5)
        return [noise, noise * x, reduction.reduce_sum(noise, 0), matmul(noise, x[:5] * 0 + 1)]

    noise, product, sums, rows = compiled(build, np.full((6, 5), 2, "f4"), known=True)
    close(product, noise * 2)
    close(sums, noise.sum(0))
    close(rows, np.repeat(noise.sum(1, keepdims=True), 5, 1))


def test_vectors_side_by_side_leave_any_remainder():
    """Of a chain so long that loops take several vectors at a time, any piece is as it is in the whole."""
    def chain(t):
        for _ in range(4):
            t = ew.exp(-t)
        return t

    x = RNG.standard_normal(200)
    whole = compiled(lambda t: [chain(t)], x)[0]
    want = x
    for _ in range(4):
        want = np.exp(-want)
    close(whole, want, 1e-13)
    for length in range(70):
        np.testing.assert_array_equal(compiled(lambda t: [chain(t)], x[length:2 * length])[0], whole[length:2 * length])
    rows = x.reshape(4, 50)
    close(compiled(lambda t: [chain(ew.add(t, t[:, :1]))], rows)[0],
          np.exp(-np.exp(-np.exp(-np.exp(-(rows + rows[:, :1]))))), 1e-13)


@pytest.mark.parametrize("count", [1024, 1000])
def test_long_computations_fetch_the_next_rows(count):
    """Where they last read the input and first write the output, in loops of LLVM's vectors and of explicit ones;
    short computations leave it to the processor."""
    x = RNG.standard_normal((20, count)).astype(np.float32)
    [call] = kernels(lambda t: nn.softmax(ew.tanh(ew.tanh(t))), x)
    fetched = [line.strip() for line in call.source.splitlines() if re.search(r", (6[4-9]|7\d)\)$", line)]
    assert [line.partition("_")[0].split()[-1] for line in fetched] == ["load", "store"]
    names: dict = {}
    exec(call.source, names)
    text = str(machine.optimised(translate(call.source, names, "kernel")))
    for write in range(2):
        assert re.search(rf"@llvm\.prefetch\.p0\(ptr [^,]*, i32 {write}, ", text)
    [call] = kernels(lambda t: nn.softmax(t), x)
    assert not re.search(r", (6[4-9]|7\d)\)\n", call.source)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u1", "u2", "u4"])
def test_sums_of_integers_are_of_vectors(dtype):
    [call, *_] = kernels(lambda t: reduction.reduce_sum(t, 1), RNG.integers(0, 9, (20, 3000), dtype))
    names: dict = {}
    exec(call.source, names)
    text = str(machine.optimised(translate(call.source, names, "kernel")))
    assert re.search(rf"add <\d+ x i{8 * int(dtype[1])}>", text)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 7, 8, 211])
@pytest.mark.parametrize("width", [9, 53, 3000])
def test_sums_down_columns_take_several_rows_at_a_time(rows, width):
    x = RNG.standard_normal((3, rows, width))
    n = RNG.integers(-99, 99, (3, rows, width), "i2")
    for axis in (1, (0, 1)):
        close(compiled(lambda t, axis=axis: reduction.reduce_sum(t * t, axis), x), (x * x).sum(axis), 1e-12)
        np.testing.assert_array_equal(compiled(lambda t, axis=axis: reduction.reduce_sum(t, axis), n),
                                      n.sum(axis, dtype="i2"))
    if rows:
        np.testing.assert_array_equal(compiled(lambda t: reduction.reduce_max(t, 1), x), x.max(1))


def test_columns_of_a_constant_are_summed():
    x = np.zeros((13, 40), np.float32)
    np.testing.assert_array_equal(compiled(lambda t: reduction.reduce_sum(t * 0 + 1, 0), x), np.full(40, 13))
    np.testing.assert_array_equal(compiled(lambda t: reduction.reduce_sum(view.ones_like(t), 0), x), np.full(40, 13))


def test_columns_that_know_their_place_are_summed():
    n = RNG.integers(0, 9, (2, 13), "i8")
    hot = n[..., None] == np.arange(9)
    np.testing.assert_array_equal(compiled(lambda t: reduction.reduce_sum(gather.one_hot(t, 9), 1), n), hot.sum(1))
