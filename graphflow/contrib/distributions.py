"""`tf.contrib.distributions`: those of `tf.distributions` and more."""
from __future__ import annotations

from ..distributions import (
    FULLY_REPARAMETERIZED,
    NOT_REPARAMETERIZED,
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DirichletMultinomial,
    Distribution,
    Exponential,
    Gamma,
    Laplace,
    Multinomial,
    Normal,
    RegisterKL,
    ReparameterizationType,
    StudentT,
    Uniform,
    kl_divergence,
)
from ..distributions.kullback_leibler import cross_entropy
from ..distributions.multivariate import (
    Deterministic,
    Independent,
    Logistic,
    MultivariateNormalDiag,
    MultivariateNormalTriL,
    OneHotCategorical,
    Poisson,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
)

__all__ = [
    "FULLY_REPARAMETERIZED", "NOT_REPARAMETERIZED", "Bernoulli", "Beta", "Categorical", "Deterministic", "Dirichlet",
    "DirichletMultinomial", "Distribution", "Exponential", "Gamma", "Independent", "Laplace", "Logistic",
    "Multinomial", "MultivariateNormalDiag", "MultivariateNormalTriL", "Normal", "OneHotCategorical", "Poisson",
    "RegisterKL", "RelaxedBernoulli", "RelaxedOneHotCategorical", "ReparameterizationType", "StudentT", "Uniform",
    "cross_entropy", "kl_divergence",
]
