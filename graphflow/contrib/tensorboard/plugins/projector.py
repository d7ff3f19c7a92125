"""What TensorBoard's view of embeddings is told: `ProjectorConfig` and where it is written.

Needs the package tensorboard (`pip install graphflow[tensorboard]`), whose message definitions are used.
"""
from __future__ import annotations

import os
from typing import Any

from ....compiler.ops.summary import messages

__all__ = ["visualize_embeddings"]


def __getattr__(name: str) -> Any:
    if name in ("EmbeddingInfo", "ProjectorConfig", "SpriteMetadata"):
        messages()
        from tensorboard.plugins.projector import projector_config_pb2
        return getattr(projector_config_pb2, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


def visualize_embeddings(summary_writer: Any, config: Any) -> None:
    """Write a ProjectorConfig to "projector_config.pbtxt" in a FileWriter's folder. Raises ValueError for a writer
    without one."""
    folder = summary_writer.get_logdir()
    if folder is None:
        raise ValueError("Summary writer must have a logdir")
    write_config(folder, config)


def write_config(folder: str, config: Any) -> None:
    """Write a ProjectorConfig to a folder."""
    from google.protobuf import text_format
    with open(os.path.join(folder, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
        file.write(text_format.MessageToString(config))
