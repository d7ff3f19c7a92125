"""TensorFlow: Keras (tf.function, without and with XLA) and TF1 sessions: step times of the reference workloads."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from models import Models  # noqa: E402
from timing import main, measure  # noqa: E402
from workloads import PREDICTION, TRAINING, batch, random  # noqa: E402

keras, tf1 = tf.keras, tf.compat.v1  # tf.keras loads Keras on first use only


def train(name):
    step, count = TRAINING[name]
    for variant, jit in (("keras", False), ("keras, xla", True)):
        measure(f"{name}/{variant}", step(Models(keras, jit_compile=jit)), count)


def predict(name):
    make, shape, count = PREDICTION[name]
    model, x = make(Models(keras)), batch(*shape)
    measure(f"{name}/predict_on_batch", lambda: model.predict_on_batch(x), count)
    each_way(name, lambda x: model(x, training=False), (tf.constant(x),), count)


def each_way(name, function, inputs, count):
    """Measure the function as a graph, without and with XLA."""
    def step(jit):
        compiled = tf.function(function, jit_compile=jit)
        return lambda: [y[0].numpy() for y in tf.nest.flatten(compiled(*inputs))]

    for variant, jit in (("tf.function", None), ("tf.function, xla", True)):
        measure(f"{name}/{variant}", step(jit), count)


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
    train("mlp_b128")
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

    each_way("chain", normalized, (x, gain, bias), 30)


def attention():
    q, k, v, dy = (tf.random.normal((8, 8, 512, 64)) for _ in range(4))

    def forward(q, k, v):
        return tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 8.0), v)

    def gradient(q, k, v, dy):
        return tf.gradients(forward(q, k, v), [q, k, v], dy)

    each_way("attention_forward", forward, (q, k, v), 10)
    each_way("attention_gradient", gradient, (q, k, v, dy), 10)


def elementwise():
    def chained(x):
        h = x
        for _ in range(10):
            h = tf.sqrt(tf.abs(h * 1.01 + x)) - 0.5
        return h

    each_way("elementwise", chained, (tf.constant(batch(10_000_000)),), 10)


main({
    **{name: lambda name=name: train(name) for name in TRAINING},
    "mlp_b128": mlp_b128,
    **{name: lambda name=name: predict(name) for name in PREDICTION},
    "tiny_step": tiny_step,
    "chain": chain,
    "attention": attention,
    "elementwise": elementwise,
    "startup_session": lambda: session_step()(),
    "startup_keras": lambda: TRAINING["mlp_b128"][0](Models(keras))(),
})
