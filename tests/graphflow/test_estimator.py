"""tf.estimator: training, evaluation and prediction through checkpoints."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

X = np.random.default_rng(0).random((200, 3)).astype(np.float32)
Y = (X.sum(1) > 1.5).astype(np.int64)


def model_fn(features, labels, mode, params):
    logits = tf.layers.dense(features["x"], 2)
    classes = tf.argmax(logits, 1)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={"class": classes})
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    step = tf.train.GradientDescentOptimizer(params["rate"]).minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step,
                                      eval_metric_ops={"accuracy": tf.metrics.accuracy(labels, classes)})


def inputs(y=None, epochs=1, shuffle=False):
    return tf.estimator.inputs.numpy_input_fn({"x": X}, y, 32, epochs, shuffle)


def test_trains_resumes_evaluates_and_predicts(tmp_path):
    estimator = tf.estimator.Estimator(model_fn, str(tmp_path), params={"rate": 0.5})
    estimator.train(inputs(Y, None, True), steps=100)
    estimator.train(inputs(Y, None, True), max_steps=150)
    found = estimator.evaluate(inputs(Y))
    assert found["global_step"] == 150 and found["accuracy"] > 0.9 and found["loss"] < 0.5
    predicted = [p["class"] for p in estimator.predict(inputs())]
    assert len(predicted) == 200 and np.mean(np.array(predicted) == Y) == pytest.approx(found["accuracy"])


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="Missing loss"):
        tf.estimator.EstimatorSpec("eval")
    with pytest.raises(ValueError, match="shuffle"):
        tf.estimator.inputs.numpy_input_fn(X)
    with pytest.raises(ValueError, match="trained model"):
        tf.estimator.Estimator(model_fn, str(tmp_path), params={"rate": 1.0}).evaluate(inputs(Y))


def test_early_stopping_hooks_and_further_metrics(tmp_path):
    def metric_fn(labels, predictions):
        return {"mean_label": tf.metrics.mean(labels)}

    made = tf.estimator.Estimator(model_fn, str(tmp_path), params={"rate": 0.5})
    estimator = tf.estimator.add_metrics(made, metric_fn)
    stop = tf.estimator.experimental.stop_if_higher_hook(estimator, "accuracy", 0.5, run_every_secs=None,
                                                         run_every_steps=5)
    estimator.train(inputs(Y, None), hooks=[stop], steps=50)
    found = estimator.evaluate(inputs(Y))
    assert found["global_step"] == 50 and found["mean_label"] == pytest.approx(Y.mean())
    written = tf.contrib.estimator.read_eval_metrics(estimator.eval_dir())
    assert written[50]["accuracy"] == pytest.approx(found["accuracy"])
    estimator.train(inputs(Y, None), hooks=[stop], steps=50)  # what was evaluated is good enough: asked at once
    assert estimator.get_variable_value("global_step") < 60
    with pytest.raises(ValueError, match="Only one"):
        tf.contrib.estimator.make_early_stopping_hook(estimator, lambda: True, 60, 5)


def test_keras_layers_in_a_model_function(tmp_path):
    def model_fn(features, labels, mode):
        hidden = tf.keras.layers.Dense(4, activation="relu")(features["x"])
        predicted = tf.keras.layers.Dense(1)(hidden)[:, 0]
        if mode == "infer":
            return tf.estimator.EstimatorSpec(mode, predicted)
        loss = tf.losses.mean_squared_error(labels, predicted)
        step = tf.train.AdamOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, predicted, loss, step)

    x = np.linspace(-1, 1, 12, dtype=np.float32)[:, None]
    estimator = tf.estimator.Estimator(model_fn, str(tmp_path))
    estimator.train(tf.estimator.inputs.numpy_input_fn({"x": x}, x[:, 0], 12, None, shuffle=False), steps=100)
    kernels = [name for name in estimator.get_variable_names() if name.endswith("kernel")]
    assert kernels == ["dense/kernel", "dense_1/kernel"]
    once = tf.estimator.inputs.numpy_input_fn({"x": x}, x[:, 0], 12, shuffle=False)
    assert estimator.evaluate(once)["loss"] < 0.05
    np.testing.assert_allclose(list(estimator.predict(once)), x[:, 0], atol=0.5)
