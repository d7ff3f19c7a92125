"""`tf.train.experimental`."""
from __future__ import annotations

from .mixed_precision import disable_mixed_precision_graph_rewrite, enable_mixed_precision_graph_rewrite

__all__ = ["disable_mixed_precision_graph_rewrite", "enable_mixed_precision_graph_rewrite"]
