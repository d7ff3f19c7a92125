"""Python functions and printing as operations of the graph. They run on the host."""
from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compiler.dtypes import as_dtype
from .compiler.ir import Operation, Tensor, default_graph
from .compiler.ops import checks
from .compiler.ops.constant import convert_to_tensor

_numbers = itertools.count()


def _build(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool, name: str) -> Any:  # noqa: N803
    if not callable(func):
        raise ValueError(f"Expected func to be callable. Received func={func} of type {type(func)}.")
    many = isinstance(Tout, (list, tuple))
    dtypes = tuple(as_dtype(d) for d in (Tout if many else [Tout]))
    inputs = [convert_to_tensor(x) for x in (inp if isinstance(inp, (list, tuple)) else [inp])]
    definition = checks.py_func if stateful else checks.py_func_stateless
    attrs = {"function": func, "Tout": dtypes, "token": f"pyfunc_{next(_numbers)}"}
    op = default_graph().add(definition, inputs, attrs, name)
    if not dtypes:
        return op
    return list(op.outputs) if many else op.outputs[0]


def array_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True,  # noqa: N803
                   name: str | None = None) -> Any:
    """`py_func` whose function gets arrays of single numbers and strings, too."""
    return _build(func, inp, Tout, stateful, name or "PyFunc")


def _of_scalars(func: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gets of an array of rank 0 the number, or the bytes, as TensorFlow gives them."""
    if not callable(func):
        return func

    @functools.wraps(func)
    def call(*arrays: np.ndarray) -> Any:
        return func(*(a[()] for a in arrays))
    return call


def py_func(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True,  # noqa: N803
            name: str | None = None) -> Any:
    """The results of a Python function of NumPy arrays, of dtypes `Tout` (one, or a list for several).

    It runs anew in each run that needs it; a function that is not `stateful` may run less often. Raises
    InvalidArgumentError when it raises ValueError or TypeError, or returns other dtypes.
    """
    return _build(_of_scalars(func), inp, Tout, stateful, name or "PyFunc")


def numpy_function(func: Callable[..., Any] | None = None, inp: Sequence[Any] = (), Tout: Any = None,  # noqa: N803
                   stateful: bool = True, name: str | None = None) -> Any:
    """`py_func`: a function of arrays as an operation, without a gradient."""
    assert func is not None
    return _build(_of_scalars(func), inp, Tout, stateful, name or "PyFunc")


class EagerArray(np.ndarray):
    """An array with the method that eager tensors have; so have its numbers."""

    def numpy(self) -> Any:
        return np.asarray(self)[()]

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return np.asarray(found).view(EagerArray) if isinstance(found, np.number) else found


def py_function(func: Callable[..., Any] | None = None, inp: Sequence[Any] = (), Tout: Any = None,  # noqa: N803
                name: str | None = None) -> Any:
    """`py_func` whose function gets arrays with a method `numpy()`, and whose results take on the dtypes `Tout`."""
    assert func is not None
    many = isinstance(Tout, (list, tuple))
    dtypes = [as_dtype(d) for d in (Tout if many else [Tout])]

    @functools.wraps(func)
    def call(*arrays: np.ndarray) -> Any:
        result = func(*(a.view(EagerArray) for a in arrays))
        results = list(result) if isinstance(result, (list, tuple)) else [result]
        return [r if d.is_string else np.asarray(r).astype(d.np) for r, d in zip(results, dtypes, strict=False)]
    return _build(call, inp, Tout, True, name or "EagerPyFunc")


# printing


def Print(input_: Any, data: Sequence[Any], message: str | None = None, first_n: int | None = None,  # noqa: N802
          summarize: int | None = None, name: str | None = None) -> Tensor:
    """`input_`; whenever it is computed (the first `first_n` times), the message and `data` go to standard error, of
    each tensor the first `summarize` (3) elements."""
    values = [convert_to_tensor(d) for d in data]
    return checks.print_(convert_to_tensor(input_), *values, message=message or "", counter=itertools.count(),
                         first_n=-1 if first_n is None else int(first_n),
                         summarize=3 if summarize is None else int(summarize), name=name)


def print(*inputs: Any, output_stream: Any = None, summarize: int = 3, sep: str = " ", end: str = "\n",
           name: str | None = None) -> Operation:
    """An operation that prints its inputs (tensors, text, lists of them) to `output_stream`, by default standard error.

    Of axes longer than twice `summarize` the middle is left out; -1 prints all. `output_stream` may be "file://path".
    """
    tensors: list[Tensor] = []
    template = sep.join(_template(x, tensors) for x in inputs)
    return default_graph().add(checks.print_v2, tensors, {
        "template": template, "output_stream": _stream(output_stream), "end": end, "summarize": int(summarize or 3)},
        name or "PrintV2")


def _template(value: Any, tensors: list[Tensor]) -> str:
    """Text with a mark for each tensor, which are added to the list."""
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
        tensors.append(convert_to_tensor(value))
        return checks.MARK
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_template(v, tensors)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_template(v, tensors) for v in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return str(value)


def _stream(stream: Any) -> Any:
    if stream is None or stream is sys.stderr or stream == "stderr":
        return "stderr"
    if stream is sys.stdout or stream == "stdout":
        return "stdout"
    if isinstance(stream, str) and stream.startswith("file://"):
        path = stream.removeprefix("file://")

        def append(text: str) -> None:
            with open(path, "a", encoding="utf-8") as file:
                file.write(text)
        return append
    if callable(stream):
        return stream
    raise ValueError(f"Unknown output stream, logging level, or file: {stream!r}")
