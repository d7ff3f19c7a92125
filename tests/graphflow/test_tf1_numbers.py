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
