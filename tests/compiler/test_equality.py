"""What `==` between tensors means."""
from collections.abc import Iterator

import numpy as np
import pytest
from graphflow.compiler import equality

import graphflow as tf
from graphflow import keras


@pytest.fixture
def compared() -> Iterator[None]:
    tf.enable_tensor_equality()
    yield
    tf.disable_tensor_equality()


def test_tensorflow_1_asks_for_the_same_object():
    a, b = tf.constant([1, 2]), tf.constant([1, 2])
    assert (a == a) is True and (a == b) is False and (a != b) is True and b in [a, b]
    v, w = tf.Variable(1), tf.Variable(1)
    assert (v == v) is True and (v == w) is False and w in [v, w]


def test_enabled_it_compares_elements(compared):
    a, b = tf.constant([1, 2]), tf.constant([1, 3])
    v = tf.Variable([1, 2])
    with tf.Session() as session:
        session.run(v.initializer)
        equal, unequal, number, of_variable = session.run([a == b, a != b, 2 == a, v == b])
    assert [equal.tolist(), unequal.tolist(), number.tolist(), of_variable.tolist()] == [
        [True, False], [False, True], [False, True], [True, False]]


def test_what_has_no_elements_to_compare(compared):
    a = tf.constant([1, 2])
    assert (a == None) is False and (a != None) is True and (a == "a") is False  # noqa: E711
    assert {a: 1}[a] == 1  # still a key
    other_shape = a == tf.constant([1, 2, 3])
    assert tf.Session().run(other_shape) == False  # noqa: E712
    with pytest.raises(TypeError, match="Python bool"):
        assert tf.constant(1) in [a]


def test_eager_values(compared):
    with tf.eager():
        assert (tf.constant([1, 2]) == [1, 3]).numpy().tolist() == [True, False]
        assert tf.constant(3) == 3 and tf.constant(3) != 4


def test_what_users_write_for_keras_compares_elements():
    def hits(y_true, y_pred):
        return keras.ops.mean(keras.ops.cast(keras.ops.cast(y_true, "bool") == (y_pred > 0.5), "float32"))

    class Zeros(keras.layers.Layer):
        def call(self, inputs):
            return keras.ops.cast(inputs == 0, "float32")

    model = keras.Sequential([keras.Input((1,)), Zeros()])
    model.compile(loss="mse", metrics=[hits])
    x, y = np.array([[0.0], [1.0], [0.0], [2.0]], "float32"), np.array([[1.0], [0.0], [0.0], [1.0]], "float32")
    assert model.predict(x, verbose=0).tolist() == [[1], [0], [1], [0]]
    assert model.evaluate(x, y, verbose=0)[1] == 0.5
    assert not equality.compares_elements()
