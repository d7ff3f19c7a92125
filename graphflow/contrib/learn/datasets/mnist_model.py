"""The network of TensorFlow's tutorial "MNIST mechanics 101" (`tensorflow.examples.tutorials.mnist.mnist`)."""
from __future__ import annotations

import math

from .... import nn, summary, train
from ....compiler.dtypes import int32, int64
from ....compiler.ir import Operation, Tensor
from ....compiler.ops.reduction import reduce_sum
from ....compiler.ops.view import fill
from ....framework import name_scope
from ....losses import sparse_softmax_cross_entropy
from ....math_ops import cast, matmul
from ....random_ops import truncated_normal
from ....variables import Variable

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def _linear(x: Tensor, inputs: int, outputs: int) -> Tensor:
    weights = Variable(truncated_normal([inputs, outputs], stddev=1.0 / math.sqrt(inputs)), name="weights")
    return matmul(x, weights) + Variable(fill([outputs], 0.0), name="biases")


def inference(images: Tensor, hidden1_units: int, hidden2_units: int) -> Tensor:
    """Logits [batch, 10] of images [batch, 784]: two layers with relu, and one without."""
    with name_scope("hidden1"):
        hidden1 = nn.relu(_linear(images, IMAGE_PIXELS, hidden1_units))
    with name_scope("hidden2"):
        hidden2 = nn.relu(_linear(hidden1, hidden1_units, hidden2_units))
    with name_scope("softmax_linear"):
        return _linear(hidden2, hidden2_units, NUM_CLASSES)


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross entropy (scalar) with labels [batch], integers."""
    return sparse_softmax_cross_entropy(labels=cast(labels, int64), logits=logits)


def training(loss: Tensor, learning_rate: float) -> Operation:
    """A step of gradient descent, counted by the variable "global_step"; the loss is summarized."""
    summary.scalar("loss", loss)
    global_step = Variable(0, name="global_step", trainable=False)
    return train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)


def evaluation(logits: Tensor, labels: Tensor) -> Tensor:
    """How many of the examples are predicted right: int32, scalar."""
    return reduce_sum(cast(nn.in_top_k(logits, labels, 1), int32))
