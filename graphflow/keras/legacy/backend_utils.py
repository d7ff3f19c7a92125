"""What Keras 3's own code asks of the process it runs in: libraries beside Keras ask the same."""
from __future__ import annotations

from ...eager_mode import executing_eagerly


def in_tf_graph() -> bool:
    """Whether operations build a graph now."""
    return not executing_eagerly()


def in_grain_data_pipeline() -> bool:
    """Whether this is a worker of the data loader grain: never, as there is none here."""
    return False
