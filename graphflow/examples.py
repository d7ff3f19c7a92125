"""`tensorflow.examples.tutorials.mnist`: the data of TensorFlow 1's tutorials."""
from __future__ import annotations

from types import SimpleNamespace

from .contrib.learn.datasets import mnist as input_data

tutorials = SimpleNamespace(mnist=SimpleNamespace(input_data=input_data))
