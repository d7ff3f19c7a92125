"""User functions on elements: traced once into a graph of their own, compiled, and run for each element.

A `Scope` holds the values of the tensors that a dataset refers to: those of the session's graph when its iterator is
initialized and, for a dataset that a function returns, those of that call.
"""
from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..compiler.ir import Graph, Operation, Tensor, TensorType, default_graph
from ..compiler.opdef import EFFECT, HOST
from ..compiler.subgraph import SubGraph
from ..runtime.runner import Runner
from ..runtime.session import Session
from . import structure as st

Element = tuple[Any, ...]


class Failure:
    """In place of an element: the error that came of making it. The elements after it are not affected."""

    __slots__ = ("error",)

    def __init__(self, error: Exception):
        self.error = error


class Scope:
    """Values of the tensors that datasets refer to, and what lasts as long as they run.

    It does not keep the session alive: threads that make elements ahead hold it.
    """

    def __init__(self, session: weakref.ref[Any], values: dict[Any, Any], parent: Scope | None = None):
        self._session = session
        self.values = values
        self.parent = parent
        self.state: dict[Any, Any] = {}  # of shuffles, caches: by dataset

    @property
    def session(self) -> Any:
        """The session that runs the dataset. Raises RuntimeError when it is gone."""
        session = self._session()
        if session is None:
            raise RuntimeError("The Session of this iterator is gone.")
        return session

    def inner(self, values: dict[Any, Any]) -> Scope:
        """The scope of a function's call."""
        return Scope(self._session, values, self)

    def __getitem__(self, tensor: Any) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if tensor in scope.values:
                return scope.values[tensor]
            scope = scope.parent
        return static(tensor)

    def scalar(self, tensor: Tensor) -> Any:
        """A scalar's value as a Python number."""
        return np.asarray(self[tensor]).item()


def static(tensor: Tensor) -> Any:
    """The value of a constant."""
    return tensor.op.attrs["value"]


class _FunctionSession(Session):
    """Runs a function's graph with the variables and resources of another session, which it does not keep alive: a
    prefetching thread may hold this one."""

    def __init__(self, outer: Any, graph: Graph):
        super().__init__(graph=graph, config=outer.config)
        self._outer = weakref.ref(outer)
        self.store = outer.store

    @property
    def resources(self) -> Any:
        outer = self._outer()
        if outer is None:
            raise RuntimeError("The Session of this iterator is gone.")
        return outer.resources

    @resources.setter
    def resources(self, value: Any) -> None:
        """The outer session's are used."""


class Bound:
    """A dataset that a function returned, with the values that it refers to."""

    def __init__(self, dataset: Any, scope: Scope):
        self.dataset = dataset
        self.scope = scope

    def __iter__(self) -> Iterator[Any]:
        return self.dataset._iterate(self.scope)


class Runs:
    """A dataset's value that is given by how to iterate over it."""

    def __init__(self, iterate: Callable[[], Iterator[Any]]):
        self._make = iterate

    def __iter__(self) -> Iterator[Any]:
        return self._make()


class Function:
    """`function` traced on elements of `spec`. `output` is what it returned, `output_spec` its structure of specs.

    A tuple's parts become arguments, unless `unpack` is False. Raises TypeError for a result that is no element.
    """

    def __init__(self, function: Callable[..., Any], spec: Any, what: str, unpack: bool = True):
        from .dataset import placeholder_dataset
        outer = default_graph()
        self.graph = graph = SubGraph(outer)
        graph._by_name, graph._name_counts, graph._scope = {}, {}, ""  # names inside take none outside
        self.spec = spec
        if not callable(function):
            raise TypeError(f"{what}: expected a function of the elements, received {function!r}")
        self.parameters: list[Tensor] = []
        self.datasets: list[Any] = []
        arguments = []
        with graph.as_default():
            for i, leaf in enumerate(st.flatten(spec)):
                if isinstance(leaf, st.DatasetSpec):
                    token = object()
                    self.datasets.append(token)
                    arguments.append(placeholder_dataset(token, leaf.element_spec))
                    continue
                tensors = [graph.add_parameter(TensorType(t.dtype, t.dims), f"args_{i}") for t in st.types_of(leaf)]
                self.parameters += tensors
                arguments.append(st.from_tensors(leaf, tensors))
            element = st.pack(spec, arguments)
            returned = function(*element) if unpack and type(element) is tuple else function(element)
            if isinstance(returned, list):  # such as py_func's: several results rather than one to be stacked
                returned = tuple(returned)
            try:
                self.output = st.map_structure(st.to_graph, returned)
            except (TypeError, ValueError) as error:
                raise TypeError(f"Unsupported return value from function passed to {what}: {returned!r}. "
                                f"({error})") from error
        self.leaves = st.flatten(self.output)
        self.output_spec = st.map_structure(st.spec_of, self.output)
        self.effects = [op for op in graph.operations if _is_effect(op)]
        self._runners: weakref.WeakKeyDictionary[Any, Callable[..., Any]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors outside that the function refers to."""
        return [t for t, inner in self.graph.captures.items() if inner.op.type != "VariableV2"]

    def bind(self, scope: Scope) -> Callable[[Element], Element]:
        """What computes the function's flat result from a flat element, in `scope`."""
        captured = {inner: outer for outer, inner in self.graph.captures.items() if inner.op.type != "VariableV2"}
        known = [*self.parameters, *captured]
        needed: dict[Tensor, None] = {}
        for leaf in self.leaves:
            for tensor in st.tensors_of(leaf) if not hasattr(leaf, "_iterate") else leaf._tensors():
                if tensor.op.graph is self.graph and tensor not in known:
                    needed[tensor] = None
        fetches = list(needed)
        run = self._runner(scope.session, fetches, known) if fetches or self.effects else None
        fixed = [scope[outer] for outer in captured.values()]
        spec = st.flatten(self.spec)
        plain = all(len(st.tensors_of(leaf)) == 1 for leaf in self.leaves) and len(spec) == len(self.parameters)
        direct = plain and all(leaf in needed for leaf in self.leaves)
        order = [fetches.index(leaf) for leaf in self.leaves] if direct else []

        def call(element: Element) -> Element:
            arrays = element if plain else [a for s, v in zip(spec, element, strict=True)
                                            if not isinstance(s, st.DatasetSpec) for a in st.arrays_of(s, v)]
            fed = [*arrays, *fixed]
            results = run(fed) if run is not None else []
            if direct:
                return tuple(results[i] for i in order)
            values: dict[Any, Any] = dict(zip(known, fed, strict=True))
            values.update(zip(fetches, results, strict=True))
            datasets = [v for s, v in zip(spec, element, strict=True) if isinstance(s, st.DatasetSpec)]
            values.update(zip(self.datasets, datasets, strict=True))
            inner = scope.inner(values)
            return tuple(_value(leaf, inner) for leaf in self.leaves)

        return call

    def _runner(self, session: Any, fetches: Sequence[Tensor], feeds: Sequence[Tensor]) -> Callable[..., Any]:
        with self._lock:
            if session not in self._runners:
                own = _FunctionSession(session, self.graph)
                self._runners[session] = Runner(own, fetches, self.effects, feeds)
            return self._runners[session]


def _value(leaf: Any, scope: Scope) -> Any:
    if hasattr(leaf, "_iterate"):
        return Bound(leaf, scope)
    arrays = [scope[t] for t in st.tensors_of(leaf)]
    return st.from_arrays(st.spec_of(leaf), arrays)


def _is_effect(op: Operation) -> bool:
    """Whether running the operation matters even where its result is not used."""
    return op.definition.stateful and op.definition.family in (HOST, EFFECT) and op.type != "NoOp"


def each(elements: Iterator[Any], function: Callable[[Element], Any]) -> Iterator[Any]:
    """`function` of each element; what fails becomes a Failure, and Failures pass through."""
    for element in elements:
        yield element if isinstance(element, Failure) else attempt(function, element)


def attempt(function: Callable[[Element], Any], element: Element) -> Any:
    """`function(element)`, or the Failure of it."""
    try:
        return function(element)
    except Exception as error:
        return Failure(error)
