"""Libraries of kernels, which TensorFlow loads: there are none for graphflow, and the errors say so."""
from __future__ import annotations

import errno
import os
from typing import Any, NoReturn

from .compiler.errors import NotFoundError

__all__ = ["load_file_system_library", "load_library", "load_op_library", "register_filesystem_plugin"]


def load_op_library(library_filename: Any) -> NoReturn:
    """Raises NotFoundError: a shared library of TensorFlow ops cannot be found, or has none that run here."""
    name = os.fspath(library_filename)
    if not os.path.exists(name):
        raise NotFoundError(f"{name}: cannot open shared object file: No such file or directory")
    raise NotFoundError(f"{name}: its ops are compiled for TensorFlow, and graphflow compiles its own; "
                        "see CONTRIBUTING.md on how an op is declared")


load_file_system_library = load_op_library


def load_library(library_location: Any) -> None:
    """Raises OSError for a file or folder that is not there, NotFoundError for libraries (a folder may have none)."""
    name = os.fspath(library_location)
    if not os.path.exists(name):
        raise OSError(errno.ENOENT, "The file or folder to load kernel libraries from does not exist.", name)
    found = [os.path.join(name, entry) for entry in sorted(os.listdir(name))] if os.path.isdir(name) else [name]
    for library in found:
        if library.endswith((".so", ".dylib", ".dll", ".pyd")) or library == name:
            load_op_library(library)


def register_filesystem_plugin(plugin_location: Any) -> None:
    """Raises as `load_library`."""
    load_library(plugin_location)
