"""Ops of readers: objects that a session keeps, which take file names from a queue and give records.

A reader's handle is its name in the session, a string (see queue.py). The object has `read(queue)`, which gives a key
and a value, `produced`, `completed` and `reset()`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import int64, string
from ..errors import OutOfRangeError
from ..ir import Operation, Tensor, TensorType
from ..opdef import HOST, OpDef
from .queue import found as found_queue


def _no_gradient(op: Operation, *g: Tensor) -> Sequence[None]:
    return [None] * len(op.inputs)


def _op(name: str, types: Any, reference: Any) -> OpDef:
    return OpDef(name, HOST, types, _no_gradient, reference, stateful=True, fields={"resource": True})


def _reader(session: Any, key: str, kind: Any, options: Any) -> np.ndarray:
    handle = np.empty((), object)
    handle[()] = key.encode()
    if ("reader", key) not in session.resources:
        session.resources.setdefault(("reader", key), KINDS[kind](*options))
    return handle


# what makes a reader of each kind from its options, filled in where readers are defined
KINDS: dict[str, Any] = {}

reader = _op("Reader", lambda inputs, attrs: [TensorType(string, ())], _reader)


def _found(handle: np.ndarray, session: Any) -> Any:
    return session.resources["reader", np.asarray(handle).item().decode()]


def _read(handle: np.ndarray, queue: np.ndarray, session: Any) -> tuple[np.ndarray, ...]:
    record = _found(handle, session).read(found_queue(queue, session))
    return tuple(_strings([part]).reshape(()) for part in record)


def _read_up_to(handle: np.ndarray, queue: np.ndarray, num_records: np.ndarray, session: Any
                ) -> tuple[np.ndarray, ...]:
    records: list[tuple[bytes, bytes]] = []
    try:
        while len(records) < num_records:
            records.append(_found(handle, session).read(found_queue(queue, session)))
    except OutOfRangeError:
        if not records:
            raise
    return _strings([k for k, _ in records]), _strings([v for _, v in records])


def _strings(values: Sequence[bytes]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = list(values)
    return array


def _several(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    count = dm.fresh()
    return [TensorType(string, (count,)), TensorType(string, (count,))]


def _reset(handle: np.ndarray, session: Any) -> tuple[()]:
    _found(handle, session).reset()
    return ()


read = _op("ReaderReadV2", lambda inputs, attrs: [TensorType(string, ())] * 2, _read)
read_up_to = _op("ReaderReadUpToV2", _several, _read_up_to)
num_records_produced = _op("ReaderNumRecordsProducedV2", lambda inputs, attrs: [TensorType(int64, ())],
                           lambda handle, session: np.int64(_found(handle, session).produced))
num_work_units_completed = _op("ReaderNumWorkUnitsCompletedV2", lambda inputs, attrs: [TensorType(int64, ())],
                               lambda handle, session: np.int64(_found(handle, session).completed))
reset = _op("ReaderResetV2", lambda inputs, attrs: [], _reset)
