"""`tf.distributions`."""
from __future__ import annotations

from .dirichlet import Beta, Dirichlet, DirichletMultinomial
from .discrete import Bernoulli, Categorical, Multinomial
from .distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution, ReparameterizationType
from .gamma import Exponential, Gamma
from .kullback_leibler import RegisterKL, kl_divergence
from .normal import Laplace, Normal, StudentT, Uniform

__all__ = [
    "FULLY_REPARAMETERIZED", "NOT_REPARAMETERIZED", "Bernoulli", "Beta", "Categorical", "Dirichlet",
    "DirichletMultinomial", "Distribution", "Exponential", "Gamma", "Laplace", "Multinomial", "Normal", "RegisterKL",
    "ReparameterizationType", "StudentT", "Uniform", "kl_divergence",
]
