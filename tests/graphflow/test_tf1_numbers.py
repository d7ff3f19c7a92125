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
