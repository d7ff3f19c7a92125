"""Element types, with TensorFlow's names and NumPy's meaning."""
from __future__ import annotations

from typing import Any

import numpy as np


class DType:
    """The type of a tensor's elements. `code` is its short name in generated kernels (`f32`, `i64`, `b1`, ...)."""

    __slots__ = ("as_numpy_dtype", "code", "name")

    def __init__(self, name: str, numpy_type: Any, code: str):
        self.name = name
        self.as_numpy_dtype = numpy_type
        self.code = code

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other is None:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    @property
    def size(self) -> int:
        """Bytes per element."""
        return self.np.itemsize

    @property
    def np(self) -> np.dtype:
        return np.dtype(self.as_numpy_dtype)

    @property
    def is_floating(self) -> bool:
        return self.np.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.np.kind in "iu"

    @property
    def is_unsigned(self) -> bool:
        return self.np.kind == "u"

    @property
    def is_bool(self) -> bool:
        return self.np.kind == "b"

    @property
    def is_complex(self) -> bool:
        return self.np.kind == "c"

    @property
    def is_numeric(self) -> bool:
        return not self.is_bool

    @property
    def base_dtype(self) -> DType:
        return self

    @property
    def as_datatype_enum(self) -> str:
        return "DT_" + self.name.upper()

    @property
    def min(self) -> Any:
        return np.finfo(self.np).min if self.is_floating else False if self.is_bool else np.iinfo(self.np).min

    @property
    def max(self) -> Any:
        return np.finfo(self.np).max if self.is_floating else True if self.is_bool else np.iinfo(self.np).max


float32 = DType("float32", np.float32, "f32")
float64 = DType("float64", np.float64, "f64")
int8 = DType("int8", np.int8, "i8")
int16 = DType("int16", np.int16, "i16")
int32 = DType("int32", np.int32, "i32")
int64 = DType("int64", np.int64, "i64")
uint8 = DType("uint8", np.uint8, "u8")
uint16 = DType("uint16", np.uint16, "u16")
uint32 = DType("uint32", np.uint32, "u32")
uint64 = DType("uint64", np.uint64, "u64")
bool_ = DType("bool", np.bool_, "b1")

ALL = (float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_)
FLOATS = (float32, float64)
INTEGERS = tuple(d for d in ALL if d.is_integer)
NUMBERS = FLOATS + INTEGERS

_BY_NAME = {d.name: d for d in ALL} | {"float": float32, "double": float64, "half": None, "int": int32}
_BY_NUMPY = {d.np: d for d in ALL}


def as_dtype(value: Any) -> DType:
    """The DType for a DType, a name ("float32"), a NumPy type, or Python's float, int or bool.

    Python's float means float32 and int means int32, as in TensorFlow. Raises TypeError for anything else.
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        found = _BY_NAME.get(value.removesuffix("_ref"))
    elif value is float:
        found = float32
    elif value is int:
        found = int32
    elif value is bool:
        found = bool_
    else:
        try:
            found = _BY_NUMPY.get(np.dtype(value))
        except TypeError:
            found = None
    if found is None:
        raise TypeError(f"Cannot convert {value!r} to a DType; supported are {', '.join(d.name for d in ALL)}.")
    return found
