"""The collections of a graph: lists of variables, summaries and the like, each under a name."""
from __future__ import annotations

import re
from typing import Any


class Collections:
    """Lists under names."""

    def __init__(self) -> None:
        self.collections: dict[str, list[Any]] = {}

    def add_to_collection(self, name: str, value: Any) -> None:
        self.collections.setdefault(name, []).append(value)

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        items = self.collections.get(name, [])
        if scope is None:
            return list(items)
        return [i for i in items if re.match(scope, getattr(i, "name", ""))]

    def get_collection_ref(self, name: str) -> list[Any]:
        return self.collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[str]:
        return list(self.collections)

    def clear_collection(self, name: str) -> None:
        self.collections.pop(name, None)
