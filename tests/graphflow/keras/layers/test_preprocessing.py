"""Layers that prepare data, beside numbers of Keras 3.15."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graphflow.compiler.errors import InvalidArgumentError

from graphflow import keras

L = keras.layers
value = keras.backend.eval


def test_string_lookup() -> None:
    data = [["a", "c", "d"], ["d", "z", "b"]]
    np.testing.assert_array_equal(value(L.StringLookup(vocabulary=["a", "b", "c", "d"])(data)), [[1, 3, 4], [4, 0, 2]])
    learned = L.StringLookup()
    learned.adapt(data)
    assert learned.get_vocabulary() == ["[UNK]", "d", "z", "c", "b", "a"]
    hashed = L.StringLookup(vocabulary=["a", "b", "c", "d"], num_oov_indices=2)
    np.testing.assert_array_equal(value(hashed([["a", "c", "d"], ["m", "z", "b"]])), [[2, 4, 5], [0, 1, 3]])
    weighted = L.StringLookup(output_mode="tf_idf")
    weighted.set_vocabulary(["a", "b", "c", "d"], idf_weights=[0.25, 0.75, 0.6, 0.4])
    np.testing.assert_allclose(value(weighted([["a", "c", "d", "d"], ["d", "z", "b", "z"]])),
                               [[0, 0.25, 0, 0.6, 0.8], [1, 0, 0.75, 0, 0.4]])
    back = L.StringLookup(vocabulary=["a", "b", "c", "d"], invert=True)
    assert value(back([[1, 3, 4], [4, 0, 2]])).tolist() == [[b"a", b"c", b"d"], [b"d", b"[UNK]", b"b"]]


def test_integer_lookup_and_what_it_refuses() -> None:
    layer = L.IntegerLookup(vocabulary=[12, 36, 1138, 42], output_mode="multi_hot", num_oov_indices=2, mask_token=0)
    np.testing.assert_array_equal(value(layer([[12, 7, 42, 0]])), [[0, 1, 1, 0, 0, 1]])
    with pytest.raises(InvalidArgumentError, match="all inputs should be in vocabulary, found OOV values \\[5\\]"):
        value(L.IntegerLookup(vocabulary=[1, 2], num_oov_indices=0)([1, 5]))
    with pytest.raises(ValueError, match="at least one repeated term.*\\[3\\]"):
        L.IntegerLookup(vocabulary=[3, 1, 3])
    with pytest.raises(ValueError, match="Cannot adapt layer 'integer_lookup"):
        L.IntegerLookup(vocabulary=[1, 2]).adapt([1, 2])


def test_a_lookup_encodes_one_row_in_a_model() -> None:
    inputs = keras.Input((2,), dtype="int64")
    model = keras.Model(inputs, keras.layers.IntegerLookup(vocabulary=[10, 20, 30], output_mode="multi_hot")(inputs))
    np.testing.assert_array_equal(model.predict(np.array([[10, 20]]), verbose=0), [[0, 1, 1, 0]])


def test_text_in_a_model() -> None:
    layer = L.TextVectorization(max_tokens=6, output_sequence_length=4, ngrams=2)
    layer.adapt(["Foo bar!", "bar, baz", "bar"])
    assert layer.get_vocabulary() == ["", "[UNK]", "bar", "foo bar", "foo", "baz"]
    text = keras.Input((1,), dtype="string")
    model = keras.Model(text, L.Embedding(6, 2)(layer(text)))
    assert model.output_shape == (None, 4, 2)
    indices = keras.Model(text, layer(text)).predict(np.array([["Foo"], ["bar baz qux"]]), verbose=0)
    np.testing.assert_array_equal(indices, [[4, 0, 0, 0], [2, 5, 1, 1]])
    counts = L.TextVectorization(output_mode="count", vocabulary=["a", "b"], split="character")
    np.testing.assert_array_equal(value(counts(["abba", "c"])), [[0, 2, 2], [1, 0, 0]])


def test_normalization_learns_from_batches_what_it_learns_from_all() -> None:
    data = np.random.default_rng(0).normal(3.0, 2.0, (30, 4)).astype(np.float32)
    layers = [L.Normalization() for _ in range(2)]
    layers[0].adapt(data)
    layers[1].adapt(iter([data[:7], data[7:20], data[20:]]))
    for layer in layers:
        np.testing.assert_allclose(layer.mean.numpy(), data.mean(0, keepdims=True), rtol=1e-5)
        np.testing.assert_allclose(value(layer(data)).std(0), 1, rtol=1e-4)


def test_bins_and_hashes() -> None:
    learned = L.Discretization(num_bins=4, epsilon=0.01)
    learned.adapt(np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]))
    np.testing.assert_allclose(learned.bin_boundaries, [0.0, 0.5, 1.3], atol=0.6)
    given = L.Discretization(bin_boundaries=[0.0, 1.0, 2.0])
    np.testing.assert_array_equal(value(given([[-1.5, 1.0, 3.4, 0.5]])), [[0, 2, 3, 1]])
    words = [["A"], ["B"], ["C"], ["D"], ["E"]]
    np.testing.assert_array_equal(value(L.Hashing(num_bins=3)(words)), [[1], [0], [1], [1], [2]])
    np.testing.assert_array_equal(value(L.Hashing(num_bins=3, mask_value="")([["A"], ["B"], [""]])), [[1], [1], [0]])
    pairs = (np.array(["a", "b", "hello"]), np.array(["x", "y", "z"]))
    np.testing.assert_array_equal(value(L.HashedCrossing(1000)(pairs)), [892, 805, 388])
    np.testing.assert_array_equal(value(L.HashedCrossing(1000)(([1, 2, -3], [4, 5, 6]))), [725, 438, 156])


@pytest.mark.parametrize(("mode", "wanted"), [
    ("multi_hot", [[1, 1, 0, 0], [0, 0, 0, 1]]), ("count", [[1, 1, 0, 0], [0, 0, 0, 2]]),
    ("one_hot", [[[1, 0, 0, 0], [0, 1, 0, 0]], [[0, 0, 0, 1]] * 2])])
def test_categories(mode: str, wanted: Any) -> None:
    np.testing.assert_array_equal(value(L.CategoryEncoding(4, output_mode=mode)([[0, 1], [3, 3]])), wanted)


def test_images_with_their_boxes_and_masks() -> None:
    image = np.zeros((1, 6, 8, 1), np.float32)
    image[0, 1:3, 2:5] = 1
    data = {"images": image, "segmentation_masks": image.astype(np.uint8), "labels": np.ones((1, 2), np.float32),
            "bounding_boxes": {"boxes": np.array([[[2.0, 1.0, 5.0, 3.0]]], np.float32), "labels": np.array([[7]])}}
    moved = L.RandomTranslation((0.5, 0.5), (0.25, 0.25), fill_mode="constant", bounding_box_format="xyxy")(data)
    np.testing.assert_allclose(value(moved["images"])[0, 4:, 4:7], 1)
    np.testing.assert_array_equal(value(moved["segmentation_masks"]), value(moved["images"]).astype(np.uint8))
    np.testing.assert_allclose(value(moved["bounding_boxes"]["boxes"]), [[[4, 4, 7, 6]]], atol=1e-5)
    out = L.RandomTranslation((-1.0, -1.0), 0.0, fill_mode="constant", bounding_box_format="xyxy")(data)
    assert value(out["bounding_boxes"]["labels"]).tolist() == [[-1]]
    with pytest.raises(ValueError, match="didn't specify a bounding box format.*RandomFlip"):
        L.RandomFlip()(data)
    with pytest.raises(ValueError, match="`factor` argument of layer RandomRotation.*Received: factor=2"):
        L.RandomRotation(2)


def test_augmentation_in_training_only() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (2, 6, 5, 3)).astype(np.float32)
    layer = L.RandomBrightness((0.2, 0.2))
    np.testing.assert_allclose(value(layer(image)), np.clip(image + 51, 0, 255), rtol=1e-5)
    np.testing.assert_array_equal(value(layer(image, training=False)), image)
    assert value(L.RandomCrop(3, 2)(image)).shape == (2, 3, 2, 3)
    assert value(L.RandomCrop(3, 2)(image[0])).shape == (3, 2, 3)


def test_resized_by_areas() -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    layer = keras.layers.Resizing(2, 2, interpolation="area")
    model = keras.Sequential([keras.Input((3, 4, 1)), layer])
    np.testing.assert_allclose(model.predict(x, verbose=0).ravel(), [1.833333, 3.833333, 7.166667, 9.166667], rtol=1e-5)


@pytest.mark.parametrize(("mode", "given", "expected"), [
    ("int", (None, 4), (None, 4)), ("one_hot", (None, 1), (None, 3)), ("one_hot", (None, 4), (None, 4, 3)),
    ("multi_hot", (None, 4), (None, 3)), ("count", (2, 4), (2, 3))])
def test_shapes_of_hashes_whatever_is_masked(mode: str, given: tuple, expected: tuple) -> None:
    layer = keras.layers.Hashing(3, mask_value="", output_mode=mode)
    assert layer.compute_output_shape(given) == expected
