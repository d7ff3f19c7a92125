"""Python's search for garbage in cycles, put off while much is made that stays: modules, graphs, plans."""
from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """No search meanwhile: each would go through all that was made so far, a tenth of a program's start."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def keep() -> None:
    """Take all that there is now for what lasts, which else two searches decide: they pass over it from now on."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()  # which leaves it in the oldest generation
