"""Data sets to train on."""
from . import digits, mnist

__all__ = ["digits", "mnist"]
