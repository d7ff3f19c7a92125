"""`tf.contrib.learn`: data sets and vocabularies."""
from . import datasets, preprocessing

__all__ = ["datasets", "preprocessing"]
