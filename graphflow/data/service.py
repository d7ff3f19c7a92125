"""`tf.data.experimental.service` with one worker: this process, whatever the address."""
from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..compiler.ir import Tensor
from ..compiler.ops.constant import constant
from ..compiler.ops.symbolic import static_value
from . import Dataset

__all__ = ["CrossTrainerCache", "DispatcherConfig", "ShardingPolicy", "WorkerConfig", "distribute", "from_dataset_id",
           "register_dataset"]

_registered: dict[Any, Dataset] = {}


class ShardingPolicy(enum.IntEnum):
    """How workers share a dataset; the one worker has all of it."""

    OFF, DYNAMIC, FILE, DATA, FILE_OR_DATA, HINT = range(6)


class CrossTrainerCache:
    """Accepted: the batches that trainers share. Raises ValueError for an empty id."""

    def __init__(self, trainer_id: str):
        if not trainer_id:
            raise ValueError("tf.data service cross-trainer cache requires a non-empty trainer ID.")
        self.trainer_id = trainer_id


class DispatcherConfig(NamedTuple):
    """Accepted: how a dispatcher runs."""

    port: int = 0
    protocol: str | None = "grpc"
    work_dir: str | None = None
    fault_tolerant_mode: bool = False
    worker_addresses: Any = None
    job_gc_check_interval_ms: int | None = None
    job_gc_timeout_ms: int | None = None
    worker_timeout_ms: int | None = None
    worker_max_concurrent_snapshots: int = 0


class WorkerConfig(NamedTuple):
    """Accepted: how a worker runs."""

    dispatcher_address: str
    worker_address: str | None = None
    port: int = 0
    protocol: str | None = "grpc"
    heartbeat_interval_ms: int | None = None
    dispatcher_timeout_ms: int | None = None
    data_transfer_protocol: str | None = None
    data_transfer_address: str | None = None


def _check(processing_mode: Any, num_consumers: Any, consumer_index: Any, job_name: Any) -> None:
    if not isinstance(processing_mode, ShardingPolicy) and processing_mode not in ("parallel_epochs",
                                                                                   "distributed_epoch"):
        raise ValueError("tf.data service processing mode should be a `tf.data.experimental.service.ShardingPolicy`, "
                         f"`\"parallel_epochs\"`, or `\"distributed_epoch\"`. Got {processing_mode!r}.")
    if (consumer_index is None) != (num_consumers is None):
        raise ValueError("Must either set both consumer_index and num_consumers, or neither.")
    if num_consumers is not None and job_name is None:
        raise ValueError("Must set a job_name when setting num_consumers.")


def distribute(processing_mode: Any, service: Any, job_name: str | None = None, consumer_index: Any = None,
               num_consumers: Any = None, max_outstanding_requests: Any = None, data_transfer_protocol: Any = None,
               compression: str | None = "AUTO", cross_trainer_cache: CrossTrainerCache | None = None,
               target_workers: str = "AUTO") -> Callable[[Dataset], Dataset]:
    """For `apply`: the same elements, computed here. Of several consumers each has its own in turn."""
    _check(processing_mode, num_consumers, consumer_index, job_name)
    return lambda dataset: dataset if num_consumers is None else dataset.shard(num_consumers, consumer_index)


def register_dataset(service: Any, dataset: Dataset, compression: str | None = "AUTO", dataset_id: str | None = None
                     ) -> Tensor:
    """The id, a scalar, under which `from_dataset_id` finds a dataset in this process."""
    key = dataset_id if dataset_id is not None else str(len(_registered))
    _registered[key] = dataset
    return constant(key)


def from_dataset_id(processing_mode: Any, service: Any, dataset_id: Any, element_spec: Any = None,
                    job_name: str | None = None, consumer_index: Any = None, num_consumers: Any = None,
                    max_outstanding_requests: Any = None, data_transfer_protocol: Any = None,
                    cross_trainer_cache: CrossTrainerCache | None = None, target_workers: str = "AUTO") -> Dataset:
    """The dataset that was registered. Raises ValueError for an id that is not known."""
    value = dataset_id if isinstance(dataset_id, str) else static_value(dataset_id)
    key = value if isinstance(value, str) else np.asarray(value).item().decode()
    if key not in _registered:
        raise ValueError(f"from_dataset_id: no dataset was registered as {key!r} in this process")
    return _registered[key].apply(distribute(processing_mode, service, job_name, consumer_index, num_consumers))
