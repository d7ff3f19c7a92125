"""Text, sequences and images made into arrays."""
from __future__ import annotations

from typing import Any

from ...lazy import Names

_names = Names(globals(), {
    "image": "image",
    "sequence": "sequence",
    "text": "text",
    "utils": "",
})
__all__ = _names.own()


def __getattr__(name: str) -> Any:
    return _names.load(name)


def __dir__() -> list[str]:
    return _names.all()
