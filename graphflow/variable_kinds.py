"""What variables are told and say about themselves: how copies would be kept, and their operations' names."""
from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple


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
