"""A layer, a loss, a metric, an optimizer and a training loop of one's own: a regression that weighs its errors."""
import numpy as np
from common import arguments, save_curves

from graphflow import keras
from graphflow.keras import layers, ops


class Fourier(layers.Layer):
    """Sines and cosines of learned frequencies (Rahimi and Recht, 2007): (batch, n) to (batch, 2 units)."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.frequencies = self.add_weight(shape=(shape[-1], self.units), name="frequencies",
                                           initializer=keras.initializers.RandomNormal(stddev=3.0, seed=1))

    def call(self, x):
        angles = ops.matmul(x, self.frequencies)
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 2 * self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Huber(keras.losses.Loss):
    """Squares of small errors, absolute values of large ones."""

    def __init__(self, delta=0.2, **kwargs):
        super().__init__(**kwargs)
        self.delta = delta

    def call(self, y_true, y_pred):
        error = ops.abs(y_true - y_pred)
        return ops.mean(ops.where(error < self.delta, 0.5 * error**2, self.delta * (error - 0.5 * self.delta)), axis=-1)

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}


class LargestError(keras.metrics.Metric):
    """The largest absolute error seen."""

    def __init__(self, name="largest_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(ops.maximum(self.largest, ops.max(ops.abs(y_true - y_pred))))

    def result(self):
        return self.largest


class SignDescent(keras.optimizers.Optimizer):
    """Steps of a fixed size against the sign of the averaged gradient (Bernstein et al., 2018)."""

    def __init__(self, learning_rate=0.003, momentum=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.averages = [self.add_variable_from_reference(v, name="average") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        average = self.averages[self._get_variable_index(variable)]
        new = self.momentum * average + (1 - self.momentum) * ops.cast(gradient, variable.dtype)
        self.assign(average, new)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ops.sign(new))

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


def curve(count, seed):
    """Noisy points of a curve, with a few gross errors."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    y = np.sin(6 * x) + 0.3 * np.cos(15 * x) + 0.05 * rng.standard_normal(x.shape)
    y[rng.random(count) < 0.03] += 3
    return x, y.astype(np.float32)


def main():
    options = arguments(__doc__, epochs=40)
    x, y = curve(512 if options.quick else 4096, 1)
    x_test, _ = curve(512, 2)
    y_test = np.sin(6 * x_test) + 0.3 * np.cos(15 * x_test)
    model = keras.Sequential([keras.Input((1,)), Fourier(32), layers.Dense(32, activation="tanh"), layers.Dense(1)])
    model.compile(optimizer=SignDescent(), loss=Huber(0.2), metrics=[LargestError()])
    model.summary()

    rng = np.random.default_rng(3)
    history = {"loss": [], "mean_error": []}
    for epoch in range(options.epochs):  # a loop of one's own around compiled steps
        model.optimizer.learning_rate = 0.003 * 0.95**epoch
        losses = []
        for rows in np.array_split(rng.permutation(len(x)), len(x) // 64):
            losses.append(model.train_on_batch(x[rows], y[rows], return_dict=True)["loss"])
        error = float(np.abs(model.predict(x_test, verbose=0) - y_test).mean())
        for name, value in (("loss", float(np.mean(losses))), ("mean_error", error)):
            history[name].append(value)
        print(f"epoch {epoch + 1}/{options.epochs}  loss {history['loss'][-1]:.4f}  mean error {error:.4f}")
    print(model.evaluate(x_test, y_test.astype(np.float32), return_dict=True, verbose=0))
    model.save(options.output / "custom.keras")
    own = {c.__name__: c for c in (Fourier, Huber, LargestError, SignDescent)}
    again = keras.models.load_model(options.output / "custom.keras", custom_objects=own)
    assert np.array_equal(again.predict(x_test, verbose=0), model.predict(x_test, verbose=0))
    save_curves(history, options.output / "custom.png")


if __name__ == "__main__":
    main()
