"""tf.contrib's layers, framework, slim, losses, metrics and training."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphflow as tf

layers, framework, slim = tf.contrib.layers, tf.contrib.framework, tf.contrib.slim
RNG = np.random.default_rng(3)
X = RNG.normal(1, 2, size=(6, 4)).astype(np.float32)
IMAGES = RNG.normal(1, 2, size=(2, 4, 5, 6)).astype(np.float32)


def run(fetches: Any, feeds: Any = None) -> Any:
    sess = tf.Session()
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    return sess.run(fetches, feeds)


def names(collection: str = tf.GraphKeys.GLOBAL_VARIABLES) -> list[str]:
    return [v.name for v in tf.get_collection(collection)]


def test_a_name_without_module_says_so():
    with pytest.raises(AttributeError, match=r"tf.contrib.hvx is not in graphflow"):
        tf.contrib.hvx  # noqa: B018


# argument scopes


@framework.add_arg_scope
def scaled(x: float, factor: float = 1.0, offset: float = 0.0) -> float:
    return x * factor + offset


def test_arg_scopes_nest_and_can_be_entered_again():
    with framework.arg_scope([scaled], factor=2.0) as outer:
        with slim.arg_scope([scaled], offset=1.0):
            assert scaled(3.0) == 7.0 and scaled(3.0, factor=5.0) == 16.0
        assert scaled(3.0) == 6.0
    assert scaled(3.0) == 3.0
    with framework.arg_scope(outer):
        assert scaled(3.0) == 6.0
    assert framework.arg_scoped_arguments(scaled) == ["factor", "offset"]
    with pytest.raises(ValueError, match="not decorated"), framework.arg_scope([len], factor=1):
        pass
    with pytest.raises(ValueError, match="kwargs must be empty"), framework.arg_scope(outer, factor=1):
        pass


# layers


def test_names_collections_and_normalizers():
    x = tf.placeholder(tf.float32, [None, 8, 8, 3])
    with slim.arg_scope([layers.conv2d], normalizer_fn=layers.batch_norm, weights_regularizer=slim.l2_regularizer(0.5),
                        outputs_collections="ends"):
        h = layers.conv2d(x, 4, 3)
        h = layers.conv2d(h, 4, [3, 3], stride=2, scope="second")
    y = layers.fully_connected(layers.flatten(h), 2, activation_fn=None, variables_collections={"biases": ["b"]})
    assert names(tf.GraphKeys.TRAINABLE_VARIABLES) == [
        "Conv/weights:0", "Conv/BatchNorm/beta:0", "second/weights:0", "second/BatchNorm/beta:0",
        "fully_connected/weights:0", "fully_connected/biases:0"]
    assert names(tf.GraphKeys.MODEL_VARIABLES) == names() and names("b") == ["fully_connected/biases:0"]
    assert list(layers.utils.convert_collection_to_dict("ends")) == ["Conv", "second"]
    assert (y.name, y.shape.as_list()) == ("fully_connected/BiasAdd:0", [None, 2])
    assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == 4 and len(tf.losses.get_regularization_losses()) == 2


def test_reuse_gives_the_same_outputs():
    x = tf.constant(X)
    one = layers.fully_connected(x, 3, scope="fc")
    two = layers.fully_connected(x, 3, scope="fc", reuse=True)
    assert names() == ["fc/weights:0", "fc/biases:0"]
    np.testing.assert_array_equal(*run([one, two]))


def test_repeat_and_stack_number_their_scopes():
    layers.repeat(tf.constant(IMAGES), 2, layers.conv2d, 4, 3, scope="conv", biases_initializer=None)
    layers.stack(tf.constant(X), layers.fully_connected, [3, 2], biases_initializer=None)
    assert names() == ["conv/conv_1/weights:0", "conv/conv_2/weights:0", "Stack/fully_connected_1/weights:0",
                       "Stack/fully_connected_2/weights:0"]


@pytest.mark.parametrize("collections", [tf.GraphKeys.UPDATE_OPS, None, "mine"])
def test_batch_norm_updates_where_it_is_told_to(collections):
    y = layers.batch_norm(tf.constant(X), decay=0.9, updates_collections=collections)
    mean, variance = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)[1:]
    updates = tf.get_collection(collections) if collections else []
    assert len(updates) == (2 if collections else 0)
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    got, _ = sess.run([y, updates])
    np.testing.assert_allclose(got, (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(sess.run(mean), 0.1 * X.mean(0), rtol=1e-4)
    np.testing.assert_allclose(sess.run(variance), 0.9 + 0.1 * X.var(0, ddof=1), rtol=1e-4)


def test_moving_mean_without_its_initial_zero_moves_only_in_training():
    training = tf.placeholder(tf.bool)
    y = layers.batch_norm(tf.constant(X), decay=0.9, updates_collections=None, zero_debias_moving_mean=True,
                          is_training=training)
    mean = next(v for v in tf.global_variables() if v.name.endswith("moving_mean:0"))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(y, {training: False})
        np.testing.assert_array_equal(sess.run(mean), 0)
        sess.run(y, {training: True})
        np.testing.assert_allclose(sess.run(mean), X.mean(tuple(range(X.ndim - 1))), rtol=1e-5, atol=1e-6)


def normalized(x: np.ndarray, axes: Any, epsilon: float) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_other_normalizations():
    grouped = normalized(IMAGES.reshape(2, 4, 5, 3, 2), (1, 2, 4), 1e-6).reshape(IMAGES.shape)
    x = tf.constant(IMAGES)
    got = run([layers.layer_norm(x), layers.instance_norm(x), layers.group_norm(x, groups=3),
               layers.unit_norm(tf.constant(X), 1)])
    wanted = [normalized(IMAGES, (1, 2, 3), 1e-12), normalized(IMAGES, (1, 2), 1e-6), grouped,
              X / np.linalg.norm(X, axis=1, keepdims=True)]
    for value, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-3, atol=1e-4)


def test_layers_without_weights():
    softmaxed = layers.spatial_softmax(tf.constant(IMAGES))
    got = run([layers.maxout(tf.constant(X), 2), layers.one_hot_encoding([1, 0], 3), softmaxed,
               layers.max_pool2d(tf.constant(IMAGES), 2)])
    np.testing.assert_allclose(got[0], X.reshape(6, 2, 2).max(-1))
    np.testing.assert_array_equal(got[1], [[0, 1, 0], [1, 0, 0]])
    assert got[2].shape == (2, 12) and np.all(np.abs(got[2]) <= 1) and got[3].shape == (2, 2, 2, 6)


def test_embeddings_of_sequences():
    ids = np.array([[1, 3], [3, 3]])
    plain = layers.embed_sequence(ids, 5, 2, scope="e")
    unique = layers.embed_sequence(ids, 5, 2, unique=True, scope="e", reuse=True)
    one, two, table = run([plain, unique, tf.global_variables()[0]])
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, table[ids])


def test_initializers_keep_the_variance():
    for make, wanted in ((layers.xavier_initializer(), 2 / 700), (layers.variance_scaling_initializer(), 2 / 400),
                         (layers.xavier_initializer(uniform=False), 2 / 700)):
        assert np.var(run(make([400, 300]))) == pytest.approx(wanted, rel=0.05)


def test_regularizers():
    w = tf.constant([1.0, -2.0])
    both = layers.l1_l2_regularizer(0.5, 0.25)
    assert run([layers.l1_regularizer(0.5)(w), layers.l2_regularizer(0.5)(w), both(w)]) == [1.5, 1.25, 2.125]
    assert layers.l2_regularizer(0.0)(w) is None
    assert run(layers.apply_regularization(layers.l2_regularizer(1.0), [w, w])) == 5.0
    with pytest.raises(ValueError, match="cannot be an integer"):
        layers.l1_regularizer(1)


def test_optimize_loss_trains():
    v = tf.get_variable("v", initializer=4.0)
    step = tf.train.get_or_create_global_step()
    op = layers.optimize_loss(tf.square(v), step, 0.25, "SGD", summaries=[])
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    assert [float(sess.run(op)) for _ in range(3)] == [16.0, 4.0, 1.0] and sess.run(step) == 3
    with pytest.raises(ValueError, match="Optimizer name"):
        layers.optimize_loss(tf.square(v), step, 0.25, "Newton", summaries=[])


# framework


def test_variables_are_found():
    with tf.variable_scope("a"):
        first = framework.model_variable("w", [1], initializer=tf.zeros_initializer())
    second = framework.variable("b/w", [1], trainable=False)
    assert framework.get_variables("a") == framework.get_model_variables() == [first]
    assert framework.get_variables_by_name("w") == framework.get_variables_by_suffix("w") == [first, second]
    assert framework.get_unique_variable("b/w") is second
    assert framework.get_variables_to_restore(exclude=["a"]) == [second]
    assert framework.filter_variables([first, second], exclude_patterns=["^b"]) == [first]
    sess = tf.Session()
    framework.assign_from_values_fn({"a/w": np.array([7.0])})(sess)
    assert sess.run(first) == 7


def test_variables_are_assigned_from_a_checkpoint(tmp_path):
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    sess = tf.Session()
    sess.run(v.initializer)
    path = tf.train.Saver().save(sess, str(tmp_path / "model"))
    with tf.Graph().as_default(), tf.Session() as other:
        w, missing = tf.get_variable("w", [2]), tf.get_variable("missing", [2])
        framework.assign_from_checkpoint_fn(path, {"v": w, "gone": missing}, ignore_missing_vars=True)(other)
        assert other.run(w).tolist() == [1, 2]
        with pytest.raises(ValueError, match="missing variable"):
            framework.assign_from_checkpoint(path, {"gone": missing})


# slim, losses, metrics, training


def test_slim_trains_and_goes_on_from_a_checkpoint(tmp_path):
    def losses(steps: int) -> float:
        with tf.Graph().as_default():
            y = slim.fully_connected(tf.constant(X), 1, activation_fn=None, weights_initializer=tf.ones_initializer())
            slim.losses.mean_squared_error(y, X[:, :1])
            op = slim.learning.create_train_op(tf.losses.get_total_loss(), tf.train.GradientDescentOptimizer(0.02))
            return slim.learning.train(op, str(tmp_path), number_of_steps=steps, log_every_n_steps=0, summary_op=None)

    first, second = losses(3), losses(6)
    assert second < first
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-6")


def test_a_loss_that_is_not_finite_stops_training():
    v = tf.get_variable("v", initializer=0.0)
    op = tf.contrib.training.create_train_op(tf.log(v), tf.train.GradientDescentOptimizer(0.1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="inf or nan"):
        run(op)


def test_predictions_come_before_labels():
    old = tf.contrib.losses.mean_squared_error(X, X * 0, weights=np.array([1, 1, 1, 0, 0, 0], np.float32))
    value = tf.contrib.metrics.streaming_precision(predictions=[True, True], labels=[True, False])[1]
    other = tf.contrib.metrics.streaming_recall([True, True], [True, False])[1]
    got = run([old, value, other])
    np.testing.assert_allclose(got, [np.mean(X[:3] ** 2), 0.5, 1.0], rtol=1e-5)
    assert len(tf.losses.get_losses()) == 1


def test_correlation_of_a_stream():
    y = X[:, 0] * 2 + X[:, 1]
    got = run(tf.contrib.metrics.streaming_pearson_correlation(X[:, 0], y)[1])
    assert got == pytest.approx(np.corrcoef(X[:, 0], y)[0, 1], rel=1e-4)


def test_hyperparameters():
    h = tf.contrib.training.HParams(rate=0.1, layers=[2, 3], name="a", on=False)
    h.parse("rate=0.5,layers=[4,5,6],on=true")
    assert h.values() == {"rate": 0.5, "layers": [4, 5, 6], "name": "a", "on": True}
    assert "rate" in h and h.get("missing", 3) == 3 and h.name == "a"
    for text, words in (("size=3", "Unknown hyperparameter"), ("rate=x", "Could not parse"),
                        ("rate=1,rate=2", "Multiple assignments"), ("=", "Malformed")):
        with pytest.raises(ValueError, match=words):
            h.parse(text)
    with pytest.raises(ValueError, match="Could not cast"):
        h.set_hparam("rate", "fast")


def test_slim_names_the_module_of_its_layers():
    assert slim.layers.flatten is slim.flatten is layers.flatten
