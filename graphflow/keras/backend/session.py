"""The session in which Keras's variables live, and what reads and writes their values."""
from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from ...compiler.dtypes import as_dtype
from ...compiler.errors import FailedPreconditionError
from ...compiler.ir import Graph, Operation, Tensor, default_graph, reset_default_graph
from ...compiler.subgraph import outermost
from ...runtime.interpreter import values_of
from ...runtime.session import Session
from ...session import OWN, session_of
from ...sparse_ops import sparse_tensor_to_dense
from .. import naming
from ..scope import PHASE

if TYPE_CHECKING:
    from ..variables import Variable

GLOBAL_VARIABLES = "variables"  # the collection of all variables
VARIABLES = "keras_variables"  # the collection of a graph's Keras variables
# how many of the graph's Keras variables, and of those that the program made itself, a session has values of
_initialized: WeakKeyDictionary[Session, tuple[int, int]] = WeakKeyDictionary()
DRAWN_TOGETHER = 1 << 24  # bytes of variables whose initial values are drawn in one run
_manual: set[str] = set()  # holds "variables" while the program initializes them itself


def manual_variable_initialization(value: bool) -> None:
    """With True, variables are not initialized by Keras: the program's own session runs their initializers."""
    (_manual.add if value else _manual.discard)("variables")


# sessions: one for each graph, made when first needed


def get_session(graph: Graph | None = None) -> Session:
    """The session of Keras's variables in `graph` (the default graph), with every variable initialized.

    It is the session entered by `with Session()`, if there is one, else the one given to `set_session`, else its own.
    """
    graph = graph or default_graph().symbolic
    session = session_of(graph)
    if not _manual:
        _initialize(session, graph)
    return session


def set_session(session: Session) -> None:
    """Make Keras use this session for its graph."""
    session.graph.get_collection_ref(OWN)[:] = [session]


def clear_session(free_memory: bool = True) -> None:
    """Forget the default graph and its session, and number layers anew.

    Within `with graph.as_default()` the graph is the caller's: only its Keras session is forgotten.
    """
    for kind in (OWN, PHASE):
        default_graph().symbolic.get_collection_ref(kind).clear()
    with contextlib.suppress(AssertionError):
        reset_default_graph()
    naming.reset_uids()


@contextlib.contextmanager
def forgotten_if_failed() -> Iterator[None]:
    """Variables that the block has made when it raises are nobody's: no session fills them (they may be huge)."""
    graph = default_graph().symbolic
    lists = [graph.get_collection_ref(key) for key in (VARIABLES, GLOBAL_VARIABLES, "trainable_variables")]
    before = [len(variables) for variables in lists]
    try:
        yield
    except BaseException:
        for variables, count in zip(lists, before, strict=True):
            del variables[count:]
        for session in [s for s in _initialized if s.graph is graph]:
            del _initialized[session]
        raise


def _initialize(session: Session, graph: Graph) -> None:
    variables, others = graph.get_collection_ref(VARIABLES), graph.get_collection_ref(GLOBAL_VARIABLES)
    known, seen = _initialized.get(session, (0, 0))
    if (known, seen) == (len(variables), len(others)):
        return
    _initialized[session] = len(variables), len(others)
    missing = [v for v in variables[known:] if session.store.get(v.op) is None]
    for drawn in _groups([v for v in missing if isinstance(v.initial, Tensor)]):
        if outermost(default_graph()).eager:
            values = [value.copy() for value in values_of([v.initial for v in drawn])]
        else:
            with Session(graph=graph) as fresh:  # random streams start at 0, whatever ran before
                values = fresh.run([v.initial for v in drawn])
        taken: set[int] = set()  # two variables may begin with the same tensor
        for variable, value in zip(drawn, values, strict=True):
            session.store.adopt(variable.op, value.copy() if id(value) in taken else value)
            taken.add(id(value))
    for variable in missing:
        if not isinstance(variable.initial, Tensor):
            session.store.set(variable.op, variable.initial.copy())
    own = [v.initializer for v in others[seen:] if session.store.get(v.op) is None
           and isinstance(getattr(v, "initializer", None), Operation)]
    if own:
        session.run(own)


def _groups(variables: Sequence[Any]) -> Iterator[list[Any]]:
    """The variables in order, some at a time: the values drawn for them take memory beside their own."""
    group: list[Any] = []
    nbytes = 0
    for variable in variables:
        group.append(variable)
        nbytes += math.prod(variable.shape) * variable.dtype.size
        if nbytes > DRAWN_TOGETHER:
            yield group
            group, nbytes = [], 0
    if group:
        yield group


def get_value(x: Any) -> Any:
    """The value of a variable or of a tensor that needs no feeds."""
    return batch_get_value([x])[0]


def batch_get_value(xs: Sequence[Any]) -> list[Any]:
    """The values of variables, or of tensors that need no feeds."""
    return [_stored(x).copy() if hasattr(x, "handle") else eval(x) for x in xs]


def _stored(variable: Any) -> np.ndarray:
    array = get_session(variable.graph).store.get(variable.op)
    if array is None:
        raise FailedPreconditionError(f"Attempting to use uninitialized value {variable.path}", variable.op)
    return array


def set_value(x: Variable, value: Any) -> None:
    """Give a variable a value, now. Raises ValueError if the shapes differ."""
    array = np.asarray(value)
    if array.shape != x.shape and array.ndim:
        raise ValueError(f"The shape of the target variable and the shape of the target value must match. "
                         f"Received: value.shape={array.shape}, variable.shape={x.shape} for {x.name!r}")
    session_of(x.graph).store.set(x.op, array, x.shape)  # what is set need not be drawn first


def batch_set_value(pairs: Sequence[tuple[Any, Any]]) -> None:
    """Give each variable its value, now. Raises ValueError if shapes differ."""
    for variable, value in pairs:
        set_value(variable, value)


def eval(x: Any) -> Any:
    """The value of a tensor that needs no feeds. An operation is run."""
    if not isinstance(x, (Tensor, Operation)):
        if hasattr(x, "handle"):
            return get_value(x)
        if not hasattr(x, "dense_shape"):
            return np.asarray(x.numpy() if hasattr(x, "numpy") else x)
        x = sparse_tensor_to_dense(x)
    if isinstance(x, Tensor) and x.eager_value is not None:
        return x.numpy()  # type: ignore[attr-defined]
    return get_session(x.graph).run(x)


def is_float(dtype: Any) -> bool:
    return as_dtype(dtype).is_floating
