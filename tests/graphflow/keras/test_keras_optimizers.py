"""Optimizers beside the published numbers: subclasses in both styles, wrappers, what is set between steps. The numbers
are those of Keras 3.15.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphflow as tf
from graphflow import keras

opt, K = keras.optimizers, keras.backend
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)).astype("float32"), RNG.normal(size=(12, 3)).astype("float32")
W = [RNG.normal(size=s).astype("float32") * 0.5 for s in ((4, 5), (5,), (5, 3), (3,))]


def trained(optimizer: Any, epochs: int = 2, x: Any = X) -> Any:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="tanh", name="d1"),
                              keras.layers.Dense(3, name="d2")])
    model.set_weights(W)
    model.compile(optimizer, "mse")
    model.fit(x, Y, batch_size=4, epochs=epochs, verbose=0, shuffle=False)
    return model


def sums(model: Any) -> list[float]:
    return [float(w.astype(np.float64).sum()) for w in model.get_weights()]


class Rooted(keras.optimizers.Optimizer):
    """As Keras 3's guide writes optimizers."""

    def __init__(self, learning_rate: float = 0.1, name: str = "rooted", **kwargs: Any):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.means = [self.add_variable_from_reference(v, name="m") for v in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        mean = self.means[self._get_variable_index(variable)]
        self.assign(mean, mean * 0.5 + gradient)
        step = keras.ops.sign(mean) * keras.ops.sqrt(keras.ops.abs(mean))
        self.assign_sub(variable, keras.ops.cast(learning_rate, variable.dtype) * step)


def test_a_subclass_of_keras_3() -> None:
    model = trained(Rooted(clipnorm=1.0))
    np.testing.assert_allclose(sums(model), [0.88043, -1.10821, 1.61902, -0.44982], rtol=1e-3, atol=1e-4)
    assert [v.name for v in model.optimizer.variables] == [
        "iteration", "learning_rate",
        *(f"sequential_{name}_m" for name in ("d1_kernel", "d1_bias", "d2_kernel", "d2_bias"))]


class Old(keras.optimizers.Optimizer):
    """As Keras 2's programs write optimizers."""

    def __init__(self, lr: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        self.iterations = K.variable(0, dtype="int64", name="iterations")
        self.lr = K.variable(lr, name="lr")

    def get_updates(self, loss: Any, params: Any) -> Any:
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        moments = [K.zeros(K.int_shape(p)) for p in params]
        self.weights = [self.iterations, *moments]
        for p, g, m in zip(params, grads, moments, strict=True):
            v = m * 0.9 - g * self.lr
            self.updates += [K.update(m, v), K.update(p, p + v)]
        return self.updates


def test_a_subclass_of_keras_2() -> None:
    model = trained(Old(0.1))
    np.testing.assert_allclose(sums(model), sums(trained(opt.SGD(0.1, momentum=0.9))), rtol=1e-4, atol=1e-5)
    assert int(K.get_value(model.optimizer.iterations)) == 6
    K.set_value(model.optimizer.lr, 0.0)
    assert float(K.get_value(model.optimizer.lr)) == 0


def test_get_updates_in_a_function() -> None:
    w = K.variable(np.ones(3, np.float32))
    x = K.placeholder((3,))
    step = K.function([x], [w], opt.SGD(lr=0.5).get_updates(K.sum(w * x), [w]))
    step([np.arange(3, dtype=np.float32)])
    np.testing.assert_allclose(K.get_value(w), [1.0, 0.5, 0.0])


def test_loss_scaling() -> None:
    optimizer = opt.LossScaleOptimizer(opt.SGD(0.1, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=2)
    model = trained(optimizer)
    plain = sums(trained(opt.SGD(0.1, momentum=0.9)))
    np.testing.assert_allclose(sums(model), plain, rtol=1e-4, atol=1e-5)
    assert [int(optimizer.step_counter), float(optimizer.dynamic_scale), int(optimizer.iterations)] == [0, 64.0, 6]
    bad = X.copy()
    bad[0, 0] = np.inf
    before = model.get_weights()
    model.train_on_batch(bad[:4], Y[:4])
    assert float(optimizer.dynamic_scale) == 32.0
    for got, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, want)
    copy = opt.deserialize(opt.serialize(optimizer))
    assert copy.get_config() == optimizer.get_config()


def test_several_optimizers() -> None:
    model = trained(opt.MultiOptimizer(opt.OptimizerMap(opt.SGD(0.1), {".*d1.*": opt.Adam(0.05)})))
    np.testing.assert_allclose(sums(model), [1.28409, -1.04133, 1.9401, -0.74746], rtol=1e-3, atol=1e-4)
    with pytest.raises(AttributeError, match="individual sub-optimizers"):
        model.optimizer.learning_rate  # noqa: B018


def test_tensorflow_optimizers_train_models() -> None:
    model = trained(tf.train.MomentumOptimizer(0.1, 0.9))
    np.testing.assert_allclose(sums(model), sums(trained(opt.SGD(0.1, momentum=0.9))), rtol=1e-4, atol=1e-5)
    with pytest.raises(NotImplementedError):
        model.optimizer.get_config()


def test_averages_are_the_weights_after_fit() -> None:
    model = trained(opt.SGD(0.1, use_ema=True, ema_momentum=0.5))
    for weight, average in zip(model.weights, model.optimizer.variables[2:], strict=True):
        np.testing.assert_array_equal(weight.numpy(), average.numpy())


def test_values_between_steps() -> None:
    optimizer, v = opt.SGD(0.1), keras.Variable(np.ones(3, np.float32))
    assert float(optimizer.learning_rate) == np.float32(0.1)
    optimizer.build([v])
    optimizer.apply([np.arange(3, dtype=np.float32)], [v])
    np.testing.assert_allclose(v.numpy(), [1.0, 0.9, 0.8], rtol=1e-6)
    optimizer.learning_rate = 0.5
    optimizer.apply_gradients([(np.ones(3, np.float32), v)])
    np.testing.assert_allclose(v.numpy(), [0.5, 0.4, 0.3], rtol=1e-6)
    assert [int(optimizer.iterations), optimizer.get_config()["learning_rate"]] == [2, 0.5]
    values, state = optimizer.stateless_apply([v.numpy() for v in optimizer.variables], [np.ones(3, np.float32)], [
        np.zeros(3, np.float32)])
    np.testing.assert_allclose(K.eval(values[0]), [-0.5] * 3)
    assert int(K.eval(state[0])) == 3
    np.testing.assert_allclose(v.numpy(), [0.5, 0.4, 0.3], rtol=1e-6)
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([np.ones(1, np.float32)], [keras.Variable(np.ones(1, np.float32))])


def test_decay_of_keras_2() -> None:
    optimizer, v = opt.SGD(lr=1.0, decay=1.0), keras.Variable(np.zeros((), np.float32))
    seen = []
    for _ in range(3):
        optimizer.apply([np.ones((), np.float32)], [v])
        seen.append(float(v))
    np.testing.assert_allclose(seen, [-1.0, -1.5, -1.5 - 1 / 3], rtol=1e-6)
    assert opt.SGD.from_config(optimizer.get_config()).decay == 1.0


@pytest.mark.parametrize(("arguments", "message"), [
    ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of"), ({"nonsense": 1}, "not recognized"),
    ({"gradient_accumulation_steps": 1}, ">= 2"), ({"use_ema": True, "ema_momentum": 2.0}, r"\[0, 1\]"),
    ({"use_ema": True, "ema_overwrite_frequency": 0.5}, "integer >= 1"), ({"learning_rate": "fast"}, "should be float"),
])
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        opt.Adam(**arguments)


def test_names() -> None:
    assert type(opt.get("RMSprop")) is opt.RMSprop
    assert type(opt.get({"class_name": "adam", "config": {"lr": 0.5}})) is opt.Adam
    assert opt.legacy.SGD is opt.SGD
    with pytest.raises(ValueError, match="Did you mean 'adam'"):
        opt.get("addam")
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
        opt.get(object())


# dtype policies


@pytest.fixture
def global_policy() -> Any:
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def test_mixed_precision(global_policy: Any) -> None:
    global_policy("mixed_float16")
    model = trained("adam", 3)
    np.testing.assert_allclose(sums(model), [0.3635, -1.3635, 2.1905, -1.1475], rtol=1e-3, atol=1e-3)
    assert type(model.optimizer) is opt.LossScaleOptimizer
    assert model.predict(X, verbose=0).dtype == np.float16
    assert {w.dtype.name for w in model.weights} == {"float32"}
    copy = keras.Sequential.from_config(model.get_config())
    assert copy.layers[0].dtype_policy == model.layers[0].dtype_policy != keras.DTypePolicy("float32")


def test_policies() -> None:
    get = keras.dtype_policies.get
    assert (get("mixed_bfloat16").compute_dtype, get("mixed_bfloat16").variable_dtype) == ("bfloat16", "float32")
    assert get("gptq/4/128_from_float32").weight_bits == 4
    policies = keras.dtype_policies.DTypePolicyMap("float32", {"head.*": get("float64")})
    assert policies["head_1"].name == "float64"
    assert keras.dtype_policies.deserialize(keras.dtype_policies.serialize(policies))["head_1"] == get("float64")
    for wrong in ("float31", "int8/2_from_float32"):
        with pytest.raises(ValueError, match="Cannot convert|Invalid quantization mode"):
            get(wrong)
    with pytest.raises(NotImplementedError, match="Layer 'd' has no weights to be quantized"):
        keras.layers.Dropout(0.5, dtype="int8_from_float32", name="d")


# global settings


def test_limits_of_training() -> None:
    model = trained("sgd", 1)
    steps = int(model.optimizer.iterations)
    keras.config.set_max_epochs(2)
    keras.config.set_max_steps_per_epoch(1)
    try:
        with pytest.warns(UserWarning, match="Limiting epochs to 2"):
            history = model.fit(X, Y, batch_size=4, epochs=5, verbose=0)
        with pytest.warns(UserWarning, match="Limiting steps to 1"):
            assert len(model.predict(X, batch_size=4, verbose=0)) == 4
    finally:
        keras.config.set_max_epochs(None)
        keras.config.set_max_steps_per_epoch(None)
    assert [len(history.history["loss"]), int(model.optimizer.iterations) - steps] == [2, 2]
    with pytest.raises(ValueError, match="positive integer"):
        keras.config.set_max_epochs(0)


def test_settings() -> None:
    config = keras.config
    assert [config.is_interactive_logging_enabled(), config.is_flash_attention_enabled()] == [True, False]
    with pytest.raises(ValueError, match="Received: 'jax'"):
        config.set_backend("jax")
    with pytest.raises(ValueError, match="data_format"):
        config.set_image_data_format("sideways")
    assert keras.mixed_precision.global_policy() == keras.DTypePolicy("float32")


def test_what_initializers_penalties_constraints_and_schedules_give_can_be_looked_at():
    assert np.array(keras.initializers.Constant(2.0)((2,))).tolist() == [2.0, 2.0]
    assert np.array(keras.initializers.GlorotUniform(seed=1)((2, 3))).shape == (2, 3)
    assert float(keras.regularizers.L2(0.5)(np.float32([1, 3]))) == 5.0
    assert float(keras.optimizers.schedules.PiecewiseConstantDecay([2], [1.0, 0.5])(3)) == 0.5
    np.testing.assert_allclose(keras.constraints.UnitNorm()(np.float32([[3.0], [4.0]])), [[0.6], [0.8]], rtol=1e-5)
    normalized = keras.layers.BatchNormalization()(np.float32([[1.0], [3.0]]), training=True)
    np.testing.assert_allclose(normalized, [[-1.0], [1.0]], atol=1e-2)


def test_a_padding_after_two_equal_numbers_says_that_the_second_is_the_stride():
    assert keras.layers.Conv2D(4, 3, 3, "same").strides == (3, 3)
    assert keras.layers.Conv2D(4, 3, 3).kernel_size == (3, 3)  # Keras 1's rows and columns


def test_adagrad_changes_rows_of_a_table_that_were_used() -> None:
    """Squares of a row's uses are added up one by one, as Keras does on TensorFlow."""
    model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(50, 4)])
    model.compile(keras.optimizers.Adagrad(0.5), "mse")
    table, total = model.get_weights()[0], np.full((50, 4), 0.1, "float32")
    ids = np.array([[1, 7, 1], [49, 7, 1]])
    wanted = np.random.RandomState(0).rand(2, 3, 4).astype("float32")
    for _ in range(2):
        rows, summed = 2 * (table[ids] - wanted) / wanted.size, np.zeros_like(table)
        np.add.at(total, ids, rows ** 2)
        np.add.at(summed, ids, rows)
        table = table - 0.5 * summed / np.sqrt(total + 1e-7)
        model.train_on_batch(ids, wanted)
    np.testing.assert_allclose(model.get_weights()[0], table, rtol=1e-5)


@pytest.mark.parametrize("power, expected", [
    (-0.5, [0.14277, -0.11974, -0.03537, -0.08659]), (-0.8, [0.24316, -0.14754, -0.08667, -0.22233])])
def test_ftrl_takes_roots_and_other_powers(power: float, expected: list[float]) -> None:
    optimizer = opt.Ftrl(0.2, power, l1_regularization_strength=0.01, l2_regularization_strength=0.02, beta=0.1)
    np.testing.assert_allclose(sums(trained(optimizer)), expected, rtol=1e-3, atol=1e-4)


IDS = np.array([[1, 7, 1], [9, 7, 1]])
WANTED = np.random.RandomState(0).randn(2, 3, 4)


def table_after(optimizer: Any, step: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Trains a table; `step(rows, table)` is what the next one is, given the gradients of the ids' rows."""
    model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(10, 4, dtype="float64")])
    model.compile(optimizer, "mse")
    table = model.get_weights()[0]
    for _ in range(3):
        table = step(2 * (table[IDS] - WANTED) / WANTED.size, table)
        model.train_on_batch(IDS, WANTED)
    np.testing.assert_allclose(model.get_weights()[0], table, rtol=1e-5)


def added_up(rows: np.ndarray) -> np.ndarray:
    total = np.zeros((10, 4))
    np.add.at(total, IDS, rows)
    return total


def test_elements_of_a_tables_gradient_are_bounded_before_rows_of_one_index_are_added_up() -> None:
    table_after(opt.SGD(0.5, clipvalue=0.05), lambda rows, table: table - 0.5 * added_up(np.clip(rows, -0.05, 0.05)))


def test_rows_are_added_up_where_all_gradients_are_bounded_together() -> None:
    m, v, t = np.zeros((10, 4)), np.zeros((10, 4)), 0

    def step(rows: np.ndarray, table: np.ndarray) -> np.ndarray:
        nonlocal m, v, t
        t += 1
        g = added_up(rows) * min(1, 0.1 / np.sqrt(np.sum(added_up(rows ** 2))))
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g ** 2
        return table - 0.1 * np.sqrt(1 - 0.99 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-2)
    table_after(opt.Adam(0.1, beta_2=0.99, epsilon=1e-2, global_clipnorm=0.1), step)


def test_an_infinite_gradient_makes_all_that_are_bounded_together_nan() -> None:
    weights = [keras.Variable(np.ones(2, "float32")) for _ in range(2)]
    opt.SGD(1.0, global_clipnorm=1.0).apply([np.array([np.inf, 1], "float32"), np.ones(2, "float32")], weights)
    assert all(np.isnan(w.numpy()).all() for w in weights)


def test_adamax_adds_up_the_sizes_of_a_tables_rows() -> None:
    m, u, t = np.zeros((10, 4)), np.zeros((10, 4)), 0

    def step(rows: np.ndarray, table: np.ndarray) -> np.ndarray:
        nonlocal m, u, t
        t += 1
        m, u = 0.9 * m + 0.1 * added_up(rows), np.maximum(0.999 * u, added_up(np.abs(rows)))
        return table - 0.1 / (1 - 0.9 ** t) * m / (u + 1e-3)
    table_after(opt.Adamax(0.1, epsilon=1e-3), step)


def test_adadelta_squares_the_changes_of_a_tables_rows() -> None:
    grads, deltas = np.zeros((10, 4)), np.zeros((10, 4))

    def step(rows: np.ndarray, table: np.ndarray) -> np.ndarray:
        nonlocal grads, deltas
        grads = 0.9 * grads + 0.1 * added_up(rows ** 2)
        changes = -np.sqrt((deltas + 1e-2) / (grads + 1e-2))[IDS] * rows
        deltas = 0.9 * deltas + 0.1 * added_up(changes ** 2)
        return table + added_up(changes)
    table_after(opt.Adadelta(1.0, rho=0.9, epsilon=1e-2), step)


def test_adafactor_bounds_a_tables_step_by_the_squares_of_its_rows() -> None:
    r, c, t = np.zeros(10), np.zeros(4), 0

    def step(rows: np.ndarray, table: np.ndarray) -> np.ndarray:
        nonlocal r, c, t
        t += 1
        decay, squares = 1 - t ** -0.8, added_up(rows ** 2) + 1e-30
        r, c = decay * r + (1 - decay) * squares.mean(-1), decay * c + (1 - decay) * squares.mean(0)
        size = max(1e-3, np.sqrt(np.mean(table ** 2))) * min(0.1, t ** -0.5)
        steps = rows / np.sqrt(r[:, None] / r.mean() * c)[IDS]
        return table - size * added_up(steps) / max(1.0, np.sqrt(np.mean(added_up(steps ** 2))) / 0.3)
    table_after(opt.Adafactor(0.1, clip_threshold=0.3), step)
