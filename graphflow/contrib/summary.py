"""`tf.contrib.summary`: summary operations that write to the default writer themselves when they run."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import summary as _summary
from ..compiler.dtypes import bool_, int64
from ..compiler.ir import Operation, Tensor, default_graph
from ..compiler.ops.constant import constant, convert_to_tensor
from ..compiler.ops.elementwise import cast, equal
from ..control_flow import smart_cond
from ..framework import group, no_op
from ..script_ops import array_function
from ..training.global_step import get_or_create_global_step

__all__ = ["SummaryWriter", "all_summary_ops", "always_record_summaries", "audio", "create_file_writer",
           "create_summary_file_writer", "flush", "histogram", "image", "initialize", "never_record_summaries",
           "record_summaries_every_n_global_steps", "scalar", "should_record_summaries",
           "summary_writer_initializer_op"]

_OPS, _INITIALIZERS = "_SUMMARY_V2", "_SUMMARY_WRITER_V2"
_writers: list[SummaryWriter] = []
_recording: list[Any] = [False]


class SummaryWriter:
    """Writes event files in `logdir`, which its `init` operation opens."""

    def __init__(self, logdir: Any, max_queue: int, flush_millis: int, filename_suffix: str | None):
        self._options = logdir, max_queue, flush_millis, filename_suffix
        self._file: Any = None
        self._init = group(array_function(self._open, [], []), name="create_file_writer")
        default_graph().add_to_collection(_INITIALIZERS, self._init)

    def _open(self) -> None:
        logdir, max_queue, flush_millis, suffix = self._options
        if self._file is None:
            self._file = _summary.FileWriter(logdir, max_queue=max_queue or 10, filename_suffix=suffix,
                                             flush_secs=max((flush_millis or 120_000) // 1000, 1))

    def write(self, summary: Any, step: Any) -> bool:
        """Write a serialized `Summary`, as an array of one string."""
        self._open()
        self._file.add_summary(np.asarray(summary).item(), int(step))
        return True

    def init(self) -> Operation:
        """The operation that opens the file."""
        return self._init

    @contextlib.contextmanager
    def as_default(self) -> Iterator[SummaryWriter]:
        """Summaries made inside are written by this writer."""
        _writers.append(self)
        try:
            yield self
        finally:
            _writers.pop()

    def set_as_default(self) -> None:
        _writers[:] = [self]

    def flush(self) -> Operation:
        """An operation that writes what waits."""
        return group(array_function(lambda: self._file and self._file.flush() and None, [], []))

    def close(self) -> Operation:
        """An operation that closes the file."""
        return group(array_function(lambda: self._file and self._file.close() and None, [], []))


def create_file_writer(logdir: Any, max_queue: int | None = None, flush_millis: int | None = None,
                       filename_suffix: str | None = None, name: str | None = None) -> SummaryWriter:
    """A writer of event files in a folder."""
    return SummaryWriter(logdir, max_queue or 10, flush_millis or 120_000, filename_suffix)


create_summary_file_writer = create_file_writer


@contextlib.contextmanager
def _recorded(when: Any) -> Iterator[None]:
    _recording.append(when)
    try:
        yield
    finally:
        _recording.pop()


def always_record_summaries() -> Any:
    """A context in which summaries are written."""
    return _recorded(True)


def never_record_summaries() -> Any:
    """A context in which summaries are not written."""
    return _recorded(False)


def record_summaries_every_n_global_steps(n: int, global_step: Any = None) -> Any:
    """A context in which summaries are written when the global step is a multiple of `n`."""
    step = get_or_create_global_step() if global_step is None else global_step
    return _recorded(equal(cast(step, int64) % constant(np.int64(n)), constant(np.int64(0))))


def should_record_summaries() -> Tensor:
    """Whether summaries are written, a bool scalar."""
    return convert_to_tensor(_recording[-1], bool_)


def _written(make: Callable[[], Tensor], step: Any) -> Operation:
    if not _writers or _recording[-1] is False:
        return no_op()
    writer = _writers[-1]
    at = cast(get_or_create_global_step() if step is None else step, int64)

    summary = make()  # outside, where its name is its tag

    def record() -> Tensor:
        return array_function(writer.write, [summary, at], bool_)

    op = group(smart_cond(_recording[-1], record, lambda: constant(False)))
    default_graph().add_to_collection(_OPS, op)
    return op


def scalar(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Operation:
    """Writes one number."""
    return _written(lambda: _summary.scalar(name, tensor, [], family), step)


def histogram(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Operation:
    """Writes how the elements are distributed."""
    return _written(lambda: _summary.histogram(name, tensor, [], family), step)


def image(name: str, tensor: Any, bad_color: Any = None, max_images: int = 3, family: str | None = None,
          step: Any = None) -> Operation:
    """Writes images [batch, height, width, channels]."""
    return _written(lambda: _summary.image(name, tensor, max_images, [], family), step)


def audio(name: str, tensor: Any, sample_rate: Any, max_outputs: int, family: str | None = None,
          step: Any = None) -> Operation:
    """Writes sounds [batch, samples, channels]."""
    return _written(lambda: _summary.audio(name, tensor, sample_rate, max_outputs, [], family), step)


def all_summary_ops() -> list[Operation]:
    """The operations of this graph that write summaries."""
    return default_graph().get_collection(_OPS)


def summary_writer_initializer_op() -> list[Operation]:
    """The operations of this graph that open writers."""
    return default_graph().get_collection(_INITIALIZERS)


def initialize(graph: Any = None, session: Any = None) -> None:
    """Open the writers. Raises ValueError without a session."""
    from ..session import chosen
    chosen(session, "initialize summaries").run(summary_writer_initializer_op())


def flush(writer: SummaryWriter | None = None, name: str | None = None) -> Operation:
    """An operation that writes what waits in a writer (default: the default one)."""
    chosen_writer = writer or (_writers[-1] if _writers else None)
    return no_op() if chosen_writer is None else chosen_writer.flush()
