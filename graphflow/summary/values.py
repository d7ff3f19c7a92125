"""TensorFlow 2's summaries: of values rather than of graph, written at once to the default writer.

`writer = create_file_writer(logdir)`, then `with writer.as_default(): scalar("loss", value, step=epoch)`. In a graph
values are Python's and NumPy's (what `Session.run` and Keras give), where ops run at once tensors too.
"""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..compiler.ir import Tensor, default_graph
from .plugins import audio_parts, histogram_parts, image_parts, plugin_summary, texts
from .writer import FileWriter

BUCKETS = 30  # of a histogram


class _State(threading.local):
    def __init__(self) -> None:
        self.writer: SummaryWriter | None = None
        self.step: Any = None
        self.records: Any = True


_state = _State()


class SummaryWriter:
    """Writes to a new event file in `logdir`, or nowhere (None)."""

    def __init__(self, logdir: Any, max_queue: int = 10, flush_millis: float = 120_000, filename_suffix: str = ""):
        self._file = None if logdir is None else FileWriter(logdir, None, max_queue, int(flush_millis / 1000) or 1,
                                                            filename_suffix=filename_suffix)

    @contextmanager
    def as_default(self, step: Any = None) -> Iterator[SummaryWriter]:
        """Make this the default writer inside, and `step`, if it is given, the default step."""
        before = _state.writer, _state.step
        self.set_as_default(step)
        try:
            yield self
        finally:
            self.flush()
            _state.writer, _state.step = before

    def set_as_default(self, step: Any = None) -> None:
        """Make this the default writer from now on."""
        _state.writer = self
        if step is not None:
            _state.step = step

    def write(self, summary: Any, step: int) -> None:
        """Write a `Summary` message."""
        if self._file is not None:
            self._file.add_summary(summary, step)

    def init(self) -> None:
        """Nothing: the writer is ready."""

    def flush(self) -> None:
        """Write what is waiting to the file."""
        if self._file is not None and self._file._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Flush and close the file."""
        if self._file is not None:
            self._file.close()


def create_file_writer(logdir: Any, max_queue: int | None = None, flush_millis: float | None = None,
                       filename_suffix: str | None = None, name: str | None = None) -> SummaryWriter:
    """A writer of event files in `logdir`."""
    return SummaryWriter(logdir, max_queue or 10, flush_millis or 120_000, filename_suffix or "")


def create_noop_writer() -> SummaryWriter:
    """A writer that writes nothing."""
    return SummaryWriter(None)


def flush(writer: SummaryWriter | None = None, name: str | None = None) -> None:
    """Flush the writer, by default the default one."""
    target = writer or _state.writer
    if target is not None:
        target.flush()


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Inside, summaries are written only if the condition (a bool or a function of none) holds."""
    before, _state.records = _state.records, condition
    try:
        yield
    finally:
        _state.records = before


def should_record_summaries() -> bool:
    """Whether summaries are written: there is a default writer, and `record_if` lets them."""
    records = _state.records() if callable(_state.records) else _state.records
    return _state.writer is not None and bool(records)


def is_meant(*arguments: Any) -> bool:
    """Whether a call that TensorFlow 1 and 2 share is one of TensorFlow 2: there is a default writer, or it has one of
    the arguments that only TensorFlow 2 has."""
    return _state.writer is not None or any(a is not None for a in arguments)


def write_value(name: str, make: Callable[[np.ndarray], Any], plugin: str, data: Any, step: Any = None,
                description: str | None = None, content: bytes = b"") -> bool:
    """Write what `make` makes of the data, for a plugin. Returns whether it was written. Raises ValueError without a
    step, TypeError for a tensor of a graph, which has no value yet."""
    if not should_record_summaries():
        return False
    step = _state.step if step is None else step
    if step is None:
        raise ValueError("No step set. Please specify one either through the `step` argument or through "
                         "tf.summary.experimental.set_step()")
    if isinstance(data, Tensor) and data.eager_value is None:
        raise TypeError(f"summary {name!r}: {data!r} has no value here; run it first, or use TensorFlow 1's summaries "
                        "(merge_all and FileWriter)")
    value = data.numpy() if hasattr(data, "numpy") else data
    scope = default_graph().get_name_scope()
    tag = f"{scope}/{name}" if scope else name
    assert _state.writer is not None
    _state.writer.write(plugin_summary(tag, plugin, make(value), content, description), int(step))
    return True


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Write one number. Returns whether there was a writer for it."""
    return write_value(name, lambda v: np.asarray(v, np.float32).reshape(()), "scalars", data, step,
                       description)


def histogram(name: str, data: Any, step: Any = None, buckets: int | None = None, description: str | None = None
              ) -> bool:
    """Write how the elements of an array are distributed."""
    return write_value(name, lambda v: histogram_parts(v, buckets or BUCKETS), "histograms", data, step, description)


def image(name: str, data: Any, step: Any = None, max_outputs: int = 3, description: str | None = None) -> bool:
    """Write the first of a batch of images [k, height, width, 1, 3 or 4]: uint8, or floats from 0 to 1."""
    return write_value(name, lambda v: image_parts(np.asarray(v), max_outputs), "images", data, step, description)


def audio(name: str, data: Any, sample_rate: float, step: Any = None, max_outputs: int = 3, encoding: Any = None,
          description: str | None = None) -> bool:
    """Write the first of a batch of sounds [k, frames, channels] from -1 to 1."""
    return write_value(name, lambda v: audio_parts(np.asarray(v), float(sample_rate), max_outputs), "audio", data, step,
                       description)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Write texts (Markdown)."""
    return write_value(name, texts, "text", data, step, description)


def _set_step(step: Any) -> None:
    _state.step = step


def _get_step() -> Any:
    return _state.step


experimental = SimpleNamespace(set_step=_set_step, get_step=_get_step)
