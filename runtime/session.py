"""Sessions: they hold the values of variables and run parts of a graph."""
from __future__ import annotations

import contextlib
import itertools
import operator
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..compiler.errors import CancelledError
from ..compiler.graph_def import GraphDef, graph_def_of
from ..compiler.ir import Graph, Operation, Tensor, as_operation, default_graph
from ..compiler.names import nearest
from ..compiler.opdef import has_effect
from ..compiler.ops.state import read_variable
from ..compiler.passes.specialise import needed_operations
from ..compiler.queues import time_limit
from .debugger import Breakpoint, Debugger, Look, pause
from .partial_run import PartialRun
from .runner import Runner
from .store import VariableStore


class _Sessions(threading.local):
    def __init__(self) -> None:
        self.stack: list[Session] = []


_sessions = _Sessions()
_sessions_alive: weakref.WeakSet[Session] = weakref.WeakSet()


def debug_all(value: bool | str) -> None:
    """Set `debug` of every session, of those to come too."""
    Session.default_debug = value
    for session in list(_sessions_alive):
        session.debug = value


def default_session() -> Session | None:
    """The session of the innermost `with`, None outside."""
    return _sessions.stack[-1] if _sessions.stack else None


class Session:
    """Runs the operations of a graph (by default the default graph) and keeps its variables.

    `config` may carry `intra_op_parallelism_threads` and `operation_timeout_in_ms`, how long a run may wait for queues
    (0: for ever); other options are accepted and ignored. With `debug` ops run one
    by one, slowly, and the first NaN or infinity ends the run with a NumericsError that tells where it came from; with
    "nan" only NaN does.
    """

    default_threads = 0  # of sessions whose configuration says none; 0: as many as there are cores
    default_debug: bool | str = False  # of sessions that are not told

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None,
                 debug: bool | str | None = None):
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        self.graph = graph if graph is not None else default_graph()
        self.config = config
        self._timeout = getattr(config, "operation_timeout_in_ms", 0)
        self.store = VariableStore()
        self.counters: dict[str, Any] = {}
        self.resources: dict[Any, Any] = {}  # what ops keep from run to run: queues, tables, iterators
        self._runners: dict[Any, tuple[Callable[[list[Any]], Any], Runner]] = {}
        self._closed = False
        self._contexts: list[Any] = []
        self._made: weakref.WeakSet[Runner] = weakref.WeakSet()
        self.debugger = Debugger(self._rebind)
        self.debug = self.default_debug if debug is None else debug
        _sessions_alive.add(self)

    @property
    def graph_def(self) -> GraphDef:
        """The graph as data."""
        return graph_def_of(self.graph)

    # debugging

    @property
    def debug(self) -> bool | str:
        """Whether runs stop at NaN and infinity: True, "nan" (at NaN alone), or False."""
        wrong = self.debugger.wrong
        return "nan" if wrong == {"NaN"} else bool(wrong)

    @debug.setter
    def debug(self, value: bool | str) -> None:
        if not isinstance(value, bool) and value != "nan":
            raise ValueError(f"Session: debug must be True, False or 'nan', received {value!r}")
        self.debugger.wrong = frozenset(["NaN", "Inf"] if value is True else ["NaN"] if value else [])
        self._rebind()

    def breakpoint(self, where: Any, condition: Look | None = None, action: Look = pause) -> Breakpoint:
        """Call `action(op, inputs, outputs)` (by default Python's debugger) whenever the op `where` has run, and
        `condition(op, inputs, outputs)`, if there is one, is true. The values are lists of arrays.

        `where` is an operation, a tensor, or the name of one, also of one in a branch or a loop's body; None for every
        op. As long as there are breakpoints, ops run one by one. Returns the breakpoint, whose `remove()` ends it.
        Raises ValueError for a name that the graph does not have.
        """
        op = None if where is None else self._operation(where)
        stop = Breakpoint(self.debugger, op, condition, action)
        self.debugger.breakpoints.append(stop)
        self._rebind()
        return stop

    def _operation(self, where: Any) -> Operation:
        if isinstance(where, str):
            name = where.partition(":")[0]
            if name not in self.graph._by_name:
                raise ValueError(f"The graph has no operation {name!r}.{nearest(name, self.graph._by_name)}")
            return self.graph.get_operation_by_name(name)
        return as_operation(where)

    def _rebind(self) -> None:
        for runner in self._made:
            runner.forget_bindings()

    def threads(self) -> int:
        """How many threads a kernel may use."""
        from . import native
        wanted = getattr(self.config, "intra_op_parallelism_threads", 0) or self.default_threads
        return min(native.THREADS, wanted) if wanted else native.THREADS

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None,
            run_metadata: Any = None) -> Any:
        """The values of `fetches`, in their structure.

        `fetches` is a tensor, operation (its value is None), variable or name, or a nest of lists, tuples, named tuples
        and dicts of them. `feed_dict` gives values for placeholders, or in place of any other tensor. Raises
        InvalidArgumentError for missing or misshapen feeds, FailedPreconditionError for uninitialized variables,
        RuntimeError for a closed session, DeadlineExceededError when it waits for a queue longer than the session's
        configuration or `options` allow. `run_metadata` (RunMetadata) takes what `options` (RunOptions) ask to record.
        """
        if run_metadata is not None:
            return self._recorded(fetches, feed_dict, options, run_metadata)
        feeds = feed_dict if feed_dict is not None else {}
        try:
            values = feeds.values()
        except AttributeError:
            raise TypeError(f"feed_dict must be a dictionary of values by tensor, not {feeds!r}.") from None
        key: tuple[Any, ...]
        if type(fetches) is list:
            key = list, len(fetches), *fetches, *feeds  # of tensors and operations, as most are, and only of them kept
        else:
            key = fetches if type(fetches) in _LEAVES else _structure(fetches), *feeds
        try:
            found = self._runners.get(key)
        except TypeError:  # a nest has no hash
            found = None
        if found is None and type(fetches) is list and not _LEAVES.issuperset(map(type, fetches)):
            key = _structure(fetches), *feeds
            found = self._runners.get(key)
        if found is None:
            if any(isinstance(f, tuple) or hasattr(f, "_feed_parts") for f in feeds):
                parts = {t: v for f, value in feeds.items() for t, v in _feed_parts(f, value)}
                return self.run(fetches, parts, options, run_metadata)
            found = self._runners[key] = self._prepare(fetches, list(feeds))
        elif self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        build, runner = found
        self.graph.runs += 1
        timeout = self._timeout if options is None else options.timeout_in_ms or self._timeout
        if not timeout:
            return build(runner(values))
        with time_limit(timeout / 1000):
            return build(runner(values))

    def _recorded(self, fetches: Any, feed_dict: Mapping[Any, Any] | None, options: Any, run_metadata: Any) -> Any:
        run_metadata.Clear()  # of an earlier run
        if options is None or not options.trace_level and not options.output_partition_graphs:
            return self.run(fetches, feed_dict, options)
        from . import step_stats  # which few programs ask for
        with step_stats.Recorder(own_thread=True) as recorder:
            results = self.run(fetches, feed_dict, options)
        step_stats.fill(run_metadata, recorder, options)
        return results

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] | None = None) -> Callable[..., Any]:
        """A function of the values of `feed_list` that returns what `run` would: the fastest way to run a step."""
        build, runner = self._prepare(fetches, list(feed_list or ()))

        def call(*values: Any) -> Any:
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            return build(runner(values))

        call.runner = runner  # type: ignore[attr-defined]
        return call

    def partial_run_setup(self, fetches: Any, feeds: Sequence[Any] | None = None) -> PartialRun:
        """Begin a run in steps that together fetch `fetches` and feed `feeds`; returns the handle for `partial_run`."""
        return PartialRun(self, fetches, feeds)

    def partial_run(self, handle: PartialRun, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """The values of some of the fetches, once enough is fed. Each may be fetched, and fed, once."""
        if not isinstance(handle, PartialRun):
            raise TypeError(f"partial_run: `handle` must come from partial_run_setup, received {handle!r}")
        return handle.run(fetches, feed_dict)

    def runner(self, fetches: Any, feeds: Sequence[Any] = ()) -> Runner:
        """What runs these fetches, for looking at (see explain)."""
        return self._prepare(fetches, list(feeds))[1]

    def _prepare(self, fetches: Any, feeds: list[Any]) -> tuple[Callable[[list[Any]], Any], Runner]:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self.graph.operations:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        outputs: dict[Tensor, int] = {}
        targets: dict[Operation, None] = {}
        build = self._builder(fetches, outputs, targets)
        fed = [self._feed(f) for f in feeds]
        runner = Runner(self, self._with_variables(list(outputs), list(targets), fed), list(targets), fed)
        self._made.add(runner)
        return build, runner

    def _feed(self, key: Any) -> Tensor:
        try:
            element = self.graph.as_graph_element(key)
        except (TypeError, ValueError, KeyError) as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None
        if not isinstance(element, Tensor):
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {element!r} is an operation")
        return self._value(element)

    def _value(self, tensor: Tensor) -> Tensor:
        """The tensor itself; for a variable's handle ("w:0") the read that was made with the variable."""
        if tensor.op.type != "VariableV2":
            return tensor
        for op in self.graph.operations:
            if op.type == "ReadVariableOp" and op.inputs[0] is tensor:
                return op.output
        raise TypeError(f"The variable {tensor.name!r} is never read, so it can be neither fetched nor fed")

    def _with_variables(self, outputs: list[Tensor], targets: list[Operation], feeds: list[Tensor]) -> list[Tensor]:
        """The outputs with reads for handles of variables: a variable is fetched as the run's updates leave it, as
        TensorFlow's reference variables are, unless it is fed."""
        handles = {t: self._value(t) for t in outputs if t.op.type == "VariableV2"}
        changes: dict[Tensor, list[Operation]] = {t: [] for t, read in handles.items() if read not in feeds}
        for op in needed_operations(outputs, targets, set(feeds)) if changes else ():
            for handle in changes.keys() & set(op.inputs) if has_effect(op) else ():
                changes[handle].append(op)
        late = {handle: Operation(self.graph, read_variable, [handle], {}, handles[handle].op.name, [handle.type],
                                  effects, handle.op.site).output for handle, effects in changes.items() if effects}
        return [late.get(t, handles.get(t, t)) for t in outputs]

    def _builder(self, fetch: Any, outputs: dict[Tensor, int], targets: dict[Operation, None]
                 ) -> Callable[[list[Any]], Any]:
        """Registers the leaves of a fetch; returns what puts fetched values back into its structure."""
        if isinstance(fetch, (list, tuple)):
            parts = [self._builder(f, outputs, targets) for f in fetch]
            if isinstance(fetch, list):
                return lambda values: [part(values) for part in parts]
            if hasattr(fetch, "_fields"):
                return lambda values: type(fetch)(*(part(values) for part in parts))
            return lambda values: tuple(part(values) for part in parts)
        if isinstance(fetch, Mapping):
            named = {k: self._builder(f, outputs, targets) for k, f in fetch.items()}
            return lambda values: type(fetch)((k, part(values)) for k, part in named.items())  # type: ignore[call-arg]
        if hasattr(fetch, "_fetch_parts"):  # what consists of several tensors, and the class of its value
            tensors, make = fetch._fetch_parts()
            parts = [None if t is None else self._builder(t, outputs, targets) for t in tensors]  # type: ignore[misc]
            return lambda values: make(*(None if part is None else part(values) for part in parts))
        if fetch is None:
            raise TypeError("Fetch argument None has invalid type NoneType.")
        try:
            element = self.graph.as_graph_element(fetch)
        except TypeError:
            raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch).__name__}, must be a string or "
                            "Tensor. (Can not convert it into a Tensor or Operation.)") from None
        except (ValueError, KeyError) as error:
            hint = nearest(fetch.partition(":")[0], self.graph._by_name) if isinstance(fetch, str) else ""
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error}){hint}") from None
        if isinstance(element, Operation):
            targets[element] = None
            return lambda values: None
        if element.op.type == "ReadVariableOp" and not isinstance(fetch, (Tensor, str)):  # the variable itself
            element = element.op.inputs[0]
        return operator.itemgetter(outputs.setdefault(element, len(outputs)))

    # random numbers

    def random_state(self) -> dict[str, int]:
        """How often each random op has run: with its seed, what its next numbers follow from."""
        counts = {name: next(counter) for name, counter in self.counters.items()}
        self.set_random_state(counts)
        return counts

    def set_random_state(self, state: Mapping[str, int]) -> None:
        """Go on with the random numbers from where `random_state` was taken."""
        self.counters.update((name, itertools.count(count)) for name, count in state.items())

    # lifetime and context

    def close(self) -> None:
        """Free the variables and what runs need. A closed session cannot run."""
        self._closed = True
        self._rebind()
        self._runners.clear()
        self.store.clear()
        for resource in self.resources.values():
            getattr(resource, "close", lambda: None)()
        self.resources = _NoResources()

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Session]:
        """Make this the session that `eval` uses."""
        _sessions.stack.append(self)
        try:
            yield self
        finally:
            _sessions.stack.remove(self)

    def __enter__(self) -> Session:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        context = contextlib.ExitStack()
        context.enter_context(self.graph.as_default())
        context.enter_context(self.as_default())
        self._contexts.append(context)
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().close()
        self.close()


_LEAVES = frozenset([Tensor, Operation])


def _structure(fetches: Any) -> Any:
    """A nest of fetches as what can be looked up, its types included."""
    if isinstance(fetches, (list, tuple)):
        return type(fetches), *[f if type(f) in _LEAVES else _structure(f) for f in fetches]
    if isinstance(fetches, Mapping):
        return type(fetches), *((name, _structure(fetch)) for name, fetch in fetches.items())
    return fetches


class InteractiveSession(Session):
    """A session that is the default one from the start."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None,
                 debug: bool | str | None = None):
        super().__init__(target, graph, config, debug)
        _sessions.stack.append(self)

    def close(self) -> None:
        if self in _sessions.stack:
            _sessions.stack.remove(self)
        super().close()


class _NoResources(dict[Any, Any]):
    """The resources of a closed session: a run that still goes on in another thread ends where it asks for one."""

    def __missing__(self, key: Any) -> Any:
        raise CancelledError("Session has been closed.")

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return self[key]


def _feed_parts(key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """(tensor, value) for each tensor that a feed consists of: a tuple's, of any depth, or a sparse tensor's. Raises
    ValueError for a value of another structure."""
    if not isinstance(key, tuple):
        yield from key._feed_parts(value) if hasattr(key, "_feed_parts") else [(key, value)]
        return
    values = list(value) if isinstance(value, Sequence) or hasattr(value, "__len__") else [value]
    if len(values) != len(key):
        raise ValueError(f"The feed of {key} has {len(key)} parts, received {len(values)}")
    for k, v in zip(key, values, strict=True):
        yield from _feed_parts(k, v)
