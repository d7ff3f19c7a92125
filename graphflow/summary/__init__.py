"""`tf.summary`: what a program reports of its training, written as event files that TensorBoard shows.

Needs the package tensorboard (`pip install graphflow[tensorboard]`), whose message definitions are used.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..compiler.ir import Operation, Tensor, default_graph
from ..compiler.ops import summary as _ops
from ..compiler.ops.constant import convert_to_tensor
from ..framework import GraphKeys
from ..python_io import tf_record_iterator
from . import values as at_once_values
from .trace import trace_export, trace_off, trace_on
from .values import (
    SummaryWriter,
    create_file_writer,
    create_noop_writer,
    experimental,
    flush,
    record_if,
    should_record_summaries,
)
from .writer import FileWriter, FileWriterCache

__all__ = ["FileWriter", "FileWriterCache", "SummaryWriter", "all_v2_summary_ops", "audio", "create_file_writer",
           "create_noop_writer", "experimental", "flush", "get_summary_description", "histogram", "image",
           "initialize", "merge", "merge_all", "record_if", "scalar", "should_record_summaries", "summary_iterator",
           "tensor_summary", "text",
           "trace_export", "trace_off", "trace_on"]

_MESSAGES = {"Summary": "summary_pb2", "SummaryMetadata": "summary_pb2", "SummaryDescription": "summary_pb2",
             "HistogramProto": "summary_pb2", "Event": "event_pb2", "SessionLog": "event_pb2",
             "TaggedRunMetadata": "event_pb2"}


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:
        import importlib
        _ops.messages()
        return getattr(importlib.import_module(f"tensorboard.compat.proto.{_MESSAGES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


def _add(definition: Any, name: str, tensor: Any, collections: Sequence[str] | None, family: str | None,
         **attrs: Any) -> Tensor:
    """The summary op, whose tag is its own unique name (after the family, which so groups what TensorBoard shows)."""
    if not isinstance(name, str):
        raise TypeError(f"{definition.name}: the name must be a string, received {name!r}")
    value = convert_to_tensor(tensor)
    clean = re.sub(r"[^-/\w.]", "_", name.lstrip("/"))
    if family is not None:
        family = re.sub(r"[^-/\w.]", "_", family.lstrip("/"))
    graph = value.graph
    with graph.as_default(), graph.name_scope(clean if family is None else f"{family}/{clean}") as scope:
        tag = scope.rstrip("/") if family is None else f"{family}/{scope.rstrip('/')}"
        summary = definition(value, name=scope, tag=tag, **attrs)
    for collection in [GraphKeys.SUMMARIES] if collections is None else collections:
        graph.add_to_collection(collection, summary)
    return summary


def _given(tensor: Any, data: Any, *of_tensorflow_2: Any) -> tuple[Any, bool]:
    """(What a summary is of, whether it is written at once, as TensorFlow 2's): under either's name for it."""
    given = data if tensor is None else tensor
    if given is None:
        raise TypeError("a summary needs what it is of")
    return given, at_once_values.is_meant(data, *of_tensorflow_2)


def scalar(name: str, tensor: Any = None, collections: Sequence[str] | None = None, family: str | None = None, *,
           data: Any = None, step: Any = None, description: str | None = None) -> Any:
    """A summary (a serialized `Summary` message, string, []) of one number. As TensorFlow 2's, with `data` and `step`
    or a default writer, it writes the value at once."""
    tensor, at_once = _given(tensor, data, step, description)
    if at_once:
        return at_once_values.scalar(name, tensor, step, description)
    return _add(_ops.scalar_summary, name, tensor, collections, family)


def histogram(name: str, values: Any = None, collections: Sequence[str] | None = None, family: str | None = None, *,
              data: Any = None, step: Any = None, buckets: int | None = None, description: str | None = None) -> Any:
    """A summary of how the elements of `values` (any shape) are distributed. Running it raises InvalidArgumentError
    for NaN and infinity."""
    values, at_once = _given(values, data, step, buckets, description)
    if at_once:
        return at_once_values.histogram(name, values, step, buckets, description)
    return _add(_ops.histogram_summary, name, values, collections, family)


def image(name: str, tensor: Any = None, max_outputs: int = 3, collections: Sequence[str] | None = None,
          family: str | None = None, *, data: Any = None, step: Any = None, description: str | None = None) -> Any:
    """A summary of the first `max_outputs` images of a batch [batch, height, width, 1, 3 or 4]. Floats are scaled to
    the range of their image (but count from 0 to 1 where they are written at once)."""
    tensor, at_once = _given(tensor, data, step, description)
    if at_once:
        return at_once_values.image(name, tensor, step, max_outputs, description)
    return _add(_ops.image_summary, name, tensor, collections, family, max_outputs=max_outputs)


def audio(name: str, tensor: Any = None, sample_rate: Any = None, max_outputs: int = 3,
          collections: Sequence[str] | None = None, family: str | None = None, *, data: Any = None, step: Any = None,
          encoding: Any = None, description: str | None = None) -> Any:
    """A summary of the first `max_outputs` sounds of [batch, frames(, channels)], from -1 to 1, at `sample_rate` Hz."""
    tensor, at_once = _given(tensor, data, step, description)
    if at_once:
        return at_once_values.audio(name, tensor, sample_rate, step, max_outputs, encoding, description)
    return _add(_ops.audio_summary, name, tensor, collections, family, max_outputs=max_outputs,
                sample_rate=float(sample_rate))


def text(name: str, tensor: Any = None, collections: Sequence[str] | None = None, *, data: Any = None,
         step: Any = None, description: str | None = None) -> Any:
    """A summary of texts (string, any shape; Markdown). Raises ValueError for another dtype."""
    tensor, at_once = _given(tensor, data, step, description)
    if at_once:
        return at_once_values.text(name, tensor, step, description)
    value = convert_to_tensor(tensor)
    if not value.dtype.is_string:
        raise ValueError(f"Expected tensor {value.name} to have dtype string, got {value.dtype.name}")
    return _add(_ops.tensor_summary, name, value, collections, None, plugin="text")


def tensor_summary(name: str, tensor: Any, summary_description: Any = None, collections: Sequence[str] | None = None,
                   summary_metadata: Any = None, family: str | None = None, display_name: str | None = None) -> Tensor:
    """A summary of a whole tensor, for the plugin that `summary_metadata` (a SummaryMetadata) names."""
    kind = __getattr__("SummaryMetadata")
    metadata = kind.FromString(b"" if summary_metadata is None else summary_metadata.SerializeToString())
    if summary_description is not None:
        metadata.summary_description = summary_description
    if display_name is not None:
        metadata.display_name = display_name
    return _add(_ops.tensor_summary, name, tensor, collections, family, metadata=metadata.SerializeToString())


def get_summary_description(node_def: Any) -> Any:
    """The SummaryDescription in the attribute "description" (JSON) of a node that a TensorSummary op is written as.
    Raises ValueError for another op's."""
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    from google.protobuf import json_format
    text = node_def.attr.get("description", "{}")
    text = getattr(text, "s", text)
    return json_format.Parse(text.decode() if isinstance(text, bytes) else text, __getattr__("SummaryDescription")())


def merge(inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """One summary of several. Running it raises InvalidArgumentError when two have the same tag."""
    tensors = [convert_to_tensor(t) for t in inputs]
    with tensors[0].graph.as_default():
        merged = _ops.merge_summary(*tensors, name=name or "Merge/MergeSummary")
    for collection in collections or ():
        merged.graph.add_to_collection(collection, merged)
    return merged


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """One summary of all in the graph's collection `key`, None when there is none."""
    summaries = default_graph().get_collection(key, scope=scope)
    return merge(summaries, name=name) if summaries else None


def summary_iterator(path: Any) -> Iterator[Any]:
    """The `Event` messages of an event file. Raises NotFoundError where there is none, DataLossError for a damaged
    one."""
    event = __getattr__("Event")
    for record in tf_record_iterator(path):
        yield event.FromString(record)


def initialize(graph: Any = None, session: Any = None) -> None:
    """Nothing: writers of graph-mode summaries need no initialization."""


def all_v2_summary_ops() -> list[Operation]:
    """The summary ops of TensorFlow 2, of which there are none in a graph."""
    return []
