"""Data sets in Keras's file formats, archives, and data sets of files and windows."""
from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import tarfile
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphflow import keras
from graphflow.keras.datasets import pickled


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder; there is no network."""
    def refuse(*arguments: Any) -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("graphflow.keras.utils.io_utils._download", refuse)
    (tmp_path / "home" / "datasets").mkdir(parents=True)
    return tmp_path / "home" / "datasets"


def lists(*rows: list[int]) -> np.ndarray:
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


@pytest.mark.filterwarnings("ignore:.*has not the expected")
def test_imdb_and_reuters(home: Path) -> None:
    rows = lists([1, 20, 3], [4], [5, 6], [7, 8, 9, 10])
    np.savez(home / "imdb.npz", x_train=rows, y_train=np.arange(4), x_test=rows, y_test=np.arange(4))
    (x, y), (x_test, y_test) = keras.datasets.imdb.load_data(seed=1)
    assert x.dtype == object and x.tolist() == [[1, 10, 11, 12, 13], [1, 8, 9], [1, 4, 2, 6], [1, 7]]
    assert y.tolist() == [3, 2, 0, 1] and sorted(y_test) == [0, 1, 2, 3]
    (x, y), _ = keras.datasets.imdb.load_data(num_words=12, skip_top=5, maxlen=4, oov_char=None, seed=1)
    assert x.tolist() == [[8, 9], [7]] and y.tolist() == [2, 1]
    with pytest.raises(ValueError, match="no sequence was kept"):
        keras.datasets.imdb.load_data(maxlen=1)
    np.savez(home / "reuters.npz", x=rows, y=np.arange(4))
    (x, y), (x_test, y_test) = keras.datasets.reuters.load_data(test_split=0.5, start_char=None, index_from=0)
    assert len(x) == len(x_test) == 2 and sorted([*y, *y_test]) == [0, 1, 2, 3]
    assert keras.datasets.reuters.get_label_names()[3] == "earn" and len(keras.datasets.reuters.get_label_names()) == 46


@pytest.mark.filterwarnings("ignore:.*has not the expected")
def test_housing(home: Path) -> None:
    np.savez(home / "california_housing.npz", x=np.arange(5600.0).reshape(700, 8), y=np.arange(700.0))
    (x, y), (x_test, _) = keras.datasets.california_housing.load_data("small", test_split=0.25)
    assert x.shape == (450, 8) and x_test.shape == (150, 8) and (x[:, 0] == 8 * y).all() and y.max() < 600
    with pytest.raises(ValueError, match="between 0 and 1"):
        keras.datasets.boston_housing.load_data(test_split=1)


@pytest.mark.filterwarnings("ignore:.*has not the expected")
def test_cifar_and_fashion(home: Path) -> None:
    def batch(count: int, *keys: bytes) -> bytes:
        content: dict[bytes, Any] = {b"data": np.arange(count * 3072).reshape(count, 3072).astype(np.uint8)}
        return pickle.dumps(content | {key: list(range(count)) for key in keys}, 2)

    names = {**{f"data_batch_{i}": batch(2, b"labels") for i in range(1, 6)}, "test_batch": batch(1, b"labels")}
    pack(home / "cifar-10-batches-py-target_archive", {f"cifar-10-batches-py/{k}": v for k, v in names.items()})
    (x, y), (x_test, y_test) = keras.datasets.cifar10.load_data()
    assert (x.shape, x.dtype, y.tolist()) == ((10, 32, 32, 3), np.uint8, [[0], [1]] * 5)
    assert x[0, 0, 5].tolist() == [5, 5, 5] and x_test.shape == (1, 32, 32, 3) and y_test.dtype == np.uint8
    fine = {f"cifar-100-python/{k}": batch(2, b"fine_labels", b"coarse_labels") for k in ("train", "test")}
    pack(home / "cifar-100-python-target_archive", fine)
    assert keras.datasets.cifar100.load_data("coarse")[0][1].tolist() == [[0], [1]]
    (home / "fashion-mnist").mkdir()
    for name in ("train", "t10k"):
        with gzip.open(home / "fashion-mnist" / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">4i", 2051, 2, 28, 28) + bytes(2 * 784))
        with gzip.open(home / "fashion-mnist" / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">2i", 2049, 2) + bytes([7, 8]))
    (x, y), _ = keras.datasets.fashion_mnist.load_data()
    assert x.shape == (2, 28, 28) and y.tolist() == [7, 8]


def pack(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("data", [
    b"cos\nsystem\n(S'exit'\ntR.", b"cbuiltins\neval\n(S'1'\ntR.", b"cnumpy\nload\n(S'x'\ntR.",
    pickle.dumps(np.array([{1: 2}], object), 2), pickle.dumps(np.float64(1), 2), b"\x80\x02}q\x00(U\x04da",
    pickle.dumps(lists([1], [2]), 2).replace(b"K\x02\x85", b"K\x09\x85"),
])
def test_pickles_that_say_anything_else_are_refused(data: bytes) -> None:
    with pytest.raises(OSError, match="damaged, or not a file of this data set"):
        pickled.load(data, "file")


def test_nothing_is_unpacked_outside_the_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, kind, target in (("../up.txt", tarfile.REGTYPE, ""), ("/tmp/abs.txt", tarfile.REGTYPE, ""),
                                   ("link", tarfile.SYMTYPE, str(tmp_path)), ("link/in.txt", tarfile.REGTYPE, ""),
                                   ("hard", tarfile.LNKTYPE, "../secret"), ("pipe", tarfile.FIFOTYPE, ""),
                                   ("a/good.txt", tarfile.REGTYPE, "")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    with pytest.warns(UserWarning, match="during archive extraction") as caught:
        assert keras.utils.extract_archive(tmp_path / "x.tar", tmp_path / "out")
    assert len(caught) == 5
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir())
    assert found == ["out/a/good.txt", "out/link/in.txt", "x.tar"]
    assert not (tmp_path / "out" / "link").is_symlink()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("../up.txt", b"")
        packed.writestr("b/good.txt", b"good")
    with pytest.warns(UserWarning, match="Skipping invalid path"):
        assert keras.utils.extract_archive(tmp_path / "x.zip", tmp_path / "out")
    assert (tmp_path / "out" / "b" / "good.txt").read_bytes() == b"good" and not (tmp_path / "up.txt").exists()
    assert not keras.utils.extract_archive(tmp_path / "out" / "b" / "good.txt", tmp_path / "none")


def test_get_file_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    pack(tmp_path / "data.tar.gz", {"text.txt": b"hello"})
    origin = (tmp_path / "data.tar.gz").as_uri()
    assert Path(keras.utils.get_file(origin=origin, extract=True), "text.txt").read_bytes() == b"hello"
    folder = keras.utils.get_file("words.tar.gz", origin, extract=True, cache_subdir="more")
    assert folder == str(tmp_path / "more" / "words_extracted") and os.listdir(folder) == ["text.txt"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    pytest.importorskip("PIL")
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        for i in range(3):
            pixels = np.full((6, 8, 3), 40 * i + 100 * number)
            keras.utils.save_img(tmp_path / name / f"{i}.png", pixels, scale=False)
            (tmp_path / name / f"{i}.txt").write_text(f"{name}{i} text")
            with wave.open(str(tmp_path / name / f"{i}.wav"), "wb") as sound:
                sound.setparams((1, 2, 8000, 0, "NONE", ""))
                sound.writeframes(np.full(2 + i, 16384, "<i2").tobytes())
    return tmp_path


def test_data_sets_of_files(tree: Path, capsys: Any) -> None:
    images = keras.utils.image_dataset_from_directory(tree, image_size=(3, 4), batch_size=4, shuffle=False,
                                                      label_mode="categorical")
    assert "Found 6 files belonging to 2 classes." in capsys.readouterr().out
    assert images.class_names == ["a", "b"] and len(images.file_paths) == 6
    (x, y), (rest, _) = list(images)
    assert x.shape == (4, 3, 4, 3) and x.dtype == np.float32 and x[:, 0, 0, 0].tolist() == [0, 40, 80, 100]
    assert y.tolist() == [[1, 0]] * 3 + [[0, 1]] and len(rest) == 2
    assert x[1].numpy().shape == (3, 4, 3) and y[0, 0].numpy() == 1  # as TensorFlow 2's programs look at them
    training, held = keras.utils.image_dataset_from_directory(
        tree, image_size=(3, 4), validation_split=0.34, subset="both", seed=3, label_mode="binary", verbose=False)
    assert len(training.file_paths) == 4 and not {*training.file_paths} & {*held.file_paths}
    assert next(iter(held))[1].shape == (2, 1)
    texts = keras.utils.text_dataset_from_directory(tree, batch_size=None, max_length=2, shuffle=False, labels=None)
    assert [t.item() if hasattr(t, "item") else t for t in texts] == [b"a0", b"a1", b"a2", b"b0", b"b1", b"b2"]
    sounds = keras.utils.audio_dataset_from_directory(tree, batch_size=3, shuffle=False)
    x, y = next(iter(sounds))
    assert x[..., 0].tolist() == [[0.5, 0.5, 0, 0], [0.5, 0.5, 0.5, 0], [0.5] * 4] and y.tolist() == [0, 0, 0]
    for arguments, message in (({"subset": "training"}, "must be set"), ({"label_mode": "x"}, "label_mode"),
                               ({"labels": [1]}, "number of files"), ({"class_names": ["c"]}, "did not match")):
        with pytest.raises(ValueError, match=message):
            keras.utils.text_dataset_from_directory(tree, **arguments)


def test_windows_of_a_series() -> None:
    data = np.arange(20.0).reshape(10, 2)
    windows = keras.utils.timeseries_dataset_from_array(data, np.arange(10), 3, sequence_stride=2, sampling_rate=2,
                                                        start_index=1, batch_size=2)
    (x, y), (last, _) = list(windows)
    assert x[..., 0].tolist() == [[2, 6, 10], [6, 10, 14]] and y.tolist() == [1, 3] and len(last) == 1
    assert len(list(keras.utils.timeseries_dataset_from_array(data, None, 9))) == 1
    with pytest.raises(ValueError, match="sampling_rate"):
        keras.utils.timeseries_dataset_from_array(data, None, 3, sampling_rate=0)


def test_split_dataset() -> None:
    left, right = keras.utils.split_dataset((np.arange(10), np.arange(10) * 2), left_size=0.7)
    assert [(int(a), int(b)) for a, b in right] == [(7, 14), (8, 16), (9, 18)] and len(list(left)) == 7
    with pytest.raises(ValueError, match="`left_size`"):
        keras.utils.split_dataset(np.arange(10), left_size=10)
    with pytest.raises(TypeError, match="`right_size`"):
        keras.utils.split_dataset(np.arange(10), right_size="1")  # type: ignore[arg-type]


def test_boxes() -> None:
    boxes = keras.utils.bounding_boxes
    first, second = np.array([[0.0, 0, 4, 4], [2, 2, 6, 6]]), np.array([[0.0, 0, 2, 4]])
    run = keras.backend.eval
    np.testing.assert_allclose(run(boxes.compute_iou(first, second, "xyxy")), [[0.5], [0]], rtol=1e-5)
    np.testing.assert_allclose(run(boxes.compute_ciou(first[:1], second, "xyxy")), [0.4655], rtol=1e-3)
    deltas = boxes.encode_box_to_deltas(first[:1], second, "xyxy", "xyxy", variance=[0.1, 0.1, 0.2, 0.2])
    np.testing.assert_allclose(run(deltas), [[0, -2.5, 0, np.log(0.5) / 0.2]], atol=1e-5)
    back = boxes.decode_deltas_to_boxes(first[:1], deltas, "xyxy", "xyxy", variance=[0.1, 0.1, 0.2, 0.2])
    np.testing.assert_allclose(run(back), second, atol=1e-5)


def test_small_helpers() -> None:
    utils = keras.utils
    assert utils.to_ordinal([0, 2, 1], 3).tolist() == [[0, 0], [1, 1], [1, 0]]
    assert utils.pack_x_y_sample_weight(1, 2) == (1, 2) and utils.pack_x_y_sample_weight([1]) == ([1],)
    assert utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None)
    settings = utils.Config(rate=1)
    settings.name = "x"
    settings.freeze()
    with pytest.raises(ValueError, match="frozen"):
        settings.rate = 2
    with pytest.raises(AttributeError, match="Did you mean 'rate'"):
        _ = settings.rat
    one, two = keras.Input((2,)), keras.Input((2,))
    assert utils.get_source_inputs(keras.layers.Add()([one, keras.layers.ReLU()(two)])) == [one, two]
