"""The convolutions, poolings and normalisations of the sweep, odd ones above all. Plain data for both sides."""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from time import perf_counter, thread_time


@dataclass(frozen=True)
class Case:
    """`kind` of x [batch, ..., channels] by a window; `pad` zeros on each side of every axis.

    The passes are those of `PASSES`: results y, and gradients dx for x and dw for the filters. Gradients of poolings
    and normalisations are timed with the results, as a step of training has them: what one side keeps from these for
    those, maxima's places or statistics, the other computes with them.
    """
    kind: str
    x: tuple[int, ...]
    window: tuple[int, ...] = ()
    filters: int = 0
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    groups: int = 1
    dtype: str = "float32"
    first: bool = False  # channels first

    @property
    def name(self) -> str:
        window = "x".join(map(str, self.window))
        more = [f"/{self.stride}" * (self.stride > 1), f":{self.dilation}" * (self.dilation > 1),
                f"+{self.pad}" * (self.pad > 0), f"g{self.groups}" * (self.groups > 1),
                "f64" * (self.dtype == "float64"), "first" * self.first]
        return " ".join(filter(None, [
            self.kind, "x".join(map(str, self.x)), window + (f"->{self.filters}" if self.filters else ""), *more]))

    @property
    def y(self) -> tuple[int, ...]:
        if not self.window:
            return self.x
        reach = [(k - 1) * self.dilation + 1 for k in self.window]
        sizes = [(n + 2 * self.pad - r) // self.stride + 1 for n, r in zip(self.x[1:-1], reach, strict=True)]
        return self.x[0], *sizes, self.filters or self.x[-1]

    @property
    def w(self) -> tuple[int, ...]:
        return *self.window, self.x[-1] // self.groups, self.filters

    @property
    def work(self) -> float:
        """Floating-point operations of a convolution; of anything else the bytes that it must move."""
        if self.kind == "conv":
            return 2 * prod(self.y) * prod(self.w[:-1])
        return (prod(self.x) + prod(self.y)) * (8 if self.dtype == "float64" else 4)


PASSES = {"conv": ("y", "dx", "dw"), "max": ("y", "dx"), "avg": ("y", "dx"), "norm": ("y", "dx")}


def _conv(x: tuple[int, ...], window: tuple[int, ...], filters: int, *more: int, **options: object) -> Case:
    return Case("conv", x, window, filters, *more, **options)  # type: ignore[arg-type]


CASES = [
    # of known models: a small CNN, ResNet50
    _conv((64, 28, 28, 1), (3, 3), 32), _conv((64, 13, 13, 32), (3, 3), 64), _conv((1, 28, 28, 1), (3, 3), 32),
    _conv((1, 224, 224, 3), (7, 7), 64, 2, 1, 3), _conv((8, 56, 56, 64), (3, 3), 64, 1, 1, 1),
    _conv((8, 28, 28, 128), (3, 3), 128, 1, 1, 1), _conv((8, 14, 14, 256), (3, 3), 256, 1, 1, 1),
    _conv((8, 7, 7, 512), (3, 3), 512, 1, 1, 1), _conv((1, 7, 7, 512), (3, 3), 512, 1, 1, 1),
    _conv((1, 14, 14, 256), (3, 3), 256, 1, 1, 1), _conv((8, 56, 56, 64), (1, 1), 256),
    _conv((8, 14, 14, 1024), (1, 1), 256), _conv((1, 7, 7, 2048), (1, 1), 512), _conv((8, 56, 56, 256), (1, 1), 512, 2),
    # a DCGAN
    _conv((64, 28, 28, 1), (5, 5), 64, 2, 1, 2), _conv((64, 14, 14, 64), (5, 5), 128, 2, 1, 2),
    _conv((64, 28, 28, 64), (4, 4), 3, 2, 1, 1), _conv((64, 7, 7, 128), (5, 5), 256, 1, 1, 2),
    # odd channels, windows, strides, dilations, batches
    _conv((7, 31, 29, 3), (5, 5), 17, 1, 1, 2), _conv((7, 31, 29, 17), (3, 3), 33, 1, 1, 1),
    _conv((7, 31, 29, 33), (3, 3), 17, 2, 1, 1), _conv((7, 31, 29, 33), (5, 5), 33, 3, 1, 2),
    _conv((100, 17, 17, 33), (3, 3), 33, 1, 1, 1), _conv((100, 9, 9, 17), (7, 7), 33, 1, 1, 3),
    _conv((1, 97, 97, 33), (7, 7), 33, 2, 1, 3), _conv((1, 128, 128, 3), (9, 9), 64, 1, 1, 4),
    _conv((7, 28, 28, 33), (3, 3), 33, 1, 2, 2), _conv((2, 64, 64, 32), (3, 3), 32, 1, 4, 4),
    _conv((7, 28, 28, 65), (1, 1), 33), _conv((100, 11, 11, 33), (1, 1), 3), _conv((7, 28, 28, 33), (1, 1), 65, 2),
    _conv((7, 40, 40, 16), (1, 7), 17, 1, 1, 0), _conv((7, 40, 40, 16), (7, 1), 17, 1, 1, 0),
    _conv((8, 12, 12, 256), (4, 4), 5), _conv((3, 64, 64, 3), (3, 3), 3, 1, 1, 1), _conv((8, 8, 8, 64), (8, 8), 100),
    _conv((16, 28, 28, 32), (3, 3), 3, 1, 1, 1), _conv((7, 31, 29, 17), (3, 3), 33, 1, 1, 1, dtype="float64"),
    _conv((8, 28, 28, 64), (3, 3), 64, 1, 1, 1, dtype="float64"),
    _conv((8, 28, 28, 33), (3, 3), 64, 2, 1, 1, first=True), _conv((8, 28, 28, 64), (3, 3), 64, 1, 1, 1, first=True),
    # groups, depthwise
    _conv((8, 28, 28, 64), (3, 3), 64, 1, 1, 1, 4), _conv((8, 14, 14, 256), (3, 3), 256, 1, 1, 1, 32),
    _conv((8, 56, 56, 128), (3, 3), 128, 1, 1, 1, 128), _conv((8, 56, 56, 128), (3, 3), 128, 2, 1, 1, 128),
    _conv((1, 112, 112, 32), (3, 3), 32, 1, 1, 1, 32), _conv((8, 14, 14, 512), (3, 3), 512, 1, 1, 1, 512),
    _conv((7, 29, 31, 33), (5, 5), 33, 1, 1, 2, 33), _conv((7, 29, 31, 17), (3, 3), 34, 1, 1, 1, 17),
    _conv((7, 28, 28, 33), (3, 3), 33, 1, 2, 2, 33), _conv((8, 28, 28, 32), (7, 7), 32, 1, 1, 3, 32, "float64"),
    # series and volumes
    _conv((32, 200, 64), (3,), 64, 1, 1, 1), _conv((7, 999, 17), (5,), 33, 2, 1, 0),
    _conv((1, 4001, 33), (7,), 33, 1, 4), _conv((32, 128, 3), (9,), 100),
    _conv((2, 16, 32, 32, 16), (3, 3, 3), 32, 1, 1, 1),
    _conv((7, 9, 17, 17, 3), (3, 3, 3), 17), _conv((1, 16, 31, 31, 33), (3, 3, 3), 33, 2, 1, 1),
    # pooling and batch normalisation in training
    Case("max", (64, 26, 26, 32), (2, 2), 0, 2), Case("max", (8, 112, 112, 64), (3, 3), 0, 2, 1, 1),
    Case("max", (7, 31, 29, 17), (3, 3), 0, 1, 1, 1), Case("max", (100, 24, 24, 3), (2, 2), 0, 2),
    Case("avg", (8, 56, 56, 64), (3, 3), 0, 1), Case("avg", (8, 7, 7, 2048), (7, 7), 0, 7),
    Case("avg", (7, 31, 29, 33), (2, 2), 0, 2), Case("max", (2, 16, 32, 32, 16), (2, 2, 2), 0, 2),
    Case("max", (32, 200, 64), (2,), 0, 2), Case("norm", (8, 56, 56, 64)), Case("norm", (64, 14, 14, 128)),
    Case("norm", (7, 31, 29, 33)), Case("norm", (8, 14, 14, 1024)), Case("norm", (8, 28, 28, 64), first=True),
]


def chosen(words: list[str]) -> Iterator[Case]:
    """The cases whose names contain one of the words, all for none."""
    return (case for case in CASES if not words or any(word in case.name for word in words))


def fastest(step: Callable[[], object], alone: bool, seconds: float = 0.25) -> float:
    """The least seconds of a call among `seconds` of them; of the calling thread's processor, if it works `alone`."""
    clock = thread_time if alone else perf_counter
    step()
    least, end, count = float("inf"), perf_counter() + seconds, 0
    while perf_counter() < end or count < 3:
        start = clock()
        step()
        least, count = min(least, clock() - start), count + 1
    return least


def threads() -> int:
    """Of either side: the first argument if it is a number, which is taken off; 1 otherwise."""
    return int(sys.argv.pop(1)) if sys.argv[1:2] and sys.argv[1].isdigit() else 1
