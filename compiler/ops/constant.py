"""Constants, and the conversion of Python and NumPy values to tensors."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype
from ..errors import DTypeError
from ..ir import Tensor, TensorType
from ..opdef import SOURCE, OpDef
from ..shapes import Dimension, TensorShape

const = OpDef(
    "Const", SOURCE,
    infer=lambda inputs, attrs: [TensorType(attrs.get("dtype") or as_dtype(attrs["value"].dtype),
                                            attrs["value"].shape)],
    reference=lambda value, dtype=None: value,
)


def literal(array: np.ndarray, dtype: DType, name: str | None = None) -> Tensor:
    """A constant of the dtype, which only for quantized ones is not the array's."""
    return const(value=array, name=name, **{"dtype": dtype} if dtype.is_quantized else {})


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """A constant tensor. `shape` reshapes the value, or repeats its last element to fill it, as TensorFlow does; of a
    shape without elements the value gives the dtype only.

    Raises TypeError when the value cannot have the dtype, ValueError when it does not fit the shape.
    """
    element = None if dtype is None else as_dtype(dtype)
    array = as_array(value, element)
    if shape is not None:
        dims = tuple(TensorShape(shape).as_list())
        if None in dims:
            raise ValueError(f"Cannot convert a partially known TensorShape {TensorShape(shape)} to a Tensor.")
        size = int(np.prod(dims))  # type: ignore[arg-type]
        if not size:
            array = array.ravel()[:0]
        if array.size > size or (array.size == 0 and size):
            raise ValueError(f"Too many elements provided. Needed at most {size}, but received {array.size}")
        if array.size < size:
            flat = array.ravel()
            array = np.concatenate([flat, np.full(size - array.size, flat[-1], array.dtype)])
        array = array.reshape(dims)  # type: ignore[arg-type]
    array.flags.writeable = False
    return literal(array, element or as_dtype(array.dtype), name)


def as_array(value: Any, dtype: DType | None = None) -> np.ndarray:
    """A NumPy value of a supported type: Python floats are float32, ints int32 where they fit, without lossy casts;
    arrays are cast as NumPy casts."""
    if isinstance(value, TensorShape):
        if not value.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {value}")
        value = np.array(value.as_list(), np.int32) if dtype is None and not value.rank else value.as_list()
    if value is None:
        raise ValueError("None values not supported.")
    array = np.array(value)
    if dtype is not None and dtype.is_string and not array.size:
        return array.astype(object)
    if array.dtype.kind in "OUS" and (dtype is None or dtype.is_string):
        return as_strings(value)
    if array.dtype.kind in "OUS" or (dtype is not None and dtype.is_string):
        raise TypeError(f"Cannot convert {value!r} (type {type(value).__name__}) to a tensor"
                        + (f" of dtype {dtype.name}" if dtype else "") + ".")
    if dtype is None:
        if not isinstance(value, (np.ndarray, np.generic)):  # lists of NumPy's numbers too
            if array.dtype == np.float64:
                return array.astype(np.float32)
            if array.dtype == np.int64 and (not array.size or (array.min() >= -2**31 and array.max() < 2**31)):
                return array.astype(np.int32)
        return array.astype(as_dtype(array.dtype).np, copy=False)
    if array.dtype == dtype.np:
        return array
    if isinstance(value, (np.ndarray, np.generic)):  # cast as NumPy casts, fractions cut off too, as in TensorFlow
        with np.errstate(invalid="ignore"):
            return array.astype(dtype.np)
    if dtype.is_quantized and array.size:
        raise TypeError(f"Expected {dtype.name}, but got {array.flat[0].item()} of type "
                        f"'{type(array.flat[0].item()).__name__}'.")
    lossless = {"ii", "iu", "if", "ff", "uu", "ui", "uf", "ic", "uc", "fc", "cc"}
    if array.size and array.dtype.kind + dtype.code[0] not in lossless:
        kind = type(array.flat[0].item()).__name__
        raise TypeError(f"Expected {dtype.name}, got {value!r} of type '{kind}' instead.")
    converted = array.astype(dtype.np)
    if dtype.is_integer and not np.array_equal(converted, array):
        raise TypeError(f"Value {value!r} does not fit in dtype {dtype.name}.")
    return converted


def as_strings(value: Any) -> np.ndarray:
    """A nest of texts as an object array of bytes (texts in UTF-8). Raises TypeError for anything else in it."""
    array = np.array(value, object)
    if isinstance(value, np.ndarray) and value.dtype.kind == "S":  # NumPy drops trailing zero bytes; nothing to save
        array = value.astype(object)
    for i, item in enumerate(flat := array.reshape(-1)):
        if isinstance(item, str):
            flat[i] = item.encode()
        elif not isinstance(item, bytes):
            raise TypeError(f"Failed to convert elements of {value!r} to Tensor. Consider casting elements to a "
                            f"supported type: {item!r} is of type {type(item).__name__}.")
    return array


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None) -> Tensor:
    """The tensor for a tensor, variable, number, array or nested list (of tensors too).

    Raises DTypeError when a tensor has another dtype than asked for, TypeError when a value cannot have it.
    """
    dtype = None if dtype is None else as_dtype(dtype)
    convert = getattr(value, "_as_graph_element", None)
    if convert is not None:
        value = convert()
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype != dtype:
            raise DTypeError(f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                             f"{value.dtype.name}: {value!r}")
        return value
    for kinds, conversion in _conversions:
        if isinstance(value, kinds):
            converted = conversion(value, dtype, name)
            if converted is not None:
                return converted
    if isinstance(value, Dimension):
        value = int(value)
    if dtype is None and preferred_dtype is not None:
        try:
            return constant(value, preferred_dtype, name=name or "Const")
        except TypeError:
            pass
    return constant(value, dtype, name=name or "Const")


_conversions: list[tuple[Any, Callable[[Any, DType | None, str | None], Tensor | None]]] = []


def register_conversion(kinds: Any, conversion: Callable[[Any, DType | None, str | None], Tensor | None]) -> None:
    """Let convert_to_tensor take instances of `kinds` (a type or a tuple of types).

    `conversion(value, dtype, name)` returns the tensor, or None to leave the value to later conversions.
    """
    _conversions.append((kinds, conversion))
