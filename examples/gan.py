"""A generative adversarial network (Goodfellow et al., 2014) with a training step of its own: digits from noise."""
import numpy as np
from common import arguments, images, save_grid

import graphflow as tf
from graphflow import keras
from graphflow.keras import layers, ops

NOISE = 64


def generator(size):
    return keras.Sequential([
        keras.Input((NOISE,)),
        layers.Dense(size // 4 * (size // 4) * 64),
        layers.LeakyReLU(0.2),
        layers.Reshape((size // 4, size // 4, 64)),
        layers.Conv2DTranspose(64, 4, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.2),
        layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid"),
    ], name="generator")


def discriminator(size):
    return keras.Sequential([
        keras.Input((size, size, 1)),
        layers.Conv2D(32, 4, strides=2, padding="same"),
        layers.LeakyReLU(0.2),
        layers.Conv2D(64, 4, strides=2, padding="same"),
        layers.LeakyReLU(0.2),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(1),
    ], name="discriminator")


class GAN(keras.Model):
    """Trains the discriminator to tell images from made ones, and the generator to be taken for real."""

    def __init__(self, size):
        super().__init__()
        self.generator, self.discriminator = generator(size), discriminator(size)
        self.seed_generator = keras.random.SeedGenerator(1)
        self.losses_seen = {name: keras.metrics.Mean(name) for name in ("generator_loss", "discriminator_loss")}

    def compile(self):
        super().compile()
        self.optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
        self.loss_of = keras.losses.BinaryCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return [*self.losses_seen.values()]

    def train_step(self, data):
        images = data[0] if isinstance(data, tuple) else data
        noise = keras.random.normal((ops.shape(images)[0], NOISE), seed=self.seed_generator)
        with tf.GradientTape(persistent=True) as tape:
            made = self.generator(noise, training=True)
            real, fake = self.discriminator(images, training=True), self.discriminator(made, training=True)
            told = self.loss_of(ops.ones_like(real), real) + self.loss_of(ops.zeros_like(fake), fake)
            taken = self.loss_of(ops.ones_like(fake), fake)
        for optimizer, model, loss in zip(self.optimizers, (self.generator, self.discriminator), (taken, told),
                                          strict=True):
            weights = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        for metric, loss in zip(self.losses_seen.values(), (taken, told), strict=True):
            metric.update_state(loss)
        return {metric.name: metric.result() for metric in self.metrics}


class Draw(keras.callbacks.Callback):
    """Draws what the same noise becomes after each epoch."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.noise = np.random.default_rng(1).standard_normal((48, NOISE)).astype(np.float32)

    def on_epoch_end(self, epoch, logs=None):
        made = self.model.generator.predict(self.noise, verbose=0)
        save_grid(made.reshape(4, 12, *made.shape[1:]), self.folder / f"gan-{epoch + 1:02d}.png")


def main():
    options = arguments(__doc__, epochs=15)
    (x_train, _), _ = images(options.quick)
    gan = GAN(x_train.shape[1])
    gan.compile()
    gan.fit(x_train, batch_size=64, epochs=options.epochs, callbacks=[Draw(options.output)])
    gan.generator.save(options.output / "gan-generator.keras")


if __name__ == "__main__":
    main()
