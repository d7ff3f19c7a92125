"""Ops that look at values: checks that fail a run, printing, and calls of Python functions."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..dtypes import FLOATS, bool_, float64, string
from ..errors import (
    InvalidArgumentError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from ..ir import Tensor, TensorType
from ..opdef import HOST, OpDef, no_gradient
from .arguments import check_dtype, same_type
from .constant import as_strings

# text: what is printed of a value


def show(value: np.ndarray, summarize: int = 3) -> str:
    """An array as TensorFlow prints it: `[[1 2 3]\\n [4 5 6]]`, long axes as `[1 2 3 ... 7 8 9]`; -1 shows all."""
    return _show(value, summarize, 1)


def _show(value: np.ndarray, summarize: int, depth: int) -> str:
    if value.ndim == 0:
        return _element(value[()])
    items = list(range(len(value)))
    shown = [_show(value[i], summarize, depth + 1) for i in items if summarize < 0 or len(items) <= 2 * summarize
             or i < summarize or i >= len(items) - summarize]
    if len(shown) < len(items):
        shown.insert(summarize, "...")
    return f"[{' '.join(shown)}]" if value.ndim == 1 else f"[{(chr(10) + ' ' * depth).join(shown)}]"


def _element(value: Any) -> str:
    if isinstance(value, bytes):
        return f'"{value.decode(errors="replace")}"'
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return f"{value:.9g}".removesuffix(".0") if isinstance(value, np.floating) else str(value)


def flat(value: np.ndarray, summarize: int = 3) -> str:
    """The first elements in one pair of brackets for each axis, as asserts and `Print` show them."""
    if value.ndim == 0:
        text = _element(value[()])
        return text.strip('"') if value.dtype == object else text
    if summarize < 0 or value.size <= summarize:
        return _nested(value)
    return "[" * value.ndim + " ".join(_element(v) for v in value.ravel()[:summarize]) + "...]"


def _nested(value: np.ndarray) -> str:
    return f"[{''.join(_nested(v) for v in value)}]" if value.ndim > 1 else f"[{' '.join(map(_element, value))}]"


def _in_brackets(value: np.ndarray, summarize: int) -> str:
    return flat(value, summarize) if value.ndim else f"[{flat(value)}]"


# checks


def _assert_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("Assert", inputs[0], (bool_,))
    return []


def _assert_reference(condition: np.ndarray, *data: np.ndarray, texts: tuple[Any, ...], summarize: int) -> tuple[()]:
    if not condition.all():
        rest = iter(data)
        shown = [_in_brackets(next(rest), summarize) if t is None else f"[{t}]" for t in texts]
        raise InvalidArgumentError(f"assertion failed: {' '.join(shown)}")
    return ()


# `texts` has a string, or None for the next tensor of data
assert_ = OpDef("Assert", HOST, _assert_types, no_gradient, _assert_reference,
                 stateful=True)


def _numerics_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    check_dtype("CheckNumerics", inputs[0], FLOATS)
    return [inputs[0].type]


def _numerics_reference(x: np.ndarray, message: str) -> np.ndarray:
    found = [what for what, test in (("Inf", np.isinf), ("NaN", np.isnan)) if np.any(test(x))]
    if found:
        raise InvalidArgumentError(f"{message} : Tensor had {' and '.join(found)} values")
    return x


# on the host, where it runs even when only control edges ask for it
check_numerics = OpDef("CheckNumerics", HOST, _numerics_types, lambda op, g: [g], _numerics_reference)

# printing


def _print_reference(x: np.ndarray, *data: np.ndarray, message: str, first_n: int, summarize: int,
                     counter: Iterator[int]) -> np.ndarray:
    if first_n < 0 or next(counter) < first_n:
        print(message + "".join(_in_brackets(d, summarize) for d in data), file=sys.stderr)
    return x


print_ = OpDef("Print", HOST, same_type, lambda op, g: [g, *[None] * (len(op.inputs) - 1)], _print_reference)


MARK = "\0"  # where a tensor's value goes in the text that is printed


def _print_v2_reference(*data: np.ndarray, template: str, output_stream: Any, end: str, summarize: int) -> tuple[()]:
    parts = template.split(MARK)
    text = "".join(p + (show(d, summarize).strip('"') if d.ndim == 0 else show(d, summarize))
                   for p, d in zip(parts, data, strict=False)) + parts[-1] + end
    if callable(output_stream):
        output_stream(text)
    else:
        stream = sys.stdout if output_stream == "stdout" else sys.stderr
        stream.write(text)
        stream.flush()
    return ()


print_v2 = OpDef("PrintV2", HOST, lambda inputs, attrs: [], None, _print_v2_reference, stateful=True)

# Python functions

# what an exception in a function becomes, as in TensorFlow
RAISED: tuple[tuple[Any, Callable[..., Exception]], ...] = (
    ((ValueError, TypeError), InvalidArgumentError), (StopIteration, OutOfRangeError),
    (MemoryError, ResourceExhaustedError), (NotImplementedError, UnimplementedError), (Exception, UnknownError))


def _call(*inputs: np.ndarray, function: Callable[..., Any], Tout: Sequence[Any], token: str  # noqa: N803
          ) -> tuple[np.ndarray, ...]:
    try:
        result = function(*inputs)
    except Exception as error:
        if getattr(function, "is_op", False):  # graphflow's own: its errors are what they should be
            raise
        kind = next(kind for classes, kind in RAISED if isinstance(error, classes))
        raise kind(f"{type(error).__name__}: {error}") from error
    results = list(result) if isinstance(result, (list, tuple)) else [] if result is None else [result]
    if len(results) != len(Tout):
        raise InvalidArgumentError(f"{token} returns {len(results)} values, but expects to see {len(Tout)} values.")
    return tuple(_converted(r, dtype, token, i) for i, (r, dtype) in enumerate(zip(results, Tout, strict=True)))


def _converted(value: Any, dtype: Any, token: str, position: int) -> np.ndarray:
    if dtype == string:
        return as_strings(value)
    array = np.asarray(value)
    if array.dtype != dtype.np:
        raise InvalidArgumentError(f"{position}-th value returned by {token} is {array.dtype.name}, but expects "
                                   f"{dtype.name}")
    return array


def _call_types(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    return [TensorType(dtype, None) for dtype in attrs["Tout"]]


py_func = OpDef("PyFunc", HOST, _call_types, no_gradient, _call, stateful=True)
py_func_stateless = OpDef("PyFuncStateless", HOST, _call_types, no_gradient, _call)

# time

timestamp = OpDef("Timestamp", HOST, lambda inputs, attrs: [TensorType(float64, ())], None,
                  lambda: np.array(time.time()), stateful=True)
