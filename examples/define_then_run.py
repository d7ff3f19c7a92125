"""A define-then-run program: describe a graph once, then run it as often as needed. Trains on the digits that ship with
graphflow; `python -m graphflow demo` runs it too."""
import numpy as np

import graphflow as tf


def define_then_run(epochs=30, batch=64):
    """A network of one hidden layer, written for TensorFlow 1. Returns (session, training step, a batch to feed)."""
    (x_train, y_train), (x_test, y_test) = tf.keras.datasets.digits.load_data()
    x_train = x_train.reshape(-1, 64).astype(np.float32) / 16
    x_test = x_test.reshape(-1, 64).astype(np.float32) / 16

    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [None, 64], name="x")
        labels = tf.placeholder(tf.int64, [None], name="labels")
        with tf.name_scope("hidden"):
            w = tf.Variable(tf.truncated_normal([64, 128], stddev=0.15), name="w")
            b = tf.Variable(tf.zeros([128]), name="b")
            hidden = tf.nn.relu(tf.matmul(x, w) + b)
        with tf.name_scope("output"):
            w = tf.Variable(tf.truncated_normal([128, 10], stddev=0.1), name="w")
            b = tf.Variable(tf.zeros([10]), name="b")
            logits = tf.matmul(hidden, w) + b
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
        train = tf.train.AdamOptimizer(0.003).minimize(loss)
        initialize = tf.global_variables_initializer()

    session = tf.Session(graph=graph)
    session.run(initialize)
    rng = np.random.default_rng(1)
    for epoch in range(epochs):
        order = rng.permutation(len(x_train))
        losses = []
        for start in range(0, len(order), batch):
            rows = order[start:start + batch]
            value, _ = session.run([loss, train], {x: x_train[rows], labels: y_train[rows]})
            losses.append(value)
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1}/{epochs}  loss {np.mean(losses):.4f}")
    print(f"test accuracy: {session.run(accuracy, {x: x_test, labels: y_test}):.4f}")
    return session, [loss, train], {x: x_train[:batch], labels: y_train[:batch]}


if __name__ == "__main__":
    define_then_run()
