"""How every side of the benchmark is timed: one clock, one loop, one line of output per result.

A script of a side maps names of workloads to functions and calls `main`. Each function calls `measure` for the
variants it knows, which prints `workload/variant seconds`. Where $MEMORY_OF names a variant, it alone is run, and
`workload/variant:memory bytes` is what the process took at most.
"""
from __future__ import annotations

import os
import resource
import statistics
import sys
from collections.abc import Callable
from time import perf_counter

SECONDS = 0.5  # of samples at the least, so that a short step is not judged by one moment of the machine


def measure(name: str, step: Callable[[], object], count: int) -> None:
    """Print the time of the first call (compilation included) and the median of at least `count` later ones.

    `step` returns when its result is ready.
    """
    if alone := os.environ.get("MEMORY_OF"):
        if name == alone:
            for _ in range(5):
                step()
            print(f"{name}:memory", 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
        return
    print(f"{name}:first", elapsed(step), flush=True)
    for _ in range(3):
        step()
    times, total = [], 0.0
    while len(times) < count or total < SECONDS:
        times.append(elapsed(step))
        total += times[-1]  # adding them all up each time would push the step's weights out of the cache
    print(name, statistics.median(times), flush=True)


def elapsed(step: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = perf_counter()
    step()
    return perf_counter() - start


def main(workloads: dict[str, Callable[[], None]]) -> None:
    """Run the workloads named on the command line, all by default, and fail in the end if any of them failed.

    Names that this side does not have are skipped.
    """
    wanted, failed = sys.argv[1:] or list(workloads), False
    for name, run in workloads.items():
        if name in wanted:
            try:
                run()
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                failed = True
    sys.exit(failed)
