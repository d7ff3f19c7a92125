"""keras.preprocessing: texts, sequences and images, with the numbers and random draws of Keras."""
from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphflow import keras
from graphflow.keras.preprocessing import image, sequence, text

TEXTS = ["The cat sat, on the mat!", "a cat"]


def test_tokenizer() -> None:
    tokenizer = text.Tokenizer(num_words=5, oov_token="<o>")
    tokenizer.fit_on_texts(TEXTS)
    assert tokenizer.word_index == {"<o>": 1, "the": 2, "cat": 3, "sat": 4, "on": 5, "mat": 6, "a": 7}
    assert tokenizer.texts_to_sequences(["the cat sat on a dog"]) == [[2, 3, 4, 1, 1, 1]]
    assert tokenizer.sequences_to_texts([[2, 3, 6, 99]]) == ["the cat <o> <o>"]
    np.testing.assert_allclose(tokenizer.texts_to_matrix(["the cat the"], "tfidf"), [[0, 0, 1.1736, 0.5108, 0]],
                               atol=1e-4)
    np.testing.assert_array_equal(tokenizer.texts_to_matrix(["the cat the"], "count"), [[0, 0, 2, 1, 0]])
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.get_config() == tokenizer.get_config() and again.texts_to_sequences(TEXTS) == [[2, 3, 4, 1, 2, 1],
                                                                                                [1, 3]]
    with pytest.raises(ValueError, match="Unknown vectorization mode"):
        tokenizer.texts_to_matrix(TEXTS, "none")
    with pytest.raises(ValueError, match="fit on some text data"):
        text.Tokenizer().texts_to_matrix(TEXTS)


def test_tokenizer_of_characters_and_lists() -> None:
    letters = text.Tokenizer(char_level=True, lower=False)
    letters.fit_on_texts(["Aab"])
    assert letters.word_index == {"A": 1, "a": 2, "b": 3}
    lists = text.Tokenizer()
    lists.fit_on_texts([["One", "two"], ["two"]])
    assert lists.texts_to_sequences([["TWO", "one", "three"]]) == [[1, 2]]
    lists.fit_on_sequences([[1, 1], [2]])
    assert lists.document_count == 4


def test_hashing() -> None:
    assert text.text_to_word_sequence("Hello, big  World!") == ["hello", "big", "world"]
    assert text.text_to_word_sequence("a_b-c", filters="-", split="_") == ["a", "b", "c"]
    assert text.hashing_trick("the cat the dog", 20, "md5") == [17, 4, 17, 17]
    assert all(1 <= i < 20 for i in text.one_hot("the cat the dog", 20))


def test_pad_sequences() -> None:
    rows = [[1], [2, 3], [4, 5, 6]]
    np.testing.assert_array_equal(sequence.pad_sequences(rows), [[0, 0, 1], [0, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(sequence.pad_sequences(rows, 2, padding="post", truncating="post", value=9),
                                  [[1, 9], [2, 3], [4, 5]])
    assert keras.utils.pad_sequences([[[1, 2]], []], dtype="float32").shape == (2, 1, 2)
    for arguments, message in ((([1, 2],), "list of iterables"), ((rows, 2, "int32", "mid"), "Padding type"),
                               ((rows, 2, "int32", "pre", "pre", "x"), "not compatible")):
        with pytest.raises(ValueError, match=message):
            sequence.pad_sequences(*arguments)  # type: ignore[arg-type]


def test_skipgrams_are_drawn_as_in_keras() -> None:
    random.seed(5)
    assert sequence.skipgrams([1, 2, 0, 3], 10, window_size=1, seed=7) == (
        [[2, 9], [2, 1], [1, 2], [1, 6]], [0, 1, 1, 0])
    np.testing.assert_allclose(sequence.make_sampling_table(4), [0.00315225, 0.00315225, 0.00547597, 0.00741556],
                               rtol=1e-5)


def test_timeseries_generator() -> None:
    data = np.arange(20).reshape(10, 2)
    windows = sequence.TimeseriesGenerator(data, data[:, 0], length=4, sampling_rate=2, stride=2, batch_size=2)
    assert len(windows) == 2
    x, y = windows[1]
    np.testing.assert_array_equal(x[..., 0], [[8, 12]])
    np.testing.assert_array_equal(y, [16])
    again = sequence.timeseries_generator_from_json(windows.to_json())
    assert again.start_index == 8 and again.stride == 2
    with pytest.raises(ValueError, match="no part of the sequence"):
        sequence.TimeseriesGenerator(data, data, length=10)


def test_affine_transform_and_random_amounts() -> None:
    pytest.importorskip("scipy")
    x = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
    moved = image.apply_affine_transform(x, theta=30, tx=1, shear=10, zx=0.8, zy=1.2)
    np.testing.assert_allclose(moved[:, :, 0], [[7.705, 14.053, 18.853, 23.653], [16.422, 23.3, 29.884, 34.684],
                                                [25.139, 32.017, 38.896, 45], [33.856, 38.588, 40.666, 42.745]],
                               atol=1e-3)
    generator = image.ImageDataGenerator(
        rotation_range=20, width_shift_range=0.2, height_shift_range=0.1, shear_range=5, zoom_range=0.2,
        horizontal_flip=True, channel_shift_range=3, brightness_range=(0.5, 1.5))
    drawn = generator.get_random_transform((4, 4, 3), seed=3)
    expected = {"theta": 2.03192, "tx": 0.16652, "ty": -0.33455, "shear": 0.10828, "zx": 1.15718, "zy": 1.15852,
                "flip_horizontal": 1, "flip_vertical": 0, "channel_shift_intensity": -2.6912, "brightness": 0.94081}
    assert {k: pytest.approx(v, abs=1e-5) for k, v in expected.items()} == drawn
    assert generator.apply_transform(x, drawn).shape == x.shape
    shifted = image.random_shift(x.transpose(2, 0, 1), 0.3, 0.2)
    assert shifted.shape == (3, 4, 4)


def test_standardized_by_what_fit_learned() -> None:
    x = np.arange(96, dtype=np.float32).reshape(2, 4, 4, 3) ** 1.5
    generator = image.ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True, rescale=0.5)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        generator.standardize(x[0].copy())
    generator.fit(x)
    np.testing.assert_allclose(generator.mean.ravel(), [180.8277, 185.652, 190.553], rtol=1e-5)
    np.testing.assert_allclose(generator.standardize(x[0].copy())[0, 0], [-1.30517, -1.32051, -1.33344], rtol=1e-4)
    pytest.importorskip("scipy")
    noise = np.random.RandomState(0).rand(30, 2, 2, 1).astype(np.float32)
    with pytest.warns(UserWarning, match="overrides setting of `featurewise_center`"):
        whitening = image.ImageDataGenerator(zca_whitening=True)
    whitening.fit(noise)
    np.testing.assert_allclose(whitening.standardize(noise[0].copy()).ravel(), [0.20086, 0.9545, 0.49567, -0.01963],
                               atol=1e-4)


def test_batches_of_arrays_come_in_keras_order() -> None:
    batches = image.ImageDataGenerator().flow(np.zeros((6, 2, 2, 1)), np.arange(6), batch_size=4, seed=1)
    assert [next(batches)[1].tolist() for _ in range(4)] == [[2, 1, 4, 0], [3, 5], [3, 5, 4, 1], [0, 2]]
    assert batches[1][1].tolist() == [0, 2] and len(batches) == 2
    assert pickle.loads(pickle.dumps(batches))[1][1].tolist() == [0, 2]
    model = keras.Sequential([keras.layers.Flatten(input_shape=(2, 2, 1)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(batches, epochs=3, verbose=0).history["loss"]) == 3  # they never end, and have a length
    x, y, weights = next(image.ImageDataGenerator(validation_split=0.5).flow(
        np.arange(16.0).reshape(4, 2, 2, 1), [1, 2, 1, 2], sample_weight=np.arange(4), subset="validation",
        shuffle=False))
    assert x.ravel().tolist() == list(range(8)) and y.tolist() == [1, 2] and weights.tolist() == [0, 1]
    with pytest.raises(ValueError, match="rank 4"):
        image.ImageDataGenerator().flow(np.zeros((2, 2)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("PIL")
    for name, value in (("a", 10), ("b", 200)):
        (tmp_path / name / "inner").mkdir(parents=True)
        for i in range(2):
            image.save_img(tmp_path / name / f"{i}.png", np.full((4, 5, 3), value + i), scale=False)
        image.save_img(tmp_path / name / "inner" / "2.png", np.full((4, 5, 3), value + 2), scale=False)
    return tmp_path


def test_files(folder: Path) -> None:
    loaded = image.img_to_array(image.load_img(folder / "a" / "0.png", color_mode="grayscale", target_size=(2, 3)))
    assert loaded.shape == (2, 3, 1) and set(loaded.ravel()) == {10.0}
    assert image.array_to_img(np.arange(12.0).reshape(2, 2, 3)).getpixel((1, 1)) == (208, 231, 255)
    with pytest.raises(ValueError, match="Invalid interpolation"):
        image.load_img(folder / "a" / "0.png", target_size=(2, 2), interpolation="none")
    with pytest.raises(ValueError, match="Unsupported channel number: 2"):
        image.array_to_img(np.zeros((2, 2, 2)))


def test_smart_resize() -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 6, 1)
    np.testing.assert_allclose(image.smart_resize(x, (2, 2))[..., 0], [[4.5, 6.5], [16.5, 18.5]])
    tensor = image.smart_resize(keras.ops.convert_to_tensor(x), (2, 2))
    np.testing.assert_allclose(keras.backend.eval(tensor)[..., 0], [[4.5, 6.5], [16.5, 18.5]])
    assert image.smart_resize(x, (3, 3), interpolation="nearest")[..., 0].tolist() == [
        [1, 3, 4], [13, 15, 16], [19, 21, 22]]


@pytest.mark.parametrize(("mode", "labels"), [("categorical", [[1, 0], [0, 1]]), ("binary", [0, 1]), ("input", None)])
def test_batches_of_a_folder(folder: Path, mode: str, labels: Any) -> None:
    generator = image.ImageDataGenerator(validation_split=0.34, rescale=0.1)
    batches = generator.flow_from_directory(folder, target_size=(4, 5), class_mode=mode, batch_size=6, shuffle=False,
                                            subset="validation")
    assert batches.class_indices == {"a": 0, "b": 1} and batches.samples == 2
    assert [Path(p).name for p in batches.filepaths] == ["0.png", "0.png"]
    x, y = next(batches)
    np.testing.assert_allclose(x[:, 0, 0, 0], [1, 20], rtol=1e-6)
    np.testing.assert_array_equal(y, x if labels is None else labels)


def test_batches_of_a_data_frame(folder: Path, capsys: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"filename": ["a/0.png", "b/1.png", "c/none.png"], "class": ["x", "y", "x"],
                              "value": [1.0, 2.0, 3.0]})
    generator = image.ImageDataGenerator()
    with pytest.warns(UserWarning, match="1 invalid image filename"):
        batches = generator.flow_from_dataframe(frame, folder, target_size=(4, 5), shuffle=False)
    x, y = next(batches)
    assert x[:, 0, 0, 0].tolist() == [10, 201] and y.tolist() == [[1, 0], [0, 1]]
    assert "Found 2 validated image filenames belonging to 2 classes." in capsys.readouterr().out
    values = generator.flow_from_dataframe(frame[:2], folder, y_col="value", class_mode="raw", shuffle=False)
    assert next(values)[1].tolist() == [1.0, 2.0]
