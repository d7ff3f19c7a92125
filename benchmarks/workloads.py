"""What is done with the reference models, for both sides that speak Keras."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from models import Models

random = np.random.RandomState(0)
Workload = Callable[[Models], Callable[[], object]]  # given the models: a function that does one step


def batch(*shape: int) -> np.ndarray:
    return random.rand(*shape).astype("float32")


def labels(count: int, below: int = 10) -> np.ndarray:
    return random.randint(0, below, count)


def training(model: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    return lambda: model.train_on_batch(x, y)


def gan(models: Models) -> Callable[[], object]:
    """Both models take a step."""
    discriminator, both = models.gan()
    images, noise, ones = batch(64, 28, 28, 1), batch(64, 100), np.ones((64, 1), "float32")

    def step() -> None:
        discriminator.train_on_batch(images, ones)
        both.train_on_batch(noise, ones)

    return step


# name: (a step of it, how many samples at the least)
TRAINING: dict[str, tuple[Workload, int]] = {
    "mlp_b128": (lambda m: training(m.mlp(), batch(128, 784), labels(128)), 100),
    "cnn_b64": (lambda m: training(m.cnn(), batch(64, 28, 28, 1), labels(64)), 30),
    "bilstm_b32": (lambda m: training(m.recurrent("LSTM"), random.randint(0, 10_000, (32, 200)), labels(32, 2)), 10),
    "bigru_b32": (lambda m: training(m.recurrent("GRU"), random.randint(0, 10_000, (32, 200)), labels(32, 2)), 10),
    "transformer_b32": (lambda m: training(m.transformer(), batch(32, 128, 256), batch(32, 128, 256)), 10),
    "embedding_bag": (lambda m: training(
        m.embedding_bag(), random.randint(0, 100_000, (256, 100)), labels(256, 2)), 10),
    "dcgan_b64": (gan, 10),
    "separable_b8": (lambda m: training(m.separable(), batch(8, 56, 56, 128), batch(8, 56, 56, 128)), 10),
}
# name: (the model, what it is fed, how many samples at the least)
PREDICTION: dict[str, tuple[Callable[[Models], Any], tuple[int, ...], int]] = {
    "mlp_predict1": (Models.mlp, (1, 784), 200),
    "cnn_predict1": (Models.cnn, (1, 28, 28, 1), 200),
    "separable_forward": (Models.separable, (8, 56, 56, 128), 20),
    "resnet50_b1": (Models.resnet, (1, 224, 224, 3), 8),
    "resnet50_b8": (Models.resnet, (8, 224, 224, 3), 5),
}
