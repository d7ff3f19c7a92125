"""Samples and formulas of `tf.distributions` agree: with each other, with sampling, and with integration."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

ds = tf.distributions
CASES = {
    "normal": (lambda: ds.Normal([0.5, -1.0], [1.0, 2.0]), np.linspace(-14, 13, 4001)),
    "laplace": (lambda: ds.Laplace([0.5, -1.0], [1.0, 0.7]), np.linspace(-16, 18, 40001)),
    "student": (lambda: ds.StudentT([9.0, 12.0], [0.0, 1.0], [1.0, 0.5]), np.linspace(-60, 60, 40001)),
    "uniform": (lambda: ds.Uniform([0.0, -1.0], [1.0, 2.0]), np.linspace(-1, 2, 30001)),
    "gamma": (lambda: ds.Gamma([2.0, 5.0], [1.0, 3.0]), np.linspace(1e-6, 30, 20001)),
    "exponential": (lambda: ds.Exponential([1.0, 3.0]), np.linspace(1e-6, 20, 20001)),
    "beta": (lambda: ds.Beta([2.0, 3.0], [2.5, 4.0]), np.linspace(1e-6, 1 - 1e-6, 20001)),
}


def run(tensors):
    with tf.Session() as session:
        return session.run(tensors)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        yield


@pytest.mark.parametrize("name", CASES)
def test_continuous(name):
    build, grid = CASES[name]
    d = build()
    x = np.repeat(grid[:, None], 2, 1).astype(np.float32)
    density, cdf, mean, variance, entropy, samples = run(
        [d.prob(x), d.cdf(x), d.mean(), d.variance(), d.entropy(), d.sample(40000)])
    density, wide = density.astype(np.float64), x.astype(np.float64)

    def integral(values):
        return np.trapezoid(values, wide, axis=0) if hasattr(np, "trapezoid") else np.trapz(values, wide, axis=0)

    np.testing.assert_allclose(integral(density), 1, rtol=2e-3)
    np.testing.assert_allclose(integral(density * wide), mean, rtol=3e-3, atol=3e-3)
    np.testing.assert_allclose(integral(density * (wide - mean) ** 2), variance, rtol=5e-3)
    np.testing.assert_allclose(integral(-density * np.log(np.maximum(density, 1e-300))), entropy, rtol=3e-3, atol=3e-3)
    middle = len(grid) // 2
    part = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
    np.testing.assert_allclose(part(density[:middle + 1], wide[:middle + 1], axis=0), cdf[middle], atol=2e-3)
    assert samples.shape == (40000, 2) and samples.dtype == np.float32
    np.testing.assert_allclose(samples.mean(0), mean, atol=5 * np.sqrt(variance.max() / 40000))
    np.testing.assert_allclose(samples.var(0), variance, rtol=0.1)
    assert d.batch_shape.as_list() == [2] and d.event_shape.as_list() == []
    np.testing.assert_allclose((samples <= x[middle]).mean(0), cdf[middle], atol=0.02)
    if name not in ("uniform", "exponential"):  # which have no peak inside
        np.testing.assert_allclose(run(d.mode()), wide[np.argmax(density, 0), 0], atol=10 * np.diff(grid).max())


@pytest.mark.parametrize(("distribution", "argument"), [("Normal", "loc"), ("Gamma", "concentration"),
                                                        ("Exponential", "rate"), ("Laplace", "scale")])
def test_samples_are_differentiated_by_parameters(distribution, argument):
    p = tf.constant(2.0)
    build = {"Normal": lambda: ds.Normal(p, 1.0), "Gamma": lambda: ds.Gamma(p, 1.0),
             "Exponential": lambda: ds.Exponential(p), "Laplace": lambda: ds.Laplace(0.0, p)}[distribution]
    square = tf.reduce_mean(tf.square(build().sample(100000, seed=1)))
    wanted = {"Normal": 4.0, "Gamma": 5.0, "Exponential": -0.5, "Laplace": 8.0}[distribution]  # d E[x^2] / d parameter
    assert run(tf.gradients(square, p)[0]) == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("by", ["probs", "logits"])
def test_bernoulli(by):
    p = np.array([0.2, 0.9], np.float32)
    d = ds.Bernoulli(**{by: p if by == "probs" else np.log(p / (1 - p))})
    value = run([d.prob([1, 0]), d.mean(), d.variance(), d.entropy(), d.mode(), d.sample([20000], seed=1)])
    np.testing.assert_allclose(value[0], [0.2, 0.1], rtol=1e-5)
    np.testing.assert_allclose(value[1], p, rtol=1e-5)
    np.testing.assert_allclose(value[2], p * (1 - p), rtol=1e-5)
    np.testing.assert_allclose(value[3], -p * np.log(p) - (1 - p) * np.log(1 - p), rtol=1e-5)
    assert value[4].tolist() == [0, 1] and value[5].dtype == np.int32
    np.testing.assert_allclose(value[5].mean(0), p, atol=0.02)


def test_categorical():
    p = np.array([[0.2, 0.5, 0.3], [0.0, 0.25, 0.75]], np.float32)
    d = ds.Categorical(probs=p)
    value = run([d.prob([1, 2]), d.log_prob([[0, 1], [2, 2]]), d.entropy(), d.mode(), d.sample([3, 5000], seed=1),
                 d.event_size, d.cdf([1, 2])])
    np.testing.assert_allclose(value[0], [0.5, 0.75], rtol=1e-5)
    np.testing.assert_allclose(value[1], np.log([[0.2, 0.25], [0.3, 0.75]]), rtol=1e-5)
    np.testing.assert_allclose(value[2], [1.0296530, 0.5623351], rtol=1e-5)
    assert value[3].tolist() == [1, 2] and value[4].shape == (3, 5000, 2) and value[5] == 3
    for b in range(2):
        np.testing.assert_allclose(np.bincount(value[4][..., b].ravel(), minlength=3) / 15000, p[b], atol=0.02)
    np.testing.assert_allclose(value[6], [0.2, 0.25], rtol=1e-5)
    single = ds.Categorical(logits=[0.0, 1.0])
    assert run([single.sample(), single.sample(4)])[1].shape == (4,)


def test_multinomial_and_dirichlet():
    m = ds.Multinomial(5.0, probs=[[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    value = run([m.prob([[1.0, 1, 3], [3, 1, 1]]), m.mean(), m.covariance(), m.sample(4000, seed=2)])
    np.testing.assert_allclose(value[0], [20 * 0.2 * 0.3 * 0.125, 20 * 0.216 * 0.3 * 0.1], rtol=1e-4)
    assert value[3].shape == (4000, 2, 3) and (value[3].sum(-1) == 5).all()
    np.testing.assert_allclose(value[3].mean(0), value[1], atol=0.1)
    np.testing.assert_allclose(np.cov(value[3][:, 0].T), value[2][0], atol=0.1)
    d = ds.Dirichlet([[1.0, 2.0, 3.0]])
    value = run([d.prob([[0.2, 0.3, 0.5]]), d.mean(), d.covariance(), d.sample(20000, seed=2)])
    np.testing.assert_allclose(value[0], [60 * 0.3 * 0.25], rtol=1e-4)
    np.testing.assert_allclose(value[3].mean(0), value[1], atol=0.01)
    np.testing.assert_allclose(np.cov(value[3][:, 0].T), value[2][0], atol=0.005)
    both = ds.DirichletMultinomial(4.0, [1.0, 2.0, 3.0])
    value = run([both.mean(), both.covariance(), both.sample(20000, seed=2)])
    np.testing.assert_allclose(value[2].mean(0), value[0], atol=0.05)
    np.testing.assert_allclose(np.cov(value[2].T), value[1], atol=0.1)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (lambda: ds.Normal(0.5, 1.5), lambda: ds.Normal(-1.0, 2.0)),
        (lambda: ds.Gamma(2.0, 1.0), lambda: ds.Gamma(3.0, 2.0)),
        (lambda: ds.Beta(2.0, 3.0), lambda: ds.Beta(1.5, 1.0)),
        (lambda: ds.Bernoulli(0.3), lambda: ds.Bernoulli(-1.0)),
        (lambda: ds.Categorical([0.0, 1.0, 2.0]), lambda: ds.Categorical([1.0, 1.0, 0.0])),
        (lambda: ds.Dirichlet([2.0, 3.0]), lambda: ds.Dirichlet([1.0, 1.5])),
    ],
)
def test_divergences(a, b):
    p, q = a(), b()
    x = p.sample(100000, seed=4)
    exact, cross, drawn = run(
        [ds.kl_divergence(p, q), p.cross_entropy(q), tf.reduce_mean(p.log_prob(x) - q.log_prob(x))]
    )
    assert exact == pytest.approx(drawn, rel=0.03, abs=0.005)
    assert cross == pytest.approx(run(p.entropy()) + exact, rel=1e-4)


def test_log_cdf_far_out():
    value = run(ds.Normal(0.0, 1.0).log_cdf([-30.0, -12.0, -9.0, 0.0]))
    np.testing.assert_allclose(value, [-454.3212439563432, -75.41067300156863, -43.62814936, -0.69314718], rtol=1e-5)


def test_what_is_not_defined():
    with pytest.raises(NotImplementedError, match="quantile"):
        ds.Gamma(1.0, 1.0).quantile(0.5)
    with pytest.raises(NotImplementedError, match="No KL"):
        ds.kl_divergence(ds.Normal(0.0, 1.0), ds.Gamma(1.0, 1.0))
    with pytest.raises(ValueError, match="but not both"):
        ds.Bernoulli()
    assert run(ds.Normal(0.0, 1.0).copy(loc=3.0).mean()) == 3
