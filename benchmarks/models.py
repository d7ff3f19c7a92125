"""The reference models, written once in Keras: for graphflow and for Keras on TensorFlow."""
from __future__ import annotations

from typing import Any


class Models:
    """`keras` is either module. Each method makes a model; those that train are compiled with Adam."""

    def __init__(self, keras: Any, **compile_options: Any):
        self.keras = keras
        self.layers = keras.layers
        self.options = compile_options

    def compiled(self, model: Any, loss: str) -> Any:
        model.compile("adam", loss, **self.options)
        return model

    def mlp(self) -> Any:
        dense = self.layers.Dense
        return self.compiled(self.keras.Sequential([
            self.keras.Input((784,)), dense(512, activation="relu"), dense(256, activation="relu"),
            dense(10, activation="softmax")]), "sparse_categorical_crossentropy")

    def cnn(self) -> Any:
        layers = self.layers
        return self.compiled(self.keras.Sequential([
            self.keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]),
            "sparse_categorical_crossentropy")

    def recurrent(self, kind: str) -> Any:
        """Of integer sequences; `kind` is LSTM or GRU."""
        layers = self.layers
        return self.compiled(self.keras.Sequential([
            self.keras.Input((200,), dtype="int32"), layers.Embedding(10_000, 128),
            layers.Bidirectional(getattr(layers, kind)(64, return_sequences=True)), layers.GlobalMaxPooling1D(),
            layers.Dense(64, activation="relu"), layers.Dense(1, activation="sigmoid")]), "binary_crossentropy")

    def transformer(self) -> Any:
        """An encoder block of width 256 with 8 heads."""
        layers = self.layers
        x = self.keras.Input((128, 256))
        h = layers.LayerNormalization()(x + layers.MultiHeadAttention(8, 32)(x, x))
        wide = layers.Dense(1024, activation="gelu")(h)
        return self.compiled(self.keras.Model(x, layers.LayerNormalization()(h + layers.Dense(256)(wide))), "mse")

    def embedding_bag(self) -> Any:
        layers = self.layers
        return self.compiled(self.keras.Sequential([
            self.keras.Input((100,), dtype="int32"), layers.Embedding(100_000, 64), layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid")]), "binary_crossentropy")

    def gan(self) -> tuple[Any, Any]:
        """(discriminator, generator followed by a discriminator that does not learn)."""
        layers, sequential = self.layers, self.keras.Sequential
        frozen = self._discriminator()
        frozen.trainable = False
        generator = sequential([
            self.keras.Input((100,)), layers.Dense(7 * 7 * 128), layers.BatchNormalization(), layers.LeakyReLU(0.2),
            layers.Reshape((7, 7, 128)),
            layers.Conv2DTranspose(64, 4, 2, "same"), layers.BatchNormalization(), layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh")])
        return (self.compiled(self._discriminator(), "binary_crossentropy"),
                self.compiled(sequential([self.keras.Input((100,)), generator, frozen]), "binary_crossentropy"))

    def _discriminator(self) -> Any:
        layers = self.layers
        return self.keras.Sequential([
            self.keras.Input((28, 28, 1)),
            layers.Conv2D(64, 4, 2, "same"), layers.LeakyReLU(0.2),
            layers.Conv2D(128, 4, 2, "same"), layers.BatchNormalization(), layers.LeakyReLU(0.2),
            layers.Flatten(), layers.Dense(1, activation="sigmoid")])

    def separable(self) -> Any:
        """MobileNet's block."""
        layers = self.layers
        return self.compiled(self.keras.Sequential([
            self.keras.Input((56, 56, 128)),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False), layers.BatchNormalization(), layers.ReLU(),
            layers.Conv2D(128, 1, use_bias=False), layers.BatchNormalization(), layers.ReLU()]), "mse")

    def resnet(self) -> Any:
        return self.keras.applications.ResNet50(weights=None)
