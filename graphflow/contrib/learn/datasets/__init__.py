"""`tf.contrib.learn.datasets`: data sets in the older form, with `next_batch`."""
from . import base, mnist
from .base import Dataset, Datasets
from .mnist import load_mnist


def load_dataset(name: str, size: str = "small", test_with_fake_data: bool = False) -> Datasets:
    """A data set by name: "mnist". Raises ValueError for another."""
    if name != "mnist":
        raise ValueError(f"Name of dataset is not found: {name}")
    return load_mnist()


__all__ = ["Dataset", "Datasets", "base", "load_dataset", "load_mnist", "mnist"]
