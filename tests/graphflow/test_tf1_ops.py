"""Math, arrays, convolution, nn and clipping under TensorFlow 1's names and arguments."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

X = np.array([[1.0, -2.0, 3.0], [0.0, 5.0, -6.0]], np.float32)
CUBE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(("build", "expected"), [
    # arguments under their old names
    (lambda: tf.reduce_sum(X, 1, keep_dims=True), X.sum(1, keepdims=True)),
    (lambda: tf.reduce_mean(X, reduction_indices=[1]), X.mean(1)),
    (lambda: tf.argmax(X, dimension=1), [2, 1]),
    (lambda: tf.arg_min(X, 0), [1, 0, 1]),
    (lambda: tf.nn.softmax(X, dim=0), np.exp(X) / np.exp(X).sum(0)),
    (lambda: tf.expand_dims(X, dim=0), X[None]),
    (lambda: tf.squeeze(X[:, :1], squeeze_dims=[1]), X[:, 0]),
    (lambda: tf.count_nonzero(X, keep_dims=True), [[5]]),
    # arithmetic
    (lambda: tf.div(tf.constant([7, -7]), 2), [3, -4]),
    (lambda: tf.div(tf.constant([7.0]), 2), [3.5]),
    (lambda: tf.divide(tf.constant([7, -7]), 2), [3.5, -3.5]),
    (lambda: tf.div_no_nan([1.0, 2.0], [0.0, 4.0]), [0, 0.5]),
    (lambda: tf.add_n([X, X, X]), 3 * X),
    (lambda: tf.add_n([X]), X),
    (lambda: tf.scalar_mul(2, X), 2 * X),
    (lambda: tf.round([0.5, 1.5, -2.5]), [0, 2, -2]),
    (lambda: tf.round([3]), [3]),
    (lambda: tf.saturate_cast([300.0, -5.0, 7.0], tf.uint8), [255, 0, 7]),
    (lambda: tf.to_int32([1.7, -1.7]), [1, -1]),
    (lambda: tf.linspace(0.0, 1.0, 5), [0, 0.25, 0.5, 0.75, 1]),
    (lambda: tf.linspace(2.0, 9.0, 1), [2]),
    (lambda: tf.log_sigmoid([0.0, -100.0]), [-np.log(2), -100]),
    (lambda: tf.math.xlogy([0.0, 2.0], [0.0, np.e]), [0, 2]),
    (lambda: tf.math.reduce_std(X, 0), X.std(0)),
    (lambda: tf.math.reduce_variance(X), X.var()),
    (lambda: tf.math.zero_fraction(X), 1 / 6),
    (lambda: tf.norm(X), np.linalg.norm(X)),
    (lambda: tf.norm(X, ord=1, axis=1), np.abs(X).sum(1)),
    (lambda: tf.norm(X, ord=np.inf, axis=0), np.abs(X).max(0)),
    (lambda: tf.norm(X, ord=3, axis=1), (np.abs(X) ** 3).sum(1) ** (1 / 3)),
    (lambda: tf.norm(X, ord=1, axis=[0, 1]), np.linalg.norm(X, 1)),
    (lambda: tf.norm(X, ord=np.inf, axis=[0, 1]), np.linalg.norm(X, np.inf)),
    (lambda: tf.matmul(X, X, adjoint_b=True), X @ X.T),
    # selection
    (lambda: tf.where(X > 0, X, -X), np.abs(X)),
    (lambda: tf.where([True, False], X, -X), [X[0], -X[1]]),
    # arrays
    (lambda: tf.zeros([2, tf.shape(tf.constant(X))[1]]), np.zeros((2, 3))),
    (lambda: tf.ones_like(X, dtype=tf.int32), np.ones((2, 3))),
    (lambda: tf.zeros([40, 50]), np.zeros((40, 50))),
    (lambda: tf.eye(2, 3, batch_shape=[2]), [np.eye(2, 3)] * 2),
    (lambda: tf.one_hot([1, -1], 3), [[0, 1, 0], [0, 0, 0]]),
    (lambda: tf.sequence_mask([1, 3]), [[True, False, False], [True] * 3]),
    (lambda: tf.sequence_mask([1, 0], 2, tf.float32), [[1, 0], [0, 0]]),
    (lambda: tf.rank(X), 2),
    (lambda: tf.size(X), 6),
    (lambda: tf.shape(X), [2, 3]),
    (lambda: tf.matrix_transpose(CUBE), CUBE.swapaxes(1, 2)),
    (lambda: tf.strided_slice(CUBE, [0, 1], [2, 3]), CUBE[0:2, 1:3]),
    (lambda: tf.strided_slice(CUBE, [1, 0, 3], [2, 0, 0], [1, 1, -2], begin_mask=2, end_mask=6, shrink_axis_mask=1),
     CUBE[1, :, 3::-2]),
    (lambda: tf.strided_slice(CUBE, [0, 0, 1], [0, 0, 3], ellipsis_mask=1, new_axis_mask=2), CUBE[..., None, 1:3]),
    (lambda: tf.slice(CUBE, [0, 1, 0], [-1, 2, 1]), CUBE[:, 1:3, :1]),
    (lambda: tf.pad(X, [[0, 1], [2, 0]], constant_values=7), np.pad(X, [[0, 1], [2, 0]], constant_values=7)),
    (lambda: tf.pad(X, [[1, 0], [2, 1]], "REFLECT"), np.pad(X, [[1, 0], [2, 1]], "reflect")),
    (lambda: tf.roll(CUBE, [1, -2], [0, 2]), np.roll(CUBE, [1, -2], [0, 2])),
    (lambda: tf.gather(X, [2, 0], axis=1), X[:, [2, 0]]),
    (lambda: tf.stack(tf.unstack(CUBE, axis=1), axis=1), CUBE),
    (lambda: tf.concat(tf.split(CUBE, [1, -1], axis=2), -1), CUBE),
    (lambda: tf.meshgrid([1, 2], [3, 4, 5])[1], np.meshgrid([1, 2], [3, 4, 5])[1]),
    (lambda: tf.meshgrid([1, 2], [3, 4, 5], indexing="ij")[0], np.meshgrid([1, 2], [3, 4, 5], indexing="ij")[0]),
    (lambda: tf.depth_to_space(tf.space_to_depth(CUBE.reshape(1, 2, 4, 3), 2), 2), CUBE.reshape(1, 2, 4, 3)),
    (lambda: tf.space_to_depth(np.arange(4.0).reshape(1, 2, 2, 1), 2), [[[[0, 1, 2, 3]]]]),
    # nn
    (lambda: tf.nn.leaky_relu(X, 0.5), np.where(X > 0, X, X / 2)),
    (lambda: tf.nn.crelu(X), np.concatenate([np.maximum(X, 0), np.maximum(-X, 0)], 1)),
    (lambda: tf.nn.swish(X), X / (1 + np.exp(-X))),
    (lambda: tf.nn.bias_add(CUBE, [1.0, 2, 3], data_format="NC..."), CUBE + np.array([1, 2, 3])[:, None]),
    (lambda: tf.nn.xw_plus_b(X, np.ones((3, 2), np.float32), [1.0, 2.0]), X @ np.ones((3, 2)) + [1, 2]),
    (lambda: tf.nn.l2_loss(X), (X * X).sum() / 2),
    (lambda: tf.nn.l2_normalize(X, 1), X / np.linalg.norm(X, axis=1, keepdims=True)),
    (lambda: tf.nn.moments(CUBE, [0, 1])[1], CUBE.var((0, 1))),
    (lambda: tf.nn.moments(CUBE, [0, 2], keep_dims=True)[0], CUBE.mean((0, 2), keepdims=True)),
    (lambda: tf.nn.in_top_k(X, [0, 1], 2), [True, True]),
    (lambda: tf.nn.in_top_k(X, [1, 2], 1), [False, False]),
    (lambda: tf.nn.batch_normalization(X, 1.0, 4.0, 3.0, 2.0, 0.0), (X - 1) + 3),
    (lambda: tf.nn.embedding_lookup(X, [[1], [0]]), X[[[1], [0]]]),
    (lambda: tf.nn.embedding_lookup([X, X[:1] + 10], [0, 1, 2]), [X[0], X[0] + 10, X[1]]),
    (lambda: tf.nn.embedding_lookup([X, X[:1] + 10], [0, 1, 2], "div"), [X[0], X[1], X[0] + 10]),
    (lambda: tf.nn.embedding_lookup(np.array([[3.0, 4.0], [0.3, 0.4]]), [0, 1], max_norm=1.0),
     [[0.6, 0.8], [0.3, 0.4]]),
    (lambda: tf.linspace([0, 10], [4, 20], 3), [[0, 10], [2, 15], [4, 20]]),
    (lambda: tf.reduce_mean([-3, -4]), -3),
    (lambda: tf.angle([1.0, -2.0]), [0, np.pi]),
    (lambda: tf.norm(tf.constant([3 + 4j])), 5),
    (lambda: tf.atan2(y=1.0, x=2.0), np.arctan2(1, 2)),
    (lambda: tf.pad([[1, 2]], [[0, tf.placeholder_with_default(2, [])], [1, 0]], constant_values=7),
     [[7, 1, 2], [7, 7, 7], [7, 7, 7]]),
    (lambda: tf.pad([1, 2, 3], [[tf.placeholder_with_default(2, []), 1]], "REFLECT"), [3, 2, 1, 2, 3, 2]),
    # clipping
    (lambda: tf.clip_by_value(X, -1.0, 2.0), np.clip(X, -1, 2)),
    (lambda: tf.clip_by_norm([3.0, 4.0], 1.0), [0.6, 0.8]),
    (lambda: tf.clip_by_norm([[3.0, 4.0], [0.0, 0.0]], 1.0, axes=[1]), [[0.6, 0.8], [0, 0]]),
    (lambda: tf.clip_by_average_norm([3.0, 4.0], 1.0), [1.2, 1.6]),
    (lambda: tf.global_norm([[3.0], None, [4.0]]), 5),
    (lambda: tf.clip_by_global_norm([[3.0], None, [4.0]], 10.0)[0][2], [4]),
])
def test_value(sess, build, expected):
    np.testing.assert_allclose(sess.run(build()), expected, rtol=1e-5, atol=1e-6)


def test_unknown_sizes(sess):
    x = tf.placeholder(tf.float32, [None, 3])
    outputs = [tf.zeros_like(x), tf.shape(x), tf.size(x), tf.rank(x), tf.reduce_mean(x), tf.nn.moments(x, [0])[0],
               tf.where(x[:, 0] > 0, x, -x), tf.zeros([tf.shape(x)[0], 2])]
    zeros, shape, size, rank, mean, mean0, chosen, padded = sess.run(outputs, {x: X})
    assert (zeros.shape, list(shape), size, rank, padded.shape) == ((2, 3), [2, 3], 6, 2, (2, 2))
    np.testing.assert_allclose(mean, X.mean(), rtol=1e-6)
    np.testing.assert_allclose(mean0, X.mean(0), rtol=1e-6)
    np.testing.assert_allclose(chosen, [X[0], -X[1]])


@pytest.mark.parametrize(("build", "error", "text"), [
    (lambda: tf.reduce_sum(X, axis=1, reduction_indices=1), ValueError, "both 'reduction_indices' and 'axis'"),
    (lambda: tf.nn.conv2d(CUBE[None], filter=X, filters=X, padding="SAME"), ValueError, "both 'filters' and 'filter'"),
    (lambda: tf.where(X > 0, X), ValueError, "both be non-None"),
    (lambda: tf.add_n([]), ValueError, "at least one"),
    (lambda: tf.add_n([X, X[0]]), ValueError, "shapes must be equal"),
    (lambda: tf.scalar_mul(X, X), ValueError, "Only scalar multiply works"),
    (lambda: tf.matmul(X, X, transpose_b=True, adjoint_b=True), ValueError, "transpose_b and adjoint_b"),
    (lambda: tf.norm(X, "fro"), ValueError, "matrix norm"),
    (lambda: tf.norm(X, -1), ValueError, "supported vector norm"),
    (lambda: tf.linspace(0.0, 1.0, 0), ValueError, "Requires num > 0"),
    (lambda: tf.range(3, 1), ValueError, "Requires start <= limit"),
    (lambda: tf.stack([X, X[0]]), ValueError, "equal rank, but are 2 and 1"),
    (lambda: tf.reduce_sum(X, 2), ValueError, "Invalid reduction dimension 2 for input with 2 dimensions"),
    (lambda: tf.constant([1, 2], shape=[3, 2], verify_shape=True), TypeError, "Expected Tensor's shape"),
    (lambda: tf.meshgrid([1], [2], indexing="yx"), ValueError, "indexing"),
    (lambda: tf.nn.softmax_cross_entropy_with_logits(X, X), ValueError, "with named arguments"),
    (lambda: tf.nn.sigmoid_cross_entropy_with_logits(logits=X), ValueError, "must be provided"),
    (lambda: tf.nn.softmax_cross_entropy_with_logits(labels=X[:, :2], logits=X), ValueError, "same shape"),
    (lambda: tf.nn.weighted_cross_entropy_with_logits(X, X[0], 1.0), ValueError, "same shape"),
    (lambda: tf.nn.bias_add(X, X), ValueError, "must be a vector"),
    (lambda: tf.nn.bias_add(X, [1.0, 2.0]), ValueError, "are 3 and 2"),
    (lambda: tf.nn.bias_add(X, [1.0] * 3, "XY"), ValueError, "data_format"),
    (lambda: tf.nn.embedding_lookup([], [0]), ValueError, "at least one param"),
    (lambda: tf.nn.embedding_lookup(X, [0], "hash"), ValueError, "partition strategy"),
    (lambda: tf.nn.conv2d(CUBE, CUBE, padding="SAME"), ValueError, "rank 4"),
    (lambda: tf.nn.conv2d(X, X, [2, 1, 1, 1], "SAME"), ValueError, "batch and depth"),
    (lambda: tf.nn.conv2d(X, X, padding="SAME", data_format="CHWN"), ValueError, "'NHWC' or 'NCHW'"),
    (lambda: tf.nn.dropout(X, 0.5, rate=0.5), ValueError, "Only one of keep_prob and rate"),
    (lambda: tf.nn.dropout(X), ValueError, "must provide a rate"),
    (lambda: tf.nn.dropout(X, rate=1.5), ValueError, r"range \[0, 1\)"),
    (lambda: tf.nn.dropout(X, rate=tf.constant([0.5])), ValueError, "rate must be a scalar"),
    (lambda: tf.nn.dropout([1, 2], 0.5), ValueError, "floating point"),
    (lambda: tf.clip_by_value(X[0], X, X), ValueError, "change the shape"),
    (lambda: tf.clip_by_global_norm(X[0], 1.0), TypeError, "must be a list"),
    (lambda: tf.global_norm([None]), ValueError, "at least one"),
    (lambda: tf.random_uniform([2], 0, dtype=tf.int32), ValueError, "Must specify maxval"),
    (lambda: tf.multinomial(X[0], 2), ValueError, "rank 2"),
    (lambda: tf.train.exponential_decay(0.1, None, 1, 1), ValueError, "global_step is required"),
    (lambda: tf.train.piecewise_constant(1, [1], [1.0]), ValueError, "boundaries"),
])
def test_error(build, error, text):
    with pytest.raises(error, match=text):
        build()


IMAGES = np.random.default_rng(0).standard_normal((2, 7, 6, 3)).astype(np.float32)
FILTER = np.random.default_rng(1).standard_normal((3, 2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("padding", ["SAME", "VALID", [[0, 0], [1, 0], [2, 1], [0, 0]]])
@pytest.mark.parametrize("op", ["conv2d", "max_pool", "avg_pool"])
def test_channels_first_images(sess, op, padding):
    def build(x, layout):
        across = [1, 2, 1, 1] if layout == "NHWC" else [1, 1, 2, 1]
        pads = padding if layout == "NHWC" or isinstance(padding, str) else [padding[a] for a in (0, 3, 1, 2)]
        if op == "conv2d":
            return tf.nn.conv2d(x, FILTER, across, pads, data_format=layout)
        return getattr(tf.nn, op)(x, [1, 3, 3, 1] if layout == "NHWC" else [1, 1, 3, 3], across, pads, layout)
    last, first = sess.run([build(IMAGES, "NHWC"), build(IMAGES.transpose(0, 3, 1, 2), "NCHW")])
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), last, rtol=1e-5, atol=1e-5)


def test_transposed_convolution_is_the_gradient_of_convolution(sess):
    x = tf.constant(IMAGES)
    y = tf.nn.conv2d(x, FILTER, [1, 2, 2, 1], "SAME")
    seed = tf.constant(np.random.default_rng(2).standard_normal(y.shape.as_list()).astype(np.float32))
    expected, = tf.gradients(y, x, seed)
    for output_shape in (IMAGES.shape, tf.shape(x)):
        spread = tf.nn.conv2d_transpose(seed, FILTER, output_shape, [1, 2, 2, 1])
        assert spread.shape.as_list() == list(IMAGES.shape)
        np.testing.assert_allclose(*sess.run([spread, expected]), rtol=1e-5)


def test_series_are_images_of_height_one(sess):
    series, taps = IMAGES[:, 0], FILTER[0]
    images = tf.nn.conv2d(series[:, None], taps[None], [1, 1, 2, 1], "SAME")
    for got in (tf.nn.conv1d(series, taps, 2, "SAME"), tf.nn.convolution(series, taps, "SAME", [2])):
        np.testing.assert_allclose(*sess.run([got, images[:, 0]]), rtol=1e-6)
    first = tf.nn.conv1d(series.transpose(0, 2, 1), taps, 2, "SAME", data_format="NCW")
    np.testing.assert_allclose(*sess.run([tf.transpose(first, [0, 2, 1]), images[:, 0]]), rtol=1e-6)
    pooled = tf.nn.max_pool1d(series, 2, 2, "VALID")
    np.testing.assert_allclose(sess.run(pooled), series.reshape(2, 3, 2, 3).max(2))


def test_softmax_cross_entropy_along_another_axis(sess):
    logits, labels = CUBE / 7, np.eye(3, dtype=np.float32)[[[0, 1, 2, 0], [2, 2, 1, 0]]].transpose(0, 2, 1)
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=1)
    shifted = np.exp(logits)
    np.testing.assert_allclose(sess.run(loss), -(labels * np.log(shifted / shifted.sum(1, keepdims=True))).sum(1),
                               rtol=1e-5)


def test_labels_are_constants_to_the_old_cross_entropy(sess):
    labels, logits = tf.constant([[0.3, 0.7]]), tf.constant([[1.0, 2.0]])
    old = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    new = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    assert tf.gradients(old, labels) == [None] and tf.gradients(new, labels) != [None]
    np.testing.assert_allclose(*sess.run([old, new]))


@pytest.mark.parametrize("dims", [[2, 3, 4], [None, 3, None], None])
def test_sizes_of_slices_that_turn_out_to_be_minus_one(sess, dims):
    x, begin, size = tf.placeholder(tf.float32, dims), tf.placeholder(tf.int32, [3]), tf.placeholder(tf.int32, [3])
    part, value = tf.slice(x, begin, size), np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    grad, = tf.gradients(tf.reduce_sum(part), x)
    for at, count, where in (([0, 1, 2], [1, -1, -1], np.s_[:1, 1:, 2:]), ([1, 0, 1], [-1, 2, 2], np.s_[1:, :2, 1:3])):
        found, ones = sess.run([part, grad], {x: value, begin: at, size: count})
        np.testing.assert_array_equal(found, value[where])
        assert ones.sum() == ones[where].sum() == found.size
    box = tf.image.sample_distorted_bounding_box([8, 9, 3], [[[0.0, 0.0, 1.0, 1.0]]], min_object_covered=0.5)
    assert sess.run(tf.slice(np.ones((8, 9, 3), np.float32), box.begin, box.size)).shape[-1] == 3


def test_python_functions_of_scalars(sess):
    name, number = tf.constant("é.png"), tf.constant(3.0)
    assert sess.run(tf.py_func(lambda s: s.decode().upper(), [name], tf.string)).decode() == "É.PNG"
    assert sess.run(tf.py_func(lambda x: type(x).__name__, [number], tf.string)) == b"float32"
    stem = tf.py_function(lambda s, x: (s.numpy().decode()[:-4], x.numpy() * 2), [name, number],
                          [tf.string, tf.float64])
    assert sess.run(stem) == ["é".encode(), 6.0]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64, np.bool_])
def test_cross_entropy_of_labels_of_any_type(sess, dtype):
    logits, labels = tf.constant(X), tf.constant(np.eye(*X.shape, dtype=dtype))
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(*sess.run([loss, tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=np.arange(len(X)), logits=logits)]), rtol=1e-6)


def test_weighted_cross_entropy(sess):
    loss = tf.nn.weighted_cross_entropy_with_logits(X, X[::-1], 3.0)
    p = 1 / (1 + np.exp(-X[::-1].astype(np.float64)))
    np.testing.assert_allclose(sess.run(loss), -3 * X * np.log(p) - (1 - X) * np.log(1 - p), rtol=1e-4)


def test_fused_batch_norm(sess):
    y, mean, variance = sess.run(list(tf.nn.fused_batch_norm(IMAGES, [1.0, 2, 3], [4.0, 5, 6])))
    flat = IMAGES.reshape(-1, 3)
    np.testing.assert_allclose(mean, flat.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, flat.var(0, ddof=1), rtol=1e-4)
    expected = (IMAGES - flat.mean(0)) / np.sqrt(flat.var(0) + 0.001) * [1, 2, 3] + [4, 5, 6]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    first = tf.nn.fused_batch_norm(IMAGES.transpose(0, 3, 1, 2), [1.0, 2, 3], [4.0, 5, 6], mean, flat.var(0),
                                   data_format="NCHW", is_training=False)[0]
    np.testing.assert_allclose(sess.run(first).transpose(0, 2, 3, 1), expected, rtol=1e-4, atol=1e-5)


def test_unconnected_gradients(sess):
    x, other = tf.constant([1.0, 2.0]), tf.constant([[3.0]])
    assert tf.gradients(x * x, [other]) == [None]
    zero, = tf.gradients(x * x, other, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(sess.run(zero), [[0]])


def test_clip_by_norm_has_a_gradient_at_zero(sess):
    x = tf.constant([0.0, 0.0])
    np.testing.assert_array_equal(sess.run(tf.gradients(tf.clip_by_norm(x, 1.0), x)[0]), [1, 1])


def test_an_infinite_global_norm_shows(sess):
    clipped, norm = tf.clip_by_global_norm([tf.constant([np.inf, 1.0])], 1.0)
    with np.errstate(invalid="ignore"):
        assert np.isinf(sess.run(norm)) and np.isnan(sess.run(clipped[0])).all()


def test_arrays_beside_tensors_are_cast_as_numpy_casts(sess):
    """TensorFlow converts an array to the dtype of the tensor beside it; of Python's numbers fractions are an error."""
    x, halves = tf.constant([1, 2]), np.array([1.7, 2.2])
    assert [v.tolist() for v in sess.run([x + halves, halves * x, x > halves, tf.constant(halves, tf.int32)])] == [
        [2, 4], [1, 4], [False, False], [1, 2]]
    with pytest.raises(TypeError, match="Expected int32"):
        x + [1.5, 2.5]


def test_boolean_mask_of_unknown_rank(sess):
    x, mask = tf.placeholder(tf.float32), tf.placeholder(tf.bool, [None])
    rows = tf.boolean_mask(x, mask)
    assert sess.run(rows, {x: [[1, 2], [3, 4]], mask: [False, True]}).tolist() == [[3, 4]]
    assert sess.run(rows, {x: [1, 2], mask: [True, False]}).tolist() == [1]


def test_placeholders_of_no_shape_have_the_rank_that_an_op_takes():
    x = tf.placeholder(tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=x)
    made = [tf.multinomial(x, 3), tf.nn.in_top_k(x, [0, 1], 1), tf.random_crop(x, [1, 2]), tf.gradients(losses, x)[0],
            tf.confusion_matrix(tf.argmax(x, 1), [0, 1])]
    assert made[0].shape.as_list() == [None, 3]
    with tf.Session() as session:
        drawn, best, crop, slope, table = session.run(made, {x: [[90.0, 0.0], [0.0, 90.0]]})
    assert drawn.tolist() == [[0] * 3, [1] * 3] and best.all() and crop.shape == (1, 2) and slope == pytest.approx(0)
    assert table.tolist() == [[1, 0], [0, 1]]
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="rank 3"):
        session.run(tf.image.flip_left_right(x), {x: np.ones((1, 2, 2, 3))})
