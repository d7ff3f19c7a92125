"""`tf.contrib.distributions`: those of `tf.distributions` and more."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..compiler.ir import Tensor
from ..compiler.ops.constant import convert_to_tensor
from ..compiler.ops.elementwise import add, expm1, log
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
from ..distributions import bijectors as _bijectors
from ..distributions import flows as _flows
from ..distributions.further import (
    Binomial,
    Cauchy,
    Chi2,
    GammaWithSoftplusConcentrationRate,
    Geometric,
    Gumbel,
    HalfNormal,
    InverseGamma,
    LaplaceWithSoftplusScale,
    MultivariateNormalDiagWithSoftplusScale,
    MultivariateNormalFullCovariance,
    NegativeBinomial,
    NormalWithSoftplusScale,
    Pareto,
    StudentTWithAbsDfSoftplusScale,
)
from ..distributions.kullback_leibler import cross_entropy
from ..distributions.mixture import (
    ConditionalTransformedDistribution,
    Mixture,
    MixtureSameFamily,
    TransformedDistribution,
)
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

bijectors = SimpleNamespace(**{name: getattr(module, name) for module in (_bijectors, _flows)
                               for name in module.__all__})


def softplus_inverse(x: Any, name: str | None = None) -> Tensor:
    """The y with softplus(y) = x."""
    tensor = convert_to_tensor(x)
    return add(tensor, log(-expm1(-tensor)), name=name)


__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ConditionalTransformedDistribution",
    "Deterministic", "Dirichlet", "DirichletMultinomial", "Distribution", "Exponential", "FULLY_REPARAMETERIZED",
    "Gamma", "GammaWithSoftplusConcentrationRate", "Geometric", "Gumbel", "HalfNormal", "Independent",
    "InverseGamma", "Laplace", "LaplaceWithSoftplusScale", "Logistic", "Mixture", "MixtureSameFamily",
    "Multinomial", "MultivariateNormalDiag", "MultivariateNormalDiagWithSoftplusScale",
    "MultivariateNormalFullCovariance", "MultivariateNormalTriL", "NOT_REPARAMETERIZED", "NegativeBinomial",
    "Normal", "NormalWithSoftplusScale", "OneHotCategorical", "Pareto", "Poisson", "RegisterKL", "RelaxedBernoulli",
    "RelaxedOneHotCategorical", "ReparameterizationType", "StudentT", "StudentTWithAbsDfSoftplusScale",
    "TransformedDistribution", "Uniform", "bijectors", "cross_entropy", "kl_divergence", "softplus_inverse",
]
