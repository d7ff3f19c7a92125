"""`slim.dataset`, `slim.dataset_data_provider`, `slim.parallel_reader`, `slim.prefetch_queue` and `slim.queues`: data
read from files by queue runners."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ... import gfile
from ...compiler.dtypes import string
from ...framework import name_scope
from ...queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from ...train import Coordinator, QueueRunner, add_queue_runner, start_queue_runners, string_input_producer

__all__ = ["DataProvider", "Dataset", "DatasetDataProvider", "NestedQueueRunnerError", "QueueRunners",
           "get_data_files", "parallel_read", "prefetch_queue", "single_pass_read"]


class Dataset:
    """Where data is (`data_sources`: files, or patterns of their names), and how it is read and decoded. Other
    arguments become attributes."""

    def __init__(self, data_sources: Any, reader: Any, decoder: Any, num_samples: int | None,
                 items_to_descriptions: Mapping[str, str], **kwargs: Any):
        vars(self).update(kwargs, data_sources=data_sources, reader=reader, decoder=decoder, num_samples=num_samples,
                          items_to_descriptions=items_to_descriptions)


def get_data_files(data_sources: Any) -> list[str]:
    """The files that names and patterns mean. Raises ValueError where a pattern has none."""
    if isinstance(data_sources, (list, tuple)):
        return [name for source in data_sources for name in get_data_files(source)]
    found = gfile.Glob(data_sources) if any(c in data_sources for c in "*?[") else [data_sources]
    if not found:
        raise ValueError(f"No data files found in {data_sources}")
    return found


def parallel_read(data_sources: Any, reader_class: Callable[..., Any], num_epochs: int | None = None,
                  num_readers: int = 4, reader_kwargs: Mapping[str, Any] | None = None, shuffle: bool = True,
                  dtypes: Any = None, capacity: int = 256, min_after_dequeue: int = 128, seed: int | None = None,
                  scope: str | None = None) -> tuple[Any, Any]:
    """(key, value) of the next record that one of `num_readers` readers has read, in random order if `shuffle`."""
    with name_scope(scope, "parallel_read"):
        names = string_input_producer(get_data_files(data_sources), num_epochs, shuffle, seed, name="filenames")
        kinds = dtypes or [string, string]
        records: QueueBase = FIFOQueue(capacity, kinds, [[], []])
        if shuffle:
            records = RandomShuffleQueue(capacity, min_after_dequeue, kinds, [[], []], seed=seed)
        readers = [reader_class(**(reader_kwargs or {})) for _ in range(num_readers)]
        add_queue_runner(QueueRunner(records, [records.enqueue(r.read(names)) for r in readers]))
        return records.dequeue()


def single_pass_read(data_sources: Any, reader_class: Callable[..., Any], reader_kwargs: Any = None,
                     scope: str | None = None) -> tuple[Any, Any]:
    """(key, value) of the next record, each once and in order."""
    with name_scope(scope, "single_pass_read"):
        names = string_input_producer(get_data_files(data_sources), 1, False, name="filenames")
        return reader_class(**(reader_kwargs or {})).read(names)


class DataProvider:
    """Items of data by name."""

    def __init__(self, items_to_tensors: Mapping[str, Any], num_samples: int | None):
        self._items_to_tensors, self._num_samples = dict(items_to_tensors), num_samples

    def get(self, items: Sequence[str]) -> list[Any]:
        """The tensors of these items. Raises ValueError for an unknown one."""
        unknown = [item for item in items if item not in self._items_to_tensors]
        if unknown:
            raise ValueError(f"Items {unknown} not found; there are {self.list_items()}")
        return [self._items_to_tensors[item] for item in items]

    def list_items(self) -> list[str]:
        return list(self._items_to_tensors)

    def num_samples(self) -> int | None:
        return self._num_samples


class DatasetDataProvider(DataProvider):
    """The items of the next record of a dataset, read in parallel; the record's key is the item `record_key`."""

    def __init__(self, dataset: Any, num_readers: int = 1, reader_kwargs: Any = None, shuffle: bool = True,
                 num_epochs: int | None = None, common_queue_capacity: int = 256, common_queue_min: int = 128,
                 record_key: str = "record_key", seed: int | None = None, scope: str | None = None):
        key, data = parallel_read(dataset.data_sources, dataset.reader, num_epochs, num_readers, reader_kwargs, shuffle,
                                  None, common_queue_capacity, common_queue_min, seed, scope)
        items = dataset.decoder.list_items()
        found = dict(zip(items, dataset.decoder.decode(data, items), strict=True))
        if record_key in found:
            raise ValueError("The item name used for `record_key` cannot also be used for a dataset item: "
                             f"{record_key}")
        super().__init__({**found, record_key: key}, dataset.num_samples)


def prefetch_queue(tensors: Any, capacity: int = 8, num_threads: int = 1, dynamic_pad: bool = False,
                   shared_name: str | None = None, name: str | None = None) -> QueueBase:
    """A queue that `num_threads` threads fill with these tensors (a list, or a dict, which `dequeue` then gives)."""
    names = list(tensors) if isinstance(tensors, Mapping) else None
    listed = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
    values = [tensors[n] for n in names] if names else listed
    make = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    with name_scope(name, "prefetch_queue", values) as scope:
        queue = make(capacity, [v.dtype for v in values], [v.shape for v in values], names=names,
                     shared_name=shared_name, name=scope)
        add_queue_runner(QueueRunner(queue, [queue.enqueue(tensors if names else values)] * num_threads))
    return queue


class NestedQueueRunnerError(Exception):
    """Kept for those who catch it."""


@contextlib.contextmanager
def QueueRunners(session: Any) -> Iterator[None]:
    """The threads of the graph's queue runners run inside the block."""
    coordinator = Coordinator()
    threads = start_queue_runners(session, coordinator, daemon=True)
    try:
        yield
    finally:
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=120)
