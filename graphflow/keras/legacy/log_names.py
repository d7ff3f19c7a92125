"""Metrics by the names that they had up to Keras 2.2: `acc` for `accuracy`; and Keras 2's `lr`."""
from __future__ import annotations

from typing import Any


class Logs(dict[str, Any]):
    """Values by name. Asked for an old name that none has, it gives the new one's: `val_accuracy` for `val_acc`."""

    def __missing__(self, name: str) -> Any:
        new = "learning_rate" if name == "lr" else f"{name}uracy" if name == "acc" or name.endswith("_acc") else ""
        if new in self:
            return self[new]
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value by either name, else the default."""
        try:
            return self[name]
        except KeyError:
            return default
