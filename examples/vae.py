"""A variational autoencoder (Kingma and Welling, 2014) of digits, whose two latent numbers draw a map of them."""
import numpy as np
from common import arguments, images, save_grid

from graphflow import keras
from graphflow.keras import layers, ops

LATENT = 2


class Sampling(layers.Layer):
    """Draws from the normal distributions of given mean and log variance, and adds their divergence to the loss."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1)

    def call(self, inputs):
        mean, log_variance = inputs
        divergence = -0.5 * ops.sum(1 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)
        self.add_loss(ops.mean(divergence))
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)


class SummedCrossentropy(keras.losses.Loss):
    """The cross-entropy of an image's pixels, summed over them."""

    def call(self, y_true, y_pred):
        return ops.sum(ops.binary_crossentropy(y_true, y_pred), axis=(1, 2, 3))


def build(shape):
    """(encoder to the means, decoder, both with the sampling between them)."""
    image = keras.Input(shape)
    x = layers.Dense(256, activation="relu")(layers.Flatten()(image))
    mean, log_variance = layers.Dense(LATENT, name="mean")(x), layers.Dense(LATENT, name="log_variance")(x)
    decoder = keras.Sequential([
        keras.Input((LATENT,)),
        layers.Dense(256, activation="relu"),
        layers.Dense(int(np.prod(shape)), activation="sigmoid"),
        layers.Reshape(shape),
    ], name="decoder")
    return keras.Model(image, mean), decoder, keras.Model(image, decoder(Sampling()([mean, log_variance])))


def main():
    options = arguments(__doc__, epochs=20)
    (x_train, _), (x_test, y_test) = images(options.quick)
    encoder, decoder, model = build(x_train.shape[1:])
    model.compile(optimizer="adam", loss=SummedCrossentropy())
    model.summary()
    model.fit(x_train, x_train, batch_size=128, epochs=options.epochs, validation_data=(x_test, x_test))
    decoder.save(options.output / "vae-decoder.keras")
    steps = np.linspace(-2, 2, 15, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, LATENT)
    save_grid(decoder.predict(grid, verbose=0).reshape(15, 15, *x_train.shape[1:]), options.output / "vae-map.png")
    means = encoder.predict(x_test, verbose=0)
    for digit in range(10):
        print(digit, "lies around", np.round(means[y_test == digit].mean(0), 2))


if __name__ == "__main__":
    main()
