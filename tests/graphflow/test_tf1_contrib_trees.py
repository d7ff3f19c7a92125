"""Random forests of tf.contrib.tensor_forest."""
from __future__ import annotations

import numpy as np
import pytest

import graphflow as tf
from graphflow.contrib.tensor_forest import client, growing, tensor_forest

RNG = np.random.default_rng(0)
X = RNG.random((600, 3), np.float32)
LABELS = (X[:, 1] > 0.5).astype(np.int32) + 2 * (X[:, 2] > 0.7)


def test_hyperparameters():
    filled = tensor_forest.ForestHParams(num_classes=2, num_features=1000, num_trees=100, max_nodes=1000000,
                                         split_after_samples=25).fill()
    assert (filled.num_splits_to_consider, filled.num_outputs, filled.num_output_columns) == (31, 2, 3)
    with pytest.raises(AttributeError, match="num_features"):
        tensor_forest.ForestHParams(num_classes=2).fill()


def test_a_forest_learns_where_classes_part():
    params = tensor_forest.ForestHParams(num_classes=4, num_features=3, num_trees=4, max_nodes=40,
                                         split_after_samples=60).fill()
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.int32, [None])
        forest = tensor_forest.RandomForestGraphs(params)
        train, loss = forest.training_graph(x, y), forest.training_loss(x, y)
        probabilities, _, _ = forest.inference_graph(x)
        assert isinstance(train, tf.Operation) and probabilities.shape.as_list() == [None, 4]
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(probabilities, {x: X[:2]}), np.full((2, 4), 0.25))
        for _ in range(6):
            session.run(train, {x: X, y: LABELS})
        found = session.run(probabilities, {x: X})
        np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
        assert (found.argmax(1) == LABELS).mean() > 0.95 and session.run(loss) < -5


def test_no_tree_outgrows_its_nodes():
    trees = growing.planted(1, 5, 2, 4, 2)
    options = growing.Options(3, False, 10, 1.0, 1.0, 0)
    for _ in range(5):
        trees = growing.grown(trees, X[:100], np.eye(2, dtype=np.float32)[LABELS[:100] % 2], options)
    count, = trees.nodes
    assert count == 5 and trees.feature.max() < 3
    assert set(np.unique(growing.leaves(trees, X[:100]))) <= set(np.flatnonzero(trees.feature[0] < 0))


def test_the_estimator(tmp_path):
    params = tensor_forest.ForestHParams(num_classes=4, num_features=3, num_trees=3, max_nodes=30,
                                         split_after_samples=60)
    estimator = client.random_forest.TensorForestEstimator(params, model_dir=str(tmp_path))
    estimator.fit(x=X, y=LABELS, steps=5)
    assert estimator.evaluate(x=X, y=LABELS)["accuracy"] > 0.9
    first = next(iter(estimator.predict(x=X[:3])))
    assert first["probabilities"].shape == (4,) and first["classes"] == LABELS[0]


def test_a_regression_forest():
    params = tensor_forest.ForestHParams(num_classes=1, num_features=3, num_trees=4, max_nodes=60, regression=True,
                                         split_after_samples=50).fill()
    with tf.Graph().as_default(), tf.Session() as session:
        forest = tensor_forest.RandomForestGraphs(params)
        train, (values, _, variance) = forest.training_graph(X, X[:, 0] * 3), forest.inference_graph(X)
        session.run(tf.global_variables_initializer())
        for _ in range(8):
            session.run(train)
        found, spread = session.run([values, variance])
    assert found.shape == (600, 1) and np.abs(found[:, 0] - X[:, 0] * 3).mean() < 0.3 and (spread > -1e-3).all()


def test_boosted_trees(tmp_path):
    columns = [tf.feature_column.numeric_column("a", 2), tf.feature_column.bucketized_column(
        tf.feature_column.numeric_column("b"), [0.5])]
    features = {"a": X[:, :2], "b": X[:, 2:]}
    for labels, classes in ((LABELS % 2, 2), (LABELS, 4)):
        estimator = tf.estimator.BoostedTreesClassifier(columns, 1, n_classes=classes, n_trees=5, max_depth=3,
                                                        learning_rate=0.5, model_dir=str(tmp_path / str(classes)))
        data = tf.estimator.inputs.numpy_input_fn(features, labels, batch_size=600, num_epochs=None, shuffle=False)
        estimator.train(data, max_steps=100)
        assert 5 <= estimator.get_variable_value("global_step") <= 15  # a layer each step, the last when trees are full
        once = tf.estimator.inputs.numpy_input_fn(features, labels, batch_size=600, num_epochs=1, shuffle=False)
        assert estimator.evaluate(once)["accuracy"] > 0.97
        assert next(iter(estimator.predict(once)))["probabilities"].shape == (classes,)


def test_boosted_regression_and_the_learners_configuration(tmp_path):
    from graphflow.contrib.boosted_trees.estimator import GradientBoostedDecisionTreeRegressor
    learner = tf.contrib.boosted_trees.proto.learner_pb2
    config = learner.LearnerConfig()
    config.learning_rate_tuner.fixed.learning_rate = 0.5
    config.constraints.max_tree_depth = 4
    config.growing_mode = learner.LearnerConfig.LAYER_BY_LAYER
    with pytest.raises(AttributeError, match="no field"):
        config.depth = 4
    model = GradientBoostedDecisionTreeRegressor(config, 600, num_trees=8, model_dir=str(tmp_path))
    data = tf.estimator.inputs.numpy_input_fn({"x": X}, X[:, 0] * 3, batch_size=300, num_epochs=None, shuffle=False)
    model.fit(input_fn=data, max_steps=200)
    once = tf.estimator.inputs.numpy_input_fn({"x": X}, X[:, 0] * 3, batch_size=600, num_epochs=1, shuffle=False)
    assert model.evaluate(input_fn=once)["average_loss"] < 0.02
    assert model.get_variable_value("global_step") == 2 * (1 + 8 * 4)  # the bias, then a layer every other batch
