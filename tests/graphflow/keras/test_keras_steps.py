"""What steps compute, against the numbers of Keras 3.15: losses and metrics by output, masks, weights, own steps."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

L = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(21, 4)).astype(np.float32)
Y1 = RNG.normal(size=(21, 1)).astype(np.float32)
Y3 = RNG.integers(0, 3, 21)
RNG.integers(0, 2, (21, 1))
SAMPLES = RNG.uniform(0.2, 2, 21).astype(np.float32)
SEQUENCES = RNG.normal(size=(21, 5, 2)).astype(np.float32)
STEPS = RNG.normal(size=(21, 5, 1)).astype(np.float32)
TIMES = RNG.uniform(0, 1, (21, 5)).astype(np.float32)


def filled(model: Any) -> Any:
    """The model with kernels drawn as they were for Keras."""
    model.set_weights([np.random.default_rng(i).normal(size=w.shape).astype(np.float32) * 0.4 if w.ndim > 1 else w
                       for i, w in enumerate(model.get_weights())])
    return model


def regression() -> Any:
    return filled(keras.Sequential([keras.Input((4,)), L.Dense(6, activation="tanh"), L.Dense(1)]))


def two() -> Any:
    inputs = keras.Input((4,))
    hidden = L.Dense(5, activation="tanh")(inputs)
    return filled(keras.Model(inputs, [L.Dense(1, name="a")(hidden), L.Dense(3, activation="softmax",
                                                                            name="b")(hidden)]))


class TwoCalls(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = L.Dense(1), L.Dense(3, activation="softmax")

    def call(self, x: Any) -> Any:
        return self.a(x), self.b(x)


def called(model: Any) -> Any:
    model(X)
    return filled(model)


def recurrent() -> Any:
    return filled(keras.Sequential([keras.Input((5, 2)), L.Masking(0.0), L.SimpleRNN(3, return_sequences=True),
                                    L.Dense(1)]))


def masked() -> np.ndarray:
    x = SEQUENCES.copy()
    x[::2, 3:] = 0
    return x


BOTH = {"loss": ["mse", "sparse_categorical_crossentropy"]}


def last(model: Any, x: Any, y: Any, compiled: dict[str, Any], **fitted: Any) -> dict[str, float]:
    model.compile("sgd", **compiled)
    options = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0, **fitted}
    return {k: v[-1] for k, v in model.fit(x, y, **options).history.items()}


CASES: list[tuple[Any, dict[str, float]]] = [
    (lambda: last(two(), X, [Y1, Y3], {**BOTH, "metrics": [["mae"], ["accuracy"]]}),
     {"a_loss": 0.669195, "a_mae": 0.686729, "b_accuracy": 0.380952, "b_loss": 1.07348, "loss": 1.78188}),
    (lambda: last(two(), X, [Y1, Y3], {"loss": ["mse", None], "metrics": [None, ["accuracy"]]}),
     {"b_accuracy": 0.380952, "loss": 0.7061}),
    (lambda: last(recurrent(), masked(), STEPS, {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mse"]},
                  sample_weight=TIMES), {"loss": 0.467105, "mae": 0.785235, "mse": 0.960008}),
    (lambda: last(regression(), X, Y1, {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mae", "mse"]},
                  sample_weight=SAMPLES),
     {"loss": 0.772245, "mae": 0.770186, "mse": 0.849602, "weighted_mae": 0.795127}),
    (lambda: last(called(TwoCalls()), X, (Y1, Y3), {**BOTH, "metrics": [["mae"], ["accuracy"]]}),
     {"accuracy": 0.238095, "loss": 2.01929, "mae": 0.697315, "mse_loss": 0.705638,
      "sparse_categorical_crossentropy_loss": 1.23445}),
    (lambda: last(regression(), X, Y1, {"loss": "mse"}, validation_data=(X, Y1), validation_freq=[1, 4], epochs=4),
     {"loss": 0.783923, "val_loss": 0.747218}),
]


@pytest.mark.parametrize(("run", "expected"), CASES)
def test_the_last_epoch_is_keras_s(run: Any, expected: dict[str, float]) -> None:
    logs = run()
    assert list(logs) == list(expected)
    assert logs == pytest.approx(expected, rel=2e-4, abs=1e-5)


def test_evaluate_lists_values_in_keras_s_order() -> None:
    model = two()
    model.compile("sgd", **BOTH, metrics=[["mae"], ["accuracy"]])
    logs = model.evaluate(X, [Y1, Y3], verbose=0, return_dict=True)
    listed = model.evaluate(X, [Y1, Y3], verbose=0)
    assert listed == [logs[k] for k in ("loss", "a_loss", "b_loss", "a_mae", "b_accuracy")]
    assert model.metrics_names == ["loss", "a_loss", "b_loss", "a_mae", "b_accuracy"]


class OwnStep(keras.Model):
    """The step of Keras's guide, over whatever metrics there are."""

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_a_step_of_ones_own_over_the_compiled_metrics() -> None:
    plain = regression()
    own = OwnStep(plain.inputs, plain.outputs)
    start = plain.get_weights()
    logs = last(own, X, Y1.astype(np.float64), {"loss": "mse", "metrics": ["mae"]}, batch_size=7)
    trained = own.get_weights()
    plain.set_weights(start)
    assert logs == pytest.approx(last(plain, X, Y1, {"loss": "mse", "metrics": ["mae"]}, batch_size=7), rel=1e-5)
    for a, b in zip(trained, plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_logs_of_a_step_that_leaves_the_metrics_alone() -> None:
    class Bare(keras.Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            loss = tf.reduce_mean(tf.square(self(data[0], training=True) - data[1]))
            self.optimizer.minimize(loss, self.trainable_weights)
            return {"loss": loss}
    plain = regression()
    model = Bare(plain.inputs, plain.outputs)
    model.compile("sgd")
    before = float(((plain.predict(X, verbose=0) - Y1) ** 2).mean())
    assert model.fit(X, Y1, batch_size=21, verbose=0).history["loss"] == [pytest.approx(before, rel=1e-5)]


def test_a_batch_by_itself_has_its_own_metrics() -> None:
    model = regression()
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae"])
    parts = [model.train_on_batch(X[i:i + 7], Y1[i:i + 7]) for i in (0, 7, 14)]
    assert [model.test_on_batch(X[i:i + 7], Y1[i:i + 7]) for i in (0, 7, 14)] == [pytest.approx(p) for p in parts]
    model.reset_metrics()
    for i in (0, 7, 14):
        running = model.test_on_batch(X[i:i + 7], Y1[i:i + 7], reset_metrics=False)
    assert running == pytest.approx(np.mean(parts, axis=0).tolist())


def test_clones_are_compiled_with_an_optimizer_of_their_own() -> None:
    model = regression()
    model.compile(keras.optimizers.Adam(0.5), "mse", metrics=[keras.metrics.MeanAbsoluteError(name="gap")])
    copy = keras.models.clone_model(model)
    assert copy.compiled and copy.optimizer is not model.optimizer
    assert float(copy.optimizer.learning_rate) == 0.5
    copy.set_weights(model.get_weights())
    assert copy.evaluate(X, Y1, verbose=0) == model.evaluate(X, Y1, verbose=0)


def test_summary_of_what_is_no_chain() -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model = keras.Model([a, b], L.Dense(1, name="out")(L.Add(name="sum")([a, b * 2.0])), name="m")
    lines: list[str] = []
    model.summary(line_length=100, print_fn=lines.append, show_trainable=True)
    rows = [line.split("│")[1:-1] for line in lines[0].splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows if row[0].strip()] == [
        ["b (InputLayer)", "(None, 4)", "0", "-", "-"], ["a (InputLayer)", "(None, 4)", "0", "-", "-"],
        ["multiply (Multiply)", "(None, 4)", "0", "b[0][0]", "-"],
        ["sum (Add)", "(None, 4)", "0", "a[0][0],", "-"], ["out (Dense)", "(None, 1)", "5", "sum[0][0]", "Y"]]


def test_a_single_batch_known_to_predict_is_one_run_with_the_numbers_of_several():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    x = np.arange(12, dtype="float32").reshape(4, 3)
    expected = x @ model.get_weights()[0]
    first = model.predict(x, verbose=0)
    again = model.predict(x[:1], verbose=0)  # the step is known by now
    model.set_weights([2 * w for w in model.get_weights()])
    np.testing.assert_allclose(model.predict(x, verbose=0), 2 * expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, batch_size=3, verbose=0), 2 * expected, rtol=1e-5)
    np.testing.assert_allclose(first, expected, rtol=1e-5)
    np.testing.assert_allclose(again, expected[:1], rtol=1e-5)
    seen = []
    model.predict(x, verbose=0, callbacks=[keras.callbacks.LambdaCallback(
        on_predict_batch_end=lambda batch, logs: seen.append(batch))])
    assert seen == [0]


def test_one_step_serves_all_sizes_that_the_model_leaves_open():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(4), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    counts = []
    for n, length in ((4, 5), (3, 7), (2, 9)):
        x, y = np.ones((n, length, 3), "float32"), np.zeros((n, 1), "float32")
        model.train_on_batch(x, y)
        expected = np.mean(model.predict_on_batch(x) ** 2)
        np.testing.assert_allclose(model.test_on_batch(x, y), expected, rtol=1e-5)
        counts.append(len(model.graph.operations))
    assert counts[0] == counts[1] == counts[2]
    with pytest.raises(ValueError, match="shape"):
        model.train_on_batch(np.ones((2, 9, 4), "float32"), np.zeros((2, 1), "float32"))


def test_a_loop_that_closes_over_another_input_is_trained():
    a, b = keras.Input((None, 3)), keras.Input((2,))
    y = L.Dense(1, kernel_initializer="ones")(b)
    out = L.Lambda(lambda t: tf.map_fn(lambda r: r * tf.cast(tf.shape(a)[1], "float32"), t))(y)
    model = keras.Model([a, b], out)
    model.compile("sgd", "mse")
    assert model.train_on_batch([np.ones((4, 5, 3)), np.ones((4, 2))], np.ones((4, 1))) == pytest.approx(81)
    kernel, bias = model.get_weights()  # the gradient of (5 (w + w + b) - 1)^2
    np.testing.assert_allclose([*kernel.ravel(), *bias], [1 - 0.9, 1 - 0.9, -0.9], rtol=1e-5)


@pytest.mark.parametrize("closed", [
    lambda t, h: tf.map_fn(lambda r: tf.cond(tf.reduce_sum(r) > 0, lambda: r * tf.reduce_mean(h), lambda: r), t),
    lambda t, h: tf.while_loop(lambda i, v: i < tf.shape(h)[1], lambda i, v: (i + 1, v * 0.9 + h[:, i]), [0, t])[1],
    lambda t, h: t * tf.gradients(tf.map_fn(lambda r: r * r * tf.reduce_mean(h), t), t)[0],
])
def test_what_a_function_closes_over_is_as_good_as_an_argument(closed: Any):
    trained = []
    for layer in (lambda t, h: L.Lambda(lambda x: closed(x, h))(t),
                  lambda t, h: L.Lambda(lambda x: closed(*x))([t, h])):
        a, b = keras.Input((None, 2)), keras.Input((4,))
        hidden = L.Dense(3, "tanh")(a)
        model = keras.Model([a, b], [layer(L.Dense(3)(b), hidden), hidden])
        model.compile("sgd", ["mse", None])
        for w in model.weights:
            w.assign(np.linspace(-0.3, 0.5, w.numpy().size).reshape(w.shape))
        losses = [model.train_on_batch([SEQUENCES, X], [np.ones((21, 3)), np.ones((21, 5, 3))]) for _ in range(2)]
        trained.append([*losses, *sorted(float(np.abs(w).sum()) for w in model.get_weights())])
    np.testing.assert_allclose(trained[0], trained[1], rtol=1e-4)


def test_an_added_metric_whose_name_two_metrics_have() -> None:
    class Doubled(L.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = keras.metrics.Mean("level"), keras.metrics.Mean("level")

        def call(self, inputs):
            self.add_metric(tf.reduce_mean(inputs), name="level")
            return inputs

    with pytest.raises(ValueError, match="different names .* 2 metrics with the name: 'level'"):
        Doubled()(keras.Input((2,)))


def test_a_step_of_its_own_decides_how_the_model_is_called():
    sides = [keras.Input((2,)) for _ in range(3)]
    distances = keras.Model(sides, keras.layers.Dense(1)(keras.layers.Concatenate()(sides)))

    class Siamese(keras.Model):
        def __init__(self):
            super().__init__()
            self.network = distances

        def call(self, inputs):
            return self.network(inputs)

        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = keras.ops.mean(self.network(data) ** 2)
            weights = self.network.trainable_weights
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model = Siamese()
    model.compile(optimizer="sgd")
    rows = np.ones((8, 2), "float32")
    history = model.fit(tf.data.Dataset.from_tensor_slices((rows, rows, rows)).batch(4), epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_what_a_model_tells_of_itself_is_keras_s() -> None:
    a, b = keras.Input((3,)), keras.Input((2,))
    model = keras.Model({"a": a, "b": b}, {"y": L.Dense(2)(a), "z": b})
    assert model.input_shape == [(None, 3), (None, 2)] and model.output_shape == [(None, 2), (None, 2)]
    with pytest.raises(ValueError, match="not connected to `inputs`"):
        keras.Model(a, [a, b])
    joined = L.Concatenate(name="joined")([L.Dense(1, name="of_a")(a), b])
    with pytest.raises(ValueError, match=rf"operation <Concatenate name=joi.*'of_a'\]. It comes from {b.op.name!r}"):
        keras.Model(a, joined)
    with pytest.raises(ValueError, match="only supported for tensors or NumPy arrays"):
        model.compile("sgd", "mse")
        model.fit(iter([(X, X)]), validation_split=0.5)


def test_on_train_end_does_not_see_what_callbacks_added() -> None:
    seen: list[Any] = []
    model = keras.Sequential([keras.Input((4,)), L.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, Y1, verbose=0, callbacks=[
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=1.0),
                                       on_train_end=lambda logs: seen.append(sorted(logs)))]).history
    assert history["mine"] == [1.0] and seen == [["loss"]]
