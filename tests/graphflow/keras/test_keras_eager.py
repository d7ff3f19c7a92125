"""Keras where operations run at once, and in functions: the numbers of the compiled model, values to look at."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype(np.float32)
Y = RNG.normal(size=(12, 1)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 12)


def filled(model: Any) -> Any:
    """The model with trainable weights that are always the same."""
    for i, weight in enumerate(model.trainable_weights):
        weight.assign(np.random.default_rng(i).normal(size=weight.shape) * 0.4)
    return model


class Network(keras.Model):
    """A model that can be looked into: `seen` holds what its calls saw."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.norm = L.Dense(5, activation="tanh", kernel_regularizer="l2"), L.BatchNormalization()
        self.drop, self.out = L.Dropout(0.3, seed=3), L.Dense(1)
        self.seen: list[Any] = []

    def call(self, x: Any, training: bool = False) -> Any:
        h = self.drop(self.norm(self.dense(x), training=training), training=training)
        self.add_loss(tf.reduce_mean(h * h))
        self.seen.append(h)
        return self.out(h)


class Stepper(Network):
    """The step of the guides."""

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables, strict=True))
        for metric in self.metrics:
            metric.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


def trained(make: Any, run_eagerly: bool, optimizer: Any = "adam") -> list[Any]:
    """The losses by epoch, the score and the weights."""
    keras.utils.set_random_seed(1)
    model = make()
    model(X)
    filled(model).compile(optimizer() if callable(optimizer) else optimizer, "mse", run_eagerly=run_eagerly)
    history = model.fit(X, Y, batch_size=5, epochs=2, shuffle=False, verbose=0).history
    return [history["loss"], model.evaluate(X, Y, verbose=0), *model.predict(X, verbose=0), *model.get_weights()]


@pytest.mark.parametrize("make", [Network, Stepper])
def test_the_same_numbers_in_both_modes(make: Any) -> None:
    for compiled, eager in zip(trained(make, False), trained(make, True), strict=True):
        np.testing.assert_allclose(eager, compiled, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", [
    lambda: keras.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.5, use_ema=True, gradient_accumulation_steps=2),
    lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop(0.01))])
def test_optimizers(optimizer: Any) -> None:
    def make() -> Any:
        return keras.Sequential([keras.Input((4,)), L.Dense(1, kernel_constraint="max_norm")])

    for compiled, eager in zip(trained(make, False, optimizer), trained(make, True, optimizer), strict=True):
        np.testing.assert_allclose(eager, compiled, rtol=1e-4, atol=1e-6)


def test_outputs_losses_metrics_and_tables() -> None:
    words = RNG.integers(0, 6, (12, 3))
    found = []
    for run_eagerly in (False, True):
        x = keras.Input((3,), dtype="int32")
        h = L.GlobalAveragePooling1D()(L.Embedding(6, 2, mask_zero=True)(x))
        model = filled(keras.Model(x, {"a": L.Dense(1, name="a")(h),
                                       "b": L.Dense(3, activation="softmax", name="b")(h)}))
        model.compile("adam", {"a": "mse", "b": "sparse_categorical_crossentropy"}, run_eagerly=run_eagerly,
                      metrics={"a": ["mae"], "b": ["accuracy"]}, loss_weights={"a": 0.5, "b": 1.0})
        logs = model.fit(words, {"a": Y, "b": CLASSES}, batch_size=5, epochs=2, shuffle=False, verbose=0).history
        assert set(model.predict(words, verbose=0)) == {"a", "b"}
        found.append([logs, model.train_on_batch(words, {"a": Y, "b": CLASSES}, return_dict=True)])
    for compiled, eager in zip(*found, strict=True):
        assert list(compiled) == list(eager)
        for name in compiled:
            np.testing.assert_allclose(eager[name], compiled[name], rtol=1e-4)


def test_values_inside_of_an_unbuilt_model() -> None:
    model = Network()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, batch_size=6, verbose=0)
    assert [h.numpy().shape for h in model.seen] == [(6, 5)] * 2 and model.built
    model.run_eagerly = False  # compiled from now on
    model.seen.clear()
    before = model.predict(X, verbose=0)
    assert not hasattr(model.seen[0], "numpy")
    with tf.eager():
        np.testing.assert_allclose(model(X).numpy(), before, rtol=1e-5, atol=1e-6)
        assert len(model.losses) == 2  # of this call, and the penalty
        model(X)
        assert len(model.losses) == 2 and model.losses[0].numpy() > 0


def test_python_decides_by_values() -> None:
    class Branch(keras.Model):
        def call(self, x: Any) -> Any:
            return x * 2 if tf.reduce_sum(x) > 0 else x

    model = Branch()
    model.compile(run_eagerly=True)
    assert model.predict(np.ones((2, 1)), verbose=0).tolist() == [[2], [2]]
    assert model.predict(-np.ones((2, 1)), verbose=0).tolist() == [[-1], [-1]]


def test_a_loop_of_ones_own() -> None:
    """At once and as a function, on data that the program iterates over; weights are made by the first call."""
    def train(compiled: bool) -> list[float]:
        keras.utils.set_random_seed(2)
        with tf.eager():
            model = keras.Sequential([L.Dense(6, activation="relu"), L.Dense(1)])
            optimizer, seen = keras.optimizers.Adam(0.05), keras.metrics.Mean()

            def step(x: Any, y: Any) -> Any:
                with tf.GradientTape() as tape:
                    loss = keras.losses.MeanSquaredError()(y, model(x, training=True))
                weights = model.trainable_variables
                assert len(weights) == 4
                optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
                seen.update_state(loss)
                return loss

            if compiled:
                step = tf.function(step)
            losses = []
            for _ in range(4):
                for x, y in tf.data.Dataset.from_tensor_slices((X, Y)).batch(5):
                    losses.append(float(step(x, y)))
            assert float(seen.result()) == pytest.approx(np.mean(losses), rel=1e-5)
            assert int(optimizer.iterations) == 12
            seen.reset_state()
            assert float(seen.result()) == 0
            assert not compiled or step.experimental_get_tracing_count() == 1
            outputs = model(X).numpy()
        np.testing.assert_allclose(model.predict(X, verbose=0), outputs, rtol=1e-5)  # the weights after the block
        return losses

    np.testing.assert_allclose(train(True), train(False), rtol=1e-4)


class Affine(L.Layer):
    """A layer whose weights are TensorFlow's variables."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = tf.Variable(tf.fill([4, 1], 0.1)), tf.Variable(tf.zeros([1]))

    def call(self, x: Any) -> Any:
        return tf.matmul(x, self.w) + self.b


def test_variables_of_tensorflow(tmp_path: Any) -> None:
    def fitted() -> Any:
        model = keras.Sequential([Affine()])
        model(X)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(X, Y, epochs=2, batch_size=6, shuffle=False, verbose=0)
        assert [w.shape for w in model.get_weights()] == [(4, 1), (1,)]
        return model

    compiled = fitted()
    with tf.eager():
        eager = fitted()
        np.testing.assert_allclose(eager(X).numpy(), compiled.predict(X, verbose=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(eager(X).numpy(), compiled(X).numpy(), rtol=1e-4, atol=1e-6)
        picture, optimizer = tf.Variable([3.0, -3.0]), keras.optimizers.Adam(0.5)
        optimizer.minimize(lambda: tf.reduce_sum(picture ** 2), [picture])
        np.testing.assert_allclose(picture.numpy(), [2.5, -2.5], rtol=1e-5)
        checkpoint = tf.train.Checkpoint(model=eager, optimizer=optimizer)
        path, before = checkpoint.save(str(tmp_path / "c")), eager(X).numpy()
        eager.set_weights([w * 0 for w in eager.get_weights()])
        checkpoint.restore(path)
        np.testing.assert_array_equal(eager(X).numpy(), before)


def test_layers_prepare_data() -> None:
    with tf.eager():
        norm, dense = L.Normalization(), L.Dense(2)
        norm.adapt(X)
        data = tf.data.Dataset.from_tensor_slices(X).batch(12).map(lambda x: dense(norm(x)))
        np.testing.assert_allclose(next(iter(data)).numpy(), dense(norm(X)).numpy(), rtol=1e-5, atol=1e-6)
        words = L.StringLookup()
        words.adapt(["a", "b"])
        assert words(["b", "?"]).numpy().tolist() == [1, 0]


def test_models_are_drawn_and_saved_where_ops_run_at_once(tmp_path: Any) -> None:
    with tf.eager():
        x = keras.Input((4,))
        model = keras.Model(x, L.Dense(2)(x) * 2.0 + 1.0)
        assert model.output_shape == (None, 2) and model.layers[1].compute_output_shape((None, 4)) == (None, 2)
        model.save(tmp_path / "m.keras")
        again = keras.models.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(again(X).numpy(), model(X).numpy(), rtol=1e-6)


def test_values_in_a_graph() -> None:
    """Outside steps what Keras gives for arrays is graph, and can be looked at."""
    model = filled(keras.Sequential([keras.Input((4,)), L.Dense(3)]))
    out = model(X)
    assert out.eager_value is None and not hasattr(out * 2.0, "numpy")
    np.testing.assert_allclose(np.asarray(out), model.predict(X, verbose=0), rtol=1e-5)
    assert float(keras.losses.MeanSquaredError()(Y, Y + 2.0)) == pytest.approx(4.0)
    mean = keras.metrics.Mean()
    mean.update_state([1.0, 4.0])
    assert f"{mean.result():.2f}" == "2.50" and mean.result().numpy() == 2.5


def test_variables_of_tensorflow_in_a_functional_model() -> None:
    """They are made where ops run at once, and are the model's from when its graph reads them."""
    with tf.eager():
        layer, x = Affine(), keras.Input((4,))
        before = layer(X).numpy()
        model = keras.Model(x, layer(x))
        np.testing.assert_allclose(model.predict(X, verbose=0), before, rtol=1e-6)
        layer.b.assign_add([2.0])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(X, Y, epochs=2, batch_size=6, verbose=0)
        assert not np.allclose(layer.w.numpy(), 0.1) and float(layer.b[0]) != 2
        np.testing.assert_allclose(model.predict(X, verbose=0), X @ layer.w.numpy() + layer.b.numpy(), rtol=1e-5)
        np.testing.assert_allclose(model(X).numpy(), layer(X).numpy(), rtol=1e-6)
        assert [w.shape for w in model.trainable_weights] == [(4, 1), (1,)]
