"""Ops of readers: objects that a session keeps, which take file names from a queue and give records.

The object (see resources.py) has `read(queue)`, which gives a key and a value, `produced`, `completed` and `reset()`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dims as dm
from ..dtypes import int64, string
from ..errors import OutOfRangeError
from ..ir import Tensor, TensorType
from . import resources
from .queue import found as found_queue
from .resources import resource_op
from .texts import text, texts


def _reader(session: Any, key: str, kind: Any, options: Any) -> np.ndarray:
    return resources.kept(session, "reader", key, lambda: KINDS[kind](*options))


# what makes a reader of each kind from its options, filled in where readers are defined
KINDS: dict[str, Any] = {}

reader = resource_op("Reader", lambda inputs, attrs: [TensorType(string, ())], _reader)


def _found(handle: np.ndarray, session: Any) -> Any:
    return resources.found(session, "reader", handle)


def _read(handle: np.ndarray, queue: np.ndarray, session: Any) -> tuple[np.ndarray, ...]:
    record = _found(handle, session).read(found_queue(queue, session))
    return tuple(text(part) for part in record)


def _read_up_to(handle: np.ndarray, queue: np.ndarray, num_records: np.ndarray, session: Any
                ) -> tuple[np.ndarray, ...]:
    records: list[tuple[bytes, bytes]] = []
    try:
        while len(records) < num_records:
            records.append(_found(handle, session).read(found_queue(queue, session)))
    except OutOfRangeError:
        if not records:
            raise
    return texts([k for k, _ in records]), texts([v for _, v in records])


def _several(inputs: Sequence[Tensor], attrs: dict[str, Any]) -> list[TensorType]:
    count = dm.fresh()
    return [TensorType(string, (count,)), TensorType(string, (count,))]


def _reset(handle: np.ndarray, session: Any) -> tuple[()]:
    _found(handle, session).reset()
    return ()


read = resource_op("ReaderReadV2", lambda inputs, attrs: [TensorType(string, ())] * 2, _read)
read_up_to = resource_op("ReaderReadUpToV2", _several, _read_up_to)
num_records_produced = resource_op("ReaderNumRecordsProducedV2", lambda inputs, attrs: [TensorType(int64, ())],
                                   lambda handle, session: np.int64(_found(handle, session).produced))
num_work_units_completed = resource_op("ReaderNumWorkUnitsCompletedV2", lambda inputs, attrs: [TensorType(int64, ())],
                                       lambda handle, session: np.int64(_found(handle, session).completed))
reset = resource_op("ReaderResetV2", lambda inputs, attrs: [], _reset)
