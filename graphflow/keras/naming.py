"""Names of layers and other objects: snake_case of the class, numbered when it is taken."""
from __future__ import annotations

import re
from collections import defaultdict
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

from ..compiler.ir import Graph, default_graph
from ..compiler.names import to_snake_case
from ..compiler.subgraph import outermost

# how often each name was given, by graph: in TensorFlow 1 each graph counts anew, as a model function relies on that is
# called for training, evaluation and prediction
_uids: WeakKeyDictionary[Graph, defaultdict[str, int]] = WeakKeyDictionary()


def _counts() -> defaultdict[str, int]:
    return _uids.setdefault(outermost(default_graph()).symbolic, defaultdict(int))


def auto_name(prefix: str) -> str:
    """`dense`, then `dense_1`, `dense_2`, ..."""
    stem = to_snake_case(prefix)
    counts = _counts()
    count = counts[stem]
    counts[stem] += 1
    return f"{stem}_{count}" if count else stem


def get_uid(prefix: str = "") -> int:
    """How often this has been called for `prefix`."""
    counts = _counts()
    counts[prefix] += 1
    return counts[prefix]


def reset_uids() -> None:
    """Start numbering anew."""
    _uids.clear()


def object_name(obj: Any) -> str:
    """The name under which a loss or metric is shown: its `name`, or its function's or class's in snake_case."""
    return getattr(obj, "name", None) or to_snake_case(getattr(obj, "__name__", type(obj).__name__))


def scope_name(name: str) -> str | None:
    """What graphs call the scope of a layer, loss, metric or optimizer, whose names may hold anything."""
    return re.sub(r"[^A-Za-z0-9_./-]|^[^A-Za-z0-9]|/$", ".", name) or None


def ops_named(name: str) -> AbstractContextManager[str]:
    """A name scope for the ops of a loss, metric or optimizer."""
    return default_graph().name_scope(scope_name(name))
