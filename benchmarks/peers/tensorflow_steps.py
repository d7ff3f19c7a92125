"""TensorFlow: Keras (tf.function, without and with XLA) and TF1 sessions: step times of the reference workloads."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from timing import main, measure  # noqa: E402

keras, tf1 = tf.keras, tf.compat.v1  # tf.keras loads Keras on first use only
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


def keras_step(model, shape, jit):
    """A function of no arguments that does one Adam step."""
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit)
    x, y = batch(*shape), random.randint(0, 10, shape[0])
    return lambda: model.train_on_batch(x, y)


def train(name, model, shape, count):
    for variant, jit in (("keras", False), ("keras, xla", True)):
        measure(f"{name}/{variant}", keras_step(model(), shape, jit), count)


def predict(name, model, shape):
    x = batch(*shape)
    measure(f"{name}/predict", lambda: model.predict(x, verbose=0), 30)
    measure(f"{name}/predict_on_batch", lambda: model.predict_on_batch(x), 100)
    function, tensor = tf.function(model), tf.constant(x)
    measure(f"{name}/tf.function", lambda: function(tensor).numpy(), 200)


def session_step():
    """One Adam step of the MLP through a TF1 session."""
    def dense(x, units, name):
        w = tf1.get_variable(f"w{name}", [x.shape[-1], units], use_resource=True)
        return tf.matmul(x, w) + tf1.get_variable(f"b{name}", [units], use_resource=True)

    with tf.Graph().as_default():
        x, y = tf1.placeholder("float", [None, 784]), tf1.placeholder("float", [None, 10])
        logits = dense(tf.nn.relu(dense(tf.nn.relu(dense(x, 512, "1")), 256, "2")), 10, "3")
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
        train = tf1.train.AdamOptimizer(0.001).minimize(loss)
        session = tf1.Session()
        session.run(tf1.global_variables_initializer())
    feed = {x: batch(128, 784), y: np.eye(10, dtype="float32")[random.randint(0, 10, 128)]}
    return lambda: session.run([train, loss], feed)


def mlp_b128():
    train("mlp_b128", mlp, (128, 784), 100)
    measure("mlp_b128/session", session_step(), 100)


def tiny_step():
    with tf.Graph().as_default():
        x, y = tf1.placeholder("float"), tf1.placeholder("float")
        w = tf1.get_variable("w", initializer=0.1, use_resource=True)
        b = tf1.get_variable("b", initializer=0.2, use_resource=True)
        train = tf1.train.GradientDescentOptimizer(0.01).minimize(tf.reduce_sum(tf.pow(x * w + b - y, 2)))
        session = tf1.Session()
        session.run(tf1.global_variables_initializer())
    measure("tiny_step/session", lambda: session.run(train, {x: 1.0, y: 2.0}), 2000)


def chain():
    x, gain, bias = tf.constant(random.randn(4096, 1024).astype("float32")), tf.ones(1024), tf.zeros(1024)

    def normalized(x, gain, bias):
        mean = tf.reduce_mean(x, -1, keepdims=True)
        variance = tf.reduce_mean((x - mean) ** 2, -1, keepdims=True)
        h = (x - mean) * tf.math.rsqrt(variance + 1e-5) * gain + bias
        return tf.nn.softmax(tf.nn.gelu(h, approximate=True), -1)

    def timed(variant, jit):
        function = tf.function(normalized, jit_compile=jit)
        measure(f"chain/{variant}", lambda: function(x, gain, bias)[0, 0].numpy(), 30)

    timed("tf.function", None)
    timed("tf.function, xla", True)


main({
    "mlp_b128": mlp_b128,
    "cnn_b64": lambda: train("cnn_b64", cnn, (64, 28, 28, 1), 20),
    "tiny_step": tiny_step,
    "mlp_predict1": lambda: predict("mlp_predict1", mlp(), (1, 784)),
    "cnn_predict1": lambda: predict("cnn_predict1", cnn(), (1, 28, 28, 1)),
    "chain": chain,
    "startup_session": lambda: session_step()(),
    "startup_keras": lambda: keras_step(mlp(), (128, 784), False)(),
})
