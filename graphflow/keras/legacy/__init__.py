"""What Keras 1 programs call: layers by their former names and arguments."""
from typing import Any

from ...lazy import Names

_names = Names(globals(), {"saving": "saving"})


def __getattr__(name: str) -> Any:
    return _names.load(name)
