"""`tf.contrib.distributions`: densities by their formulas, samples by their moments."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

LOC, TRIL = np.array([1.0, -2.0], np.float32), np.array([[1.0, 0.0], [0.5, 2.0]], np.float32)


def run(tensors):
    with tf.Session() as session:
        return session.run(tensors)


@pytest.fixture
def ds():
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        yield tf.contrib.distributions


def gaussian(x, mean, covariance):
    d = x - mean
    return (-0.5 * np.sum(d * np.linalg.solve(covariance, d.T).T, -1)
            - 0.5 * np.log(np.linalg.det(2 * np.pi * covariance)))


@pytest.mark.parametrize("kind", ["diag", "tril"])
def test_multivariate_normals(ds, kind):
    d = ds.MultivariateNormalDiag(LOC, [1.0, 3.0]) if kind == "diag" else ds.MultivariateNormalTriL(LOC, TRIL)
    covariance = np.diag([1.0, 9.0]) if kind == "diag" else TRIL @ TRIL.T
    x = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0]], np.float32)
    value = run([d.log_prob(x), d.covariance(), d.variance(), d.entropy(), d.sample(20000)])
    np.testing.assert_allclose(value[0], gaussian(x, LOC, covariance), rtol=1e-4)
    np.testing.assert_allclose(value[1], covariance, rtol=1e-5)
    np.testing.assert_allclose(value[2], np.diag(covariance), rtol=1e-5)
    np.testing.assert_allclose(value[3], 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * covariance)), rtol=1e-4)
    np.testing.assert_allclose(np.cov(value[4].T), covariance, atol=0.2)
    np.testing.assert_allclose(value[4].mean(0), LOC, atol=0.1)
    assert d.event_shape.as_list() == [2] and d.batch_shape.as_list() == []


def test_divergence_of_diagonal_normals_is_the_sum_of_those_of_normals(ds):
    a, b = ds.MultivariateNormalDiag(LOC, [1.0, 3.0]), ds.MultivariateNormalDiag([0.0, 1.0], [2.0, 1.0])
    parts = ds.kl_divergence(ds.Normal(LOC, [1.0, 3.0]), ds.Normal([0.0, 1.0], [2.0, 1.0]))
    joint = ds.kl_divergence(ds.Independent(ds.Normal(LOC, [1.0, 3.0]), 1), ds.Independent(
        ds.Normal([0.0, 1.0], [2.0, 1.0]), 1))
    value = run([ds.kl_divergence(a, b), tf.reduce_sum(parts), joint])
    np.testing.assert_allclose(value, value[:1] * 3, rtol=1e-5)


def test_classes_and_their_relaxations(ds):
    p = np.array([0.2, 0.5, 0.3], np.float32)
    hard, soft = ds.OneHotCategorical(probs=p), ds.RelaxedOneHotCategorical(0.5, probs=p)
    value = run([hard.sample(20000), hard.log_prob([0, 1, 0]), hard.mode(), soft.sample(20000),
                 ds.RelaxedBernoulli(0.2, probs=0.3).sample(20000)])
    np.testing.assert_allclose(value[0].mean(0), p, atol=0.02)
    assert value[1] == pytest.approx(np.log(0.5), rel=1e-5) and value[2].tolist() == [0, 1, 0]
    np.testing.assert_allclose(value[3].sum(-1), 1, rtol=1e-5)
    # the largest coordinate is distributed as the class itself
    np.testing.assert_allclose(np.bincount(value[3].argmax(-1)) / 20000, p, atol=0.02)
    assert np.mean(value[4] > 0.5) == pytest.approx(0.3, abs=0.02)
    logits = tf.constant(np.log(p))
    assert tf.gradients(ds.RelaxedOneHotCategorical(0.5, logits).sample(), logits)[0] is not None


@pytest.mark.parametrize(("build", "low", "high"), [
    (lambda ds: ds.RelaxedBernoulli(0.8, logits=0.5), 1e-6, 1 - 1e-6),
    (lambda ds: ds.Logistic(0.5, 2.0), -50, 50),
    # in two classes the relaxed vector is given by its first coordinate
    (lambda ds: ds.RelaxedOneHotCategorical(0.9, logits=[0.3, -0.2]), 1e-6, 1 - 1e-6)])
def test_densities_integrate_to_one(ds, build, low, high):
    d = build(ds)
    x = np.linspace(low, high, 20001).astype(np.float32)
    density = run(d.prob(np.stack([x, 1 - x], -1) if d.event_shape.rank else x)).astype(np.float64)
    assert np.sum((density[1:] + density[:-1]) / 2 * np.diff(x.astype(np.float64))) == pytest.approx(1, rel=0.01)


def test_poisson_and_deterministic(ds):
    value = run([ds.Poisson(4.0).prob(np.arange(30, dtype=np.float32)), ds.Poisson(log_rate=1.0).sample(20000),
                 ds.Deterministic([1.0, 2.0]).sample(3), ds.Deterministic(2.0).prob([1.0, 2.0])])
    assert value[0].sum() == pytest.approx(1, rel=1e-4)
    assert value[0][:2] == pytest.approx([0.0183156, 0.0732626], rel=1e-4)
    assert value[1].mean() == pytest.approx(np.e, rel=0.03) and value[1].var() == pytest.approx(np.e, rel=0.05)
    assert value[2].tolist() == [[1, 2]] * 3 and value[3].tolist() == [0, 1]
