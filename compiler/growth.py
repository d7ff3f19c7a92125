"""A program that adds operations to its graph between its runs, again and again: noticed, and said with the line."""
from __future__ import annotations

import warnings

from .site import Site

RUNS = 50  # that a line has added operations between, when it is warned of


class Growth:
    """What a graph has grown by since its first run: by line, in between how many runs."""

    def __init__(self) -> None:
        self._lines: dict[Site, tuple[int, int]] = {}
        self._warned = False

    def note(self, site: Site | None, runs: int, operations: int) -> None:
        """An operation was made at `site` after so many runs. Warns once."""
        if site is None or self._warned:
            return
        seen, last = self._lines.get(site, (0, -1))
        if last != runs:
            self._lines[site] = seen + 1, runs
            if seen + 1 == RUNS:
                self._warned = True
                warnings.warn_explicit(
                    f"This line, in {site.function}, has added operations to the graph between {RUNS} runs; it has "
                    f"{operations:,} by now. Each costs memory, and a new one that is run is compiled. Build the graph "
                    "before the loop, and feed what changes through a placeholder (Graph.finalize() forbids new "
                    "operations).", UserWarning, site.filename, site.line)
