"""Static shapes: TensorFlow's TensorShape, broadcasting, and reshapes and slices of unknown sizes."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler import dims as dm
from graphflow.compiler.dtypes import float32, int32
from graphflow.compiler.errors import ShapeError
from graphflow.compiler.ir import Graph
from graphflow.compiler.ops.state import placeholder
from graphflow.compiler.ops.view import reshape
from graphflow.compiler.shapes import Dimension, TensorShape, broadcast, format_dims, normalize_axis
from graphflow.runtime.interpreter import interpret
from hypothesis import given, reject
from hypothesis import strategies as st

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def placeholder_of(shape, hidden):
    """A placeholder that does not know the sizes of the axes in `hidden`."""
    return placeholder(int32, [None if i in hidden else d for i, d in enumerate(shape)])


def run(tensor, **feeds):
    tensor.graph.outputs = (tensor,)
    return interpret(tensor.graph, {tensor.graph.get_tensor_by_name(f"{k}:0"): v for k, v in feeds.items()})[0]


# broadcasting


@given(st.lists(shapes, min_size=1, max_size=3))
def test_broadcast_is_numpys(shapes_):
    try:
        wanted = np.broadcast_shapes(*shapes_)
    except ValueError:
        with pytest.raises(ShapeError, match="cannot be broadcast"):
            broadcast("Add", *shapes_)
    else:
        assert broadcast("Add", *shapes_) == wanted


@given(shapes, shapes, st.data())
def test_broadcast_of_unknown_sizes_holds_when_fed(a, b, data):
    try:
        wanted = np.broadcast_shapes(a, b)
    except ValueError:
        reject()
    sizes, symbolic = {}, []
    for shape in (a, b):
        dims = [dm.fresh() if data.draw(st.booleans()) else d for d in shape]
        sizes |= {dm.symbol(s): d for s, d in zip(dims, shape, strict=True) if isinstance(s, dm.Dim)}
        symbolic.append(tuple(dims))
    result = broadcast("Add", *symbolic)
    assert tuple(dm.evaluate(d, sizes) for d in result) == wanted


def test_a_shape_of_unknown_rank_broadcasts_to_unknown():
    assert broadcast("Add", (2, 3), None) is None


# slicing

bounds = st.one_of(st.none(), st.integers(-7, 7))
strides = st.one_of(st.none(), st.sampled_from([-3, -2, -1, 1, 2, 3]))
items = st.one_of(st.builds(slice, bounds, bounds, strides), st.none(), st.integers(-4, 3))


@st.composite
def indexing(draw):
    """A shape and a key of NumPy's basic indexing for it."""
    shape = draw(st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple))
    count = draw(st.integers(0, len(shape)))
    key, axis = [], 0
    while axis < count:
        item = draw(items)
        if isinstance(item, int):
            if not shape[axis]:
                continue
            item = item % shape[axis] - draw(st.sampled_from([0, shape[axis]]))
        axis += item is not None
        key.append(item)
    if draw(st.booleans()):
        key.append(Ellipsis)
    if draw(st.booleans()):
        key.append(None)
    return shape, tuple(key)


@given(indexing(), st.data())
def test_slicing_is_numpys(example, data):
    shape, key = example
    hidden = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    array = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    with Graph().as_default() as graph:
        sliced = placeholder_of(shape, hidden)[key]
    wanted = array[key]
    if not hidden:
        assert sliced.dims == wanted.shape
    graph.outputs = (sliced,)
    value, = interpret(graph, {graph.operations[0].output: array})
    np.testing.assert_array_equal(value, wanted)
    assert len(sliced.dims) == wanted.ndim


@pytest.mark.parametrize("key", [5, -6, (0, 0, 0), (slice(None), 3)])
def test_an_index_out_of_range_is_an_error(key):
    with Graph().as_default():
        x = placeholder(float32, [5, 3])
    with pytest.raises(ShapeError, match="slice index|too many indices"):
        x[key]


@pytest.mark.parametrize(("key", "error"), [(1.0, TypeError), ("a", TypeError), (slice(None, None, 0), ValueError),
                                            (slice(0.5, None), TypeError), (True, TypeError)])
def test_what_is_no_index_is_an_error(key, error):
    with Graph().as_default():
        x = placeholder(float32, [5, 3])
    with pytest.raises(error):
        x[key]


# reshaping


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_reshape_finds_the_open_size(shape, data):
    total = int(np.prod(shape))
    wanted, rest = [], total
    while rest > 1 and len(wanted) < 3:
        wanted.append(data.draw(st.sampled_from([d for d in range(1, rest + 1) if rest % d == 0])))
        rest //= wanted[-1]
    wanted.append(rest)
    position = data.draw(st.integers(0, len(wanted) - 1))
    hidden = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    request = [-1 if i == position else d for i, d in enumerate(wanted)]
    array = np.arange(total, dtype=np.int32).reshape(shape)
    with Graph().as_default() as graph:
        x = placeholder_of(shape, hidden)
        y = reshape(x, request)
    sizes = {dm.symbol(d): n for d, n in zip(x.dims, shape, strict=True) if isinstance(d, dm.Dim)}
    assert tuple(dm.evaluate(d, sizes) for d in y.dims) == tuple(wanted)
    graph.outputs = (y,)
    np.testing.assert_array_equal(interpret(graph, {x: array})[0], array.reshape(wanted))


def test_reshape_keeps_an_unknown_batch():
    with Graph().as_default():
        x = placeholder(float32, [None, 4, 6])
        assert reshape(x, [-1, 24]).dims == (x.dims[0], 24)
        assert reshape(x, [-1, 3, 4]).dims == (x.dims[0] * 2, 3, 4)
        assert reshape(reshape(x, [-1]), [-1, 4, 6]).dims == x.dims
        assert reshape(x, [x.dims[0], -1]).dims == (x.dims[0], 24)


@pytest.mark.parametrize(("shape", "message"), [
    ([5, 2], "12 values.* has 10"), ([5, -1], "12 values.* multiple of 5"), ([-1, -1], "only one size"),
    ([-2, 6], "non-negative"), ([0, -1], "undetermined")])
def test_reshape_to_what_does_not_fit_is_an_error(shape, message):
    with Graph().as_default(), pytest.raises(ShapeError, match=message):
        reshape(placeholder(float32, [3, 4]), shape)


# TensorShape


def test_tensor_shape_answers_as_tensorflows():
    shape = TensorShape([None, 3])
    assert shape.as_list() == [None, 3] and shape.rank == shape.ndims == len(shape) == 2
    assert not shape.is_fully_defined() and TensorShape([2, 3]).is_fully_defined()
    assert TensorShape([2, 3]).num_elements() == 6 and shape.num_elements() is None
    assert shape == [None, 3] and shape != [2, 3] and shape == TensorShape((None, 3))
    assert shape[1] == 3 and shape[1].value == 3 and shape[0].value is None
    assert isinstance(shape[1:], TensorShape) and shape[1:] == [3]
    assert [getattr(d, "value", None) for d in shape] == [None, 3]
    assert str(shape) == "(?, 3)" and str(TensorShape(None)) == "<unknown>"
    assert repr(shape) == "TensorShape([Dimension(None), Dimension(3)])"
    assert shape.concatenate([4]) == [None, 3, 4] and shape + [4] == [None, 3, 4] and [4] + shape == [4, None, 3]
    assert TensorShape(5) == [5] and TensorShape([Dimension(2)]) == [2]
    assert bool(TensorShape([])) and not bool(TensorShape(None))
    assert len({shape, TensorShape([None, 3])}) == 1


def test_merging_keeps_what_either_knows():
    assert TensorShape([None, 3]).merge_with([2, None]) == [2, 3]
    assert TensorShape(None).merge_with([2]) == [2] and TensorShape([2]).merge_with(None) == [2]
    assert TensorShape([None]).is_compatible_with(None) and not TensorShape([1]).is_compatible_with([1, 1])
    with pytest.raises(ValueError, match="3 and 4"):
        TensorShape([2, 3]).merge_with([2, 4])
    with pytest.raises(ValueError, match="same rank"):
        TensorShape([2, 3]).merge_with([2])


def test_rank_requirements():
    assert TensorShape(None).with_rank(2) == [None, None] and TensorShape([1]).with_rank_at_least(1) == [1]
    assert TensorShape([1]).with_rank_at_most(1) == [1]
    for refuse in (lambda s: s.with_rank(1), lambda s: s.with_rank_at_least(3), lambda s: s.with_rank_at_most(1),
                   lambda s: s.assert_has_rank(3)):
        with pytest.raises(ValueError, match="rank"):
            refuse(TensorShape([1, 2]))
    with pytest.raises(ValueError, match="not fully defined"):
        TensorShape([None]).assert_is_fully_defined()


@pytest.mark.parametrize(("dims", "error"), [([-1], ValueError), (["a"], TypeError), ([True], TypeError),
                                             ([1.5], TypeError)])
def test_what_is_no_shape_is_an_error(dims, error):
    with pytest.raises(error, match="Dimension"):
        TensorShape(dims)


@pytest.mark.parametrize("ask", [len, list, TensorShape.as_list])
def test_an_unknown_rank_has_no_sizes(ask):
    with pytest.raises(ValueError, match="unknown"):
        ask(TensorShape(None))


def test_axes():
    assert normalize_axis("Sum", -1, 3) == 2 and normalize_axis("Sum", np.int64(0), 3) == 0
    for axis in (3, -4):
        with pytest.raises(ShapeError, match=f"axis {axis} is out of range"):
            normalize_axis("Sum", axis, 3)
    with pytest.raises(TypeError, match="must be an integer"):
        normalize_axis("Sum", 1.0, 3)
    assert format_dims((2,)) == "(2,)"


def test_dims_join_lists_as_tensorflows_do():
    dims = TensorShape([2, 3]).dims
    assert dims + [1] == [2, 3, 1] and [1] + dims == [1, 2, 3]
    assert dims + (1,) == (2, 3, 1) and (1,) + dims == (1, 2, 3)
