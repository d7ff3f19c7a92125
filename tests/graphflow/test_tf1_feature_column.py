"""tf.feature_column, and the ready-made estimators on top; the numbers are TensorFlow's."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf

fc = tf.feature_column


def features():
    return {"a": tf.constant([[1.0, 2.0], [3.0, 4.0]]), "s": tf.constant([["x", "y"], ["z", ""]]),
            "n": tf.constant([3, 7]), "q": tf.constant([["u"], ["v"]])}


def positions(array):
    return [np.flatnonzero(row).tolist() for row in array]


def test_columns():
    given = features()
    words = fc.categorical_column_with_vocabulary_list("s", ["x", "y", "w"], num_oov_buckets=2)
    ranges = fc.bucketized_column(fc.numeric_column("n"), [2, 5, 7])
    embedded = fc.embedding_column(words, 2, initializer=tf.constant_initializer(np.arange(10.0)))
    indicated = [ranges, *map(fc.indicator_column, (
        words, fc.categorical_column_with_hash_bucket("s", 10), fc.categorical_column_with_identity("n", 9),
        fc.crossed_column([ranges, "q"], 50)))]
    layer = fc.input_layer(given, [embedded, ranges, fc.numeric_column("a", shape=2)])
    hot = [fc.input_layer(given, [column]) for column in indicated]
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        found, one_hots = session.run([layer, hot])
    assert found[0].tolist() == [1, 2, 0, 1, 0, 0, 1, 2] and found[1].tolist() == [3, 4, 0, 0, 0, 1, 8, 9]
    assert [positions(h) for h in one_hots] == [[[1], [3]], [[0, 1], [4]], [[0, 5], [7]], [[3], [7]], [[45], [47]]]
    assert tf.global_variables()[0].name == "input_layer/s_embedding/embedding_weights:0"


def test_linear_model_and_errors():
    given = features()
    weights: dict[object, object] = {}
    column = fc.numeric_column("a", shape=2)
    logits = fc.linear_model(given, [column], units=3, cols_to_vars=weights)
    assert logits.shape.as_list() == [2, 3] and weights[column][0].name == "linear_model/a/weights:0"
    with pytest.raises(ValueError, match="wrap a categorical column"):
        fc.input_layer(given, [fc.categorical_column_with_identity("n", 9)])
    with pytest.raises(ValueError, match="missing is not in features"):
        fc.input_layer(given, [fc.numeric_column("missing")])
    with pytest.raises(ValueError, match="sorted list"):
        fc.bucketized_column(column, [2, 1])
    spec = fc.make_parse_example_spec([column, fc.categorical_column_with_hash_bucket("s", 5)])
    assert sorted(spec) == ["a", "s"] and isinstance(spec["s"], tf.VarLenFeature)


def test_a_classifier_learns(tmp_path):
    x = np.linspace(-1, 1, 64).astype(np.float32)

    def examples():
        return tf.data.Dataset.from_tensor_slices(({"x": x}, (x > 0).astype(np.int64))).repeat(10).batch(32)

    model = tf.estimator.DNNLinearCombinedClassifier(
        str(tmp_path), linear_feature_columns=[fc.numeric_column("x")], dnn_feature_columns=[fc.numeric_column("x")],
        dnn_hidden_units=[4])
    model.train(examples)
    found = model.evaluate(examples, steps=2)
    assert found["accuracy"] > 0.9 and found["global_step"] == 20 and found["auc"] > 0.95
    first = next(model.predict(examples))
    assert first["classes"] == b"0" and set(first) == {"logits", "logistic", "probabilities", "class_ids", "classes"}
    assert "dnn/hiddenlayer_0/kernel" in model.get_variable_names()
