"""`tf.flags` and `tf.app.flags`: command-line flags, over absl.

As in TensorFlow 1, definitions also take `flag_name`, `default_value` and `docstring`, and the first look at a flag
parses the command line if `tf.app.run` has not.
"""
from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from absl import flags as _absl
from absl.flags import (  # noqa: F401 (these are the module's names)
    DuplicateFlagError,
    Error,
    IllegalFlagValueError,
    UnrecognizedFlagError,
    ValidationError,
    mark_flag_as_required,
    mark_flags_as_required,
    register_validator,
    validator,
)

_LEGACY = {"flag_name": "name", "default_value": "default", "docstring": "help"}


class _Flags:
    """absl's flags, parsed when first looked at."""

    def __init__(self, values: Any):
        self.__dict__["_values"] = values

    def _parsed(self, name: str) -> Any:
        values = self.__dict__["_values"]
        if not values.is_parsed() and not name.startswith("__"):
            try:
                values(sys.argv, known_only=True)
            except _absl.Error as error:
                sys.exit(f"FATAL Flags parsing error: {error}\nPass --help to see the flags.")
        return values

    def __getattr__(self, name: str) -> Any:
        if name in ("is_parsed", "mark_as_parsed", "unparse_flags"):
            return getattr(self.__dict__["_values"], name)
        return getattr(self._parsed(name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._parsed(name), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__dict__["_values"], name)

    def __getitem__(self, name: str) -> Any:
        return self.__dict__["_values"][name]

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__["_values"]

    def __iter__(self) -> Any:
        return iter(self.__dict__["_values"])

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_values"])

    def __call__(self, *args: Any, **kwargs: Any) -> list[str]:
        return self.__dict__["_values"](*args, **kwargs)


FLAGS: Any = _Flags(_absl.FLAGS)


def _definition(define: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(define)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return define(*args, **{_LEGACY.get(k, k): v for k, v in kwargs.items()})
    return wrapped


DEFINE_string = _definition(_absl.DEFINE_string)
DEFINE_integer = _definition(_absl.DEFINE_integer)
DEFINE_float = _definition(_absl.DEFINE_float)
DEFINE_bool = _definition(_absl.DEFINE_bool)
DEFINE_boolean = _definition(_absl.DEFINE_boolean)
DEFINE_enum = _definition(_absl.DEFINE_enum)
DEFINE_list = _definition(_absl.DEFINE_list)
DEFINE_spaceseplist = _definition(_absl.DEFINE_spaceseplist)
DEFINE_multi_string = _definition(_absl.DEFINE_multi_string)
DEFINE_multi_integer = _definition(_absl.DEFINE_multi_integer)
DEFINE_multi_float = _definition(_absl.DEFINE_multi_float)
DEFINE_multi_enum = _definition(_absl.DEFINE_multi_enum)
DEFINE_alias = _absl.DEFINE_alias
ArgumentParser, BooleanParser, FloatParser = _absl.ArgumentParser, _absl.BooleanParser, _absl.FloatParser
EnumParser, IntegerParser, ListParser = _absl.EnumParser, _absl.IntegerParser, _absl.ListParser
Flag, FlagValues = _absl.Flag, _absl.FlagValues


def __getattr__(name: str) -> Any:
    return getattr(_absl, name)
