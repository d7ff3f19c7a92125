"""PyTorch (eager and torch.compile, fused Adam): step times of the reference workloads."""
import numpy as np
import torch
import torch.nn.functional as F
from timing import main, measure
from torch import nn

random = np.random.RandomState(0)


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10))


def batch(*shape):
    return torch.tensor(random.rand(*shape).astype("float32"))


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


def train(name, model, shape, count):
    x, y = batch(*shape), torch.tensor(random.randint(0, 10, shape[0]))

    def loss(x, y):
        return F.cross_entropy(model(x), y)

    each_way(name, loss, lambda f: training_step(lambda: f(x, y), model), count)


def predict(name, model, shape):
    x = batch(*shape)

    def step(f):
        def run():
            with torch.no_grad():
                return f(x).numpy()
        return run

    each_way(name, model.eval(), step, 200)


def chain():
    x, gain, bias = torch.randn(4096, 1024), torch.ones(1024), torch.zeros(1024)

    def normalized(x, gain, bias):
        return F.softmax(F.gelu(F.layer_norm(x, (1024,), gain, bias), approximate="tanh"), -1)

    each_way("chain", normalized, lambda f: lambda: f(x, gain, bias), 30)


def startup_eager():
    model, x, y = mlp(), batch(128, 784), torch.tensor(random.randint(0, 10, 128))
    training_step(lambda: F.cross_entropy(model(x), y), model)()


main({
    "mlp_b128": lambda: train("mlp_b128", mlp(), (128, 784), 100),
    "cnn_b64": lambda: train("cnn_b64", cnn(), (64, 1, 28, 28), 30),
    "mlp_predict1": lambda: predict("mlp_predict1", mlp(), (1, 784)),
    "cnn_predict1": lambda: predict("cnn_predict1", cnn(), (1, 1, 28, 28)),
    "chain": chain,
    "startup_eager": startup_eager,
})
