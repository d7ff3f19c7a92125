"""Where batches come from: frames, sparse matrices, generators, data sets with workers, loaders; and what goes wrong
there."""
from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

L = keras.layers
X = np.arange(24, dtype=np.float32).reshape(12, 2) / 10
Y = X.sum(1, keepdims=True)


def line() -> Any:
    model = keras.Sequential([keras.Input((2,)), L.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def losses(x: Any, y: Any = None, **kwargs: Any) -> list[float]:
    return line().fit(x, y, **{"epochs": 2, "shuffle": False, "verbose": 0, **kwargs}).history["loss"]


EXPECTED = losses(X, Y, batch_size=4)


class Batches(keras.utils.PyDataset):
    """X and Y in batches of four."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.ends = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return X[index * 4:index * 4 + 4], Y[index * 4:index * 4 + 4]

    def on_epoch_end(self) -> None:
        self.ends += 1


class Loader:
    """As PyTorch's DataLoader: it is iterated, has a length, and is not indexed."""

    dataset = object()

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[Any]:
        return iter([[X[i:i + 4], Y[i:i + 4]] for i in (0, 4, 8)])


def endless() -> Iterator[Any]:
    while True:
        yield from Loader()


def test_every_source_of_the_same_batches_trains_the_same() -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    for source in (Batches(), Batches(workers=2), Loader(), data):
        np.testing.assert_allclose(losses(source), EXPECTED, rtol=1e-5)
    for source in (endless(), data.repeat(), data.repeat().make_one_shot_iterator()):
        np.testing.assert_allclose(losses(source, steps_per_epoch=3), EXPECTED, rtol=1e-5)
    counted = Batches()
    line().fit_generator(counted, epochs=2, workers=3, shuffle=False, verbose=0)
    assert counted.ends == 2


def test_frames_and_sparse_matrices() -> None:
    pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    frame = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y[:, 0]}, index=range(50, 62))
    np.testing.assert_allclose(losses(frame[["a", "b"]], frame["y"], batch_size=4), EXPECTED, rtol=1e-5)
    np.testing.assert_allclose(losses(sparse.csr_matrix(X), Y, batch_size=4), EXPECTED, rtol=1e-5)
    mixed = pandas.DataFrame({"a": [1, 2], "b": [True, False]}).astype({"a": "Int64"})
    assert line().predict(mixed, verbose=0).shape == (2, 1)


def test_an_epoch_of_a_few_steps_goes_on_where_the_last_ended() -> None:
    seen: list[float] = []
    model = line()
    probe = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    with pytest.warns(UserWarning, match="1 of 2 came"):
        model.fit(X, Y, batch_size=4, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0, callbacks=[probe])
    again = line()
    whole = [again.train_on_batch(X[i:i + 4], Y[i:i + 4]) for i in (0, 4, 8, 0, 4)]
    assert [seen[i] for i in (0, 2, 3)] == pytest.approx([whole[i] for i in (0, 2, 3)])
    with pytest.warns(UserWarning, match="ran out of data"):
        assert len(losses(X, Y, batch_size=4, steps_per_epoch=5)) == 2
    assert losses(X, Y, steps_per_epoch=3) == pytest.approx(EXPECTED)  # which says the size of a batch


def test_a_generator_that_ends_stops_training() -> None:
    def two() -> Iterator[Any]:
        yield from list(Loader())[:2]
    with pytest.warns(UserWarning, match="2 of 3 came") as warned:
        assert len(losses(two(), steps_per_epoch=3)) == 1
    assert warned[0].filename == __file__  # the program's own line
    with pytest.raises(ValueError, match="gave no batches"):
        line().fit(iter([]), verbose=0)


def test_validation_goes_through_its_own_generator() -> None:
    scale = iter(range(1, 100))

    def weighted() -> Iterator[Any]:
        for factor in scale:
            yield X[:4], Y[:4], np.full(4, factor, np.float32)
    model = line()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    logs = model.fit(X, Y, epochs=2, verbose=0, validation_data=weighted(), validation_steps=2).history
    assert logs["val_loss"][1] / logs["val_loss"][0] == pytest.approx((3 + 4) / (1 + 2))


def test_workers_raise_what_the_data_set_raises() -> None:
    class Broken(Batches):
        def __getitem__(self, index: int) -> Any:
            if index == 1:
                raise OSError("disk on fire")
            return super().__getitem__(index)
    for workers in (1, 2):
        with pytest.raises(OSError, match="disk on fire"):
            line().fit(Broken(workers=workers), verbose=0)

    def broken() -> Iterator[Any]:
        yield X[:4], Y[:4]
        raise KeyError("lost")
    with pytest.raises(KeyError, match="lost"):
        line().fit(broken(), verbose=0)
    enqueuer = keras.utils.GeneratorEnqueuer(broken())
    enqueuer.start(max_queue_size=2)
    taken = enqueuer.get()
    np.testing.assert_array_equal(next(taken)[0], X[:4])
    with pytest.raises(KeyError, match="lost"):
        next(taken)
    enqueuer.stop()
    assert not enqueuer.is_running()


def test_an_epoch_of_an_enqueuer_may_be_ended_before_the_next() -> None:
    class Shrinking(keras.utils.Sequence):
        def __init__(self) -> None:
            super().__init__()
            self.size = 4

        def __len__(self) -> int:
            return self.size

        def __getitem__(self, index: int) -> int:
            return index * 10 // self.size

        def on_epoch_end(self) -> None:
            self.size //= 2

    enqueuer = keras.utils.OrderedEnqueuer(data := Shrinking())
    enqueuer.start(workers=1, max_queue_size=10)
    batches = enqueuer.get()
    enqueuer.join_end_of_epoch()  # not at an end
    assert [next(batches) for _ in range(4)] == [0, 2, 5, 7] and data.size == 4
    enqueuer.join_end_of_epoch()
    assert data.size == 2
    assert [next(batches) for _ in range(3)] == [0, 5, 0] and data.size == 1
    enqueuer.stop()


def test_a_batch_that_no_worker_gives_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(keras.utils.Sequence):
        free = threading.Event()

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> int:
            if threading.current_thread() is not threading.main_thread() and index == 0:
                self.free.wait(20)
            return index

    monkeypatch.setattr(keras.utils.OrderedEnqueuer, "patience", 0.1)
    enqueuer = keras.utils.OrderedEnqueuer(Stuck())
    enqueuer.start(workers=2)
    batches = enqueuer.get()
    with pytest.warns(UserWarning, match="The input 0 could not be retrieved"):
        assert next(batches) == 0
    Stuck.free.set()
    assert next(batches) == 1
    enqueuer.stop()


def test_data_sets_that_do_not_call_their_base_class() -> None:
    class Bare(keras.utils.Sequence):
        def __init__(self) -> None:
            self.own = 1

        def __len__(self) -> int:
            return 3

        __getitem__ = Batches.__getitem__
    with pytest.warns(UserWarning, match=r"should call `super\(\).__init__"):
        assert losses(Bare()) == pytest.approx(EXPECTED)
    with pytest.raises(NotImplementedError, match="num_batches"):
        _ = keras.utils.PyDataset().num_batches


PROGRAM = """
import os
import numpy as np
from graphflow import keras


class Data(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.full((2, 1), index, np.float32), np.full((2, 1), os.getpid(), np.float64)


if __name__ == "__main__":
    enqueuer = keras.utils.OrderedEnqueuer(Data(), use_multiprocessing=True)
    enqueuer.start(workers=1, max_queue_size=3)
    batches = enqueuer.get()
    first = [next(batches) for _ in range(8)]
    enqueuer.stop()
    assert [int(x[0, 0]) for x, _ in first] == [0, 1, 2, 3] * 2
    assert os.getpid() not in {int(y[0, 0]) for _, y in first}
"""


@pytest.mark.parametrize("guarded", [True, False])
def test_processes_that_read_the_data(tmp_path: Path, guarded: bool) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM if guarded else PROGRAM.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run([sys.executable, str(program)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                          capture_output=True, text=True, timeout=100)
    assert (done.returncode == 0) is guarded, done.stderr
    if not guarded:
        assert "must keep what it runs under" in done.stderr


@pytest.mark.parametrize(("source", "error", "message"), [
    (lambda: line().fit(Batches(), Y), ValueError, "`y` must come with the batches when `x` is a Batches"),
    (lambda: line().fit(Batches(), sample_weight=np.ones(3)), ValueError, "`sample_weight` must come with"),
    (lambda: line().fit(X, Y, steps_per_epoch=0), ValueError, "number of steps must be positive. Received: 0"),
    (lambda: line().fit(iter([None])), ValueError, r"Batches must be arrays.*Received: None of type"),
    (lambda: line().fit(iter([(X, Y, Y, Y)])), ValueError, "found: 4 members"),
    (lambda: line().fit(iter([(X, Y[:3])])), ValueError, "Data cardinality is ambiguous.*12.*3"),
    (lambda: line().fit(X, Y, epoch=3), TypeError, r"fit takes no \['epoch'\]"),
    (lambda: line().compile("sgd", "mse", steps_per_execution=0), ValueError, "steps_per_execution.*Received: 0"),
])
def test_errors(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        source()


def test_predictions_are_written_as_they_come() -> None:
    """Neither the inputs of all batches nor the outputs of more than one are held beside the result."""
    import weakref
    alive: list[Any] = []

    def batches() -> Iterator[Any]:
        for _ in range(6):
            batch = np.ones((4, 2), np.float32)
            alive.append(weakref.ref(batch))
            assert sum(ref() is not None for ref in alive) <= 2
            yield batch
    assert line().predict(batches(), verbose=0).shape == (24, 1)


def test_the_old_name_of_epochs() -> None:
    with pytest.warns(DeprecationWarning, match="nb_epoch"):
        assert line().fit(X, Y, nb_epoch=3, verbose=0).epoch == [0, 1, 2]
