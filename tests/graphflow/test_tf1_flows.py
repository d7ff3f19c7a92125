"""Bijectors, flows, mixtures and further distributions; the expected numbers are SciPy's."""
import numpy as np
import pytest

import graphflow as tf


def run(tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensors)


def test_log_probabilities():
    ds = tf.contrib.distributions
    given = {
        ds.Binomial(10.0, probs=0.3).log_prob(4.0): -1.60883335, ds.Binomial(10.0, probs=0.3).cdf(4.0): 0.84973167,
        ds.Cauchy(1.0, 2.0).log_prob(0.5): -1.89850169, ds.Cauchy(1.0, 2.0).cdf(0.5): 0.42202087,
        ds.Chi2(3.0).log_prob(2.0): -1.57236494, ds.HalfNormal(2.0).log_prob(1.0): -1.04393853,
        ds.HalfNormal(2.0).cdf(1.0): 0.38292492, ds.InverseGamma(3.0, 2.0).log_prob(0.7): -0.04414872,
        ds.InverseGamma(3.0, 2.0).cdf(0.7): 0.45594467, ds.NegativeBinomial(4.0, probs=0.3).log_prob(2.0): -1.53206029,
        ds.NegativeBinomial(4.0, probs=0.3).cdf(2.0): 0.74431, ds.Geometric(probs=0.3).log_prob(2.0): -1.91732269,
        ds.Gumbel(1.0, 2.0).log_prob(0.3): -1.76221473, ds.Pareto(2.0, 1.5).log_prob(2.0): -0.57536414,
        ds.MultivariateNormalFullCovariance([0.0, 1.0], [[2, 0.3], [0.3, 1]]).log_prob([0.2, 0.1]): -2.62425591,
    }
    np.testing.assert_allclose(run(list(given)), list(given.values()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bijector, x", [
    (lambda tfb: tfb.Exp(), [0.3, 1.2]), (lambda tfb: tfb.Sigmoid(), [-0.4, 2.0]),
    (lambda tfb: tfb.Softplus(), [0.5, 1.5]), (lambda tfb: tfb.PowerTransform(0.5), [0.3, 0.2]),
    (lambda tfb: tfb.Invert(tfb.Exp()), [0.7, 2.0]), (lambda tfb: tfb.Square(), [0.5, 3.0]),
    (lambda tfb: tfb.Affine([1.0, 2.0], scale_tril=[[2.0, 0.0], [0.5, 1.0]]), [0.3, -0.4]),
    (lambda tfb: tfb.Chain([tfb.AffineScalar(1.0, 3.0), tfb.Permute([1, 0]), tfb.Exp()]), [0.1, 0.2]),
    (lambda tfb: tfb.MaskedAutoregressiveFlow(tfb.masked_autoregressive_default_template([4])), [0.4, -0.3]),
    (lambda tfb: tfb.RealNVP(1, lambda kept, count: (2 * kept, kept)), [0.4, -0.3]),
])
def test_bijectors_and_their_determinants(bijector, x):
    g = bijector(tf.contrib.distributions.bijectors)
    x = tf.constant(x)
    y = g.forward(x)
    jacobian = tf.stack([tf.gradients(y[k], x)[0] for k in range(2)])
    back, forth, inverse, expected = run([
        g.inverse(tf.identity(y)), g.forward_log_det_jacobian(x, 1), g.inverse_log_det_jacobian(tf.identity(y), 1),
        tf.log(tf.abs(tf.matrix_determinant(jacobian)))])
    np.testing.assert_allclose(back, run(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose([forth, -inverse], [expected] * 2, rtol=1e-4, atol=1e-5)


def test_mixtures():
    ds = tf.contrib.distributions
    mixed = [ds.Mixture(ds.Categorical(probs=[0.3, 0.7]), [ds.Normal(-1.0, 0.5), ds.Normal(1.0, 1.0)]),
             ds.MixtureSameFamily(ds.Categorical(probs=[0.3, 0.7]), ds.Normal([-1.0, 1.0], [0.5, 1.0]))]
    for m in mixed:
        density, mean, variance, draws = run([m.log_prob([0.0, 1.0]), m.mean(), m.variance(), m.sample(4000, seed=1)])
        np.testing.assert_allclose(density, [-1.60060659, -1.27532598], rtol=1e-5)
        np.testing.assert_allclose([mean, variance], [0.4, 1.615], rtol=1e-5)
        assert abs(draws.mean() - 0.4) < 0.1 and abs(draws.var() - 1.615) < 0.15


def test_a_scalar_distribution_of_vectors():
    ds = tf.contrib.distributions
    transformed = ds.TransformedDistribution(
        ds.Normal(0.0, 1.0), ds.bijectors.Affine([1.0, 2.0], scale_tril=[[2.0, 0.0], [0.5, 1.0]]), event_shape=[2])
    assert transformed.event_shape.as_list() == [2] and transformed.sample(3).shape.as_list() == [3, 2]
    np.testing.assert_allclose(run(transformed.log_prob([0.3, 0.4])), -3.60758675, rtol=1e-5)
