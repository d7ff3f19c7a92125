"""How the cost of training grows with batch size, width, depth and length, beside peers: time and memory of a step.

`python benchmarks/growth.py` writes growth.md and growth.png (with matplotlib) here; names of models restrict it, and
`--peers` says beside whom (PyTorch alone by default, whose steps are the fastest). Each point is a process of its own:
`growth.py SIDE MODEL BATCH WIDTH DEPTH LENGTH` prints the seconds of an Adam step and the peak of the process's
resident memory in MB. Ratios are to the best peer.
"""
from __future__ import annotations

import argparse
import functools
import importlib
import math
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from run import processor
from sides import ENVIRONMENTS, HERE
from timing import elapsed

PEERS = ("torch", "tensorflow")
STEPS, SECONDS = 15, 2.0  # of a point at most, but for three steps


class Size(NamedTuple):
    """The size of a model and of what it is fed; `length` is the side of an image, or of a sequence the steps."""

    batch: int
    width: int
    depth: int
    length: int


MODELS = {"mlp": Size(128, 256, 2, 1), "cnn": Size(32, 32, 2, 28), "lstm": Size(32, 64, 1, 50)}
FACTORS = (1, 2, 4, 8)
# by (model, what grows): at each value (seconds, MB) of each side
Curves = dict[tuple[str, str], list[tuple[int, list[tuple[float, float]]]]]


def points(model: str) -> list[tuple[str, Size]]:
    """(what grows, size) of each point: one thing at a time."""
    base = MODELS[model]
    return [(field, base._replace(**{field: getattr(base, field) * factor})) for field in Size._fields
            for factor in FACTORS if field != "length" or model != "mlp"]


def data(model: str, size: Size) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    shape = {"mlp": (size.batch, 256), "cnn": (size.batch, size.length, size.length, 3),
             "lstm": (size.batch, size.length, 32)}[model]
    return random.rand(*shape).astype("float32"), random.randint(0, 10, size.batch)


def keras_step(module: str, model: str, size: Size) -> Callable[[], Any]:
    keras = importlib.import_module(module)
    layers = keras.layers
    x, y = data(model, size)
    hidden = {"mlp": lambda i: layers.Dense(size.width, activation="relu"),
              "cnn": lambda i: layers.Conv2D(size.width, 3, padding="same", activation="relu"),
              "lstm": lambda i: layers.LSTM(size.width, return_sequences=i + 1 < size.depth)}[model]
    pooling = [layers.GlobalAveragePooling2D()] if model == "cnn" else []
    net = keras.Sequential([keras.Input(x.shape[1:]), *map(hidden, range(size.depth)), *pooling, layers.Dense(10)])
    net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return lambda: net.train_on_batch(x, y)


def torch_step(model: str, size: Size) -> Callable[[], Any]:
    import torch
    from torch import nn

    x, y = (torch.tensor(a) for a in data(model, size))
    x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) if model == "cnn" else x
    sizes = [x.shape[-1] if model != "cnn" else 3, *[size.width] * size.depth]
    pairs = list(zip(sizes, sizes[1:], strict=False))
    if model == "lstm":
        body: Any = nn.LSTM(sizes[0], size.width, size.depth, batch_first=True)
    else:
        body = nn.Sequential(*(layer for a, b in pairs for layer in (
            nn.Linear(a, b) if model == "mlp" else nn.Conv2d(a, b, 3, padding="same"), nn.ReLU())))
    head = nn.Linear(size.width, 10)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-3, fused=True)
    last = {"mlp": lambda h: h, "cnn": lambda h: h.mean((2, 3)), "lstm": lambda h: h[0][:, -1]}[model]

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(last(body(x))), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


STEPS_OF: dict[str, Callable[[str, Size], Callable[[], Any]]] = {
    "graphflow": functools.partial(keras_step, "graphflow.keras"), "tensorflow": functools.partial(keras_step, "keras"),
    "torch": torch_step}


@functools.cache
def measure(side: str, model: str, size: Size) -> tuple[float, float]:
    """(seconds of a step, MB of the process) of one point, in a process of its own; not numbers where that fails."""
    python = sys.executable if side == "graphflow" else str(ENVIRONMENTS / side / "bin" / "python")
    command = [python, str(Path(__file__)), side, model, *map(str, size)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{side} {model} {size}: {done.stderr.strip()[-300:]}", file=sys.stderr, flush=True)
        return math.nan, math.nan
    seconds, mb = map(float, done.stdout.split()[-2:])
    return seconds, mb


def point(side: str, model: str, size: Size) -> None:
    step = STEPS_OF[side](model, size)
    for _ in range(2):
        step()
    times = [elapsed(step) for _ in range(3)]
    while len(times) < STEPS and sum(times) < SECONDS:
        times.append(elapsed(step))
    print(statistics.median(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(models: list[str], peers: list[str]) -> None:
    sides = ["graphflow", *peers]
    lines = ["| model | grows | value | " + " | ".join(f"{s}, ms | {s}, MB" for s in sides) + " | time | memory |",
             "|---|---|---|" + "---|" * (2 * len(sides) + 2)]
    curves: Curves = {}
    for model in models or MODELS:
        for field, size in points(model):
            found = [measure(side, model, size) for side in sides]
            curves.setdefault((model, field), []).append((getattr(size, field), found))
            cells = [f"{seconds * 1e3:.2f} | {mb:.0f}" for seconds, mb in found]
            ratios = [f"{ours / min(theirs):.2f}" for ours, *theirs in zip(*found, strict=True) if theirs]
            lines.append(f"| {model} | {field} | {getattr(size, field)} | {' | '.join(cells + ratios)} |")
            print(lines[-1], flush=True)
    about = f"{processor()}, {os.cpu_count()} cores; medians of Adam steps, resident memory at its peak."
    (HERE / "growth.md").write_text("\n".join(["# How cost grows", "", about, "", *lines]) + "\n")
    plot(curves, sides)


def plot(curves: Curves, sides: list[str]) -> None:
    """Time above memory, a column for each thing that grows; both axes logarithmic."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(curves), figsize=(2.4 * len(curves), 5), squeeze=False, layout="constrained")
    for column, ((model, field), found) in zip(axes.T, curves.items(), strict=True):
        for row, (axis, unit) in enumerate(zip(column, ("s a step", "MB"), strict=True)):
            for i, side in enumerate(sides):
                axis.loglog([at for at, _ in found], [values[i][row] for _, values in found], "o-", label=side)
            axis.set(title=f"{model}: {field}", ylabel=unit)
    axes[0, 0].legend()
    figure.savefig(HERE / "growth.png", dpi=100)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STEPS_OF:
        point(sys.argv[1], sys.argv[2], Size(*map(int, sys.argv[3:])))
    else:
        parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
        parser.add_argument("models", nargs="*", help=f"of {', '.join(MODELS)}")
        parser.add_argument("--peers", nargs="*", choices=PEERS, default=["torch"])
        options = parser.parse_args()
        main(options.models, options.peers)
