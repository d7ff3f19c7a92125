"""Small messages of TensorFlow's protocols: attributes of nodes, tensors of a signature, clusters, log lines.

Serialized as the messages of tensorflow/core are (attr_value, tensor_shape, meta_graph, cluster, tensorflow_server,
event).
"""
from __future__ import annotations

import struct
from typing import Any, ClassVar

from .compiler.ops.tensor_proto import field, fields, varint
from .example import _indented, _Message

__all__ = ["AttrValue", "ClusterDef", "JobDef", "LogMessage", "NameAttrList", "ServerDef", "TensorInfo",
           "TensorShapeProto"]

# of a field: its number, its kind ("int", "bool", "float", "bytes", "string", or a message), and "one", "many", or for
# a map its key's kind
Field = tuple[int, Any, str]


class Message(_Message):
    """A message with declared fields, or with `_one_of` them at most. A part that is looked up is made, and is there
    once it holds something. Raises ValueError for a name that is no field."""

    _fields: ClassVar[dict[str, Field]] = {}
    _one_of: ClassVar[bool] = False

    def __init__(self, **values: Any):
        self._values: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self._fields:
                raise ValueError(f"Protocol message {type(self).__name__} has no {name!r} field.")
            if self._fields[name][2] == "one":
                setattr(self, name, value)
            elif self._fields[name][2] == "many":
                getattr(self, name).extend(value)
            else:
                getattr(self, name).update(value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")
        if name not in self._values:
            _, kind, count = self._fields[name]
            if count == "many":
                self._values[name] = _Repeated(kind)
            elif count != "one":
                self._values[name] = _MapField(kind)
            elif isinstance(kind, type):
                self._values[name] = kind()
            else:
                return {"int": 0, "bool": False, "float": 0.0, "bytes": b"", "string": ""}[kind]
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif name not in self._fields:
            raise AttributeError(f"Protocol message {type(self).__name__} has no {name!r} field.")
        else:
            if self._one_of:
                self._values.clear()
            self._values[name] = value

    def HasField(self, field_name: str) -> bool:
        """Whether a field holds something; a message's default is nothing, but for one of several."""
        value = self._values.get(field_name)
        return value is not None and (self._one_of and not isinstance(value, Message) or bool(
            value.SerializeToString() if isinstance(value, Message) else value))

    def WhichOneof(self, oneof_group: str) -> str | None:
        """The field that was set last, None where there is none."""
        return next((name for name in reversed(self._values) if self.HasField(name)), None)

    def SerializeToString(self) -> bytes:
        out = b""
        for name, (number, kind, count) in sorted(self._fields.items(), key=lambda item: item[1][0]):
            if not self.HasField(name):
                continue
            value = self._values[name]
            if count == "one":
                out += _written(number, kind, value)
            elif count == "many" and kind in ("int", "bool", "float"):  # in one piece
                out += field(number, b"".join(_written(0, kind, v)[1:] for v in value))
            elif count == "many":
                out += b"".join(_written(number, kind, v) for v in value)
            else:
                out += b"".join(field(number, _written(1, count, k) + _written(2, kind, v)) for k, v in value.items())
        return out

    def _read(self, data: bytes) -> None:
        known = {number: (name, kind, count) for name, (number, kind, count) in self._fields.items()}
        for number, raw in fields(data):
            if number not in known:
                continue
            name, kind, count = known[number]
            if count == "one":
                self._values[name] = _value(kind, raw)
            elif count == "many":
                getattr(self, name).extend(_packed(kind, raw))
            else:
                entry = dict(fields(raw))
                getattr(self, name)[_value(count, entry.get(1, 0 if count == "int" else b""))] = _value(kind, entry[2])

    def __repr__(self) -> str:
        out = ""
        for name in filter(self.HasField, self._fields):
            value = self._values[name]
            for item in value if isinstance(value, list) else [value]:
                shown = f'"{item}"' if isinstance(item, str) else item
                out += f"{name} {{\n{_indented(item)}}}\n" if isinstance(item, Message) else f"{name}: {shown}\n"
        return out


class _Repeated(list[Any]):
    def __init__(self, kind: Any):
        super().__init__()
        self._kind = kind

    def add(self, **values: Any) -> Any:
        """A new message at the end."""
        self.append(self._kind(**values))
        return self[-1]


class _MapField(dict[Any, Any]):
    def __init__(self, kind: Any):
        super().__init__()
        self._kind = kind

    def __missing__(self, key: Any) -> Any:
        if not isinstance(self._kind, type):
            raise KeyError(key)
        made = self[key] = self._kind()
        return made


def _written(number: int, kind: Any, value: Any) -> bytes:
    if kind in ("int", "bool"):
        return varint(number << 3) + varint(int(value))
    if kind == "float":
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(kind, type):
        return field(number, value.SerializeToString())
    return field(number, value.encode() if isinstance(value, str) else value)


def _value(kind: Any, raw: Any) -> Any:
    if kind == "int":
        return raw - 2**64 if raw >= 2**63 else raw
    if kind == "bool":
        return bool(raw)
    if kind == "float":
        return struct.unpack("<f", raw)[0]
    if isinstance(kind, type):
        return kind.FromString(raw)  # type: ignore[attr-defined]
    return raw.decode() if kind == "string" else raw


def _packed(kind: Any, raw: Any) -> list[Any]:
    """The numbers of a field, which may come in one piece."""
    if kind in ("int", "bool") and isinstance(raw, bytes):
        return [_value(kind, v) for _, v in fields(b"".join(b"\x08" + part for part in _groups(raw)))]
    if kind == "float" and len(raw) != 4:
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))
    return [_value(kind, raw)]


def _groups(raw: bytes) -> list[bytes]:
    """The varints of a packed field."""
    ends = [i + 1 for i, byte in enumerate(raw) if byte < 128]
    return [raw[a:b] for a, b in zip([0, *ends], ends, strict=False)]


class TensorShapeProto(Message):
    """A static shape: `dim` of sizes (-1: not known), or `unknown_rank`."""

    class Dim(Message):
        """One axis."""

        _fields = {"size": (1, "int", "one"), "name": (2, "string", "one")}

    _fields = {"dim": (2, Dim, "many"), "unknown_rank": (3, "bool", "one")}


class AttrValue(Message):
    """The value of a node's attribute: one of s (bytes), i, f, b, type, shape, tensor (a serialized TensorProto), list,
    func and placeholder; `WhichOneof("value")` says which."""

    class ListValue(Message):
        """Several values of one kind."""

        _fields = {"s": (2, "bytes", "many"), "i": (3, "int", "many"), "f": (4, "float", "many"),
                   "b": (5, "bool", "many"), "type": (6, "int", "many"), "shape": (7, TensorShapeProto, "many"),
                   "tensor": (8, "bytes", "many")}

    _one_of = True
    _fields = {"s": (2, "bytes", "one"), "i": (3, "int", "one"), "f": (4, "float", "one"), "b": (5, "bool", "one"),
               "type": (6, "int", "one"), "shape": (7, TensorShapeProto, "one"), "tensor": (8, "bytes", "one"),
               "list": (1, ListValue, "one"), "placeholder": (9, "string", "one")}


class NameAttrList(Message):
    """A function's name with its attributes."""

    _fields = {"name": (1, "string", "one"), "attr": (2, AttrValue, "string")}


AttrValue._fields["func"] = (10, NameAttrList, "one")


class TensorInfo(Message):
    """A tensor of a signature: its `name`, `dtype` (a number of types.proto) and `tensor_shape`."""

    class CooSparse(Message):
        """The three tensors of a sparse one."""

        _fields = {"values_tensor_name": (1, "string", "one"), "indices_tensor_name": (2, "string", "one"),
                   "dense_shape_tensor_name": (3, "string", "one")}

    _fields = {"name": (1, "string", "one"), "dtype": (2, "int", "one"),
               "tensor_shape": (3, TensorShapeProto, "one"), "coo_sparse": (4, CooSparse, "one")}


class LogMessage(Message):
    """A line of a program's log, in an event file."""

    UNKNOWN, DEBUGGING, INFO, WARN, ERROR, FATAL = 0, 10, 20, 30, 40, 50
    _fields = {"level": (1, "int", "one"), "message": (2, "string", "one")}


class JobDef(Message):
    """A job of a cluster: its `name` and the addresses of its `tasks` by their numbers."""

    _fields = {"name": (1, "string", "one"), "tasks": (2, "string", "int")}


class ClusterDef(Message):
    """A cluster's jobs; `ClusterSpec` takes one."""

    _fields = {"job": (1, JobDef, "many")}

    def as_dict(self) -> dict[str, dict[int, str]]:
        """{job: {task: address}}."""
        return {job.name: dict(job.tasks) for job in self.job}


class ServerDef(Message):
    """What a server of a cluster is: its cluster and its own job and task."""

    _fields = {"cluster": (1, ClusterDef, "one"), "job_name": (2, "string", "one"), "task_index": (3, "int", "one"),
               "protocol": (5, "string", "one"), "port": (6, "int", "one")}
