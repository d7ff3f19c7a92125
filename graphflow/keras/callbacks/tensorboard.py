"""Metrics, weights, graphs and times as TensorBoard shows them."""
from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...compiler.ops.summary import histogram, messages
from ...compiler.passes.specialise import needed_operations
from ...compiler.site import warn
from ...runtime.step_stats import RunMetadata, step_stats
from ...runtime.trace import Recorder
from ...summary.graph_message import graph_message
from ...summary.plugins import image_parts, plugin_summary
from ...summary.writer import FileWriter
from .. import backend
from ..layers.embedding import Embedding
from .callback import Callback, Logs
from .learning_rate_scheduler import rate_of

_KERAS_2 = {"write_grads", "batch_size", "embeddings_layer_names", "embeddings_data"}
MAX_IMAGES = 3  # of a weight


class TensorBoard(Callback):
    """Event files in `log_dir`/train and `log_dir`/validation: the metrics of each epoch (`epoch_loss`, ...), those of
    every `update_freq` batches (`batch_loss`, ...), of each evaluation (`evaluation_loss_vs_iterations`) and the
    learning rate.

    `write_graph`: the training step as a graph of ops, and a Sequential or functional model as one of layers. Every
    `histogram_freq` epochs the distributions of the weights and, with `write_images`, the weights as pictures.
    `write_steps_per_second`: how fast epochs (and batches) go. `profile_batch`, a batch (from 1) or the first and the
    last of several: the times of the ops in them, as run metadata and as a Chrome trace. Every `embeddings_freq` epochs
    the weights, and the Embedding layers' as the projector reads them, with the files of labels `embeddings_metadata`
    (one, or {layer's name: file}).

    Needs the package tensorboard. Where `log_dir` cannot be written to, one warning says so and training goes on.
    Raises ValueError for a bad `profile_batch` and for names of layers that are no Embedding layers.
    """

    def __init__(self, log_dir: Any = "logs", histogram_freq: int = 0, write_graph: bool = True,
                 write_images: bool = False, write_steps_per_second: bool = False, update_freq: Any = "epoch",
                 profile_batch: Any = 0, embeddings_freq: int = 0, embeddings_metadata: Any = None, **kwargs: Any):
        super().__init__()
        if not kwargs.keys() <= _KERAS_2:
            raise TypeError(f"TensorBoard: unexpected arguments {sorted(kwargs.keys() - _KERAS_2)}")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph, self.write_images = histogram_freq, write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._profiled = _range_of(profile_batch)
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._writers: dict[str, FileWriter] = {}
        self._own_writer: Any = None
        self._batches = 0  # of training, in this call of fit
        self._epoch_began, self._batch_began = (0.0, 0), 0.0
        self._recorder: Recorder | None = None
        self._graph_waits = self._training = False
        self.watches_batches = self.update_freq != "epoch" or self._profiled != (0, 0)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()
        self._graph_waits = self.write_graph
        if self.write_graph and model._network is not None:
            self._write_layers()
        if self.embeddings_freq:
            self._configure_projector()

    # writing

    def _writer(self, part: str) -> FileWriter:
        """The event file of "train" or "validation", opened when first needed."""
        if part not in self._writers:
            self._writers[part] = FileWriter(os.path.join(self.log_dir, part))
        return self._writers[part]

    @property
    def writer(self) -> Any:
        """Keras 2's name for the FileWriter of training; programs set their own."""
        return self._own_writer or self._train_writer

    @writer.setter
    def writer(self, value: Any) -> None:
        self._own_writer = value

    @property
    def _train_writer(self) -> FileWriter:
        return self._writer("train")

    @property
    def _val_writer(self) -> FileWriter:
        return self._writer("validation")

    def _write_logs(self, logs: Logs, index: int) -> None:
        """Keras 2's: the scalars as they are named."""
        self._scalars(self.writer, {k: v for k, v in logs.items() if k not in ("batch", "size")}, index)
        self.writer.flush()

    @staticmethod
    def _scalars(writer: FileWriter, values: Mapping[str, Any], step: int) -> None:
        message = messages().Summary
        writer.add_summary(message(value=[message.Value(tag=tag, simple_value=float(value))
                                          for tag, value in values.items() if np.ndim(value) == 0]), step)

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _steps(self) -> int:
        """The number of updates so far."""
        optimizer = self.model.optimizer
        return int(optimizer.iterations) if getattr(optimizer, "built", False) else 0

    # events

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches, self._training = 0, True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._stop_profile()
        self._close()
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.write_steps_per_second:
            self._epoch_began = time.perf_counter(), self._steps()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        self._batch_began = time.perf_counter()
        if self._batches == self._profiled[0]:
            self._recorder = Recorder().start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._write_graph()
        if self.update_freq != "epoch" and self._batches % self.update_freq == 0:
            values = {f"batch_{k}": v for k, v in (logs or {}).items()}
            if self.write_steps_per_second:
                values["batch_steps_per_second"] = 1 / max(time.perf_counter() - self._batch_began, 1e-9)
            self._scalars(self._train_writer, values, self._batches)
        if self._batches >= self._profiled[1]:
            self._stop_profile()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._write_graph()
        values = dict(logs or {})
        validation = {f"epoch_{k.removeprefix('val_')}": v for k, v in values.items() if k.startswith("val_")}
        train = {f"epoch_{k}": v for k, v in values.items() if not k.startswith("val_")}
        train |= {f"epoch_{k}": v for k, v in self._learning_rates().items()}
        if self.write_steps_per_second:
            start, before = self._epoch_began
            train["epoch_steps_per_second"] = (self._steps() - before) / max(time.perf_counter() - start, 1e-9)
        self._scalars(self._train_writer, train, epoch)
        if validation:
            self._scalars(self._val_writer, validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is not None:
            values = {f"evaluation_{k}_vs_iterations": v for k, v in (logs or {}).items()}
            self._scalars(self._val_writer, values, self._steps())
        if not self._training:
            self._close()

    def _learning_rates(self) -> dict[str, float]:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if optimizer is None or not self.model.compiled:
            return {}
        if hasattr(optimizer, "optimizers"):
            return {f"learning_rate_{o.name}": rate_of(o) for o in optimizer.optimizers}
        return {"learning_rate": rate_of(optimizer)}

    # graphs and times

    def _write_layers(self) -> None:
        try:
            text = np.array(self.model.to_json().encode(), object)
        except Exception as error:  # a layer's configuration is the program's own
            warn(f"Model failed to serialize as JSON. Ignoring... {error}")
            return
        self._train_writer.add_summary(plugin_summary("keras", "graph_keras_model", text, b"1"), 0)

    def _write_graph(self) -> None:
        """The graph of the training step, once there is one."""
        steps = [step for (kind, *_), step in self.model._steps.items() if kind == "train"] if self._graph_waits else []
        runner = getattr(steps[-1], "runner", None) if steps else None
        if runner is not None:
            needed = needed_operations(runner.outputs, runner.targets, ())
            self._train_writer.add_graph(graph_def=graph_message(self.model.graph, needed))
            self._graph_waits = False

    def _stop_profile(self) -> None:
        if self._recorder is None:
            return
        recorder, self._recorder = self._recorder.stop(), None
        self._train_writer.add_run_metadata(RunMetadata(step_stats=step_stats(recorder)), f"batch_{self._batches}",
                                            self._batches)
        with _Tolerant(self.log_dir):
            from ...chrome_trace import chrome_trace  # which few programs ask for
            folder = os.path.join(self.log_dir, "train", "plugins", "profile", time.strftime("%Y_%m_%d_%H_%M_%S"))
            os.makedirs(folder, exist_ok=True)
            with gzip.open(os.path.join(folder, "local.trace.json.gz"), "wt", encoding="utf-8") as file:
                json.dump(chrome_trace(recorder), file)

    # weights

    def _write_weights(self, epoch: int) -> None:
        message = messages().Summary
        for layer in self.model.layers:
            for weight, value in zip(layer.weights, layer.get_weights(), strict=True):
                name = weight.path.replace(":", "_")
                finite = value[np.isfinite(value)]  # a histogram has no place for the others
                values = [message.Value(tag=f"{name}/histogram", histo=histogram(finite))]
                self._train_writer.add_summary(message(value=values), epoch)
                if self.write_images:
                    self._write_image(f"{name}/image", value, epoch)

    def _write_image(self, tag: str, weight: np.ndarray, epoch: int) -> None:
        """A weight as pictures: a bias as a line, a matrix, a filter by its channels. Others are left out."""
        image = np.squeeze(weight)
        if image.ndim == 1:
            image = image.reshape(1, -1, 1, 1)
        elif image.ndim == 2:
            image = (image.T if image.shape[0] > image.shape[1] else image)[None, ..., None]
        elif image.ndim == 3:
            if backend.image_data_format() == "channels_last":
                image = image.transpose(2, 0, 1)
            image = image[..., None]
        if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
            return
        self._train_writer.add_summary(plugin_summary(tag, "images", image_parts(image, MAX_IMAGES)), epoch)

    def _embeddings(self) -> list[Embedding]:
        return [layer for layer in self.model.layers if isinstance(layer, Embedding)]

    def _configure_projector(self) -> None:
        """Tell the projector of the Embedding layers, and where their values and labels are."""
        from ...contrib.tensorboard.plugins import projector
        config, labels = projector.ProjectorConfig(), self.embeddings_metadata
        for layer in self._embeddings():
            entry = config.embeddings.add(tensor_name=f"{layer.name}/embeddings",
                                          tensor_path=os.path.join("train", f"{layer.name}.tsv"))
            if labels is not None and (isinstance(labels, str) or layer.name in labels):
                entry.metadata_path = labels if isinstance(labels, str) else labels[layer.name]
        names = [layer.name for layer in self._embeddings()]
        if isinstance(labels, Mapping) and not labels.keys() <= set(names):
            raise ValueError("Unrecognized `Embedding` layer names passed to `keras.callbacks.TensorBoard` "
                             f"`embeddings_metadata` argument: {sorted(labels.keys() - set(names))}")
        with _Tolerant(self.log_dir):
            os.makedirs(os.path.join(self.log_dir, "train"), exist_ok=True)
            projector.write_config(self.log_dir, config)

    def _write_embeddings(self, epoch: int) -> None:
        folder = os.path.join(self.log_dir, "train")
        with _Tolerant(self.log_dir):
            self.model.save_weights(os.path.join(folder, f"keras_embedding.ckpt-{epoch}.weights.h5"))
            for layer in self._embeddings():
                np.savetxt(os.path.join(folder, f"{layer.name}.tsv"), layer.get_weights()[0], "%.6g", "\t")


def _range_of(profile_batch: Any) -> tuple[int, int]:
    """The first and the last batch to profile, (0, 0) for none."""
    given = [int(part) for part in profile_batch.split(",")] if isinstance(profile_batch, str) else profile_batch
    pair = [given, given] if isinstance(given, int) else list(given) if isinstance(given, (list, tuple)) else []
    if len(pair) == 1:
        pair *= 2
    if len(pair) != 2 or pair[0] < 0 or pair[1] < pair[0]:
        raise ValueError("profile_batch must be a non-negative integer or 2-tuple of positive integers. A pair of "
                         f"positive integers signifies a range of batches to profile. Found: {profile_batch}")
    return pair[0], pair[1]


class _Tolerant:
    """What cannot be written inside is warned of, and training goes on."""

    def __init__(self, folder: str):
        self._folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        if isinstance(error, OSError):
            warn(f"TensorBoard cannot write to {self._folder}: {error.strerror or error}")
        return isinstance(error, OSError)
