"""`tf.resource_loader`: files that lie beside the program's own."""
from __future__ import annotations

import os
import sys

__all__ = ["get_data_files_path", "get_path_to_datafile", "get_root_dir_with_all_resources", "load_resource",
           "readahead_file_path"]


def get_data_files_path() -> str:
    """The folder of the file that calls this."""
    return os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename))


def get_path_to_datafile(path: str) -> str:
    """`path` beside the file that calls this."""
    return os.path.join(os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename)), path)


def get_root_dir_with_all_resources() -> str:
    """The folder of the file that calls this."""
    return os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename))


def load_resource(path: str) -> bytes:
    """The bytes of a file, given relative to the folder above that of the file that calls this, as TensorFlow has
    it."""
    folder = os.path.dirname(os.path.abspath(sys._getframe(1).f_code.co_filename))
    with open(os.path.join(folder, os.path.pardir, path), "rb") as file:
        return file.read()


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """The path itself: files are not read ahead."""
    return path
