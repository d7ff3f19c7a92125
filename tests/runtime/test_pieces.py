"""Runs that stop to look at values: shapes that depend on fed values, and ops that run in Python."""
from __future__ import annotations

import numpy as np
import pytest
from graphflow.compiler.dims import fresh
from graphflow.compiler.dtypes import int64, string, variant
from graphflow.compiler.errors import UnimplementedError
from graphflow.compiler.ir import TensorType
from graphflow.compiler.opdef import HOST, OpDef
from graphflow.compiler.ops.constant import convert_to_tensor
from graphflow.runtime.pieces import Pieces

import graphflow as tf

X = np.arange(6, dtype=np.float32).reshape(2, 3)

_nonzero = OpDef("TestNonzero", HOST, lambda inputs, attrs: [TensorType(int64, (fresh(),))],
                 reference=lambda x: np.flatnonzero(x))
_shout = OpDef("TestShout", HOST, lambda inputs, attrs: [inputs[0].type],
               reference=lambda x: np.array([v.upper() for v in x.ravel()], object).reshape(x.shape))
_count = OpDef("TestCount", HOST, lambda inputs, attrs: [TensorType(int64, ())], stateful=True,
               reference=lambda session: np.int64(session.resources.setdefault("count", []).append(0)
                                                  or len(session.resources["count"])), fields={"resource": True})


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_shapes_follow_fed_values(session):
    x, shape = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.int32, [2])
    y = tf.reshape(x, shape) * 2
    for wanted in ([3, 2], [-1, 1], [2, -1], [6, 1]):
        np.testing.assert_array_equal(session.run(y, {x: X, shape: wanted}), 2 * X.reshape(wanted))


def test_other_values_run_through_the_same_plan(session):
    n = tf.placeholder(tf.int32, [])
    runner = session.runner(tf.reduce_sum(tf.fill([n, 3], 2.0)), [n])
    assert [runner([size])[0] for size in (2, 5, 9)] == [12, 30, 54]
    pieces, _ = runner.bind(((),))
    assert isinstance(pieces, Pieces) and len(pieces.rest._plans) == 1


def test_a_loop_that_runs_in_python_is_planned_once_for_all_sizes(session):
    x = tf.placeholder(tf.float32, [None, 3])
    kept = tf.TensorArray(tf.float32, size=0, dynamic_size=True)  # grows: no plan has it
    _, rows = tf.while_loop(lambda i, a: i < tf.shape(x)[0], lambda i, a: (i + 1, a.write(i, x[i] * 2)), [0, kept])
    first = tf.concat([tf.zeros_like(x[:1]), x[:-1]], 0)  # sizes of which one is known to be 1
    runner = session.runner(tf.reduce_sum(rows.stack() + first), [x])
    for n in (4, 6, 9):
        value = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
        np.testing.assert_allclose(runner([value])[0], 2 * value.sum() + value[:-1].sum())
    plan, = {id(made): made for made in runner._plans.values()}.values()
    assert isinstance(plan, Pieces) and [op.type for op, _, _ in plan.hosts] == ["StatelessWhile"]
    assert len(plan.rest._plans) == 1


def test_a_gradient_that_needs_only_a_shape(session):
    x, shape = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.int32, [2])
    gradient, = tf.gradients(tf.reshape(x, shape) * 2, x)
    np.testing.assert_array_equal(session.run(gradient, {x: X, shape: [6, 1]}), np.full((2, 3), 2.0))


def test_what_follows_a_value_dependent_shape_is_compiled(session):
    x = tf.placeholder(tf.float32, [None])
    where = _nonzero(x)
    y = tf.reduce_sum(tf.cast(where, tf.float32) * 2)
    assert session.run(y, {x: [0, 1, 0, 2]}) == 8
    assert session.run(y, {x: [0, 0]}) == 0
    again = _nonzero(tf.cast(where, tf.float32))
    np.testing.assert_array_equal(session.run([again, where], {x: [3, 0, 2]})[0], [1])


def test_an_assignment_runs_once_and_in_its_piece(session):
    v = tf.Variable([1.0, 2.0])
    n = tf.placeholder(tf.int32, [])
    with tf.control_dependencies([tf.assign_add(v, [1.0, 1.0])]):
        total = tf.reduce_sum(tf.fill([n], 1.0))
    late = tf.assign(v, v * tf.reduce_sum(tf.fill([n], 2.0)), name="late")
    session.run(tf.global_variables_initializer())
    assert session.run(total, {n: 4}) == 4
    np.testing.assert_array_equal(session.run(v), [2, 3])
    np.testing.assert_array_equal(session.run([late, v], {n: 2})[0], [8, 12])
    np.testing.assert_array_equal(session.run(v), [8, 12])


def test_strings_are_fed_kept_and_fetched(session):
    x = tf.placeholder(tf.string, [None])
    shouted = _shout(x)
    assert session.run([shouted, x], {x: ["a", b"b"]})[0].tolist() == [b"A", b"B"]
    assert session.run(tf.constant("ü")) == "ü".encode()
    v = tf.Variable(["one", "two"])
    session.run(v.initializer)
    assert session.run(_shout(convert_to_tensor(v))).tolist() == [b"ONE", b"TWO"]
    assert v.dtype.base_dtype == string


def test_an_op_keeps_something_in_its_session(session):
    counted = _count()
    assert [session.run(counted) for _ in range(3)] == [1, 2, 3]
    assert session.run([counted, counted + 1]) == [4, 5]
    with tf.Session(graph=session.graph) as other:
        assert other.run(counted) == 1


def test_a_shape_that_cannot_be_followed(session):
    shape = tf.placeholder(tf.int32, [100])
    with pytest.raises(UnimplementedError, match="'Fill'.*test_pieces"):
        session.run(tf.fill(shape, 1.0), {shape: np.ones(100)})


def test_loops_over_strings(session):
    """map_fn to and from strings, as programs encode and decode batches of images, of sizes that only the bytes say."""
    images = tf.placeholder(tf.uint8, [None, 2, 2, 1])
    encoded = tf.map_fn(tf.image.encode_png, images, dtype=tf.string)
    decoded = tf.map_fn(lambda png: tf.image.decode_png(png, channels=1), encoded, dtype=tf.uint8)
    given = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)
    pngs, found = session.run([encoded, decoded], {images: given})
    assert pngs.shape == (3,) and all(png.startswith(b"\x89PNG") for png in pngs)
    np.testing.assert_array_equal(found, given)
    words = tf.placeholder(tf.string, [None])
    numbers = tf.map_fn(tf.string_to_number, words, dtype=tf.float32)
    assert session.run(numbers, {words: ["1", "2.5"]}).tolist() == [1, 2.5]


def test_shapes_as_longer_integers(session):
    """tf.shape and tf.size as int64, of feeds and of what only the run tells the size of."""
    x = tf.placeholder(tf.float32, [None, 2])
    rows = tf.boolean_mask(x, x[:, 0] > 0)
    found = session.run([tf.shape(x, out_type=tf.int64), tf.size(rows, out_type=tf.int64),
                         tf.sparse_to_dense(tf.constant([0], tf.int64), tf.shape(rows, out_type=tf.int64)[:1], True,
                                            default_value=False)],
                        {x: [[1, 2], [0, 3], [1, 1]]})
    assert [v.tolist() for v in found] == [[3, 2], 4, [True, False]] and found[0].dtype == np.int64


@pytest.mark.parametrize("inner_limit", [2, None])
def test_the_gradient_of_nested_loops_behind_an_assertion(session, inner_limit):
    n, m, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [None])
    limit = m if inner_limit is None else inner_limit

    def outer(i, a):
        return i + 1, tf.while_loop(lambda j, b: j < limit, lambda j, b: (j + 1, b * 2 + x), [0, a])[1]

    y = tf.while_loop(lambda i, a: i < n, outer, [0, x])[1]
    with tf.control_dependencies([tf.Assert(tf.reduce_all(y > 0), [y])]):
        loss = tf.reduce_sum(tf.square(y))
    fetches = [y, tf.gradients(loss, x)[0]]
    for value in ([1.0, 2.0], [1.0, 2.0, 3.0]):
        value = np.array(value)
        found, gradient = session.run(fetches, {n: 3, m: 2, x: value})
        np.testing.assert_allclose(found, 127 * value)
        np.testing.assert_allclose(gradient, 2 * 127 ** 2 * value)


def test_the_stacks_of_a_loop_leave_a_run_in_pieces_whole():
    """One object each, which the piece that runs the gradient is fed, not an array of what they hold."""
    x = tf.placeholder(tf.float32, [2])
    _, power = tf.while_loop(lambda i, _: tf.py_func(lambda i: i < 3, [i], tf.bool),
                             lambda i, p: (i + 1, p * x), [0, x])
    slope, = tf.gradients(power, x)
    stacks = [t for op in tf.get_default_graph().get_operations() for t in op.outputs if t.dtype == variant]
    with tf.Session() as session:
        values = session.run([*stacks, slope], {x: [1, 2]})
    assert stacks and all(v.shape == () and len(v.item()) == 3 for v in values[:-1])
    np.testing.assert_allclose(values[-1], [4, 32])


def test_a_size_that_only_what_is_behind_an_assertion_tells(session):
    x = tf.placeholder(tf.float32)
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x > -1), [x])]):
        y = tf.identity(x)
    rank = tf.rank(y)
    moved = tf.transpose(y, tf.concat([tf.range(1, rank - 1), [0], [rank - 1]], 0))
    assert session.run(moved, {x: np.ones((2, 3, 4))}).shape == (3, 2, 4)
    np.testing.assert_array_equal(session.run(tf.range(1, rank - 1), {x: np.ones((2, 3, 4, 5))}), [1, 2])


def test_a_size_is_fed_beside_a_float():
    n, rate = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [])
    y = tf.ones([n, 2]) * rate
    with tf.Session() as sess:
        for size in (3, 4):
            np.testing.assert_array_equal(sess.run(y, {n: size, rate: 0.5}), np.full([size, 2], 0.5))


def test_a_size_that_only_what_is_late_tells_is_not_told_by_what_uses_it():
    """A range as long as a TensorArray is has no need of the array's values, but cannot be made before its size is."""
    words, lengths = tf.placeholder(tf.string, [None, None]), tf.placeholder(tf.int32, [None])
    numbers = tf.string_to_number(words)
    array = tf.TensorArray(tf.float32, size=tf.shape(numbers)[0]).unstack(numbers)
    backwards = tf.reverse_sequence(array.stack(), lengths, seq_axis=1, batch_axis=0)
    with tf.Session() as session:
        found = session.run(backwards, {words: [["1", "2", "3"], ["4", "5", "6"]], lengths: [3, 2]})
    np.testing.assert_array_equal(found, [[3, 2, 1], [5, 4, 6]])


def test_sizes_of_1_that_only_a_host_op_tells_are_squeezed():
    column = tf.py_func(lambda: np.float32([[1], [2], [3]]), [], tf.float32)
    column.set_shape([None, None])
    frames = tf.contrib.signal.frame(tf.squeeze(column), 2, 1)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(tf.matmul(frames, tf.eye(2))), [[1, 2], [2, 3]])


def test_loops_over_a_size_that_is_fed():
    """Two recurrent loops in a row over a sequence of a fed length: what is early needs no size of the first."""
    length, lengths = tf.placeholder(tf.int32), tf.placeholder(tf.int32, [None])
    rows = tf.placeholder_with_default(np.eye(3, dtype=np.float32)[[0, 1, 2, 2, 1, 0]], [None, 3])
    scores = tf.reshape(rows, [-1, length, 3])
    assert scores.shape.as_list() == [None, None, 3] and tf.zeros([length, 4]).shape.as_list() == [None, 4]
    tags, _ = tf.contrib.crf.crf_decode(scores, tf.zeros([3, 3]), lengths)
    with tf.Session() as session:
        assert session.run(tags, {length: 3, lengths: [3, 2]}).tolist() == [[0, 1, 2], [2, 1, 0]]


def test_a_size_is_told_by_what_a_later_piece_is_fed():
    x = tf.placeholder(tf.int32, [None, None])
    doubled = tf.cast(x, tf.float32) * 2
    first = tf.unique(tf.reshape(x, [-1]))[0]
    second = tf.unique(tf.reshape(tf.cast(doubled, tf.int32) + first[0], [-1]))[0]
    tiled = tf.tile(tf.reshape(second[-1], [1, 1]), tf.shape(doubled))
    with tf.Session() as session:
        assert session.run(tiled, {x: np.arange(6).reshape(2, 3)}).tolist() == [[10] * 3] * 2
