"""Element types, with TensorFlow's names and NumPy's meaning."""
from __future__ import annotations

from typing import Any

import numpy as np


class DType:
    """The type of a tensor's elements. `code` is its short name in generated kernels (`f32`, `i64`, `b1`, ...), the
    first letter of which says its kind: float, complex, int, uint, bool, string."""

    __slots__ = ("_numpy_type", "code", "name")

    def __init__(self, name: str, numpy_type: Any, code: str):
        self.name = name
        self._numpy_type = numpy_type
        self.code = code

    @property
    def as_numpy_dtype(self) -> Any:
        """NumPy's scalar type; strings are `object` (bytes), bfloat16 is that of the package ml_dtypes."""
        if self._numpy_type is None:
            import ml_dtypes
            self._numpy_type = ml_dtypes.bfloat16
        return self._numpy_type

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
        return self.code[0] == "f"

    @property
    def is_integer(self) -> bool:
        return self.code[0] in "iu"

    @property
    def is_unsigned(self) -> bool:
        return self.code[0] == "u"

    @property
    def is_bool(self) -> bool:
        return self.code[0] == "b"

    @property
    def is_complex(self) -> bool:
        return self.code[0] == "c"

    @property
    def is_string(self) -> bool:
        return self.code[0] == "s"

    @property
    def is_differentiable(self) -> bool:
        """Whether gradients flow through tensors of this type."""
        return self.code[0] in "fc"

    @property
    def is_native(self) -> bool:
        """Whether generated kernels know the type; ops on others run their references."""
        return self in NATIVE

    @property
    def is_numpy_compatible(self) -> bool:
        return True

    @property
    def real_dtype(self) -> DType:
        """The type of the real part of a complex type, else the type itself."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def is_compatible_with(self, other: Any) -> bool:
        return as_dtype(other) is self

    @property
    def base_dtype(self) -> DType:
        return self

    @property
    def as_datatype_enum(self) -> int:
        """The number of the type in TensorFlow's messages (types.proto)."""
        return _DATATYPES[self.name]

    @property
    def min(self) -> Any:
        return self._limit("min")

    @property
    def max(self) -> Any:
        return self._limit("max")

    @property
    def limits(self) -> tuple[Any, Any]:
        return self.min, self.max

    def _limit(self, which: str) -> Any:
        if self.is_bool:
            return which == "max"
        if self.is_floating:
            if self.name == "bfloat16":
                import ml_dtypes
                return getattr(ml_dtypes.finfo(self.np), which)
            return getattr(np.finfo(self.np), which)
        if self.is_integer:
            return getattr(np.iinfo(self.np), which)
        raise TypeError(f"Cannot find {which}imum value of {self}.")


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
float16 = DType("float16", np.float16, "f16")
bfloat16 = DType("bfloat16", None, "fb16")
complex64 = DType("complex64", np.complex64, "c64")
complex128 = DType("complex128", np.complex128, "c128")
string = DType("string", np.object_, "s")
variant = DType("variant", np.object_, "v")  # the stacks of loops (see control.py)

_DATATYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7, "complex64": 8,
              "int64": 9, "bool": 10, "bfloat16": 14, "uint16": 17, "complex128": 18, "float16": 19, "variant": 21,
              "uint32": 22, "uint64": 23}

# types that kernels are generated for
NATIVE = (float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_)
ALL = (*NATIVE, float16, bfloat16, complex64, complex128, string)
NATIVE_FLOATS = (float32, float64)
FLOATS = (float32, float64, float16, bfloat16)
COMPLEX = (complex64, complex128)
INTEGERS = tuple(d for d in ALL if d.is_integer)
REALS = FLOATS + INTEGERS
NUMBERS = REALS + COMPLEX

_BY_NAME = {d.name: d for d in ALL} | {"float": float32, "double": float64, "half": float16, "int": int32,
                                       "str": string, "variant": variant}
_BY_NUMPY = {d.np: d for d in ALL if d is not bfloat16}


def as_dtype(type_value: Any) -> DType:
    """The DType for a DType, a name ("float32"), a NumPy type, or Python's float, int or bool.

    Python's float means float32 and int means int32, as in TensorFlow. Raises TypeError for anything else.
    """
    value = type_value
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
    elif value is str or value is bytes:
        found = string
    else:
        try:
            numpy_type = np.dtype(value)
        except TypeError:
            found = None
        else:
            found = string if numpy_type.kind in "SU" else bfloat16 if numpy_type.name == "bfloat16" else (
                _BY_NUMPY.get(numpy_type))
    if found is None:
        raise TypeError(f"Cannot convert {value!r} to a DType; supported are {', '.join(d.name for d in ALL)}.")
    return found
