"""tf.contrib.learn's estimators, contrib.layers' columns, and the losses of metric learning."""
from __future__ import annotations

import numpy as np

import graphflow as tf

RNG = np.random.default_rng(0)
E = RNG.normal(size=(8, 4)).astype(np.float32)
L = np.array([0, 0, 1, 1, 2, 2, 0, 1])
PAIRS = [(i, j) for i in range(8) for j in range(8) if i != j and L[i] == L[j]]


def test_metric_learning():
    squares = ((E[:, None] - E[None]) ** 2).sum(-1)
    distances = np.sqrt(squares)
    triplet = []
    for i, j in PAIRS:
        negatives = squares[i, L != L[i]]
        farther = negatives[negatives > squares[i, j]]
        triplet.append(max(0, 1 + squares[i, j] - (farther.min() if farther.size else negatives.max())))
    lifted = [max(0, np.log(sum(np.exp(1 - distances[k, L != L[k]]).sum() for k in (i, j))) + distances[i, j]) ** 2
              for i, j in PAIRS]
    similarity = E @ E[::-1].T
    probabilities = np.exp(similarity) / np.exp(similarity).sum(1, keepdims=True)
    targets = (L[:, None] == L) / (L[:, None] == L).sum(1, keepdims=True)
    npairs = -(targets * np.log(probabilities)).sum(1).mean() + 0.25 * 0.002 * 2 * (E ** 2).sum(1).mean()
    losses = tf.contrib.losses.metric_learning
    with tf.Session() as session:
        found = session.run([losses.triplet_semihard_loss(L, E), losses.lifted_struct_loss(L, E),
                             losses.npairs_loss(L, E, E[::-1]), losses.contrastive_loss([1] * 8, E, E + 1)])
    np.testing.assert_allclose(found, [np.mean(triplet), np.mean(lifted) / 2, npairs, 4], rtol=1e-4)


def test_estimators_of_arrays(tmp_path):
    x = RNG.normal(size=(64, 2))
    y = (x[:, 0] > 0).astype(int)
    columns = tf.contrib.learn.infer_real_valued_columns_from_input(x)
    model = tf.contrib.learn.LinearClassifier(columns, str(tmp_path), optimizer=tf.train.AdamOptimizer(0.1))
    assert model.fit(x, y, steps=40, batch_size=64).evaluate(x, y)["accuracy"] > 0.9
    assert list(model.predict(x[:3])) == y[:3].tolist() and model.predict_proba(x, as_iterable=False).shape == (64, 2)


def test_model_functions_of_tuples(tmp_path):
    def model(features, labels, mode):
        value = tf.contrib.layers.linear(features, 1)[:, 0]
        if mode == tf.contrib.learn.ModeKeys.INFER:
            return {"value": value}, None, None
        loss = tf.reduce_mean(tf.square(value - labels))
        return {"value": value}, loss, tf.contrib.layers.optimize_loss(loss, None, 0.1, "SGD")

    x = np.linspace(-1, 1, 16).astype(np.float32)[:, None]
    estimator = tf.contrib.learn.SKCompat(tf.contrib.learn.Estimator(model, str(tmp_path)))
    found = estimator.fit(x, 2 * x[:, 0], steps=60).predict(x)["value"]
    np.testing.assert_allclose(found, 2 * x[:, 0], atol=0.1)


def test_monitors_and_metrics(tmp_path):
    learn = tf.contrib.learn
    x = RNG.normal(size=(96, 2))
    y = (x[:, 0] > 0).astype(int)
    metrics = {"close": learn.MetricSpec(tf.contrib.metrics.streaming_accuracy, learn.PredictionKey.CLASSES),
               ("mean", "probabilities"): lambda predictions, labels: tf.metrics.mean(predictions)}
    monitor = learn.monitors.ValidationMonitor(x, y, every_n_steps=2, metrics=metrics, early_stopping_rounds=4,
                                               early_stopping_metric="global_step", check_interval_secs=None)
    seen = []

    class Seen(learn.monitors.EveryN):
        def every_n_step_begin(self, step):
            return ["global_step:0"]

        def every_n_step_end(self, step, outputs):
            seen.append((step, "global_step:0" in outputs))

    model = learn.LinearClassifier(learn.infer_real_valued_columns_from_input(x), str(tmp_path),
                                   config=learn.RunConfig(save_checkpoints_steps=2, gpu_memory_fraction=0.5))
    model.fit(x, y, steps=60, monitors=[monitor, Seen(3, 1)])
    assert monitor.early_stopped and monitor.best_metrics["global_step"] == monitor.best_value
    assert 0 < monitor.best_metrics["close"] <= 1 and seen == [(1, True), (4, True)]
    found = model.evaluate(x, y, metrics=metrics)
    assert found["close"] == found["accuracy"] and abs(found["mean"] - 0.5) < 1e-6


def test_model_functions_get_labels_for_predictions_too(tmp_path):
    def model(features, targets, mode):
        value = tf.contrib.layers.linear(features["x"][:, None], 1)[:, 0]
        loss = tf.losses.mean_squared_error(targets, value)
        return tf.contrib.learn.ModelFnOps(mode, {"value": value}, loss, tf.contrib.layers.optimize_loss(
            loss, tf.contrib.framework.get_global_step(), 0.1, "SGD"))

    x = np.linspace(-1, 1, 16).astype(np.float32)
    estimator = tf.contrib.learn.Estimator(model, str(tmp_path))
    estimator.fit(input_fn=tf.contrib.learn.io.numpy_input_fn({"x": x}, 2 * x, 8, None), steps=80)
    constant = estimator.predict(input_fn=lambda: {"x": tf.constant(x[:3])}, as_iterable=False)
    np.testing.assert_allclose(constant["value"], 2 * x[:3], atol=0.1)
