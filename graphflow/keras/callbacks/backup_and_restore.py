"""Going on after an interruption as if there had been none."""
from __future__ import annotations

import json
import os
import random
import shutil
from typing import Any

import numpy as np

from .. import backend
from ..saving.hdf5 import reading
from .callback import Callback, Logs

PROGRESS = "callbacks"  # what it calls the arrays that callbacks keep
STATE = "training_metadata"  # what the file calls where training stood


class BackupAndRestore(Callback):
    """Writes weights, optimizer state, random states, what callbacks count and the place in the data to `backup_dir`
    after each epoch (or every `save_freq` batches). A later `fit` of the same program goes on from there, with the
    results it would have had without the interruption. The folder is removed when training ends, unless
    `delete_checkpoint` is False.

    The state and the weights are one file, which is replaced at once: a process may be killed at any time. With
    `double_checkpoint` the file before is kept too. Raises ValueError for a model that is not built, OSError for a
    damaged file.
    """

    runs_last = True  # what the others count at an epoch's end is kept too

    def __init__(self, backup_dir: Any, save_freq: Any = "epoch", double_checkpoint: bool = False,
                 delete_checkpoint: bool = True):
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"Invalid value for argument `save_freq`. Received: save_freq={save_freq}. Expected "
                             "either 'epoch' or an integer value.")
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._weights_path = os.path.join(self.backup_dir, "latest.weights.h5")
        self._metadata_path = os.path.join(self.backup_dir, "training_metadata.json")
        self._epoch = self._since_save = 0
        self._last_batch = -1
        self._epoch_start: dict[str, Any] = {}
        self.watches_batches = save_freq != "epoch"
        self.others: list[Any] = []

    # restoring

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if not self.model.built:
            raise ValueError("To use the BackupAndRestore callback, you model must be built before you call `fit()`. "
                             f"Model {self.model} is unbuilt. You can build it beforehand by calling it on a batch of "
                             "data.")
        previous = f"{self._weights_path}.bkp"
        try:
            self._restore(self._weights_path)
        except OSError:
            if not os.path.exists(previous):
                raise
            shutil.copy(previous, self._weights_path)
            self._restore(self._weights_path)

    def _restore(self, path: str) -> None:
        if not os.path.exists(path):
            return
        with reading(path) as file:
            text = bytes(file[STATE][:]) if STATE in file else None
            arrays = [[file[PROGRESS][i][n][()] for n in sorted(file[PROGRESS][i], key=int)] for i in sorted(
                file[PROGRESS], key=int)] if PROGRESS in file else []
        if text is None and os.path.exists(self._metadata_path):  # Keras's own
            with open(self._metadata_path, "rb") as source:
                text = source.read()
        state = json.loads(text or "{}")
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        self.model.load_weights(path)
        self.model._initial_epoch = self._epoch = state.get("epoch", 0)
        if "random" in state:
            _set_random_state(self.model, state["random"], state["counters"])
            self.model._resume = state["batch"], state["metrics"]
            self._give_back(state.get("callbacks", []), arrays)

    def _give_back(self, counted: list[Any], arrays: list[Any]) -> None:
        """Set what callbacks had counted, where there are as many of each kind as there were."""
        kept = [callback for callback in self.others if getattr(callback, "counted", ())]
        if [type(callback).__name__ for callback in kept] != [name for name, _ in counted]:
            return
        for callback, (_, values) in zip(kept, counted, strict=True):
            for name, value in values.items():
                setattr(callback, name, arrays[value["arrays"]] if isinstance(value, dict) else value)

    # saving

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        self._epoch_start = _random_state()  # the order of the epoch's batches follows from it

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch, self._last_batch = epoch + 1, -1
        if self.save_freq == "epoch":
            self._save(0, _random_state())

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._since_save += batch - self._last_batch
        self._last_batch = batch
        if self._since_save >= self.save_freq:
            self._since_save = 0
            self._save(batch + 1, self._epoch_start)

    def _save(self, batch: int, random_state: dict[str, Any]) -> None:
        """`batch`: how many batches of the epoch are done."""
        import h5py
        model = self.model
        state = {"epoch": self._epoch, "batch": batch, "random": random_state,
                 "counters": backend.get_session(model.graph).random_state(),
                 "metrics": [[np.asarray(v).tolist() for v in backend.batch_get_value(m.variables)]
                             for m in model.metrics] if batch else []}
        state["callbacks"], arrays = _counted(self.others)
        os.makedirs(self.backup_dir, exist_ok=True)
        fresh = os.path.join(self.backup_dir, "next.weights.h5")
        model.save_weights(fresh, overwrite=True)
        with h5py.File(fresh, "r+") as file:
            file[STATE] = np.frombuffer(json.dumps(state).encode(), np.uint8)
            for i, j, array in ((i, j, a) for i, several in enumerate(arrays) for j, a in enumerate(several)):
                file[f"{PROGRESS}/{i}/{j}"] = array
        if self.double_checkpoint and os.path.exists(self._weights_path):
            shutil.copy(self._weights_path, f"{self._weights_path}.bkp")
        os.replace(fresh, self._weights_path)
        with open(self._metadata_path, "w", encoding="utf-8") as out:  # what Keras looks for
            json.dump({"epoch": self._epoch, "batch": batch}, out)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint and os.path.exists(self.backup_dir):
            shutil.rmtree(self.backup_dir)


def _counted(callbacks: list[Any]) -> tuple[list[Any], list[Any]]:
    """(the class and the counts of each callback, as plain data; the lists of arrays among these)."""
    arrays: list[Any] = []
    found = []
    for callback in callbacks:
        values: dict[str, Any] = {}
        for name in getattr(callback, "counted", ()):
            value = getattr(callback, name)
            if isinstance(value, list):
                values[name] = {"arrays": len(arrays)}
                arrays.append(value)
            else:
                values[name] = None if value is None else float(value) if name == "best" else int(value)
        if values:
            found.append((type(callback).__name__, values))
    return found, arrays


def _random_state() -> dict[str, Any]:
    """The states of NumPy's and Python's generators, as plain data."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {"numpy": [name, np.asarray(keys).tolist(), position, has_gauss, cached], "python": random.getstate()}


def _set_random_state(model: Any, state: dict[str, Any], counters: dict[str, int]) -> None:
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *rest))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    backend.get_session(model.graph).set_random_state(counters)
