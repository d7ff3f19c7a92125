"""Event files: records of `Event` messages, as TensorBoard reads them while they grow."""
from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from typing import BinaryIO

from ..compiler.site import warn
from ..tfrecord import framed

_numbers = itertools.count()  # of the files of this process


class EventFile:
    """A new file `events.out.tfevents.*` in `folder`, which is made if need be.

    Events are handed to the operating system `flush_secs` seconds after the last time, and whenever more than
    `max_queue` are waiting. Where that fails (a full disk, a folder that may not be written to), one warning says so
    and events are dropped from then on: what a program computes matters more than what it reports.
    """

    def __init__(self, folder: str, max_queue: int, flush_secs: float, suffix: str):
        self._options = max_queue, flush_secs
        self._waiting, self._flushed = 0, 0.0
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self.path = os.path.join(folder, f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}."
                                         f"{os.getpid()}.{next(_numbers)}{suffix}")
        try:
            os.makedirs(folder, exist_ok=True)
            self._file = open(self.path, "wb")  # noqa: SIM115 (closed by close)
        except OSError as error:
            self._give_up(error)

    def write(self, event: bytes) -> None:
        """Append a serialized Event."""
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.write(framed(event))
                self._waiting += 1
                max_queue, seconds = self._options
                if self._waiting > max_queue or time.monotonic() - self._flushed > seconds:
                    self._flush()
            except OSError as error:
                self._give_up(error)

    def flush(self) -> None:
        """Hand what is waiting to the operating system."""
        with self._lock:
            if self._file is not None:
                try:
                    self._flush()
                except OSError as error:
                    self._give_up(error)

    def _flush(self) -> None:
        assert self._file is not None
        self._file.flush()
        self._waiting, self._flushed = 0, time.monotonic()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        with self._lock:
            if self._file is not None:
                try:
                    self._file.close()
                except OSError as error:
                    self._give_up(error)
                self._file = None

    def _give_up(self, error: OSError) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()  # which tries once more to write
            except OSError:
                pass
        warn(f"Events cannot be written to {self.path}: {error.strerror or error}. They are dropped from here "
             "on; the program goes on without them.")
