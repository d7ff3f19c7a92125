"""The callbacks: what each does to a run, and going on after a run was killed."""
from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphflow import Graph, keras
from graphflow import data as tf_data

C = keras.callbacks
X, Y = np.linspace(-1, 1, 12, dtype=np.float32)[:, None], np.linspace(1, -2, 12, dtype=np.float32)[:, None]


def line(optimizer: Any = "sgd", metrics: Any = ()) -> Any:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer, "mse", metrics=list(metrics))
    return model


def fit(callbacks: Any, model: Any = None, **kwargs: Any) -> Any:
    model = model or line()
    options = {"epochs": 3, "batch_size": 4, "shuffle": False, "verbose": 0, **kwargs}
    return model, model.fit(X, Y, callbacks=callbacks, **options)


class Told(C.Callback):
    """Replaces a metric by given values, epoch by epoch."""

    def __init__(self, values: list[float], name: str = "val_loss"):
        super().__init__()
        self.values, self.name = values, name

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch]


@pytest.mark.parametrize(("values", "options", "stopped"), [
    ([3, 2, 2.5, 2.4, 2.3, 1], {"patience": 2}, 4),
    ([3, 2, 2.5, 2.4, 2.3, 1], {"patience": 2, "mode": "max"}, 3),
    ([3, 2.95, 2.9, 2.8, 1, 1], {"min_delta": 0.06, "patience": 2}, None),
    ([3, 2.95, 2.9, 2.8, 1, 1], {"min_delta": 0.15, "patience": 2}, 3),
    ([9, 9, 9, 3, 2, 2.5], {"patience": 0, "start_from_epoch": 3}, 6),
    ([3, 2, 1, 1, 1, 1], {"baseline": 0.5, "patience": 2}, 4),
])
def test_early_stopping(values: list[float], options: dict[str, Any], stopped: int | None) -> None:
    _, history = fit([Told(values), C.EarlyStopping(**options)], epochs=6)
    assert len(history.epoch) == (stopped or 6)


def test_a_direction_that_cannot_be_told() -> None:
    with pytest.raises(ValueError, match="monitor=wonder, but Keras isn't able to automatically determine"):
        fit([Told([1, 2, 3], "wonder"), C.EarlyStopping("wonder")])
    model = line(metrics=["mae", keras.metrics.RootMeanSquaredError(name="spread"), keras.metrics.BinaryAccuracy("b")])
    stoppers = {name: C.EarlyStopping(name, patience=9) for name in ("mae", "spread", "b")}
    fit(list(stoppers.values()), model)
    assert {name: s.monitor_op is np.greater for name, s in stoppers.items()} == {
        "mae": False, "spread": False, "b": True}


def test_the_learning_rate_falls_on_a_plateau(capsys: Any) -> None:
    model, history = fit([Told([2, 2, 2, 2, 2, 2]), C.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, verbose=1,
                                                                       min_lr=0.1)],
                         line(keras.optimizers.SGD(0.3)), epochs=6)
    np.testing.assert_allclose(history.history["learning_rate"], [0.3, 0.3, 0.3, 0.15, 0.15, 0.1], rtol=1e-6)
    assert "Epoch 3: ReduceLROnPlateau reducing learning rate to 0.15" in capsys.readouterr().out
    with pytest.raises(ValueError, match="factor >= 1.0"):
        C.ReduceLROnPlateau(factor=1.5)


@pytest.mark.parametrize("schedule", [lambda epoch, rate: rate / 2, lambda epoch: 0.4 / 2 ** (epoch + 1)])
def test_a_learning_rate_for_each_epoch(schedule: Any) -> None:
    _, history = fit([C.LearningRateScheduler(schedule)], line(keras.optimizers.SGD(0.4)))
    np.testing.assert_allclose(history.history["learning_rate"], [0.2, 0.1, 0.05], rtol=1e-6)
    with pytest.raises(ValueError, match="should be a float. Got: many"):
        fit([C.LearningRateScheduler(lambda epoch: "many")])  # type: ignore[arg-type, return-value]


def test_csv_logs_go_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fit([C.CSVLogger(path, separator=";")])
    fit([C.CSVLogger(path, separator=";", append=True)], epochs=4, initial_epoch=3, validation_data=(X, Y))
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [r["epoch"] for r in rows] == ["0", "1", "2", "3"]
    assert rows[0]["val_loss"] == "NA" and float(rows[3]["val_loss"]) > 0


def test_training_ends_at_the_first_batch_without_a_number() -> None:
    x = X.copy()
    x[5] = np.nan
    model = line()
    history = model.fit(x, Y, batch_size=4, shuffle=False, epochs=3, verbose=0, callbacks=[C.TerminateOnNaN()])
    assert int(model.optimizer.iterations) == 2
    assert len(history.epoch) == 1
    with pytest.raises(RuntimeError, match="at batch 0. Received: loss=nan"):
        model.fit(x, Y, verbose=0, callbacks=[C.TerminateOnNaN(raise_error=True)])


def test_checkpoints_by_batches_epochs_and_metrics(tmp_path: Path) -> None:
    names = ["best.keras", "{epoch}-{val_loss:.1f}.h5", "b{epoch}-{batch}.weights.h5", "old-{epoch}.hdf5"]
    best, each, batches, old = (str(tmp_path / "new" / n) for n in names)
    model, _ = fit([Told([3, 1, 2]), C.ModelCheckpoint(best, save_best_only=True), C.ModelCheckpoint(each),
                    C.ModelCheckpoint(batches, save_weights_only=True, save_freq=4),
                    C.ModelCheckpoint(old, period=2)])
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "1-3.0.h5", "2-1.0.h5", "3-2.0.h5", "b2-1.weights.h5", "b3-2.weights.h5", "best.keras", "old-2.hdf5"]
    two, kept = keras.models.load_model(tmp_path / "new" / "2-1.0.h5"), keras.models.load_model(best)
    np.testing.assert_array_equal(two.get_weights()[0], kept.get_weights()[0])
    assert int(kept.optimizer.iterations) == 6
    with pytest.raises(KeyError, match="Failed to format this callback filepath"):
        fit([C.ModelCheckpoint(tmp_path / "{nothing}.keras")])
    with pytest.raises(ValueError, match=r"must end in `.weights.h5`"):
        C.ModelCheckpoint("a.keras", save_weights_only=True)
    with pytest.raises(ValueError, match="Unrecognized save_freq"):
        C.ModelCheckpoint("a.keras", save_freq="often")


def test_averaged_weights_are_used_for_evaluation_alone() -> None:
    model = line(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    seen: list[Any] = []
    watch = C.LambdaCallback(on_test_begin=lambda logs: seen.append(model.get_weights()[0].item()),
                             on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0].item()))
    fit([C.SwapEMAWeights(), watch], model, epochs=2, validation_data=(X, Y))
    average, own = model.optimizer.slot("average", model.layers[0].kernel).numpy().item(), seen[3]
    assert seen[2] == pytest.approx(average) and abs(own - average) > 1e-3
    assert model.get_weights()[0].item() == pytest.approx(average)  # what fit ends with
    with pytest.raises(ValueError, match="use_ema=True"):
        fit([C.SwapEMAWeights()], validation_data=(X, Y))


def test_a_remote_monitor_posts_json() -> None:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    fit([C.RemoteMonitor(root, send_as_json=True)], epochs=1)
    server.shutdown()
    server.server_close()
    sent = json.loads(bodies[0])
    assert sent["epoch"] == 0 and sent["loss"] > 0
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor"):
        fit([C.RemoteMonitor(root)], epochs=1)


def test_tensorboard_reads_the_scalars(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit([C.TensorBoard(tmp_path, histogram_freq=1, update_freq="batch")], validation_data=(X, Y))
    train = reader.EventAccumulator(str(tmp_path / "train")).Reload()
    assert [e.step for e in train.Scalars("epoch_loss")] == [0, 1, 2]
    assert [e.step for e in train.Scalars("batch_loss")] == list(range(1, 10))
    assert train.Histograms("sequential/dense/kernel/histogram")[-1].step == 2
    validation = reader.EventAccumulator(str(tmp_path / "validation")).Reload()
    assert [e.step for e in validation.Scalars("evaluation_loss_vs_iterations")] == [3, 6, 9]


def test_a_list_of_callbacks_in_a_loop_of_ones_own() -> None:
    told: list[Any] = []
    model = line()
    group = C.CallbackList([C.LambdaCallback(on_train_batch_end=lambda batch, logs: told.append((batch, logs)))],
                           add_history=True, model=model, epochs=1)
    group.on_train_begin()
    group.on_epoch_begin(0)
    group.on_train_batch_end(0, {"loss": 1.0})
    group.on_epoch_end(0, {"loss": 2.0})
    assert told == [(0, {"loss": 1.0})]
    assert model.history.history == {"loss": [2.0]}


def test_hooks_are_called_once_for_several_steps_of_an_execution() -> None:
    calls: list[Any] = []
    model = line()
    model.compile("sgd", "mse", steps_per_execution=2)
    fit([C.LambdaCallback(on_train_batch_begin=lambda b, logs: calls.append(b),
                          on_train_batch_end=lambda b, logs: calls.append(b))], model, epochs=1)
    assert calls == [0, 1, 2, 3]


PROGRAM = """
import os, signal, sys
import numpy as np
from graphflow import keras
mode, folder, out = sys.argv[1:4]
keras.utils.set_random_seed(7)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.4),
                          keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
rng = np.random.default_rng(0)
x, y = rng.normal(size=(40, 3)).astype("f"), rng.normal(size=(40, 1)).astype("f")
freq, stop = ("epoch", (2, 3)) if mode.endswith("epoch") else (3, (2, 2))


class Killer(keras.callbacks.Callback):
    epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if mode.startswith("kill") and (self.epoch, batch) == stop:
            os.kill(os.getpid(), signal.SIGKILL)


history = model.fit(x, y, epochs=4, batch_size=8, verbose=0, validation_split=0.2,
                    callbacks=[keras.callbacks.BackupAndRestore(folder, save_freq=freq), Killer()])
np.savez(out, *model.get_weights(), *model.optimizer.get_weights(), [history.history[k][-1] for k in history.history])
"""


@pytest.mark.parametrize("freq", ["epoch", "batch"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, freq: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    def run(mode: str, folder: str, expected: int) -> Any:
        out = str(tmp_path / f"{mode}.npz")
        done = subprocess.run([sys.executable, str(program), f"{mode}-{freq}", str(tmp_path / folder), out],
                              env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True,
                              text=True)
        assert done.returncode == expected, done.stderr
        return np.load(out) if not expected else None

    whole = run("whole", "a", 0)
    run("kill", "b", -signal.SIGKILL)
    assert (tmp_path / "b" / "latest.weights.h5").exists()
    resumed = run("resume", "b", 0)
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], resumed[name])
    assert not (tmp_path / "b").exists()


def test_a_damaged_backup(tmp_path: Path) -> None:
    model, _ = fit([C.BackupAndRestore(tmp_path / "b", double_checkpoint=True, delete_checkpoint=False)])
    path = tmp_path / "b" / "latest.weights.h5"
    path.write_bytes(path.read_bytes()[:500])
    resumed, history = fit([C.BackupAndRestore(tmp_path / "b", delete_checkpoint=False)], epochs=4)
    assert history.epoch == [2, 3]  # from the one before
    path.write_bytes(b"nothing")
    (tmp_path / "b" / "latest.weights.h5.bkp").unlink()
    with pytest.raises(OSError, match="is not an HDF5 file"):
        fit([C.BackupAndRestore(tmp_path / "b")])
    with pytest.raises(ValueError, match="model must be built before"):
        unbuilt = keras.Sequential([keras.layers.Dense(1)])
        unbuilt.compile("sgd", "mse")
        unbuilt.fit(iter([(X, Y)]), callbacks=[C.BackupAndRestore(tmp_path / "c")], verbose=0)


@pytest.mark.parametrize("seeded", [True, False])
def test_a_resumed_run_keeps_counts_of_callbacks_and_orders_of_data_sets(tmp_path: Path, seeded: bool) -> None:
    class Cut(C.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    x = np.arange(12, dtype=np.float32)[:, None] / 12

    def run(folder: str, *more: Any) -> Any:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.3), "mse")
        order = tf_data.Dataset.from_tensor_slices((x, x ** 2)).shuffle(12, 3 if seeded else None).batch(3)
        stop = C.EarlyStopping("loss", min_delta=0.02, patience=2, restore_best_weights=True)
        rate = C.ReduceLROnPlateau("loss", patience=1, min_delta=0.1)
        model.fit(order, epochs=6, verbose=0, callbacks=[C.BackupAndRestore(tmp_path / folder), stop, rate, *more])
        return [stop.best, stop.best_epoch, stop.stopped_epoch, rate.best, *model.get_weights()]

    def alone(*arguments: Any) -> Any:
        with Graph().as_default():  # seeds follow from the number of its operations
            return run(*arguments)

    whole = alone("whole")
    with pytest.raises(KeyboardInterrupt):
        alone("cut", Cut())
    for expected, got in zip(whole, alone("cut"), strict=True):
        np.testing.assert_array_equal(got, expected)
