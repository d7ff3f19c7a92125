"""Convolutions, poolings and batch normalisations of many shapes: our rate, the machine's peak, and PyTorch's oneDNN.

    python benchmarks/sweep_conv.py [threads] [words of cases' names ...] [--alone]

Every line is one pass through a session: GF/s (pooling and normalisation: GB/s of what they must read and write), the
fraction of the peak that micro-kernels reach in the first-level cache, and PyTorch's time over ours. With one thread
(the default) the processor time counts, so that a busy machine disturbs little; `--alone` leaves PyTorch out.
"""
from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from shapes import PASSES, Case, chosen, fastest, threads

THREADS = threads()
os.environ["NUMBA_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402  (after the number of threads)
from graphflow.compiler.native.processor import isa, lanes  # noqa: E402
from graphflow.runtime import kernel_cache  # noqa: E402

import graphflow as gf  # noqa: E402

HERE = Path(__file__).parent
TORCH = HERE.parent / ".bench" / "torch" / "bin" / "python"
# work above which a convolution should come near the peak
LARGE = 10e6


def sink(x: gf.Tensor) -> gf.Operation:
    """An operation that needs all of `x` in memory but reads next to nothing of it."""
    flat = gf.reshape(x, (1, -1, 1, x.shape[-1]))
    return gf.nn.max_pool2d(flat, 1, (flat.shape[1], 1), "VALID").op


def build(case: Case) -> tuple[dict[str, list[gf.Operation]], dict[gf.Tensor, np.ndarray]]:
    """(what each pass has to run, what to feed) in the default graph."""
    rank = len(case.window)
    formats = ("NCW", "NCHW", "NCDHW") if case.first else ("NWC", "NHWC", "NDHWC")
    random = np.random.default_rng(0)
    feeds = {}

    def fed(shape: tuple[int, ...]) -> gf.Tensor:
        tensor = gf.placeholder(case.dtype, shape)
        feeds[tensor] = random.random(shape).astype(case.dtype)
        return tensor

    def images(shape: tuple[int, ...]) -> gf.Tensor:
        return fed((shape[0], shape[-1], *shape[1:-1]) if case.first else shape)

    x, dy = images(case.x), images(case.y)
    pads = ((case.pad, case.pad),) * rank
    if case.kind == "norm":
        weights = [fed(case.x[-1:]) for _ in range(2)]
        y = gf.nn.fused_batch_norm(x, *weights, data_format=formats[1])[0]
    elif case.kind == "conv":
        each = 1 < case.groups == case.x[-1]
        weights = [fed((*case.window, case.groups, case.filters // case.groups) if each else case.w)]
        if each:
            y = gf.nn.depthwise_conv2d(x, weights[0], (1, case.stride, case.stride, 1), [(0, 0), *pads, (0, 0)],
                                       (case.dilation, case.dilation))
        else:
            y = gf.nn.convolution(x, weights[0], pads, case.stride, case.dilation, data_format=formats[rank - 1])
    else:
        weights, pool = [], getattr(gf.nn, f"{case.kind}_pool{rank}d")
        y = pool(x, case.window, case.stride, pads if rank == 2 else "SAME" if case.pad else "VALID")
    wanted = {"y": [sink(y)]}
    for name, sources in ("dx", [x, *weights] if case.kind == "norm" else [x]), ("dw", weights):
        if name in PASSES[case.kind]:
            kept = [] if case.kind == "conv" else [y]
            wanted[name] = [sink(result) for result in [*kept, *gf.gradients(y, sources, dy)]]
    return wanted, feeds


def ours(case: Case) -> dict[str, float]:
    """Seconds of each pass."""
    with gf.Graph().as_default():
        wanted, feeds = build(case)
        session = gf.Session()
        steps = {name: partial(session.make_callable(targets, list(feeds)), *feeds.values())
                 for name, targets in wanted.items()}
        return {name: fastest(step, THREADS == 1) for name, step in steps.items()}


def peers(words: list[str]) -> dict[str, float]:
    """PyTorch's seconds by name of case and pass."""
    done = subprocess.run([str(TORCH), str(HERE / "peers" / "torch_sweep.py"), str(THREADS), *words], text=True,
                          env=os.environ | {"PYTHONPATH": str(HERE)}, stdout=subprocess.PIPE, check=True)
    return {name: float(seconds) for name, seconds in (line.rsplit(" ", 1) for line in done.stdout.splitlines())}


def peak(dtype: str) -> float:
    """Operations per second of the micro-kernel in the first-level cache, times the threads."""
    code, rows, depth, repeats = {"float32": "f32", "float64": "f64"}[dtype], isa().mr, 128, 2000
    columns = isa().nv * lanes(code)
    source = f'''"""The micro-kernel over and over."""
from graphflow.compiler.native.microkernel import microkernel
from graphflow.compiler.native.prelude import compiled, word

tile = microkernel({code!r}, {rows}, {isa().nv})


@compiled
def kernel(buffers, dims, begin, end, lane):
    a, b, c = word(buffers, 0), word(buffers, 1), word(buffers, 2)
    for i in range(begin, end):
        tile(a, {depth}, 1, 0, 1, {depth}, b, {columns}, 0, c, {columns}, 0)
'''
    kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(kernel_cache.load(source))
    arrays = [np.ones(shape, dtype) for shape in ((rows, depth), (depth, columns), (rows, columns))]
    table = np.array([array.ctypes.data for array in arrays])
    seconds = fastest(lambda: kernel(table.ctypes.data, 0, 0, repeats, 0), True)
    return 2 * rows * depth * columns * repeats / seconds * THREADS


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--alone"]
    theirs = {} if "--alone" in sys.argv else peers(words)
    fractions, ratios = [], []
    for case in chosen(words):
        top = peak(case.dtype)
        cells = []
        for name, seconds in ours(case).items():
            rate = case.work / seconds
            text = f"{name} {rate / 1e9:6.1f}"
            if case.kind == "conv":
                text += f" {rate / top:5.2f}"
                if case.work > LARGE:
                    fractions.append(rate / top)
            other = theirs.get(f"{case.name}/{name}")
            if other is not None:
                ratios.append((other / seconds, f"{case.name} {name}"))
                text += f" {other / seconds:6.2f}"
            cells.append(text)
        print(f"{case.name:42}", "   ".join(cells), flush=True)
    if fractions:
        print(f"median fraction of the peak above {LARGE / 1e6:.0f} MFLOP: {statistics.median(fractions):.2f}")
    if ratios:
        slower = sorted(ratio for ratio in ratios if ratio[0] < 1)
        print(f"PyTorch's time over ours: median {statistics.median(r for r, _ in ratios):.2f}; below 1:")
        print("\n".join(f"  {ratio:.2f} {name}" for ratio, name in slower))


if __name__ == "__main__":
    main()
