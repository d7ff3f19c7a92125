"""What variables are told and say about themselves: how copies would be kept, and their operations' names."""
from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from .compiler.ir import default_graph

_CREATORS = "variable_creators"  # the collection of the functions of `variable_creator_scope`


class CreatedInScope(type):
    """The class of `Variable`: the functions of `variable_creator_scope` are asked for its objects."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        creators = default_graph().get_collection(_CREATORS)
        if not creators or kwargs.get("variable_def") is not None:
            return super().__call__(*args, **kwargs)
        if args:
            kwargs = {"initial_value": args[0], **dict(zip(("trainable", "collections"), args[1:], strict=False)),
                      **kwargs}
        create: Callable[..., Any] = super().__call__
        for creator in creators:
            create = _wrapped(creator, create)
        return create(**kwargs)


class AsNumber(metaclass=CreatedInScope):
    """The value of a variable as Python's number, where ops run at once. Raises TypeError in a graph."""

    graph: Any
    numpy: Callable[[], Any]

    def __int__(self) -> int:
        return int(self._number("int"))

    def __float__(self) -> float:
        return float(self._number("float"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _number(self, kind: str) -> Any:
        if not (self.graph.eager or default_graph().eager):
            raise TypeError(f"{kind}() of {self!r}: a variable has a value only where it runs, in a session or eagerly")
        return self.numpy()


def _wrapped(creator: Callable[..., Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **kwargs: creator(inner, **kwargs)


@contextlib.contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Variables made inside are what `variable_creator(next_creator, **kwargs)` returns, which may change the arguments
    and call `next_creator(**kwargs)`: that of the scope around, in the end the variable's class."""
    creators = default_graph().get_collection_ref(_CREATORS)
    creators.append(variable_creator)
    try:
        yield
    finally:
        creators.pop()


class VariableSynchronization(enum.Enum):
    """Accepted: there is one copy of each variable."""

    AUTO, NONE, ON_WRITE, ON_READ = range(4)


class VariableAggregation(enum.Enum):
    """Accepted: there is one copy of each variable."""

    NONE, SUM, MEAN, ONLY_FIRST_REPLICA = range(4)
    ONLY_FIRST_TOWER = ONLY_FIRST_REPLICA


class VariableDef(NamedTuple):
    """A variable in a file: the names of its tensors and operations."""

    variable_name: str
    initial_value_name: str
    initializer_name: str
    snapshot_name: str
    trainable: bool = True
    synchronization: int = 0
    aggregation: int = 0


class SaveSliceInfo(NamedTuple):
    """Where a variable stands in the larger one that a checkpoint holds."""

    full_name: str
    full_shape: Sequence[int]
    var_offset: Sequence[int]
    var_shape: Sequence[int]

    @property
    def spec(self) -> str:
        """As TensorFlow writes it: the full shape, then "offset,size" of each axis."""
        return f"{' '.join(map(str, self.full_shape))} " + ":".join(
            f"{o},{n}" for o, n in zip(self.var_offset, self.var_shape, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        return tuple(slice(o, o + n) for o, n in zip(self.var_offset, self.var_shape, strict=True))
