"""`python -m graphflow explain` and `profile`: of a saved Keras model, or of what a script runs."""
from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import script
from ..runtime.trace import Recorder, Whole
from ..whole_files import write_whole
from . import explained, from_look
from .look import Look, times_of
from .records import Explanation, rendered

MODELS = (".keras", ".h5", ".hdf5")
MOST = 5  # runs of a script that are explained


class UsageError(Exception):
    """What is wrong with a command or the files that it names, rather than with the script that it runs."""


def explain_file(path: str, arguments: Sequence[str] = (), feed: Sequence[str] = (), step: str | None = None,
                 batch_size: int = 32, form: str = "text", output: str | None = None, verbose: bool = False) -> None:
    """Explain a saved model, or a script's runs, to the standard output or the file `output`.

    A script is run to its end, untouched (see `python -m graphflow run`). Explained is then each run that it made
    with other fetches or shapes, the one that took longest in all first, MOST of them; times are means over the
    script's runs. `feed` (["x:32,784"]) gives the shapes of a model's inputs, or those to explain a script's runs for
    in place of the ones that it fed. `step` of a model is "train", "test" or "predict".

    Raises UsageError for a feed that is not such a text or that nothing takes, for a file that is no model, and for an
    output that cannot be written; and whatever the script raises.
    """
    with _of_usage():
        shapes = dict(map(_feed, feed))
        is_model = pathlib.Path(path).suffix.lower() in MODELS
        found = [_model(path, shapes, step, batch_size, verbose)] if is_model else []
    if not is_model:
        found = _script(path, arguments, shapes, verbose)
    text = rendered(found, form)
    if output is None:
        print(text)
    else:
        with _of_usage():
            write_whole(output, text)


def profile_file(path: str, arguments: Sequence[str], output: str | None) -> None:
    """Run a script; print what its runs took, or write it to the file `output` (see Profile.save).

    Raises UsageError for an output that cannot be written, and whatever the script raises.
    """
    from ..profiling import form_of, profile
    if output is not None:
        with _of_usage():
            form_of(output)
    with profile() as found:
        _run(path, arguments)
    if output is None:
        print(found)
    else:
        with _of_usage():
            found.save(output)


@contextlib.contextmanager
def _of_usage() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error


def _feed(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, sizes = text.rpartition(":")
    try:
        return name.partition(":")[0], tuple(int(n) for n in sizes.split(",") if n)
    except ValueError:
        raise ValueError(f"--feed: expected NAME:SIZE,SIZE,..., received {text!r}") from None


def _model(path: str, shapes: Mapping[str, tuple[int, ...]], step: str | None, batch_size: int, verbose: bool
           ) -> Explanation:
    from ..keras.saving import load_model
    from .models import explain_model
    model = load_model(path)
    return explain_model(model, step, batch_size, None, None, None, verbose, shapes)


def _run(path: str, arguments: Sequence[str]) -> None:
    with contextlib.suppress(SystemExit):  # a script may end as it likes
        script.run(path, arguments)


def _script(path: str, arguments: Sequence[str], shapes: Mapping[str, tuple[int, ...]], verbose: bool
            ) -> list[Explanation]:
    with Recorder() as recorder:
        _run(path, arguments)
    wholes = sorted(recorder.wholes.values(), key=lambda w: -w.nanoseconds)
    if not wholes:
        print(f"python -m graphflow explain: {os.fspath(path)} ran no session and no model", file=sys.stderr)
    if not shapes:
        return [_seen(whole, verbose) for whole in wholes[:MOST]]
    found: dict[Any, Explanation] = {}
    taken: set[str] = set()
    for whole in wholes:
        names = {t.op.name for t in whole.runner.feeds} & set(shapes)
        if names and whole.runner not in found and len(found) < MOST:
            taken |= names
            fed = tuple(shapes.get(t.op.name, shape) for t, shape in zip(
                whole.runner.feeds, whole.shapes, strict=False))
            found[whole.runner] = explained(whole.runner, fed, None, verbose)
    if set(shapes) - taken:
        raise UsageError(f"--feed: no run was fed {', '.join(sorted(set(shapes) - taken))}")
    return list(found.values())


def _seen(whole: Whole, verbose: bool) -> Explanation:
    """The explanation of runs that were recorded."""
    look = Look(notes=[f"times are means of {whole.runs} run{'s' * (whole.runs != 1)} of the script"])
    look.at_binding(whole.runner, whole.shapes, whole.plan, whole.binding, times_of(whole),
                    1e-9 * whole.nanoseconds / whole.runs)
    return from_look(look, whole.runner, whole.shapes, verbose)
