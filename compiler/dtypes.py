"""Element types, with TensorFlow's names and NumPy's meaning."""
from __future__ import annotations

from typing import Any

import numpy as np


class DType:
    """The type of a tensor's elements: `DType(3)` is that of this number in TensorFlow's messages (types.proto).

    `code` is its short name in generated kernels (`f32`, `i64`, `b1`, ...), the first letter of which says its kind:
    float, complex, int, uint, bool, string, quantized.
    """

    __slots__ = ("_numpy_type", "code", "name")
    name: str
    code: str
    _numpy_type: Any

    def __new__(cls, type_enum: Any, handle_data: Any = None) -> DType:
        return as_dtype(type_enum)

    @property
    def as_numpy_dtype(self) -> Any:
        """NumPy's scalar type; strings are `object` (bytes), what NumPy lacks is that of the package ml_dtypes, a
        quantized type is a structure of one field."""
        return np.dtype([(self.name, self._storage)]) if self.is_quantized else self._storage

    @property
    def _storage(self) -> Any:
        if self._numpy_type is None:
            self._numpy_type = getattr(_ml_dtypes(), self.name)
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
        """The type of the arrays that hold such elements."""
        return np.dtype(self._storage)

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
    def is_quantized(self) -> bool:
        return self.code[0] == "q"

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
        return self in NATIVE or self in HALVES

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
        """The range of intensities in images: from 0 to 1 for floats, to the largest value for others."""
        return (0, 1) if self.is_floating else (self.max and 0, self.max)

    def _limit(self, which: str) -> Any:
        if self.is_bool:
            return which == "max"
        if self.is_floating or self.is_integer:
            package = np if self in NATIVE or self is float16 else _ml_dtypes()
            return getattr((package.finfo if self.is_floating else package.iinfo)(self.np), which)
        raise TypeError(f"Cannot find {which}imum value of {self}{f' with quantized type {self}' * self.is_quantized}.")


def _ml_dtypes() -> Any:
    import ml_dtypes
    return ml_dtypes


def _declared(name: str, numpy_type: Any, code: str) -> DType:
    """`numpy_type` None stands for that of the package ml_dtypes of this name."""
    dtype = object.__new__(DType)
    dtype.name, dtype._numpy_type, dtype.code = name, numpy_type, code
    return dtype


float32 = _declared("float32", np.float32, "f32")
float64 = _declared("float64", np.float64, "f64")
int8 = _declared("int8", np.int8, "i8")
int16 = _declared("int16", np.int16, "i16")
int32 = _declared("int32", np.int32, "i32")
int64 = _declared("int64", np.int64, "i64")
uint8 = _declared("uint8", np.uint8, "u8")
uint16 = _declared("uint16", np.uint16, "u16")
uint32 = _declared("uint32", np.uint32, "u32")
uint64 = _declared("uint64", np.uint64, "u64")
bool_ = _declared("bool", np.bool_, "b1")
float16 = _declared("float16", np.float16, "f16")
bfloat16 = _declared("bfloat16", None, "fb16")
complex64 = _declared("complex64", np.complex64, "c64")
complex128 = _declared("complex128", np.complex128, "c128")
string = _declared("string", np.object_, "s")
variant = _declared("variant", np.object_, "v")  # the stacks of loops (see control.py)
resource = _declared("resource", np.object_, "r")  # what a session keeps: no tensor here has it, but signatures may
# few bits: values to keep and to cast, which no arithmetic takes
float8_e5m2 = _declared("float8_e5m2", None, "f8_e5m2")
float8_e5m2fnuz = _declared("float8_e5m2fnuz", None, "f8_e5m2fnuz")
float8_e4m3fn = _declared("float8_e4m3fn", None, "f8_e4m3fn")
float8_e4m3fnuz = _declared("float8_e4m3fnuz", None, "f8_e4m3fnuz")
float8_e4m3b11fnuz = _declared("float8_e4m3b11fnuz", None, "f8_e4m3b11fnuz")
float4_e2m1fn = _declared("float4_e2m1fn", None, "f4_e2m1fn")
int4 = _declared("int4", None, "i4")
uint4 = _declared("uint4", None, "u4")
int2 = _declared("int2", None, "i2")
uint2 = _declared("uint2", None, "u2")
# integers that stand for a range of reals
qint8 = _declared("qint8", np.int8, "qi8")
quint8 = _declared("quint8", np.uint8, "qu8")
qint16 = _declared("qint16", np.int16, "qi16")
quint16 = _declared("quint16", np.uint16, "qu16")
qint32 = _declared("qint32", np.int32, "qi32")

_DATATYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7, "complex64": 8,
              "int64": 9, "bool": 10, "bfloat16": 14, "uint16": 17, "complex128": 18, "float16": 19, "resource": 20,
              "variant": 21, "uint32": 22, "uint64": 23, "qint8": 11, "quint8": 12, "qint32": 13, "qint16": 15,
              "quint16": 16,
              "float8_e5m2": 24, "float8_e4m3fn": 25, "float8_e4m3fnuz": 26, "float8_e4m3b11fnuz": 27,
              "float8_e5m2fnuz": 28, "int4": 29, "uint4": 30, "int2": 31, "uint2": 32, "float4_e2m1fn": 33}

# types that kernels are generated for
NATIVE = (float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_)
HALVES = (float16, bfloat16)  # which they read and write, and compute with as float32 (passes/widen.py)
SMALL = (float8_e5m2, float8_e5m2fnuz, float8_e4m3fn, float8_e4m3fnuz, float8_e4m3b11fnuz, float4_e2m1fn, int4, uint4,
         int2, uint2)
QUANTIZED = (qint8, quint8, qint16, quint16, qint32)
QUANTIZED_DTYPES = frozenset(QUANTIZED)
ALL = (*NATIVE, *HALVES, complex64, complex128, string, *SMALL, *QUANTIZED)
NATIVE_FLOATS = (float32, float64)
FLOATS = (float32, float64, float16, bfloat16)
COMPLEX = (complex64, complex128)
INTEGERS = tuple(d for d in NATIVE if d.is_integer)
REALS = FLOATS + INTEGERS
NUMBERS = REALS + COMPLEX

_BY_NAME = {d.name: d for d in ALL} | {"float": float32, "double": float64, "half": float16, "int": int32,
                                       "str": string, "variant": variant, "resource": resource}
_BY_NUMPY = {d.as_numpy_dtype if d.is_quantized else d.np: d for d in ALL if d._numpy_type}
BY_NUMBER = {number: _BY_NAME[name] for name, number in _DATATYPES.items()}
REFERENCE = 100  # added to the numbers of types of variables' storage


def as_dtype(type_value: Any) -> DType:
    """The DType for a DType, a name ("float32"), a NumPy type, or Python's float, int or bool.

    Python's float means float32 and int means int32, as in TensorFlow. Raises TypeError for anything else.
    """
    value = type_value
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        found = _BY_NAME.get(value.removesuffix("_ref"))
    elif type(value) is int:
        found = BY_NUMBER.get(value % REFERENCE)
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
            found = string if numpy_type.kind in "SU" else _BY_NUMPY.get(numpy_type) or _BY_NAME.get(numpy_type.name)
    if found is None:
        raise TypeError(f"Cannot convert {value!r} to a DType; supported are {', '.join(d.name for d in ALL)}.")
    return found
