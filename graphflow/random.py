"""`tf.random`."""
from __future__ import annotations

from . import random_experimental as experimental
from .candidate_sampling import (
    all_candidate_sampler,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from .framework import get_seed, set_random_seed
from .random_generator import Generator, create_rng_state, get_global_generator, set_global_generator
from .random_ops import categorical, multinomial, truncated_normal
from .random_ops import random_gamma as gamma
from .random_ops import random_normal as normal
from .random_ops import random_poisson as poisson
from .random_ops import random_shuffle as shuffle
from .random_ops import random_uniform as uniform
from .random_philox import (
    Algorithm,
    fold_in,
    split,
    stateless_categorical,
    stateless_multinomial,
    stateless_truncated_normal,
)
from .random_philox import stateless_random_normal as stateless_normal
from .random_philox import stateless_random_uniform as stateless_uniform
from .random_stateless import stateless_parameterized_truncated_normal
from .random_stateless import stateless_random_binomial as stateless_binomial
from .random_stateless import stateless_random_gamma as stateless_gamma
from .random_stateless import stateless_random_poisson as stateless_poisson

__all__ = [
    "Algorithm", "Generator", "all_candidate_sampler", "categorical", "create_rng_state", "experimental",
    "fixed_unigram_candidate_sampler", "fold_in", "gamma", "get_global_generator", "get_seed",
    "learned_unigram_candidate_sampler", "log_uniform_candidate_sampler", "multinomial", "normal", "poisson",
    "set_global_generator", "set_random_seed", "shuffle", "split", "stateless_binomial", "stateless_categorical",
    "stateless_gamma", "stateless_multinomial", "stateless_normal", "stateless_parameterized_truncated_normal",
    "stateless_poisson", "stateless_truncated_normal", "stateless_uniform", "truncated_normal", "uniform",
    "uniform_candidate_sampler",
]
