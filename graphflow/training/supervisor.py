"""`tf.train.Supervisor`: a session that is restored, saved and summarized in the background."""
from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from ..compiler.ir import Graph, default_graph
from ..framework import GraphKeys
from ..logging import info
from ..session import Session
from ..variable_checks import report_uninitialized_variables
from ..variable_lists import global_variables, global_variables_initializer
from .coordinator import Coordinator, LooperThread
from .global_step import get_global_step
from .hooks import event_writer
from .monitored_session import Scaffold, _merged_summaries, _saver_of_graph
from .queue_runner import start_queue_runners
from .session_manager import SessionManager


class Supervisor:
    """Makes a session that goes on from the latest checkpoint in `logdir`, and there saves one every `save_model_secs`
    seconds and summaries every `save_summaries_secs`, in threads of a Coordinator.

    USE_DEFAULT makes an operation or finds it in the graph's collections; None does without.
    """

    USE_DEFAULT = 0

    def __init__(self, graph: Graph | None = None, ready_op: Any = USE_DEFAULT,
                 ready_for_local_init_op: Any = USE_DEFAULT, is_chief: bool = True, init_op: Any = USE_DEFAULT,
                 init_feed_dict: Any = None, local_init_op: Any = USE_DEFAULT, logdir: Any = None,
                 summary_op: Any = USE_DEFAULT, saver: Any = USE_DEFAULT, global_step: Any = USE_DEFAULT,
                 save_summaries_secs: float = 120, save_model_secs: float = 600, recovery_wait_secs: float = 30,
                 stop_grace_secs: float = 120, checkpoint_basename: str = "model.ckpt", session_manager: Any = None,
                 summary_writer: Any = USE_DEFAULT, init_fn: Callable[..., None] | None = None,
                 local_init_run_options: Any = None):
        self._graph = graph or default_graph()
        self._is_chief = is_chief
        self._coord = Coordinator()
        self._init_feed_dict, self._init_fn = init_feed_dict, init_fn
        self._logdir = None if logdir is None else os.fspath(logdir)
        self._save_summaries_secs, self._save_model_secs = save_summaries_secs, save_model_secs
        self._stop_grace_secs = stop_grace_secs
        self._save_path = os.path.join(self._logdir, checkpoint_basename) if self._logdir and is_chief else None

        def chosen(value: Any, make: Callable[[], Any]) -> Any:
            return make() if value is self.USE_DEFAULT else value

        with self._graph.as_default():
            self._init_op = chosen(init_op, lambda: Scaffold.get_or_default(
                "init_op", GraphKeys.INIT_OP, global_variables_initializer))
            self._ready_op = chosen(ready_op, lambda: Scaffold.get_or_default(
                "ready_op", GraphKeys.READY_OP, report_uninitialized_variables))
            self._local_init_op = chosen(local_init_op, lambda: Scaffold.get_or_default(
                "local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op))
            self._ready_for_local_init_op = chosen(ready_for_local_init_op, lambda: Scaffold.get_or_default(
                "ready_for_local_init_op", GraphKeys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(global_variables())))
            self._summary_op = chosen(summary_op, lambda: Scaffold.get_or_default(
                "summary_op", GraphKeys.SUMMARY_OP, _merged_summaries))
            self._saver = chosen(saver, lambda: _saver_of_graph() if global_variables() else None)
            self._global_step = chosen(global_step, get_global_step)
        self._summary_writer = chosen(summary_writer, lambda: event_writer(self._logdir) if is_chief else None)
        self._session_manager = session_manager or SessionManager(
            self._local_init_op, self._ready_op, self._ready_for_local_init_op if self._local_init_op is not None
            else None, self._graph, recovery_wait_secs)
        if is_chief and self._logdir:
            os.makedirs(self._logdir, exist_ok=True)

    coord = property(lambda self: self._coord)
    graph = property(lambda self: self._graph)
    init_op = property(lambda self: self._init_op)
    init_feed_dict = property(lambda self: self._init_feed_dict)
    ready_op = property(lambda self: self._ready_op)
    ready_for_local_init_op = property(lambda self: self._ready_for_local_init_op)
    local_init_op = property(lambda self: self._local_init_op)
    summary_op = property(lambda self: self._summary_op)
    summary_writer = property(lambda self: self._summary_writer)
    saver = property(lambda self: self._saver)
    global_step = property(lambda self: self._global_step)
    save_path = property(lambda self: self._save_path)
    save_model_secs = property(lambda self: self._save_model_secs)
    save_summaries_secs = property(lambda self: self._save_summaries_secs)
    session_manager = property(lambda self: self._session_manager)
    is_chief = property(lambda self: self._is_chief)

    def prepare_or_wait_for_session(self, master: str = "", config: Any = None, wait_for_checkpoint: bool = False,
                                    max_wait_secs: float = 7200, start_standard_services: bool = True) -> Session:
        """A session that is ready, with its services and queue runners started."""
        self._coord.clear_stop()
        if self._is_chief:
            session = self._session_manager.prepare_session(
                master, self._init_op, self._saver, self._logdir, wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs, config=config, init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn)
            if start_standard_services:
                self.start_standard_services(session)
        else:
            session = self._session_manager.wait_for_session(master, config, max_wait_secs)
        if start_standard_services:
            self.start_queue_runners(session)
        return session

    PrepareSession = prepare_or_wait_for_session

    @contextlib.contextmanager
    def managed_session(self, master: str = "", config: Any = None, start_standard_services: bool = True,
                        close_summary_writer: bool = True) -> Iterator[Session]:
        """A session that is ready; at the end threads are stopped, and what stopped them is raised."""
        try:
            session = self.prepare_or_wait_for_session(master, config, start_standard_services=start_standard_services)
            with session.as_default():
                yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                with contextlib.suppress(UnboundLocalError):
                    session.close()

    def start_standard_services(self, sess: Session) -> list[LooperThread]:
        """The threads that save checkpoints and summaries. Raises RuntimeError where this is not the chief."""
        if not self._is_chief:
            raise RuntimeError("Only chief supervisor can start standard services. Because only chief supervisors can "
                               "write events.")
        if not self._logdir:
            info("Standard services need a 'logdir' passed to the SessionManager")
            return []
        threads = []
        if self._summary_op is not None and self._summary_writer is not None and self._save_summaries_secs:
            threads.append(LooperThread(self._coord, self._save_summaries_secs, self._write_summary, (sess,)))
        if self._saver is not None and self._save_model_secs:
            threads.append(LooperThread(self._coord, self._save_model_secs, self._save, (sess,)))
        for thread in threads:
            thread.start()
        return threads

    def _save(self, sess: Session) -> None:
        self._saver.save(sess, self._save_path, global_step=self._global_step)

    def _write_summary(self, sess: Session) -> None:
        step = None if self._global_step is None else sess.run(self._global_step)
        self._summary_writer.add_summary(sess.run(self._summary_op), step)

    def summary_computed(self, sess: Session, summary: bytes, global_step: int | None = None) -> None:
        """Write a summary that was run. Raises RuntimeError without a writer."""
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self._global_step is not None:
            global_step = int(sess.run(self._global_step))
        self._summary_writer.add_summary(summary, global_step)

    SummaryComputed = summary_computed

    def start_queue_runners(self, sess: Session, queue_runners: Any = None) -> list[Any]:
        """The threads of the queue runners (default: of the graph), started."""
        if queue_runners is None:
            return start_queue_runners(sess, self._coord)
        return [t for qr in queue_runners for t in qr.create_threads(sess, self._coord, daemon=True, start=True)]

    def loop(self, timer_interval_secs: float | None, target: Callable[..., Any], args: Any = None,
             kwargs: Any = None) -> LooperThread:
        """A started thread that calls `target` every so many seconds."""
        return LooperThread.loop(self._coord, timer_interval_secs, target, args, kwargs)

    def stop(self, threads: Any = None, close_summary_writer: bool = True,
             ignore_live_threads: bool = False) -> None:
        """Stop the threads and wait for them. Raises the first error that one reported."""
        self._coord.request_stop()
        try:
            self._coord.join(threads, self._stop_grace_secs, ignore_live_threads)
        finally:
            if close_summary_writer and self._summary_writer is not None:
                self._summary_writer.close()

    def request_stop(self, ex: Any = None) -> None:
        self._coord.request_stop(ex)

    def should_stop(self) -> bool:
        return self._coord.should_stop()

    def stop_on_exception(self) -> Any:
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        self._coord.wait_for_stop()


def basic_train_loop(supervisor: Supervisor, train_step_fn: Callable[..., None], args: Any = None, kwargs: Any = None,
                     master: str = "") -> None:
    """Call `train_step_fn(session, *args, **kwargs)` until the supervisor stops."""
    with supervisor.managed_session(master) as session:
        while not supervisor.should_stop():
            train_step_fn(session, *(args or ()), **(kwargs or {}))


