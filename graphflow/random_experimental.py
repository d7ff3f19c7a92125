# ruff: noqa: F401 (this module is the list of names)
"""`tf.random.experimental`: names, whose modules say what they do."""
from __future__ import annotations

from .random_generator import Generator, create_rng_state, get_global_generator, set_global_generator
from .random_philox import Algorithm, index_shuffle, stateless_shuffle
from .random_philox import fold_in as stateless_fold_in
from .random_philox import split as stateless_split
