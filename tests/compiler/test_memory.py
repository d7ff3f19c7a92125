"""The memory plan: nothing alive at the same time overlaps, and little is wasted."""
from __future__ import annotations

import random

import numpy as np
import pytest
from graphflow.compiler.dtypes import float32
from graphflow.compiler.ir import Graph
from graphflow.compiler.memory import ALIGNMENT, Interval, aligned, live_peak, plan_memory
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops import state, view
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.reduction import reduce_sum
from graphflow.runtime.session import Session
from hypothesis import given
from hypothesis import strategies as st

# over the live peak, measured on 400 of each kind of chain below: 1.03 at worst where activations wait for the backward
# pass, 1.06 in forward passes, 1.17 with residual connections; 1.000, 1.002 and 1.003 on average. Buffers of random
# sizes and lives: 1.23 and 1.004
WORST, WORST_RANDOM, AVERAGE = 1.17, 1.24, 1.01

intervals = st.lists(st.builds(lambda n, a, b: Interval(n, min(a, b), max(a, b)), st.integers(0, 5000),
                               st.integers(0, 30), st.integers(0, 30)), max_size=40)


def overlap(a, b) -> bool:
    return a[0] < b[1] and b[0] < a[1]


@given(intervals)
def test_buffers_alive_at_once_do_not_overlap(buffers):
    offsets, total = plan_memory(buffers)
    places = [(at, at + b.nbytes) for at, b in zip(offsets, buffers, strict=True)]
    for i, a in enumerate(buffers):
        assert offsets[i] % ALIGNMENT == 0 and places[i][1] <= total
        for j, b in enumerate(buffers[:i]):
            if a.first <= b.last and b.first <= a.last:
                assert not overlap(places[i], places[j]), (a, b)


@given(intervals)
def test_the_arena_is_between_the_live_peak_and_the_sum(buffers):
    _, total = plan_memory(buffers)
    assert live_peak(buffers) <= total <= sum(aligned(b.nbytes) for b in buffers)


@given(st.integers(1, 5000), st.integers(1, 20))
def test_a_chain_needs_two_buffers(nbytes, length):
    _, total = plan_memory([Interval(nbytes, i, i + 1) for i in range(length)])
    assert total == min(length, 2) * aligned(nbytes)


def training(rng) -> list[Interval]:
    """Activations of layers kept for the backward pass, gradients that live for a step or two, scratch of a step."""
    depth = rng.randrange(2, 14)
    sizes = [rng.choice([64, 1024, 4096, 65536, 200_000, 1 << 20]) for _ in range(depth)]
    end = 2 * depth
    buffers = [Interval(n, i, end - i) for i, n in enumerate(sizes)]
    buffers += [Interval(n, end - i - 1, end - i) for i, n in enumerate(sizes)]
    return buffers + [Interval(rng.choice([256, 8192, 300_000]), s, s) for s in range(end) if rng.random() < 0.4]


def forward(rng) -> list[Interval]:
    depth = rng.randrange(2, 30)
    return [Interval(rng.choice([64, 4096, 65536, 1 << 20]), i, i + 1) for i in range(depth)]


def residual(rng) -> list[Interval]:
    """Blocks whose input is needed again at their end."""
    buffers, step = [], 0
    for _ in range(rng.randrange(1, 8)):
        size, inside = rng.choice([4096, 65536, 1 << 20]), rng.randrange(1, 5)
        buffers.append(Interval(size, step, step + inside + 1))
        buffers += [Interval(rng.choice([size, size // 4, size * 4]), step + k, step + k + 1)
                    for k in range(1, inside + 1)]
        step += inside + 1
    return buffers


def any_lives(rng) -> list[Interval]:
    """Sizes over four orders of magnitude, most of them alive for a few steps only."""
    firsts = [rng.randrange(100) for _ in range(rng.randrange(5, 100))]
    return [Interval(int(2 ** rng.uniform(6, 20)), first, first + int(rng.expovariate(1 / 8))) for first in firsts]


@pytest.mark.parametrize("chain", [training, forward, residual, any_lives])
def test_realistic_chains_waste_little(chain):
    rng = random.Random(7)
    chains = [chain(rng) for _ in range(400)]
    waste = [plan_memory(buffers)[1] / live_peak(buffers) for buffers in chains]
    assert max(waste) <= (WORST_RANDOM if chain is any_lives else WORST) and np.mean(waste) <= AVERAGE


# sharing memory between an output and an input that dies


X = np.random.default_rng(3).standard_normal((30, 30)).astype(np.float32)


def run(build):
    """The value of `build(h)` for a temporary h equal to X, passed on through a product so that it is no fetch."""
    graph = Graph()
    with graph.as_default():
        x = state.placeholder(float32, X.shape)
        eye = np.eye(30, dtype=np.float32)
        results = build(matmul(x, eye))
        results = results if isinstance(results, tuple) else (results,)
        fetches = [matmul(r, eye) for r in results]
    session = Session(graph=graph)
    values = session.run(fetches, {x: X})
    frame = session.runner(fetches, [x]).frame((X.shape,))
    return values, frame.binding


@pytest.mark.parametrize("build, expect", [
    (lambda h: h * 2 + 1, lambda h: (h * 2 + 1,)),
    (lambda h: h + view.reverse(h, [1]), lambda h: (h + h[:, ::-1],)),
    (lambda h: h + view.transpose(h), lambda h: (h + h.T,)),
    (lambda h: h + view.transpose(view.reshape(h, [30, 30])), lambda h: (h + h.T,)),
    (lambda h: view.reshape(view.reshape(h, [900])[::-1], [30, 30]) - h, lambda h: (h[::-1, ::-1] - h,)),
    (lambda h: h + h[0], lambda h: (h + h[0],)),
    (lambda h: h / (1 + reduce_sum(h * h)), lambda h: (h / (1 + (h * h).sum()),)),
    (lambda h: h / (1 + reduce_sum(h * h, 0)), lambda h: (h / (1 + (h * h).sum(0)),)),
    (lambda h: (h + 1, h * 3), lambda h: (h + 1, h * 3)),
    (lambda h: (h + 1, view.reverse(h, [0]) * 3), lambda h: (h + 1, h[::-1] * 3)),
    (lambda h: ew.where(h > view.reverse(h, [0]), h, -h), lambda h: (np.where(h > h[::-1], h, -h),)),
])
def test_sharing_memory_keeps_values(build, expect):
    values, _ = run(build)
    for value, want in zip(values, expect(X), strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-4, atol=1e-4)


def test_an_elementwise_step_computes_in_place():
    def build(h):
        for _ in range(3):
            h = view.reverse(ew.tanh(h) + 1, [0])
        return h

    _, binding = run(build)
    assert binding.arena_bytes <= 2 * X.nbytes + 4096


def test_the_whole_plan_of_a_session_keeps_lives_apart():
    def build(h):
        a = ew.exp(h)
        b = matmul(a, h)
        return matmul(b, a) + b, a / reduce_sum(a, 1, keepdims=True)

    _, binding = run(build)
    places = [life for life in binding.locations.values() if life.kind == "arena"]
    assert len(places) > 2
    for i, a in enumerate(places):
        assert a.offset + a.nbytes <= binding.arena_bytes
        for b in places[:i]:
            together = a.first <= b.last and b.first <= a.last
            shared = a.offset == b.offset and a.nbytes == b.nbytes and (a.first == b.last or b.first == a.last)
            assert shared or not together or not overlap(
                (a.offset, a.offset + a.nbytes), (b.offset, b.offset + b.nbytes)), (a, b)
