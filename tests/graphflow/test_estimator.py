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
