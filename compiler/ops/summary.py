"""Summaries: ops that write what TensorBoard shows, as serialized `Summary` messages (tensorboard's definitions)."""
from __future__ import annotations

import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import REALS, bool_, string, uint8
from ..errors import InvalidArgumentError, ShapeError
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef
from . import png
from .arguments import check_dtype
from .audio import encode_wav
from .texts import text


def messages() -> Any:
    """The module of the `Summary` message. Raises ImportError without the package tensorboard."""
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("notf"))  # never to look for TensorFlow
    try:
        from tensorboard.compat.proto import summary_pb2
    except ImportError:
        raise ImportError("summaries need the package tensorboard: pip install graphflow[tensorboard]") from None
    return summary_pb2


def _summary(name: str, check: Callable[[Tensor], None], values: Callable[..., Sequence[Any]]) -> OpDef:
    """An op from one tensor to a serialized summary. `values(array, **attrs)` makes its Value messages."""
    def infer(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
        check(inputs[0])
        return [TensorType(string, ())]

    return OpDef(name, HOST, infer, reference=lambda x, **attrs: _serialized(values(x, **attrs)))


def _serialized(values: Sequence[Any]) -> np.ndarray:
    return text(messages().Summary(value=values).SerializeToString())


def _reals(name: str) -> Callable[[Tensor], None]:
    return lambda x: check_dtype(name, x, (*REALS, bool_))


def _check_scalar(x: Tensor) -> None:
    _reals("ScalarSummary")(x)
    if not x.shape.is_compatible_with(()):
        raise ShapeError(f"ScalarSummary: expects a scalar, received {x!r}")


scalar_summary = _summary("ScalarSummary", _check_scalar,
                          lambda x, tag: [messages().Summary.Value(tag=tag, simple_value=float(x))])


# histograms

def _limits() -> np.ndarray:
    """TensorFlow's default bucket limits: 1e-12 times powers of 1.1 up to 1e20, their negatives, and 0."""
    positive = [1e-12]
    while positive[-1] * 1.1 < 1e20:
        positive.append(positive[-1] * 1.1)
    positive.append(sys.float_info.max)
    return np.array([*(-v for v in reversed(positive)), 0.0, *positive])


def histogram(x: np.ndarray) -> Any:
    """The HistogramProto of an array's elements. Raises InvalidArgumentError for NaN and infinity, as TensorFlow."""
    values = np.asarray(x, np.float64).ravel()
    if not np.isfinite(values).all():
        raise InvalidArgumentError("HistogramSummary: Nan or infinity in summary histogram")
    limits = _limits()
    counts = np.bincount(np.searchsorted(limits, values, side="right"), minlength=len(limits))[:len(limits)]
    # a run of empty buckets is written as one, which ends where the run does
    kept = (counts > 0) | np.append(counts[1:] > 0, True)
    return messages().HistogramProto(
        min=values.min(initial=np.inf) if values.size else 0, max=values.max() if values.size else 0, num=values.size,
        sum=values.sum(), sum_squares=np.square(values).sum(), bucket_limit=limits[kept], bucket=counts[kept])


histogram_summary = _summary("HistogramSummary", _reals("HistogramSummary"),
                             lambda x, tag: [messages().Summary.Value(tag=tag, histo=histogram(x))])


# images and sound

def _numbered(tag: str, kind: str, count: int, max_outputs: int) -> list[str]:
    return [f"{tag}/{kind}"] if max_outputs == 1 else [f"{tag}/{kind}/{i}" for i in range(count)]


def _pixels(image: np.ndarray) -> np.ndarray:
    """An image of floats as bytes: from 0 to its maximum, or with negative values around 127 (red where not finite)."""
    finite = np.isfinite(image)
    low, high = np.min(image, where=finite, initial=np.inf), np.max(image, where=finite, initial=-np.inf)
    with np.errstate(all="ignore"):
        if low < 0:
            bound = max(abs(low), abs(high))
            scaled = image * (127 / bound if bound > 1e-6 else 0) + 128
        else:
            scaled = image * (255 / high if high > 1e-6 else 0)
        pixels = np.where(finite, scaled, 0).astype(np.uint8)
    bad = ~finite.all(axis=-1)
    pixels[bad] = 255 if image.shape[-1] == 1 else [255, 0, 0, 255][:image.shape[-1]]
    return pixels


def _images(x: np.ndarray, tag: str, max_outputs: int) -> list[Any]:
    pb = messages()
    shown = x[:max_outputs]
    images = [image if image.dtype == np.uint8 else _pixels(image.astype(np.float32)) for image in shown]
    return [pb.Summary.Value(tag=name, image=pb.Summary.Image(
        height=image.shape[0], width=image.shape[1], colorspace=image.shape[2],
        encoded_image_string=png.encode(image, 6)))
        for name, image in zip(_numbered(tag, "image", len(shown), max_outputs), images, strict=False)]


def _check_images(x: Tensor) -> None:
    check_dtype("ImageSummary", x, (*[d for d in REALS if d.is_floating], uint8))
    if x.dims is not None and (len(x.dims) != 4 or isinstance(x.dims[3], int) and x.dims[3] not in (1, 3, 4)):
        raise ShapeError(f"ImageSummary: expects [batch, height, width, 1, 3 or 4 channels], received {x!r}")


image_summary = _summary("ImageSummary", _check_images, _images)


def wav(sound: np.ndarray, sample_rate: float) -> bytes:
    """A sound [frames, channels] from -1 to 1 as a WAV file."""
    file: np.ndarray = encode_wav.reference(sound.astype(np.float32), np.int32(sample_rate))  # type: ignore[misc]
    return file.item()


def _sounds(x: np.ndarray, tag: str, max_outputs: int, sample_rate: float) -> list[Any]:
    pb = messages()
    sounds = x.reshape(x.shape[0], x.shape[1], -1)[:max_outputs]
    values = []
    for name, sound in zip(_numbered(tag, "audio", len(sounds), max_outputs), sounds, strict=False):
        values.append(pb.Summary.Value(tag=name, audio=pb.Summary.Audio(
            sample_rate=sample_rate, num_channels=sound.shape[1], length_frames=sound.shape[0],
            encoded_audio_string=wav(sound, sample_rate), content_type="audio/wav")))
    return values


def _check_sounds(x: Tensor) -> None:
    check_dtype("AudioSummaryV2", x, [d for d in REALS if d.is_floating])
    if x.dims is not None and len(x.dims) not in (2, 3):
        raise ShapeError(f"AudioSummaryV2: expects [batch, frames] or [batch, frames, channels], received {x!r}")


audio_summary = _summary("AudioSummaryV2", _check_sounds, _sounds)


# tensors, and several summaries in one

def tensor_message(x: np.ndarray) -> Any:
    """A TensorProto of an array."""
    messages()
    from tensorboard.util.tensor_util import make_tensor_proto
    return make_tensor_proto(x)


def _tensors(x: np.ndarray, tag: str, plugin: str = "", metadata: bytes = b"") -> list[Any]:
    """`metadata` is a serialized SummaryMetadata."""
    pb = messages()
    told = pb.SummaryMetadata.FromString(metadata)
    if plugin:
        told.plugin_data.plugin_name = plugin
    return [pb.Summary.Value(tag=tag, metadata=told, tensor=tensor_message(x))]


tensor_summary = _summary("TensorSummaryV2", lambda x: None, _tensors)


def _merged(*summaries: np.ndarray) -> np.ndarray:
    merged = messages().Summary()
    for data in summaries:
        merged.MergeFromString(data.item())
    tags = [value.tag for value in merged.value]
    repeated = next((tag for tag in tags if tags.count(tag) > 1), None)
    if repeated is not None:
        raise InvalidArgumentError(f"MergeSummary: Duplicate tag {repeated} found in summary inputs")
    return text(merged.SerializeToString())


merge_summary = OpDef("MergeSummary", HOST, lambda inputs, attrs: [TensorType(string, ())], reference=_merged)
