"""Keras 2's helpers of arguments, lists and shapes."""
from __future__ import annotations

import base64
import binascii
import inspect
import marshal
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...compiler.ir import Tensor


def to_list(x: Any, allow_tuple: bool = False) -> list[Any]:
    """A list as it is, a tuple of tensors (or any with `allow_tuple`) as one, anything else alone in one."""
    if isinstance(x, list):
        return x
    several = isinstance(x, tuple) and (allow_tuple or any(isinstance(part, Tensor) for part in x))
    return list(x) if several else [x]


def unpack_singleton(x: Any) -> Any:
    """The only element of a list or tuple of one, else `x`."""
    return x[0] if isinstance(x, (list, tuple)) and len(x) == 1 else x


def object_list_uid(object_list: Any) -> str:
    """What tells one list of objects from another."""
    return ", ".join(str(abs(id(x))) for x in to_list(object_list))


def is_all_none(iterable_or_element: Any) -> bool:
    """Whether each element is None."""
    return all(x is None for x in to_list(iterable_or_element, allow_tuple=True))


def slice_arrays(arrays: Any, start: Any = None, stop: int | None = None) -> Any:
    """Rows from `start` to `stop`, or those in a list of indices, of an array or of each in a list."""
    if arrays is None:
        return [None]
    if isinstance(start, list) and stop is not None:
        raise ValueError(f"The stop argument has to be None if the value of start is a list. Received: stop={stop}")

    def rows(x: Any) -> Any:
        if x is None:
            return None
        if not hasattr(start, "__len__"):
            return x[start:stop] if hasattr(x, "__getitem__") else None
        return x[start.tolist() if hasattr(start, "shape") else start]

    return [rows(x) for x in arrays] if isinstance(arrays, list) else rows(arrays)


def transpose_shape(shape: Sequence[Any], target_format: str, spatial_axes: Sequence[int]) -> tuple[Any, ...]:
    """A channels-last shape in the layout `target_format`. Raises ValueError for another layout."""
    if target_format == "channels_first":
        return (*shape[:spatial_axes[0]], shape[-1], *(shape[i] for i in spatial_axes))
    if target_format == "channels_last":
        return tuple(shape)
    raise ValueError("The `data_format` argument must be one of 'channels_first', 'channels_last'. Received: "
                     f"{target_format}")


def check_for_unexpected_keys(name: str, input_dict: dict[str, Any], expected_values: Iterable[str]) -> None:
    """Raises ValueError for keys that are not expected."""
    unknown = set(input_dict).difference(expected_values)
    if unknown:
        raise ValueError(f"Unknown entries in {name} dictionary: {sorted(unknown)}. Only expected following keys: "
                         f"{list(expected_values)}")


def has_arg(fn: Callable[..., Any], name: str, accept_all: bool = False) -> bool:
    """Whether a function takes an argument by this name, with `accept_all` also by **kwargs."""
    parameters = inspect.signature(fn).parameters
    found = parameters.get(name)
    if found is None:
        return accept_all and any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    return found.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def func_dump(func: Any) -> tuple[str, Any, tuple[Any, ...] | None]:
    """(the code of a function in base64, its defaults, the values of its closure)."""
    code = base64.b64encode(marshal.dumps(func.__code__)).decode("ascii")
    closure = None if func.__closure__ is None else tuple(c.cell_contents for c in func.__closure__)
    return code, func.__defaults__, closure


def func_load(code: Any, defaults: Any = None, closure: Any = None, globs: dict[str, Any] | None = None) -> Any:
    """The function that `func_dump` described. The code runs when it is called: it must come from who is trusted."""
    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
        defaults = tuple(defaults) if isinstance(defaults, list) else defaults
    try:
        raw = base64.b64decode(code.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):  # files before Keras 2.1.2
        raw = code.encode("raw_unicode_escape")
    cells = None if closure is None else tuple(c if isinstance(c, types.CellType) else types.CellType(c)
                                               for c in closure)
    loaded = marshal.loads(raw)
    return types.FunctionType(loaded, globals() if globs is None else globs, loaded.co_name, defaults, cells)
