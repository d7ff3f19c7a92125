"""Sessions as scripts see them: tensors have `eval` and operations `run`, in the default session."""
from __future__ import annotations

from typing import Any

from .compiler.ir import Graph
from .runtime.session import InteractiveSession, Session
from .runtime.session import default_session as get_default_session

__all__ = ["InteractiveSession", "Session", "get_default_session"]

OWN = "keras_session"  # the collection with the session that a graph keeps


def session_of(graph: Graph) -> Session:
    """The session with a graph's variables where the program names none: the default one if it is the graph's, else
    one that the graph keeps."""
    if graph.eager:
        return graph.session  # type: ignore[attr-defined]
    session = get_default_session()
    if session is None or session.graph is not graph:
        own = graph.get_collection_ref(OWN)
        if not own:
            own.append(Session(graph=graph))
        session = own[0]
    return session


def chosen(session: Any, what: str) -> Any:
    """`session`, or the default one. Raises ValueError where there is none."""
    found = get_default_session() if session is None else session
    if found is None:
        raise ValueError(f"Cannot {what}: No default session is registered. Use `with sess.as_default()` or pass an "
                         "explicit session.")
    return found


def raw_session(session: Any, what: str) -> Session:
    """The session itself behind a monitored one. Raises TypeError for anything else."""
    while not isinstance(session, Session):
        inner = getattr(session, "_tf_sess", None)
        if inner is None:
            raise TypeError(f"'{what}' must be a Session; {session}")
        session = inner()
    return session
