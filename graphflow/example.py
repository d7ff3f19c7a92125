"""`tf.train.Example` and its parts: records of named features, in TensorFlow's serialized form.

The messages of tensorflow/core/example, with the parts of the protocol buffer API that programs use.
"""
from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from .compiler.ops.example import KINDS, read_feature, read_map
from .compiler.ops.tensor_proto import field, fields, varint


class _Message:
    """Serialized, parsed, compared and copied by its fields."""

    def SerializeToString(self) -> bytes:
        raise NotImplementedError

    def _read(self, data: bytes) -> None:
        raise NotImplementedError

    def ParseFromString(self, serialized: bytes) -> int:
        """Take on what `serialized` holds. Raises InvalidArgumentError for other data."""
        self.__init__()  # type: ignore[misc]
        self._read(bytes(serialized))
        return len(serialized)

    MergeFromString = ParseFromString

    @classmethod
    def FromString(cls, serialized: bytes) -> Any:
        """The message that `serialized` holds."""
        made = cls()
        made._read(bytes(serialized))
        return made

    def CopyFrom(self, other: Any) -> None:
        self.ParseFromString(other.SerializeToString())

    def ByteSize(self) -> int:
        return len(self.SerializeToString())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.SerializeToString() == other.SerializeToString()

    __hash__ = None  # type: ignore[assignment]


class _List(_Message):
    def __init__(self, value: Iterable[Any] = ()):
        self.value = [self._checked(v) for v in value]

    def _checked(self, value: Any) -> Any:
        return value

    def __repr__(self) -> str:
        return "".join(f"value: {v!r}\n" for v in self.value)


class BytesList(_List):
    """A list of byte strings."""

    def _checked(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise TypeError(f"{value!r} has type {type(value).__name__}, but expected one of: bytes")
        return value

    def SerializeToString(self) -> bytes:
        return b"".join(field(1, self._checked(v)) for v in self.value)


class FloatList(_List):
    """A list of float32 numbers."""

    def _checked(self, value: Any) -> float:
        return float(value)

    def SerializeToString(self) -> bytes:
        return field(1, struct.pack(f"<{len(self.value)}f", *self.value)) if self.value else b""


class Int64List(_List):
    """A list of int64 numbers."""

    def _checked(self, value: Any) -> int:
        if not hasattr(value, "__index__"):
            raise TypeError(f"{value!r} has type {type(value).__name__}, but expected one of: int")
        return value.__index__()

    def SerializeToString(self) -> bytes:
        return field(1, b"".join(varint(int(v)) for v in self.value)) if self.value else b""


class Feature(_Message):
    """One of a `bytes_list`, a `float_list` and an `int64_list`."""

    _KINDS: ClassVar[dict[str, tuple[int, type[_List]]]] = {
        "bytes_list": (1, BytesList), "float_list": (2, FloatList), "int64_list": (3, Int64List)}

    def __init__(self, bytes_list: BytesList | None = None, float_list: FloatList | None = None,
                 int64_list: Int64List | None = None):
        given = {"bytes_list": bytes_list, "float_list": float_list, "int64_list": int64_list}
        self._lists = {k: v for k, v in given.items() if v is not None}
        self._set = next(reversed(self._lists), None)

    def _list(self, kind: str) -> Any:
        return self._lists.setdefault(kind, self._KINDS[kind][1]())  # type: ignore[arg-type]

    @property
    def bytes_list(self) -> BytesList:
        return self._list("bytes_list")

    @property
    def float_list(self) -> FloatList:
        return self._list("float_list")

    @property
    def int64_list(self) -> Int64List:
        return self._list("int64_list")

    def HasField(self, name: str) -> bool:
        return self.WhichOneof("kind") == name

    def WhichOneof(self, oneof_group: str) -> str | None:
        """The name of the list that is there, None for an empty feature."""
        filled = [k for k, v in self._lists.items() if v.value]
        return filled[-1] if filled else self._set

    def SerializeToString(self) -> bytes:
        kind = self.WhichOneof("kind")
        return b"" if kind is None else field(self._KINDS[kind][0], self._lists[kind].SerializeToString())

    def _read(self, data: bytes) -> None:
        dtype, values = read_feature(data)
        for name, (number, kind) in self._KINDS.items():
            if dtype is not None and KINDS[number] == dtype:
                self._lists, self._set = {name: kind(values)}, name  # type: ignore[dict-item]

    def __repr__(self) -> str:
        kind = self.WhichOneof("kind")
        return "" if kind is None else f"{kind} {{\n{_indented(self._lists[kind])}}}\n"


def _indented(message: Any) -> str:
    return "".join(f"  {line}\n" for line in repr(message).splitlines())


class _Map(dict[str, Any]):
    """Messages by name; one that is looked up is made."""

    def __init__(self, kind: type[_Message], given: Mapping[str, Any]):
        super().__init__(given)
        self._kind = kind

    def __missing__(self, key: str) -> Any:
        made = self[key] = self._kind()
        return made


class _Named(_Message):
    """A map from names to messages in field 1."""

    _kind: ClassVar[type[_Message]]
    _name: ClassVar[str]

    def _entries(self) -> _Map:
        return getattr(self, self._name)

    def SerializeToString(self) -> bytes:
        return b"".join(field(1, field(1, key.encode()) + field(2, value.SerializeToString()))
                        for key, value in sorted(self._entries().items()))

    def _read(self, data: bytes) -> None:
        self._entries().update((k, self._kind.FromString(v)) for k, v in read_map(data).items())

    def __repr__(self) -> str:
        return "".join(f"{self._name} {{\n  key: {k!r}\n  value {{\n{_indented_twice(v)}  }}\n}}\n"
                       for k, v in sorted(self._entries().items()))


def _indented_twice(message: Any) -> str:
    return "".join(f"    {line}\n" for line in repr(message).splitlines())


class Features(_Named):
    """Features by name, `feature`."""

    _kind, _name = Feature, "feature"

    def __init__(self, feature: Mapping[str, Feature] | None = None):
        self.feature = _Map(Feature, feature or {})


class FeatureList(_Message):
    """The features of the steps of a sequence."""

    def __init__(self, feature: Iterable[Feature] = ()):
        self.feature = _Repeated(feature)

    def SerializeToString(self) -> bytes:
        return b"".join(field(1, f.SerializeToString()) for f in self.feature)

    def _read(self, data: bytes) -> None:
        self.feature += [Feature.FromString(v) for number, v in fields(data) if number == 1]

    def __repr__(self) -> str:
        return "".join(f"feature {{\n{_indented(f)}}}\n" for f in self.feature)


class _Repeated(list[Any]):
    def add(self) -> Feature:
        """A new feature at the end."""
        self.append(Feature())
        return self[-1]


class FeatureLists(_Named):
    """Sequences of features by name."""

    _kind, _name = FeatureList, "feature_list"

    def __init__(self, feature_list: Mapping[str, FeatureList] | None = None):
        self.feature_list = _Map(FeatureList, feature_list or {})


class Example(_Message):
    """A record of named features, `features`."""

    def __init__(self, features: Features | None = None):
        self.features = features or Features()

    def SerializeToString(self) -> bytes:
        return field(1, self.features.SerializeToString())

    def _read(self, data: bytes) -> None:
        for number, body in _messages(data):
            if number == 1:
                self.features._read(body)

    def __repr__(self) -> str:
        return f"features {{\n{_indented(self.features)}}}\n"


class SequenceExample(_Message):
    """A record with features of the whole, `context`, and of steps, `feature_lists`."""

    def __init__(self, context: Features | None = None, feature_lists: FeatureLists | None = None):
        self.context, self.feature_lists = context or Features(), feature_lists or FeatureLists()

    def SerializeToString(self) -> bytes:
        return field(1, self.context.SerializeToString()) + field(2, self.feature_lists.SerializeToString())

    def _read(self, data: bytes) -> None:
        for number, body in _messages(data):
            (self.context if number == 1 else self.feature_lists)._read(body)

    def __repr__(self) -> str:
        return f"context {{\n{_indented(self.context)}}}\nfeature_lists {{\n{_indented(self.feature_lists)}}}\n"


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    return ((number, body) for number, body in fields(data) if isinstance(body, bytes))
