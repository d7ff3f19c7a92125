"""What one run of a step changes, collected while its graph is built.

Inside a StepScope, `variable.assign(value)` records the value, and reading the variable gives what was last assigned.
So layers, metrics and optimizers are written as if they ran at once, in order, and become one graph in which each
variable is assigned once.
"""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..compiler.equality import comparing_elements
from ..compiler.ir import Graph, Operation, Tensor, default_graph
from ..compiler.ops.elementwise import where
from ..compiler.ops.state import assign
from ..compiler.subgraph import enclosing
from .copying import copied, follows

if TYPE_CHECKING:
    from .variables import Variable

PHASE = "keras_learning_phase"  # the collection of a graph's learning phase, where the program fixed it


class _Local(threading.local):
    def __init__(self) -> None:
        self.scopes: list[StepScope | None] = []
        self.training: Any = None
        self.autocast: str | None = None
        self.calls: list[Any] = []


_local = _Local()


class StepScope:
    """Collects assignments (`values`), further `operations`, the losses that layers add (`losses`) and metrics added by
    name.
    """

    def __init__(self) -> None:
        self.values: dict[Variable, Tensor] = {}
        self.losses: list[Tensor] = []
        self.operations: list[Operation] = []
        self.metrics: dict[str, Any] = {}
        self._current: dict[Tensor, Tensor] = {}  # what stands in the step for tensors that models were made of
        self._sizes: dict[Any, Any] = {}
        self._copies: dict[Operation, Operation] = {}  # of operations on these tensors
        self._copied_sizes: dict[Any, Any] = {}
        self._comparing = comparing_elements()

    def __enter__(self) -> StepScope:
        _local.scopes.append(self)
        self._comparing.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._comparing.__exit__(*exception)
        _local.scopes.pop()

    def assignments(self) -> list[Operation]:
        """One assignment for each variable that was given a value, and the other operations."""
        with default_graph().name_scope("updates"):
            values = self.current(list(self.values.values()))
            return [*(assign(variable.handle, value).op for variable, value in zip(self.values, values, strict=True)),
                    *self.operations]

    def stand_in(self, values: Mapping[Tensor, Tensor], sizes: Mapping[Any, Any]) -> None:
        """Note what a model's tensors are in this step, for losses, metrics and layers that refer to them by name."""
        if not in_order():
            self._current.update((old, new) for old, new in values.items() if old is not new)
            self._sizes.update(sizes)
            self._copies, self._copied_sizes = {}, dict(self._sizes)

    def standing(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """What stands in the step for each of a model's tensors."""
        return [self._current.get(t, t) for t in tensors]

    def current(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The tensors, made of what stands in the step for the model's."""
        if not self._current or not follows(tensors, self._current):
            return list(tensors)
        return copied(tensors, self._current, self._copied_sizes, self._copies)


def current_scope() -> StepScope | None:
    """The innermost StepScope that is open in this thread."""
    return _local.scopes[-1] if _local.scopes else None


def only_if(condition: Tensor, update: Callable[[], None]) -> None:
    """What `update` assigns in this step takes effect where the scalar `condition` holds."""
    scope = current_scope()
    assert scope is not None
    before = dict(scope.values)
    update()
    for variable, value in list(scope.values.items()):
        if before.get(variable) is not value:
            scope.values[variable] = where(condition, value, before.get(variable, variable._read))


@contextlib.contextmanager
def outside_steps() -> Iterator[None]:
    """Layers called inside are recorded as at the top level, whatever step or layer's call is going on."""
    _local.scopes.append(None)
    calls, _local.calls = _local.calls, []
    training, _local.training = _local.training, None
    try:
        yield
    finally:
        _local.scopes.pop()
        _local.calls, _local.training = calls, training


def autocast_dtype() -> str | None:
    """What a layer that computes in another float type than its variables' reads them as."""
    return _local.autocast


@contextlib.contextmanager
def autocast_to(dtype: str | None) -> Iterator[None]:
    """Float variables that are read inside are cast to this dtype (None: to none)."""
    previous, _local.autocast = _local.autocast, dtype
    try:
        yield
    finally:
        _local.autocast = previous


@contextlib.contextmanager
def calling(layer: Any) -> Iterator[None]:
    """`layer.call` is running."""
    _local.calls.append(layer)
    try:
        with comparing_elements():
            yield
    finally:
        _local.calls.pop()


def ordered_graph(graph: Graph | None = None) -> Graph | None:
    """The graph (the default one) if what is added to it takes effect in that order: operations run at once, or a
    function is traced. Else None."""
    graph = enclosing(graph or default_graph())
    return graph if graph.borrows else None


def in_order() -> bool:
    """Whether operations take effect in the order in which they are made."""
    return ordered_graph() is not None


def outermost_call() -> bool:
    """Whether a layer called now is called neither within a step nor by another layer."""
    return not _local.calls and current_scope() is None


def recording() -> bool:
    """Whether calls of layers are nodes of a model."""
    return outermost_call() and enclosing(default_graph()).home is None


def _fixed_phase() -> bool | None:
    held = default_graph().symbolic.get_collection_ref(PHASE)
    return held[0] if held else None


def in_training() -> Any:
    """What `training` means for a layer that is not told: that of the call around it, or of a learning phase that the
    program fixed; None when nobody said."""
    return _fixed_phase() if _local.training is None else _local.training


@contextlib.contextmanager
def training_as(training: Any) -> Iterator[None]:
    """Layers called inside train, or do not; a learning phase that the program fixed goes before."""
    fixed = _fixed_phase()
    previous, _local.training = _local.training, training if fixed is None else fixed
    try:
        yield
    finally:
        _local.training = previous
