"""Keras's type promotion: the least type above all of them in a lattice where Python's numbers are weak."""
from __future__ import annotations

from functools import cache
from typing import Any

from ...compiler.dtypes import as_dtype
from ...compiler.ir import Tensor
from ...compiler.ops.constant import convert_to_tensor
from ...compiler.ops.elementwise import cast
from .. import backend

# each type, and the next above it; "int" and "float" are those of Python's numbers
_ABOVE = {
    "bool": ("int",), "int": ("uint8", "int8", "complex64"), "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"), "uint64": ("float",), "int8": ("int16",), "int16": ("int32",), "int32": ("int64",),
    "int64": ("float",), "float": ("bfloat16", "float16"), "bfloat16": ("float32",), "float16": ("float32",),
    "float32": ("float64", "complex64"), "float64": ("complex128",), "complex64": ("complex128",), "complex128": (),
}
_NARROWED = {"uint64": "uint32", "complex128": "complex64"}  # as Keras does with what the lattice gives
_PYTHON = {bool: "bool", int: "int64", float: "float32", str: "string", complex: "complex128", "int": "int64"}
_NAMES = {*_ABOVE, "string"} - {"int", "float"}


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy, TensorFlow or Python type; None is floatx.

    Raises ValueError for anything else.
    """
    if dtype is None:
        return backend.floatx()
    try:
        dtype = _PYTHON.get(dtype, dtype)
    except TypeError:
        pass
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    if name not in _NAMES:
        raise ValueError(f"Invalid dtype: {dtype}")
    return str(name)


def is_float_dtype(dtype: Any) -> bool:
    """Whether numbers of the dtype are floating-point ones."""
    return "float" in standardize_dtype(dtype)


def is_int_dtype(dtype: Any) -> bool:
    """Whether numbers of the dtype are integers, with or without a sign."""
    return "int" in standardize_dtype(dtype)


@cache
def _upper(name: str) -> frozenset[str]:
    return frozenset({name}).union(*(_upper(above) for above in _ABOVE[name]))


@cache
def _least(names: frozenset[str]) -> str:
    common = frozenset.intersection(*map(_upper, names))
    return max(common, key=lambda name: len(_upper(name) & common))


def result_type(*dtypes: Any) -> str:
    """The dtype of an operation on these: dtypes, or the types int and float for Python's numbers.

    Raises ValueError for what has no place in the lattice.
    """
    weak = [d is int or d is float for d in dtypes]
    names = [standardize_dtype(d) for d in dtypes]
    if not names:
        return backend.floatx()
    for name in names:
        if name not in _ABOVE:
            raise ValueError(f"dtype={name!r} is not a valid dtype for Keras type promotion.")
    strong = {n for n, w in zip(names, weak, strict=True) if not w}
    kinds = {"float" if "float" in n else "int" for n, w in zip(names, weak, strict=True) if w}
    found = _least(frozenset(strong | kinds))
    if found in ("int", "float"):
        found += backend.floatx()[-2:]
    return _NARROWED.get(found, found)


def _is_weak(value: Any) -> bool:
    """Whether it is a number of Python's own."""
    return isinstance(value, (int, float)) and not hasattr(value, "dtype")


def kind_of(value: Any) -> Any:
    """What `result_type` takes for a value: a tensor's dtype, a number's type."""
    if not _is_weak(value):
        return convert_to_tensor(value).dtype
    return next(kind for kind in (bool, int, float) if isinstance(value, kind))


def as_tensor(value: Any, dtype: Any = None) -> Tensor:
    """The tensor of a value, in that dtype if one is given."""
    tensor = convert_to_tensor(value)
    return tensor if dtype is None else cast(tensor, as_dtype(standardize_dtype(dtype)))


def weak(*values: Any, also: tuple[Any, ...] = ()) -> list[Tensor]:
    """The values as tensors of the type of their result (with the types in `also`), Python's numbers being weak."""
    tensors = [v if _is_weak(v) else convert_to_tensor(v) for v in values]
    dtype = result_type(*map(kind_of, tensors), *also)
    return [as_tensor(t, dtype) for t in tensors]


def strong(*values: Any, also: tuple[Any, ...] = ()) -> list[Tensor]:
    """As `weak`, but Python's numbers are int32 and float32."""
    return weak(*map(convert_to_tensor, values), also=also)


def floating(x: Any) -> Tensor:
    """The value as a tensor of a float (or complex) dtype."""
    tensor = convert_to_tensor(x)
    return cast(tensor, as_dtype(result_type(tensor.dtype, float)))


def floating_wide(x: Any, *others: Any) -> Any:
    """As `floating`, but int64 becomes float64: one tensor, or the list of several of one dtype."""
    tensors = strong(x, *others)
    name = tensors[0].dtype.name
    dtype = "float64" if name == "int64" else name if is_float_dtype(name) or "complex" in name else backend.floatx()
    tensors = [as_tensor(t, dtype) for t in tensors]
    return tensors if others else tensors[0]


def summable(x: Any) -> Tensor:
    """The value with bool and small integers widened, as sums and products of them are."""
    tensor = convert_to_tensor(x)
    wide = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
    return as_tensor(tensor, wide.get(tensor.dtype.name))
