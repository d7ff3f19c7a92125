"""A store of variables for code that calls `tf.get_variable` where ops run at once."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...variable_scope import storing, variable_store


class EagerVariableStore:
    """Keeps the variables that `tf.get_variable` and functional layers make while it is the default, so that the next
    call of the same code gets the same ones. Without it every call makes new variables."""

    def __init__(self, container: Any = None):
        self._store = variable_store() if container is None else container

    @contextlib.contextmanager
    def as_default(self) -> Iterator[None]:
        """Within, variables are taken from and kept in this store."""
        with storing(self._store):
            yield

    def variables(self) -> list[Any]:
        """Its variables by name."""
        return sorted(self._store.variables.values(), key=lambda v: v.name)

    def trainable_variables(self) -> list[Any]:
        """Those that are trainable."""
        return [v for v in self.variables() if v.trainable]

    def non_trainable_variables(self) -> list[Any]:
        """Those that are not."""
        return [v for v in self.variables() if not v.trainable]
