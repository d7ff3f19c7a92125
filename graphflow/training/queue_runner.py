"""Threads that keep a queue filled."""
from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

from ..compiler.errors import CancelledError, OutOfRangeError
from ..compiler.ir import default_graph
from ..framework import GraphKeys
from ..logging import vlog
from ..queues import QueueBase
from ..session import chosen, raw_session
from .coordinator import Coordinator


class QueueRunner:
    """Runs each of `enqueue_ops` in a thread of its own until the queue is closed, then runs `close_op`.

    `queue_closed_exception_types` end a thread quietly; other errors are reported to the coordinator.
    """

    def __init__(self, queue: QueueBase | None = None, enqueue_ops: Sequence[Any] | None = None, close_op: Any = None,
                 cancel_op: Any = None, queue_closed_exception_types: Any = None, queue_runner_def: Any = None,
                 import_scope: str | None = None):
        self.exceptions_raised: list[BaseException] = []
        self._lock = threading.Lock()
        # how many threads of a session still run
        self._runs: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.queue_closed_exception_types = queue_closed_exception_types or (OutOfRangeError,)
        if queue_runner_def is not None:
            if queue is not None or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._from_def(queue_runner_def, import_scope)
            return
        if queue is None or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        self.queue: Any = queue
        self.enqueue_ops = list(enqueue_ops)
        self.close_op = queue.close() if close_op is None else close_op
        self.cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.queue.name

    # as data

    def to_proto(self, export_scope: str | None = None) -> list[Any] | None:
        """Names: of the queue's handle, the enqueue operations, close and cancel; None outside `export_scope`."""
        prefix = f"{export_scope}/" if export_scope else ""
        if not self.queue.name.startswith(prefix):
            return None
        return [self.queue.name.removeprefix(prefix), [op.name.removeprefix(prefix) for op in self.enqueue_ops],
                self.close_op.name.removeprefix(prefix), self.cancel_op.name.removeprefix(prefix)]

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)

    def _from_def(self, queue_runner_def: Any, import_scope: str | None) -> None:
        prefix, graph = f"{import_scope}/" if import_scope else "", default_graph()
        queue, enqueue_ops, close_op, cancel_op = queue_runner_def
        self.queue = graph.get_operation_by_name(prefix + queue)
        self.enqueue_ops = [graph.get_operation_by_name(prefix + name) for name in enqueue_ops]
        self.close_op = graph.get_operation_by_name(prefix + close_op)
        self.cancel_op = graph.get_operation_by_name(prefix + cancel_op)

    # threads

    def create_threads(self, sess: Any, coord: Coordinator | None = None, daemon: bool = False,
                       start: bool = False) -> list[threading.Thread]:
        """The threads for a session, none while earlier ones still run; with a coordinator also one that closes the
        queue on a stop."""
        with self._lock:
            if self._runs.get(sess, 0) > 0:
                return []
            self._runs[sess] = len(self.enqueue_ops)
            self.exceptions_raised = []
        threads = [threading.Thread(target=self._run, args=(sess, op, coord),
                                    name=f"QueueRunnerThread-{self.name}-{op.name}") for op in self.enqueue_ops]
        if coord is not None:
            threads.append(threading.Thread(target=self._close_on_stop, args=(sess, coord),
                                            name=f"QueueRunnerThread-{self.name}-close_on_stop"))
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            # the one that only waits for a stop must not keep the program from its end
            thread.daemon = daemon or thread.name.endswith("close_on_stop")
            if start:
                thread.start()
        return threads

    def _run(self, sess: Any, enqueue_op: Any, coord: Coordinator | None) -> None:
        decrement = True
        try:
            enqueue = sess.make_callable(enqueue_op)
            while coord is None or not coord.should_stop():
                try:
                    enqueue()
                except tuple(self.queue_closed_exception_types):
                    with self._lock:
                        self._runs[sess] -= 1
                        decrement, last = False, self._runs[sess] == 0
                    if last:
                        self._close(sess)
                    return
        except BaseException as error:
            # a session that is closed while threads wait is the end of their work
            ended = isinstance(error, (CancelledError, RuntimeError)) and getattr(sess, "_closed", False)
            if coord is not None:
                if not ended:
                    coord.request_stop(error)
            elif not ended:
                self.exceptions_raised.append(error)
                raise
        finally:
            if decrement:
                with self._lock:
                    self._runs[sess] -= 1

    def _close(self, sess: Any) -> None:
        try:
            sess.run(self.close_op)
        except Exception as error:  # the queue may be gone
            vlog(1, "Ignored exception: %s", error)

    def _close_on_stop(self, sess: Any, coord: Coordinator) -> None:
        coord.wait_for_stop()
        try:
            sess.run(self.cancel_op)
        except Exception as error:  # the session may be closed
            vlog(1, "Ignored exception: %s", error)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Have `start_queue_runners` start this one too."""
    default_graph().add_to_collection(collection, qr)


def start_queue_runners(sess: Any = None, coord: Coordinator | None = None, daemon: bool = True, start: bool = True,
                        collection: str = GraphKeys.QUEUE_RUNNERS) -> list[threading.Thread]:
    """Start the threads of the graph's queue runners in a session (default: the default one); returns them.

    Raises ValueError without a session, TypeError for what is none.
    """
    session = raw_session(chosen(sess, "start queue runners"), "sess")
    with session.graph.as_default():
        return [thread for qr in session.graph.get_collection(collection)
                for thread in qr.create_threads(session, coord, daemon, start)]
