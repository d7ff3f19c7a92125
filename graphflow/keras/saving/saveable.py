"""What objects with variables say about their state in files. Subclasses may define any of this anew."""
from __future__ import annotations

from typing import Any


class Saveable:
    """Layers and optimizers (Keras stores no metrics). A store is a mapping of names to arrays; assets are files in a
    folder.

    A subclass may also define `save_assets(dir_path)` and `load_assets(dir_path)`.
    """

    name: str

    _stored_variables: Any  # a method: its own variables, in the order of files

    @property
    def loads_itself(self) -> bool:
        """Whether `load_own_variables` is its class's own."""
        return type(self).load_own_variables is not Saveable.load_own_variables

    def save_own_variables(self, store: Any) -> None:
        """Put the values of its own variables into `store`."""
        for i, variable in enumerate(self._stored_variables()):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the values of its own variables from `store`. Raises ValueError if their number differs."""
        variables = self._stored_variables()
        if len(store) != len(variables):
            raise ValueError(f"Layer {self.name!r} expected {len(variables)} variables, but received {len(store)} "
                             f"variables during loading. Expected: {[v.name for v in variables]}")
        for i, variable in enumerate(variables):
            variable.assign(store[str(i)])
