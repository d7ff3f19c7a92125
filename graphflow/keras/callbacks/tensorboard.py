"""Metrics and weights as TensorBoard shows them."""
from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from ...compiler.ops.summary import histogram, messages
from ...summary.writer import FileWriter
from .callback import Callback, Logs
from .learning_rate_scheduler import rate_of


class TensorBoard(Callback):
    """Event files in `log_dir`/train and `log_dir`/validation: the metrics of each epoch (`epoch_loss`, ...), those of
    every `update_freq` batches (`batch_loss`, ...), of each evaluation (`evaluation_loss_vs_iterations`), the learning
    rate, the graph, and every `histogram_freq` epochs the distributions of the weights.

    Needs the package tensorboard. The arguments about images, embeddings and profiles change nothing.
    """

    def __init__(self, log_dir: Any = "logs", histogram_freq: int = 0, write_graph: bool = True,
                 write_images: bool = False, write_steps_per_second: bool = False, update_freq: Any = "epoch",
                 profile_batch: Any = 0, embeddings_freq: int = 0, embeddings_metadata: Any = None, **kwargs: Any):
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph, self.write_images = histogram_freq, write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.profile_batch = profile_batch
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._writers: dict[str, FileWriter] = {}
        self._batches = 0
        self._epoch_began = (0.0, 0)
        self.watches_batches = self.update_freq != "epoch" or write_steps_per_second

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()
        self._batches = 0

    def writer(self, part: str) -> FileWriter:
        """The event file of "train" or "validation", opened when first needed."""
        if part not in self._writers:
            self._writers[part] = FileWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _write(self, part: str, values: dict[str, Any], step: int) -> None:
        message = messages().Summary
        self.writer(part).add_summary(message(value=[message.Value(tag=tag, simple_value=float(value))
                                                     for tag, value in values.items() if np.ndim(value) == 0]), step)

    def _steps(self) -> int:
        """The number of updates so far."""
        optimizer = self.model.optimizer
        return int(optimizer.iterations) if getattr(optimizer, "built", False) else 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches = 0
        if self.write_graph:
            self.writer("train").add_graph(self.model.graph)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch_began = time.perf_counter(), self._batches

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if isinstance(self.update_freq, int) and self._batches % self.update_freq == 0:
            self._write("train", {f"batch_{k}": v for k, v in (logs or {}).items()}, self._batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        values = dict(logs or {})
        validation = {f"epoch_{k.removeprefix('val_')}": v for k, v in values.items() if k.startswith("val_")}
        train = {f"epoch_{k}": v for k, v in values.items() if not k.startswith("val_")}
        if self.model.compiled:
            train["epoch_learning_rate"] = rate_of(self.model.optimizer)
        if self.write_steps_per_second:
            start, before = self._epoch_began
            train["epoch_steps_per_second"] = (self._batches - before) / (time.perf_counter() - start)
        self._write("train", train, epoch)
        if validation:
            self._write("validation", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write_weights(self, epoch: int) -> None:
        message = messages().Summary
        values = [message.Value(tag=f"{weight.path}/histogram", histo=histogram(value))
                  for weight, value in zip(self.model.weights, self.model.get_weights(), strict=True)]
        self.writer("train").add_summary(message(value=values), epoch)

    def on_test_end(self, logs: Logs | None = None) -> None:
        values = {f"evaluation_{k}_vs_iterations": v for k, v in (logs or {}).items()}
        self._write("validation", values, self._steps())
