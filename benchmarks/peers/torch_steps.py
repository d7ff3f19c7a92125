"""PyTorch (eager and torch.compile, fused Adam): step times of the reference workloads."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import torch_models as models  # noqa: E402
from timing import main, measure  # noqa: E402
from torch import nn  # noqa: E402

random = np.random.RandomState(0)


def batch(*shape):
    return torch.tensor(random.rand(*shape).astype("float32"))


def labels(count, below=10):
    return torch.tensor(random.randint(0, below, count))


def binary_labels(count):
    return labels(count, 2).float()


def ids(*shape, below):
    return torch.tensor(random.randint(0, below, shape))


def each_way(name, function, make_step, count):
    """Measure `make_step(function)` with the function as it is and compiled."""
    measure(f"{name}/eager", make_step(function), count)
    measure(f"{name}/compile", make_step(torch.compile(function)), count)


def training_step(loss_of, model):
    """A function of no arguments that does one Adam step and waits for it."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def run():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def train(name, model, criterion, x, y, count):
    def loss(x, y):
        return criterion(model(x), y)

    each_way(name, loss, lambda f: training_step(lambda: f(x, y), model), count)


def train_image(name, model, x, y, count):
    """In the layout that is the faster one, as a skilled user would find out."""
    train(name, model, F.mse_loss, x, y, count)
    last = torch.channels_last
    model, x, y = model.to(memory_format=last), x.to(memory_format=last), y.to(memory_format=last)
    measure(f"{name}/eager, channels last", training_step(lambda: F.mse_loss(model(x), y), model), count)


def without_gradient(function, inputs):
    def run():
        with torch.no_grad():
            return function(*inputs).numpy()
    return run


def predict(name, model, shape, count):
    x = batch(*shape)
    each_way(name, model.eval(), lambda f: without_gradient(f, (x,)), count)
    if len(shape) == 4:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        measure(f"{name}/eager, channels last", without_gradient(model, (x,)), count)


def gan():
    images, noise, ones = batch(64, 1, 28, 28), batch(64, 100), torch.ones(64)
    discriminator, frozen, generator = models.discriminator(), models.discriminator(), models.generator()
    frozen.requires_grad_(False)

    def judge(images):
        return F.binary_cross_entropy_with_logits(discriminator(images), ones)

    def deceive(noise):
        return F.binary_cross_entropy_with_logits(frozen(generator(noise)), ones)

    def both(judge, deceive):
        steps = (training_step(lambda: judge(images), discriminator),
                 training_step(lambda: deceive(noise), generator))
        return lambda: [step() for step in steps]

    measure("dcgan_b64/eager", both(judge, deceive), 10)
    measure("dcgan_b64/compile", both(torch.compile(judge), torch.compile(deceive)), 10)


def chain():
    x, gain, bias = torch.randn(4096, 1024), torch.ones(1024), torch.zeros(1024)

    def normalized(x, gain, bias):
        return F.softmax(F.gelu(F.layer_norm(x, (1024,), gain, bias), approximate="tanh"), -1)

    each_way("chain", normalized, lambda f: lambda: f(x, gain, bias), 30)


def attention():
    inputs = q, k, v = [torch.randn(8, 8, 512, 64) for _ in range(3)]
    dy = batch(8, 8, 512, 64)
    each_way("attention_forward", F.scaled_dot_product_attention, lambda f: without_gradient(f, inputs), 10)
    for t in inputs:
        t.requires_grad_()
    each_way("attention_gradient", F.scaled_dot_product_attention,
             lambda f: lambda: torch.autograd.grad(f(q, k, v), inputs, dy), 10)


def elementwise():
    def chained(x):
        h = x
        for _ in range(10):
            h = torch.sqrt(torch.abs(h * 1.01 + x)) - 0.5
        return h

    x = batch(10_000_000)
    each_way("elementwise", chained, lambda f: lambda: f(x), 10)


def recurrent(name, kind):
    train(name, models.Recurrent(kind), F.binary_cross_entropy_with_logits, ids(32, 200, below=10_000),
          binary_labels(32), 10)


def startup_eager():
    model, x, y = models.mlp(), batch(128, 784), labels(128)
    training_step(lambda: F.cross_entropy(model(x), y), model)()


main({
    "mlp_b128": lambda: train("mlp_b128", models.mlp(), F.cross_entropy, batch(128, 784), labels(128), 100),
    "cnn_b64": lambda: train("cnn_b64", models.cnn(), F.cross_entropy, batch(64, 1, 28, 28), labels(64), 30),
    "bilstm_b32": lambda: recurrent("bilstm_b32", nn.LSTM),
    "bigru_b32": lambda: recurrent("bigru_b32", nn.GRU),
    "transformer_b32": lambda: train("transformer_b32", models.transformer(), F.mse_loss, batch(32, 128, 256),
                                     batch(32, 128, 256), 10),
    "embedding_bag": lambda: train("embedding_bag", models.Bag(), F.binary_cross_entropy_with_logits,
                                   ids(256, 100, below=100_000), binary_labels(256), 10),
    "dcgan_b64": gan,
    "separable_b8": lambda: train_image("separable_b8", models.separable(), batch(8, 128, 56, 56),
                                        batch(8, 128, 56, 56), 10),
    "separable_forward": lambda: predict("separable_forward", models.separable(), (8, 128, 56, 56), 20),
    "resnet50_b1": lambda: predict("resnet50_b1", models.resnet(), (1, 3, 224, 224), 8),
    "resnet50_b8": lambda: predict("resnet50_b8", models.resnet(), (8, 3, 224, 224), 5),
    "mlp_predict1": lambda: predict("mlp_predict1", models.mlp(), (1, 784), 200),
    "cnn_predict1": lambda: predict("cnn_predict1", models.cnn(), (1, 1, 28, 28), 200),
    "chain": chain,
    "attention": attention,
    "elementwise": elementwise,
    "startup_eager": startup_eager,
})
