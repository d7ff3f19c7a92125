"""Sessions with hooks: initialized or restored, watched, stopped and closed in good order."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..compiler.errors import AbortedError, OutOfRangeError, UnavailableError
from ..compiler.ir import Graph, Operation, default_graph
from ..config import RunMetadata, RunOptions
from ..framework import GraphKeys, group
from ..logging import info
from ..session import Session
from ..variable_checks import report_uninitialized_variables
from ..variable_lists import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    tables_initializer,
)
from .coordinator import Coordinator
from .hooks import CheckpointSaverHook, StepCounterHook, SummarySaverHook
from .queue_runner import start_queue_runners
from .saver import Saver
from .session_manager import SessionManager
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

USE_DEFAULT = object()
_PREEMPTION_ERRORS = (AbortedError, UnavailableError)


class Scaffold:
    """What it takes to begin training: initializers, readiness checks, summaries, a saver; made where not given.

    `finalize()` completes it from the graph and its collections and finalizes the graph.
    """

    def __init__(self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Callable[..., None] | None = None,
                 ready_op: Any = None, ready_for_local_init_op: Any = None, local_init_op: Any = None,
                 summary_op: Any = None, saver: Any = None, copy_from_scaffold: Scaffold | None = None,
                 local_init_feed_dict: Any = None):
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")

        def given(value: Any, name: str) -> Any:
            return value if value is not None or copy_from_scaffold is None else getattr(copy_from_scaffold, name)

        self._init_op = given(init_op, "_init_op")
        self._init_feed_dict = given(init_feed_dict, "_init_feed_dict")
        user_fn = given(init_fn, "_user_init_fn")
        self._user_init_fn = user_fn
        self._init_fn = None if user_fn is None else lambda sess: user_fn(self, sess)
        self._ready_op = given(ready_op, "_ready_op")
        self._ready_for_local_init_op = given(ready_for_local_init_op, "_ready_for_local_init_op")
        self._local_init_op = given(local_init_op, "_local_init_op")
        self._local_init_feed_dict = given(local_init_feed_dict, "_local_init_feed_dict")
        self._summary_op = given(summary_op, "_summary_op")
        self._saver = given(saver, "_saver")

    def finalize(self) -> Scaffold:
        """Make what is missing, and finalize the graph."""
        if self._init_op is None:
            self._init_op = self.get_or_default("init_op", GraphKeys.INIT_OP, global_variables_initializer)
        if self._ready_op is None:
            self._ready_op = self.get_or_default("ready_op", GraphKeys.READY_OP, report_uninitialized_variables)
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = self.get_or_default(
                "ready_for_local_init_op", GraphKeys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(global_variables()))
        if self._local_init_op is None:
            self._local_init_op = self.get_or_default("local_init_op", GraphKeys.LOCAL_INIT_OP,
                                                      Scaffold.default_local_init_op)
        if self._summary_op is None:
            self._summary_op = self.get_or_default("summary_op", GraphKeys.SUMMARY_OP, _merged_summaries)
        if self._saver is None:
            self._saver = _saver_of_graph()
        self._saver.build()
        default_graph().finalize()
        info("Graph was finalized.")
        return self

    init_fn = property(lambda self: self._init_fn)
    init_op = property(lambda self: self._init_op)
    ready_op = property(lambda self: self._ready_op)
    ready_for_local_init_op = property(lambda self: self._ready_for_local_init_op)
    local_init_op = property(lambda self: self._local_init_op)
    local_init_feed_dict = property(lambda self: self._local_init_feed_dict)
    summary_op = property(lambda self: self._summary_op)
    saver = property(lambda self: self._saver)
    init_feed_dict = property(lambda self: self._init_feed_dict)

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """The one item of a collection, else what the constructor makes, put there. Raises RuntimeError for several."""
        items = default_graph().get_collection(collection_key)
        if len(items) > 1:
            raise RuntimeError(f"More than one item in the collection \"{collection_key}\". Please indicate which one "
                               f"to use by passing it to the tf.Scaffold constructor as:  tf.Scaffold({arg_name}=item "
                               "to use)")
        if items:
            return items[0]
        made = default_constructor()
        if made is not None:
            default_graph().add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Operation:
        """Initializes local variables and tables."""
        return group(local_variables_initializer(), tables_initializer())


def _merged_summaries() -> Any:
    if not default_graph().get_collection(GraphKeys.SUMMARIES):
        return None
    from ..summary import merge_all
    return merge_all()


def _saver_of_graph() -> Saver:
    savers = default_graph().get_collection(GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError("More than one item in collection SAVERS. Please indicate which one to use by passing it to "
                           "the constructor.")
    if not savers:
        savers = [Saver(sharded=True, allow_empty=True)]
        default_graph().add_to_collection(GraphKeys.SAVERS, savers[0])
    return savers[0]


class SessionCreator:
    """Base of what makes sessions."""

    def create_session(self) -> Session:
        raise NotImplementedError(f"create_session is not implemented for {self}.")


class ChiefSessionCreator(SessionCreator):
    """Makes a session that is restored from a checkpoint or initialized."""

    def __init__(self, scaffold: Scaffold | None = None, master: str = "", config: Any = None,
                 checkpoint_dir: Any = None, checkpoint_filename_with_path: Any = None):
        self._checkpoint_dir, self._checkpoint_filename = checkpoint_dir, checkpoint_filename_with_path
        self._scaffold = scaffold or Scaffold()
        self._master, self._config = master, config
        self._session_manager: SessionManager | None = None

    def _manager(self) -> SessionManager:
        if self._session_manager is None:
            s = self._scaffold
            self._session_manager = SessionManager(s.local_init_op, s.ready_op, s.ready_for_local_init_op,
                                                   default_graph(), local_init_feed_dict=s.local_init_feed_dict)
        return self._session_manager

    def create_session(self) -> Session:
        self._scaffold.finalize()
        s = self._scaffold
        return self._manager().prepare_session(
            self._master, s.init_op, s.saver, self._checkpoint_dir, self._checkpoint_filename, config=self._config,
            init_feed_dict=s.init_feed_dict, init_fn=s.init_fn)


class WorkerSessionCreator(SessionCreator):
    """Makes a session whose variables only a local initializer sets."""

    def __init__(self, scaffold: Scaffold | None = None, master: str = "", config: Any = None,
                 max_wait_secs: float = 1800):
        self._scaffold = scaffold or Scaffold()
        self._master, self._config, self._max_wait_secs = master, config, max_wait_secs

    def create_session(self) -> Session:
        self._scaffold.finalize()
        s = self._scaffold
        return SessionManager(s.local_init_op, s.ready_op, s.ready_for_local_init_op, default_graph()).wait_for_session(
            self._master, self._config, self._max_wait_secs)


class _MonitoredSession:
    """Runs hooks around the runs of a session that `session_creator` makes, again after a preemption error."""

    def __init__(self, session_creator: SessionCreator | None, hooks: Iterable[SessionRunHook] | None,
                 should_recover: bool, stop_grace_period_secs: float = 120):
        self._graph_was_finalized = default_graph().finalized
        self._hooks = list(hooks or [])
        for hook in self._hooks:
            hook.begin()
        self._creator = session_creator or ChiefSessionCreator()
        self._should_recover = should_recover
        self._grace = stop_grace_period_secs
        self._stopped = False
        self._closed = False
        self._make()

    def _make(self) -> None:
        self._sess: Any = self._creator.create_session()
        self._graph: Graph = self._sess.graph
        self._coord = Coordinator(clean_stop_exception_types=())
        if self._graph.get_collection(GraphKeys.QUEUE_RUNNERS):
            start_queue_runners(self._sess, self._coord)
        for hook in self._hooks:
            hook.after_create_session(self._sess, self._coord)

    @property
    def graph(self) -> Graph | None:
        """The graph of the session, None when it is closed."""
        return None if self._closed else self._graph

    def _tf_sess(self) -> Any:
        return self._sess

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Session is already closed.")

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """As `Session.run`, with the hooks' fetches and feeds. Raises RuntimeError after a stop."""
        self._check_open()
        while True:
            if self.should_stop():
                raise RuntimeError("Run called even after should_stop requested.")
            try:
                return self._hooked_run(fetches, feed_dict, options, run_metadata)
            except _PREEMPTION_ERRORS as error:
                if not self._should_recover:
                    raise
                info("An error was raised. The session will be closed and a new one created. Error: %s", error)
                self._sess.close()
                self._make()
            except Exception:
                self._coord.raise_requested_exception()  # what went wrong first
                raise

    def _hooked_run(self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self._sess)
        options, run_metadata = options or RunOptions(), run_metadata or RunMetadata()
        feeds = dict(feed_dict or {})
        wanted: dict[Any, Any] = {"caller": fetches}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is not None:
                if request.fetches is not None:
                    wanted[hook] = request.fetches
                options = _merged(options, request.options)
                for key, value in (request.feed_dict or {}).items():
                    if any(key is f for f in feeds):
                        raise RuntimeError("Same tensor is fed by two hooks." if key not in (feed_dict or {}) else
                                           "Same tensor is fed by a SessionRunHook and user.")
                    feeds[key] = value
        outputs = self._sess.run(wanted, feeds, options, run_metadata)
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(outputs.get(hook), options, run_metadata))
        self._stopped |= context.stop_requested
        return outputs["caller"]

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """What `step_fn(step_context)` returns; in it, `step_context.run_with_hooks` runs with hooks, and
        `step_context.session` without."""
        self._check_open()
        try:
            return step_fn(_StepContext(self))
        except StopIteration:
            self._stopped = True
            raise

    def should_stop(self) -> bool:
        """Whether a hook or a thread asked to stop, or the session is closed."""
        return self._closed or self._stopped or self._coord.should_stop()

    def close(self) -> None:
        """Let the hooks end, stop the threads and close the session."""
        self._close(None)

    def _close(self, exception_type: Any) -> None:
        self._check_open()
        try:
            if exception_type is None:
                for hook in self._hooks:
                    hook.end(self._sess)
        finally:
            self._closed = True
            try:
                self._coord.request_stop()
                self._coord.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
            finally:
                self._sess.close()
                if not self._graph_was_finalized:
                    self._graph.finalized = False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        if kind in (OutOfRangeError, StopIteration):
            kind = None
        self._close(kind)
        return kind is None


def _merged(options: RunOptions, more: RunOptions | None) -> RunOptions:
    """Options that ask for all that either asks for."""
    if more is None:
        return options
    return RunOptions(**{name: max(value, getattr(more, name)) for name, value in vars(options).items()})


class _StepContext:
    """What `run_step_fn` gives its function."""

    def __init__(self, monitored: _MonitoredSession):
        self._monitored = monitored

    @property
    def session(self) -> Any:
        return self._monitored._sess

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        return self._monitored.run(*args, **kwargs)

    def request_stop(self) -> None:
        """Ask to stop. Raises StopIteration, so that nothing follows."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class MonitoredSession(_MonitoredSession):
    """A session with hooks that is made anew after a preemption. Not a `tf.Session`, and cannot be default."""

    def __init__(self, session_creator: SessionCreator | None = None, hooks: Iterable[SessionRunHook] | None = None,
                 stop_grace_period_secs: float = 120):
        super().__init__(session_creator, hooks, True, stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
    """A session with hooks that is not made anew; `raw_session()` is the `tf.Session`."""

    def __init__(self, hooks: Iterable[SessionRunHook] | None = None, scaffold: Scaffold | None = None,
                 master: str = "", config: Any = None, checkpoint_dir: Any = None, stop_grace_period_secs: float = 120,
                 checkpoint_filename_with_path: Any = None):
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        return self._tf_sess()


def MonitoredTrainingSession(master: str = "", is_chief: bool = True, checkpoint_dir: Any = None,
                             scaffold: Scaffold | None = None, hooks: Sequence[SessionRunHook] | None = None,
                             chief_only_hooks: Sequence[SessionRunHook] | None = None,
                             save_checkpoint_secs: Any = USE_DEFAULT, save_summaries_steps: Any = USE_DEFAULT,
                             save_summaries_secs: Any = USE_DEFAULT, config: Any = None,
                             stop_grace_period_secs: float = 120, log_step_count_steps: int | None = 100,
                             max_wait_secs: float = 7200, save_checkpoint_steps: Any = USE_DEFAULT,
                             summary_dir: Any = None, save_graph_def: bool = True) -> MonitoredSession:
    """A MonitoredSession for training: with a `checkpoint_dir` it restores from there, and saves checkpoints (every 600
    seconds by default) and summaries (every 100 steps) to it."""
    if save_summaries_steps is USE_DEFAULT and save_summaries_secs is USE_DEFAULT:
        save_summaries_steps, save_summaries_secs = 100, None
    save_summaries_secs = None if save_summaries_secs is USE_DEFAULT else save_summaries_secs
    save_summaries_steps = None if save_summaries_steps is USE_DEFAULT else save_summaries_steps
    if save_checkpoint_steps is USE_DEFAULT and save_checkpoint_secs is USE_DEFAULT:
        save_checkpoint_steps, save_checkpoint_secs = None, 600
    save_checkpoint_secs = None if save_checkpoint_secs is USE_DEFAULT else save_checkpoint_secs
    save_checkpoint_steps = None if save_checkpoint_steps is USE_DEFAULT else save_checkpoint_steps
    scaffold = scaffold or Scaffold()
    if not is_chief:
        return MonitoredSession(WorkerSessionCreator(scaffold, master, config, max_wait_secs), hooks,
                                stop_grace_period_secs)
    all_hooks = list(chief_only_hooks or [])
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            all_hooks.append(StepCounterHook(log_step_count_steps, output_dir=summary_dir))
        if (save_summaries_steps and save_summaries_steps > 0) or (save_summaries_secs and save_summaries_secs > 0):
            all_hooks.append(SummarySaverHook(save_summaries_steps, save_summaries_secs, summary_dir,
                                              scaffold=scaffold))
    if checkpoint_dir and ((save_checkpoint_secs and save_checkpoint_secs > 0)
                           or (save_checkpoint_steps and save_checkpoint_steps > 0)):
        os.makedirs(checkpoint_dir, exist_ok=True)
        all_hooks.append(CheckpointSaverHook(checkpoint_dir, save_checkpoint_secs, save_checkpoint_steps,
                                             scaffold=scaffold, save_graph_def=save_graph_def))
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(creator, [*(hooks or []), *all_hooks], stop_grace_period_secs)
