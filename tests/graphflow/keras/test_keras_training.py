"""compile, fit, evaluate, predict and the callbacks."""
from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from graphflow.compiler.errors import InvalidArgumentError

from graphflow import keras

L = keras.layers
K = keras.backend


def blobs(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of points in the plane that a line can nearly separate."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    centres = np.array([[0, 2], [2, -1], [-2, -1]])
    return (centres[y] + rng.normal(size=(n, 2))).astype(np.float32), y


def classifier(metrics: Any = ("accuracy",), **kwargs: Any) -> Any:
    model = keras.Sequential([keras.Input((2,)), L.Dense(8, activation="relu"), L.Dense(3, activation="softmax")])
    model.compile(kwargs.pop("optimizer", keras.optimizers.Adam(0.02)), "sparse_categorical_crossentropy",
                  metrics=list(metrics), **kwargs)
    return model


def test_fit_learns_and_reports() -> None:
    x, y = blobs()
    model = classifier()
    history = model.fit(x, y, batch_size=32, epochs=15, validation_split=0.25, verbose=0)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.epoch == list(range(15))
    assert history.history["accuracy"][-1] > 0.85
    assert history.history["loss"][-1] < history.history["loss"][0]
    loss, accuracy = model.evaluate(x, y, verbose=0)
    predicted = model.predict(x, batch_size=50, verbose=0)
    assert predicted.shape == (120, 3)
    assert accuracy == pytest.approx((predicted.argmax(1) == y).mean())
    assert loss == pytest.approx(-np.log(predicted[np.arange(120), y]).mean(), rel=1e-4)


def test_a_step_is_one_run_and_batch_sizes_share_it() -> None:
    x, y = blobs(70)
    model = classifier()
    model.fit(x, y, batch_size=32, epochs=2, verbose=0, validation_data=(x, y))
    model.fit(x, y, batch_size=16, verbose=0)
    model.evaluate(x, y, batch_size=7, verbose=0)
    assert sorted(key[0] for key in model._steps) == ["test", "train"]
    assert int(model.optimizer.iterations) == 2 * 3 + 5


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int64])
def test_data_of_any_numeric_type_is_fed_as_it_is(dtype: Any) -> None:
    x = np.random.default_rng(0).integers(0, 200, (20, 2)).astype(dtype)
    model = classifier()
    expected = model.predict(x.astype(np.float32), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    model.fit(x, np.zeros(20, np.uint8), verbose=0)


def test_weights_follow_the_formula_of_sgd() -> None:
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = np.array([[1.0], [2.0]], np.float32), np.array([[3.0], [5.0]], np.float32)
    assert model.train_on_batch(x, y) == pytest.approx((2**2 + 3**2) / 2)
    kernel, bias = model.get_weights()
    assert kernel[0, 0] == pytest.approx(1 + 0.1 * (2 * 1 + 3 * 2))  # -dL/dw = mean(2 * error * x)
    assert bias[0] == pytest.approx(0.1 * (2 + 3))


def test_the_loss_of_an_epoch_weighs_batches_by_size() -> None:
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae"])
    y = np.array([0.0, 0.0, 3.0], np.float32)
    history = model.fit(np.ones((3, 1)), y, batch_size=2, shuffle=False, verbose=0).history
    assert history["loss"] == [pytest.approx(3.0)]
    assert history["mae"] == [pytest.approx(1.0)]


def test_sample_and_class_weights() -> None:
    x, y = blobs(60)
    weights = np.array([1.0, 0.0, 2.5], np.float32)
    model = classifier()
    by_sample = model.evaluate(x, y, sample_weight=weights[y], verbose=0)[0]
    losses = -np.log(model.predict(x, verbose=0)[np.arange(60), y])
    assert by_sample == pytest.approx((losses * weights[y]).mean(), rel=1e-4)
    start = model.get_weights()
    model.fit(x, y, sample_weight=weights[y], shuffle=False, verbose=0)
    one = model.get_weights()
    again = classifier()
    again.set_weights(start)
    again.fit(x, y, class_weight={1: 0.0, 2: 2.5}, shuffle=False, verbose=0)
    for a, b in zip(one, again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_shuffling_repeats_with_the_seed() -> None:
    x, y = blobs()

    def train(seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        model = classifier(optimizer="sgd")
        model.fit(x, y, epochs=2, batch_size=16, verbose=0)
        return np.concatenate([w.ravel() for w in model.get_weights()])
    first = train(1)
    np.testing.assert_array_equal(first, train(1))
    assert not np.array_equal(first, train(2))


def test_shuffled_batches_hold_every_sample_once_with_its_target() -> None:
    from graphflow.keras.models.data import Batch, Batches
    x = np.arange(50, dtype=np.float32)[:, None]
    seen = [(float(a[0]), int(b)) for bx, by in Batches(Batch(x, np.arange(50)), 8, True)
            for a, b in zip(bx, by, strict=True)]
    assert sorted(seen) == [(float(i), i) for i in range(50)]
    assert seen != sorted(seen)


def test_the_learning_rate_can_be_set_between_steps() -> None:
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, use_bias=False, kernel_initializer="zeros")])
    optimizer = keras.optimizers.SGD(lr=1.0)
    model.compile(optimizer, "mse")
    x, y = np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)
    optimizer.learning_rate = 0.25
    model.train_on_batch(x, y)
    assert model.get_weights()[0].item() == pytest.approx(0.5)
    model.optimizer.learning_rate = 0.0
    model.train_on_batch(x, y)
    assert model.get_weights()[0].item() == pytest.approx(0.5)
    model.optimizer.lr = 0.5
    model.train_on_batch(x, y)
    assert model.get_weights()[0].item() == pytest.approx(1.0)
    assert float(model.optimizer.learning_rate) == 0.5


@pytest.mark.parametrize(("kwargs", "limit"), [({"clipvalue": 0.1}, 0.1), ({"clipnorm": 0.1}, 0.1),
                                               ({"global_clipnorm": 0.1}, 0.1)])
def test_clipped_gradients(kwargs: dict[str, float], limit: float) -> None:
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(1.0, **kwargs), "mse")
    model.train_on_batch(np.ones((1, 1)), np.full((1, 1), 9.0))
    assert model.get_weights()[0].item() == pytest.approx(limit)


def test_frozen_layers_and_regularizers_and_constraints() -> None:
    frozen = L.Dense(4)
    head = L.Dense(1, kernel_regularizer=keras.regularizers.L2(0.5), kernel_constraint="non_neg")
    model = keras.Sequential([keras.Input((2,)), frozen, head])
    frozen.trainable = False
    before = model.get_weights()
    model.compile("sgd", "mse")
    x = np.ones((4, 2), np.float32)
    predicted = model.predict(x, verbose=0)
    loss = model.evaluate(x, np.zeros(4), verbose=0)
    assert loss == pytest.approx((predicted**2).mean() + 0.5 * (before[2] ** 2).sum(), rel=1e-4)
    model.fit(x, np.zeros(4), epochs=3, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert (head.kernel.numpy() >= 0).all()


def test_a_model_without_a_shape_is_built_by_the_first_data() -> None:
    model = keras.Sequential([L.Dense(3), L.Dense(1)])
    assert not model.built
    assert model.weights == []
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 5)), np.ones(4), verbose=0)
    assert [w.shape for w in model.weights] == [(5, 3), (3,), (3, 1), (1,)]
    assert model.input_shape == (None, 5)


def test_add_and_pop() -> None:
    model = keras.Sequential()
    model.add(L.Dense(3, input_shape=(2,)))
    model.add(L.Dense(4))
    assert model.output_shape == (None, 4)
    assert model.pop().name == "dense_1"
    assert model.output_shape == (None, 3)
    with pytest.raises(ValueError, match="unique names"):
        model.add(L.Dense(1, name="dense"))
    with pytest.raises(ValueError, match="Only instances of `keras.Layer`"):
        model.add(3)


def test_accuracy_means_what_the_targets_need() -> None:
    x = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    kinds = [(3, "sparse_categorical", np.arange(30) % 3), (3, "categorical", np.eye(3)[np.arange(30) % 3]),
             (1, "binary", np.arange(30) % 2)]
    for units, kind, y in kinds:
        name = f"{kind}_accuracy"
        model = keras.Sequential([keras.Input((2,)), L.Dense(units, activation="softmax" if units > 1 else "sigmoid")])
        model.compile("sgd", f"{kind}_crossentropy", metrics=["accuracy", name])
        logs = model.evaluate(x, y, verbose=0, return_dict=True)
        assert logs["accuracy"] == logs[name]
        predicted = model.predict(x, verbose=0)
        right = (predicted[:, 0] > 0.5) == y if units == 1 else predicted.argmax(1) == np.arange(30) % 3
        assert logs["accuracy"] == pytest.approx(right.mean())


def test_nan_in_the_data_reaches_the_loss() -> None:
    x, y = blobs(8)
    x[3] = np.nan
    model = classifier()
    assert np.isnan(model.fit(x, y, verbose=0).history["loss"][0])


# callbacks


class Recorder(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.events.append("begin")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.events.append((batch, sorted(logs)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.events.append((f"epoch {epoch}", sorted(logs)))

    def on_train_end(self, logs: Any = None) -> None:
        self.events.append("end")


def test_callbacks_hear_of_everything_in_order() -> None:
    x, y = blobs(20)
    recorder = Recorder()
    classifier().fit(x, y, batch_size=10, epochs=2, verbose=0, callbacks=[recorder], validation_data=(x, y))
    batches: list[Any] = [(0, ["accuracy", "loss"]), (1, ["accuracy", "loss"])]
    keys = ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert recorder.events == ["begin", *batches, ("epoch 0", keys), *batches, ("epoch 1", keys), "end"]
    assert recorder.params == {"verbose": 0, "epochs": 2, "steps": 2}


def test_stop_training_in_a_batch_ends_the_epoch() -> None:
    x, y = blobs(40)
    model = classifier()

    def stop(batch: int, logs: Any) -> None:
        model.stop_training = batch == 1
    model.fit(x, y, batch_size=10, epochs=5, verbose=0,
              callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    assert int(model.optimizer.iterations) == 2


def test_early_stopping_restores_the_best_weights() -> None:
    x, y = blobs(40)
    model = classifier(optimizer=keras.optimizers.SGD(0.0))
    stopper = keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    start = model.get_weights()
    history = model.fit(x, y, epochs=10, verbose=0, shuffle=False, callbacks=[stopper])
    assert len(history.epoch) == 3
    for a, b in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_model_checkpoint_keeps_the_best(tmp_path: Any) -> None:
    x, y = blobs(40)
    model = classifier()
    keeper = keras.callbacks.ModelCheckpoint(tmp_path / "m-{epoch}.weights.h5", "loss", save_best_only=True,
                                             save_weights_only=True)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[keeper])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m-1.weights.h5", "m-2.weights.h5"]


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_log_file_gets_one_plain_line_per_epoch(verbose: int, capsys: Any) -> None:
    x, y = blobs(40)
    classifier().fit(x, y, batch_size=10, epochs=2, verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    assert len(lines) == 4
    assert lines[1].startswith("4/4 - ")
    assert " - accuracy: 0." in lines[1] and " - loss: " in lines[1]
    assert not any(c in "".join(lines) for c in "\r\b\x1b")


def test_a_terminal_sees_the_bar_redrawn(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphflow.keras.utils.progbar.can_redraw", lambda: True)
    bar = keras.utils.Progbar(4, interval=0.0)
    for step in range(1, 5):
        bar.update(step, [("loss", 0.5)])
    text = capsys.readouterr().out
    assert text.count("\r") == 4 and text.endswith("\n")
    assert "4/4" in text and "━" * 20 in text and "loss: 0.5000" in text


def test_the_overhead_of_fit_is_small() -> None:
    """Per step, beside the native run: in processor time, so that what else the machine does counts little."""
    x, y = np.zeros((16 * 400, 2), np.float32), np.zeros(16 * 400, np.int64)
    model = classifier()
    model.fit(x, y, batch_size=16, verbose=0)
    run = next(step for key, step in model._steps.items() if key[0] == "train")
    batch = x[:16], y[:16]

    def seconds(work: Any) -> float:
        times = []
        for _ in range(7):
            start = time.thread_time()
            work()
            times.append(time.thread_time() - start)
        return min(times)

    def bare() -> None:
        for _ in range(400):
            run(*batch)
    overhead = (seconds(lambda: model.fit(x, y, batch_size=16, verbose=0)) - seconds(bare)) / 400
    assert overhead < 50e-6


# errors


@pytest.mark.parametrize(("compile_arguments", "message"), [
    ({"optimizer": "addam"}, "optimizer identifier: 'addam'. Did you mean 'adam'"),
    ({"loss": "mean_square_error"}, "Did you mean 'mean_squared_error'"),
    ({"metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
    ({"metrics": "accuracy"}, "Expected `metrics` argument to be a list"),
    ({"loss": {"nowhere": "mse"}}, r"names outputs \['nowhere'\]"),
])
def test_compile_errors(compile_arguments: dict[str, Any], message: str) -> None:
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)])
    with pytest.raises(ValueError, match=message):
        model.compile(**compile_arguments)
    assert not model.compiled


@pytest.mark.parametrize(("arguments", "message"), [
    ({"x": np.zeros((4, 2)), "y": np.zeros(3)}, "Data cardinality is ambiguous.*'x' sizes: 4, 'y' sizes: 3"),
    ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, r"non-empty. Received: x.shape=\(0, 2\)"),
    ({"x": np.zeros((4, 3)), "y": np.zeros(4)}, r"expected shape=\(None, 2\), found shape=\(4, 3\)"),
    ({"x": np.zeros((4, 2)), "y": np.zeros((4, 5))}, r"target.shape=\(\?, 5\), output.shape=\(\?, 3\)"),
    ({"x": np.zeros((4, 2)), "y": np.zeros(4), "batch_size": 0}, "Received: batch_size=0"),
    ({"x": np.zeros((1, 2)), "y": np.zeros(1), "validation_split": 0.9}, "not sufficient to split"),
    ({"x": np.zeros((4, 2)), "y": np.zeros(4), "validation_split": 1.5}, "must be between 0 and 1"),
    ({"x": np.zeros((4, 2))}, "There are no targets: give `y`"),
    ({"x": np.zeros((4, 2)), "y": np.zeros(4), "validation_data": 3}, "expected to be in format"),
    ({"x": np.zeros((4, 2)), "y": np.zeros(4), "class_weight": {"a": 2}}, "by the number of the class"),
    ({"x": None}, "`x` is missing"),
])
def test_fit_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier().fit(**arguments, verbose=0)


def test_data_that_is_not_numeric() -> None:
    with pytest.raises(TypeError, match="`x` must be numeric"):
        classifier().predict(np.array([["a", "b"]]), verbose=0)
    with pytest.raises(ValueError, match="batch axis"):
        classifier().fit(iter([1]), verbose=0)


def test_a_sample_without_batch_axis_is_told_of_by_the_name_of_the_input() -> None:
    model = keras.Sequential([keras.Input((2,), name="features"), L.Dense(1)])
    for found, hint in ((np.zeros(2), r" \(a single one .* x\[None\]\)"), (np.zeros((4, 3)), "")):
        with pytest.raises(ValueError, match=rf"Input 'features' takes batches of shape \(None, 2\){hint}\."):
            model.predict(found, verbose=0)


def test_labels_out_of_range_are_found_when_the_step_runs() -> None:
    x, y = blobs(10)
    model = classifier()
    y[4] = 3
    with pytest.raises(InvalidArgumentError):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compiling(method: str) -> None:
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)])
    with pytest.raises(ValueError, match=rf"You must call `compile\(\)` before calling `{method}\(\)`"):
        getattr(model, method)(np.zeros((2, 2)), np.zeros(2))


def test_summary(capsys: Any) -> None:
    model = classifier()
    model.train_on_batch(*blobs(4))
    model.summary(line_length=88)
    text = capsys.readouterr().out
    assert text.startswith('Model: "sequential"\n┏━')
    assert "│ dense (Dense)                        │ (None, 8)                   │              24 │" in text
    assert " Total params: 155 " in text  # 51 weights, two slots for each, the iterations and the learning rate
    assert " Trainable params: 51 (204.00 B)" in text
    assert " Optimizer params: 104 " in text


def test_mixing_with_raw_graph() -> None:
    """Keras lives in the default graph and a session like any other: its tensors and variables can be used there."""
    import graphflow as tf
    x = tf.placeholder(tf.float32, [None, 2])
    layer = L.Dense(1, kernel_initializer="ones")
    y = layer(x) * 2 + layer.kernel[0, 0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(y, {x: [[1, 2]]}), [[7.0]])
        np.testing.assert_allclose(K.get_value(layer.kernel), [[1.0], [1.0]])
