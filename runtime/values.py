"""What is to be said of a value in a line: its type, shape and range, and where in it something is wrong."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..compiler.ops.checks import flat


class ValueSummary(NamedTuple):
    """An array in short. `low`, `high` and `mean` are of the finite elements, None where there are none or where the
    dtype has no order; `first_bad` is the index of the first NaN or infinity."""

    dtype: str
    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    nans: int = 0
    positive_infinities: int = 0
    negative_infinities: int = 0
    first_bad: tuple[int, ...] | None = None
    text: str = ""  # a value of few elements itself

    def __str__(self) -> str:
        kind = f"{self.dtype}[{', '.join(map(str, self.shape))}]"
        if self.text:
            return f"{kind} = {self.text}"
        parts = [] if self.low is None else [f"min {self.low:.6g}, max {self.high:.6g}, mean {self.mean:.6g}"]
        bad = [f"{count:,} {what}" for what, count in (
            ("NaN", self.nans), ("+Inf", self.positive_infinities), ("-Inf", self.negative_infinities)) if count]
        if bad:
            parts.append(f"{', '.join(bad)} of {math.prod(self.shape):,}, the first at {list(self.first_bad or ())}")
        return f"{kind} {'; '.join(parts)}".rstrip()


def summarize(value: np.ndarray) -> ValueSummary:
    """The summary of an array of any dtype and shape."""
    shape, dtype = value.shape, "string" if value.dtype.kind == "O" else value.dtype.name
    text = flat(value, -1) if value.size <= 4 and not _is_stack(value) else ""
    if value.dtype.kind == "O" or not value.size:
        return ValueSummary(dtype, shape, text=text)
    if value.dtype.kind in "biu":
        return ValueSummary(dtype, shape, float(value.min()), float(value.max()), float(value.mean()), text=text)
    finite = np.isfinite(value)
    bad = tuple(int(i) for i in np.unravel_index(int(np.argmin(finite)), shape)) if not finite.all() else None
    nans = int(np.isnan(value).sum())
    if value.dtype.kind == "c":
        return ValueSummary(dtype, shape, nans=nans, positive_infinities=int((~finite).sum()) - nans, first_bad=bad,
                            text=text)
    known = value[finite].astype(np.float64)
    low, high, mean = (float(known.min()), float(known.max()), float(known.mean())) if known.size else (None,) * 3
    return ValueSummary(dtype, shape, low, high, mean, nans, int((value == np.inf).sum()),
                        int((value == -np.inf).sum()), bad, text)


def _is_stack(value: np.ndarray) -> bool:
    """Whether it is what a loop keeps for its gradient: one object, a list."""
    return value.dtype.kind == "O" and any(isinstance(v, list) for v in value.flat)


def wrong_in(value: np.ndarray) -> set[str]:
    """"NaN" and "Inf", where a float or complex array has such elements."""
    if value.dtype.kind in "biuOSUM" or np.isfinite(value).all():
        return set()
    return {what for what, test in (("Inf", np.isinf), ("NaN", np.isnan)) if test(value).any()}
