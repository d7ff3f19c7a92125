"""The reference models in PyTorch; images are in its own layout, channels first."""
from __future__ import annotations

from torch import nn


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10))


class Recurrent(nn.Module):
    """`kind` is nn.LSTM or nn.GRU. Logits of [batch] for ids of [batch, time]."""

    def __init__(self, kind):
        super().__init__()
        self.embedding = nn.Embedding(10_000, 128)
        self.recurrent = kind(128, 64, bidirectional=True, batch_first=True)
        self.head = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, ids):
        return self.head(self.recurrent(self.embedding(ids))[0].amax(1))[:, 0]


def transformer():
    return nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, activation="gelu", batch_first=True)


class Bag(nn.Module):
    """Logits of [batch] for ids of [batch, time]."""

    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(100_000, 64, mode="mean")
        self.head = nn.Linear(64, 1)

    def forward(self, ids):
        return self.head(self.bag(ids))[:, 0]


class Flat(nn.Module):
    """The only logit of each row."""

    def forward(self, x):
        return x[:, 0]


def discriminator():
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(7 * 7 * 128, 1), Flat())


def generator():
    return nn.Sequential(
        nn.Linear(100, 7 * 7 * 128), nn.BatchNorm1d(7 * 7 * 128), nn.LeakyReLU(0.2), nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh())


def separable():
    return nn.Sequential(
        nn.Conv2d(128, 128, 3, padding=1, groups=128, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.Conv2d(128, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU())


def convolution(inputs, outputs, size, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2), nn.BatchNorm2d(outputs))


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.inner = nn.Sequential(
            convolution(inputs, width, 1, stride), nn.ReLU(), convolution(width, width, 3), nn.ReLU(),
            convolution(width, 4 * width, 1))
        self.shortcut = convolution(inputs, 4 * width, 1, stride) if inputs != 4 * width else nn.Identity()

    def forward(self, x):
        return nn.functional.relu(self.inner(x) + self.shortcut(x))


def resnet():
    """ResNet50, with strides where Keras has them."""
    blocks, inputs = [], 64
    for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(depth):
            blocks.append(Bottleneck(inputs, width, stride if i == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(
        convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(2048, 1000), nn.Softmax(-1))
