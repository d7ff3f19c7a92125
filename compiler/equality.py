"""What `==` between tensors means to the user's program: that they are the same object, as in TensorFlow 1, or the
comparison of their elements, as in TensorFlow 2 and Keras 3. graphflow itself always asks whether they are the same."""
from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .site import PACKAGE_FOLDERS

_LIBRARY = os.path.dirname(os.__file__)  # Python's own modules: weak references are looked up by `==`


class _State(threading.local):
    inside = 0  # how many blocks around compare elements


_state = _State()
_enabled = False


def enable_tensor_equality() -> None:
    """From here on `==` and `!=` compare the elements of tensors and variables, as in TensorFlow 2."""
    global _enabled
    _enabled = True


def disable_tensor_equality() -> None:
    """From here on `==` tells whether tensors are the same object, as in TensorFlow 1."""
    global _enabled
    _enabled = False


@contextmanager
def comparing_elements() -> Iterator[None]:
    """Inside, `==` and `!=` compare the elements of tensors: in what users write for Keras."""
    _state.inside += 1
    try:
        yield
    finally:
        _state.inside -= 1


def compares_elements(everywhere: bool = False) -> bool:
    """Whether the caller's caller asked for a comparison of elements (`everywhere`: not only in some block)."""
    if not _enabled and (everywhere or not _state.inside):
        return False
    filename = sys._getframe(2).f_code.co_filename
    return not filename.startswith(PACKAGE_FOLDERS) and os.path.dirname(filename) != _LIBRARY
