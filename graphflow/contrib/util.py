"""`tf.contrib.util`: arrays as TensorProto messages, and values known while the graph is built."""
from __future__ import annotations

from ..array_ops import get_static_value as constant_value
from ..internal import make_ndarray, make_tensor_proto

__all__ = ["constant_value", "make_ndarray", "make_tensor_proto"]
