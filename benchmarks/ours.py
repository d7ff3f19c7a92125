"""graphflow, through a session and through Keras: step times of the reference workloads."""
import numpy as np
from models import Models
from timing import main, measure
from workloads import PREDICTION, TRAINING, batch, random

import graphflow as gf
from graphflow import keras

models = Models(keras)


def train(name):
    step, count = TRAINING[name]
    measure(f"{name}/keras", step(models), count)


def predict(name):
    make, shape, count = PREDICTION[name]
    model, x = make(models), batch(*shape)
    measure(f"{name}/keras", lambda: model.predict_on_batch(x), count)


def initialized_session():
    session = gf.Session()
    session.run(gf.global_variables_initializer())
    return session


def session_step():
    """One Adam step of the MLP through a session."""
    def dense(x, units):
        inputs = x.shape[-1]
        w = gf.Variable(random.randn(inputs, units).astype("float32") / np.float32(np.sqrt(inputs)))
        return gf.matmul(x, w) + gf.Variable(np.zeros(units, "float32"))

    with gf.Graph().as_default():
        x, y = gf.placeholder(gf.float32, [None, 784]), gf.placeholder(gf.float32, [None, 10])
        logits = dense(gf.nn.relu(dense(gf.nn.relu(dense(x, 512)), 256)), 10)
        loss = gf.reduce_mean(gf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
        train = gf.train.AdamOptimizer(0.001).minimize(loss)
        session = initialized_session()
    feed = {x: batch(128, 784), y: np.eye(10, dtype="float32")[random.randint(0, 10, 128)]}
    return lambda: session.run([train, loss], feed)


def tiny_step():
    with gf.Graph().as_default():
        x, y = gf.placeholder(gf.float32), gf.placeholder(gf.float32)
        w, b = gf.Variable(0.1), gf.Variable(0.2)
        train = gf.train.GradientDescentOptimizer(0.01).minimize(gf.reduce_sum(gf.pow(x * w + b - y, 2)))
        session = initialized_session()
    step = session.make_callable(train, [x, y])
    measure("tiny_step/session", lambda: session.run(train, {x: 1.0, y: 2.0}), 2000)
    measure("tiny_callable/session", lambda: step(1.0, 2.0), 2000)


def chain():
    with gf.Graph().as_default():
        x, gain, bias = (gf.placeholder(gf.float32, shape) for shape in ([None, 1024], [1024], [1024]))
        mean = gf.reduce_mean(x, -1, keepdims=True)
        variance = gf.reduce_mean((x - mean) ** 2, -1, keepdims=True)
        h = (x - mean) * gf.rsqrt(variance + 1e-5) * gain + bias
        y = gf.nn.softmax(gf.nn.gelu(h, approximate=True), -1)
        session = gf.Session()
    feed = {x: random.randn(4096, 1024).astype("float32"), gain: np.ones(1024, "float32"),
            bias: np.zeros(1024, "float32")}
    measure("chain/session", lambda: session.run(y, feed), 30)


def attention():
    """softmax(Q K^T / sqrt(d)) V of 8 x 8 heads, and its gradient by all three."""
    with gf.Graph().as_default():
        q, k, v, dy = (gf.placeholder(gf.float32, [8, 8, 512, 64]) for _ in range(4))
        y = gf.matmul(gf.nn.softmax(gf.matmul(q, k, transpose_b=True) / 8.0), v)
        grads = gf.gradients(y, [q, k, v], dy)
        session = gf.Session()
    feed = {t: random.randn(8, 8, 512, 64).astype("float32") for t in (q, k, v, dy)}
    del feed[dy]
    measure("attention_forward/session", lambda: session.run(y, feed), 10)
    feed[dy] = batch(8, 8, 512, 64)
    measure("attention_gradient/session", lambda: session.run(grads, feed), 10)


def elementwise():
    """50 operations on 10^7 numbers."""
    with gf.Graph().as_default():
        h = x = gf.placeholder(gf.float32, [None])
        for _ in range(10):
            h = gf.sqrt(gf.abs(h * 1.01 + x)) - 0.5
        session = gf.Session()
    feed = {x: batch(10_000_000)}
    measure("elementwise/session", lambda: session.run(h, feed), 10)


def mlp_b128():
    measure("mlp_b128/session", session_step(), 100)
    train("mlp_b128")


main({
    **{name: lambda name=name: train(name) for name in TRAINING},
    "mlp_b128": mlp_b128,
    **{name: lambda name=name: predict(name) for name in PREDICTION},
    "tiny_step": tiny_step,
    "chain": chain,
    "attention": attention,
    "elementwise": elementwise,
    "startup_session": lambda: session_step()(),
    "startup_keras": lambda: TRAINING["mlp_b128"][0](models)(),
})
