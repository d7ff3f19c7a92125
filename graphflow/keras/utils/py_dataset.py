"""Data sets that give whole batches by their index, and workers that read them ahead."""
from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compiler.site import warn

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future


class PyDataset:
    """Base class: `__getitem__(index)` gives a batch, `__len__` the number of batches (or `num_batches`, None for data
    without an end). `on_epoch_begin` and `on_epoch_end` may change the data set between epochs.

    With several `workers`, threads read up to `max_queue_size` batches ahead, or processes with `use_multiprocessing`:
    then the data set is sent to them by pickle, and the script must guard what it runs by
    `if __name__ == "__main__":`.
    """

    _defaults = {"workers": 1, "use_multiprocessing": False, "max_queue_size": 10}

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getattr__(self, name: str) -> Any:
        if name in PyDataset._defaults:
            warn("Your `PyDataset` class should call `super().__init__(**kwargs)` in its constructor. "
                 "`**kwargs` can include `workers`, `use_multiprocessing`, `max_queue_size`. Do not pass "
                 "these arguments to `fit()`, as they will be ignored.")
            vars(self).update({k: v for k, v in PyDataset._defaults.items() if k not in vars(self)})
            return PyDataset._defaults[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define `__getitem__(index)`.")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None for data without an end."""
        if hasattr(type(self), "__len__"):
            return len(self)
        raise NotImplementedError("You need to implement the `num_batches` property:\n\n@property\n"
                                  "def num_batches(self):\n  return ...")

    def on_epoch_begin(self) -> None:
        """Before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """After the last batch of an epoch."""


Sequence = PyDataset

_shared: Any = None  # in a worker process: the data set


def _receive(pickled: bytes) -> None:
    import pickle
    global _shared
    _shared = pickle.loads(pickled)  # sent by the process that made this one


def _read(index: int) -> Any:
    return _shared[index]


class SequenceEnqueuer:
    """Base class: batches of `sequence` made ahead. `start(workers, max_queue_size)`, then take from `get()`."""

    def __init__(self, sequence: Any, use_multiprocessing: bool = False):
        self.sequence, self.use_multiprocessing = sequence, use_multiprocessing
        self._running = False

    def is_running(self) -> bool:
        return self._running

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Let `workers` make up to `max_queue_size` batches ahead."""
        self.workers, self.max_queue_size = workers, max_queue_size
        self._running = True

    def stop(self, timeout: float | None = None) -> None:
        """End the workers."""
        self._running = False

    def get(self) -> Iterator[Any]:
        raise NotImplementedError


class OrderedEnqueuer(SequenceEnqueuer):
    """Batches of a data set read by its indices, in their order (in another one for each epoch if `shuffle`)."""

    patience = 30.0  # seconds to wait for a batch of a worker

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False, workers: int = 1,
                 max_queue_size: int = 10):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle, self.workers, self.max_queue_size = shuffle, workers, max_queue_size
        self._pool: Executor | None = None
        self._sent = b""
        self._at_end = False  # whether all batches of an epoch were taken, and the data set was not told yet

    def _reader(self) -> Callable[[int], Future[Any]]:
        """Asks for a batch. Processes are made anew when the data set is another than they have."""
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor  # slow to import, and rarely needed
        if not self.use_multiprocessing:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.workers)
            pool = self._pool
            return lambda index: pool.submit(self.sequence.__getitem__, index)
        import multiprocessing
        import pickle
        pickled = pickle.dumps(self.sequence)
        if self._pool is None or pickled != self._sent:
            self._close()
            self._sent = pickled
            # forking a process that has threads may hang it
            self._pool = ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"), _receive, (pickled,))
        processes = self._pool
        return lambda index: processes.submit(_read, index)

    def epoch(self) -> Iterator[Any]:
        """The batches of one epoch."""
        count = getattr(self.sequence, "num_batches", 0) if hasattr(self.sequence, "num_batches") else len(
            self.sequence)
        from concurrent.futures import BrokenExecutor
        indices: Iterator[int] = itertools.count() if count is None else iter(
            np.random.permutation(count).tolist() if self.shuffle else range(count))
        try:
            ask = self._reader()
            waiting = deque((i, ask(i)) for i in itertools.islice(indices, max(self.max_queue_size, 1)))
            while waiting:
                batch = self._result(*waiting.popleft())
                waiting.extend((i, ask(i)) for i in itertools.islice(indices, 1))
                self._at_end = not waiting
                yield batch
        except BrokenExecutor as error:
            raise RuntimeError("The processes that read the data ended at once. A script that uses them must keep what "
                               'it runs under `if __name__ == "__main__":`, since they import it.') from error

    def _result(self, index: int, future: Future[Any]) -> Any:
        """A batch that was asked for. One that is long in coming is read here, with a warning."""
        try:
            return future.result(self.patience)
        except TimeoutError:
            if future.done():
                raise  # from the data set itself
            warn(f"The input {index} could not be retrieved. It could be because a worker has died.")
            return self.sequence[index]

    def get(self) -> Iterator[Any]:
        """The batches of epoch after epoch, until `stop`."""
        while self._running:
            for batch in self.epoch():
                if not self._running:
                    return
                yield batch
            self.join_end_of_epoch()

    def join_end_of_epoch(self) -> None:
        """Once all batches of an epoch were taken from `get()`: let the data set change itself for the next one."""
        ended = getattr(self.sequence, "on_epoch_end", None)
        if self._at_end and ended is not None:
            ended()
        self._at_end = False

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    def stop(self, timeout: float | None = None) -> None:
        super().stop(timeout)
        self._close()


class GeneratorEnqueuer(SequenceEnqueuer):
    """Items of a generator made ahead by a thread, in their order."""

    def __init__(self, generator: Any, use_multiprocessing: bool = False, wait_time: float | None = None,
                 random_seed: int | None = None):
        super().__init__(generator, False)  # a generator cannot be sent to other processes
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue()

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        super().start(workers, max_queue_size)
        self._queue = queue.Queue(max_queue_size)
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        last: tuple[str, Any] = "end", None
        try:
            for item in self.sequence:
                if not self._put(("item", item)):
                    return
        except Exception as error:  # raised again where the items are taken
            last = "error", error
        self._put(last)

    def _put(self, entry: tuple[str, Any]) -> bool:
        while self._running:
            try:
                self._queue.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def get(self) -> Iterator[Any]:
        """The items, until the generator ends. Raises what it raised."""
        while self._running:
            kind, value = self._queue.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value

    def stop(self, timeout: float | None = None) -> None:
        super().stop(timeout)
        self._thread.join(timeout)
