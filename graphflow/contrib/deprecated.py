"""`tf.contrib.deprecated`: summaries under their names before TensorFlow 1.0, whose tag comes first."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import summary
from ..compiler.ir import Tensor
from ..framework import GraphKeys

__all__ = ["audio_summary", "histogram_summary", "image_summary", "merge_all_summaries", "merge_summary",
           "scalar_summary"]


def scalar_summary(tags: Any, values: Any, collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """`tf.summary.scalar(tags, values)`."""
    return summary.scalar(tags, values, collections)


def histogram_summary(tag: Any, values: Any, collections: Sequence[str] | None = None, name: str | None = None
                      ) -> Tensor:
    """`tf.summary.histogram(tag, values)`."""
    return summary.histogram(tag, values, collections)


def image_summary(tag: Any, tensor: Any, max_images: int = 3, collections: Sequence[str] | None = None,
                  name: str | None = None) -> Tensor:
    """`tf.summary.image(tag, tensor)`."""
    return summary.image(tag, tensor, max_images, collections)


def audio_summary(tag: Any, tensor: Any, sample_rate: Any, max_outputs: int = 3,
                  collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """`tf.summary.audio(tag, tensor, sample_rate)`."""
    return summary.audio(tag, tensor, sample_rate, max_outputs, collections)


def merge_summary(inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """`tf.summary.merge`."""
    return summary.merge(inputs, collections, name)


def merge_all_summaries(key: str = GraphKeys.SUMMARIES) -> Tensor | None:
    """`tf.summary.merge_all`."""
    return summary.merge_all(key)
