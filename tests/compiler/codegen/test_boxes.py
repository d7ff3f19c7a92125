"""Boxes copied into outputs (pad, concat, gradients of slices) and rows added at indices, against NumPy."""
from __future__ import annotations

import numpy as np
import pytest
from compiled import Function, compiled
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import gather, reduction, slices, slicing
from hypothesis import given, settings
from hypothesis import strategies as st

RNG = np.random.default_rng(5)
TYPES = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def numbers(dtype, shape):
    return RNG.integers(0, 100, shape).astype(dtype)


def same(value, want):
    assert value.dtype == want.dtype and value.shape == want.shape
    np.testing.assert_array_equal(value, want)


@pytest.mark.parametrize("dtype", TYPES)
def test_pad_and_concat_of_each_type(dtype):
    x, y = numbers(dtype, (3, 4)), numbers(dtype, (3, 2))
    one = True if dtype == "?" else 1
    padded, joined = compiled(lambda a, b: [slicing.pad(a, [[1, 2], [0, 3]], constant_values=one),
                                            slicing.concat([a, b, a], 1)], x, y)
    same(padded, np.pad(x, [[1, 2], [0, 3]], constant_values=one))
    same(joined, np.concatenate([x, y, x], 1))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -0.0, 1e-45, 3.4e38, 0.1, -7])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_padding_with_odd_numbers(dtype, value):
    x = np.ones(2, dtype)
    padded = compiled(lambda a: slicing.pad(a, [[1, 1]], constant_values=value), x)
    same(padded, np.pad(x, 1, constant_values=value))
    assert np.isnan(value) or np.signbit(padded[0]) == np.signbit(np.asarray(value, dtype))


@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "u8"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_padding_with_the_ends_of_the_integers(dtype, end):
    value, x = getattr(np.iinfo(dtype), end), np.ones(2, dtype)
    same(compiled(lambda a: slicing.pad(a, [[2, 0]], constant_values=value), x),
         np.pad(x, (2, 0), constant_values=value))


shapes = st.lists(st.integers(0, 4), min_size=1, max_size=4)


# kernels are generic in shape, so that only the number of axes compiles anew
@given(st.data())
@settings(max_examples=60, derandomize=True)
def test_padding_of_any_shape(data):
    x = numbers("f4", data.draw(shapes))
    pads = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=x.ndim, max_size=x.ndim))
    same(compiled(lambda a: slicing.pad(a, pads), x), np.pad(x, pads))


@given(st.data())
@settings(max_examples=60, derandomize=True)
def test_concat_of_any_shapes(data):
    shape = data.draw(shapes)
    axis = data.draw(st.integers(0, len(shape) - 1))
    parts = [numbers("f4", [n if k == axis else d for k, d in enumerate(shape)])
             for n in data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=4))]
    same(compiled(lambda *ts: slicing.concat(ts, axis), *parts), np.concatenate(parts, axis))


@given(st.data())
@settings(max_examples=60, derandomize=True)
def test_rolls_of_any_shape(data):
    x = numbers("f4", data.draw(shapes))
    shifts = data.draw(st.lists(st.integers(-9, 9), min_size=x.ndim, max_size=x.ndim))
    same(compiled(lambda a: slices.roll(a, shifts), x), np.roll(x, shifts, tuple(range(x.ndim))))


@given(st.data())
@settings(max_examples=60, derandomize=True)
def test_gradients_of_slices_go_where_the_slice_came_from(data):
    x = numbers("f4", data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    key = tuple(slice(data.draw(st.integers(0, n - 1)), None, data.draw(st.sampled_from([1, 2, -1, -2])))
                for n in x.shape)
    weights = numbers("f4", x[key].shape)
    value, = compiled(lambda a, w: gradients(reduction.reduce_sum(a[key] * w), [a]), x, weights, known=True)
    want = np.zeros_like(x)
    want[key] = weights
    same(value, want)


def test_many_elements_are_copied_by_several_tasks():
    x = numbers("f4", (300, 1000))
    same(compiled(lambda a: slicing.pad(a, [[1, 2], [3, 4]]), x), np.pad(x, [[1, 2], [3, 4]]))


# rows added at indices


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", ["i4", "i8", "u1"])
def test_gradients_of_gathers_add_up_repeated_rows(axis, kind):
    x = numbers("f8", (5, 6, 4))
    at = np.array([[0, 3], [3, 3], [1, 0]], kind)
    weights = numbers("f8", np.take(x, at, axis).shape)
    value, = compiled(lambda a, i, w: gradients(reduction.reduce_sum(gather.gather(a, i, axis) * w), [a]), x, at,
                      weights)
    want = np.zeros_like(x)
    np.add.at(np.moveaxis(want, axis, 0), at, np.moveaxis(weights, [axis, axis + 1], [0, 1]))
    np.testing.assert_allclose(value, want, rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 3, 8, 9, 1000])
@pytest.mark.parametrize("count", [0, 1, 5000])
def test_gradients_of_gathers_from_few_and_many_rows(rows, count):
    x, at = np.ones((rows, 3), "f4"), RNG.integers(0, rows, count).astype("i4")
    value, = compiled(lambda a, i: gradients(reduction.reduce_sum(gather.gather(a, i) * 2), [a]), x, at)
    np.testing.assert_array_equal(value[:, 0], 2 * np.bincount(at, minlength=rows))


def test_one_function_for_all_batches():
    function = Function(lambda a: slicing.concat([ew.relu(a), slicing.pad(a, [[0, 0], [1, 0]])], 1), "f4",
                        shapes=[(None, 3)])
    for rows in (0, 1, 2, 7, 300):
        x = RNG.standard_normal((rows, 3)).astype("f4")
        same(function(x), np.concatenate([np.maximum(x, 0), np.pad(x, [[0, 0], [1, 0]])], 1))
