"""`variable.value`: what it is in Keras 3, and may be called as in Keras 2."""
import numpy as np

import graphflow as tf
from graphflow import keras
from graphflow.keras.backend import session


def test_value_is_a_tensor_and_may_be_called():
    v = keras.Variable(np.ones((2, 3), "float32"))
    assert v.value.shape == (2, 3) and v.value.dtype == tf.float32
    assert keras.backend.get_value(v.value + v.value()).tolist() == [[2, 2, 2], [2, 2, 2]]
    v.value.assign(np.zeros((2, 3)))
    assert np.asarray(v.value).sum() == v.value.numpy().sum() == 0


def test_a_value_is_of_its_moment():
    class Twice(keras.layers.Layer):
        def build(self, input_shape):
            self.count = self.add_weight(shape=(), initializer="ones", trainable=False)

        def call(self, inputs):
            before = self.count.value
            self.count.assign(before * 2)
            return inputs * 0 + before

    layer = Twice()
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(loss="mse")
    assert model.train_on_batch(np.zeros((1, 1)), np.ones((1, 1))) == 0
    assert float(layer.count.value) == 2


def test_a_metric_gives_a_value():
    class Batches(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="batches")
            self.count = self.add_variable(shape=(), initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(1.0)

        def result(self):
            return self.count.value

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", metrics=[Batches()])
    assert model.fit(np.zeros((6, 1)), np.zeros((6, 1)), batch_size=2, verbose=0).history["batches"] == [3]


def test_initial_values_are_the_same_however_many_are_drawn_together(monkeypatch):
    def weights(together):
        monkeypatch.setattr(session, "DRAWN_TOGETHER", together)
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        return keras.Sequential([keras.Input((8,)), keras.layers.Dense(6), keras.layers.Dense(6)]).get_weights()

    for one, all_at_once in zip(weights(0), weights(1 << 30), strict=True):
        np.testing.assert_array_equal(one, all_at_once)


def test_variables_that_begin_with_one_tensor_are_two():
    start = tf.random_uniform([300, 300])
    v, w = (keras.Variable(lambda shape, dtype=None: start, shape=(300, 300)) for _ in range(2))
    before = v.numpy()
    np.testing.assert_array_equal(w.numpy(), before)
    v.assign(np.zeros((300, 300), "float32"))
    np.testing.assert_array_equal(w.numpy(), before)
    assert before.any() and not v.numpy().any()
