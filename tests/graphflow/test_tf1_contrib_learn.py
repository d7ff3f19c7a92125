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
