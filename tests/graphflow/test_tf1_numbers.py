"""Names that TensorFlow 2 added to compat.v1, with TensorFlow's own numbers."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf


def run(*tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(tensors))


def test_arguments_that_newer_versions_put_before_the_name_may_be_names():
    x = np.float32([3, 1, 2])
    named, typed = tf.nn.top_k(x, 2, True, "best"), tf.math.top_k(x, 2, True, tf.int64)
    assert named.values.op.name == "best" and named.indices.dtype == tf.int32 and typed.indices.dtype == "int64"
    assert tf.scatter_nd([[1]], [1.0], [3], "placed").op.name == "placed"
    product = tf.matmul(np.int8([[100, 100]]), np.int8([[3], [4]]), output_type=tf.int32)
    assert run(product)[0].tolist() == [[700]]


def test_bad_indices_are_left_out_where_the_policy_says_so():
    x, at = np.float32([1, 2, 3]), [[1], [9], [-1]]
    values = run(tf.scatter_nd(at, [1.0, 2, 4], [3], "IGNORE"), tf.gather_nd(x, at, bad_indices_policy="IGNORE"),
                 *(f(x, at, np.float32([5, 7, 9]), "IGNORE") for f in (
                     tf.tensor_scatter_nd_add, tf.tensor_scatter_nd_sub, tf.tensor_scatter_nd_max,
                     tf.tensor_scatter_nd_min)))
    assert [v.tolist() for v in values] == [[0, 1, 0], [2, 0, 0], [1, 7, 3], [1, -3, 3], [1, 5, 3], [1, 2, 3]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not index into"):
        run(tf.tensor_scatter_nd_max(x, at, np.float32([5, 7, 9])))


def test_adam_makes_its_powers_in_a_scope_of_its_own_when_asked():
    x = tf.Variable(1.0, name="x")
    for _ in range(2):
        tf.train.AdamOptimizer(use_own_namescope_for_non_slot_vars=True).minimize(x * x)
    names = [v.name for v in tf.global_variables()]
    assert names == ["x:0", "Adam/beta1_power:0", "Adam/beta2_power:0", "x/Adam:0", "x/Adam_1:0",
                     "Adam_1/beta1_power:0", "Adam_1/beta2_power:0", "x/Adam_2:0", "x/Adam_3:0"]


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_transforms_over_chosen_axes_are_numpys(norm):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4)) + 1j * rng.normal(size=(2, 3, 4))
    values = run(tf.signal.fftnd(x, [3, 5], [0, 2], norm), tf.signal.ifftnd(x, norm=norm),
                 tf.signal.rfftnd(x.real, [3, 5], [1, 0], norm), tf.signal.irfftnd(x, [3, 5], [1, 0], norm),
                 tf.signal.irfftnd(x, norm=norm))
    wanted = (np.fft.fftn(x, [3, 5], [0, 2], norm), np.fft.ifftn(x, norm=norm),
              np.fft.rfftn(x.real, [3, 5], [1, 0], norm), np.fft.irfftn(x, [3, 5], [1, 0], norm),
              np.fft.irfftn(x, norm=norm))
    for value, want in zip(values, wanted, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-5)


def test_dtypes_of_few_bits_are_kept_and_cast():
    few = tf.dtypes.experimental
    values = run(tf.cast(np.float32([1.7, -2, 300]), few.float8_e4m3fn), tf.constant([1, 2], few.int4),
                 tf.cast(tf.cast([1, 5, -8, 9], few.int4), tf.int32), tf.cast(np.float32([1.7, -2, 300]), tf.quint8),
                 tf.gather(tf.cast([1, 2], tf.qint32), [1]), tf.zeros([2], tf.qint16))
    assert [v.dtype.name for v in values] == ["float8_e4m3fn", "int4", "int32", "uint8", "int32", "int16"]
    assert [v.astype(float).tolist() for v in values] == [
        [1.75, -2, 288], [1, 2], [1, 5, -8, -7], [1, 254, 44], [2], [0, 0]]
    assert tf.as_dtype(3) is tf.int32 is tf.DType(103) and tf.qint8.as_datatype_enum == 11
    assert tf.as_dtype(np.dtype([("qint8", "i1")])) is tf.qint8 and tf.qint8.as_numpy_dtype == [("qint8", "i1")]
    assert (few.int4.min, few.float8_e5m2.max, tf.float32.limits, tf.int8.limits) == (-8, 57344, (0, 1), (0, 127))
    for wrong in (lambda: tf.constant([1], tf.quint8), lambda: tf.cast([1], few.int4) + 1, lambda: tf.qint8.max):
        with pytest.raises(TypeError):
            wrong()


def test_quantized_ranges_are_checked_widened_and_given_by_axis():
    x = np.arange(-4, 4, dtype=np.float32)
    pair = [tf.quantize(x, *limits, tf.quint8) for limits in ((-1.0, 10.0), (-3.0, 4.0), (2.0, 2.0))]
    joined = tf.quantized_concat(0, *zip(*pair[:2], strict=True))
    scaled = tf.quantize_v2(x.reshape(2, 4), [-1.0, -2.0], [3.0, 4.0], tf.qint8, "SCALED", axis=0)
    values = run(pair[2], joined, scaled, tf.dequantize(scaled[0], [-1.0, -2.0], [3.0, 4.0], "SCALED", axis=0))
    assert values[0].output.tolist() == [0] * 5 + [128, 255, 255] and values[0].output_max == 2
    assert values[1].output.tolist() == [40, 40, 40, 40, 59, 78, 99, 118, 0, 0, 20, 40, 59, 79, 98, 118]
    assert (values[1].output_min, values[1].output_max) == (-3, 10)
    np.testing.assert_allclose(values[2].output_min, [-3.023622, -4.031496], rtol=1e-6)
    reals = [[-3.023622, -3, -2.007874, -0.992126], [0, 1.007874, 2.015748, 2.992126]]
    np.testing.assert_allclose(values[3], reals, rtol=1e-6)
    with pytest.raises(TypeError, match="DataType float32 not in list"):
        tf.quantize(x, -1.0, 10.0, tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_range must be >= min_range"):
        run(tf.quantize(x, 2.0, 1.0, tf.quint8).output)


def test_quantized_windows_are_those_of_the_reals():
    rng = np.random.RandomState(0)
    x, f = rng.uniform(-1, 2, (1, 4, 5, 2)).astype("f"), rng.uniform(-1, 1, (3, 2, 2, 3)).astype("f")
    a, b = tf.quantize(x, -1.0, 2.0, tf.quint8), tf.quantize(f, -1.0, 1.0, tf.quint8)
    convolved = tf.nn.quantized_conv2d(a[0], b[0], *a[1:], *b[1:], [1, 2, 2, 1], "VALID")
    pools = [pool(*a, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")[0] for pool in (
        tf.nn.quantized_avg_pool, tf.nn.quantized_max_pool)]
    values = run(convolved, *pools)
    assert convolved.output.dtype == tf.qint32 and abs(values[0].max_output - 198153.06) < 0.1
    assert values[0].output.tolist() == [[[[-43589, 761, -36794], [-37139, 35906, -31540]]]]
    assert values[1].tolist() == [[[[160, 173], [61, 156], [222, 160]], [[138, 186], [57, 180], [187, 140]]]]
    assert values[2].tolist() == [[[[202, 236], [112, 227], [246, 222]], [[250, 204], [156, 241], [241, 174]]]]


def test_approximate_top_k_misses_none_along_any_axis():
    x = np.float32([[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]])
    largest, smallest, columns = run(tf.math.approx_max_k(x, 3), tf.nn.approx_min_k(x, 2),
                                     tf.approx_top_k(x, 1, reduction_dimension=0))
    assert largest.values.tolist() == [[9, 6, 5], [8, 8, 8]] and largest.indices.tolist() == [[5, 7, 4], [3, 5, 7]]
    assert smallest.indices.tolist() == [[1, 3], [2, 6]] and columns.values.tolist() == [[3, 7, 4, 8, 5, 9, 2, 8]]


def test_sobol_points_are_tensorflows():
    points = tf.math.sobol_sample(4, 3, 3, tf.float64)
    assert points.shape == [3, 4]
    assert run(points)[0].tolist() == [[0.375, 0.375, 0.625, 0.875], [0.875, 0.875, 0.125, 0.375],
                                       [0.625, 0.125, 0.875, 0.625]]


@pytest.mark.parametrize("options, indices, values, shape", [
    ({}, [[0], [1], [2], [5]], [2, 1, 2, 1], [6]),
    ({"axis": -1}, [[0, 1], [0, 2], [1, 0], [1, 5]], [1, 2, 2, 1], [2, 6]),
    ({"axis": -1, "minlength": 9}, [[0, 1], [0, 2], [1, 0], [1, 5]], [1, 2, 2, 1], [2, 9]),
    ({"axis": -1, "maxlength": 3}, [[0, 1], [0, 2], [1, 0]], [1, 2, 2], [2, 3]),
    ({"axis": -1, "binary_output": True}, [[0, 1], [0, 2], [1, 0], [1, 5]], [1, 1, 1, 1], [2, 6]),
    ({"axis": -1, "weights": np.float32([[1, 2, 3], [4, 5, 6]])}, [[0, 1], [0, 2], [1, 0], [1, 5]], [1, 5, 11, 4],
     [2, 6])])
def test_sparse_bincount(options, indices, values, shape):
    counts, = run(tf.sparse.bincount([[1, 2, 2], [5, 0, 0]], **options))
    assert [a.tolist() for a in counts] == [indices, values, shape]
    assert counts.values.dtype == (np.float32 if "weights" in options else np.int32)


def test_sparse_bincount_of_sparse_values_and_bad_ones():
    x = tf.SparseTensor([[0, 0], [0, 3], [2, 1], [2, 2]], [4, 4, 1, 0], [4, 5])
    counts, = run(tf.sparse.bincount(x, axis=-1))
    assert [a.tolist() for a in counts] == [[[0, 4], [2, 0], [2, 1]], [2, 1, 1], [4, 5]]
    with pytest.raises(ValueError, match="axis=1. Only 0 and -1"):
        tf.sparse.bincount([1], axis=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must all be non-negative"):
        run(tf.sparse.bincount([1, -2]).values)


def test_conjugate_gradients_solve_a_batch_with_a_preconditioner():
    matrix = np.float32([[4, 1, 0], [1, 3, 1], [0, 1, 5]])
    operator = tf.linalg.LinearOperatorFullMatrix(matrix, is_self_adjoint=True, is_positive_definite=True)
    rhs = np.float32([[1, 2, 3], [0, 1, 0]])
    solve = tf.linalg.experimental.conjugate_gradient
    done, early = run(solve(operator, rhs, tf.linalg.LinearOperatorDiag(np.float32([0.25, 0.33, 0.2]))),
                      solve(operator, rhs[0], x=tf.ones([3]), max_iter=2))
    np.testing.assert_allclose(done.x, rhs @ np.linalg.inv(matrix), rtol=1e-5)
    assert (done.i, early.i) == (3, 2) and abs(early.gamma - 0.002061995) < 1e-7
    np.testing.assert_allclose(early.x, [0.14564954, 0.43287635, 0.5170354], rtol=1e-5)
    with pytest.raises(ValueError, match="self-adjoint, positive definite"):
        solve(tf.linalg.LinearOperatorFullMatrix(matrix), rhs[0])


def test_convolutions_by_rank_and_by_like_tensors():
    x, w, dy = tf.ones([1, 4, 4, 2]), tf.ones([2, 2, 2, 3]), tf.ones([1, 3, 3, 3])
    values = run(tf.conv(x, w, [1, 1, 1, 1], "VALID"), tf.conv2d_backprop_filter_v2(x, w, dy, [1, 1, 1, 1], "VALID"),
                 tf.conv2d_backprop_input_v2(x, w, dy, [1, 1, 1, 1], "VALID"),
                 tf.conv(x, w, [1, 1, 1, 1], "EXPLICIT", [0, 0, 1, 0, 0, 1, 0, 0]))
    assert [v.shape for v in values] == [(1, 3, 3, 3), (2, 2, 2, 3), (1, 4, 4, 2), (1, 4, 4, 3)]
    assert [v.sum() for v in values[:3]] == [8 * 27, 9 * 24, 27 * 8] and values[3][0, :, :, 0].tolist() == [
        [4, 4, 4, 2], [8, 8, 8, 4], [8, 8, 8, 4], [8, 8, 8, 4]]
    with pytest.raises(ValueError, match="Stride attribute should contain 4 values, but got: 2"):
        tf.conv(x, w, [1, 1], "VALID")
    assert run(tf.user_ops.my_fact()) == [b"0! == 1"]


def test_padded_suppression_takes_batches_and_sorted_boxes():
    boxes = np.float32([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1],
                        [0, 100, 1, 101]])
    scores, both = np.float32([0.9, 0.75, 0.6, 0.95, 0.5, 0.3]), np.stack([boxes, boxes[::-1]])
    padded = tf.image.non_max_suppression_padded
    values = run(padded(both, np.stack([scores] * 2), 5, score_threshold=0.4, pad_to_max_output_size=True),
                 padded(boxes, scores, 5, pad_to_max_output_size=True, sorted_input=True), padded(boxes, scores, 3))
    assert [[a.tolist() for a in pair] for pair in values] == [
        [[[3, 0, 0, 0, 0], [3, 0, 1, 0, 0]], [2, 3]], [[0, 3, 5, 0, 0], 3], [[3, 0, 5], 3]]
    with pytest.raises(ValueError, match="must be True for batched input"):
        padded(both, np.stack([scores] * 2), 5)


def test_ssim_at_each_place_has_the_mean_that_ssim_gives():
    rng = np.random.RandomState(0)
    a, b = rng.rand(1, 14, 15, 2).astype("f"), rng.rand(1, 14, 15, 2).astype("f")
    places, mean = run(tf.image.ssim(a, b, 1.0, return_index_map=True), tf.image.ssim(a, b, 1.0))
    assert places.shape == (1, 4, 5) and abs(mean[0] - -0.08613485) < 1e-5
    wanted = [-0.21401942, -0.15808283, -0.10485929, -0.06826112, -0.03217467]
    np.testing.assert_allclose(places[0, 0], wanted, atol=1e-5)


SPARSE = {"indices": [[0, 1], [1, 0], [1, 2]], "values": np.float32([3, -2, 1]), "dense_shape": [2, 3]}


def test_sparse_tensors_are_taken_where_tensorflow_takes_them():
    x = tf.SparseTensor(**SPARSE)
    same, sine, zeros = run(tf.identity(x), tf.sin(x), tf.zeros_like(x))
    assert same.values.tolist() == [3, -2, 1] and zeros.tolist() == [[0, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(sine.values, np.sin(SPARSE["values"]), rtol=1e-6)


def test_texts_are_padded_formatted_and_joined_to_ngrams_of_unknown_length():
    texts = tf.constant(["a", "", "b c"])
    values = run(tf.pad(texts, [[1, 1]], constant_values="p"), tf.pad(texts, [[0, 1]]),
                 tf.strings.format("v {}", texts),
                 tf.strings.ngrams(tf.placeholder_with_default(["a", "b", "c"], [None]), 2))
    assert [np.asarray(v, object).tolist() for v in values] == [
        [b"p", b"a", b"", b"b c", b"p"], [b"a", b"", b"b c", b""],
        b'v ["a" "" "b c"]', [b"a b", b"b c"]]


def test_shapes_that_are_known_and_sizes_that_are_not():
    logits, x = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, None])
    assert tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=logits).shape == [2]
    shifted, value = tf.signal.fftshift(x), np.arange(15.0).reshape(3, 5)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(shifted, {x: value}), np.fft.fftshift(value))


@pytest.mark.parametrize("build, error", [
    (lambda: tf.cumsum(tf.ones([2]), 5), tf.errors.InvalidArgumentError),
    (lambda: tf.nn.softmax(tf.ones([2]), 5), tf.errors.InvalidArgumentError),
    (lambda: run(tf.reverse_sequence(tf.ones([2, 3]), [4, 1], 1)), tf.errors.InvalidArgumentError),
    (lambda: tf.setdiff1d([[1]], [[1]]), ValueError),
    (lambda: tf.cast("a", tf.float32), tf.errors.UnimplementedError),
    (lambda: tf.signal.rfft([1j]), ValueError),
    (lambda: tf.sparse.reshape(tf.SparseTensor(**SPARSE), [4]), ValueError),
    (lambda: tf.sparse.add(tf.SparseTensor(**SPARSE), tf.SparseTensor([[0, 0]], [1.0], [3, 3])), ValueError),
    (lambda: tf.convert_to_tensor([tf.constant(1.0), tf.constant(2)]), TypeError),
])
def test_errors_have_tensorflows_classes(build, error):
    with pytest.raises(error):
        build()


@pytest.mark.parametrize("build, expected", [
    (lambda x: tf.nn.top_k(x, 2).values, [[0, 0, 1, 1]] * 3),
    (lambda x: tf.unsorted_segment_sum(x, [0, 1, 0], 2), [[1] * 4] * 3),
    (lambda x: tf.unsorted_segment_max(x, [0, 1, 1], 2), [[1] * 4, [0] * 4, [1] * 4]),
])
def test_gradients_of_tensors_whose_rank_only_the_run_tells(build, expected):
    x = tf.placeholder(tf.float32, None)
    with tf.Session() as session:
        found = session.run(tf.gradients(build(x), x)[0], {x: np.arange(12.0).reshape(3, 4)})
    assert found.tolist() == expected


def test_means_of_whole_numbers_are_rounded_towards_zero():
    x = np.int32([1, 2, -1, -2, -3, -4, 5])
    assert run(tf.segment_mean(x, [0, 0, 1, 1, 2, 2, 3]))[0].tolist() == [1, -1, -3, 5]


def test_constants_of_shapes_without_elements():
    empty = run(tf.constant(1.0, shape=[0, 3]), tf.constant_initializer(0.1)([2, 0]))
    assert [a.shape for a in empty] == [(0, 3), (2, 0)]


def test_fake_quantization_by_limits_that_are_still_zero():
    x = tf.constant([-1.0, 0.0, 2.0])
    low, high = tf.constant(0.0), tf.constant(0.0)
    y = tf.fake_quant_with_min_max_vars(x, low, high)
    values, *slopes = run(y, *tf.gradients(y, [x, low, high], np.float32([3, 4, 5])))
    assert values.tolist() == [0, 0, 0] and [s.tolist() for s in slopes] == [[3, 4, 5], 0, 0]


def test_quantization_of_a_range_below_zero_by_an_unsigned_type():
    q = tf.quantize(np.float32([-1, 2]), -3.0, 0.0, tf.quint8, mode="SCALED")
    assert run(tf.bitcast(q.output, tf.uint8))[0].tolist() == [0, 255]
