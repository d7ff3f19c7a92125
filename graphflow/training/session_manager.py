"""Sessions that are ready: restored from the latest checkpoint, or initialized."""
from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from ..compiler.errors import DeadlineExceededError, FailedPreconditionError
from ..compiler.ir import Graph, default_graph
from ..logging import info
from ..session import Session
from .checkpoint_state import checkpoint_exists, get_checkpoint_state


class SessionManager:
    """Makes sessions whose variables have values.

    `ready_op` gives the names of what is not initialized; `ready_for_local_init_op` does for what `local_init_op`
    needs. `recovery_wait_secs` is how long to wait between looking.
    """

    def __init__(self, local_init_op: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None,
                 graph: Graph | None = None, recovery_wait_secs: float = 30, local_init_run_options: Any = None,
                 local_init_feed_dict: Any = None):
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError("If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                             f"ready_for_local_init_op [{ready_for_local_init_op}]")
        self._graph = default_graph() if graph is None else graph
        self._local_init_op, self._ready_op = local_init_op, ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_feed_dict = local_init_feed_dict

    def _restore(self, master: str, saver: Any, checkpoint_dir: Any, checkpoint_filename_with_path: Any, wait: bool,
                 max_wait_secs: float, config: Any) -> tuple[Session, bool]:
        """(a session, whether it was restored)."""
        session = Session(master, self._graph, config)
        if checkpoint_dir and checkpoint_filename_with_path:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        if saver is None or not (checkpoint_dir or checkpoint_filename_with_path):
            return session, False
        if checkpoint_filename_with_path:
            if not checkpoint_exists(checkpoint_filename_with_path):
                return session, False
            saver.restore(session, checkpoint_filename_with_path)
            return session, True
        deadline = time.monotonic() + max_wait_secs
        state = get_checkpoint_state(os.fspath(checkpoint_dir))
        while state is None and wait and time.monotonic() < deadline:
            info("Waiting for checkpoint to be available.")
            time.sleep(min(self._recovery_wait_secs, max(0.0, deadline - time.monotonic())))
            state = get_checkpoint_state(os.fspath(checkpoint_dir))
        if state is None:
            return session, False
        saver.restore(session, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return session, True

    def prepare_session(self, master: str, init_op: Any = None, saver: Any = None, checkpoint_dir: Any = None,
                        checkpoint_filename_with_path: Any = None, wait_for_checkpoint: bool = False,
                        max_wait_secs: float = 7200, config: Any = None, init_feed_dict: Any = None,
                        init_fn: Any = None) -> Session:
        """A session restored from a checkpoint, else initialized. Raises RuntimeError when it is not ready then."""
        session, restored = self._restore(master, saver, checkpoint_dir, checkpoint_filename_with_path,
                                          wait_for_checkpoint, max_wait_secs, config)
        if not restored:
            if init_op is None and not init_fn and self._local_init_op is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                session.run(init_op, init_feed_dict)
            if init_fn:
                init_fn(session)
        self._run_local_init(session, init_op, init_fn)
        problem = self._problem(self._ready_op, session)
        if problem:
            raise RuntimeError(f"Init operations did not make model ready.  Init op: {_name(init_op)}, init fn: "
                               f"{init_fn}, local_init_op: {_name(self._local_init_op)}, error: {problem}")
        return session

    def _run_local_init(self, session: Session, init_op: Any = None, init_fn: Any = None) -> None:
        if self._local_init_op is None:
            return
        problem = self._problem(self._ready_for_local_init_op, session)
        if problem:
            raise RuntimeError(f"Init operations did not make model ready for local_init.  Init op: {_name(init_op)}, "
                               f"init fn: {init_fn}, error: {problem}")
        info("Running local_init_op.")
        session.run(self._local_init_op, self._local_init_feed_dict)
        info("Done running local_init_op.")

    def recover_session(self, master: str, saver: Any = None, checkpoint_dir: Any = None,
                        checkpoint_filename_with_path: Any = None, wait_for_checkpoint: bool = False,
                        max_wait_secs: float = 7200, config: Any = None) -> tuple[Session, bool]:
        """(a session, whether it was restored from a checkpoint and is ready)."""
        session, restored = self._restore(master, saver, checkpoint_dir, checkpoint_filename_with_path,
                                          wait_for_checkpoint, max_wait_secs, config)
        if restored:
            self._run_local_init(session)
        return session, restored and not self._problem(self._ready_op, session)

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float = float("inf")) -> Session:
        """A session whose variables somebody else initializes: each session has its own, so it is only ever ready
        when `local_init_op` makes it so. Raises DeadlineExceededError after `max_wait_secs` seconds."""
        deadline = time.monotonic() + max_wait_secs
        while True:
            session = Session(master, self._graph, config)
            if not self._problem(self._ready_for_local_init_op, session):
                self._run_local_init(session)
            problem = self._problem(self._ready_op, session)
            if not problem:
                return session
            session.close()
            if time.monotonic() + self._recovery_wait_secs > deadline:
                raise DeadlineExceededError(f"Session was not ready after waiting {max_wait_secs} secs: {problem}")
            time.sleep(self._recovery_wait_secs)

    @staticmethod
    def _problem(ready_op: Any, session: Session) -> str | None:
        """What is not ready, None when all is."""
        if ready_op is None:
            return None
        try:
            value = session.run(ready_op)
        except FailedPreconditionError as error:
            return f"Variables not initialized: {error}"
        if value is None or np.asarray(value).size == 0:
            return None
        names = ", ".join(v.decode() if isinstance(v, bytes) else str(v) for v in np.ravel(value))
        return f"Variables not initialized: {names}"


def _name(op: Any) -> Any:
    return None if op is None else op.name
