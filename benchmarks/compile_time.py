"""What compiling takes: the first call of models in processes of their own, with an empty and with a filled cache of
kernels, and the passes on a graph of 10,000 operations.

`python benchmarks/compile_time.py` prints the table; `compile_time.py NAME` measures one process and prints the seconds
of the first call (of the passes for `passes`), the kernels compiled and loaded, and the peak of its memory in MB.
"""
from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from models import Models
from timing import elapsed

# what is run in turn on one cache: (name, what it is, the seconds that it may take, the MB)
PROCESSES: list[tuple[str, str, float | None, int | None]] = [
    ("resnet50", "ResNet50 forward, 1 image, empty cache", 15, None),
    ("resnet50", "the same, filled cache", 1.5, None),
    ("resnet50_b8", "the same, 8 images", 1.5, None),
    ("resnet101", "ResNet101 forward, 1 image", None, None),
    ("cnn", "CNN training step, 64 images", 4, 350),
    ("cnn", "the same, filled cache", 0.9, 350),
    ("cnn_b100", "the same, 100 images", 0.9, None),
    ("cnn_other", "a CNN of other widths, 3 channels and 36x36, 32 images", None, None),
    ("passes", "passes on 10,000 operations (165 layers and their Adam step)", 5, None),
]


def keras_models() -> Models:
    from graphflow import keras
    return Models(keras)


def resnet(name: str, images: int) -> Callable[[], Any]:
    model = getattr(keras_models().keras.applications, name)(weights=None)
    model.get_weights()  # they are drawn before the call that is timed
    return lambda: model.predict_on_batch(np.ones((images, 224, 224, 3), "float32"))


def cnn(images: int) -> Callable[[], Any]:
    return step(keras_models().cnn(), images)


def other_cnn() -> Callable[[], Any]:
    models = keras_models()
    layers = models.layers
    return step(models.compiled(models.keras.Sequential([
        models.keras.Input((36, 36, 3)), layers.Conv2D(48, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(96, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(200, activation="relu"), layers.Dense(7, activation="softmax")]),
        "sparse_categorical_crossentropy"), 32)


def step(model: Any, images: int) -> Callable[[], Any]:
    model.get_weights()
    x, y = np.ones((images, *model.input_shape[1:]), "float32"), np.zeros(images, "int32")
    return lambda: model.train_on_batch(x, y)


def passes() -> Callable[[], Any]:
    from graphflow.compiler.passes.specialise import shape_pattern, specialise
    from graphflow.compiler.pipeline import Stage, compile_graph

    import graphflow as gf

    h = x = gf.placeholder(gf.float32, [None, 16])
    for _ in range(165):
        h = gf.nn.relu(gf.matmul(h, gf.Variable(gf.zeros([16, 16]))) + gf.Variable(gf.zeros([16])))
    loss = gf.reduce_mean(gf.square(h))
    train = gf.train.AdamOptimizer().minimize(loss)

    def run() -> None:
        graph = specialise([loss], [train], [x], shape_pattern([x], [(32, 16)]))[0]
        stages: list[Stage] = []
        compile_graph(graph, stages)
        counts = [len(stage.graph.operations) for stage in stages]
        print(f"{len(graph.operations):,} operations, at most {max(counts):,}, {counts[-1]:,} in the end", *(
            f"{s.name} {s.seconds:.2f}" for s in stages if s.seconds > 0.02), sep=", ", file=sys.stderr)

    return run


POINTS: dict[str, Callable[[], Callable[[], Any]]] = {
    "resnet50": lambda: resnet("ResNet50", 1), "resnet50_b8": lambda: resnet("ResNet50", 8),
    "resnet101": lambda: resnet("ResNet101", 1), "cnn": lambda: cnn(64), "cnn_b100": lambda: cnn(100),
    "cnn_other": other_cnn, "passes": passes}


def point(name: str) -> None:
    from graphflow.runtime import kernel_cache

    call = POINTS[name]()
    before = set(kernel_cache.loads)
    seconds = elapsed(call)
    loads = [load for source, load in kernel_cache.loads.items() if source not in before]
    for _ in range(10 if name == "cnn" else 0):
        call()
    print(seconds, sum(load.compiled for load in loads), len(loads),
          resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    print("| what | first call, s | kernels compiled, of | process, s | process, MB | within its limits |",
          "|---|---|---|---|---|---|", sep="\n")
    with tempfile.TemporaryDirectory() as cache:
        for name, what, limit, most in PROCESSES:
            start = time.perf_counter()
            output = subprocess.run([sys.executable, str(Path(__file__)), name], stdout=subprocess.PIPE, text=True,
                                    check=True, env=os.environ | {"GRAPHFLOW_CACHE_DIR": cache}).stdout
            process = time.perf_counter() - start
            seconds, compiled, loaded, mb = map(float, output.split()[-4:])
            within = [value <= bound for value, bound in ((seconds, limit), (mb, most)) if bound is not None]
            print(f"| {what} | {seconds:.2f} | {compiled:.0f} of {loaded:.0f} | {process:.1f} | {mb:.0f} | "
                  f"{'' if not within else 'yes' if all(within) else 'no'} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        point(sys.argv[1])
    else:
        main()
