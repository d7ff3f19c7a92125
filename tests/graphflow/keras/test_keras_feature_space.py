"""keras.utils.FeatureSpace, against what Keras 3.15 gave for the same data."""
import numpy as np
import pytest

from graphflow import data as tf_data
from graphflow import keras
from graphflow.keras.utils import FeatureSpace

COLUMNS = {"f": np.array([1.5, 2.5, -1.0, 0.5], np.float32), "n": np.array([0.0, 2.0, 4.0, 2.0], np.float32),
           "i": np.array([3, 7, 3, 3]), "s": np.array(["a", "b", "a", "a"])}


def test_columns_become_one_vector_and_files_keep_what_was_learnt(tmp_path):
    space = FeatureSpace({"f": "float", "n": FeatureSpace.float_normalized(), "i": "integer_categorical",
                          "s": FeatureSpace.string_categorical(num_oov_indices=1)}, crosses=[("i", "s")],
                         crossing_dim=4)
    with pytest.raises(ValueError, match="adapt"):
        space(COLUMNS)
    space.adapt(tf_data.Dataset.from_tensor_slices(COLUMNS))
    rows = keras.backend.eval(space({**COLUMNS, "s": np.array(["a", "b", "zz", "b"])}))
    spread = np.sqrt(2)  # f, i (unknown, 3, 7), n, s (unknown, a, b), i x s
    expected = [[1.5, 0, 1, 0, -spread, 0, 1, 0], [2.5, 0, 0, 1, 0, 0, 0, 1],
                [-1, 0, 1, 0, spread, 1, 0, 0], [0.5, 0, 1, 0, 0, 0, 0, 1]]
    np.testing.assert_allclose(rows[:, :8], expected, 1e-5)
    assert rows.shape == (4, 12) and (rows[:, 8:].sum(1) == 1).all()
    path = tmp_path / "space.keras"
    space.save(path)
    again = keras.models.load_model(path)
    single = {key: column[1] for key, column in COLUMNS.items()}
    np.testing.assert_array_equal(keras.backend.eval(again(single)), rows[1])


def test_texts_of_different_lengths_are_learnt_whole():
    space = FeatureSpace({"job": "string_categorical"})
    space.adapt(tf_data.Dataset.from_tensor_slices({"job": ["cook", "pilot"]}))
    assert space.preprocessors["job"].get_vocabulary() == ["[UNK]", "pilot", "cook"]


def test_a_model_starts_with_it():
    space = FeatureSpace({"i": FeatureSpace.integer_categorical(output_mode="int"), "d": FeatureSpace.float_discretized(
        num_bins=2, output_mode="int")}, crosses=[FeatureSpace.cross(("i", "d"), 8, "int")], output_mode="dict")
    space.adapt({"i": [5, 5, 9], "d": [0.0, 1.0, 2.0]})
    assert sorted(space.get_encoded_features()) == ["d", "i", "i_X_d"]
    model = keras.Model(space.get_inputs(), space.get_encoded_features())
    found = model.predict({"i": np.array([[9], [5]]), "d": np.array([[2.0], [-1.0]])}, verbose=0)
    assert found["i"].ravel().tolist() == [2, 1] and found["d"].ravel().tolist() == [1, 0]


@pytest.mark.parametrize("arguments, message", [
    (dict(features={}), "cannot be None or empty"),
    (dict(features={"a": "words"}), "Invalid feature type"),
    (dict(features={"a": "float"}, crosses=[("a", "b")]), "unknown features"),
    (dict(features={"a": "float"}, output_mode="list"), "output_mode"),
])
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        FeatureSpace(**arguments)


def test_integers_are_not_concatenated():
    space = FeatureSpace({"i": FeatureSpace.integer_hashed(4, output_mode="int"), "f": "float"})
    with pytest.raises(ValueError, match="has not been encoded"):
        space.get_encoded_features()


def test_a_model_of_categories_takes_one_row():
    words = keras.Input((1,), dtype="string")
    encoded = keras.layers.CategoryEncoding(3, "multi_hot")(keras.layers.StringLookup(vocabulary=["a", "b"])(words))
    model = keras.Model(words, encoded)
    assert model.predict(np.array([["b"]], object), verbose=0).tolist() == [[0, 0, 1]]
