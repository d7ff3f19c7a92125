"""Wrong programs are told what was wrong: the function or argument, what it received and what it takes."""
from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

DATA, TARGETS = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


def compiled(loss="mse"):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", loss)
    return model


def test_functions_made_from_tables_have_names():
    symbols = runpy.run_path(str(Path(__file__).parents[2] / "docs/public.py"))["symbols"]()
    assert not [row.names[0] for row in symbols if "<locals>" in getattr(row.value, "__qualname__", "")]
    assert [f.__name__ for f in (tf.nn.relu, tf.tanh, tf.reduce_sum, tf.to_float, tf.layers.dense)] == [
        "relu", "tanh", "reduce_sum", "to_float", "dense"]


@pytest.mark.parametrize("call, message", [
    (lambda: tf.reduce_sum([1.0], axes=0), r"reduce_sum\(\) got an unexpected keyword argument 'axes'"),
    (lambda: tf.exp(x=1.0, names=""), r"exp\(\) got an unexpected keyword argument 'names'"),
    (lambda: tf.layers.dense(tf.ones([2, 3])), r"dense\(\): missing a required argument: 'units'"),
    (lambda: tf.cond(tf.constant(True), 3, lambda: 4), r"true_fn must be callable. Received: 3"),
    (lambda: tf.while_loop(lambda i: i < 3, "body", [0]), r"'body' must be callable. Received: 'body'"),
    (lambda: keras.layers.MultiHeadAttention(2, 4)(keras.Input((3, 4))), r"MultiHeadAttention.*missing: \['value'\]"),
    (lambda: tf.name_scope(3).__enter__(), "name_scope must be a string, received 3"),
    (lambda: tf.Session(graph=3), "graph must be a tf.Graph, but got <class 'int'>"),
    (lambda: tf.Session().partial_run("a", []), "partial_run: `handle` .* received 'a'"),
    (lambda: tf.train.Saver(3), "Saver: `var_list` .* received 3"),
    (lambda: tf.train.AdamOptimizer().apply_gradients(3), "apply_gradients: `grads_and_vars` .* received 3"),
    (lambda: tf.data.Dataset.range(3).map(3), r"Dataset.map\(\): expected a function of the elements, received 3"),
    (lambda: tf.einsum(3, 1.0), "einsum: the equation must be a string, received 3"),
    (lambda: tf.summary.scalar(3, 1.0), "ScalarSummary: the name must be a string, received 3"),
    (lambda: tf.gather([1.0], 0.5), "GatherV2: Value passed to parameter 'indices' has DataType float32"),
    (lambda: compiled().set_weights(3), "`set_weights` takes a list of arrays. Received: 3"),
    (lambda: compiled().fit(DATA, TARGETS, epochs="2"), r"`epochs` must be an integer. Received: epochs='2'"),
])
def test_wrong_arguments_are_type_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize("call, message", [
    (lambda: tf.DeviceSpec.from_string("/gpu:x"), "'gpu:x'.*'/gpu:x'"),
    (lambda: tf.DeviceSpec.from_string("/task:x"), "'task:x'.*'/task:x'"),
    (lambda: tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(4), tf.placeholder(tf.float32, [None, 5]), dtype=tf.float32),
     r"rank at least 3, \[batch, time, depth\]. Received: .*shape=\(\?, 5\)"),
    (lambda: keras.layers.Bidirectional(keras.layers.Dense(3)), "takes recurrent layers.*Received: <Dense"),
    (lambda: tf.matmul([[1.0]], None), "MatMul: None values not supported"),
    (lambda: tf.concat([], 0), "ConcatV2: .* length 0"),
    (lambda: tf.stack([]), "Pack: .* length 0"),
    (lambda: tf.layers.dense(tf.ones([2, 3]), "a"), "Dense: `units` must be a positive integer, received 'a'"),
    (lambda: tf.nn.max_pool(tf.ones([1, 4, 4, 1]), "a", 1, "SAME"), "MaxPool: .* must be integers, received 'a'"),
    (lambda: keras.layers.Flatten()(3), "'flatten.*' takes tensors or arrays as its inputs. Received: 3"),
    (lambda: keras.layers.Masking()("a"), "'masking.*' takes tensors or arrays as its inputs. Received: 'a'"),
    (lambda: keras.layers.Dense(3)(None), "'dense.*' expects an input. Received: None"),
    (lambda: keras.layers.Embedding(3, 4)("a"), "'embedding.*' takes tensors or arrays as its inputs. Received: 'a'"),
    (lambda: keras.layers.LayerNormalization()(None), "'layer_normalization.*' expects an input. Received: None"),
    (lambda: keras.layers.Dense(3)([]), r"'dense.*' expects an input. Received: \[\]"),
    (lambda: keras.layers.BatchNormalization(axis="a"), "`axis` argument must be an integer. Received: axis='a'"),
    (lambda: keras.layers.Reshape("a"), "`target_shape` argument must be made of integers. Received: target_shape='a'"),
    (lambda: keras.Input((2.5,)), r"`shape` argument must be made of integers. Received: shape=\(None, 2.5\)"),
    (lambda: keras.Sequential(3), "takes a list of layers. Received: 3"),
    (lambda: compiled().fit(DATA, TARGETS, batch_size="a"), "positive integer. Received: batch_size='a'"),
    (lambda: compiled().fit(DATA, TARGETS, batch_size=2.5), "positive integer. Received: batch_size=2.5"),
    (lambda: compiled().fit(DATA, TARGETS, class_weight=[1, 2]), r"number of the class. Received: .*\[1, 2\]"),
    (lambda: compiled().fit([[1, 2, 3], [1, 2]], TARGETS[:2]), "`x` is no array: .*(inhomogeneous|different lengths)"),
    (lambda: compiled(["mse", "mae"]).fit(DATA, TARGETS), r"`loss` must have one entry.*\['mse', 'mae'\]"),
    (lambda: compiled(lambda y, p: None).fit(DATA, TARGETS), "loss function .* returned None"),
])
def test_wrong_values_are_value_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_layer_that_forgets_its_base_class_is_told():
    class Forgetful(keras.Model):
        def __init__(self):
            self.units = 3

    with pytest.raises(RuntimeError, match=r"In layer Forgetful, you forgot to call `super\(\).__init__\(\)`"):
        Forgetful()(DATA)


def test_saving_names_the_line_of_what_has_no_value(tmp_path):
    tf.get_variable("v", [2])
    message = r"uninitialized value v \(made at .*test_messages.py.*global_variables_initializer"
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match=message):
        tf.train.Saver().save(session, str(tmp_path / "model"))


@pytest.mark.parametrize("activation", [tf.nn.relu, tf.tanh, tf.nn.softplus])
def test_models_with_tensorflows_activations_can_be_loaded(tmp_path, activation):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation=activation)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(DATA, verbose=0), model.predict(DATA, verbose=0))
