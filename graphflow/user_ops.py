"""`tf.user_ops`: the example of an op of one's own."""
from __future__ import annotations

from .rarely import my_fact

__all__ = ["my_fact"]
