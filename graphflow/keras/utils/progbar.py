"""The progress bar, in Keras's look.

A terminal or notebook sees it redrawn in place. Elsewhere (a log file, a pipe) there is one plain line at the end.
"""
from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any


def print_message(message: str, line_break: bool = True) -> None:
    """Write to standard output, in ASCII where it cannot take more."""
    try:
        sys.stdout.write(message + "\n" * line_break)
    except UnicodeEncodeError:
        sys.stdout.write(message.encode("ascii", "replace").decode() + "\n" * line_break)
    sys.stdout.flush()


def can_redraw() -> bool:
    """Whether standard output shows a carriage return as such."""
    return bool(getattr(sys.stdout, "isatty", lambda: False)()) or "ipykernel" in sys.modules or (
        "PYCHARM_HOSTED" in os.environ)


class Progbar:
    """`verbose` 0: silent; 1: a bar; 2: one line at the end. Metrics in `stateful_metrics`, or all but those in
    `stateless_metrics`, are shown as they come, others averaged over the steps; the last values as they come too.
    """

    interval = 0.05

    def __init__(self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05,
                 stateful_metrics: Iterable[str] | None = None, stateless_metrics: Iterable[str] | None = None,
                 unit_name: str = "step"):
        self.target, self.width, self.verbose, self.unit_name = target, width, verbose, unit_name
        self.interval = interval
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Only one of `stateful_metrics` or `stateless_metrics` can be provided.")
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._redraws = can_redraw()
        self._values: dict[str, tuple[float, int]] = {}
        self._seen = 0
        self._start = time.time()
        self._last = 0.0
        self._after_first: float | None = None
        self._width = 0

    @property
    def live(self) -> bool:
        """Whether updates before the last one show."""
        return self.verbose == 1 and self._redraws

    def update(self, current: int, values: Sequence[tuple[str, Any]] | None = None,
               finalize: bool | None = None) -> None:
        """`current` steps are done, with these metrics."""
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for key, value in values or ():
            number = float(value.mean()) if hasattr(value, "mean") else float(value)
            steps = max(current - self._seen, 1)
            averaged = (key not in self.stateful_metrics if self.stateless_metrics is None else
                        key in self.stateless_metrics)
            if finalize or not averaged:
                self._values[key] = (number, 1)
            else:
                total, count = self._values.get(key, (0.0, 0))
                self._values[key] = (total + number * steps, count + steps)
        self._seen = current
        now = time.time()
        per_step = self._step_seconds(current, now)
        if finalize and self.verbose:
            if self.live:
                self._draw(current, f"{now - self._start:.0f}s", per_step, "\n")
            else:
                print_message(f"{self._count(current)} - {now - self._start:.0f}s - {self._each(per_step)}"
                              f"{self._metrics()}")
        elif self.live and now - self._last >= self.interval:
            left = "" if self.target is None else _duration(per_step * (self.target - current))
            self._draw(current, left, per_step, "")
            self._last = now

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        self.update(self._seen + n, values)

    def _step_seconds(self, current: int, now: float) -> float:
        """The first step is left out where there are others: it compiles."""
        if not current:
            return 0.0
        if self._after_first is not None and current > 1:
            return (now - self._after_first) / (current - 1)
        if current == 1:
            self._after_first = now
        return (now - self._start) / current

    def _count(self, current: int) -> str:
        if not self.target:
            return f"{current:7d}/Unknown"
        return f"{current:{int(math.log10(self.target)) + 1}d}/{self.target}"

    def _each(self, seconds: float) -> str:
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit_name}"
        number = f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
        return f"{number}/{self.unit_name}"

    def _metrics(self) -> str:
        shown = ((key, total / max(count, 1)) for key, (total, count) in self._values.items())
        return "".join(f" - {key}: {value:.4f}" if abs(value) > 1e-3 else f" - {key}: {value:.4e}"
                       for key, value in shown)

    def _draw(self, current: int, clock: str, per_step: float, end: str) -> None:
        done = int(self.width * min(current / self.target, 1)) if self.target else 0
        bar = f" \x1b[32m{'━' * done}\x1b[37m{'━' * (self.width - done)}\x1b[0m" if self.target else ""
        text = f"{self._count(current)}%s \x1b[1m{clock}\x1b[0m {self._each(per_step)}{self._metrics()}"
        visible = len(text) - len("%s\x1b[1m\x1b[0m") + (self.width + 1 if self.target else 0)
        padding = " " * max(self._width - visible, 0)
        self._width = visible
        print_message("\r" + text.replace("%s", bar, 1) + padding + end, line_break=False)


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds) // 60, int(seconds) // 3600
    if hours:
        return f"{hours}:{minutes % 60:02d}:{int(seconds) % 60:02d}"
    return f"{minutes}:{int(seconds) % 60:02d}" if minutes else f"{int(seconds)}s"
