"""What Python adds to a plan's kernels: in a session's runs, its callables, and Keras's predict, fit and evaluate.

Each figure is the least over turns of the thread's processor time in microseconds a call, with one thread; the kernels
are timed in the plans by themselves: python benchmarks/overhead.py [TURNS]
"""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ["NUMBA_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

import graphflow as tf  # noqa: E402
from graphflow import keras  # noqa: E402

BLOCK = 0.01  # seconds of a turn, roughly


class Case(NamedTuple):
    """`call` makes `steps` steps, which `kernels` makes without Python; the limit is in microseconds a step more than
    that or, for a ratio, in times that."""
    what: str
    call: Callable[[], Any]
    kernels: Callable[[], Any]
    limit: float
    ratio: bool = False
    steps: int = 1


def kernels_of(run: Any) -> Callable[[], Any]:
    """What runs the rows of a plan in a frame of its last use, again and again."""
    frame = next(iter(run.runner._bindings.values()))[1].frames[-1]
    words, execute = frame._run, frame.native.execute

    def again() -> None:
        words[1] = 0
        execute(frame._run_address)  # the frame must live on: its tables say where its memory is
    return again


def nothing() -> Callable[[], Any]:
    """As `kernels_of` where there are none."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        run = tf.Session().make_callable(x, [x])
        run(1.0)
        return kernels_of(run)


def session_cases() -> list[Case]:
    """A scalar training step."""
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
        loss = tf.square(tf.Variable(0.1) * x + tf.Variable(0.2) - y)
        train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    fetches, feeds = [train, loss], {x: 1.0, y: 2.0}
    call = session.make_callable(fetches, [x, y])
    call(1.0, 2.0)
    kernels = kernels_of(call)
    return [Case("Session.run, scalar training step", lambda: session.run(fetches, feeds), kernels, 3),
            Case("its callable", lambda: call(1.0, 2.0), kernels, 3)]


def keras_cases() -> list[Case]:
    """A model of little arithmetic in training and, of one row, the perceptron of the other benchmarks."""
    layers = keras.layers
    small = keras.Sequential([keras.Input((8,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    small.compile("adam", "mse", metrics=["mae"])
    x, y = np.ones((512, 8), "float32"), np.ones((512, 1), "float32")
    fit = {"batch_size": 1, "verbose": 0, "shuffle": False}
    small.fit(x, y, **fit)
    small.train_on_batch(x[:1], y[:1])
    step = kernels_of(next(run for key, run in small._steps.items() if "train" in key))
    mlp = keras.Sequential([keras.Input((784,)), layers.Dense(512, activation="relu"),
                            layers.Dense(256, activation="relu"), layers.Dense(10, activation="softmax")])
    row = np.ones((1, 784), "float32")
    mlp.predict_on_batch(row)
    predict = kernels_of(next(run for key, run in mlp._steps.items() if "predict" in key))
    return [Case("fit, a step", lambda: small.fit(x, y, **fit), step, 30, steps=512),
            Case("predict_on_batch, one row", lambda: mlp.predict_on_batch(row), predict, 1.5, ratio=True),
            Case("predict, one row", lambda: mlp.predict(row, verbose=0), predict, 1.5, ratio=True)]


def least(functions: list[Callable[[], Any]], turns: int) -> list[float]:
    """Microseconds of each, which take turns."""
    best = [float("inf")] * len(functions)
    for _ in range(turns):
        for i, function in enumerate(functions):
            count = max(1, int(BLOCK / best[i]))
            start = time.thread_time()
            for _ in range(count):
                function()
            best[i] = min(best[i], (time.thread_time() - start) / count)
    return [1e6 * seconds for seconds in best]


def main(turns: int) -> None:
    cases = session_cases() + keras_cases()
    empty, *found = least([nothing(), *(f for case in cases for f in (case.call, case.kernels))], turns)
    print("| what | call us | kernels us | overhead | limit | met |\n|---|---|---|---|---|---|")
    for case, call, kernels in zip(cases, found[::2], found[1::2], strict=True):
        call, kernels = call / case.steps, kernels - empty
        over = call / kernels if case.ratio else call - kernels
        unit = "x" if case.ratio else " us"
        print(f"| {case.what} | {call:.1f} | {kernels:.1f} | {over:.1f}{unit} | {case.limit}{unit} | "
              f"{'yes' if over <= case.limit else 'no'} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
