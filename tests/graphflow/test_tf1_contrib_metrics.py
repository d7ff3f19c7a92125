"""tf.contrib.metrics that tf.metrics has not; names that programs of 2019 find in tf.compat and tf.estimator."""
import numpy as np
import pytest

import graphflow as tf
from graphflow import aliases

metrics = tf.contrib.metrics


def streamed(metric, feeds):
    value, update = metric
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        for feed in feeds:
            updated = session.run(update, feed)
        np.testing.assert_allclose(updated, session.run(value))
        return updated


@pytest.fixture
def labels_and_predictions():
    return tf.placeholder(tf.int64, [None]), tf.placeholder(tf.float32, [None])


def test_rates_and_kappa(labels_and_predictions):
    y, p = labels_and_predictions
    feeds = [{y: [1, 0, 1], p: [1, 1, 0]}, {y: [0, 0, 1], p: [0, 0, 1]}]
    assert np.isclose(streamed(metrics.streaming_false_positive_rate(p, y), feeds), 1 / 3)
    assert np.isclose(streamed(metrics.streaming_false_negative_rate(p, y), feeds), 1 / 3)
    # agreement 4/6, by chance 1/2
    assert np.isclose(streamed(metrics.cohen_kappa(y, p, 2), feeds), (4 / 6 - 0.5) / 0.5)
    with pytest.raises(ValueError, match="num_classes"):
        metrics.cohen_kappa(y, p, 1)


def test_f1_is_the_best_over_thresholds(labels_and_predictions):
    y, p = labels_and_predictions
    feeds = [{y: [1, 0, 1], p: [0.9, 0.6, 0.7]}, {y: [0, 1], p: [0.2, 0.4]}]
    # at a threshold of 0.5, precision and recall are 2/3; below 0.4, precision 3/4 and recall 1
    assert np.isclose(streamed(metrics.f1_score(y, p, num_thresholds=21), feeds), 6 / 7, rtol=1e-5)


def test_concat():
    x = tf.placeholder(tf.int32, [None, 2])
    feeds = [{x: [[1, 2]]}, {x: [[3, 4], [5, 6]]}]
    assert streamed(metrics.streaming_concat(x), feeds).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert streamed(metrics.streaming_concat(x, max_size=2), feeds).tolist() == [[1, 2], [3, 4]]


def test_names():
    assert metrics.set_union is tf.sets.union
    assert tf.compat.dimension_value(tf.Dimension(3)) == 3
    assert tf.compat.dimension_at_index(tf.TensorShape([2, 3]), 1) == 3
    assert isinstance("a", tf.compat.bytes_or_text_types) and isinstance(np.int8(1), tf.compat.integral_types)
    assert tf.compat.forward_compatible(2019, 1, 1) and not tf.compat.forward_compatible(2030, 1, 1)
    assert issubclass(tf.estimator.CheckpointSaverHook, tf.estimator.SessionRunHook)
    assert tf.contrib.framework.invert_permutation is tf.invert_permutation
    x = tf.constant(1.0)
    assert tf.contrib.framework.get_graph_from_inputs([x]) is x.graph
    v = tf.Variable([1.0, 2.0])
    with tf.Session() as session:
        assert session.run(tf.contrib.framework.zero_initializer(v)).tolist() == [0, 0]


def test_modules_as_programs_import_them():
    assert aliases._resolve("tensorflow", "core.example.example_pb2").Example is tf.train.Example
    decoder = aliases._resolve("tensorflow", "contrib.seq2seq.python.ops.decoder")
    assert decoder._transpose_batch_time is tf.contrib.rnn.transpose_batch_time
    assert tf.compat.v2.nn.relu is tf.nn.relu
    for module, name, wanted in (
            ("python.pywrap_tensorflow", "NewCheckpointReader", tf.train.NewCheckpointReader),
            ("python.summary.writer.writer", "FileWriter", tf.summary.FileWriter),
            ("python.autograph", "to_graph", tf.autograph.to_graph),
            ("contrib.learn.python.learn.datasets.mnist", "read_data_sets",
             tf.contrib.learn.datasets.mnist.read_data_sets)):
        assert getattr(aliases._resolve("tensorflow", module), name) is wanted
    assert tf.keras.backend.tf is tf
    assert aliases._resolve("tensorflow", "contrib.seq2seq.LuongAttention") is None  # pydoc.locate asks for modules


def test_what_copies_of_dynamic_rnn_import():
    module = aliases._resolve("tensorflow", "python.ops.rnn_cell_impl")
    assert module._concat(3, [4, 5], static=True) == [3, 4, 5]
    assert module._concat(tf.Dimension(None), 4, static=True) == [None, 4]
    with tf.Session() as session:
        assert session.run(module._concat(tf.constant(3), [4, 5])).tolist() == [3, 4, 5]
        assert session.run(module._concat(tf.TensorShape([3]), tf.TensorShape([]))).tolist() == [3]
    rnn = aliases._resolve("tensorflow", "python.ops.rnn")
    assert rnn._best_effort_input_batch_size([tf.zeros([2, 3, 4])]) == 3
    assert rnn._infer_state_dtype(None, tf.zeros([2])) == tf.float32
