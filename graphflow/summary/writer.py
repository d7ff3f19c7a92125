"""`FileWriter`: what summaries, graphs and run metadata come to in event files."""
from __future__ import annotations

import threading
import time
from typing import Any

from ..compiler.graph_def import GraphDef, Importer
from ..compiler.ir import Graph, default_graph
from ..compiler.ops.summary import messages
from ..compiler.site import warn
from .event_file import EventFile
from .graph_message import graph_message


class FileWriter:
    """Writes events to a new file `events.out.tfevents.*` in `logdir`, at the latest after `flush_secs` seconds and
    `max_queue` events.

    `graph` (or the graph of `session`) is written at once. A folder that cannot be written to, or a full disk, gives
    one warning, after which events are dropped. Raises ImportError without the package tensorboard.
    """

    def __init__(self, logdir: Any, graph: Any = None, max_queue: int = 10, flush_secs: int = 120,
                 graph_def: Any = None, filename_suffix: str | None = None, session: Any = None):
        messages()
        from tensorboard.compat.proto import event_pb2
        self._events = event_pb2
        self._logdir = str(logdir)
        self._options = max_queue, flush_secs, filename_suffix or ""
        self._file: EventFile | None = None
        self._seen_tags: set[str] = set()
        self._run_tags: set[str] = set()
        self.reopen()
        if graph is None and session is not None:
            graph = session.graph
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def get_logdir(self) -> str:
        """The folder with the event files."""
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Write an `Event` message. A closed writer only warns."""
        if self._is_open():
            self._file.write(event.SerializeToString())  # type: ignore[union-attr]

    def _is_open(self) -> bool:
        if self._file is None:
            warn("Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter "
                 "is explicitly reopened.")
        return self._file is not None

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

    def add_graph(self, graph: Any = None, global_step: Any = None, graph_def: Any = None) -> None:
        """Write a graph, for TensorBoard's graph tab: a Graph, or the GraphDef of one. Raises TypeError for others,
        ValueError without one."""
        given = graph if graph is not None else graph_def
        if given is None:
            raise ValueError("The argument 'graph' must be provided.")
        self._add(global_step, graph_def=_as_message(given).SerializeToString())

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Write the graph of a `MetaGraphDef`. Raises TypeError for anything else."""
        found = getattr(meta_graph_def, "graph_def", None)
        if found is None:
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def).__name__}")
        self.add_graph(found, global_step)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Write a `SessionLog` message."""
        self._add(global_step, session_log=session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Write what `Session.run` recorded, for the graph tab: times and memory of its nodes. Raises ValueError for a
        tag that was used before."""
        if tag in self._run_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._run_tags.add(tag)
        tagged = self._events.TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add(global_step, tagged_run_metadata=tagged)

    def flush(self) -> None:
        """Write what is waiting to the file."""
        if self._is_open():
            self._file.flush()  # type: ignore[union-attr]

    def close(self) -> None:
        """Flush and close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def reopen(self) -> None:
        """Begin another file in the same folder, after `close`."""
        if self._file is None:
            self._file = EventFile(self._logdir, *self._options)
            source = self._events.SourceMetadata(writer="graphflow.summary")
            self._add(file_version="brain.Event:2", source_metadata=source)
            self.flush()

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def _as_message(graph: Any) -> Any:
    """A graph, of any kind, as TensorFlow's GraphDef message."""
    if isinstance(graph, GraphDef):
        given, graph = graph, Graph()
        with graph.as_default():
            Importer(graph).add(given.node)
    if isinstance(graph, Graph):
        return graph_message(graph)
    if hasattr(graph, "SerializeToString"):
        return graph
    raise TypeError(f"The passed graph must be an instance of `Graph` or the deprecated `GraphDef`, received "
                    f"{type(graph).__name__}")


class FileWriterCache:
    """One writer for each folder: `get(logdir)` makes it or gives it again, `clear` closes all."""

    _writers: dict[str, FileWriter] = {}
    _lock = threading.Lock()

    @classmethod
    def get(cls, logdir: str) -> FileWriter:
        """The writer of a folder, made with the present default graph."""
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
