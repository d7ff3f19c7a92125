"""What public programs do that no single op's tests show."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib.learn.datasets import mnist_model


def test_dropout_takes_a_placeholder_without_a_shape():
    keep = tf.placeholder("float")
    kept = tf.nn.dropout(tf.ones([4, 50]), keep, seed=1)
    assert kept.shape.as_list() == [4, 50]
    with tf.Session() as session:
        assert session.run(kept, {keep: 1.0}).min() == 1
        assert set(np.unique(session.run(kept, {keep: 0.5}))) == {0, 2}


def test_a_nest_of_tensors_is_fed_as_one():
    state = (tf.placeholder(tf.float32, [2]), (tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])))
    total = state[0] * state[1][0] + state[1][1]
    with tf.Session() as session:
        assert session.run(total, {state: (np.ones(2), (2.0, 3.0))}).tolist() == [5, 5]
        with pytest.raises(ValueError, match="has 2 parts, received 1"):
            session.run(total, {state: (np.ones(2),)})


def test_assign_to_a_part_of_a_variable():
    variable = tf.Variable(tf.zeros([4]))
    change = tf.assign(ref=variable[1:3], value=[5.0, 6.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(change)
        assert session.run(variable).tolist() == [0, 5, 6, 0]


def test_dimensions_are_tensorflows():
    shape = tf.placeholder(tf.float32, [None, 3, 4]).get_shape()
    assert shape.dims[1].value == 3 and shape.dims[0].value is None and (shape[1] * shape[2]).value == 12
    assert shape.dims[1].is_compatible_with(None) and shape.dims[0].is_compatible_with(7)
    assert tf.TensorShape(None)[0].value is None
    with pytest.raises(ValueError, match="not compatible"):
        shape[1].assert_is_compatible_with(5)


def test_tensors_carry_what_programs_note_on_them():
    tensor = tf.zeros([2])
    tensor.aliases = ["scope/output"]
    assert tensor.aliases == ["scope/output"] and tf.test.TestCase.__test__ is False
    assert type("ProgramTest", (tf.test.TestCase,), {}).__test__


def test_the_tutorials_network_learns():
    images = np.random.RandomState(0).rand(20, 784).astype(np.float32)
    labels = np.arange(20) % 10
    logits = mnist_model.inference(tf.constant(images), 16, 8)
    loss = mnist_model.loss(logits, tf.constant(labels, tf.int32))
    step, right = mnist_model.training(loss, 0.1), mnist_model.evaluation(logits, labels)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run(loss)
        for _ in range(20):
            session.run(step)
        assert session.run(loss) < before and 0 <= session.run(right) <= 20


def test_projector_configurations_are_written(tmp_path):
    projector = tf.contrib.tensorboard.plugins.projector
    config = projector.ProjectorConfig()
    config.embeddings.add().tensor_name = "table"
    projector.visualize_embeddings(tf.summary.FileWriter(str(tmp_path)), config)
    assert 'tensor_name: "table"' in (tmp_path / "projector_config.pbtxt").read_text()


def test_lists_of_numpys_numbers_are_narrow():
    assert tf.constant([np.float64(1), 2.0]).dtype == tf.float32 and tf.constant([np.int64(1)]).dtype == tf.int32
    assert tf.constant(np.float64(1)).dtype == tf.float64 and tf.constant([np.int64(2**40)]).dtype == tf.int64


def test_k_means_finds_clusters():
    rows = np.concatenate([np.random.RandomState(0).randn(20, 2) * 0.1 + c for c in ([0, 0], [5, 5])]).astype("f")
    model = tf.contrib.factorization.KMeans(tf.constant(rows), 2, "kmeans_plus_plus", use_mini_batch=True,
                                            random_seed=3)
    _, index, scores, _, start, step = model.training_graph()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(start)
        for _ in range(10):
            session.run(step)
        found, far = session.run([index[0], scores[0]])
    assert (set(found[:20]), set(found[20:])) in (({0}, {1}), ({1}, {0})) and 0 <= far.min() <= far.max() < 1


def test_k_means_as_an_estimator(tmp_path):
    rows = np.concatenate([np.random.RandomState(0).randn(20, 2) * 0.1 + c for c in ([0, 0], [5, 5])]).astype("f")
    model = tf.contrib.factorization.KMeansClustering(2, str(tmp_path), "kmeans_plus_plus", use_mini_batch=False,
                                                      relative_tolerance=0.01)
    model.train(lambda: tf.train.limit_epochs(tf.constant(rows), 50))
    assert 0 < model.get_variable_value("global_step") < 10  # stopped by the tolerance

    def once():
        return tf.train.limit_epochs(tf.constant(rows), 1)

    near = model.cluster_centers()[list(model.predict_cluster_index(once))]
    assert abs(near - rows).max() < 0.5
    assert model.score(once) == pytest.approx(((near - rows) ** 2).sum(), rel=1e-3)
    distances = np.stack(list(model.transform(once)))
    np.testing.assert_allclose(distances.min(1), np.linalg.norm(near - rows, axis=1), atol=2e-3)


def test_the_gradient_of_a_filter_as_wide_as_its_input():
    rng = np.random.RandomState(0)
    x, w = tf.constant(rng.rand(2, 6, 5, 2)), tf.constant(rng.rand(3, 5, 2, 4))
    y = tf.nn.conv2d(x, w, [1, 2, 1, 1], "VALID")
    weight = tf.constant(rng.rand(2, 2, 1, 4))
    (found,) = tf.gradients(y, x, weight)
    with tf.Session() as session:
        np.testing.assert_allclose(*session.run([
            found, tf.nn.conv2d_backprop_input([2, 6, 5, 2], w, weight, [1, 2, 1, 1], "VALID")]))


def test_a_mean_counts_only_batches_that_came():
    dataset = tf.data.Dataset.from_tensor_slices([1.0, 3.0]).map(lambda x: x * 2)
    value, update = tf.metrics.mean(dataset.make_one_shot_iterator().get_next())
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                session.run(update)
        assert session.run(value) == 4


def test_cast_of_a_sparse_tensor_casts_its_values():
    sparse = tf.cast(tf.SparseTensor([[0, 1]], [2], [2, 2]), tf.float32)
    with tf.Session() as session:
        assert session.run(tf.sparse.to_dense(sparse)).tolist() == [[0, 2], [0, 0]] and sparse.dtype == tf.float32
