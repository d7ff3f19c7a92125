"""graphflow, through a session and through Keras: step times of the reference workloads."""
import numpy as np
from timing import main, measure

import graphflow as gf
from graphflow import keras

random = np.random.RandomState(0)


def batch(*shape):
    return random.rand(*shape).astype("float32")


def mlp():
    return keras.Sequential([
        keras.Input((784,)), keras.layers.Dense(512, activation="relu"), keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(10, activation="softmax")])


def cnn():
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"), keras.layers.MaxPooling2D(),
        keras.layers.Flatten(), keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax")])


def keras_step(model, shape):
    """A function of no arguments that does one Adam step."""
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = batch(*shape), random.randint(0, 10, shape[0])
    return lambda: model.train_on_batch(x, y)


def predict(name, model, shape):
    x = batch(*shape)
    measure(f"{name}/keras", lambda: model.predict_on_batch(x), 200)


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
    measure("tiny_step/session", lambda: session.run(train, {x: 1.0, y: 2.0}), 2000)


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


def mlp_b128():
    measure("mlp_b128/session", session_step(), 100)
    measure("mlp_b128/keras", keras_step(mlp(), (128, 784)), 100)


main({
    "mlp_b128": mlp_b128,
    "cnn_b64": lambda: measure("cnn_b64/keras", keras_step(cnn(), (64, 28, 28, 1)), 30),
    "tiny_step": tiny_step,
    "mlp_predict1": lambda: predict("mlp_predict1", mlp(), (1, 784)),
    "cnn_predict1": lambda: predict("cnn_predict1", cnn(), (1, 28, 28, 1)),
    "chain": chain,
    "startup_session": lambda: session_step()(),
    "startup_keras": lambda: keras_step(mlp(), (128, 784))(),
})
