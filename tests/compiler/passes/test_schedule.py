"""The order in which a plan runs: what it keeps, and that no order's peak of live bytes is above the one before."""
from __future__ import annotations

import numpy as np
from built import Program
from graphflow.compiler.autodiff import gradients
from graphflow.compiler.ops import checks, state, view
from graphflow.compiler.ops import elementwise as ew
from graphflow.compiler.ops.contraction import matmul
from graphflow.compiler.ops.reduction import reduce_sum
from graphflow.compiler.passes.schedule import Lives, dependencies, lower_order
from hypothesis import given
from hypothesis import strategies as st

X = np.random.default_rng(0).standard_normal((64, 64)).astype("f4")


@st.composite
def graphs(draw):
    """(what each waits for, buffers that each makes or uses, bytes of the buffers): each makes one and uses some."""
    before, touched, nbytes = [], [], []
    for u in range(draw(st.integers(1, 25))):
        used = draw(st.sets(st.integers(0, u - 1), max_size=3)) if u else set()
        before.append(used | (draw(st.sets(st.integers(0, u - 1), max_size=1)) if u else set()))
        touched.append([u, *used])
        nbytes.append(draw(st.sampled_from([0, 64, 256, 4096])))
    return before, touched, nbytes


def peak(order, touched, nbytes):
    """By the definition."""
    place = {u: i for i, u in enumerate(order)}
    lives = [[place[u] for u, used in enumerate(touched) if b in used] for b in range(len(nbytes))]
    return max(sum(n for n, life in zip(nbytes, lives, strict=True) if min(life) <= i <= max(life))
               for i in range(len(order)))


@given(graphs())
def test_an_order_keeps_dependencies_and_lowers_the_peak(drawn):
    before, touched, nbytes = drawn
    lives = Lives(before, touched, nbytes, [[] for _ in before])
    order = lower_order(lives)
    if order is None:
        order = range(len(before))
    else:
        assert lives.peak(order) < lives.peak(range(len(before)))
    assert sorted(order) == list(range(len(before)))
    assert all(order.index(v) < order.index(u) for u, earlier in enumerate(before) for v in earlier)
    assert lives.peak(order) == peak(order, touched, nbytes)


@given(graphs(), st.booleans())
def test_what_can_run_runs_by_the_bytes_that_it_makes_more_than_it_frees(drawn, backwards):
    before, touched, nbytes = drawn
    order = Lives(before, touched, nbytes, [[] for _ in before]).listed(lambda growth, u: (growth, u), range(
        len(before)), backwards)
    waiting = [{u for u, b in enumerate(before) if v in b} for v in range(len(before))] if backwards else before
    alive = [set(t) for t in touched]
    users = [{u for u, t in enumerate(touched) if b in t} for b in range(len(nbytes))]
    done: set[int] = set()

    def growth(u):
        return sum(nbytes[b] * ((not users[b] & done) - (users[b] <= done | {u})) for b in alive[u])

    place = range(len(before))[::-1] if backwards else range(len(before))
    for u in order[::-1] if backwards else order:
        ready = [v for v in place if v not in done and waiting[v] <= done]
        assert u in ready and growth(u) == min(map(growth, ready))
        done.add(u)


def layers(x, **handles):
    """A training step of layers, by gradients that are scaled, with all updates after all gradients."""
    weights = [state.read_variable(h) for h in handles.values()]
    for w in weights:
        x = ew.tanh(matmul(x, w))
    grads = gradients(reduce_sum(x), weights)
    return [state.assign(h, w - g / (1 + reduce_sum(g * g))).op
            for h, w, g in zip(handles.values(), weights, grads, strict=True)]


def test_an_update_runs_once_its_gradient_is_there():
    program = Program(layers, X[:4], variables={f"v{i}": X for i in range(6)})

    def waiting(stage):
        """How many gradients of weights wait for their update, at most."""
        order = [op for op in program.after(stage).operations if op.type in ("MatMul", "Fused")]
        made = {t: i for i, op in enumerate(order) for t in op.outputs}
        lives = [(made[t], i) for i, op in enumerate(order) if op.type == "Fused" and op.attrs["writes"]
                 for t in op.inputs if t.op.type == "MatMul"]
        return max(sum(a <= i <= b for a, b in lives) for i in range(len(order)))

    assert (waiting("chain"), waiting("schedule")) == (6, 1)
    program.check()


def waits(program):
    """{name: names of what it waits for} of a program's operations that compute."""
    ops = program.after("chain").operations
    found = dependencies(ops, [[op] for op in ops])
    return {op.name: {ops[v].name for v in before} for op, before in zip(ops, found, strict=True)}


def test_effects_and_what_is_printed_keep_their_order():
    def build(x, v):
        shown = [checks.print_(x, x, message=name, first_n=-1, summarize=3, counter=None, name=name) for name in "ab"]
        return [*shown, state.assign(v, ew.exp(x), name="changed")]

    found = waits(Program(build, X, variables={"v": X}))
    assert "a" in found["b"] and "b" in found["changed"]


def test_what_reads_a_variable_keeps_its_place_among_its_assignments():
    def build(x, v):
        before = matmul(state.read_variable(v), x, name="before")
        first = state.assign(v, ew.exp(x), name="first")
        with x.op.graph.control_dependencies([first]):
            after = matmul(view.reshape(state.read_variable(v), [64, 64]), x, name="after")
            with x.op.graph.control_dependencies([after]):
                return [before, after, state.assign(v, x, name="second")]

    program = Program(build, X, variables={"v": X + 1})
    found = waits(program)
    assert "before" in found["first"] and "first" in found["after"] and {"first", "after"} <= found["second"]
    program.check()
