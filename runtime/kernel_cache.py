"""Generated kernels as files of a user cache folder: compiled once, then loaded in milliseconds by any process.

A file is named by the hash of all that its machine code depends on: the source, the compiler's own native modules,
Python, Numba and the processor. Beside it is its machine code, so the folder must belong to the user and be writable by
no one else; where that cannot be had, a private temporary folder serves for the process.
"""
from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib.util
import os
import pathlib
import platform
import re
import shutil
import stat
import sys
import tempfile
import threading
import time
from typing import Any, NamedTuple

from ..compiler import native
from ..compiler.site import warn

DIGEST_BYTES = 32  # of the SHA-256 that stands before machine code in its file
ABANDONED = 6 * 3600  # seconds after which no process is still writing a file: it was killed


class Load(NamedTuple):
    """How a kernel came into the process: times of perf_counter_ns, and whether it was compiled (else: from disk)."""

    title: str
    begin: int
    end: int
    thread: int
    compiled: bool


loads: dict[str, Load] = {}  # by source
_addresses: dict[str, int] = {}
_lock = threading.RLock()


def load(source: str) -> int:
    """The address of the kernel that `source` (the text of a module) defines; compiled unless the cache has it."""
    address = _addresses.get(source)
    if address is None:
        with _lock:
            if source not in _addresses:
                begin = time.perf_counter_ns()
                _addresses[source], compiled = link(source)
                note(source, begin, compiled)
            address = _addresses[source]
    return address


def note(source: str, begin: int, compiled: bool) -> None:
    """Keep in `loads` that this thread got a kernel between `begin` and now, unless another one's compiling of it is
    kept there."""
    loads.setdefault(source, Load(source.partition("\n")[0].strip('".'), begin, time.perf_counter_ns(),
                                  threading.get_ident(), compiled))


def has(source: str) -> bool:
    """Whether a kernel need not be compiled: it is loaded, or the cache has a file for it."""
    return source in _addresses or path_of(source).with_suffix(".o").exists()


def link(source: str) -> tuple[int, bool]:
    """(the address of the last function of a module's text, whether it was compiled, for lack of it in the cache)."""
    from ..compiler.native import machine  # imports llvmlite
    path = path_of(source)
    code = _kept(path, source)
    return machine.link(code or compile_to(path, source), path.stem), code is None


def _kept(path: pathlib.Path, source: str) -> bytes | None:
    """The machine code that the cache has of a source, None if it has none or not as it was written."""
    try:
        digest, code = (data := path.with_suffix(".o").read_bytes())[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if path.read_bytes() == source.encode() and hashlib.sha256(code).digest() == digest:
            return code
    except OSError:
        pass
    return None


def compile_to(path: pathlib.Path, source: str) -> bytes:
    """Translate a source to machine code and keep both, at `path` and beside it, where there is room."""
    from ..compiler.native import machine
    from ..compiler.native.translate import translate
    keep(path, source.encode())
    names: dict[str, Any] = {}
    exec(compile(source, path, "exec"), names)
    code = machine.assemble(translate(source, names, path.stem))
    keep(path.with_suffix(".o"), hashlib.sha256(code).digest() + code)
    return code


def path_of(source: str) -> pathlib.Path:
    """The file that holds a kernel's source, named after its docstring and all that its machine code depends on."""
    title = re.sub(r"\W+", "_", source.partition("\n")[0]).strip("_").lower()[:48]
    digest = hashlib.sha256((environment() + source).encode()).hexdigest()[:24]
    return folder() / f"{title}_{digest}.py"


def keep(path: pathlib.Path, data: bytes) -> None:
    """Write a file of the cache if it can be written (the disk may be full): kernels run without it."""
    _remove_abandoned(path.parent)
    try:
        write_atomically(path, data)
    except OSError as error:
        warn(f"graphflow: {path.parent} cannot keep kernels ({error.strerror}); they will be compiled again.",
             RuntimeWarning)


def write_atomically(path: pathlib.Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@functools.cache
def _remove_abandoned(path: pathlib.Path) -> None:
    """Remove, once, what processes that were killed while they wrote have left; others may be doing the same."""
    for file in path.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > ABANDONED:
                file.unlink()


@functools.cache
def environment() -> str:
    """What besides its source a kernel's machine code depends on."""
    from ..compiler.native import machine, processor
    names = platform.python_version(), platform.machine(), processor.isa().name, *machine.host()
    digest = hashlib.sha256(" ".join(names).encode())
    for file in sorted(pathlib.Path(native.__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    for package in ("numba", "llvmlite"):  # neither Numba nor importlib.metadata: to import them takes long
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None
        digest.update(pathlib.Path(spec.origin).with_name("_version.py").read_bytes())
    return digest.hexdigest()


@functools.cache
def folder() -> pathlib.Path:
    """The cache folder: $GRAPHFLOW_CACHE_DIR, else the platform's user cache; a temporary one if that is not safe."""
    chosen = os.environ.get("GRAPHFLOW_CACHE_DIR")
    path = pathlib.Path(chosen) if chosen else _platform_cache() / "graphflow"
    try:
        path = path / "kernels"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = _problem(path)
    except OSError as error:
        problem = str(error)
    if problem is None:
        return path
    temporary = pathlib.Path(tempfile.mkdtemp(prefix="graphflow-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    warn(f"graphflow: the kernel cache {path} cannot be used ({problem}); kernels of this process go to "
         f"{temporary}. Set GRAPHFLOW_CACHE_DIR to a folder of yours to keep them.", RuntimeWarning)
    return temporary


def _problem(path: pathlib.Path) -> str | None:
    """Why a folder must not hold code that we would run, None if it may."""
    status = path.stat()
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return "it belongs to another user"
    if os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it"
    if not os.access(path, os.W_OK | os.X_OK):
        return "it is not writable"
    with tempfile.TemporaryFile(dir=path):
        return None


def _platform_cache() -> pathlib.Path:
    if sys.platform == "win32":
        return pathlib.Path(os.environ.get("LOCALAPPDATA") or pathlib.Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return pathlib.Path.home() / "Library" / "Caches"
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
