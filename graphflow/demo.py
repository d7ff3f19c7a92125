"""`python -m graphflow demo`: train on the digits that ship with graphflow, explain the training step and draw it.

The two programs stand by themselves in examples/, to be read and copied; a test holds them equal to these.
"""
from __future__ import annotations

import os
import time

import numpy as np

import graphflow as tf
from graphflow import keras
from graphflow.drawing import draw

OUTPUT = "demo-output"


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


def keras_cnn(epochs=20):
    """A Sequential model compiled, fitted with validation, evaluated and used. Returns the model."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    x_train = x_train[..., np.newaxis].astype(np.float32) / 16
    x_test = x_test[..., np.newaxis].astype(np.float32) / 16

    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1, verbose=2)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy: {accuracy:.4f}")
    print("predicted", model.predict(x_test[:10], verbose=0).argmax(axis=1), "expected", y_test[:10])
    return model


def run(output: str | os.PathLike[str] = OUTPUT) -> None:
    """The whole demo; the drawing goes to graph.html in the folder `output`. Raises OSError if it cannot be written."""
    start = time.perf_counter()
    print("1. Define, then run: a TensorFlow 1 program on 8x8 digits")
    session, step, feeds = define_then_run()
    print("\nWhat its training step was compiled to:\n")
    explanation = tf.explain(step, feeds, session=session)
    print(explanation)
    path = draw(explanation).save(os.path.join(output, "graph.html"))
    print(f"\nThe graph before and after compilation: {path.resolve()}")
    session.close()
    print("\n2. Keras: a Sequential CNN on the same digits")
    keras_cnn()
    print(f"\nDone in {time.perf_counter() - start:.1f} s.")
