"""`tf.contrib.tensorboard`."""
from . import plugins

__all__ = ["plugins"]
