"""Data sets, downloads and the helpers on arrays."""
from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphflow import keras
from graphflow.keras.datasets import mnist


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(mnist, "SHA256", None)
    return tmp_path / "home"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """(the address, the folder) of a web server."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", folder
        running.shutdown()


def fake_mnist(path: Path, **changes: Any) -> None:
    arrays: dict[str, Any] = {"x_train": np.zeros((6, 28, 28), np.uint8), "y_train": np.zeros(6, np.uint8),
                              "x_test": np.ones((2, 28, 28), np.uint8), "y_test": np.ones(2, np.uint8)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        np.savez(out, **{k: v for k, v in (arrays | changes).items() if v is not None})


def test_digits() -> None:
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    assert (x_train.shape, x_test.shape) == ((1442, 8, 8), (355, 8, 8))
    assert x_train.dtype == y_train.dtype == np.uint8
    assert x_train.max() == 16 and set(y_test) == set(range(10))
    assert np.bincount(y_test).min() >= 30
    rows = {x.tobytes() for x in x_train} & {x.tobytes() for x in x_test}
    assert not rows


def test_digits_are_learned() -> None:
    keras.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    model = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(64, activation="relu"),
                              keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train / 16, y_train, epochs=20, verbose=0)
    assert model.evaluate(x_test / 16, y_test, verbose=0)[1] > 0.96


def test_mnist_from_the_cache_folder(home: Path) -> None:
    fake_mnist(home / "datasets" / "mnist.npz")
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((6, 28, 28), (6,), (2, 28, 28), (2,))


@pytest.mark.parametrize("changes", [{"x_test": None}, {"x_train": np.zeros((6, 3, 3))}, {"y_train": np.zeros(5)},
                                     {"y_test": np.array([object()])}])
def test_a_file_that_is_not_mnist(home: Path, changes: dict[str, Any]) -> None:
    fake_mnist(home / "datasets" / "mnist.npz", **changes)
    with pytest.raises(OSError, match=r"mnist\.npz is .*not an MNIST file"):
        mnist.load_data()


def test_a_damaged_mnist_file(home: Path) -> None:
    path = home / "datasets" / "mnist.npz"
    fake_mnist(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(OSError, match="damaged or not an MNIST file"):
        mnist.load_data()


def test_offline_names_the_file_and_where_to_put_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "ORIGIN", "http://127.0.0.1:9/mnist.npz")
    with pytest.raises(OSError) as error:
        mnist.load_data()
    assert f"put the file at {home / 'datasets' / 'mnist.npz'}" in str(error.value)
    assert not list(home.rglob("*.npz")) and not list(home.rglob("*.tmp"))


def test_download(home: Path, server: tuple[str, Path], capsys: Any) -> None:
    address, folder = server
    data = bytes(range(256)) * 1000
    (folder / "data.bin").write_bytes(data)
    path = keras.utils.get_file("data.bin", f"{address}/data.bin", file_hash=hashlib.sha256(data).hexdigest())
    assert path == str(home / "datasets" / "data.bin")
    assert Path(path).read_bytes() == data
    assert "Downloading data from" in capsys.readouterr().out
    (folder / "data.bin").unlink()
    assert keras.utils.get_file("data.bin", f"{address}/data.bin") == path


def test_a_download_with_another_hash_is_not_kept(home: Path, server: tuple[str, Path]) -> None:
    address, folder = server
    (folder / "data.bin").write_bytes(b"other")
    with pytest.raises(ValueError, match="corrupted file detected. The sha256"):
        keras.utils.get_file("data.bin", f"{address}/data.bin", file_hash="0" * 64)
    with pytest.raises(OSError, match="Cannot download .*none.bin"):
        keras.utils.get_file("none.bin", f"{address}/none.bin")
    assert not [p for p in home.rglob("*") if p.is_file()]


@pytest.mark.parametrize("name", ["../x.npz", "/tmp/x.npz", "a/../../x"])
def test_names_that_leave_the_cache_folder(home: Path, name: str) -> None:
    with pytest.raises(ValueError, match="stay within the cache folder"):
        keras.utils.get_file(name, "http://127.0.0.1:9/x")


def test_to_categorical() -> None:
    np.testing.assert_array_equal(keras.utils.to_categorical([0, 2, 1]), np.eye(3)[[0, 2, 1]])
    assert keras.utils.to_categorical([[1], [0]], 4).shape == (2, 4)
    assert keras.utils.to_categorical(np.zeros((2, 3), int), 5).shape == (2, 3, 5)
    with pytest.raises(ValueError, match=r"label 3 is not in \[0, 3\)"):
        keras.utils.to_categorical([3], 3)


def test_normalize() -> None:
    np.testing.assert_allclose(keras.utils.normalize(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])
