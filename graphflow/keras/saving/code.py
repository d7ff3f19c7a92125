"""Functions without a name as their compiled code, as Keras writes them. Read only where the user says that it may."""
from __future__ import annotations

import base64
import builtins
import marshal
import sys
import types
from typing import Any
from weakref import WeakValueDictionary

import numpy as np


def dumped(function: types.FunctionType) -> tuple[str, list[Any] | None, list[Any] | None]:
    """(code, defaults, closure) of a function; values that JSON cannot hold are None."""
    cells = function.__closure__
    described = (base64.b64encode(marshal.dumps(function.__code__)).decode("ascii"),
                 None if function.__defaults__ is None else [_bare(v) for v in function.__defaults__],
                 None if cells is None else [_bare(c.cell_contents) for c in cells])
    _described[repr(described)] = function
    return described


def noted(described: dict[str, Any], function: types.FunctionType) -> dict[str, Any]:
    """What says a function by its name, which `known` tells from now on."""
    _described[repr((described["config"], None, None))] = function
    return described


_described: WeakValueDictionary[str, types.FunctionType] = WeakValueDictionary()


def known(described: Any) -> types.FunctionType | None:
    """The function of this program that was written as these words, if it is still there: no code is read."""
    words = tuple(described.get(k) for k in ("code", "defaults", "closure")) if isinstance(described, dict) else (
        *described, None, None)[:3]
    return _described.get(repr(words))


def _bare(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool)) else None


def loaded(described: Any) -> types.FunctionType:
    """The function. The code is the file's: the caller has made sure that its source is trusted.

    Raises ValueError for code of another version of Python.
    """
    if isinstance(described, dict):
        code, defaults, closure = described["code"], described.get("defaults"), described.get("closure")
    else:  # Keras 2
        code, defaults, closure = (*described, None, None)[:3]
    try:
        compiled = marshal.loads(base64.b64decode(code))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(f"The file holds a lambda that this version of Python cannot read ({error}). Replace it by a "
                         "named function, and pass that in custom_objects.") from None
    if not isinstance(compiled, types.CodeType):
        raise ValueError("The file holds a lambda whose code is damaged.")
    cells = None if closure is None else tuple(types.CellType(c) for c in closure)
    return types.FunctionType(compiled, _modules(), "<lambda>", None if defaults is None else tuple(defaults), cells)


def _modules() -> dict[str, Any]:
    """The names that lambdas of Keras programs use."""
    package = __name__.partition(".saving")[0]
    keras = sys.modules[package]
    return {"__builtins__": builtins, "np": np, "numpy": np, "tf": sys.modules[package.partition(".")[0]],
            "keras": keras, "K": sys.modules[f"{package}.backend"], "ops": sys.modules.get(f"{package}.ops")}
