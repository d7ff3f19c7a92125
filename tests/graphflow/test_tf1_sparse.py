"""Sparse tensors against the dense ones they stand for."""
from __future__ import annotations

import functools

import numpy as np
import pytest

import graphflow as tf

INDICES = np.array([[0, 1], [1, 0], [1, 2]])
A = np.array([[0, 5, 0], [7, 0, 6]], np.float32)


def run(fetches, feeds=None):
    with tf.Session() as session:
        return session.run(fetches, feeds)


def sparse(values=(5.0, 7.0, 6.0), indices=INDICES, shape=(2, 3)):
    return tf.SparseTensor(indices, tf.constant(values), shape)


def dense(sp):
    """The values of a sparse tensor made dense, by NumPy."""
    value = run(sp)
    result = np.zeros(value.dense_shape, value.values.dtype)
    result[tuple(value.indices.T)] = value.values
    return result


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_is_fetched_and_fed_by_its_parts():
    fed = tf.sparse_placeholder(tf.float32, name="sp")
    assert (fed.values.name, fed.indices.name, fed.dense_shape.name) == ("sp/values:0", "sp/indices:0", "sp/shape:0")
    value = tf.SparseTensorValue(INDICES, [1.0, 2.0, 3.0], [2, 3])
    for feed in (value, tuple(value)):
        back, made = run([fed, tf.sparse_tensor_to_dense(fed)], {fed: feed})
        assert isinstance(back, tf.SparseTensorValue)
        np.testing.assert_array_equal(back.indices, INDICES)
        np.testing.assert_array_equal(back.dense_shape, [2, 3])
        np.testing.assert_array_equal(made, [[0, 1, 0], [2, 0, 3]])
    shaped = tf.sparse_placeholder(tf.float32, shape=tf.constant([2, 3], tf.int64))  # as graph networks make them
    assert shaped.shape.as_list() == [2, 3] and shaped.indices.shape.as_list() == [None, 2]
    np.testing.assert_array_equal(run([tf.sparse_tensor_to_dense(shaped)], {shaped: value})[0], made)
    with tf.Session() as session:
        assert sparse().eval(session=session).values.tolist() == [5, 7, 6]
    assert sparse().get_shape().as_list() == [2, 3] and tf.sparse_placeholder(tf.int32, [2, 3]).shape.as_list() == [
        2,
        3,
    ]


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError):
        tf.SparseTensor(INDICES, [1.0, 2.0], [2, 3])
    with pytest.raises(TypeError, match="to_dense"):
        tf.convert_to_tensor(sparse())
    for indices, problem in (([[1, 0], [0, 1]], "out of order"), ([[0, 1], [0, 1]], "repeated"),
                             ([[0, 1], [2, 0]], "out of bounds")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=problem):
            run(tf.sparse_to_dense(indices, [2, 2], [1.0, 2.0]))


def test_structure():
    sp = sparse()
    np.testing.assert_array_equal(dense(tf.sparse_reshape(sp, [3, -1])), A.reshape(3, 2))
    np.testing.assert_array_equal(dense(tf.sparse_transpose(sp)), A.T)
    np.testing.assert_array_equal(dense(tf.sparse_slice(sp, [0, 1], [2, 2])), A[:, 1:])
    first, second = tf.sparse_split(sp_input=sp, num_split=2, axis=1)
    np.testing.assert_array_equal(dense(first), A[:, :2])
    np.testing.assert_array_equal(dense(second), A[:, 2:])
    for axis in (0, 1):
        np.testing.assert_array_equal(dense(tf.sparse_concat(axis, [sp, sp])), np.concatenate([A, A], axis))
    np.testing.assert_array_equal(dense(tf.sparse_retain(sp, [True, False, True])), A * (A != 7))
    np.testing.assert_array_equal(dense(tf.sparse.expand_dims(sp, 1)), A[:, None])
    np.testing.assert_array_equal(dense(tf.sparse_reset_shape(sp, [3, 4])), np.pad(A, ((0, 1), (0, 1))))
    np.testing.assert_array_equal(dense(tf.sparse_reset_shape(sparse(shape=(9, 9)))), A)
    np.testing.assert_array_equal(dense(tf.sparse.from_dense(A)), A)
    np.testing.assert_array_equal(dense(tf.sparse.eye(2, 3)), np.eye(2, 3))
    shuffled = tf.sparse_reorder(sparse(indices=INDICES[[2, 0, 1]]))
    np.testing.assert_array_equal(run(shuffled).indices, INDICES)
    filled, empty = tf.sparse_fill_empty_rows(tf.sparse_reset_shape(sp, [4, 3]), -1.0)
    np.testing.assert_array_equal(dense(filled), np.concatenate([A, [[-1, 0, 0], [-1, 0, 0]]]))
    assert run(empty).tolist() == [False, False, True, True]


def test_arithmetic():
    sp = sparse()
    np.testing.assert_array_equal(dense(sp * [[2.0, 3.0, 4.0]]), A * [2, 3, 4])
    np.testing.assert_array_equal(dense(sp / 2.0), A / 2)
    np.testing.assert_array_equal(run(tf.sparse_add(sp, np.ones((2, 3), np.float32))), A + 1)
    fed = tf.sparse_placeholder(tf.float32)  # of no rank
    np.testing.assert_array_equal(run(tf.sparse_add(fed, np.ones((2, 3), np.float32)), {fed: run(sp)}), A + 1)
    other = tf.SparseTensor([[0, 0], [1, 2]], [1.0, -6.0], [2, 3])
    np.testing.assert_array_equal(dense(tf.sparse_add(sp, other)), A + [[1, 0, 0], [0, 0, -6]])
    assert len(run(tf.sparse_add(sp, other, thresh=0.5)).values) == 3
    np.testing.assert_array_equal(dense(tf.sparse_maximum(sp, other)), np.maximum(A, [[1, 0, 0], [0, 0, -6]]))
    np.testing.assert_array_equal(dense(tf.sparse_minimum(sp, other)), np.minimum(A, [[1, 0, 0], [0, 0, -6]]))


@pytest.mark.parametrize("axis", [None, 0, 1, [0, 1]])
@pytest.mark.parametrize("keep", [False, True])
def test_reductions(axis, keep):
    axes = tuple(axis) if isinstance(axis, list) else axis
    np.testing.assert_array_equal(run(tf.sparse_reduce_sum(sparse(), axis, keep)), A.sum(axes, keepdims=keep))
    np.testing.assert_array_equal(run(tf.sparse_reduce_max(sparse(), axis, keep)), A.max(axes, keepdims=keep))
    if isinstance(axis, int):
        np.testing.assert_array_equal(dense(tf.sparse_reduce_sum_sparse(sparse(), axis, keep)),
                                      A.sum(axes, keepdims=keep))


def test_softmax():
    powers = np.where(A != 0, np.exp(A), 0)
    np.testing.assert_allclose(dense(tf.sparse_softmax(sparse())), powers / powers.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("adjoint_a", [False, True])
@pytest.mark.parametrize("adjoint_b", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_matmul_and_its_gradients(adjoint_a, adjoint_b, known):
    b = np.arange(8, dtype=np.float32).reshape(2, 4) if adjoint_a else np.arange(12, dtype=np.float32).reshape(3, 4)
    b = b.T if adjoint_b else b
    values, right = tf.constant([5.0, 7.0, 6.0]), tf.constant(b)
    shape = tf.constant([2, 3], tf.int64) if known else tf.placeholder(tf.int64, [2])
    sp = tf.SparseTensor(INDICES, values, shape)
    product = tf.sparse_tensor_dense_matmul(sp, right, adjoint_a, adjoint_b)
    feeds = {} if known else {shape: [2, 3]}
    value, *gradients = run([product, *tf.gradients(tf.square(product), [values, right])], feeds)
    left, other = (A.T if adjoint_a else A), (b.T if adjoint_b else b)
    wanted = left @ other
    np.testing.assert_allclose(value, wanted)
    g_a, g_b = 2 * wanted @ other.T, left.T @ (2 * wanted)
    np.testing.assert_allclose(gradients[0], (g_a.T if adjoint_a else g_a)[tuple(INDICES.T)])
    np.testing.assert_allclose(gradients[1], g_b.T if adjoint_b else g_b)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_embedding_lookup_sparse(combiner, weighted):
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([1, 3, 0], tf.int64), [2, 2])
    weights = tf.SparseTensor(ids.indices, [0.5, 2.0, 3.0], ids.dense_shape) if weighted else None
    params = tf.constant(table)
    rows = tf.nn.embedding_lookup_sparse(params, ids, weights, combiner=combiner)
    value, gradient = run([rows, tf.convert_to_tensor(tf.gradients(rows, params)[0])])
    w = np.array([[0, 0.5, 0, 2], [3, 0, 0, 0]]) if weighted else np.array([[0, 1, 0, 1], [1, 0, 0, 0]])
    norm = {"sum": 1, "mean": w.sum(1, keepdims=True), "sqrtn": np.sqrt((w ** 2).sum(1, keepdims=True))}[combiner]
    np.testing.assert_allclose(value, w / norm @ table, rtol=1e-6)
    np.testing.assert_allclose(gradient, np.repeat((w / norm).sum(0)[:, None], 3, 1), rtol=1e-6)


def test_safe_embedding_lookup_sparse():
    table = np.arange(1, 13, dtype=np.float32).reshape(4, 3)
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, -1, 3], tf.int64), [4, 2])
    value, filled = run([tf.nn.safe_embedding_lookup_sparse([table], ids),
                         tf.nn.safe_embedding_lookup_sparse([table], ids, default_id=2)])
    np.testing.assert_array_equal(value, [table[1], [0] * 3, table[3], [0] * 3])
    np.testing.assert_array_equal(filled, [table[1], table[2], table[3], table[2]])


def test_merge_and_indicator():
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([3, 1, 0], tf.int64), [2, 2])
    values = tf.SparseTensor(ids.indices, [0.5, 1.5, 2.5], ids.dense_shape)
    np.testing.assert_array_equal(dense(tf.sparse_merge(ids, values, 4)), [[0, 1.5, 0, 0.5], [2.5, 0, 0, 0]])
    np.testing.assert_array_equal(run(tf.sparse_to_indicator(ids, 4)), [[False, True, False, True],
                                                                       [True, False, False, False]])


def test_sets():
    a, b = tf.constant([[1, 2, 2], [9, 8, 8]]), tf.constant([[2, 5], [8, 8]])
    for function, rows in ((tf.sets.intersection, [[2], [8]]), (tf.sets.union, [[1, 2, 5], [8, 9]]),
                           (tf.sets.difference, [[1], [9]])):
        value = run(function(a, b))
        assert value.values.tolist() == [v for row in rows for v in row]
        assert value.dense_shape.tolist() == [2, max(map(len, rows))]
        assert run(tf.sets.size(function(a, b))).tolist() == [len(row) for row in rows]


def test_edit_distance():
    def words(rows):
        at = [(0, i, j) for i, row in enumerate(rows) for j in range(len(row))]
        return tf.SparseTensor(np.array(at).reshape(-1, 3), [c for row in rows for c in row], [1, len(rows), 8])

    hypothesis, truth = words(["kitten", "ab", "", "x"]), words(["sitting", "ab", "", ""])
    np.testing.assert_allclose(run(tf.edit_distance(hypothesis, truth, normalize=False)), [[3, 0, 0, 1]])
    np.testing.assert_allclose(run(tf.edit_distance(hypothesis, truth)), [[3 / 7, 0, 0, np.inf]])


def test_sparse_mask():
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [3.0]]), tf.constant([12, 26, 37]), [40, 1])
    masked = run(tf.sparse_mask(slices, [12, 37]))
    assert masked.indices.tolist() == [26] and masked.values.tolist() == [[2.0]]


def test_a_run_in_pieces_gives_the_op_in_python_a_constant_that_is_fetched_too():
    sparse = tf.SparseTensor(np.array([[0, 1], [1, 0]], np.int64), tf.constant([1., 2.]), np.array([3, 2], np.int64))
    filled, empty = tf.sparse_fill_empty_rows(sparse, 7.)
    with tf.Session() as session:
        got, rows = session.run([filled, empty])
    assert got.indices.tolist() == [[0, 1], [1, 0], [2, 0]] and got.values.tolist() == [1, 2, 7]
    assert got.dense_shape.tolist() == [3, 2] and rows.tolist() == [False, False, True]


def test_placeholders_of_unknown_rank_and_functions_that_keep_zeros():
    indices, values, shape = tf.placeholder(tf.int64), tf.placeholder(tf.float32), tf.placeholder(tf.int64)
    x = tf.SparseTensor(indices, values, shape)
    fed = {indices: [[0, 0], [1, 2], [1, 3]], values: [1, -4, 9], shape: [2, 4]}
    column = tf.constant([[2.0], [3.0]])
    with tf.Session() as session:
        run = functools.partial(session.run, feed_dict=fed)
        np.testing.assert_array_equal(run(x * column).values, [2, -12, 27])
        np.testing.assert_allclose(run(tf.sparse_softmax(x)).values, [1, 2.26032e-06, 0.99999774], rtol=1e-5)
        np.testing.assert_array_equal(run(tf.abs(x)).values, [1, 4, 9])
        np.testing.assert_array_equal(run(tf.sqrt(tf.square(x))).values, [1, 4, 9])
        np.testing.assert_array_equal(run(tf.nn.embedding_lookup_sparse(tf.eye(10), tf.cast(tf.abs(x), tf.int64), None,
                                                                        combiner="sum")),
                                      [np.eye(10)[1], np.eye(10)[4] + np.eye(10)[9]])
        assert run([tf.rank(x), tf.size(x)]) == [2, 8] and run(tf.shape(x)).tolist() == [2, 4]
    with pytest.raises(TypeError, match="sparse.to_dense"):
        tf.exp(x)  # of the zeros would be 1


def test_sparse_placeholders_of_no_shape_are_reduced_moved_and_joined():
    sp, dense = tf.sparse_placeholder(tf.float32), np.array([[0, 1, 0], [-5, 0, 2]], np.float32)
    fed = {sp: tf.SparseTensorValue([[0, 1], [1, 0], [1, 2]], [1.0, -5.0, 2.0], [2, 3])}
    axes = [(a, k) for a in (0, -1, [0, 1], None) for k in (False, True)]
    total = tf.sparse_reduce_sum(sp, 1)
    moved, joined = tf.sparse_transpose(sp), tf.sparse_concat(1, [sp, sp])
    with tf.Session() as session:
        sums = session.run([tf.sparse_reduce_sum(sp, a, keep_dims=k) for a, k in axes], fed)
        for (a, k), found in zip(axes, sums, strict=True):
            np.testing.assert_allclose(found, dense.sum(tuple(a) if isinstance(a, list) else a, keepdims=k))
        assert session.run(tf.gradients(total * [1.0, 10.0], sp.values)[0], fed).tolist() == [1, 10, 10]
        assert session.run(tf.gradients(moved.values * [1.0, 2.0, 3.0], sp.values)[0], fed).tolist() == [2, 1, 3]
        found = session.run([tf.sparse_tensor_to_dense(moved), tf.sparse_tensor_to_dense(joined)], fed)
    assert (found[0] == dense.T).all() and (found[1] == np.hstack([dense, dense])).all()


@pytest.mark.parametrize(("axis", "indices", "values"), [
    (None, [[0, 0]], [18.0]), (0, [[0, 0], [0, 1], [0, 2]], [7.0, 5.0, 6.0]), (1, [[0, 0], [1, 0]], [5.0, 13.0])])
def test_sparse_sums_that_keep_their_axes(axis, indices, values):
    total = run(tf.sparse_reduce_sum_sparse(sparse(), axis, keepdims=True))
    assert total.indices.tolist() == indices and total.values.tolist() == values
