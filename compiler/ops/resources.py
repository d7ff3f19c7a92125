"""Objects that a session keeps under a name from run to run: queues, readers, accumulators.

One op makes an object when it runs for the first time in a session. Its handle is the name, a string, so that a run may
choose among several.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..opdef import HOST, OpDef, no_gradient
from .texts import text


def resource_op(name: str, infer: Callable[..., Any], reference: Callable[..., Any]) -> OpDef:
    """An op whose reference gets the session."""
    return OpDef(name, HOST, infer, no_gradient, reference, stateful=True, fields={"resource": True})


def kept(session: Any, kind: str, key: str, make: Callable[[], Any]) -> np.ndarray:
    """The handle of the session's object of this kind and name, which is made where there is none."""
    if (kind, key) not in session.resources:
        session.resources.setdefault((kind, key), make())
    return text(key.encode())


def found(session: Any, kind: str, handle: np.ndarray) -> Any:
    """The object that a handle names."""
    return session.resources[kind, np.asarray(handle).item().decode()]
