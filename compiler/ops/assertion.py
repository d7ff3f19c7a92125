"""A check that stops the run."""
from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..opdef import HOST, OpDef


def _check(condition: np.ndarray, *data: np.ndarray, summarize: int) -> tuple[()]:
    if not condition.all():
        raise InvalidArgumentError("assertion failed: " + " ".join(f"[{_show(d, summarize)}]" for d in data))
    return ()


def _show(value: np.ndarray, summarize: int) -> str:
    items = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in value.ravel().tolist()]
    return " ".join(items if summarize < 0 else [*items[:summarize], *(["..."] if len(items) > summarize else [])])


# raises InvalidArgumentError with the data when the condition does not hold
assertion = OpDef("Assert", HOST, lambda inputs, attrs: [], lambda op, *grads: [None] * len(op.inputs), _check,
                  stateful=True)


def assert_that(condition: Any, data: Any, summarize: int | None = None, name: str = "Assert") -> Any:
    """An operation that raises InvalidArgumentError when run while the bool tensor `condition` is not all true; the
    message has up to `summarize` (default 3, all for -1) elements of each tensor in `data`."""
    return assertion.operation(condition, *data, summarize=3 if summarize is None else summarize, name=name)
