"""tf.layers: names, reuse, values, shapes, updates and losses."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphflow as tf

RNG = np.random.default_rng(2)


def run(fetches: Any, feeds: Any = None) -> Any:
    sess = tf.Session()
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    return sess.run(fetches, feeds)


def names() -> list[str]:
    return [v.name for v in tf.global_variables()]


def test_variable_and_op_names():
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.layers.dense(x, 2, tf.nn.relu)
    z = tf.layers.dense(y, 2, use_bias=False)
    with tf.variable_scope("net"):
        w = tf.layers.dense(z, 1)
    assert names() == ["dense/kernel:0", "dense/bias:0", "dense_1/kernel:0", "net/dense/kernel:0", "net/dense/bias:0"]
    assert [t.name for t in (y, z, w)] == ["dense/Relu:0", "dense_1/MatMul:0", "net/dense/BiasAdd:0"]


def test_a_name_shares_variables_only_with_reuse():
    x = tf.placeholder(tf.float32, [None, 3])
    a = tf.layers.dense(x, 2, name="fc")
    with pytest.raises(ValueError, match="fc/kernel already exists"):
        tf.layers.dense(x, 2, name="fc")
    b = tf.layers.dense(x, 2, name="fc", reuse=True)
    assert len(tf.global_variables()) == 2
    one, two = run([a, b], {x: RNG.normal(size=(4, 3))})
    np.testing.assert_array_equal(one, two)


def test_auto_reuse_and_scopes_of_models():
    x = tf.placeholder(tf.float32, [None, 3])

    def model() -> Any:
        with tf.variable_scope("model", reuse=tf.AUTO_REUSE):
            return tf.layers.dense(tf.layers.dense(x, 4, name="a"), 2, name="b")

    first, second = model(), model()
    assert names() == ["model/a/kernel:0", "model/a/bias:0", "model/b/kernel:0", "model/b/bias:0"]
    assert second.name == "model_1/b/BiasAdd:0"
    np.testing.assert_array_equal(*run([first, second], {x: np.ones((2, 3))}))


def test_a_layer_object_makes_its_variables_once():
    layer = tf.layers.Dense(4, name="proj", kernel_initializer="ones")
    with pytest.raises(ValueError, match="not been used"):
        layer.scope_name  # noqa: B018
    layer(tf.zeros([2, 3]))
    y = layer(tf.ones([2, 3]))
    assert (layer.kernel.name, layer.scope_name, layer.count_params()) == ("proj/kernel:0", "proj", 16)
    assert layer.weights == layer.trainable_weights == [layer.kernel, layer.bias]
    assert layer.compute_output_shape([None, 3]).as_list() == [None, 4]
    np.testing.assert_array_equal(run(y), np.full((2, 4), 3.0))


def test_trainable_false_keeps_variables_out():
    tf.layers.dense(tf.zeros([2, 3]), 4, trainable=False)
    assert not tf.trainable_variables() and len(tf.global_variables()) == 2


def test_regularizers_of_layers_and_of_scopes():
    x = tf.ones([1, 2])
    tf.layers.dense(x, 2, kernel_initializer="ones", kernel_regularizer=lambda w: tf.reduce_sum(w), name="a")
    tf.layers.dense(x, 2, name="a", reuse=True, kernel_regularizer=lambda w: tf.reduce_sum(w))
    with tf.variable_scope("s", regularizer=lambda w: 2 * tf.nn.l2_loss(w), initializer=tf.ones_initializer()):
        tf.layers.dense(x, 2, use_bias=False)
    losses = tf.losses.get_regularization_losses()
    assert [loss.name.rpartition("/")[0] for loss in losses] == ["a/kernel/Regularizer", "s/dense/kernel/Regularizer"]
    assert run(losses) == [4.0, 4.0]


def test_dense_on_more_axes_and_other_dtypes():
    x = RNG.normal(size=(2, 3, 4))
    layer = tf.layers.Dense(5)
    y = layer(tf.constant(x))
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    got, w = sess.run([y, layer.kernel])
    assert got.dtype == np.float64 and y.shape.as_list() == [2, 3, 5]
    np.testing.assert_allclose(got, x @ w, rtol=1e-6)


@pytest.mark.parametrize(("layer", "shape", "wanted"), [
    (lambda x: tf.layers.conv1d(x, 4, 3, padding="same"), [2, 7, 3], [2, 7, 4]),
    (lambda x: tf.layers.conv2d(x, 4, 3, 2, "same"), [2, 7, 6, 3], [2, 4, 3, 4]),
    (lambda x: tf.layers.conv2d(x, 4, 3, dilation_rate=2), [2, 7, 6, 3], [2, 3, 2, 4]),
    (lambda x: tf.layers.conv2d(x, 4, 3, data_format="channels_first"), [2, 3, 7, 6], [2, 4, 5, 4]),
    (lambda x: tf.layers.conv3d(x, 4, 2), [1, 3, 4, 5, 2], [1, 2, 3, 4, 4]),
    (lambda x: tf.layers.conv2d_transpose(x, 4, 3, 2), [2, 3, 4, 2], [2, 7, 9, 4]),
    (lambda x: tf.layers.conv2d_transpose(x, 4, 3, 2, "same", "channels_first"), [2, 2, 3, 4], [2, 4, 6, 8]),
    (lambda x: tf.layers.conv3d_transpose(x, 2, 2, 2), [1, 2, 2, 2, 3], [1, 4, 4, 4, 2]),
    (lambda x: tf.layers.separable_conv1d(x, 4, 3), [2, 7, 3], [2, 5, 4]),
    (lambda x: tf.layers.separable_conv2d(x, 4, 3, depth_multiplier=2), [2, 7, 6, 3], [2, 5, 4, 4]),
    (lambda x: tf.layers.max_pooling1d(x, 2, 2), [2, 7, 3], [2, 3, 3]),
    (lambda x: tf.layers.average_pooling2d(x, 2, 2, "same"), [2, 7, 6, 3], [2, 4, 3, 3]),
    (lambda x: tf.layers.max_pooling2d(x, 2, 2, data_format="channels_first"), [2, 3, 6, 4], [2, 3, 3, 2]),
    (lambda x: tf.layers.max_pooling3d(x, 2, 2), [1, 4, 4, 6, 2], [1, 2, 2, 3, 2]),
    (lambda x: tf.layers.average_pooling3d(x, 2, 1, "same"), [1, 3, 4, 2, 2], [1, 3, 4, 2, 2]),
    (tf.layers.flatten, [2, 3, 4], [2, 12]),
])
def test_shapes(layer, shape, wanted):
    fed = tf.placeholder(tf.float32, [None, *shape[1:]])
    y = layer(fed)
    assert y.shape.as_list() == [None, *wanted[1:]]
    value, grad = run([y, tf.gradients(y, fed)[0]], {fed: RNG.normal(size=shape)})
    assert value.shape == tuple(wanted) and grad.shape == tuple(shape)


def test_channels_first_is_channels_last_transposed():
    x = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
    last = tf.layers.Conv2D(4, 3, bias_initializer="ones", activation="relu")
    first = tf.layers.Conv2D(4, 3, bias_initializer="ones", activation="relu", data_format="channels_first")
    a, b = last(x), first(x.transpose(0, 3, 1, 2))
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    sess.run(first.kernel.assign(last.kernel))
    one, two = sess.run([a, b])
    np.testing.assert_allclose(one, two.transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-6)


def test_dropout_follows_training():
    x, training = tf.ones([100, 100]), tf.placeholder(tf.bool, [])
    fed, off = tf.layers.dropout(x, 0.25, training=training), tf.layers.dropout(x, 0.25)
    assert np.all(run(off) == 1) and np.all(run(fed, {training: False}) == 1)
    dropped = run(fed, {training: True})
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 3], rtol=1e-6)
    assert abs(np.mean(dropped == 0) - 0.25) < 0.02


# batch normalization

X = RNG.normal(2, 3, size=(8, 4)).astype(np.float32)


@pytest.mark.parametrize("training", [True, "fed"])
def test_batch_normalization_and_its_updates(training):
    x, flag = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.bool, [])
    y = tf.layers.batch_normalization(x, training=flag if training == "fed" else True, momentum=0.9)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert names() == [f"batch_normalization/{n}:0" for n in ("gamma", "beta", "moving_mean", "moving_variance")]
    assert len(updates) == 2 and len(tf.trainable_variables()) == 2
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    got, _ = sess.run([y, updates], {x: X, flag: True})
    np.testing.assert_allclose(got, (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3), rtol=1e-4, atol=1e-5)
    mean, variance = sess.run(tf.global_variables()[2:])
    np.testing.assert_allclose(mean, 0.1 * X.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * X.var(0), rtol=1e-5)
    if training == "fed":
        got, _ = sess.run([y, updates], {x: X, flag: False})
        np.testing.assert_allclose(got, (X - mean) / np.sqrt(variance + 1e-3), rtol=1e-4)
        np.testing.assert_array_equal(sess.run(tf.global_variables()[2]), mean)


def test_batch_normalization_of_images_by_channel():
    x = RNG.normal(1, 2, size=(3, 4, 5, 2)).astype(np.float32)
    last = tf.layers.batch_normalization(x, training=True)
    first = tf.layers.batch_normalization(x.transpose(0, 3, 1, 2), axis=1, training=True)
    a, b, _ = run([last, first, tf.get_collection(tf.GraphKeys.UPDATE_OPS)])
    wanted = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(a, wanted, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(b.transpose(0, 2, 3, 1), wanted, rtol=1e-3, atol=1e-4)


def test_virtual_batches_are_normalized_by_themselves():
    y = tf.layers.batch_normalization(tf.constant(X), virtual_batch_size=4, training=True)
    parts = X.reshape(4, 2, 4)  # TensorFlow takes samples i, i + 2, ... together
    wanted = (parts - parts.mean(0)) / np.sqrt(parts.var(0) + 1e-3)
    np.testing.assert_allclose(run(y), wanted.reshape(8, 4), rtol=1e-3, atol=1e-4)


def test_renormalization_corrects_towards_the_moving_statistics():
    y = tf.layers.batch_normalization(tf.constant(X), renorm=True, training=True,
                                      renorm_clipping={"rmax": 1.0, "rmin": 1.0, "dmax": 0.0})
    got, _ = run([y, tf.get_collection(tf.GraphKeys.UPDATE_OPS)])
    np.testing.assert_allclose(got, (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3), rtol=1e-3, atol=1e-4)
    assert "batch_normalization/renorm_stddev:0" in names()


class Scaled(tf.layers.Layer):
    """A layer of one's own."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_variable("factor", [input_shape[-1]], initializer=tf.ones_initializer(), trainable=True)
        self.add_loss(tf.reduce_sum(self.factor))
        super().build(input_shape)

    def call(self, inputs: Any, twice: bool = False) -> Any:
        return inputs * self.factor * (2 if twice else 1)


def test_layers_of_ones_own():
    layer = Scaled()
    y = layer(np.ones((2, 3), np.float32), twice=True)
    layer.apply(y)
    assert names() == ["scaled/factor:0"] and layer.variables == [layer.factor]
    assert layer.losses == tf.losses.get_regularization_losses() and len(layer.losses) == 1
    np.testing.assert_array_equal(run(y), np.full((2, 3), 2.0))


@pytest.mark.parametrize(("build", "error", "words"), [
    (lambda: tf.layers.dense(tf.placeholder(tf.float32, [None, None]), 2), ValueError, "last dimension"),
    (lambda: tf.layers.dense(tf.zeros([3]), 2), ValueError, "min_ndim=2"),
    (lambda: tf.layers.conv2d(tf.zeros([2, 3, 4]), 2, 3), ValueError, "expected ndim=4"),
    (lambda: tf.layers.conv2d(tf.zeros([1, 4, 4, 2]), 2, (3, 3, 3)), ValueError, "kernel_size"),
    (lambda: tf.layers.conv2d(tf.zeros([1, 4, 4, 2]), 2, 3, padding="full"), ValueError, "padding"),
    (lambda: tf.layers.conv2d(tf.zeros([1, 4, 4, 2]), 2, 3, data_format="NHWC"), ValueError, "data_format"),
    (lambda: tf.layers.dense(tf.zeros([2, 3])), TypeError, "units"),
    (lambda: tf.layers.batch_normalization(tf.zeros([2, 3, 3, 1]), fused=True, renorm=True), ValueError, "fused"),
])
def test_wrong_arguments(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_what_a_program_feeds_need_not_have_a_declared_rank():
    """`tf.placeholder(tf.float32)` as the images and `tf.placeholder(tf.bool)` as the flag, as many programs have."""
    x, training = tf.placeholder(tf.float32), tf.placeholder(tf.bool)
    w = tf.get_variable("w", [3, 3, 2, 4])
    y = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
    assert y.shape.as_list() == [None, None, None, 4]
    assert tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME").shape.as_list() == [None] * 4
    assert tf.nn.conv3d(x, tf.ones([1, 1, 1, 2, 5]), [1] * 5, "SAME").shape.as_list() == [None] * 4 + [5]
    assert tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME").shape.as_list() == [None] * 3 + [8]
    assert tf.where(training, w, w).shape == w.shape
    ends = tf.concat([x[..., 1:], x[..., :1]], -1)
    normal = tf.layers.batch_normalization(y, training=training)
    grad = tf.gradients(tf.reduce_sum(normal * y), w)[0]
    images = np.random.RandomState(0).rand(3, 5, 5, 2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        trained = sess.run([normal, grad], {x: images, training: True})
        assert trained[0].shape == (3, 3, 3, 4) and np.abs(trained[0].mean((0, 1, 2))).max() < 1e-6
        assert np.abs(trained[1]).max() > 0
        np.testing.assert_allclose(*sess.run([normal, y / np.sqrt(1.001)], {x: images, training: False}), rtol=1e-5)
        assert np.array_equal(sess.run(ends, {x: images}), images[..., ::-1].astype("f"))
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(y, {x: images[0], training: False})


def test_shapes_of_outputs_without_a_call():
    convolution = tf.layers.Conv2D(5, 3, strides=2, padding="same")
    assert convolution.compute_output_shape([None, 8, 9, 2]).as_list() == [None, 4, 5, 5]
    assert tf.layers.MaxPooling1D(2, 2).compute_output_shape([3, 7, 4]).as_list() == [3, 3, 4]
    assert not convolution.built and not tf.global_variables()
    assert convolution(tf.zeros([1, 8, 9, 2])).shape == [1, 4, 5, 5]
