"""The file `checkpoint` of a folder: which checkpoints are there and which is the latest, in TensorFlow's text form."""
from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .files import write_text

_LINE = re.compile(r'\s*(\w+)\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([-+.\w]+))\s*$')
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class CheckpointState:
    """What a state file says."""

    def __init__(self, model_checkpoint_path: str = "", all_model_checkpoint_paths: Iterable[str] = (),
                 all_model_checkpoint_timestamps: Iterable[float] = (), last_preserved_timestamp: float = 0.0):
        self.model_checkpoint_path = model_checkpoint_path
        self.all_model_checkpoint_paths = list(all_model_checkpoint_paths)
        self.all_model_checkpoint_timestamps = list(all_model_checkpoint_timestamps)
        self.last_preserved_timestamp = last_preserved_timestamp

    def __str__(self) -> str:
        lines = [f"model_checkpoint_path: {_quoted(self.model_checkpoint_path)}",
                 *(f"all_model_checkpoint_paths: {_quoted(p)}" for p in self.all_model_checkpoint_paths),
                 *(f"all_model_checkpoint_timestamps: {t!r}" for t in self.all_model_checkpoint_timestamps)]
        if self.last_preserved_timestamp:
            lines.append(f"last_preserved_timestamp: {self.last_preserved_timestamp!r}")
        return "\n".join(lines) + "\n"

    __repr__ = __str__


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _plain(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "01234567":
            return chr(int(code, 8))
        return chr(int(code[1:], 16)) if code[0] == "x" and len(code) > 1 else _ESCAPES.get(code, code)

    # bytes above 127 are written as octal escapes of UTF-8
    return _ESCAPE.sub(one, text).encode("latin-1", "ignore").decode("utf-8", "replace") if "\\" in text else text


def _parse(text: str) -> CheckpointState:
    state = CheckpointState()
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                raise ValueError(line)
            continue
        name, quoted, number = match.groups()
        match name:
            case "model_checkpoint_path":
                state.model_checkpoint_path = _plain(quoted)
            case "all_model_checkpoint_paths":
                state.all_model_checkpoint_paths.append(_plain(quoted))
            case "all_model_checkpoint_timestamps":
                state.all_model_checkpoint_timestamps.append(float(number))
            case "last_preserved_timestamp":
                state.last_preserved_timestamp = float(number)
            case _:
                raise ValueError(line)
    return state


def _state_path(folder: Any, latest_filename: str | None) -> str:
    return os.path.join(os.fspath(folder), latest_filename or "checkpoint")


def generate_checkpoint_state_proto(save_dir: Any, model_checkpoint_path: str,
                                    all_model_checkpoint_paths: Sequence[str] | None = None,
                                    all_model_checkpoint_timestamps: Sequence[float] | None = None,
                                    last_preserved_timestamp: float | None = None) -> CheckpointState:
    """The state with its paths relative to `save_dir` where that is relative, and the latest among all.

    Raises ValueError for as many timestamps as there are not paths.
    """
    folder = os.fspath(save_dir)
    paths = list(all_model_checkpoint_paths or [])
    if not paths or paths[-1] != model_checkpoint_path:
        paths.append(model_checkpoint_path)
    if all_model_checkpoint_timestamps and len(all_model_checkpoint_timestamps) != len(paths):
        raise ValueError("Checkpoint timestamps, if provided, must match checkpoint paths (got paths "
                         f"{paths} and timestamps {all_model_checkpoint_timestamps})")
    if not os.path.isabs(folder):
        paths = [p if os.path.isabs(p) else os.path.relpath(p, folder) for p in paths]
        if not os.path.isabs(model_checkpoint_path):
            model_checkpoint_path = os.path.relpath(model_checkpoint_path, folder)
    return CheckpointState(model_checkpoint_path, paths, all_model_checkpoint_timestamps or (),
                           last_preserved_timestamp or 0.0)


def update_checkpoint_state(save_dir: Any, model_checkpoint_path: str,
                            all_model_checkpoint_paths: Sequence[str] | None = None, latest_filename: str | None = None,
                            all_model_checkpoint_timestamps: Sequence[float] | None = None,
                            last_preserved_timestamp: float | None = None, *,
                            save_relative_paths: bool = False) -> None:
    """Write the state file of a folder. Raises RuntimeError where it would overwrite the checkpoint itself."""
    path = _state_path(save_dir, latest_filename)
    if save_relative_paths:
        folder = os.fspath(save_dir)
        model_checkpoint_path = os.path.relpath(model_checkpoint_path, folder)
        all_model_checkpoint_paths = [os.path.relpath(p, folder) for p in all_model_checkpoint_paths or ()]
        state = CheckpointState(model_checkpoint_path, all_model_checkpoint_paths or [model_checkpoint_path],
                                all_model_checkpoint_timestamps or (), last_preserved_timestamp or 0.0)
    else:
        state = generate_checkpoint_state_proto(save_dir, model_checkpoint_path, all_model_checkpoint_paths,
                                                all_model_checkpoint_timestamps, last_preserved_timestamp)
    if path == state.model_checkpoint_path:
        raise RuntimeError(f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  "
                           "Please use a different save path.")
    write_text(path, str(state))


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> CheckpointState | None:
    """The state of a folder with its paths made whole, None where there is no (readable) state file."""
    if isinstance(checkpoint_dir, CheckpointState):
        checkpoint_dir = os.path.dirname(checkpoint_dir.model_checkpoint_path)
    path = _state_path(checkpoint_dir, latest_filename)
    try:
        with open(path, encoding="utf-8") as file:
            state = _parse(file.read())
    except (OSError, ValueError, TypeError):
        return None
    if not state.model_checkpoint_path:
        return None
    folder = os.fspath(checkpoint_dir)
    state.model_checkpoint_path = os.path.join(folder, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [os.path.join(folder, p) for p in state.all_model_checkpoint_paths]
    return state


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the latest checkpoint of a folder, None where there is none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is not None and checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    return None


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Whether a checkpoint has this prefix."""
    prefix = os.fspath(checkpoint_prefix)
    return bool(glob.glob(glob.escape(prefix) + ".index") or os.path.isfile(prefix))


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When the checkpoints were written, as seconds since 1970. Those that do not exist are left out."""
    return [os.path.getmtime(prefix + ".index") for prefix in checkpoint_prefixes if os.path.exists(prefix + ".index")]


def remove_checkpoint(checkpoint_prefix: str, checkpoint_format_version: int = 2,
                      meta_graph_suffix: str = "meta") -> None:
    """Delete a checkpoint's files."""
    for path in [*glob.glob(glob.escape(checkpoint_prefix) + ".data-?????-of-?????"), checkpoint_prefix + ".index",
                 f"{checkpoint_prefix}.{meta_graph_suffix}"]:
        if os.path.exists(path):
            os.remove(path)


def checkpoints_iterator(checkpoint_dir: Any, min_interval_secs: float = 0, timeout: float | None = None,
                         timeout_fn: Any = None) -> Iterator[str]:
    """Each new checkpoint of a folder as it appears, at most one every `min_interval_secs` seconds.

    It ends when none appears for `timeout` seconds, unless `timeout_fn` returns False then.
    """
    found: str | None = None
    while True:
        waited = time.monotonic()
        while (new := latest_checkpoint(checkpoint_dir)) is None or new == found:
            if timeout is not None and time.monotonic() - waited > timeout:
                break
            time.sleep(0.05 if timeout is not None and timeout < 2 else 1)
        if new is None or new == found:
            if timeout_fn is None or timeout_fn():
                return
            continue
        begun = time.monotonic()
        found = new
        yield new
        time.sleep(max(0.0, min_interval_secs - (time.monotonic() - begun)))


def prefix_of(ckpt_dir_or_file: Any) -> str:
    """The prefix meant by a prefix or a folder (its latest). Raises ValueError for a folder without checkpoints."""
    path = os.fspath(ckpt_dir_or_file)
    if not os.path.isdir(path):
        return path
    found = latest_checkpoint(path)
    if found is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
    return found


