"""Values as TensorBoard's plugins take them: tensors marked with the plugin's name (its "version 2" summaries)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.ops import png
from ..compiler.ops.summary import messages, tensor_message, wav


def plugin_summary(tag: str, plugin: str, value: np.ndarray, content: bytes = b"", description: str | None = None
                   ) -> Any:
    """A Summary with one tensor for a plugin."""
    pb = messages()
    metadata = pb.SummaryMetadata(plugin_data=pb.SummaryMetadata.PluginData(plugin_name=plugin, content=content),
                                  summary_description=description or "")
    return pb.Summary(value=[pb.Summary.Value(tag=tag, tensor=tensor_message(value), metadata=metadata)])


def image_parts(images: np.ndarray, max_outputs: int) -> np.ndarray:
    """Width, height and the first images [batch, height, width, 1, 3 or 4] as PNG files. Floats count from 0 to 1.

    Raises ValueError for another rank or number of channels.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError("image: expected a batch [k, height, width, 1, 3 or 4 channels], received shape "
                         f"{images.shape}")
    if images.dtype.kind == "f":
        images = np.clip(np.nan_to_num(images), 0, 1) * 255.5
    pixels = images.astype(np.uint8)
    sizes = [str(n).encode() for n in (pixels.shape[2], pixels.shape[1])]
    return np.array([*sizes, *(png.encode(p, 6) for p in pixels[:max_outputs])], object)


def histogram_parts(values: np.ndarray, buckets: int) -> np.ndarray:
    """[left edge, right edge, count] of each of as many equal buckets; of equal values the last bucket has all."""
    data = np.asarray(values, np.float64).ravel()
    data = data[np.isfinite(data)]
    if not data.size:
        return np.zeros((buckets, 3))
    low, high = data.min(), data.max()
    if low == high:
        return np.column_stack([np.full((buckets, 2), low), np.append(np.zeros(buckets - 1), data.size)])
    counts, edges = np.histogram(data, buckets, (low, high))
    return np.column_stack([edges[:-1], edges[1:], counts])


def audio_parts(sounds: np.ndarray, sample_rate: float, max_outputs: int) -> np.ndarray:
    """[WAV file, empty label] of the first sounds [batch, frames, channels], from -1 to 1. Raises ValueError for
    another rank."""
    if sounds.ndim != 3:
        raise ValueError(f"audio: expected a batch [k, frames, channels], received shape {sounds.shape}")
    return np.array([[wav(sound, sample_rate), b""] for sound in sounds[:max_outputs]], object).reshape(-1, 2)


def texts(value: Any) -> np.ndarray:
    """Texts of any shape as bytes."""
    given = np.asarray(value, object)
    flat: Sequence[bytes] = [t if isinstance(t, bytes) else str(t).encode() for t in given.ravel()]
    return np.array([*flat, None], object)[:-1].reshape(given.shape)
