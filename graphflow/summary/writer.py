"""Event files, through tensorboard's own writer."""
from __future__ import annotations

import threading
import time
from typing import Any

from ..compiler.ir import Graph
from ..compiler.ops.summary import messages
from .graph_message import graph_message


class FileWriter:
    """Writes events to a new file `events.out.tfevents.*` in `logdir`, in a thread of its own.

    `graph` (or the graph of `session`) is written at once. Raises ImportError without the package tensorboard.
    """

    def __init__(self, logdir: Any, graph: Graph | None = None, max_queue: int = 10, flush_secs: int = 120,
                 graph_def: Any = None, filename_suffix: str | None = None, session: Any = None):
        messages()
        from tensorboard.compat.proto import event_pb2
        self._events = event_pb2
        self._logdir = str(logdir)
        self._options = max_queue, flush_secs, filename_suffix or ""
        self._writer: Any = None
        self._seen_tags: set[str] = set()
        self.reopen()
        if graph is None and session is not None:
            graph = session.graph
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def get_logdir(self) -> str:
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Write an `Event` message."""
        if self._writer is None:
            self.reopen()
        self._writer.add_event(event)

    def _add(self, global_step: Any = None, **content: Any) -> None:
        event = self._events.Event(wall_time=time.time(), **content)
        if global_step is not None:
            event.step = int(global_step)
        self.add_event(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Write a `Summary`, or the bytes of one that a summary op gave."""
        if isinstance(summary, bytes):
            summary = messages().Summary.FromString(summary)
        for value in summary.value:  # a plugin's data is kept once for each tag, as TensorFlow does
            if value.tag in self._seen_tags:
                value.ClearField("metadata")
            elif value.HasField("metadata"):
                self._seen_tags.add(value.tag)
        self._add(global_step, summary=summary)

    def add_graph(self, graph: Graph | None = None, global_step: Any = None, graph_def: Any = None) -> None:
        """Write a graph, for TensorBoard's graph tab."""
        message = graph_def if graph is None else graph_message(graph)
        if message is None:
            raise ValueError("The argument 'graph' must be provided.")
        self._add(global_step, graph_def=message.SerializeToString())

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Write a `MetaGraphDef` message."""
        self._add(global_step, meta_graph_def=meta_graph_def.SerializeToString())

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Write a `SessionLog` message."""
        self._add(global_step, session_log=session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Write what `Session.run` recorded, under a tag that has not been used."""
        if tag in self._seen_tags:
            raise ValueError(f"The provided tag was already used for this event type: {tag}")
        self._seen_tags.add(tag)
        data = run_metadata.SerializeToString() if hasattr(run_metadata, "SerializeToString") else b""
        self._add(global_step, tagged_run_metadata=self._events.TaggedRunMetadata(tag=tag, run_metadata=data))

    def flush(self) -> None:
        """Write what is waiting to the file."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Flush and close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def reopen(self) -> None:
        """Begin another file in the same folder, after `close`."""
        if self._writer is None:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
            queue, seconds, suffix = self._options
            self._writer = EventFileWriter(self._logdir, queue, seconds, suffix)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


class FileWriterCache:
    """One writer for each folder."""

    _writers: dict[str, FileWriter] = {}
    _lock = threading.Lock()

    @classmethod
    def get(cls, logdir: str) -> FileWriter:
        """The writer of a folder, made with the present default graph."""
        from ..compiler.ir import default_graph
        with cls._lock:
            if logdir not in cls._writers:
                cls._writers[logdir] = FileWriter(logdir, graph=default_graph())
            return cls._writers[logdir]

    @classmethod
    def clear(cls) -> None:
        """Close all writers."""
        with cls._lock:
            for writer in cls._writers.values():
                writer.close()
            cls._writers.clear()
