"""Keras's utilities."""
from .io_utils import get_file
from .numerical import normalize, set_random_seed, to_categorical
from .progbar import Progbar

__all__ = ["Progbar", "get_file", "normalize", "set_random_seed", "to_categorical"]
