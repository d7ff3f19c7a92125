"""Kernels that the cache lacks, compiled in several processes: in each, LLVM compiles one at a time."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

from . import kernel_cache

SHARE = 25_000  # characters of text for each process: a second's compiling, as long as a process takes to start
MOST = 4  # processes: each takes 150 MB
PROGRAM = ("import json, sys; sys.path[:] = json.loads(sys.stdin.readline()); "
           "from graphflow.runtime.compilers import serve; serve()")

_lock = threading.Lock()


def compile_missing(sources: Iterable[str], processors: int) -> None:
    """Compile what the cache lacks, with the help of other processes where it is much; else, and where they fail, that
    is left to who loads it."""
    with _lock:
        missing = sorted({source for source in sources if not kernel_cache.has(source)}, key=len)  # the longest last
        helpers = min(processors, MOST, sum(map(len, missing)) // SHARE) - 1
        if helpers < 1 or not sys.executable or getattr(sys, "frozen", False):
            return
        threads = [threading.Thread(target=_lead, args=(missing,)) for _ in range(helpers)]
        for thread in threads:
            thread.start()
        try:
            while missing:
                with contextlib.suppress(Exception):
                    kernel_cache.load(missing.pop())
        finally:
            missing.clear()
            for thread in threads:
                thread.join()


def _lead(missing: list[str]) -> None:
    """Let a helper compile, until there is no more to do or it does not answer."""
    with contextlib.suppress(OSError, IndexError), Helper() as helper:
        while helper.ready:
            source = missing.pop()
            begin = time.perf_counter_ns()
            if helper.compile(source):
                kernel_cache.note(source, begin, compiled=True)


class Helper:
    """Another process that compiles kernels into the cache, one at a time. `ready`: whether it can take one."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-P", "-c", PROGRAM], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.ready = self._answers(sys.path)

    def compile(self, source: str) -> bool:
        """Whether it did."""
        self.ready = self._answers([os.fspath(kernel_cache.path_of(source)), source])
        return self.ready and kernel_cache.has(source)

    def _answers(self, request: list[str]) -> bool:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except OSError:
            return False
        return bool(self._process.stdout.readline())

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._process.communicate()  # closes its input, which ends it


def serve() -> None:
    """A helper's side."""
    from ..compiler.native import translate  # noqa: F401 (which takes long, so before it says that it is ready)
    print(flush=True)
    for line in sys.stdin:
        path, source = json.loads(line)
        with contextlib.suppress(Exception):  # who loads it sees what
            kernel_cache.compile_to(pathlib.Path(path), source)
        print(flush=True)
